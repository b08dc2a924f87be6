"""pgi_phoenix_MUSE_moveP (SPECIAL_PLUGIN of moveProducts): what is kept of a deep run.

The deep cubes, their field-of-view images and the collected pipeline logs go to the
reduced directory of the pseudo-date; nothing else does.
"""

from collections.abc import Sequence
from typing import Final

from muse_deep_plugin.post_ab import DEEP
from muse_deep_plugin.post_sci import LOGS
from muse_deep_plugin.steps import EXP_COMBINE
from phoenix_core import hookimpl
from phoenix_core.model import Move, Product, Run

# A dpc AB's cube is a deep cube, even where no FINAL_PLUGIN has called it so.
MOVED: Final = frozenset({*DEEP, *DEEP.values(), LOGS})


@hookimpl
def move_products_special_plugin(run: Run, products: Sequence[Product]) -> list[Move]:
    """Collect the products of the dpc ABs, under the names that they have."""
    reduced = run.config.directories.reduced / run.date
    suffix = f"{EXP_COMBINE.tag}.ab"
    return [
        Move(product.path, reduced / product.path.name)
        for product in products
        if product.block.endswith(suffix) and product.category in MOVED
    ]
