"""Simulate nights of observations below a directory."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from attrs import frozen

from .calibrations import master_calibration, static_calibrations
from .chips import CHIPS
from .detector import detector
from .errors import SimulationError
from .exposures import Visit, check_visible, raw_file
from .fits_files import fits_bytes, write_bytes
from .paranal import evening, night_of
from .scenario import Scenario, default_scenario
from .sizes import SIZES, TINY, Size
from .sources import star_field
from .truth import TRUTH_NAME, truth

STATIC_AGE = timedelta(days=60)
"""The static calibrations are older than the first night by this (ours)."""

Progress = Callable[[str, int, int], None]
"""Called with what is being made, its number and how many there are."""


@frozen
class Observatory:
    """What a simulation left on disk, as paths in the order of making."""

    outdir: Path
    scenario: Scenario
    raw: tuple[Path, ...]
    calib: tuple[Path, ...]
    truth: Path


def simulate(
    outdir: Path,
    scenario: Scenario | None = None,
    size: Size | str = TINY,
    seed: int = 1,
    *,
    progress: Progress = lambda *_: None,
) -> Observatory:
    """Simulate raw frames, calibrations and the truth below `outdir`.

    The default scenario has two nights with two OBs. The same arguments give the same
    bytes; a directory that holds such a simulation already is completed. Raises
    SimulationError when `outdir` holds anything else, or a target is not up.
    """
    size = _named_size(size) if isinstance(size, str) else size
    if scenario is None:
        scenario = default_scenario(jitters=size.jitters)
    visits = [
        Visit(block, exposure)
        for block in scenario.blocks
        for exposure in block.exposures
    ]
    for visit in visits:
        check_visible(visit)
    stars = {
        target.name: star_field(target.name, target.ra, target.dec, size, seed)
        for target in scenario.targets
    }
    known = json.dumps(truth(scenario, size, seed, stars), indent=1) + "\n"
    _check_outdir(outdir, known)
    write_bytes(outdir / TRUTH_NAME, known.encode())

    detectors = [detector(chip, size, seed) for chip in CHIPS]
    static_night = night_of(evening(scenario.nights[0]) - STATIC_AGE)
    everywhere = [star for field in stars.values() for star in field]
    calib: list[Path] = []
    for made in (
        *static_calibrations(static_night, everywhere),
        *(master_calibration(master, detectors) for master in scenario.masters),
    ):
        path = outdir / "calib" / made.night / made.name
        write_bytes(path, fits_bytes(made.hdus, made.date))
        calib.append(path)
    raw: list[Path] = []
    for number, visit in enumerate(visits, 1):
        exposure, target = visit.exposure, visit.block.target
        progress(exposure.raw_name, number, len(visits))
        visible = stars[target.name] if target else ()
        path = outdir / "raw" / exposure.night / exposure.raw_name
        write_bytes(path, raw_file(visit, visible, detectors, seed))
        raw.append(path)
    return Observatory(outdir, scenario, tuple(raw), tuple(calib), outdir / TRUTH_NAME)


def _named_size(name: str) -> Size:
    """Look a size up; raises SimulationError for a word that is none."""
    if name not in SIZES:
        message = f"no such size: {name} (there are {', '.join(SIZES)})"
        raise SimulationError(message)
    return SIZES[name]


def _check_outdir(outdir: Path, known: str) -> None:
    """Refuse a place that holds something other than this very simulation."""
    if outdir.exists() and not outdir.is_dir():
        message = f"{outdir} is not a directory"
        raise SimulationError(message)
    if not outdir.exists() or not any(outdir.iterdir()):
        return
    path = outdir / TRUTH_NAME
    if not path.exists():
        message = f"{outdir} holds other data already: name a new or empty directory"
        raise SimulationError(message)
    if path.read_text("utf-8") != known:
        message = f"{outdir} holds another simulation: name a new or empty directory"
        raise SimulationError(message)
