"""Rules on files as such: names, compression, FITS structure, sums."""

import re
from collections.abc import Iterator

from phoenix_core.sdp.batch import FITS_SUFFIXES, Batch
from phoenix_core.sdp.product import Hdu, Product
from phoenix_core.sdp.rule import About, Breach, Rule, Severity, breach

LONGEST_NAME = 68  # characters: what a FITS card has room for

_LETTERS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]*", re.ASCII)
_COMMENTARY = frozenset({"", "COMMENT", "HISTORY", "CONTINUE"})
_FILE = (About.FILE,)
_FITS = (About.FITS,)


def _unreadable(product: Product, _batch: Batch) -> Iterator[Breach]:
    if product.unreadable:
        yield Breach(f"cannot be read: {product.unreadable}")


def _long_name(product: Product, _batch: Batch) -> Iterator[Breach]:
    length = len(product.name)
    if length > LONGEST_NAME:
        yield Breach(f"the name has {length} characters")


def _strange_name(product: Product, _batch: Batch) -> Iterator[Breach]:
    if not _LETTERS.fullmatch(product.name):
        yield Breach("the name has other letters")


def _strange_suffix(product: Product, _batch: Batch) -> Iterator[Breach]:
    if not product.name.endswith(FITS_SUFFIXES) and not product.is_gzip:
        yield Breach("the name ends otherwise")


def _gzip(product: Product, _batch: Batch) -> Iterator[Breach]:
    if product.is_gzip:
        yield Breach("the file is compressed with gzip")


def _same_name(product: Product, batch: Batch) -> Iterator[Breach]:
    first = next((p for p in batch.products if p.name == product.name), product)
    if first.path != product.path:
        yield Breach(f"{first.path} has the same name")


def _broken(product: Product, _batch: Batch) -> Iterator[Breach]:
    if product.problem and not product.is_gzip:
        yield Breach(product.problem)


def _tile_compressed(product: Product, _batch: Batch) -> Iterator[Breach]:
    is_compressed = any(hdu.is_compressed for hdu in product.hdus)
    if is_compressed and not product.name.endswith(".fz"):
        yield Breach("images are tile-compressed, and the name does not end in .fz")
    if product.name.endswith(".fz") and not is_compressed:
        yield Breach("the name ends in .fz, and no image is tile-compressed")


def _lossy(product: Product, _batch: Batch) -> Iterator[Breach]:
    for hdu in product.hdus:
        columns = {card.value for card in hdu.header.indexed("TTYPE").values()}
        is_rounded = "ZSCALE" in hdu.header or "ZSCALE" in columns
        if hdu.is_compressed and (hdu.bitpix or 0) < 0 and is_rounded:
            yield breach(
                hdu, "ZBITPIX", "floating-point pixels were rounded by tile compression"
            )


def _unsigned(product: Product, keyword: str) -> Iterator[Breach]:
    for hdu in product.hdus:
        if not hdu.header.text(keyword):
            yield breach(hdu, keyword, "is missing or empty")


def _no_checksum(product: Product, _batch: Batch) -> Iterator[Breach]:
    return _unsigned(product, "CHECKSUM")


def _no_datasum(product: Product, _batch: Batch) -> Iterator[Breach]:
    return _unsigned(product, "DATASUM")


def _wrong(product: Product, keyword: str, changed: str) -> Iterator[Breach]:
    for hdu in product.hdus:
        if hdu.wrong_sum == keyword:
            yield breach(hdu, keyword, f"is wrong: {changed} were changed after it")


def _wrong_checksum(product: Product, _batch: Batch) -> Iterator[Breach]:
    return _wrong(product, "CHECKSUM", "bytes of this HDU")


def _wrong_datasum(product: Product, _batch: Batch) -> Iterator[Breach]:
    return _wrong(product, "DATASUM", "data of this HDU")


def _repeated(product: Product, _batch: Batch) -> Iterator[Breach]:
    for hdu in product.hdus:
        yield from _repeated_in(hdu)


def _repeated_in(hdu: Hdu) -> Iterator[Breach]:
    counts: dict[str, int] = {}
    for card in hdu.header.cards:
        counts[card.keyword] = counts.get(card.keyword, 0) + 1
    for keyword, count in counts.items():
        if count > 1 and keyword not in _COMMENTARY:
            yield breach(hdu, keyword, f"stands there {count} times")


def _long_text(product: Product, _batch: Batch) -> Iterator[Breach]:
    for hdu in product.hdus:
        for keyword in ("CONTINUE", "LONGSTRN", "LONGSTR"):
            if keyword in hdu.header:
                yield breach(hdu, keyword, "is there")


RULES = (
    Rule("file.readable", "ours", "a file that can be read", _FILE, _unreadable),
    Rule(
        "file.name-length",
        "SDP 3.4.1",
        f"a name of at most {LONGEST_NAME} characters, with its suffix",
        _FILE,
        _long_name,
    ),
    Rule(
        "file.name-letters",
        "ours",
        "a name of letters, digits and . _ : + - only",
        _FILE,
        _strange_name,
    ),
    Rule(
        "file.suffix",
        "SDP 3.4.3",
        "a name that ends in .fits, or in .fits.fz",
        _FILE,
        _strange_suffix,
    ),
    Rule(
        "file.gzip",
        "SDP 3.3",
        "no compression but that of fpack, by tiles",
        _FILE,
        _gzip,
    ),
    Rule(
        "file.name-unique",
        "SDP 3.4.2",
        "a name that no other file given has, in whatever directory",
        _FILE,
        _same_name,
    ),
    Rule(
        "fits.whole",
        "FITS 3",
        "a whole FITS file: HDU after HDU, without other bytes",
        _FILE,
        _broken,
    ),
    Rule(
        "fits.tile-compression",
        "CHK",
        "a name in .fz where images are tile-compressed, and only there",
        _FITS,
        _tile_compressed,
    ),
    Rule(
        "fits.lossy",
        "SDP 3.3",
        "floating-point pixels as they are: fpack rounds them, without -q 0",
        _FITS,
        _lossy,
        Severity.WARNING,
    ),
    Rule(
        "fits.CHECKSUM",
        "SDP 5.12",
        "a CHECKSUM in each HDU",
        _FITS,
        _no_checksum,
    ),
    Rule("fits.DATASUM", "SDP 5.12", "a DATASUM in each HDU", _FITS, _no_datasum),
    Rule(
        "fits.checksum-right",
        "FITS 4.4.2.7",
        "a CHECKSUM that is that of the HDU",
        _FITS,
        _wrong_checksum,
        needs_data=True,
    ),
    Rule(
        "fits.datasum-right",
        "FITS 4.4.2.7",
        "a DATASUM that is that of the data",
        _FITS,
        _wrong_datasum,
        needs_data=True,
    ),
    Rule(
        "fits.repeated",
        "ours",
        "each keyword once in a header: readers take one or the other",
        _FITS,
        _repeated,
    ),
    Rule(
        "fits.long-text",
        "SDP 3.5",
        "no CONTINUE, LONGSTR or LONGSTRN: a text has at most 68 characters",
        _FITS,
        _long_text,
    ),
)
