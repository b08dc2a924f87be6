"""What to know of a target before its ABs are made: each warning a line."""

import itertools
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from statistics import median
from typing import Final

from attrs import frozen

from muse_deep_plugin.pointing import FIELD, separation
from muse_deep_plugin.preparation.collect_abs import Collected
from muse_deep_plugin.preparation.datacubes import Datacube
from muse_deep_plugin.preparation.proposals import SHORT
from phoenix_core.association_block import AssociationBlock

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
        lambda: _apart(collected, cubes),
        lambda: _grades(collected, cubes),
        lambda: _aborted(collected, cubes),
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


def _apart(collected: Collected, cubes: Cubes) -> list[str]:
    places = {
        name: (cube.ra, cube.dec)
        for name in (pst.name for pst in collected.exposures)
        if (cube := cubes.get(name)) and cube.ra is not None and cube.dec is not None
    }
    if not places:
        return []
    first = next(iter(places))
    far = {n: separation(at, places[first]) for n, at in places.items()}
    told = [
        f"{name} lies {away:.3f} degrees away from {first}, the first exposure"
        for name, away in far.items()
        if away > MAX_SEPARATION
    ]
    for name, at in places.items():
        others = [place for other, place in places.items() if other != name]
        if far[name] > MAX_SEPARATION or not others:
            continue
        if (near := min(separation(at, other) for other in others)) > FIELD:
            arcsec = near * 3600
            told.append(
                f"{name}: no overlap, the next exposure is {arcsec:.0f} arcsec away"
            )
    return told


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


def _aborted(collected: Collected, cubes: Cubes) -> list[str]:
    times = {p.name: exposure_time(p, cubes.get(p.name)) for p in collected.exposures}
    known = [seconds for seconds in times.values() if not math.isnan(seconds)]
    usual = median(known) if known else 0.0
    told = []
    for pst in collected.exposures:
        seconds = times[pst.name]
        if seconds < SHORT * usual:
            told.append(f"{pst.name} was aborted: {seconds:.0f} s of {usual:.0f} s")
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
