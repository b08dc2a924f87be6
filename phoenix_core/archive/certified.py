"""What of a run is certified: ABs that were accepted, with the products they have."""

from pathlib import Path

import attrs
from attrs import frozen

from phoenix_core.ab.file import check_block, read_block
from phoenix_core.association_block import AssociationBlock, ProductRecord
from phoenix_core.errors import ProcessingError
from phoenix_core.files.sums import FileSums
from phoenix_core.fits.as_certified import certified_sha256, certified_size
from phoenix_core.model import Product, Run
from phoenix_core.records.verdicts import products_id, read_verdicts, word_on


@frozen
class Certified:
    """An AB that moved after a person or rule accepted just these products.

    `id` tells them from those of another time.
    """

    block: AssociationBlock
    id: str
    products: tuple[Product, ...]

    @property
    def name(self) -> str:
        """The name of the AB."""
        return self.block.name

    @property
    def target(self) -> str:
        """What people call it."""
        return self.block.value("TARGET") or self.block.name


def certified(run: Run) -> tuple[Certified, ...]:
    """Return what of a run is certified and moved, in the order of names.

    Raises:
        ConfigError: an AB is damaged.
        CertificationError: the file of verdicts is.
    """
    given = read_verdicts(run)
    paths = sorted(run.moved_path("any").parent.glob("*.ab"))
    blocks = [check_block(read_block(path)) for path in paths] if given else []
    words = {block.name: word_on(given, block) for block in blocks}
    found = (
        Certified(block, products_id(block), _products(run, block))
        for block in blocks
        if (word := words[block.name]) and not word.is_no
    )
    return tuple(one for one in found if one.products)


def why_changed(one: Certified, sums: FileSums) -> tuple[str, ...]:
    """Say which of the products are not there as they were certified, a line each."""
    records = {record.file: record for record in _kept(one.block)}
    lines = []
    for product in one.products:
        record, path = records[product.path.name], product.path
        if not path.is_file() or path.is_symlink():
            lines.append(f"{path} is missing")
        elif wrong := _why_another(path, record, sums):
            lines.append(f"{path} is not what was certified ({wrong})")
    return tuple(lines)


def certified_sum(one: Certified, path: Path) -> str | None:
    """Return the sha256 that a product of the AB was certified with."""
    records = {record.file: record.checksum for record in _kept(one.block)}
    return records.get(path.name)


def _why_another(path: Path, record: ProductRecord, sums: FileSums) -> str:
    """Say why a file is not the certified one, whatever its headers are by now."""
    try:
        is_same = certified_size(path) == record.size
        is_same = is_same and certified_sha256(path, sums) == record.checksum
    except ProcessingError as error:
        return str(error)
    return "" if is_same else "its sha256 changed"


def _products(run: Run, block: AssociationBlock) -> tuple[Product, ...]:
    places = [Path(text) for text in block.values("PROD_PATH")]
    inside = [place for place in places if _is_inside(run, place)]
    return tuple(
        Product(_find(run, inside, record.file), record.category, block.name)
        for record in _kept(block)
    )


def _kept(block: AssociationBlock) -> list[ProductRecord]:
    return [record for record in block.products if record.state == "KEPT"]


def _find(run: Run, places: list[Path], file: str) -> Path:
    """Where a product lies, or ought to."""
    found = [place / file for place in places if (place / file).is_file()]
    where = [*places, run.config.directories.reduced / run.date]
    return found[0] if found else where[0] / file


def _is_inside(run: Run, path: Path) -> bool:
    directories = attrs.astuple(run.config.directories)
    return any(path.resolve().is_relative_to(one.resolve()) for one in directories)
