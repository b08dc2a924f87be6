"""What the review shows of a deep cube: its image and cube beside its exposures'."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from muse_deep_plugin.headers import date_obs
from muse_deep_plugin.offset_list import Offsets, read_offsets
from muse_deep_plugin.qc_members import exposures_of
from phoenix_core.ab.file import read_block
from phoenix_core.errors import PhoenixError
from phoenix_core.model import AssociationBlock, QcReport, Run
from phoenix_core.move.plan import products_of
from phoenix_core.review.exhibit import Exhibit

_CUBES: Final = ("DATACUBE_DEEP", "DATACUBE_FINAL")
_IMAGES: Final = ("IMAGE_FOV_DEEP", "IMAGE_FOV")
_NO_SHIFT: Final = (0.0, 0.0)


def exhibit_of(run: Run, report: QcReport, reports: Mapping[str, QcReport]) -> Exhibit:
    """Return a deep cube and the exposures in it, each with its image and cube.

    Exposures are shifted as muse_exp_combine shifts them: by their offsets.

    Args:
        run: the run.
        report: of the dpc AB.
        reports: those of the run, by the name of their AB.
    """
    block = _block(run, report.block)
    if block is None:
        return Exhibit(report)
    offsets = _offsets(run, block)
    members = tuple(
        _shown(run, reports.get(name, QcReport(name)), offsets)
        for name in exposures_of(block)
    )
    files = _files(run, block)
    return Exhibit(report, _one(files, _IMAGES), _one(files, _CUBES), members=members)


def _shown(run: Run, report: QcReport, offsets: Offsets) -> Exhibit:
    block = _block(run, report.block)
    files = _files(run, block) if block else {}
    image, cube = _one(files, _IMAGES), _one(files, _CUBES)
    shift = _shift(image or cube, offsets) if offsets else _NO_SHIFT
    return Exhibit(report, image, cube, shift)


def _block(run: Run, name: str) -> AssociationBlock | None:
    path = run.ab_path(name)
    return read_block(path) if path.is_file() else None


def _files(run: Run, block: AssociationBlock) -> dict[str, Path]:
    """The products that are there, by their category; the first one of each."""
    found: dict[str, Path] = {}
    for product in products_of(run, block):
        if product.path.is_file():
            found.setdefault(product.category, product.path)
    return found


def _one(files: Mapping[str, Path], categories: tuple[str, ...]) -> Path | None:
    return next((files[name] for name in categories if name in files), None)


def _offsets(run: Run, block: AssociationBlock) -> Offsets:
    """The offsets that were combined with; none where the list is not there."""
    for mcalib in block.mcalibs:
        maker = _block(run, mcalib.file) if mcalib.is_virtual else None
        if maker and mcalib.tag == "OFFSET_LIST":
            path = _files(run, maker).get("OFFSET_LIST")
            try:
                return read_offsets(path) if path else {}
            except PhoenixError:
                return {}
    return {}


def _shift(path: Path | None, offsets: Offsets) -> tuple[float, float]:
    """What is added to RA and Dec: the recipe takes the offset away."""
    if path is None:
        return _NO_SHIFT
    try:
        ra, dec = offsets.get(date_obs(path), _NO_SHIFT)
    except PhoenixError:
        return _NO_SHIFT
    return (-ra, -dec)
