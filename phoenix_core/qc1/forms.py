"""What a text of a column has to look like, so that those who ask find it again."""

from collections.abc import Callable, Mapping
from typing import Final

from phoenix_core.errors import ConfigError
from phoenix_core.pseudo_date import check_date_label
from phoenix_core.qc1.tables import Form
from phoenix_core.run_id import parse_run_id

EXPECTED: Final[Mapping[Form, str]] = {
    Form.RUN_ID: "one such as 094.D-0114(B)",
    Form.DATE: "one such as 2014-10-22",
    Form.GRADE: "A, B, C or D",
}


def formed(form: Form, text: str) -> str:
    """Return a text in the one spelling that its form has.

    Raises:
        ValueError: it does not have that form.

    >>> formed(Form.RUN_ID, "094.D-0114B"), formed(Form.GRADE, "b ")
    ('094.D-0114(B)', 'B')
    """
    try:
        return _FORMED[form](text)
    except ConfigError as error:
        raise ValueError(str(error)) from error


def _run_id(text: str) -> str:
    return parse_run_id(text).formal


def _grade(text: str) -> str:
    grade = text.strip().upper()
    if grade not in {"A", "B", "C", "D"}:
        raise ValueError(text)
    return grade


_FORMED: Final[Mapping[Form, Callable[[str], str]]] = {
    Form.RUN_ID: _run_id,
    Form.DATE: check_date_label,
    Form.GRADE: _grade,
}
