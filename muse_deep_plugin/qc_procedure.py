"""pgi_phoenix_MUSE_QC (QC_PROCEDURE): the QC of single and deep datacubes."""

from collections.abc import Sequence
from typing import Final

from muse_deep_plugin.qc_scores import Options
from muse_deep_plugin.steps import EXP_COMBINE, SCIPOST
from phoenix_core import hookimpl
from phoenix_core.model import AssociationBlock, Product, QcReport, Run

__all__ = ["PGI", "Options", "process_qc_procedure"]

PGI: Final = "pgi_phoenix_MUSE_QC"


@hookimpl
def process_qc_procedure(
    run: Run, block: AssociationBlock, products: Sequence[Product]
) -> QcReport | None:
    """Measure the datacube of a pst or dpc AB; None for any other AB."""
    cubes = [p for p in products if p.category.startswith("DATACUBE")]
    if block.recipe not in {SCIPOST.recipe, EXP_COMBINE.recipe} or not cubes:
        return None
    # Loaded with every call of phoenix; numpy and astropy only where there is a cube.
    from muse_deep_plugin.qc_measure import measure  # noqa: PLC0415

    return measure(run, block, products, cubes[0], run.options(PGI, Options))
