"""What a target list selects, as datacubes, and what can be told of it."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from attrs import evolve, frozen

from muse_deep_plugin.preparation.datacubes import Datacube
from muse_deep_plugin.preparation.proposals import Advice, advise, told, twins
from muse_deep_plugin.preparation.target_list import Entry, TargetList
from phoenix_core.words.plain_text import plain


@frozen
class Taken:
    """A datacube that goes into a deep one, and how many of its exposures are taken.

    `exposures` is 0 where the list has no lines for them: then all are taken.
    """

    target: str
    entry: Entry
    used: int
    exposures: int


@frozen
class Selection:
    """The datacubes of a target, each as deep as its selected exposures, and these."""

    cubes: tuple[Datacube, ...]
    exposures: tuple[Datacube, ...]

    def advice(self, target: str) -> Advice:
        """Return what is known of it."""
        return advise(target, self.cubes, self.exposures)


def taken_datacubes(found: TargetList) -> tuple[Taken, ...]:
    """Return what a list selects, target by target, in the order of names and lines."""
    used: dict[tuple[str, Entry], int] = defaultdict(int)
    for target, entry, cube in found.taken():
        used[target, cube] += entry is not cube
    members = found.members()
    order = sorted(used, key=lambda key: (key[0].casefold(), key[0], key[1].line))
    return tuple(
        Taken(target, cube, used[target, cube], _count(members.get(cube, ())))
        for target, cube in order
    )


def selections(
    found: TargetList, cubes: Sequence[Datacube], exposures: Sequence[Datacube]
) -> Mapping[str, Selection]:
    """Return what a list selects, by target.

    Args:
        found: the list.
        cubes: what the database knows of final datacubes.
        exposures: what it knows of datacubes of single exposures.
    """
    known = {one.pipefile: one for one in (*exposures, *cubes)}
    parts: dict[str, dict[str, list[Datacube]]] = defaultdict(lambda: defaultdict(list))
    for target, entry, cube in found.taken():
        if entry.pipefile in known and cube.pipefile in known:
            parts[target][cube.pipefile].append(known[entry.pipefile])
    return {
        target: Selection(
            tuple(_as_selected(known[name], used) for name, used in of_target.items()),
            tuple(
                evolve(one, combined=name)
                for name, used in of_target.items()
                for one in used
                if one.pipefile != name
            ),
        )
        for target, of_target in parts.items()
    }


def advice_lines(selected: Mapping[str, Selection]) -> tuple[str, ...]:
    """Say what combining gains as it is selected now, and what stands out in it."""
    names = sorted(selected, key=str.casefold)
    advised = [selected[name].advice(name) for name in names]
    all_twins = twins(advised)
    lines: list[str] = []
    for one in advised:
        lines += told(one, all_twins)
        lines += [
            f"{plain(one.target)}: {plain(proposal.pipefile)}: {proposal.text}"
            for proposal in one.proposals.values()
        ]
    return tuple(lines)


def _count(entries: Sequence[Entry]) -> int:
    return len({entry.pipefile for entry in entries})


def _as_selected(cube: Datacube, used: Sequence[Datacube]) -> Datacube:
    """Return a datacube as deep as those of its exposures that are selected."""
    if any(one.pipefile == cube.pipefile for one in used):
        return cube
    times = [one.texptime for one in used if one.texptime is not None]
    return evolve(cube, texptime=math.fsum(times) if times else cube.texptime)
