"""idpConvert_mu_deep (CONVERSION_TOOL): what the command of this name does, by itself.

A dataset keeps the names that it was converted under by hand (``-p pst2``), where that
has been done.
"""

from collections.abc import Sequence

from muse_deep_plugin.conversion.convert import Options, convert, idp_of
from phoenix_core import hookimpl
from phoenix_core.model import Idp, Product, Run

__all__ = ["Options", "ingest_products_conversion_tool"]


@hookimpl
def ingest_products_conversion_tool(run: Run, products: Sequence[Product]) -> list[Idp]:
    """Convert the deep cubes among the products; the others are no datasets."""
    blocks = frozenset(product.block for product in products)
    return [idp_of(run, one) for one in convert(run, blocks=blocks)] if blocks else []
