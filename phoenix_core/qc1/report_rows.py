"""The rows of a QC report, on their way into the QC1 database.

The report keeps its rows; the database has them once `keep_rows` returns, and so has a
text file of the run, ``qc1_<RAW_TYPE>.dat``, as calls of qc1Ingest that can be typed.
The text is written last: a call that was killed before is completed by the next one.
"""

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa

from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import ConfigError
from phoenix_core.files.sums import sum_of
from phoenix_core.model import Qc1Row, QcReport, Run
from phoenix_core.qc1.check_rows import by_column, check_columns
from phoenix_core.qc1.database import open_qc1
from phoenix_core.qc1.discovery import declared_tables, table_named
from phoenix_core.qc1.ingest import delete_group, has_row, ingest
from phoenix_core.qc1.tables import Qc1Table, Value
from phoenix_core.records.database import open_database
from phoenix_core.records.lines import append_lines
from phoenix_core.words.plain_text import counted

_Values = Mapping[str, Value]

_ID = 12  # letters that tell one version of the rows from another
_BASIC = 0xFFFF  # letters that have a number of four digits


def check_report_rows(rows: Sequence[Qc1Row]) -> None:
    """Hold the rows of a report against their tables.

    Raises:
        ConfigError: the first thing that is wrong, with its table and column.
        PgiError: a package with tables is broken.
    """
    for table, of_table in _by_declared(rows).items():
        _, mistakes = check_columns(table, by_column(table, of_table))
        for mistake in mistakes:
            raise ConfigError(f"{table.name}, row {mistake.row + 1}, {mistake}")
        seen: dict[tuple[Value, ...], int] = {}
        for number, key in enumerate(_keys(table, of_table), start=1):
            first = seen.setdefault(tuple(key.values()), number)
            if first != number:
                told = ", ".join(f"{name} {value}" for name, value in key.items())
                raise ConfigError(
                    f"{table.name}, row {number}, {told}: row {first} has the same key"
                )


def keep_rows(
    run: Run, block: AssociationBlock, report: QcReport, *, again: bool = False
) -> bool:
    """Put the rows of a report into the database, unless it has them.

    Each replaces the row that has its key. Rows that were there and are gone, with
    the whole database for example, are put there again; one that a person corrected
    stays.

    Args:
        run: the run or night.
        block: the AB.
        report: its report.
        again: put them there whatever is there.

    Returns:
        Whether something was put there.

    Raises:
        ConfigError: the database is busy, or does not answer; or a row does not fit
            its table any more.
        OSError: the calls could not be written down; then it is done again.
    """
    if not report.qc1:
        return False
    start = f"# {report.block} "
    lines = _lines(start, report)
    is_done = False

    def put(written: bytes) -> str:
        nonlocal is_done
        last = written.rfind(start.encode())
        is_known = last >= 0 and written[last:].startswith(lines.encode())
        is_done = _put(run, report.qc1, is_known=is_known and not again)
        return "" if is_known else lines

    append_lines(calls_path(run, block), put)
    return is_done


def calls_path(run: Run, block: AssociationBlock) -> Path:
    """Return where the ingest calls of ABs of this kind are written down."""
    return run.monitor_dir / f"qc1_{block.raw_type}.dat"


def ingest_calls(rows: Sequence[Qc1Row]) -> Iterator[str]:
    """Return the call of qc1Ingest that puts each row there, in one line a shell takes.

    What is not known is left out.
    """
    for row in rows:
        words = ["qc1Ingest", "-table", row.table]
        for key, value in row.values.items():
            if _is_told(value):
                words += [f"-{key}", str(value)]
        yield " ".join(map(_quoted, words))


def _is_told(value: Value) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is not None and value != ""


def _lines(start: str, report: QcReport) -> str:
    """The calls of a report below a line that tells its version from others."""
    calls = tuple(ingest_calls(report.qc1))
    version = sum_of((report.block, report.fingerprint, *calls))[:_ID]
    head = f"{start}{version}: {counted(len(calls), 'row')}"
    return "\n".join([head, *calls, ""])


def _quoted(word: str) -> str:
    r"""Quote a word for a shell, in one line.

    >>> _quoted("NGC 300"), _quoted("a\n'b'")
    ("'NGC 300'", "$'a\\u000a\\'b\\''")
    """
    if word.isprintable():
        return shlex.quote(word)
    return f"$'{''.join(map(_escaped, word))}'"


def _escaped(letter: str) -> str:
    if letter in "\\'":
        return f"\\{letter}"
    if letter.isprintable():
        return letter
    code = ord(letter)
    return f"\\u{code:04x}" if code <= _BASIC else f"\\U{code:08x}"


def _put(run: Run, rows: Sequence[Qc1Row], *, is_known: bool) -> bool:
    """Put rows there: all of them, or nothing; known ones only where none is there."""
    by_table = _by_declared(rows)
    if is_known and _is_any_there(run, by_table):
        return False
    with open_qc1(run.config.database) as engine, engine.begin() as connection:
        for table, of_table in by_table.items():
            if table.group:
                for value in {key[table.group] for key in _keys(table, of_table)}:
                    delete_group(connection, table, value)
            ingest(connection, table, of_table)
    return True


def _is_any_there(run: Run, by_table: Mapping[Qc1Table, Sequence[_Values]]) -> bool:
    """Whether the database has one of these rows; nothing of it is made for that."""
    with (
        suppress(ConfigError),
        open_database(run.config.database, _leave) as engine,
        engine.connect() as connection,
    ):
        return any(
            has_row(connection, table, key)
            for table, of_table in by_table.items()
            for key in _keys(table, of_table)
        )
    return False


def _leave(_: sa.Engine) -> None:
    """Make no tables."""


def _by_declared(rows: Sequence[Qc1Row]) -> dict[Qc1Table, list[_Values]]:
    """The rows by their tables.

    Raises:
        ConfigError: there is no such table.
        PgiError: a package with tables is broken.
    """
    declared = declared_tables()
    return {
        declared.get(name) or table_named(name): of_table
        for name, of_table in _by_table(rows).items()
    }


def _keys(table: Qc1Table, rows: Sequence[_Values]) -> list[dict[str, Value]]:
    """Return what tells each row apart, as the database has it."""
    columns, _ = check_columns(table, by_column(table, rows))
    return [{k: columns[k][n] for k in table.keys} for n in range(len(rows))]


def _by_table(rows: Sequence[Qc1Row]) -> dict[str, list[_Values]]:
    found: dict[str, list[_Values]] = {}
    for row in rows:
        found.setdefault(row.table, []).append(row.values)
    return found
