"""Rows out of a database, made what their columns say.

SQLite keeps anything in any column, and other programs than ours write there. One value
of another kind is no reason to show nothing.

>>> from phoenix_core.qc1.tables import real, text
>>> columns = (text("target"), real("exptime", "s"))
>>> clean_rows(columns, [("A", 600.0), (b"B", 1e308), ("C", "long")])
[('A', 600.0), ('', None), ('C', None)]
"""

from collections.abc import Sequence
from typing import Any

from phoenix_core.qc1.tables import Column, Kind

_LARGEST = 1e15  # ours: no time, place or count is as large, and sums stay exact
_TYPES = {
    Kind.INTEGER: frozenset((int, type(None))),
    Kind.REAL: frozenset((float, int, type(None))),
}


def clean_rows(
    columns: Sequence[Column], rows: Sequence[Sequence[Any]]
) -> Sequence[Sequence[Any]]:
    """Return rows with None for what is no number, and '' for what is no text.

    Numbers that are not finite or beyond any measurement are none. A row without its
    key is left out: nobody could tell which one it is.

    Args:
        columns: what the rows have.
        rows: as a database has them; returned as they are where all is well.
    """
    given = list(zip(*rows, strict=True))
    cleaned = [_clean(c.kind, v) for c, v in zip(columns, given, strict=False)]
    if all(new is old for new, old in zip(cleaned, given, strict=True)):
        return rows
    keys = [place for place, column in enumerate(columns) if column.is_key]
    return [
        row
        for row in zip(*cleaned, strict=True)
        if all(row[key] not in {None, ""} for key in keys)
    ]


def _clean(kind: Kind, values: Sequence[Any]) -> Sequence[Any]:
    """Return the values of a column; themselves where nothing is wrong with them."""
    types = set(map(type, values))
    if kind is Kind.TEXT:
        if types == {str}:
            return values
        return [value if isinstance(value, str) else "" for value in values]
    # The sum costs nothing, and is large or no number where a value is.
    if types <= _TYPES[kind] and sum(map(abs, filter(None, values))) < _LARGEST:
        return values
    return [_number(kind, value) for value in values]


def _number(kind: Kind, value: Any) -> Any:
    is_one = value is not None and type(value) in _TYPES[kind]
    return value if is_one and abs(value) < _LARGEST else None
