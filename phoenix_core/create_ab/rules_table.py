"""One table of a rules file while it is read: every mistake with file, line and key."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from phoenix_core.association_block import is_safe_name
from phoenix_core.create_ab.keyword import misspelt
from phoenix_core.create_ab.toml_lines import Place
from phoenix_core.errors import ConfigError
from phoenix_core.nearest import nearest
from phoenix_core.words.plain_text import plain

_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_DAY = 86400.0
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|h|d)")


@frozen
class Source:
    """The file: its name in messages, and the line of each table and key."""

    name: str
    lines: Mapping[Place, int]

    def wrong(self, place: Place, problem: str) -> ConfigError:
        """Make the error for a table or key, with its line or that of its table."""
        known: Place = place
        while known and known not in self.lines:
            known = known[:-1]
        where = f"{self.name}, line {self.lines[known]}" if known else self.name
        return ConfigError(plain(f"{where}: {_told(place)}: {problem}"))


@frozen
class Table:
    """A table of the file; each reading names the key, and what it has to be."""

    source: Source
    place: Place
    content: Mapping[str, Any]

    def wrong(self, key: str, problem: str) -> ConfigError:
        """Make the error for a key of this table."""
        return self.source.wrong((*self.place, key) if key else self.place, problem)

    def only(self, *known: str) -> None:
        """Refuse every key but these."""
        for key in self.content:
            if key not in known:
                told = ", ".join(known)
                raise self.wrong(
                    key, f"unknown key{nearest(key, known)} (known: {told})"
                )

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text."""
        value = self.content.get(key, default)
        if value is None:
            raise self.wrong(key, "is missing")
        if not isinstance(value, str):
            raise self.wrong(key, f"is {value!r}; expected a text")
        return value

    def name(self, key: str) -> str:
        """Return a text that can stand in an AB and name a file."""
        text = self.text(key)
        if not is_safe_name(text):
            raise self.wrong(key, f"is '{text}'; expected a name without blanks")
        return text

    def word(self, key: str, allowed: tuple[str, ...], default: str) -> str:
        """Return one of several words."""
        value = self.text(key, default)
        if value not in allowed:
            told = " or ".join(allowed)
            hint = nearest(value, allowed)
            raise self.wrong(key, f"is '{value}'; expected {told}{hint}")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self.content.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, f"is {value!r}; expected true or false")
        return value

    def count(self, key: str, default: int | None, least: int = 0) -> int | None:
        """Return a whole number that is not below `least`."""
        value = self.content.get(key, default)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self.wrong(
                key, f"is {value!r}; expected a whole number from {least} on"
            )
        return value

    def number(self, key: str) -> float | None:
        """Return a number, or None where there is none."""
        value = self.content.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(key, f"is {value!r}; expected a number")
        number = _finite(value)
        if number is None:
            raise self.wrong(key, f"is {value!r}; expected a finite number")
        return number

    def days(self, key: str, default: float | None) -> float | None:
        """Return a time as days: ``30 s``, ``30 min``, ``2 h``, ``7 d``; never 0."""
        if key not in self.content:
            return default
        value = self.content[key]
        match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            raise self.wrong(
                key, f'is {value!r}; expected a time as "30 min", "2 h" or "7 d"'
            )
        number = _finite(match[1])
        if not number:
            raise self.wrong(key, f'is "{value}"; expected a time above 0 that ends')
        return number * _SECONDS[match[2]] / _DAY

    def texts(self, key: str, default: tuple[str, ...] | None = ()) -> tuple[str, ...]:
        """Return a list of texts, each once; without a default it has to be there."""
        value = self.content.get(key, default)
        if value is None:
            raise self.wrong(key, "is missing")
        is_list = isinstance(value, list | tuple)
        if not is_list or not all(isinstance(text, str) and text for text in value):
            raise self.wrong(key, f"is {value!r}; expected a list of texts")
        if double := [text for text in value if value.count(text) > 1]:
            raise self.wrong(key, f"names '{double[0]}' twice")
        return tuple(value)

    def keywords(
        self, key: str, default: tuple[str, ...] | None = ()
    ) -> tuple[str, ...]:
        """Return a list of keywords."""
        for text in self.texts(key, default):
            self.check_keyword(key, text)
        return self.texts(key, default)

    def check_keyword(self, key: str, text: str) -> None:
        """Refuse a keyword that no header could have."""
        if problem := misspelt(text):
            raise self.wrong(key, problem)

    def texts_by_name(self, key: str) -> dict[str, str]:
        """Return a table of texts."""
        inner = self.table(key)
        return {name: inner.text(name) for name in inner.content}

    def table(self, key: str) -> "Table":
        """Return a table within this one, empty where there is none."""
        value = self.content.get(key, {})
        if not isinstance(value, dict):
            raise self.wrong(key, f"is {value!r}; expected a table")
        return Table(self.source, (*self.place, key), value)

    def tables(self, key: str) -> Iterator["Table"]:
        """Go through the tables of an array."""
        value = self.content.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            told = ".".join(str(part) for part in (*self.place, key) if part != 0)
            raise self.wrong(key, f"expected tables [[{told}]]")
        for number, inner in enumerate(value):
            yield Table(self.source, (*self.place, key, number), inner)


def _finite(value: str | float) -> float | None:
    """A number as a float, None where it is infinite, or too large for one."""
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _told(place: Place) -> str:
    """A place as people call it: ``[[group]] 2, keys``."""
    told = []
    names: list[str] = []
    for part in place:
        if isinstance(part, int):
            told.append(f"[[{'.'.join(names)}]] {part + 1}")
        else:
            names.append(part)
    last = place[-1] if place and isinstance(place[-1], str) else ""
    return ", ".join([*told[-1:], *([last] if last else [])]) or "the file"
