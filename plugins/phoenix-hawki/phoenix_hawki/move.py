"""pgi_phoenix_HAWKI_move (SPECIAL_PLUGIN of moveProducts): data here, masters there.

Stacks, tiles and what belongs to them go to the reduced directory of the night. Masters
go to the calibration directory, where later nights find them. Single exposures stay
behind as working products.
"""

from collections.abc import Sequence
from typing import Final

from phoenix_core import hookimpl
from phoenix_core.model import Move, Product, Run

SCIENCE_PRODUCTS: Final = frozenset(
    {
        *("JITTERED_IMAGE_SCI", "OBJECT_CATALOGUE_JITTERED"),
        *("JITTERED_VAR_IMAGE", "CONFIDENCE_MAP_JITTERED"),
        *("TILED_IMAGE", "TILED_OBJECT_CATALOGUE"),
        *("TILED_VAR_MAP", "TILED_CONFIDENCE_MAP"),
    }
)
MASTERS: Final = frozenset({"MASTER_DARK", "MASTER_READGAIN"})


@hookimpl
def move_products_special_plugin(run: Run, products: Sequence[Product]) -> list[Move]:
    """Say where each certified product goes, under the name that it has."""
    directories = run.config.directories
    moves = []
    for product in products:
        if product.category in SCIENCE_PRODUCTS:
            directory = directories.reduced
        elif product.category in MASTERS:
            directory = directories.calib
        else:
            continue
        moves.append(Move(product.path, directory / run.date / product.path.name))
    return moves
