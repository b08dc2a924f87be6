"""pgi_phoenix_HAWKI_post (POST_PLUGIN): products know each other by published names.

The recipes write the names that they give in the working directory (stack_conf_1.fits)
into ASSONn, into PROV1 of a catalogue and into PIPEFILE. What nothing but a tile takes
is marked as interim. Primary headers are edited, pixels are not touched.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from attrs import evolve

from phoenix_core import hookimpl
from phoenix_core.fits.edit import set_cards
from phoenix_core.model import AssociationBlock, Product
from phoenix_core.processing.publish import product_names
from phoenix_hawki.headers import primary_header
from phoenix_hawki.steps import SCIENCE

INTERIM: Final = frozenset(
    {
        *("BASIC_CALIBRATED_SCI", "BASIC_VAR_MAP"),
        *("BASIC_CALIBRATED_SKY", "BASIC_VAR_MAP_SKY"),
        *("MEAN_SKY", "MEAN_SKY_VAR"),
    }
)
"""Single exposures and skies: inputs of a tile, and steps on the way to a stack."""

_NAMING: Final = re.compile(r"PIPEFILE|ASSON\d+|PROV\d+")


@hookimpl
def process_ab_post_plugin(
    block: AssociationBlock, products: Sequence[Product]
) -> list[Product]:
    """Write published names into the headers, and mark what may go once unneeded."""
    names = product_names(block, products)
    published = {p.path.name: name for p, name in zip(products, names, strict=True)}
    for product in products:
        _rename(product, published)
    is_science = block.recipe == SCIENCE.recipe
    return [
        evolve(p, interim=p.interim or (is_science and p.category in INTERIM))
        for p in products
    ]


def _rename(product: Product, published: Mapping[str, str]) -> None:
    header = primary_header(product.path)
    cards = {
        keyword: (published[value], header.header.comments[keyword])
        for keyword, value in header.items()
        if _NAMING.fullmatch(keyword) and value in published
    }
    if cards:
        set_cards(product.path, cards)
