"""What a person should look at in a target list that has no mistakes."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby

from attrs import frozen

from muse_deep_plugin.exposure_time import time_stamp
from muse_deep_plugin.preparation.target_list import (
    FEWEST,
    Entry,
    Mistake,
    TargetList,
    can_be_in_abs,
)
from phoenix_core.nearest import nearest
from phoenix_core.words.plain_text import plain

_NEW = re.compile(r"^#+[ \t]*new on \d{4}-\d\d-\d\d", re.MULTILINE | re.ASCII)
_LOST = "PIPEFILE is '{}'; no such datacube in the database"
_ONE_OB = "{} has exposures of one OB only; a deep datacube takes two{}"
_ONE_FIRST = (
    "{} begin with the same exposure, of {}; a deep datacube is named after it, so "
    "phoenix_createDeep makes none of them: comment it in all but one"
)
_MOST_HINTS = 20  # looking for the nearest name takes time


@frozen
class OnlyTogether:
    """A target that has two datacubes only because runs are taken together.

    `hidden` are those of its datacubes that are not selected, with their exposures.
    """

    target: str
    runs: tuple[str, ...]
    hidden: tuple[Entry, ...]


def only_together(found: TargetList) -> tuple[OnlyTogether, ...]:
    """Return targets that no run has two datacubes of, though all together do.

    A target that would have been commented out in the list of each run alone; to make
    it active, all of its lines have to be selected.
    """
    told = []
    members = found.members()
    for target, entries in found.groups().items():
        cubes = {entry.pipefile: entry for entry in entries if not entry.is_member}
        runs = [entry.run_id for entry in cubes.values()]
        if len(runs) >= FEWEST and len(set(runs)) == len(runs):
            hidden = [
                entry
                for cube in cubes.values()
                if not cube.is_selected
                for entry in (cube, *members.get(cube, ()))
                if not entry.is_selected
            ]
            told.append(OnlyTogether(target, tuple(sorted(runs)), tuple(hidden)))
    return tuple(told)


def remarks(found: TargetList) -> tuple[str, ...]:
    """Return what a person should look at, a line of text each, with the line."""
    told = [*_of_one_ob(found), *_no_names(found), *_one_beginning(found)]
    for one in only_together(found):
        if one.hidden:
            lines = _lines(entry.line for entry in one.hidden)
            runs = ", ".join(one.runs)
            said = f"{plain(one.target)} has one datacube in each of {runs}"
            told.append((one.hidden[0].line, f"{said}: select {lines} to combine them"))
    return tuple(f"{found.path}, line {line}: {said}" for line, said in sorted(told))


def unknown(
    found: TargetList, known: Collection[str], candidates: Iterable[str]
) -> tuple[Sequence[Mistake], Sequence[Mistake]]:
    """Return lines of what the database does not know: those selected, and the others.

    Args:
        found: the list.
        known: the pipefiles of the database, as far as the list names them.
        candidates: those that may have been meant.
    """
    listed = {entry.pipefile for entry in found.entries}
    lost = [entry for entry in found.entries if entry.pipefile not in known]
    free = [name for name in candidates if name not in listed]
    likely: dict[str, str] = {}
    for name in [entry.pipefile for entry in lost][:_MOST_HINTS]:
        kind = name[-len("_tpl.fits") :]
        alike = [one for one in free if one.endswith(kind)] or free
        likely[name] = nearest(name, alike)
    told = [
        (
            entry.is_selected,
            entry.line,
            f"{_LOST.format(entry.pipefile)}{likely.get(entry.pipefile, '')}",
        )
        for entry in lost
    ]
    selected = [(line, said) for is_selected, line, said in told if is_selected]
    others = [(line, said) for is_selected, line, said in told if not is_selected]
    return selected, others


def offered(
    found: TargetList, text: str, cubes: Iterable[str], exposures: Mapping[str, str]
) -> int:
    """Count what is offered at the end of a list and was not taken yet.

    Taken is what is selected; the line "# new on" and what is below it can be deleted
    or moved by who has seen it.

    Args:
        found: the list.
        text: its text.
        cubes: the final datacubes that it is about.
        exposures: single exposures, with the datacube that each is part of.
    """
    begin = _NEW.search(text)
    if begin is None:
        return 0
    below, above = text[begin.end() :], text[: begin.start()]
    taken = {entry.pipefile for entry in found.entries if entry.is_selected}
    new = {n for n in cubes if n in below and n not in above and n not in taken}
    if new:
        return len(new)
    return sum(
        name in below and name not in above and name not in taken and of in above
        for name, of in exposures.items()
    )


def _of_one_ob(found: TargetList) -> list[Mistake]:
    visits: dict[str, set[tuple[object, ...]]] = defaultdict(set)
    lines: dict[str, int] = {}
    for target, entry, cube in found.taken():
        visits[target].add(entry.visit)
        lines.setdefault(target, cube.line)
    return [
        (
            lines[target],
            _ONE_OB.format(
                plain(target), nearest(target, [n for n in visits if n != target])
            ),
        )
        for target, seen in visits.items()
        if len(seen) < FEWEST
    ]


def _no_names(found: TargetList) -> list[Mistake]:
    """Targets that cannot have this name in ABs, whatever stands for odd letters."""
    lines = {target: cube.line for target, _, cube in reversed(list(found.taken()))}
    return [
        (line, f"TARGET '{plain(target)}' is no name for ABs; write one without a path")
        for target, line in lines.items()
        if not can_be_in_abs(target)
    ]


def _one_beginning(found: TargetList) -> list[Mistake]:
    """Targets that begin with the same exposure: their dpc ABs would have one name."""
    by_first: dict[str, list[str]] = defaultdict(list)
    for target, files in found.selected().items():
        by_first[time_stamp(files[0])].append(target)
    lines = {target: cube.line for target, _, cube in reversed(list(found.taken()))}
    return [
        (
            lines[targets[-1]],
            _ONE_FIRST.format(" and ".join(map(plain, targets)), first),
        )
        for first, targets in by_first.items()
        if len(targets) > 1
    ]


def _lines(numbers: Iterable[int]) -> str:
    """Return numbers of lines in words.

    >>> _lines([11, 9, 10, 17])
    'lines 9-11, 17'
    """
    runs = []
    ordered = enumerate(sorted(set(numbers)))
    for _, run in groupby(ordered, key=lambda pair: pair[1] - pair[0]):
        first, *rest = [number for _, number in run]
        runs.append(f"{first}-{rest[-1]}" if rest else f"{first}")
    word = "line" if len(runs) == 1 and "-" not in runs[0] else "lines"
    return f"{word} {', '.join(runs)}"
