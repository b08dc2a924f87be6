"""What to know of a target before its ABs are made: each warning a line."""

import itertools
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from statistics import median_high
from typing import Final

from attrs import frozen

from muse_deep_plugin.preparation.collect_abs import Collected
from muse_deep_plugin.preparation.datacubes import Datacube
from muse_deep_plugin.preparation.proposals import (
    OVERLAP,
    SHORT,
    Pointing,
    place_of,
    pointings,
)
from muse_deep_plugin.sky import separation
from phoenix_core.association_block import AssociationBlock
from phoenix_core.words.plain_text import counted

MAX_SEPARATION: Final = 0.1
"""Degrees between exposures; phoenix -C takes more for an error, too."""

_NAMED: Final = 5
_POOR: Final = ("C", "D")
_MODE: Final = "INS_MODE="

Cubes = Mapping[str, Datacube]
"""What the QC1 database knows of exposures, by the name of their pst AB."""


@frozen
class Limits:
    """What is compared with: of the memory, and of the run."""

    max_inputs: int = 120
    runs: Collection[str] = ()  # that may be combined, in their formal spelling


def warnings_of(collected: Collected, cubes: Cubes, limits: Limits) -> tuple[str, ...]:
    """Say what speaks against combining the exposures of a target as they are."""
    checks: tuple[Callable[[], Sequence[str]], ...] = (
        lambda: _too_many(collected, limits.max_inputs),
        lambda: _one_ob(collected),
        lambda: _modes(collected, cubes),
        lambda: _far(collected, cubes),
        lambda: _pointings(collected, cubes),
        lambda: _grades(collected, cubes),
        lambda: _short(collected, cubes),
        lambda: _not_successful(collected),
        lambda: _foreign(collected, limits.runs),
    )
    found = itertools.chain.from_iterable(check() for check in checks)
    return (*found, *collected.notes)


def shared_exposures(targets: Sequence[Collected]) -> Mapping[str, tuple[str, ...]]:
    """Return the targets of exposures that several have, by the name of the pst AB."""
    users: dict[str, list[str]] = {}
    for collected in targets:
        for pst in collected.exposures:
            users.setdefault(pst.name, []).append(collected.target)
    return {name: tuple(of) for name, of in users.items() if len(of) > 1}


def instrument_mode(block: AssociationBlock, cube: Datacube | None = None) -> str:
    """Return the instrument mode of an exposure, '' where nothing tells it."""
    for key in block.values("RAW_MATCH_KEY"):
        if key.upper().startswith(_MODE):
            return key[len(_MODE) :]
    return cube.ins_mode if cube else ""


def exposure_time(block: AssociationBlock, cube: Datacube | None = None) -> float:
    """Return the exposure time (s), NaN where neither database nor AB tells it."""
    if cube and cube.texptime is not None:
        return cube.texptime
    try:
        start, middle = float(block.value("MJD-OBS")), float(block.value("MJD-OBS_MOD"))
    except ValueError:
        return math.nan
    return 2 * (middle - start) * 86400


def some(names: Sequence[str]) -> str:
    """Name up to five of several."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _too_many(collected: Collected, most: int) -> list[str]:
    count = len(collected.exposures)
    if count <= most:
        return []
    return [f"{count} exposures, more than {most}: they may not fit into memory"]


def _one_ob(collected: Collected) -> list[str]:
    if len(collected.obs) != 1 or len(collected.exposures) == 1:
        return []
    told = f"all exposures are of OB {collected.obs[0] or '(unknown)'}"
    return [f"{told}: its combined datacube exists already"]


def _modes(collected: Collected, cubes: Cubes) -> list[str]:
    by_mode: dict[str, list[str]] = {}
    for pst in collected.exposures:
        if mode := instrument_mode(pst, cubes.get(pst.name)):
            by_mode.setdefault(mode, []).append(pst.name)
    if len(by_mode) < 2:  # noqa: PLR2004, alike
        return []
    told = "; ".join(f"{mode}: {some(names)}" for mode, names in by_mode.items())
    return [f"different instrument modes: {told}"]


def _pointings(collected: Collected, cubes: Cubes) -> list[str]:
    """Fields that are not one pointing: by chains of steps, so that none hides."""
    names = {
        cube.pipefile: pst.name
        for pst in collected.exposures
        if (cube := cubes.get(pst.name))
    }
    found = pointings([cubes[name] for name in names.values()])
    if len(found) < 2:  # noqa: PLR2004, one pointing
        return []
    is_pair = len(found) == 2  # noqa: PLR2004
    away = max(_arcsec(a, b) for a, b in itertools.combinations(found, 2))
    if _all_overlap(found):
        how = "overlap in part" if is_pair else "overlap, each with a next one"
    else:
        how = "do not overlap" if is_pair else "do not all overlap"
    shown = "; ".join(
        f"P{number} {point.ra:.5f} {point.dec:+.5f} "
        f"({counted(len(point.pipefiles), 'exposure')}): "
        f"{some([names[file] for file in point.pipefiles])}"
        for number, point in enumerate(found, start=1)
    )
    up_to = "" if is_pair else "up to "
    return [f"{len(found)} pointings, {up_to}{away:.0f} arcsec apart, {how}: {shown}"]


def _far(collected: Collected, cubes: Cubes) -> list[str]:
    places = {
        pst.name: place
        for pst in collected.exposures
        if (cube := cubes.get(pst.name)) and (place := place_of(cube.ra, cube.dec))
    }
    first = next(iter(places), "")
    away = {name: separation(at, places[first]) for name, at in places.items()}
    return [
        f"{name} lies {degrees:.3f} degrees away from {first}, the first exposure"
        for name, degrees in away.items()
        if degrees > MAX_SEPARATION
    ]


def _all_overlap(points: Sequence[Pointing]) -> bool:
    """Whether fields that overlap lead from each pointing to each other one."""
    reached, left = list(points[:1]), list(points[1:])
    for here in reached:  # which grows
        near = [point for point in left if _arcsec(here, point) <= OVERLAP]
        reached += near
        left = [point for point in left if point not in near]
    return not left


def _arcsec(one: Pointing, other: Pointing) -> float:
    return separation((one.ra, one.dec), (other.ra, other.dec)) * 3600


def _grades(collected: Collected, cubes: Cubes) -> list[str]:
    told = []
    for grade in _POOR:
        names = [
            pst.name
            for pst in collected.exposures
            if (cube := cubes.get(pst.name)) and cube.grd.strip().upper() == grade
        ]
        if names:
            told.append(f"grade {grade}: {some(names)}")
    return told


def _short(collected: Collected, cubes: Cubes) -> list[str]:
    """Exposures that are short beside others of their OB, which has one design."""
    times: dict[str, dict[str, float]] = {}
    for pst in collected.exposures:
        of_ob = times.setdefault(pst.value("OBS_ID"), {})
        seconds = exposure_time(pst, cubes.get(pst.name))
        if not math.isnan(seconds):
            of_ob[pst.name] = seconds
    told = []
    for pst in collected.exposures:
        of_ob = times[pst.value("OBS_ID")]
        usual = median_high(of_ob.values()) if of_ob else 0.0
        if pst.name in of_ob and of_ob[pst.name] < SHORT * usual:
            seconds = of_ob[pst.name]
            told.append(f"{pst.name} is short: {seconds:.0f} s of {usual:.0f} s")
        elif pst.value("COMPLETENESS") == "INCOMPLETE":
            told.append(f"{pst.name} is INCOMPLETE: its OB was aborted, or files lack")
    return told


def _not_successful(collected: Collected) -> list[str]:
    failed = [
        pst.name
        for pst in collected.exposures
        if pst.value("PROCESS_STATUS") in {"FAILED", "SKIPPED"}
    ]
    return [f"not processed successfully before: {some(failed)}"] if failed else []


def _foreign(collected: Collected, runs: Collection[str]) -> list[str]:
    by_run: dict[str, list[str]] = {}
    for pst in collected.exposures:
        run = pst.value("OBS_PROG_ID")
        if runs and run and run not in runs:
            by_run.setdefault(run, []).append(pst.name)
    return [
        f"of run {run}, which RUN_MULTI.txt does not link with this one: {some(names)}"
        for run, names in by_run.items()
    ]
