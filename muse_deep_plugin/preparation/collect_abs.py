"""Which ABs make a target: those of its exposures in branch MUSE_R, and their needs.

A pst AB needs the scibasic AB of its exposure and, where SKY was observed, a `_sky` AB
with the scibasic AB of the SKY exposure. What combined an OB before (`_tpl`, `_tal`)
is not taken along: no shallow datacubes are made.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from attrs import field, frozen

from muse_deep_plugin.exposure_time import in_time, time_stamp
from muse_deep_plugin.steps import EXP_COMBINE, SCIPOST
from phoenix_core.ab.cascade import in_order
from phoenix_core.ab.file import check_block
from phoenix_core.association_block import PROCESSING, AssociationBlock, is_safe_name
from phoenix_core.errors import ConfigError
from phoenix_core.pseudo_date import is_date_label

BRANCH: Final = "MUSE_R"
ReadAb = Callable[[str, str], AssociationBlock | None]
"""Reads the AB of a name from the night of that date; None where it is not there."""

_NOON: Final = dt.timedelta(hours=12)
_DAY: Final = dt.timedelta(days=1)
_COMBINING: Final = frozenset({"muse_exp_combine", "muse_exp_align"})
_FEWEST: Final = 2
_MOST: Final = 5000  # ABs of a target; 120 exposures with SKY have less than 500


@frozen
class Member:
    """A datacube that the target list selects, and the night it was observed in."""

    pipefile: str
    civil_date: str = ""
    combined: str = ""  # the combined datacube that it is part of

    @property
    def ab_name(self) -> str:
        """The AB that made it."""
        return _ab_of(self.pipefile)


@frozen
class Collected:
    """The ABs of a target, as the store has them.

    `exposures` are its pst ABs in time, `blocks` all its ABs, each behind what it
    needs; `params` those of muse_exp_combine. With `problems` it cannot be made.
    """

    target: str
    exposures: tuple[AssociationBlock, ...] = ()
    blocks: tuple[AssociationBlock, ...] = ()
    params: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def obs(self) -> tuple[str, ...]:
        """The OBs, by the time of their first exposure."""
        return tuple(dict.fromkeys(pst.value("OBS_ID") for pst in self.exposures))

    @property
    def with_sky(self) -> tuple[AssociationBlock, ...]:
        """The exposures that have SKY observations."""
        skies = {b.name for b in self.blocks if b.recipe == "muse_create_sky"}
        return tuple(pst for pst in self.exposures if skies & set(pst.needs))


def collect(target: str, members: Sequence[Member], read: ReadAb) -> Collected:
    """Collect the ABs that make a target; whatever is wrong is a problem, by its name.

    Args:
        target: the name of the target.
        members: the datacubes of single exposures, or combined ones: then all of
            their exposures.
        read: reads an AB from the store.
    """
    found = _Found(read)
    psts: dict[str, AssociationBlock] = {}
    for name, night in _exposures(members, found):
        if name in psts:
            found.problems.append(f"{name} is selected twice")
        elif pst := found.get(name, (night,), "", SCIPOST.recipe):
            psts[name] = pst
    if not found.problems and len(psts) < _FEWEST:
        found.problems.append(f"it has {len(psts)} exposure; a deep cube needs 2")
    blocks = _with_needs(psts.values(), found)
    params = _params_of_templates(members, found)
    ordered: tuple[AssociationBlock, ...] = ()
    if not found.problems:
        try:
            ordered = in_order(blocks)
        except ConfigError as error:
            found.problems.append(str(error))
    return Collected(
        target,
        tuple(psts[name] for name in sorted(psts, key=in_time)),
        ordered,
        params,
        tuple(dict.fromkeys(found.problems)),
        tuple(dict.fromkeys(found.notes)),
    )


def for_deep(
    block: AssociationBlock, date: str, *, crowded: bool = False
) -> AssociationBlock:
    """Return an AB of MUSE_R as it goes into a run's deep datacubes, not processed yet.

    Args:
        block: the AB.
        date: the run's pseudo-date.
        crowded: whether the sky of its exposure is not to be subtracted; scipost ABs.
    """
    mode = ["CROWDED"] if crowded and block.recipe == SCIPOST.recipe else []
    return block.updated(
        {
            **dict.fromkeys(PROCESSING, ""),
            "DATE": date,
            "BATCH_ID": f"SCIENCE_{date}",
            "PROCESS_STATUS": "CREATED",
            "LOG_NAME": f"{block.root}.log",
            "PROC_MODE": mode,
        }
    )


def nights_of(name: str) -> tuple[str, ...]:
    """Return the nights that the exposure of a name may be filed under.

    A night goes from noon to noon UT; other rules give one of the two dates as well.

    >>> nights_of("MUSE.2014-10-23T01:10:32.123_pst.ab")
    ('2014-10-22', '2014-10-23')
    """
    with suppress(ValueError, OverflowError):
        moment = dt.datetime.fromisoformat(time_stamp(name))
        days = ((moment - _NOON).date(), moment.date(), moment.date() - _DAY)
        return tuple(dict.fromkeys(day.isoformat() for day in days))
    return ()


@frozen
class _Found:
    """What was read of the store so far, and what was wrong with it."""

    read: ReadAb
    blocks: dict[str, AssociationBlock | None] = field(factory=dict)
    problems: list[str] = field(factory=list)
    notes: list[str] = field(factory=list)

    def get(
        self, name: str, nights: Iterable[str], needed_by: str, recipe: str = ""
    ) -> AssociationBlock | None:
        """Read an AB once; what is wrong with it is kept as a problem."""
        if name in self.blocks:
            return self.blocks[name]
        self.blocks[name] = None
        if not is_safe_name(name):
            told = f"'{name}' is no AB; expected a name such as MUSE.<time>_pst.ab"
            self.problems.append(told)
            return None
        where = [night for night in nights if is_date_label(night)]
        where = list(dict.fromkeys((*where, *nights_of(name))))
        try:
            block = self._first(name, where)
            if block is None:
                by = f", which {needed_by} needs," if needed_by else ""
                place = " or ".join(where) or "any night"
                told = f"{name}{by} is not in branch {BRANCH} of {place}"
                self.problems.append(told)
            elif recipe and block.recipe != recipe:
                raise block.wrong("RECIPE", block.recipe, recipe)
            self.blocks[name] = block
        except ConfigError as error:
            self.problems.append(str(error))
        return self.blocks[name]

    def _first(self, name: str, nights: Iterable[str]) -> AssociationBlock | None:
        for night in nights:
            if block := self.read(name, night):
                _check_record(block)
                return block
        return None


def _check_record(block: AssociationBlock) -> None:
    """Check an AB, but not what was noted when it was processed: that goes."""
    check_block(block.updated(dict.fromkeys(PROCESSING, "")))


def _exposures(members: Sequence[Member], found: _Found) -> list[tuple[str, str]]:
    """The pst ABs of the members, each with the night in which to look for it."""
    exposures = []
    for member in members:
        name = member.ab_name
        if not name.endswith("_tpl.ab"):
            exposures.append((name, member.civil_date))
        elif tpl := found.get(name, (member.civil_date,), "", EXP_COMBINE.recipe):
            tables = [m.file for m in tpl.mcalibs if m.tag == "PIXTABLE_REDUCED"]
            if not tables:
                found.problems.append(f"{name} combines no exposures")
            exposures += [(table, member.civil_date) for table in tables]
    return exposures


def _with_needs(
    psts: Iterable[AssociationBlock], found: _Found
) -> list[AssociationBlock]:
    blocks: dict[str, AssociationBlock] = {}
    todo = list(psts)
    while todo:
        block = todo.pop()
        if block.name in blocks:
            continue
        blocks[block.name] = block
        if len(blocks) > _MOST:
            found.problems.append(f"it needs more than {_MOST} ABs")
            break
        if block.recipe in _COMBINING:
            told = f"an exposure needs {block.name}, which combines others"
            found.problems.append(told)
            continue
        for need in block.needs:
            nights = (block.value("DATE"),)
            if needed := found.get(need, nights, block.name):
                todo.append(needed)
    return list(blocks.values())


def _params_of_templates(members: Sequence[Member], found: _Found) -> tuple[str, ...]:
    """The parameters of muse_exp_combine that MUSE_R made the combined cubes with.

    Without any (an exposure an OB) the recipe's defaults hold.
    """
    wanted: Mapping[str, Member] = {
        _ab_of(file): member
        for member in members
        for file in (member.combined or member.pipefile,)
        if file.endswith("_tpl.fits")
    }
    said: dict[tuple[str, ...], str] = {}
    for name, member in wanted.items():
        # Where only exposures are selected, that of the OB is of interest, not needed.
        told = len(found.problems)
        tpl = found.get(name, (member.civil_date,), "", EXP_COMBINE.recipe)
        if tpl is None and _ab_of(member.pipefile) != name:
            found.notes.extend(found.problems[told:])
            del found.problems[told:]
        if tpl:
            said.setdefault(tpl.params, name)
    if len(said) > 1:
        first, other, *_ = said.values()
        found.notes.append(
            f"{first} and {other} have different parameters; those of {first} are taken"
        )
    return next(iter(said), ())


def _ab_of(pipefile: str) -> str:
    return f"{pipefile.removeprefix('r.').removesuffix('.fits')}.ab"
