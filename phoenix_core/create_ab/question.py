"""``phoenix why``: why an AB takes what it takes, and where a raw frame went.

Asked of the headers as they are now, by the rules as they are now; where the AB on
disk takes something else, the answer says so.
"""

from collections.abc import Sequence

from attrs import frozen

from phoenix_core.ab_file import read_block
from phoenix_core.association_block import AssociationBlock
from phoenix_core.create_ab.blocks import block_of
from phoenix_core.create_ab.classify import Frame
from phoenix_core.create_ab.create import Organised, organise
from phoenix_core.create_ab.drafts import Draft, Missing
from phoenix_core.create_ab.rules import Rules
from phoenix_core.create_ab.why import Account, account
from phoenix_core.errors import ConfigError
from phoenix_core.model import Run
from phoenix_core.nearest import nearest


@frozen
class WhyAb:
    """An AB: what it is made of, what it lacks, and an account of each association."""

    name: str
    recipe: str
    group: str
    completeness: str
    missing: tuple[Missing, ...]
    inputs: tuple[tuple[str, str], ...]  # frame or AB, tag or category
    associations: tuple[Account, ...]
    difference: str = ""  # between this and the AB on disk


@frozen
class WhyFrame:
    """A raw frame: what it is, the ABs that take it, or why none does."""

    name: str
    tag: str | None
    abs: tuple[str, ...]
    why: str = ""


def why(run: Run, rules: Rules, name: str) -> WhyAb | WhyFrame:
    """Account for an AB, or a raw frame.

    Raises:
        ConfigError: there is no such AB or frame.
    """
    organised = organise(run, rules)
    drafts = {draft.name: draft for draft in organised.drafts}
    if name in drafts:
        return _why_ab(run, organised, drafts[name])
    if found := _why_frame(organised, name):
        return found
    hint = nearest(name, drafts)
    raise ConfigError(f"the rules make no AB {name} of {run.label}{hint}")


def _why_ab(run: Run, organised: Organised, draft: Draft) -> WhyAb:
    block = block_of(run, organised.rules, draft, {})
    return WhyAb(
        name=draft.name,
        recipe=draft.group.recipe,
        group=draft.group.name,
        completeness=block.value("COMPLETENESS"),
        missing=draft.missing,
        inputs=(
            *((frame.name, frame.tag or "") for frame in draft.frames),
            *((member.name, take) for member, take in draft.inputs),
        ),
        associations=tuple(
            account(draft, association, organised.candidates)
            for association in draft.group.associations
        ),
        difference=_difference(run, block),
    )


def _difference(run: Run, now: AssociationBlock) -> str:
    path = run.ab_path(now.name)
    if not path.exists():
        return ""
    there = read_block(path)
    old, new = _inputs(there), _inputs(now)
    told = [f"takes {name}" for name in sorted(old - new)]
    told += [f"does not take {name}" for name in sorted(new - old)]
    if not told:
        return ""
    made = "was edited by hand" if there.is_edited else "was made otherwise"
    return f"the AB in {path.parent} {made}: it {', '.join(told)}"


def _inputs(block: AssociationBlock) -> set[str]:
    raw = {f"{raw.file} ({raw.tag})" for raw in block.rawfiles}
    return raw | {f"{mcalib.file} ({mcalib.tag})" for mcalib in block.mcalibs}


def _why_frame(organised: Organised, name: str) -> WhyFrame | None:
    for loose in organised.loose:
        if loose.frame.name == name:
            return WhyFrame(
                name, loose.frame.tag, _taken_by(organised, name), loose.why
            )
    for frame in _frames(organised.drafts):
        if frame.name == name:
            return WhyFrame(name, frame.tag, _taken_by(organised, name), frame.problem)
    return None


def _frames(drafts: Sequence[Draft]) -> Sequence[Frame]:
    return [frame for draft in drafts for frame in draft.frames]


def _taken_by(organised: Organised, name: str) -> tuple[str, ...]:
    return tuple(
        draft.name
        for draft in organised.drafts
        if any(frame.name == name for frame in draft.frames)
        or any(one.name == name for choice in draft.choices for one in choice.taken)
    )
