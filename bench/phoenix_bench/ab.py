"""pgi_phoenix_BENCH_AB: the ABs as they are, each after what it needs."""

from collections.abc import Sequence

from phoenix_core import hookimpl
from phoenix_core.ab.cascade import in_order
from phoenix_core.model import AssociationBlock, Cascade


@hookimpl
def ab_pgi(blocks: Sequence[AssociationBlock]) -> Cascade:
    """Order the ABs."""
    return Cascade(in_order(blocks))
