"""pgi_phoenix_EXAMPLE_move: images are kept as data, histories with the logs."""

from collections.abc import Sequence

from phoenix_core import hookimpl
from phoenix_core.model import Move, Product, Run


@hookimpl
def move_products_special_plugin(run: Run, products: Sequence[Product]) -> list[Move]:
    """Say where each certified product goes."""
    directories = run.config.directories
    moves = []
    for product in products:
        is_text = product.category == "HISTORY"
        directory = directories.logs if is_text else directories.reduced
        moves.append(Move(product.path, directory / run.date / product.path.name))
    return moves
