"""phoenix_simulate_example: a run of two nights at a telescope that does not exist.

Frames, the calibration they need and the ABs of them all: each night in the branch
EXAMPLE_R of the AB store, the run in the branch EXAMPLE_deep. The truth is known: a
star of 1000 adu in the middle of each target, and a few fainter ones around it.
"""

import errno
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from attrs import asdict, frozen

from phoenix_core.ab.file import write_block
from phoenix_core.association_block import AssociationBlock
from phoenix_core.pseudo_date import pseudo_date
from phoenix_core.run_id import parse_run_id
from phoenix_example.recipes import Image

RUN = parse_run_id("094.A-0001(A)")
SIZE = 32  # pixels
DARK = 100.0  # adu
FLAT = 20_000.0  # adu
SKY = 50.0  # adu
STAR = 1000.0  # adu, in the brightest pixel
NOISE = 10.0  # adu, of one exposure
CLOUDS = 3.0  # times more noise
BAD_PIXELS = ((3, 4), (10, 21), (17, 2), (25, 30), (30, 9))
# night, OB, target, exposures, noise
OBSERVATIONS = (
    ("2014-10-22", 1001, "ALPHA", 3, NOISE),
    ("2014-10-22", 1002, "BETA", 3, NOISE),
    ("2014-10-23", 1003, "ALPHA", 3, NOISE),
    ("2014-10-23", 1004, "GAMMA", 3, NOISE * CLOUDS),
)
REFUSED = 2  # exit code where nothing was simulated

EXAMPLES = """\b
Example:
  phoenix_simulate_example phoenix-data/example
  phoenix --config config/example.toml -r 094.A-0001A -C
  phoenix --config config/example_night.toml -d 2014-10-22 -C

\b
Exit codes: 0 done, 2 refused (nothing that exists is overwritten).
"""

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@frozen
class Simulated:
    """What was written below a directory, and which run and nights it is of."""

    directory: Path
    run: str
    date: str  # the run's pseudo-date
    nights: tuple[str, ...]
    targets: tuple[str, ...]
    raw: int  # frames
    abs: int  # the same number in each branch


def simulate(directory: Path, seed: int = 1) -> Simulated:
    """Write raw frames, the bad pixel mask and the ABs of two nights and their run.

    Args:
        directory: the root directory of the configuration.
        seed: of the noise; the same seed, the same frames.

    Raises:
        FileExistsError: there are simulated frames or ABs already.
    """
    if any(_files_below(directory)):
        told = "has frames or ABs already; they are kept, so name a new directory"
        raise FileExistsError(errno.EEXIST, told, str(directory))
    random = np.random.default_rng(seed)
    nights = tuple(sorted({night for night, *_ in OBSERVATIONS}))
    date = pseudo_date(RUN)
    store = directory / "qcweb"
    names: list[str] = []
    raw_files = 0
    calib = directory / "calib"
    calib.mkdir(parents=True, exist_ok=True)
    bad = np.zeros((SIZE, SIZE), np.float32)
    bad[tuple(zip(*BAD_PIXELS, strict=True))] = 1
    np.save(calib / "EXAMPLE_BADPIX.npy", bad)
    for night in nights:
        raw = directory / "raw" / night
        raw.mkdir(parents=True, exist_ok=True)
        for block, frames in _night(night, random):
            for raw_file, image in zip(block.rawfiles, frames, strict=True):
                np.save(raw / raw_file.file, image.astype(np.float32))
                raw_files += 1
            names.append(block.name)
            _write(store / "EXAMPLE_R" / night, block)
            _write(store / "EXAMPLE_deep" / date, block.with_value("DATE", date))
    targets = tuple(dict.fromkeys(target for _, _, target, *_ in OBSERVATIONS))
    return Simulated(directory, RUN.plain, date, nights, targets, raw_files, len(names))


def truth() -> Image:
    """Return what a perfect exposure of any target shows [adu], without sky."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    image = np.zeros((SIZE, SIZE), np.float32)
    for row, column, peak in ((16, 16, STAR), (8, 24, STAR / 4), (24, 6, STAR / 10)):
        image += peak * np.exp(-((y - row) ** 2 + (x - column) ** 2) / 4.5)
    return image


@app.command(epilog=EXAMPLES)
def phoenix_simulate_example(
    directory: Annotated[
        Path,
        typer.Argument(
            metavar="DIRECTORY", help="The root directory of the configuration."
        ),
    ],
    *,
    seed: Annotated[
        int, typer.Option(min=0, metavar="N", help="Same seed, same frames.")
    ] = 1,
    as_json: Annotated[
        bool, typer.Option("--json", help="Answer with one JSON document on stdout.")
    ] = False,
) -> None:
    """Simulate two nights of EXAMPLE: raw frames, a mask, and the ABs of it all.

    Three targets of the run 094.A-0001A; one of them was seen through clouds. Frames
    go to DIRECTORY/raw, the mask to DIRECTORY/calib, ABs to DIRECTORY/qcweb.
    """
    try:
        made = simulate(directory, seed)
    except OSError as error:
        told = f"{error.filename}: {error.strerror}" if error.filename else f"{error}"
        if as_json:
            typer.echo(json.dumps({"error": told, "exit_code": REFUSED}, indent=2))
        typer.echo(f"phoenix_simulate_example: {told}", err=True)
        raise typer.Exit(REFUSED) from None
    if as_json:
        typer.echo(json.dumps(asdict(made), indent=2, default=str))
        return
    typer.echo(
        f"{made.directory}: {made.raw} raw frames and {made.abs} ABs of "
        f"{' and '.join(made.nights)}\n"
        f"run {made.run} ({made.date}): {', '.join(made.targets)}"
    )


def main() -> None:
    """Run the command line."""
    app(prog_name="phoenix_simulate_example")


def _files_below(directory: Path) -> Iterator[Path]:
    for name in ("raw", "calib", "qcweb"):
        yield from (p for p in (directory / name).rglob("*") if p.is_file())


def _night(
    night: str, random: np.random.Generator
) -> Iterator[tuple[AssociationBlock, list[Image]]]:
    """Make the ABs of a night with the frames that each takes."""
    y = np.linspace(-1, 1, SIZE)
    response = 1.05 - 0.1 * (y[:, None] ** 2 + y[None, :] ** 2)

    def exposures(level: Image | float, noise: float, count: int) -> list[Image]:
        return [level + random.normal(0, noise, (SIZE, SIZE)) for _ in range(count)]

    dark = _block(night, "18:00", "DARK", recipe="example_dark", count=3)
    yield dark, exposures(DARK, 1.0, 3)
    virtual = [f"VIRTUAL {dark.name} MASTER_DARK"]
    flat = _block(
        night, "18:30", "FLAT", recipe="example_flat", mcalibs=virtual, count=3
    )
    yield flat, exposures(DARK + FLAT * response, 20.0, 3)
    mcalibs = [*virtual, f"VIRTUAL {flat.name} MASTER_FLAT"]
    mcalibs.append("REAL EXAMPLE_BADPIX.npy BADPIX_MASK")
    for hour, (date, ob, target, count, noise) in enumerate(OBSERVATIONS):
        if date != night:
            continue
        for number in range(count):
            time = f"{20 + hour}:{10 * number:02d}"
            block = _block(
                night, time, "OBJECT", recipe="example_science", mcalibs=mcalibs
            )
            qualifiers = {
                "OBS_PROG_ID": RUN.formal,
                "OBS_ID": str(ob),
                "TARGET": target,
                "RUN_ID": RUN.formal,
            }
            level = DARK + (SKY + truth()) * response
            yield block.updated(qualifiers), exposures(level, noise, 1)


def _block(
    night: str,
    time: str,
    raw_type: str,
    *,
    recipe: str,
    mcalibs: Sequence[str] = (),
    count: int = 1,
) -> AssociationBlock:
    names = [f"EXAMPLE.{night}T{time}:{second:02d}" for second in range(count)]
    return AssociationBlock.create(
        {
            "INSTRUMENT": "EXAMPLE",
            "DATE": night,
            "RAW_TYPE": raw_type,
            "RECIPE": recipe,
            "AB_NAME": f"{names[0]}.ab",
            "RAWFILE": [f"{name}.npy {raw_type}" for name in names],
            "MCALIB": mcalibs,
        }
    )


def _write(directory: Path, block: AssociationBlock) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    write_block(directory / block.name, block)
