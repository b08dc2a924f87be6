"""pgi_phoenix_GEN_in_order (AB_PGI): the ABs as they come, what others need first."""

from collections.abc import Sequence

from phoenix_core import hookimpl
from phoenix_core.ab.cascade import in_order
from phoenix_core.model import AssociationBlock, Cascade


@hookimpl
def ab_pgi(blocks: Sequence[AssociationBlock]) -> Cascade:
    """Put the ABs in order; none is added, changed or left out."""
    return Cascade(in_order(blocks))
