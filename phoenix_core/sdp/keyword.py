"""Rules on one keyword: whether it is there, of the right type, with a right value."""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Any

from attrs import frozen

from phoenix_core.nearest import nearest
from phoenix_core.sdp.batch import Batch
from phoenix_core.sdp.header import Value
from phoenix_core.sdp.product import Hdu, Product
from phoenix_core.sdp.rule import About, Breach, Rule, Severity, breach

Where = Callable[[Product], Iterable[Hdu]]


class Kind(StrEnum):
    """The types of values, as the standard's (S), (R), (I) and (L)."""

    TEXT = "text"
    REAL = "number"
    INTEGER = "whole number"
    LOGICAL = "T or F"


@frozen
class Keyword:
    """What the standard says of a keyword.

    `words` are the only values of a text, if there are any; `is_right` is asked of a
    value of the right type.
    """

    name: str
    section: str
    kind: Kind = Kind.TEXT
    expects: str = ""
    words: tuple[str, ...] = ()
    is_right: Callable[[Any], bool] = lambda _: True
    is_mandatory: bool = True
    severity: Severity = Severity.ERROR

    @property
    def told(self) -> str:
        """What is expected, as a person is told it."""
        what = self.expects or " or ".join(self.words)
        of_kind = f"{self.kind}, {what}" if what else str(self.kind)
        return of_kind if self.is_mandatory else f"{of_kind}; it may be missing"


def rule_of(keyword: Keyword, prefix: str, about: tuple[About, ...], at: Where) -> Rule:
    """Make the rule on a keyword in the HDUs that `at` finds in a product."""

    def check(product: Product, _batch: Batch) -> Iterator[Breach]:
        for hdu in at(product):
            what = wrong_with(keyword, hdu)
            if what:
                yield breach(hdu, keyword.name, what)

    return Rule(
        f"{prefix}.{keyword.name}",
        keyword.section,
        keyword.told,
        about,
        check,
        keyword.severity,
    )


def wrong_with(keyword: Keyword, hdu: Hdu) -> str:
    """What is wrong with a keyword in an HDU, '' for nothing."""
    card = hdu.header.card(keyword.name)
    if card is None:
        return "is missing" if keyword.is_mandatory else ""
    value = card.value
    if not _is_of(keyword.kind, value):
        return f"is no {keyword.kind}" if card.shown else "has no value"
    if keyword.words and value not in keyword.words:
        return f"is another word{nearest(str(value), keyword.words)}"
    return "" if keyword.is_right(value) else "is not allowed"


def _is_of(kind: Kind, value: Value) -> bool:
    if kind is Kind.TEXT:
        return isinstance(value, str)
    if kind is Kind.LOGICAL:
        return isinstance(value, bool)
    if isinstance(value, bool) or value is None:
        return False
    if kind is Kind.INTEGER:
        return isinstance(value, int)
    return isinstance(value, int | float) and abs(value) < float("inf")
