"""What belongs to the IDP of a deep datacube: files, exposures, what is missing.

The AB of the cube, moved with it, is what names all of it: its products, and by way of
the pst ABs the raw exposures. QC plots and texts are found by the names of the ABs.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from attrs import frozen

from muse_deep_plugin.post_sci import LOGS
from muse_deep_plugin.steps import EXP_COMBINE
from phoenix_core.ab.file import read_block
from phoenix_core.association_block import is_safe_name
from phoenix_core.errors import ConfigError, ProcessingError
from phoenix_core.fits.as_certified import certified_size
from phoenix_core.model import AssociationBlock, ProductRecord, QcReport, Run
from phoenix_core.processing.qc_report import read_report

CUBE: Final = "DATACUBE_DEEP"
IMAGE: Final = "IMAGE_FOV_DEEP"
MAP: Final = "EXPOSURE_MAP_DEEP"


@frozen
class Exposure:
    """A raw exposure in a deep cube, with the pst AB that it is processed by."""

    name: str  # of the raw file, without .fits: as the archive has it
    single: str  # root of the pst AB's products
    run: str  # the run id, in its formal spelling


@frozen
class Dataset:
    """A deep cube and what goes with it; `missing` tells what of it is not there.

    `report` is the QC report of the cube, empty where there is none.
    """

    block: AssociationBlock
    cube: Path
    checksum: str  # the sha256 that the cube was certified with
    images: tuple[Path, ...]
    log: Path
    plots: tuple[Path, ...]  # of the cube, then of each exposure, in time
    exposures: tuple[Exposure, ...]
    report: QcReport
    missing: tuple[str, ...] = ()
    exposure_map: Path | None = None  # None: the AB has made none

    @property
    def target(self) -> str:
        """The target, or the AB where it names none."""
        return self.block.value("TARGET") or self.block.name


def datasets(run: Run) -> tuple[Dataset, ...]:
    """Return the datasets of a run's certified deep cubes, in the order of their names.

    Raises:
        ConfigError: an AB is damaged; the run has no deep cube that was moved.
    """
    logs = run.config.directories.logs / run.date
    paths = sorted(logs.glob(f"*{EXP_COMBINE.tag}.ab"))
    found = tuple(_dataset(run, read_block(path)) for path in paths)
    if not found:
        raise ConfigError(
            f"{run.label} has no certified deep cube: there is no dpc AB in {logs}; "
            f"phoenix {run.option} -M moves what is accepted"
        )
    return found


def _dataset(run: Run, block: AssociationBlock) -> Dataset:
    directories = run.config.directories
    reduced = directories.reduced / run.date
    plots = directories.plots / run.date
    problems: list[str] = []
    cubes = _products(block, CUBE)
    images = _products(block, IMAGE)
    texts = _products(block, LOGS)
    maps = _products(block, MAP)
    for what, records in ((CUBE, cubes), (IMAGE, images), (LOGS, texts), (MAP, maps)):
        if not records and what != MAP:
            problems.append(f"{block.name} names no product {what}")
        problems += _not_whole(reduced, records)
    exposures = tuple(_exposures(run, block, problems))
    roots = [block.root, *(one.single for one in exposures)]
    wanted = tuple(plots / f"{root}.png" for root in roots)
    problems += [f"{path} is missing" for path in wanted if not _is_file(path)]
    report_path = directories.logs / run.date / f"{block.root}.qc.json"
    return Dataset(
        block=block,
        cube=reduced / (cubes[0].file if cubes else f"{block.root}_{CUBE}.fits"),
        checksum=cubes[0].checksum if cubes else "",
        images=tuple(reduced / record.file for record in images),
        log=reduced / (texts[0].file if texts else f"{block.root}_{LOGS}.log"),
        plots=wanted,
        exposures=exposures,
        report=_report(report_path, block.name),
        exposure_map=reduced / maps[0].file if maps else None,
        missing=tuple(problems),
    )


def _products(block: AssociationBlock, category: str) -> list[ProductRecord]:
    return [record for record in block.products if record.category == category]


def _not_whole(directory: Path, records: list[ProductRecord]) -> Iterator[str]:
    for record in records:
        path = directory / record.file
        if not _is_file(path):
            yield f"{path} is missing"
        elif wrong := _why_another_size(path, record):
            yield f"{path} is not what was certified: {wrong}"


def _why_another_size(path: Path, record: ProductRecord) -> str:
    try:
        return "" if certified_size(path) == record.size else "its size differs"
    except ProcessingError as error:
        return str(error)


def _exposures(
    run: Run, block: AssociationBlock, problems: list[str]
) -> Iterator[Exposure]:
    """The exposures in time, as far as their ABs are there."""
    logs = run.config.directories.logs / run.date
    singles = dict.fromkeys(
        m.file for m in block.mcalibs if m.is_virtual and m.tag == "PIXTABLE_REDUCED"
    )
    if not singles:
        problems.append(f"{block.name} combines no exposures")
    for name in sorted(singles):
        single = _block(logs / name, problems)
        makers = single.needs if single else ()
        for raw in (_block(logs / maker, problems) for maker in makers):
            files = [r.file for r in raw.rawfiles if r.tag == "OBJECT"] if raw else []
            if single and raw and files:
                run_id = raw.value("OBS_PROG_ID") or single.value("OBS_PROG_ID")
                exposure = files[0].removesuffix(".fz").removesuffix(".fits")
                yield Exposure(exposure, single.root, run_id)


def _block(path: Path, problems: list[str]) -> AssociationBlock | None:
    if is_safe_name(path.name) and path.is_file():
        return read_block(path)
    problems.append(f"{path} is missing")
    return None


def _report(path: Path, block: str) -> QcReport:
    return read_report(path) if path.is_file() else QcReport(block)


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
