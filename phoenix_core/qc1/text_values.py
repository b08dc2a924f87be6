"""Values that were written as text: on a command line, in a file."""

import math
from collections.abc import Sequence

from phoenix_core.qc1.check_rows import Mistake
from phoenix_core.qc1.tables import Column, Kind, Value

_UNKNOWN = ("", "null", "none", "nan", "--")  # as databases and astropy write it


def read_values(
    column: Column, texts: Sequence[str]
) -> tuple[Sequence[Value], list[Mistake]]:
    """Return a column's values, and which texts are none; rows count from 0.

    A number that is empty, NULL or NaN is not known; a text is what it is. What is
    a number to Python alone (1_000, digits that are not ASCII) is none.
    """
    if column.kind is Kind.TEXT:
        return texts, []
    whole = column.kind is Kind.INTEGER
    kind: type[int | float] = int if whole else float
    try:
        if _is_usual("".join(texts)):
            quick = [kind(text) if text else None for text in texts]
            if whole or math.isfinite(sum(filter(None, quick))):
                return quick, []
    except (ValueError, OverflowError):
        pass  # the way of few words is not for everybody
    values: list[Value] = []
    mistakes: list[Mistake] = []
    for row, text in enumerate(texts):
        value: Value = None
        if text.strip().lower() not in _UNKNOWN:
            try:
                value = _number(kind, text)
            except ValueError:
                expected = "a whole number" if whole else "a number"
                problem = f"{text!a} is not {expected}"
                mistakes.append(Mistake(row, column.name, problem))
        values.append(value)
    return values, mistakes


def _is_usual(text: str) -> bool:
    return text.isascii() and "_" not in text


def _number(kind: type[int | float], text: str) -> int | float:
    """Read a number.

    Raises:
        ValueError: it is none, or one that is larger than any.
    """
    value = kind(text) if _is_usual(text) else None
    if value is None or (math.isinf(value) and "inf" not in text.lower()):
        raise ValueError
    return value
