"""Inputs held against what is known of them, right before a recipe reads them."""

from collections.abc import Mapping
from pathlib import Path

from phoenix_core.ab import inputs
from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import ProcessingError
from phoenix_core.files.sums import FileSums, sha256
from phoenix_core.fits.file import check_fits
from phoenix_core.model import Run

_FITS = (".fits", ".fits.fz")


def verify_inputs(
    run: Run,
    block: AssociationBlock,
    made_by: Mapping[str, AssociationBlock],
    sums: FileSums,
) -> None:
    """Hold every input against what is known of it, since recipes do not.

    Products of other ABs against the sums in their ABs; files from elsewhere against
    the CHECKSUM that they carry.

    Raises:
        ProcessingError: an input is missing, truncated, or has another content.
    """
    recorded = {
        product.file: (product, maker)
        for maker in made_by.values()
        for product in maker.products
    }
    for path, _ in inputs.paths(run, block, made_by):
        if path.name not in recorded:
            _verify_file(path, sums)
            continue
        product, maker = recorded[path.name]
        if not path.exists():
            raise ProcessingError(
                f"{path} is not there; process {maker.name} again (phoenix -P does)"
            )
        if path.stat().st_size != product.size or sha256(path) != product.checksum:
            raise ProcessingError(
                f"{path} is not what {maker.name} made; remove it and process "
                f"{maker.name} again (phoenix -P does)"
            )


def _verify_file(path: Path, sums: FileSums) -> None:
    if not path.name.endswith(_FITS):
        return
    if sums.is_whole(path):
        return
    if problems := check_fits(path).problems:
        raise ProcessingError(f"{path} is damaged: {problems[0]}; fetch it again")
    sums.mark_whole(path)
