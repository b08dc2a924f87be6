"""pgi_phoenix_HAWKI_stream (JOB_PGI): a job for each AB, and what it will take.

Each step is a stream of its own; an OB waits for its calibrations and for nothing else.
"""

from collections.abc import Iterable
from typing import Final

from attrs import field, frozen, validators

from phoenix_core import hookimpl
from phoenix_core.ab.inputs import find_file
from phoenix_core.errors import ProcessingError
from phoenix_core.model import AssociationBlock, Cascade, Job, Run
from phoenix_hawki.steps import DARK, NOISE, SCIENCE, TILE, step_of

PGI: Final = "pgi_phoenix_HAWKI_stream"


@frozen
class Cost:
    """What a recipe takes: CPU seconds, memory and disk in bytes.

    A part that is always there, one for each pixel of a single frame (four chips), and
    one for each pixel of all its frames.
    """

    seconds: float
    seconds_pixel: float
    memory: int
    memory_frame: float
    memory_pixel: float
    disk: int
    disk_pixel: float


COSTS: Final = {
    DARK: Cost(0.2, 1.7e-7, 16_000_000, 0.0, 2.7, 0, 1.4),
    NOISE: Cost(0.2, 1.2e-7, 15_000_000, 0.0, 2.1, 20_000, 0.0),
    SCIENCE: Cost(2.5, 2.4e-6, 20_000_000, 57.0, 6.0, 0, 19.0),
    TILE: Cost(2.0, 1.8e-6, 136_000_000, 114.0, 99.0, 60_000_000, 12.0),
}
"""Measured with hawki 2.4.11, one thread, chips of 256, 512 and 1792 pixels.

With 4, 2 and 4 jitters; the predictions of memory meet the measurements to 5 per cent:
1.0 GB of a science AB and 6.7 GB of a tile on the largest chips. Each file of a tile
has the gaps between the chips, too.
"""

RAW_BYTES: Final = 2
"""Of a pixel in a raw file."""


@frozen
class Options:
    """How many ABs of one step run at a time, and the cores that a job takes."""

    streams: int = field(default=2, validator=validators.ge(1))
    cores: int = field(default=1, validator=validators.ge(1))


@frozen
class Size:
    """The raw pixels of an AB: of its largest frame, and of all frames."""

    frame: int = 0
    total: int = 0


@hookimpl
def job_pgi(run: Run, cascade: Cascade) -> list[Job]:
    """Make one job of each AB."""
    options = run.options(PGI, Options)
    sizes: dict[str, Size] = {}
    for block in cascade.blocks:  # makers come first
        own = _size(_raw_pixels(run, raw.file) for raw in block.rawfiles)
        made = [sizes[need] for need in block.needs if need in sizes]
        largest = max(made, key=lambda size: size.total, default=Size())
        sizes[block.name] = own if block.rawfiles else largest
    return [_job(block, sizes[block.name], options) for block in cascade.blocks]


def _size(pixels: Iterable[int]) -> Size:
    counts = list(pixels)
    return Size(max(counts, default=0), sum(counts))


def _raw_pixels(run: Run, name: str) -> int:
    """The pixels of a raw file; 0 where it is not there: nothing is predicted."""
    try:
        return find_file(run.config.directories.raw, name).stat().st_size // RAW_BYTES
    except (ProcessingError, OSError):
        return 0


def _job(block: AssociationBlock, size: Size, options: Options) -> Job:
    step = step_of(block)
    if step is None or not size.total:
        return Job(
            block.name,
            block.needs,
            stream=step.name if step else block.recipe,
            limit=options.streams,
            cores=options.cores,
        )
    cost = COSTS[step]
    memory = cost.memory_frame * size.frame + cost.memory_pixel * size.total
    return Job(
        block.name,
        block.needs,
        stream=step.name,
        limit=options.streams,
        cores=options.cores,
        seconds=cost.seconds + cost.seconds_pixel * size.total,
        memory=cost.memory + int(memory),
        disk=cost.disk + int(cost.disk_pixel * size.total),
    )
