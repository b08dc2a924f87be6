"""Rules on keywords with an index: 1, 2, 3 ..., no zero in front, values distinct."""

import re
from collections.abc import Callable, Iterator

from attrs import frozen

from phoenix_core.sdp.batch import Batch
from phoenix_core.sdp.header import Value
from phoenix_core.sdp.primary_keywords import is_filled, is_run_id
from phoenix_core.sdp.product import PROVENANCE, Product
from phoenix_core.sdp.rule import About, Breach, Check, Rule, Severity, breach

_CUBE = (About.CUBE,)
# A name that the archive gave: instrument or ADP, and a time; no suffix.
_ARCHIVE_NAME = re.compile(
    r"[A-Z0-9_]+\.\d{4}-\d\d-\d\d[T_]\d\d[:_]\d\d[:_]\d\d(\.\d+)?"
)
_PRODUCT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]*\.fits(\.fz)?")
_LONGEST = 68


@frozen
class _Family:
    """Keywords of one stem: which section, the largest index, what a value is."""

    stem: str
    section: str
    largest: int
    value: str
    is_right: Callable[[Value], bool]
    is_mandatory: bool = False


def _is_precursor(value: Value) -> bool:
    known = (_ARCHIVE_NAME, _PRODUCT_NAME)
    return (
        isinstance(value, str)
        and len(value) <= _LONGEST
        and any(name.fullmatch(value) for name in known)
    )


def _is_text(value: Value) -> bool:
    return isinstance(value, str) and is_filled(value)


FAMILIES = (
    _Family(
        "PROV",
        "SDP 5.2.1",
        9999,
        "a file of the archive without .fits, or a product of the collection with it",
        _is_precursor,
    ),
    _Family(
        "OBID",
        "SDP 5.1",
        9999,
        "the number of an OB",
        lambda value: isinstance(value, int) and value > 0 and value is not True,
        is_mandatory=True,
    ),
    _Family(
        "PROGID",
        "SDP 5.1",
        99,
        "a run, TP.C-NNNN(R) or PPP.AAAA.nnn",
        lambda value: isinstance(value, str) and is_run_id(value),
    ),
    _Family("TELESC", "SDP 5.1", 99, "a telescope", _is_text),
    _Family("INSTR", "SDP 5.1", 999, "an instrument", _is_text),
    _Family(
        "ASSON", "SDP 4.2", 9999, "the name of a file", _is_text, is_mandatory=True
    ),
)


def _sequence(family: _Family) -> Check:
    def check(product: Product, _batch: Batch) -> Iterator[Breach]:
        indices = list(product.primary.indexed(family.stem))
        zeros = [index for index in indices if index.startswith("0")]
        for index in zeros:
            yield breach(product.hdus[0], family.stem + index, "has a leading zero")
        if zeros:
            return
        numbers = {int(index) for index in indices}
        missing = sorted(set(range(1, len(numbers) + 1)) - numbers)
        if missing:
            what = "is missing, and later ones are there"
            yield breach(product.hdus[0], f"{family.stem}{missing[0]}", what)
        if len(numbers) > family.largest:
            yield Breach(f"there are {len(numbers)}", f"{family.stem}i", "0")

    return check


def _distinct(family: _Family) -> Check:
    def check(product: Product, _batch: Batch) -> Iterator[Breach]:
        seen: dict[Value, str] = {}
        for index, card in product.primary.indexed(family.stem).items():
            if card.value is not None and card.value in seen:
                what = f"is the same as {family.stem}{seen[card.value]}"
                yield breach(product.hdus[0], family.stem + index, what)
            seen.setdefault(card.value, index)

    return check


def _values(family: _Family) -> Check:
    def check(product: Product, _batch: Batch) -> Iterator[Breach]:
        for index, card in product.primary.indexed(family.stem).items():
            if not family.is_right(card.value):
                yield breach(product.hdus[0], family.stem + index, "is none")

    return check


def _present(family: _Family) -> Check:
    def check(product: Product, _batch: Batch) -> Iterator[Breach]:
        if not product.primary.indexed(family.stem):
            yield breach(product.hdus[0], f"{family.stem}1", "is missing")

    return check


def _rules_of(family: _Family) -> Iterator[Rule]:
    name = f"index.{family.stem}"
    if family.is_mandatory:
        expects = f"{family.stem}1, {family.stem}2 ..., at least the first"
        section = family.section
        yield Rule(f"{name}-present", section, expects, _CUBE, _present(family))
    yield Rule(
        f"{name}-sequence",
        family.section,
        f"indices 1, 2, 3 ... {family.largest} without gaps and leading zeros",
        _CUBE,
        _sequence(family),
    )
    yield Rule(
        f"{name}-distinct",
        family.section,
        "each value once",
        _CUBE,
        _distinct(family),
    )
    yield Rule(f"{name}-value", family.section, family.value, _CUBE, _values(family))


def _suffix_of_archive(product: Product, _batch: Batch) -> Iterator[Breach]:
    for index, card in product.primary.indexed("PROV").items():
        name = str(card.value).removesuffix(".fits")
        if name != card.value and _ARCHIVE_NAME.fullmatch(name):
            yield breach(product.hdus[0], f"PROV{index}", "ends in .fits")


def _provenance(product: Product, _batch: Batch) -> Iterator[Breach]:
    has_keywords = bool(product.primary.indexed("PROV"))
    is_told = product.primary.is_true("PROVXTN")
    tables = [hdu for hdu in product.hdus[1:] if hdu.name == PROVENANCE]
    first = product.hdus[0]
    if not (has_keywords or is_told or tables):
        yield breach(first, "PROV1", "is missing")
    elif is_told and not tables:
        yield breach(first, "PROVXTN", f"there is no extension {PROVENANCE}")
    elif tables and not is_told:
        yield breach(first, "PROVXTN", f"is not T, and there is {PROVENANCE}")
    elif tables and has_keywords:
        yield breach(first, "PROV1", f"is there, and so is {PROVENANCE}")


def _provenance_column(product: Product, _batch: Batch) -> Iterator[Breach]:
    for hdu in product.hdus[1:]:
        if hdu.name == PROVENANCE and hdu.header.text("TTYPE1") != "PROV":
            yield breach(hdu, "TTYPE1", "is not 'PROV'")


RULES = (
    *(rule for family in FAMILIES for rule in _rules_of(family)),
    Rule(
        "index.PROV-suffix",
        "SDP 5.2.1",
        "a file of the archive by its name without .fits",
        _CUBE,
        _suffix_of_archive,
        Severity.WARNING,
    ),
    Rule(
        "provenance.one-way",
        "SDP 5.2.2",
        f"PROVi, or else PROVXTN = T and a table {PROVENANCE}",
        _CUBE,
        _provenance,
    ),
    Rule(
        "provenance.column",
        "SDP 5.2.2",
        f"PROV in the first column of {PROVENANCE}",
        _CUBE,
        _provenance_column,
    ),
)
