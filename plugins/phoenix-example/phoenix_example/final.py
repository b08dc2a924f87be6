"""pgi_phoenix_EXAMPLE_final: a stack comes with a text that says what is in it."""

from collections.abc import Sequence

from phoenix_core import hookimpl
from phoenix_core.model import AssociationBlock, Product


@hookimpl
def process_ab_final_plugin(
    block: AssociationBlock, products: Sequence[Product]
) -> list[Product] | None:
    """Write the history of a stack beside it; leave all else as it is."""
    stacks = [product for product in products if product.category == "STACK"]
    if not stacks:
        return None
    history = stacks[0].path.with_name("HISTORY.txt")
    lines = [f"{block.value('TARGET')}: {block.recipe} {' '.join(block.params)}"]
    lines += [f"{entry.tag} {entry.file}" for entry in block.sof]
    # Whatever bytes stand in an AB as the target.
    history.write_text("\n".join(lines) + "\n", "utf-8", "surrogateescape")
    return [*products, Product(history, "HISTORY", block.name)]
