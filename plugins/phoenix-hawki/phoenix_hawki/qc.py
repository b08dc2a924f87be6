"""pgi_phoenix_HAWKI_QC (QC_PROCEDURE): darks, detector noise, OBs and tiles."""

from collections.abc import Sequence
from typing import Final

from phoenix_core import hookimpl
from phoenix_core.model import AssociationBlock, Product, QcReport, Run
from phoenix_hawki.qc_scores import Options
from phoenix_hawki.steps import DARK, NOISE, SCIENCE, TILE

__all__ = ["PGI", "Options", "process_qc_procedure"]

PGI: Final = "pgi_phoenix_HAWKI_QC"

MEASURED: Final = {
    DARK.recipe: "MASTER_DARK",
    NOISE.recipe: "MASTER_READGAIN",
    SCIENCE.recipe: "JITTERED_IMAGE_SCI",
    TILE.recipe: "TILED_IMAGE",
}
"""The product that is measured, by recipe."""


@hookimpl
def process_qc_procedure(
    run: Run, block: AssociationBlock, products: Sequence[Product]
) -> QcReport | None:
    """Measure what an AB of a night has made; None for an AB of another kind."""
    category = MEASURED.get(block.recipe)
    found = [product.path for product in products if product.category == category]
    if not found:
        return None
    options = run.options(PGI, Options)
    # The module is loaded with every call of phoenix, numpy only with a product.
    from phoenix_hawki import qc_calib, qc_science  # noqa: PLC0415

    if block.recipe == DARK.recipe:
        return qc_calib.measure_dark(block, found[0], options)
    if block.recipe == NOISE.recipe:
        return qc_calib.measure_noise(block, found[0], options)
    return qc_science.measure(run, block, products, found[0], options)
