"""The AB on disk beside what the rules would make now, association by association."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import evolve, frozen

from phoenix_core.ab.file import read_block
from phoenix_core.association_block import AssociationBlock
from phoenix_core.create_ab.drafts import Draft
from phoenix_core.create_ab.rules import Association
from phoenix_core.create_ab.why import Account
from phoenix_core.model import Run

EDITED = "edited by hand"
_OTHERWISE = "made before, or changed by the AB_PGI"

Input = tuple[str, str]
"""A file or AB, and its tag."""


@frozen
class OnDisk:
    """An AB as it is: where it lies, what became of it, and how it came about."""

    place: str
    status: str
    cause: str
    origin: str


def find_on_disk(run: Run, name: str) -> AssociationBlock | None:
    """Return the active AB of a name, else the one that part 3 has moved, if any."""
    moved = run.config.directories.logs / run.date / name
    for path in (run.ab_path(name), moved):
        if path.is_file():
            return read_block(path)
    return None


def state_of(block: AssociationBlock) -> OnDisk:
    """Tell what became of an AB on disk."""
    # Without AB_SUM it was not phoenix who wrote it.
    is_edited = block.is_edited or not block.value("AB_SUM")
    origin = EDITED if is_edited else _OTHERWISE
    place = str((block.source or Path()).parent)
    return OnDisk(place, block.status.value, block.cause, origin)


def with_differences(
    accounts: Sequence[Account], draft: Draft, block: AssociationBlock
) -> tuple[Account, ...]:
    """Say of each association what the AB on disk has instead."""
    there = _inputs(block) - _own(draft)
    origin = state_of(block).origin
    found = []
    for told, association in zip(accounts, draft.group.associations, strict=True):
        old = {name for name, tag in there if tag in _tags(association)}
        new = {fit.name for fit in told.taken}
        has = ", ".join(sorted(old)) or "none"
        text = f"the AB has {has}: it was {origin}" if old != new else ""
        found.append(evolve(told, difference=text))
    return tuple(found)


def other_differences(
    draft: Draft, now: AssociationBlock, block: AssociationBlock
) -> tuple[str, ...]:
    """Say what else is otherwise in the AB on disk, besides its associations."""
    tags = {tag for one in draft.group.associations for tag in _tags(one)}
    told = [*_compared(block, now, tags)]
    if not told:
        return ()
    return (f"the AB was {state_of(block).origin}: it {', '.join(told)}",)


def _compared(
    old: AssociationBlock, now: AssociationBlock, tags: set[str]
) -> Iterator[str]:
    there = {one for one in _inputs(old) if one[1] not in tags}
    new = {one for one in _inputs(now) if one[1] not in tags}
    yield from (f"takes {name} ({tag})" for name, tag in sorted(there - new))
    yield from (f"does not take {name} ({tag})" for name, tag in sorted(new - there))
    yield from (f"has {p}" for p in sorted(set(old.params) - set(now.params)))
    yield from (f"has no {p}" for p in sorted(set(now.params) - set(old.params)))
    if old.recipe != now.recipe:
        yield f"calls {old.recipe}"


def _own(draft: Draft) -> set[Input]:
    frames = {(frame.name, frame.tag or "") for frame in draft.frames}
    return frames | {(member.name, take) for member, take in draft.inputs}


def _tags(association: Association) -> set[str]:
    return {association.tag, *(level.tag for level in association.levels)}


def _inputs(block: AssociationBlock) -> set[Input]:
    raw = {(raw.file, raw.tag) for raw in block.rawfiles}
    return raw | {(mcalib.file, mcalib.tag) for mcalib in block.mcalibs}
