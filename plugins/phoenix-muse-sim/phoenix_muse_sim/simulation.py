"""Simulate an observatory below a directory."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from .abs import Branch, ab_text, blocks
from .calibrations import calibrations
from .default_scenario import default_scenario
from .detector import detector
from .errors import SimulationError
from .exposures import Visit, raw_frame
from .fits_files import write_bytes, write_fits
from .history import history
from .history_tables import ecsv
from .long_history import long_history
from .preview import preview
from .scenario import Exposure, Kind, Scenario, Target
from .sizes import SIZES, SPAXEL, TINY, Size
from .sources import Star, offset_position, star_field
from .truth import SCHEDULE_NAME, TRUTH_NAME, schedule, truth

Progress = Callable[[str, int, int], None]
"""Called with what is being made, its number and how many there are."""


@frozen
class Observatory:
    """What a simulation left on disk, as paths in the order of making."""

    outdir: Path
    raw: tuple[Path, ...]
    calib: tuple[Path, ...]
    history: tuple[Path, ...]
    deep: tuple[Path, ...]
    truth: Path
    tables: tuple[Path, ...]


def simulate(
    outdir: Path,
    scenario: Scenario | None = None,
    size: Size | str = TINY,
    seed: int = 1,
    *,
    deep: bool = False,
    past: int = 0,
    progress: Progress = lambda *_: None,
) -> Observatory:
    """Simulate raw frames, calibrations, the AB store and the truth below `outdir`.

    The default scenario has five runs. The same arguments give the same bytes; a
    directory that holds such a simulation already is completed (`deep` may be added).
    `past` is the number of datacubes that other runs made before: they are in the
    tables of the history alone. Raises SimulationError when `outdir` holds anything
    else.
    """
    scenario = default_scenario() if scenario is None else scenario
    size = _named_size(size) if isinstance(size, str) else size
    stars = {
        target.place: _stars(target, size, seed)
        for run in scenario.runs
        for target in run.targets
    }
    known = _json(truth(scenario, size, seed, stars))
    truth_path = outdir / TRUTH_NAME
    _check_outdir(outdir, known)
    write_bytes(truth_path, known.encode())
    write_bytes(outdir / SCHEDULE_NAME, _json(schedule(scenario)).encode())

    raw: list[Path] = []
    calib: list[Path] = []
    detectors = [detector(size, ifu, seed) for ifu in range(1, size.ifus + 1)]
    visits = [
        Visit(run, target, block, exposure)
        for run, target, block in scenario.visits()
        for exposure in block.exposures
    ]
    for date in sorted({date for run in scenario.runs for date in run.calibrated}):
        for made in calibrations(detectors, date):
            path = outdir / "calib" / date / made.name
            write_fits(path, made.hdus, f"{date}T20:00:00")
            calib.append(path)
    for number, visit in enumerate(visits, 1):
        exposure = visit.exposure
        progress(exposure.raw_name, number, len(visits))
        visible = _visible(
            visit.target, exposure, stars[visit.target.place], size, seed
        )
        path = outdir / "raw" / exposure.civil_date / exposure.raw_name
        frame = raw_frame(visit, visible, detectors, seed)
        write_fits(path, frame, exposure.date_obs[:-4])
        raw.append(path)
    done = _write_blocks(outdir, scenario, size, Branch.HISTORY)
    wanted = _write_blocks(outdir, scenario, size, Branch.DEEP) if deep else ()
    tables = _write_tables(outdir, scenario, size, seed, stars=stars, past=past)
    return Observatory(
        outdir, tuple(raw), tuple(calib), done, wanted, truth_path, tables
    )


def _json(content: Mapping[str, Any]) -> str:
    """Write JSON for people, too."""
    return json.dumps(content, indent=1) + "\n"


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


def _stars(target: Target, size: Size, seed: int) -> tuple[Star, ...]:
    """Give a target's stars."""
    return star_field(
        target.place,
        target.ra,
        target.dec,
        size=size,
        crowded=target.crowded,
        seed=seed,
    )


def _visible(
    target: Target,
    exposure: Exposure,
    stars: tuple[Star, ...],
    size: Size,
    seed: int,
) -> Sequence[Star]:
    """Give the stars that an exposure may see; a foreign field has its own."""
    away = max(abs(offset) for offset in exposure.dither)
    if exposure.kind is Kind.SKY or away < max(size.extent) * SPAXEL:
        return stars
    ra, dec = offset_position(target.ra, target.dec, *exposure.dither)
    east, north = exposure.dither
    name = f"{target.place} {east:+g} {north:+g}"
    return stars + star_field(
        name, ra, dec, size=size, crowded=target.crowded, seed=seed
    )


def _write_tables(
    outdir: Path,
    scenario: Scenario,
    size: Size,
    seed: int,
    *,
    stars: Mapping[str, Sequence[Star]],
    past: int,
) -> tuple[Path, ...]:
    """Write the tables of the history, and the pictures that they name."""
    observed = history(scenario, size, seed, stars)
    before = long_history(past, seed) if past else {}
    paths = []
    for table, rows in observed.tables.items():
        path = outdir / "history" / f"{table}.ecsv"
        parts = [before[table], rows] if table in before else [rows]
        write_bytes(path, ecsv(table, parts))
        paths.append(path)
    for field in observed.fields:
        write_bytes(outdir / "plots" / field.picture, preview(field, size, seed))
    return tuple(paths)


def _write_blocks(
    outdir: Path, scenario: Scenario, size: Size, branch: Branch
) -> tuple[Path, ...]:
    """Write one branch of the AB store."""
    paths = []
    for run in scenario.runs:
        if branch is Branch.DEEP and not run.prepared:
            continue
        for date, block in blocks(run, size, branch):
            path = outdir / "qcweb" / branch.value / date / block.name
            write_bytes(path, ab_text(block, run, date, branch).encode())
            paths.append(path)
    return tuple(paths)
