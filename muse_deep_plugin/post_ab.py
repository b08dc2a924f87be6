"""pgi_phoenix_MUSE_postAB (FINAL_PLUGIN): deep products say what they are.

The recipe calls every cube DATACUBE_FINAL and every image IMAGE_FOV, those of one
exposure as well. That the original changes PRO.CATG is documented, to what is not: the
names are ours. Cube and images also get the exposure time, the end and the number of
all exposures, and in PIPEFILE the name under which they are published. Headers are
edited, all at once, for a header costs a copy of the file; pixels are not touched. The
exposure map is made here, while the exposures' images are still there.
"""

from collections.abc import Sequence
from typing import Final

from attrs import evolve

from muse_deep_plugin.create_deep import RAW_TYPE
from muse_deep_plugin.deep_cards import exposure_cards, exptime_card
from muse_deep_plugin.deep_map import deep_map
from muse_deep_plugin.input_checks import with_tag
from muse_deep_plugin.steps import EXP_COMBINE
from phoenix_core import hookimpl
from phoenix_core.ab.inputs import paths
from phoenix_core.fits.edit import set_cards
from phoenix_core.model import AssociationBlock, Product, Run
from phoenix_core.processing.publish import product_names

DEEP: Final = {
    "DATACUBE_FINAL": "DATACUBE_DEEP",
    "IMAGE_FOV": "IMAGE_FOV_DEEP",
    "EXPOSURE_MAP": "EXPOSURE_MAP_DEEP",
}

_CATG: Final = "Category of pipeline product frame"
_FILE: Final = "Filename of data product"


@hookimpl
def process_ab_final_plugin(
    run: Run, block: AssociationBlock, products: Sequence[Product]
) -> list[Product] | None:
    """Complete the headers of a dpc AB's cube and images, and add the exposure map.

    A combination that is no deep one (another RAW_TYPE) keeps its categories.
    """
    if block.recipe != EXP_COMBINE.recipe:
        return None
    categories = DEEP if block.raw_type == RAW_TYPE else {}
    exposed = deep_map(run, block, products) if categories else None
    products = [*products, *([exposed.product] if exposed else [])]
    named = [
        evolve(product, category=categories.get(product.category, product.category))
        for product in products
    ]
    cards = exposure_cards(with_tag(paths(run, block), "PIXTABLE_REDUCED"))
    if exposed:
        cards |= exptime_card(exposed.median)
    names = product_names(block, named)
    for before, product, name in zip(products, named, names, strict=True):
        if before.category in DEEP:
            own = {"ESO PRO CATG": (product.category, _CATG), "PIPEFILE": (name, _FILE)}
            set_cards(product.path, cards | own)
    return named
