"""pgi_phoenix_MUSE_postAB (FINAL_PLUGIN): deep products get categories of their own.

The recipe calls every cube DATACUBE_FINAL and every image IMAGE_FOV, those of one
exposure as well. That the original changes PRO.CATG is documented, to what is not: the
names are ours.
"""

from collections.abc import Sequence
from typing import Final

from attrs import evolve

from muse_deep_plugin.create_deep import RAW_TYPE
from muse_deep_plugin.steps import EXP_COMBINE
from phoenix_core import hookimpl
from phoenix_core.fits_file import set_cards
from phoenix_core.model import AssociationBlock, Product

DEEP: Final = {"DATACUBE_FINAL": "DATACUBE_DEEP", "IMAGE_FOV": "IMAGE_FOV_DEEP"}

_CATG: Final = "Category of pipeline product frame"


@hookimpl
def process_ab_final_plugin(
    block: AssociationBlock, products: Sequence[Product]
) -> list[Product] | None:
    """Change PRO.CATG of a dpc AB's cube and images, in header and record."""
    if block.recipe != EXP_COMBINE.recipe or block.raw_type != RAW_TYPE:
        return None
    return [_deep(product) for product in products]


def _deep(product: Product) -> Product:
    if product.category not in DEEP:
        return product
    category = DEEP[product.category]
    set_cards(product.path, {"ESO PRO CATG": (category, _CATG)})
    return evolve(product, category=category)
