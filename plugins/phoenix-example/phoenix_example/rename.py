"""pgi_phoenix_EXAMPLE_rename: a product's name says which run or night made it."""

from collections.abc import Sequence

import attrs

from phoenix_core import hookimpl
from phoenix_core.model import Move, Run


@hookimpl
def rename_products_special_plugin(run: Run, moves: Sequence[Move]) -> list[Move]:
    """Put the run or night in front of each name."""
    return [
        attrs.evolve(m, target=m.target.with_name(f"{run.label}_{m.target.name}"))
        for m in moves
    ]
