"""Whether a target is a crowded field, as far as its QC says: a suggestion only."""

from collections.abc import Iterable
from statistics import median
from typing import Final

from attrs import frozen

from muse_deep_plugin.preparation.collect_abs import Collected
from muse_deep_plugin.preparation.deep_warnings import Cubes
from muse_deep_plugin.preparation.proposals import LOW_BACKGROUND

SOURCES_MIN: Final = 200
"""Sources that make a field of one square arcminute crowded (ours): each has 18 square
arcsec then, and half of that is within two FWHM of it (0.8 arcsec)."""

_TYPE: Final = "crowded"


@frozen
class Suggestion:
    """An answer to propose, and its reason."""

    crowded: bool
    why: str


def suggest_crowded(
    collected: Collected, cubes: Cubes, run_type: str = ""
) -> Suggestion:
    """Suggest whether PROC_MODE is CROWDED: no sky is subtracted then.

    Args:
        collected: the target.
        cubes: what the QC1 database knows of its exposures.
        run_type: TYPE of the run in RUN_TYPE.txt.
    """
    total, with_sky = len(collected.exposures), len(collected.with_sky)
    if with_sky:
        those = f"{with_sky} of {total}" if with_sky < total else f"all {total}"
        why = f"{those} exposures have SKY observations; subtracting these is right"
        return Suggestion(crowded=False, why=why)
    known = [cubes[pst.name] for pst in collected.exposures if pst.name in cubes]
    background = _median(cube.histo_bkg for cube in known)
    sources = _median(cube.num_src for cube in known)
    told = []
    if background is not None:
        told.append(f"background {background:.1f}")
    if sources is not None:
        told.append(f"{sources:.0f} sources")
    seen = " and ".join(told)
    if background is not None and background <= LOW_BACKGROUND:
        limit = f"{LOW_BACKGROUND:.0f} or less"
        why = f"{seen} (median): {limit}, too much sky was taken off"
        return Suggestion(crowded=True, why=why)
    if sources is not None and sources >= SOURCES_MIN:
        why = f"{seen} (median): {SOURCES_MIN} sources or more"
        return Suggestion(crowded=True, why=why)
    if run_type.casefold() == _TYPE:
        return Suggestion(crowded=True, why=f"TYPE of the run is {run_type}")
    if not told:
        return Suggestion(crowded=False, why="the QC1 database says nothing of it")
    return Suggestion(crowded=False, why=f"{seen} (median) are no sign of it")


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
