"""Why an AB has to be processed: never done, failed, or made from something else.

An AB is up to date while its fingerprint is the one its products were made from:
recipe, parameters, version of the data reduction, and the content of every input. A
virtual input counts by the fingerprint of the AB that makes it, so products made
again from the same things make nothing out of date.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from phoenix_core.association_block import (
    AbStatus,
    AssociationBlock,
    ProductRecord,
    SofEntry,
)
from phoenix_core.files.sums import sum_of


def fingerprint(block: AssociationBlock, version: str) -> str:
    """Return what an AB's products depend on, as one sum.

    Args:
        block: the AB, its SOF_CONTENT resolved.
        version: the version of its data reduction, '' where that has none.
    """
    inputs = sorted(f"{entry.tag} {entry.content}" for entry in set(block.sof))
    return sum_of((block.recipe, version, *block.params, "", *inputs))


def damaged(
    products: Iterable[ProductRecord], directory: Path
) -> tuple[ProductRecord, ...]:
    """Return the products that ought to be on disk and are not, or not in full."""
    found = []
    for product in products:
        if product.is_deleted:
            continue
        try:
            size = (directory / product.file).stat().st_size
        except OSError:
            size = -1
        if size != product.size:
            found.append(product)
    return tuple(found)


def reasons(
    done: AssociationBlock, now: AssociationBlock, version: str, directory: Path
) -> tuple[str, ...]:
    """Return why an AB has to be processed; nothing where it is up to date.

    Args:
        done: the AB as it was last processed.
        now: the same AB with its inputs as they are now.
        version: the version of its data reduction now.
        directory: where its products lie.
    """
    if done.status is AbStatus.FAILED:
        return (f"it failed: {done.cause}",)
    if done.status is AbStatus.SKIPPED:
        return (f"it was skipped: {done.cause}",)
    if done.status is AbStatus.CREATED:
        return (done.cause or "it was not processed yet",)
    if done.fingerprint == fingerprint(now, version):
        return tuple(
            f"its product {product.file} is missing or not whole"
            for product in damaged(done.products, directory)
        )
    return _differences(done, now, version)


def _differences(
    done: AssociationBlock, now: AssociationBlock, version: str
) -> tuple[str, ...]:
    found = []
    if (old := done.value("RECIPE_VERSION")) != version:
        found.append(f"the version was '{old}' and is '{version}'")
    called, wanted = done.values("CALL_PARAM"), now.params
    if called != wanted:
        was, new = " ".join(called) or "none", " ".join(wanted) or "none"
        found.append(f"the parameters were {was} and are {new}")
    before = _entries(done)
    after = _entries(now)
    for file, entry in after.items():
        if file not in before:
            found.append(f"the input {file} is new")
        elif before[file].content != entry.content:
            found.append(f"the input {file} changed")
        elif before[file].tag != entry.tag:
            found.append(f"the input {file} is {entry.tag} and was {before[file].tag}")
    found += [
        f"the input {file} is no longer taken" for file in before if file not in after
    ]
    return tuple(found) or ("the recipe changed",)


def _entries(block: AssociationBlock) -> Mapping[str, SofEntry]:
    return {entry.file: entry for entry in block.sof}
