"""Products get their names, in one step each, where they wait for certification."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from phoenix_core.ab.file import read_block
from phoenix_core.association_block import (
    AssociationBlock,
    ProductRecord,
    is_safe_name,
)
from phoenix_core.errors import PgiError
from phoenix_core.files.atomic import link_file
from phoenix_core.files.sums import FileSums, file_state, sha256
from phoenix_core.model import Product, Run


def check_products(pgi: str, workdir: Path, products: Sequence[Product]) -> None:
    """Let through only files that are there, inside the working directory.

    Raises:
        PgiError: a plug-in named something else.
    """
    inside = workdir.resolve()
    for product in products:
        if not product.path.resolve().is_relative_to(inside):
            raise PgiError(f"{pgi}: product {product.path} is not in {workdir}")
        if not product.path.is_file() or product.path.is_symlink():
            raise PgiError(f"{pgi}: product {product.path} is no file")
        if not is_safe_name(product.category):
            raise PgiError(f"{pgi}: '{product.category}' is no product category")
    paths = Counter(product.path for product in products)
    if double := [path for path, times in paths.items() if times > 1]:
        raise PgiError(f"{pgi}: product {double[0]} is named twice")


def product_names(
    block: AssociationBlock, products: Sequence[Product]
) -> tuple[str, ...]:
    """Return the names under which products will be published, one each.

    ``<PROD_ROOT_NAME>_<category>``, counted where there are several of a category.
    """
    of_category = Counter(product.category for product in products)
    seen: Counter[str] = Counter()
    names = []
    for product in products:
        seen[product.category] += 1
        stem = f"{block.root}_{product.category}"
        if of_category[product.category] > 1:
            stem += f"_{seen[product.category]:04d}"
        names.append(stem + product.path.suffix)
    return tuple(names)


def publish(
    run: Run,
    block: AssociationBlock,
    products: Sequence[Product],
    workdir: Path,
    sums: FileSums,
) -> list[ProductRecord]:
    """Give the products and the log their names where they wait for certification."""
    directory = run.product_dir(block.raw_type)
    directory.mkdir(parents=True, exist_ok=True)
    records = []
    for product, name in zip(products, product_names(block, products), strict=True):
        target = directory / name
        state, total = file_state(product.path), sha256(product.path)
        link_file(product.path, target)
        sums.put(target, state, total)
        kind = "INTERIM" if product.interim else "KEPT"
        records.append(
            ProductRecord(target.name, product.category, total, state.size, kind)
        )
    publish_log(run, block, workdir)
    _drop_former(run, block, directory, {record.file for record in records})
    return records


def publish_log(run: Run, block: AssociationBlock, workdir: Path) -> None:
    """Put a recipe's log beside the products, also of one that failed."""
    log = workdir / block.log_name
    if log.is_file() and not log.is_symlink():
        directory = run.product_dir(block.raw_type)
        directory.mkdir(parents=True, exist_ok=True)
        link_file(log, directory / block.log_name)


def _drop_former(
    run: Run, block: AssociationBlock, directory: Path, kept: set[str]
) -> None:
    """Delete products of an earlier try that this one did not make."""
    former = read_block(run.ab_path(block.name)).products
    for record in former:
        if record.file not in kept:
            (directory / record.file).unlink(missing_ok=True)
