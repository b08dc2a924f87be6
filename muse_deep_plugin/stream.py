"""pgi_phoenix_MUSE_stream (JOB_PGI): a job for each AB, its stream and what it takes.

The documented streams are kept as limits of each kind of AB: scibasic SKY 1,
create_sky 1, scibasic OBJECT 3, scipost 3, exp_align 1, exp_combine 1. A job waits for
what it needs and for nothing else: targets do not wait for each other.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from attrs import field, frozen, validators

from muse_deep_plugin.recipe_params import param_value
from muse_deep_plugin.steps import STEPS, step_of
from phoenix_core import hookimpl
from phoenix_core.ab.inputs import find_file
from phoenix_core.errors import ProcessingError
from phoenix_core.model import AssociationBlock, Cascade, Job, Run

PGI: Final = "pgi_phoenix_MUSE_stream"
BASE_SECONDS: Final = 0.15
BASE_MEMORY: Final = 18_000_000
TABLE_BYTES: Final = 28
CUBE_BYTES: Final = 8
LIVE_PIXELS: Final = 0.85


@frozen
class Cost:
    """What a recipe takes: CPU seconds, and memory in bytes, by what grows with what.

    For each pixel-table row of an exposure, for each row of all exposures together,
    for each pixel of one detector, and for each pixel of an image.
    """

    seconds_row: float = 0.0
    seconds_image: float = 0.0
    memory_row: float = 0.0
    memory_all_rows: float = 0.0
    memory_detector: float = 0.0


COSTS: Final = {
    "scibasic_SKY": Cost(seconds_row=0.5e-6, memory_detector=88),
    "scibasic_OBJECT": Cost(seconds_row=0.5e-6, memory_detector=88),
    "create_sky": Cost(seconds_row=2.2e-6, memory_row=68),
    "scipost": Cost(seconds_row=4e-6, memory_row=68),
    "exp_align": Cost(seconds_image=1.3e-5, memory_row=2),
    "exp_combine": Cost(seconds_row=2.6e-6, memory_row=43, memory_all_rows=40),
}
"""Measured with muse 2.8.7, one thread, 20 thousand to 15 million rows an exposure.

muse_scibasic takes one detector after the other, unless --nifu=-1 takes all at once.
Seconds of exp_combine are for each row of all exposures, those of exp_align for each
pixel of all images. BASE_SECONDS and BASE_MEMORY are esorex itself; a pixel table has
28 bytes a row on disk, a cube 8 bytes a voxel (as many voxels as an exposure has
rows); about 85 of 100 pixels of a detector become rows. 100 full exposures (340
million rows) come out at 1.4 TB; the MUSE_DEEP page says 1.6 TB.
"""

PLANES: Final = 3681
"""Wavelength planes of a full cube; an image has that many times fewer pixels."""


@frozen
class Options:
    """Options of the PGI: streams of the parallel steps, cores that a job takes."""

    streams: int = field(default=3, validator=validators.ge(1))
    cores: int = field(default=1, validator=validators.ge(1))


@frozen
class Size:
    """How large an exposure is: detectors, pixels of each, rows of its pixel tables."""

    detectors: int = 0
    pixels: int = 0
    rows: int = 0
    planes: int = PLANES


@hookimpl
def job_pgi(run: Run, cascade: Cascade) -> list[Job]:
    """Make one job of each AB."""
    options = run.options(PGI, Options)
    known: dict[int, Size] = {}
    sizes: dict[str, Size] = {}
    for block in cascade.blocks:  # makers come first
        own = [_raw_size(run, raw.file, known) for raw in block.rawfiles[:1]]
        made = [sizes[name] for name in block.needs if name in sizes]
        largest = max([*own, *made], key=lambda size: size.rows, default=Size())
        sizes[block.name] = largest
    return [_job(block, sizes[block.name], options) for block in cascade.blocks]


def raw_size(path: Path) -> Size:
    """Estimate the rows of an exposure from the header of its first detector.

    A file that is not there or is no MUSE exposure has size 0: nothing is predicted.
    """
    from astropy.io import fits  # noqa: PLC0415, costs start-up

    try:
        length = path.stat().st_size
        with fits.open(path) as hdus:
            chip = hdus[1].header
            columns = 2 * int(chip["ESO DET OUT1 NX"])  # four quadrants
            planes = 2 * int(chip["ESO DET OUT1 NY"])
            place = hdus[1].fileinfo()
    except (OSError, KeyError, IndexError, ValueError, TypeError):
        return Size()
    extent = place["datLoc"] + place["datSpan"] - place["hdrLoc"]
    detectors = max(1, round(length / extent))
    rows = int(detectors * columns * planes * LIVE_PIXELS)
    return Size(detectors, columns * planes, rows, planes)


def _raw_size(run: Run, name: str, known: dict[int, Size]) -> Size:
    """Size of a raw file; one header for all files of the same length."""
    try:
        path = find_file(run.config.directories.raw, name)
        length = path.stat().st_size
    except (ProcessingError, OSError):
        return Size()
    if length not in known:
        known[length] = raw_size(path)
    return known[length]


def _job(block: AssociationBlock, size: Size, options: Options) -> Job:
    step = step_of(block)
    if step is None:
        return Job(block.name, block.needs, stream=block.recipe, cores=options.cores)
    cost = COSTS[step.name]
    limit = options.streams if step.is_parallel else 1
    count = sum(1 for m in block.mcalibs if m.tag in {"IMAGE_FOV", "PIXTABLE_REDUCED"})
    all_rows = size.rows * max(1, count)
    seconds = cost.seconds_row * all_rows
    seconds += cost.seconds_image * size.rows / max(1, size.planes) * count
    memory = cost.memory_row * size.rows + cost.memory_all_rows * all_rows
    at_once = size.detectors if param_value(block.params, "nifu") == "-1" else 1
    memory += cost.memory_detector * size.pixels * at_once
    return Job(
        block.name,
        block.needs,
        stream=step.name,
        limit=limit,
        cores=options.cores,
        seconds=BASE_SECONDS + seconds if size.rows else 0.0,
        memory=BASE_MEMORY + int(memory) if size.rows else 0,
        disk=_disk(block, step.name, size.rows, all_rows),
        memory_per_input=int(cost.memory_all_rows * size.rows),
    )


def _disk(block: AssociationBlock, step: str, rows: int, all_rows: int) -> int:
    saves = param_value(block.params, "save", "cube,skymodel").split(",")
    takes: Mapping[str, int] = {
        "scibasic_SKY": TABLE_BYTES * rows,
        "scibasic_OBJECT": TABLE_BYTES * rows,
        "scipost": (TABLE_BYTES * ("individual" in saves) + CUBE_BYTES) * rows,
        "exp_combine": TABLE_BYTES * ("combined" in saves) * all_rows
        + CUBE_BYTES * rows,
    }
    return takes.get(step, 0)


assert set(COSTS) == {step.name for step in STEPS}
