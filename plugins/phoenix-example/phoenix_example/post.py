"""pgi_phoenix_EXAMPLE_post: calibrated exposures are of no use once stacked."""

from collections.abc import Sequence

import attrs

from phoenix_core import hookimpl
from phoenix_core.model import Product


@hookimpl
def process_ab_post_plugin(products: Sequence[Product]) -> list[Product]:
    """Mark calibrated exposures as interim: the core deletes them when it may."""
    return [attrs.evolve(p, interim=p.category == "REDUCED") for p in products]
