"""The association log of a night or run, for people: `createAB.alog`.

It has every AB with what it takes, and every raw frame that is in none. `phoenix why`
tells more of one AB, and is asked of the headers, not of this file.
"""

from collections.abc import Iterator
from pathlib import Path

from phoenix_core.create_ab.associate import distance
from phoenix_core.create_ab.classify import Frame
from phoenix_core.create_ab.create import Organised
from phoenix_core.create_ab.drafts import Draft
from phoenix_core.create_ab.rules import FILE
from phoenix_core.create_ab.why import told_days
from phoenix_core.files.atomic import write_text
from phoenix_core.model import Run
from phoenix_core.words.plain_text import plain


def log_path(run: Run) -> Path:
    """Where the association log of a run lies."""
    return run.monitor_dir / "createAB.alog"


def write_log(run: Run, organised: Organised) -> None:
    """Write the association log of a run."""
    path = log_path(run)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, "\n".join(map(plain_line, log_lines(run, organised))) + "\n")


def plain_line(line: str) -> str:
    """A line without what a terminal would obey; its indent stays."""
    indent = len(line) - len(line.lstrip(" "))
    return " " * indent + plain(line)


def log_lines(run: Run, organised: Organised) -> Iterator[str]:
    """Go through the lines of the log."""
    drafts = organised.drafts
    bad = sum(bool(draft.missing) for draft in drafts)
    yield f"{run.label} ({run.date}) by {organised.rules.path}"
    left = len(organised.loose)
    yield f"  {len(drafts)} ABs, {bad} INCOMPLETE; {left} raw frames in no AB"
    for loose in organised.loose:
        yield f"  {loose.frame.name} is in no AB: {loose.why}"
    for frame in organised.outside:
        yield f"  {frame.name} is of another night"
    for spare in organised.spare:
        yield f"  {spare.name} is not taken: {spare.why}"
    for frame in organised.broken:
        yield f"  {frame.name} is not taken: {frame.problem}"
    for draft in drafts:
        yield ""
        yield from _draft_lines(draft)


def _draft_lines(draft: Draft) -> Iterator[str]:
    state = "INCOMPLETE" if draft.missing else "COMPLETE"
    yield f"{draft.name} {draft.group.recipe} {state}"
    if told := "; ".join(_named(draft)):
        yield f"  {told}"
    for missing in draft.missing:
        yield f"  MISSING {missing.what}: {missing.why}"
    for frame in draft.frames:
        yield f"  {frame.tag}: {frame.name}{_mark(frame)}"
    for member, take in draft.inputs:
        yield f"  {take}: {member.name}"
    for choice in draft.choices:
        level = choice.level
        if level is None:
            optional = " (optional)" if choice.association.optional else ""
            yield f"  {choice.association.tag}: none{optional}"
            continue
        for one in choice.taken:
            away = told_days(distance(draft, one))
            kind = one.source.value
            yield f"  {one.tag}: {one.name}, {kind}, level {level.number}, {away}"


def _mark(frame: Frame) -> str:
    return f", not taken: {frame.problem}" if frame.problem else ""


def _named(draft: Draft) -> Iterator[str]:
    """What makes it this AB: the values of its keys, and what the rules name."""
    values = draft.primary.values
    qualifiers = draft.group.qualifiers
    for key in draft.group.keys:
        if key != FILE and key not in qualifiers.values():
            yield f"{key} = {values.get(key, 'none')}"
    yield from (f"{n} = {values[k]}" for n, k in qualifiers.items() if k in values)
