"""Rows held against their table before they go into the database.

Column by column: a look at the types that occur costs nothing, and is enough where
all is well.
"""

import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from phoenix_core.errors import ConfigError
from phoenix_core.nearest import nearest
from phoenix_core.qc1.forms import EXPECTED, formed
from phoenix_core.qc1.tables import Column, Form, Kind, Qc1Table, Value
from phoenix_core.words.plain_text import plain

Columns = Mapping[str, Sequence[Value]]

_LARGEST = 2**63 - 1  # of BIGINT
_NONE = type(None)
_SHOWN = 40  # characters of a wrong value
_EXPECTED = {
    Kind.TEXT: "a text",
    Kind.INTEGER: "a whole number",
    Kind.REAL: "a number",
}


@frozen
class Mistake:
    """A value that its column does not take; rows count from 0."""

    row: int
    key: str
    problem: str

    def __str__(self) -> str:
        """Tell the key and what is wrong with its value."""
        return f"{self.key}: {self.problem}"


def check_keys(table: Qc1Table, given: Iterable[str]) -> None:
    """Hold the names of columns against those of a table.

    Raises:
        ConfigError: all that the table does not have, a line each.
    """
    known = [column.name for column in table.columns]
    strangers = sorted(set(given) - set(known))
    if strangers:
        raise ConfigError(
            "\n".join(
                f"the table {table.name} has no {plain(name)}{nearest(name, known)}"
                for name in strangers
            )
        )


def by_column(table: Qc1Table, rows: Sequence[Mapping[str, Value]]) -> Columns:
    """Turn rows into columns; what a row does not give has its default.

    Raises:
        ConfigError: a row has a key that is no column.
    """
    check_keys(table, {name for row in rows for name in row})
    return {
        column.name: [row.get(column.name, column.default) for row in rows]
        for column in table.columns
    }


def check_columns(table: Qc1Table, columns: Columns) -> tuple[Columns, list[Mistake]]:
    """Return columns as the database takes them, and what is wrong with them.

    Numbers of numpy become Python's. What was not measured (None, NaN, infinite) is
    None; a text that is not known is its default; a run id has its formal spelling.
    """
    cleaned: dict[str, Sequence[Value]] = {}
    mistakes: list[Mistake] = []
    for column in table.columns:
        values, wrong = _check(column, columns[column.name])
        cleaned[column.name] = values
        mistakes += wrong
    return cleaned, mistakes


def _check(
    column: Column, values: Sequence[Value]
) -> tuple[Sequence[Value], list[Mistake]]:
    kinds = set(map(type, values))
    if column.default is not None and _NONE in kinds:
        values = [column.default if value is None else value for value in values]
        kinds = set(map(type, values))
    is_missing = column.is_key and (_NONE in kinds or "" in values)
    is_formed = column.form is None or _is_formed(column.form, values)
    if not is_missing and is_formed and _is_plain(column.kind, kinds, values):
        return values, []
    cleaned: list[Value] = []
    mistakes: list[Mistake] = []
    for row, value in enumerate(values):
        try:
            cleaned.append(_one(column, value))
        except (ValueError, OverflowError) as error:
            mistakes.append(Mistake(row, column.name, str(error)))
    return cleaned, mistakes


def _is_plain(kind: Kind, kinds: set[type], values: Sequence[Any]) -> bool:
    """Whether the database takes all values as they are."""
    if kind is Kind.TEXT:
        return kinds <= {str} and _is_storable("".join(values))
    if not kinds <= {float if kind is Kind.REAL else int, _NONE}:
        return False
    if _NONE in kinds:
        values = [value for value in values if value is not None]
    if kind is Kind.REAL:
        return all(map(math.isfinite, values))
    return max(map(abs, values), default=0) <= _LARGEST


def _is_formed(form: Form, values: Sequence[Any]) -> bool:
    """Whether all texts that are known have a form; of many, few are different."""
    texts = {value for value in values if value and isinstance(value, str)}
    try:
        return all(formed(form, text) == text for text in texts)
    except ValueError:
        return False


def _one(column: Column, value: Value) -> Value:
    """Return one value as the database takes it.

    Raises:
        ValueError: it does not.
    """
    cleaned = _cleaned(column.kind, value)
    if column.is_key and cleaned in {None, ""}:
        raise ValueError("is missing; it tells rows apart")
    if column.form and isinstance(cleaned, str) and cleaned:
        try:
            return formed(column.form, cleaned)
        except ValueError:
            told = f"{_show(value)} is no {column.form}"
            raise ValueError(f"{told}; expected {EXPECTED[column.form]}") from None
    return cleaned


def _cleaned(kind: Kind, value: Value) -> Value:
    if value is None:
        return None
    if kind is Kind.TEXT:
        if isinstance(value, str):
            if _is_storable(value):
                return str(value)
            raise ValueError(f"{_show(value)} holds what no database stores")
    elif isinstance(value, numbers.Real) and not isinstance(value, bool):
        if not math.isfinite(value):
            return None
        if kind is Kind.REAL:
            return float(value)
        if isinstance(value, numbers.Integral):
            if abs(int(value)) <= _LARGEST:
                return int(value)
            raise ValueError(f"{_show(value)} is too large")
    raise ValueError(f"{_show(value)} is not {_EXPECTED[kind]}")


def _show(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _is_storable(text: str) -> bool:
    """Whether a text is UTF-8 without NUL, which PostgreSQL does not know."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False
