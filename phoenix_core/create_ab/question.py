"""``phoenix why``: why an AB takes what it takes, and where a frame went.

Asked of the headers as they are now, by the rules as they are now; where the AB on
disk takes something else, the answer says so of each association.
"""

from collections.abc import Mapping, Sequence
from datetime import date as calendar_date
from pathlib import Path

from attrs import frozen

from phoenix_core.create_ab.blocks import block_of
from phoenix_core.create_ab.classify import Frame, classify
from phoenix_core.create_ab.create import Organised, night_of, organise
from phoenix_core.create_ab.drafts import Draft, Missing
from phoenix_core.create_ab.failed import failed, nearest_class
from phoenix_core.create_ab.headers import find_headers
from phoenix_core.create_ab.on_disk import (
    OnDisk,
    find_on_disk,
    other_differences,
    state_of,
    with_differences,
)
from phoenix_core.create_ab.rules import Rules, Source
from phoenix_core.create_ab.why import Account, account
from phoenix_core.errors import ConfigError
from phoenix_core.model import Run
from phoenix_core.nearest import nearest


@frozen
class Input:
    """A frame or AB that an AB is made of; one with a problem is not taken."""

    name: str
    tag: str  # or category
    problem: str = ""


@frozen
class WhyAb:
    """An AB: what it is made of, what it lacks, and an account of each association.

    `on_disk` is the AB as it lies there; `differences` is what it has otherwise besides
    its associations, whose own differences are theirs.
    """

    name: str
    recipe: str
    group: str
    completeness: str
    missing: tuple[Missing, ...]
    inputs: tuple[Input, ...]
    associations: tuple[Account, ...]
    on_disk: OnDisk | None = None
    differences: tuple[str, ...] = ()


@frozen
class WhyFrame:
    """A frame: what it is, the ABs that take it, why none does, what is wrong with it.

    With a problem, the ABs are those that are INCOMPLETE because of it.
    """

    name: str
    kind: str  # "raw" or "calib"
    tag: str | None
    abs: tuple[str, ...] = ()
    why: str = ""
    problem: str = ""


def why(
    run: Run,
    rules: Rules,
    name: str,
    parameters: Mapping[str, Sequence[str]] | None = None,
) -> WhyAb | WhyFrame:
    """Account for an AB, or a frame.

    Args:
        run: the night or run.
        rules: those that it is organised by.
        name: of the AB or the file; a path is one too.
        parameters: recipe parameters over those of the rules.

    Raises:
        ConfigError: there is no such AB or frame.
    """
    name = Path(name).name
    organised = organise(run, rules)
    drafts = {draft.name: draft for draft in organised.drafts}
    if name in drafts:
        return _why_ab(run, organised, drafts[name], parameters or {})
    found = (
        _why_raw(organised, name)
        or _why_calib(organised, name)
        or _why_elsewhere(run, rules, name)
    )
    if found:
        return found
    if there := find_on_disk(run, name):
        state = state_of(there)
        told = f"one is in {state.place}, {state.status}: it was {state.origin}"
        raise ConfigError(f"the rules make no AB {name} of {run.label}; {told}")
    if not name.endswith(".ab"):
        raise ConfigError(f"there is no file {name} below raw and calib, nor an AB")
    hint = nearest(name, drafts)
    raise ConfigError(f"the rules make no AB {name} of {run.label}{hint}")


def _why_ab(
    run: Run,
    organised: Organised,
    draft: Draft,
    parameters: Mapping[str, Sequence[str]],
) -> WhyAb:
    now = block_of(run, organised.rules, draft, parameters)
    there = find_on_disk(run, draft.name)
    accounts = tuple(
        account(draft, association, organised.candidates)
        for association in draft.group.associations
    )
    return WhyAb(
        name=draft.name,
        recipe=draft.group.recipe,
        group=draft.group.name,
        completeness=now.value("COMPLETENESS"),
        missing=draft.missing,
        inputs=(
            *(Input(f.name, f.tag or "", f.problem) for f in draft.frames),
            *(Input(member.name, take) for member, take in draft.inputs),
        ),
        associations=with_differences(accounts, draft, there) if there else accounts,
        on_disk=state_of(there) if there else None,
        differences=other_differences(draft, now, there) if there else (),
    )


# Frames ---------------------------------------------------------------------------


def _why_raw(organised: Organised, name: str) -> WhyFrame | None:
    """Account for a raw frame of the night or run."""
    takers = _takers(organised, name)
    for draft in organised.drafts:
        for frame in draft.frames:
            if frame.name == name:
                return WhyFrame(name, "raw", frame.tag, takers, problem=frame.problem)
    for loose in organised.loose:
        frame = loose.frame
        if frame.name == name:
            nearly = _nearly(organised.rules, "raw", frame)
            told = "; ".join(text for text in (loose.why, nearly) if text)
            return WhyFrame(name, "raw", frame.tag, takers, told)
    return None


def _why_calib(organised: Organised, name: str) -> WhyFrame | None:
    """Account for a calibration file that has a tag, or is damaged."""
    for (source, tag), candidates in organised.candidates.by_tag.items():
        for one in candidates:
            if source is Source.CALIB and one.name == name:
                takers = _takers(organised, name)
                why = "" if takers else one.problem or "nothing takes it"
                return WhyFrame(name, "calib", tag, takers, why)
    return None


def _why_elsewhere(run: Run, rules: Rules, name: str) -> WhyFrame | None:
    """Account for a file that is of another night or run, or not looked at."""
    directories = run.config.directories
    for kind, place in (("raw", directories.raw), ("calib", directories.calib)):
        found = find_headers(place, name, rules.wanted)
        if not found:
            continue
        frames = classify(rules, kind, found)
        if not frames:
            told = " and ".join(failed(found[0].header.values, rules.only))
            return WhyFrame(name, kind, None, why=f"it is not looked at: {told}")
        frame = frames[0]
        if kind == "calib":
            told = "; ".join((_untagged(rules), _nearly(rules, kind, frame)))
            return WhyFrame(name, kind, frame.tag, why=frame.problem or told)
        return WhyFrame(name, kind, frame.tag, why=_whose(run, rules, frame))
    return None


def _untagged(rules: Rules) -> str:
    return f"no rule classifies it, and it has no {rules.calib_tag} that is a name"


def _whose(run: Run, rules: Rules, frame: Frame) -> str:
    """Say to which night or run a raw frame belongs."""
    if run.run_id is not None:
        program = frame.values.get(rules.keywords.program)
        has_none = f"it has no {rules.keywords.program}"
        return f"it is of run {program}" if program else frame.problem or has_none
    folder = Path(frame.path).relative_to(run.config.directories.raw).parts[0]
    night = folder if _is_date(folder) else night_of(frame, rules)
    if night is None:
        return frame.problem or f"it has no {rules.keywords.mjd}: it is of no night"
    return f"it is of night {night}"


def _is_date(text: str) -> bool:
    try:
        calendar_date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _nearly(rules: Rules, of: str, frame: Frame) -> str:
    """Say what a frame would have to have so that a rule took it."""
    if frame.problem or frame.tag == "":
        return ""
    if frame.tag is None:
        return nearest_class(rules, of, frame.values)
    told = [
        f"not of {group.name}: {' and '.join(why)}"
        for group in rules.groups
        if frame.tag in group.tags
        and not group.members
        and (why := tuple(failed(frame.values, group.when)))
    ]
    return "; ".join(told)


def _takers(organised: Organised, name: str) -> tuple[str, ...]:
    return tuple(
        draft.name
        for draft in organised.drafts
        if any(frame.name == name for frame in draft.frames)
        or any(one.name == name for choice in draft.choices for one in choice.taken)
    )
