"""FITS headers as cards whose values are typed as they are written.

Read by hand and not with a library, because nothing may be mended or guessed on the
way: a rule has to see what stands in the file (FITS standard 4.0, section 4).
"""

import math
import re
from collections.abc import Iterator
from functools import cached_property

from attrs import frozen

Value = str | int | float | bool | None

_CARD = 80
_NAME = 8
_TEXT = re.compile(r" *'((?:[^']|'')*)' *(?:/.*)?")
_OTHER = re.compile(r" *([^/ ]*) *(?:/.*)?")
_INTEGER = re.compile(r"[+-]?\d+")
_REAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[EDed][+-]?\d+)?")
_HIERARCH = re.compile(r"HIERARCH +([^=]*?) *=(.*)", re.DOTALL)


@frozen
class Card:
    """A card of a header; the value of one that has none, or a broken one, is None.

    >>> Card.parse("NCOMBINE=                   12 / raw files".ljust(80)).value
    12
    >>> Card.parse("OBJECT  = 'Barnard''s star'".ljust(80)).value
    "Barnard's star"
    >>> Card.parse("HIERARCH ESO OBS ID = 200 / the OB".ljust(80)).keyword
    'ESO OBS ID'
    """

    keyword: str
    value: Value = None
    written: str = ""  # as it stands in the card, where that is no value

    @classmethod
    def parse(cls, image: str) -> "Card":
        """Read one card of 80 characters."""
        if match := _HIERARCH.fullmatch(image):
            return cls(match[1], *_value(match[2]))
        keyword = image[:_NAME].rstrip()
        if image[_NAME : _NAME + 2] != "= ":
            return cls(keyword)
        return cls(keyword, *_value(image[_NAME + 2 :]))

    @property
    def shown(self) -> str:
        """The value as people read it in a header."""
        if isinstance(self.value, str):
            return f"'{self.value}'"
        if isinstance(self.value, bool):
            return "T" if self.value else "F"
        return self.written if self.value is None else str(self.value)


def _value(field: str) -> tuple[Value, str]:
    if match := _TEXT.fullmatch(field):
        return match[1].replace("''", "'").rstrip(), ""
    match = _OTHER.fullmatch(field)
    word = match[1] if match else ""
    if word in {"T", "F"}:
        return word == "T", ""
    if _INTEGER.fullmatch(word):
        return int(word), ""
    if _REAL.fullmatch(word):
        return float(word.upper().replace("D", "E")), ""
    return None, field.strip()


@frozen(slots=False)
class Header:
    """The cards of an HDU, in their order, without END and what follows it."""

    cards: tuple[Card, ...] = ()

    @classmethod
    def parse(cls, content: bytes) -> "Header":
        """Read a header: whole blocks of printable characters."""
        text = content.decode("ascii", "replace")
        images = (text[at : at + _CARD] for at in range(0, len(text), _CARD))
        cards: list[Card] = []
        for image in images:
            if image.rstrip() == "END":
                break
            cards.append(Card.parse(image))
        return cls(tuple(cards))

    @cached_property
    def _first(self) -> dict[str, Card]:
        found: dict[str, Card] = {}
        for card in self.cards:
            found.setdefault(card.keyword, card)
        return found

    def __contains__(self, keyword: str) -> bool:
        return keyword in self._first

    def __iter__(self) -> Iterator[str]:
        return iter(self._first)

    def card(self, keyword: str) -> Card | None:
        """The first card of a keyword."""
        return self._first.get(keyword)

    def text(self, keyword: str) -> str | None:
        """The value of a keyword where it is a text."""
        card = self._first.get(keyword)
        return card.value if card and isinstance(card.value, str) else None

    def number(self, keyword: str) -> float | None:
        """The value of a keyword where it is a finite number, whole or not."""
        card = self._first.get(keyword)
        if card is None or isinstance(card.value, bool):
            return None
        number = float(card.value) if isinstance(card.value, int | float) else math.nan
        return number if math.isfinite(number) else None

    def integer(self, keyword: str) -> int | None:
        """The value of a keyword where it is a whole number."""
        card = self._first.get(keyword)
        if card is None or isinstance(card.value, bool):
            return None
        return card.value if isinstance(card.value, int) else None

    def is_true(self, keyword: str) -> bool:
        """Whether the value of a keyword is T."""
        card = self._first.get(keyword)
        return card is not None and card.value is True

    def indexed(self, stem: str) -> dict[str, Card]:
        """The cards of an indexed keyword by their index as written.

        >>> header = Header((Card("PROV1", "a"), Card("PROV02", "b"), Card("PROVXTN")))
        >>> list(header.indexed("PROV"))
        ['1', '02']
        """
        return {
            keyword[len(stem) :]: card
            for keyword, card in self._first.items()
            if keyword.startswith(stem) and keyword[len(stem) :].isdecimal()
        }
