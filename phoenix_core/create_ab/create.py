"""createAB: from the files below raw and calib to the ABs of a night or run."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date as calendar_date

from attrs import evolve, frozen

from phoenix_core.ab.inputs import files_below
from phoenix_core.association_block import AssociationBlock
from phoenix_core.create_ab.associate import Candidates, choose
from phoenix_core.create_ab.blocks import block_of
from phoenix_core.create_ab.classify import Frame, classify
from phoenix_core.create_ab.doubles import mark_doubles
from phoenix_core.create_ab.drafts import Candidate, Draft
from phoenix_core.create_ab.group import (
    Loose,
    Spare,
    group_frames,
    group_members,
    share_out,
)
from phoenix_core.create_ab.headers import headers_below
from phoenix_core.create_ab.rules import FILE, Rules, Source
from phoenix_core.create_ab.why import lack
from phoenix_core.errors import ConfigError
from phoenix_core.model import Run
from phoenix_core.records.ledger import open_ledger
from phoenix_core.run_id import parse_run_id

_MJD_OF_ORDINAL = 678576  # MJD = ordinal of the day - this


@frozen
class Organised:
    """A night or run, organised: its ABs, and the frames that are in none.

    `spare` are ABs above the maximum of what takes them, `broken` the calibration files
    that nothing may take, `outside` the raw frames of another night.
    """

    rules: Rules
    drafts: tuple[Draft, ...]
    loose: tuple[Loose, ...]
    spare: tuple[Spare, ...]
    broken: tuple[Frame, ...]
    candidates: Candidates
    outside: tuple[Frame, ...] = ()


def create_abs(
    run: Run, rules: Rules, parameters: Mapping[str, Sequence[str]] | None = None
) -> tuple[AssociationBlock, ...]:
    """Make the ABs of a night or run, sorted by name.

    Args:
        run: the night (or the run, whose frames are found by their programme).
        rules: what the instrument's frames are and belong with.
        parameters: recipe parameters over those of the rules, by recipe.

    Raises:
        ConfigError: there is no frame of it, or the database does not answer.
    """
    organised = organise(run, rules)
    return blocks_of(run, organised, parameters or {})


def blocks_of(
    run: Run, organised: Organised, parameters: Mapping[str, Sequence[str]]
) -> tuple[AssociationBlock, ...]:
    """Write the ABs of what was organised, sorted by name."""
    drafts = sorted(organised.drafts, key=lambda draft: draft.name)
    return tuple(block_of(run, organised.rules, d, parameters) for d in drafts)


def organise(run: Run, rules: Rules) -> Organised:
    """Read headers, classify, group and associate; nothing is written but headers.

    Raises:
        ConfigError: there is no frame of it, or the database does not answer.
    """
    directories = run.config.directories
    night = directories.raw / run.date
    by_directory = run.run_id is None and night.is_dir()
    place = night if by_directory else directories.raw
    with open_ledger(run.config.database) as ledger:
        raw = classify(rules, "raw", headers_below(ledger, place, rules.wanted))
        calib = classify(
            rules, "calib", headers_below(ledger, directories.calib, rules.wanted)
        )
    # Files are found by name below raw: one of another night may be in the way.
    raw = mark_doubles(
        rules, "raw", raw, files_below(directories.raw) if by_directory else {}
    )
    calib = mark_doubles(rules, "calib", calib, {})
    own = raw if by_directory else tuple(_own(run, rules, raw))
    if not own:
        raise ConfigError(f"there are no raw frames of {run.label} below {place}")
    found = associate(rules, own, raw, calib)
    if by_directory:
        known = [frame for frame in own if frame.tag and frame.mjd is not None]
        others = [frame for frame in known if night_of(frame, rules) != run.date]
        return evolve(found, outside=tuple(others))
    return evolve(found, loose=(*found.loose, *_unread(raw)))


def associate(
    rules: Rules, own: Sequence[Frame], raw: Sequence[Frame], calib: Sequence[Frame]
) -> Organised:
    """Make the ABs of some frames.

    Args:
        rules: the rules.
        own: the raw frames of the night or run.
        raw: all raw frames that an association may take.
        calib: all calibration files.
    """
    candidates = Candidates(rules)
    candidates.add(_files(raw, Source.RAW))
    candidates.add(_files(calib, Source.CALIB))
    taken, loose = share_out(rules, sorted(own, key=lambda frame: frame.order))
    named = {group.name: group for group in rules.groups}
    made: dict[str, tuple[Draft, ...]] = {}
    spare: tuple[Spare, ...] = ()
    for name in rules.order:
        group = named[name]
        if group.members:
            members = [draft for member in group.members for draft in made[member]]
            drafts, over = group_members(rules, group, members)
            spare += over
        else:
            drafts, left = group_frames(rules, group, taken[name])
            loose += left
        made[name] = tuple(_associated(draft, candidates) for draft in drafts)
        candidates.add(_virtual(made[name]))
    in_order = [draft for group in rules.groups for draft in made[group.name]]
    return Organised(
        rules,
        tuple(in_order),
        tuple(sorted(loose, key=lambda one: one.frame.order)),
        spare,
        tuple(frame for frame in calib if frame.problem),
        candidates,
    )


def _own(run: Run, rules: Rules, frames: Iterable[Frame]) -> Iterator[Frame]:
    """The frames of a run, by their programme, or of a night, by their time."""
    if run.run_id is not None:
        same: dict[object, bool] = {}
        for frame in frames:
            text = frame.values.get(rules.keywords.program)
            if text not in same:
                same[text] = _is_of(run, text)
            if same[text]:
                yield frame
        return
    for frame in frames:
        if night_of(frame, rules) == run.date:
            yield frame


def _unread(frames: Iterable[Frame]) -> Iterator[Loose]:
    """What says nothing may be of any night or run: it is in the log, no more."""
    for frame in frames:
        if frame.problem and set(frame.values) == {FILE}:
            told = f"{frame.problem}; nothing tells whose it is"
            yield Loose(frame, told, is_known=True)


def night_of(frame: Frame, rules: Rules) -> str | None:
    """Return the date of the night in which a frame was begun, None if unknown."""
    if frame.mjd is None:
        return None
    day = math.floor(frame.mjd - rules.noon) + _MJD_OF_ORDINAL
    try:
        return calendar_date.fromordinal(day).isoformat()
    except (ValueError, OverflowError):  # no calendar has it
        return None


def _is_of(run: Run, text: object) -> bool:
    try:
        return isinstance(text, str) and parse_run_id(text) == run.run_id
    except ConfigError:
        return False


def _files(frames: Iterable[Frame], source: Source) -> Iterator[Candidate]:
    for frame in frames:
        if frame.tag:
            yield Candidate(
                frame.name, frame.tag, frame.mjd, frame.values, source, frame.problem
            )


def _virtual(drafts: Iterable[Draft]) -> Iterator[Candidate]:
    """The products that ABs will make; those of an INCOMPLETE one never come."""
    for draft in drafts:
        primary = draft.primary
        for product in draft.products:
            yield Candidate(
                draft.name,
                product,
                primary.mjd,
                primary.values,
                Source.VIRTUAL,
                draft.problem,
                draft.root,
            )


def _associated(draft: Draft, candidates: Candidates) -> Draft:
    choices = tuple(
        choose(draft, association, candidates)
        for association in draft.group.associations
    )
    missing = [
        lack(draft, choice.association, candidates)
        for choice in choices
        if choice.level is None and not choice.association.optional
    ]
    return evolve(draft, choices=choices, missing=(*draft.missing, *missing))
