"""Values that were written as text: on a command line, in a file."""

from collections.abc import Sequence

from phoenix_core.qc1.check_rows import Mistake
from phoenix_core.qc1.tables import Column, Kind, Value

_UNKNOWN = ("", "null", "none", "nan", "--")  # as databases and astropy write it


def read_values(
    column: Column, texts: Sequence[str]
) -> tuple[Sequence[Value], list[Mistake]]:
    """Return a column's values, and which texts are none; rows count from 0.

    A number that is empty, NULL or NaN is not known; a text is what it is.
    """
    if column.kind is Kind.TEXT:
        return texts, []
    whole = column.kind is Kind.INTEGER
    kind: type[int | float] = int if whole else float
    try:
        if "" not in texts:
            return list(map(kind, texts)), []
        return [None if not text else kind(text) for text in texts], []
    except ValueError:
        pass  # the way of few words is not for everybody
    values: list[Value] = []
    mistakes: list[Mistake] = []
    for row, text in enumerate(texts):
        value: Value = None
        if text.strip().lower() not in _UNKNOWN:
            try:
                value = kind(text)
            except ValueError:
                expected = "a whole number" if whole else "a number"
                problem = f"{text!a} is not {expected}"
                mistakes.append(Mistake(row, column.name, problem))
        values.append(value)
    return values, mistakes
