"""What the QC1 database knows already: of a datacube, and of an OB. Read only.

There may be no database, or one without these tables: then nothing is known. QC never
fails for it.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from attrs import field, frozen

from phoenix_core.errors import PhoenixError
from phoenix_core.model import Run
from phoenix_core.qc1.tables import Qc1Table


@frozen
class History:
    """The row of a datacube as it was before, and grade and comment of its OB."""

    row: Mapping[str, Any] = field(factory=dict)
    grade: str = ""
    comment: str = ""

    def text(self, column: str) -> str:
        """A text of the row, '' where there is none."""
        value = self.row.get(column)
        return value if isinstance(value, str) else ""

    def number(self, column: str) -> float | None:
        """A number of the row that is above 0."""
        value = self.row.get(column)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if is_number and value and value > 0 else None


def history(run: Run, table: Qc1Table, pipefile: str, ob_id: object) -> History:
    """Look up a datacube and its OB.

    Args:
        run: its configuration names the database.
        table: with the column pipefile.
        pipefile: of the datacube.
        ob_id: of the OB, where it is known.
    """
    named = "'" + pipefile.replace("'", "''") + "'"
    row = _first(run, f"SELECT * FROM {table.name} WHERE pipefile = {named}")  # noqa: S608, names are ours or quoted
    grade: Mapping[str, Any] = {}
    if isinstance(ob_id, int) and not isinstance(ob_id, bool):
        grade = _first(
            run,
            f"SELECT grade, comment FROM ob_grades WHERE ob_id = {ob_id} "  # noqa: S608, a number
            "ORDER BY exec_time DESC",
        )
    grade_of, comment = grade.get("grade"), grade.get("comment")
    return History(
        row,
        grade_of if isinstance(grade_of, str) else "",
        comment if isinstance(comment, str) else "",
    )


def _first(run: Run, sql: str) -> Mapping[str, Any]:
    from phoenix_core.qc1.query import ask  # noqa: PLC0415, costs start-up

    with suppress(PhoenixError, OSError):
        answer = ask(run.config.database, sql)
        if answer.rows:
            return dict(zip(answer.names, answer.rows[0], strict=True))
    return {}
