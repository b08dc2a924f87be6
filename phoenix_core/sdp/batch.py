"""What was given together: the files, and what each of them links to."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import field, frozen

from phoenix_core.association_block import is_safe_name
from phoenix_core.sdp.product import Product, place_of, read_product

FITS_SUFFIXES = (".fits", ".fits.fz")


@frozen
class Link:
    """A file that a product names as ASSONi, with its ASSOCi and ASSOMi.

    `product` is the file's headers where its name says that it is FITS and it is there.
    """

    index: str
    name: str
    path: Path | None = None
    product: Product | None = None

    @property
    def is_fits(self) -> bool:
        """Whether its name is that of a FITS file."""
        return self.name.endswith(FITS_SUFFIXES)


@frozen
class Batch:
    """The files of one call, and the time (MJD) that they are judged at."""

    products: tuple[Product, ...]
    now: float
    links: Mapping[Path, tuple[Link, ...]] = field(factory=dict, repr=False)

    def links_of(self, product: Product) -> tuple[Link, ...]:
        """What a product names as its associated files."""
        return self.links.get(product.path, ())

    def linked(self, product: Product, category: str) -> tuple[Product, ...]:
        """The associated FITS files of a category."""
        found = (link.product for link in self.links_of(product))
        return tuple(p for p in found if p and p.is_whole and p.category == category)


def make_batch(products: Sequence[Product], now: float) -> Batch:
    """Find the associated files: beside the product, else among the files given."""
    given = {place_of(product.path): product for product in products}
    by_name = {product.name: product for product in reversed(products)}
    links = {
        product.path: tuple(_links(product, given, by_name)) for product in products
    }
    return Batch(tuple(products), now, links)


def _links(
    product: Product, given: Mapping[Path, Product], by_name: Mapping[str, Product]
) -> list[Link]:
    found = []
    for index, card in product.primary.indexed("ASSON").items():
        name = card.value
        if isinstance(name, str) and is_safe_name(name):
            found.append(_link(index, name, product.path.parent, given, by_name))
    return found


def _link(
    index: str,
    name: str,
    directory: Path,
    given: Mapping[Path, Product],
    by_name: Mapping[str, Product],
) -> Link:
    path = directory / name
    if not path.is_file():
        elsewhere = by_name.get(name)
        return Link(index, name, elsewhere.path if elsewhere else None, elsewhere)
    if not name.endswith(FITS_SUFFIXES):
        return Link(index, name, path)
    known = given.get(place_of(path))
    return Link(index, name, path, known or read_product(path, with_data=False))


def md5_of(path: Path) -> str:
    """The md5 of a file, as ASSOMi has it.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, _md5).hexdigest()


def _md5() -> "hashlib._Hash":
    return hashlib.md5(usedforsecurity=False)
