"""pgi_phoenix_BENCH_DRS: call /bin/true, as a recipe is called."""

from pathlib import Path

from phoenix_core import hookimpl
from phoenix_core.errors import ProcessingError
from phoenix_core.model import AssociationBlock, DrsCall, Product
from phoenix_core.recipe.recipe_call import run_recipe

_COMMAND = ("/bin/true",)


@hookimpl
def process_ab_drs_call() -> DrsCall:
    """Say what is called."""
    return DrsCall(_COMMAND, "true 1")


@hookimpl
def process_ab_drs(block: AssociationBlock, workdir: Path) -> list[Product]:
    """Call it; the product is a text of one line."""
    ended = run_recipe(_COMMAND, workdir)
    if ended.status:
        raise ProcessingError(f"{block.name}: /bin/true ended with {ended.status}")
    product = workdir / "product.txt"
    product.write_text(f"{block.name}\n", "utf-8")
    return [Product(product, "TRUE")]
