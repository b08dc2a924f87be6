"""What the commands of the QC1 database do: ingest, import, query, tables."""

import csv
import io
import math
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import typer
from rich.table import Table

from phoenix_core import __version__
from phoenix_core.config import find_config, read_config
from phoenix_core.errors import ConfigError
from phoenix_core.qc1.discovery import declared_tables, table_named
from phoenix_core.qc1.ingest_words import Asked, key_of, read_words, row_of
from phoenix_core.qc1.tables import Qc1Table
from phoenix_core.words.answer import answer
from phoenix_core.words.plain_text import counted, plain
from phoenix_core.words.terminal import Terminal, safe

_WIDTH = 100_000  # characters
_SHOWN = 1000  # rows; more is for programs


def qc1_ingest(words: Sequence[str]) -> None:
    """Put one row into a table or take it out, as the words of the command line say."""
    asked = read_words(words)
    if "version" in asked.flags:
        typer.echo(f"qc1Ingest {__version__}")
        return
    table = table_named(asked.table)
    if "help" in asked.flags:
        _show_columns(table)
        return
    if "delete" in asked.flags:
        _delete(asked, table)
        return
    row = row_of(table, asked.keys)
    from phoenix_core.qc1.database import open_qc1  # noqa: PLC0415
    from phoenix_core.qc1.ingest import has_row, ingest  # noqa: PLC0415

    config = read_config(find_config(asked.config))
    with open_qc1(config.database) as engine, engine.begin() as connection:
        replaced = has_row(connection, table, row)
        ingest(connection, table, [row])
    if "json" in asked.flags:
        told = {name: _plain(value) for name, value in row.items()}
        answer({"table": table.name, "row": told, "replaced": replaced})
    else:
        typer.echo(f"{table.name}: {'a row replaced' if replaced else 'a new row'}")


def _delete(asked: Asked, table: Qc1Table) -> None:
    """Take one row out."""
    from phoenix_core.qc1.database import open_qc1  # noqa: PLC0415
    from phoenix_core.qc1.ingest import delete_row  # noqa: PLC0415

    row = key_of(table, asked.keys)
    config = read_config(find_config(asked.config))
    with open_qc1(config.database) as engine, engine.begin() as connection:
        if not delete_row(connection, table, row):
            words = " ".join(f"-{name} {plain(str(row[name]))}" for name in table.keys)
            raise ConfigError(f"{table.name} has no row {words}")
    if "json" in asked.flags:
        answer({"table": table.name, "row": dict(row), "deleted": True})
    else:
        typer.echo(f"{table.name}: a row deleted")


def import_files(
    given: Path | None, paths: Sequence[Path], name: str, *, as_json: bool
) -> None:
    """Put the rows of files into their tables."""
    from phoenix_core.qc1 import import_file  # noqa: PLC0415
    from phoenix_core.qc1.database import open_qc1  # noqa: PLC0415

    config = read_config(find_config(given))
    if missing := [path for path in paths if not path.exists()]:
        raise ConfigError("\n".join(f"{path}: no such file" for path in missing))
    tables = declared_tables()
    of_name = table_named(name) if name else None
    files = [(path, of_name or import_file.table_of(path, tables)) for path in paths]
    with open_qc1(config.database) as engine:
        numbers = import_file.import_files(engine, files)
    imported = [
        {"file": str(path), "table": table.name, "rows": rows}
        for (path, table), rows in zip(files, numbers, strict=True)
    ]
    if as_json:
        answer({"imported": imported})
        return
    for one in imported:
        typer.echo(f"{one['table']}: {one['rows']} rows from {one['file']}")


def ingest_reports(
    given: Path | None, run_id: str, date: str, name: str, *, as_json: bool
) -> None:
    """Put the rows of QC reports there again, whatever is there."""
    from phoenix_core.loader.session import Wishes, make_run  # noqa: PLC0415
    from phoenix_core.nearest import nearest  # noqa: PLC0415
    from phoenix_core.qc1.report_rows import keep_rows  # noqa: PLC0415
    from phoenix_core.questions.status import blocks_of, find_report  # noqa: PLC0415
    from phoenix_core.records.ledger import open_ledger  # noqa: PLC0415

    config = read_config(find_config(given))
    with open_ledger(config.database) as ledger:
        run = make_run(config, Wishes(run_id, date), ledger, register=False)
    blocks = blocks_of(run)
    if name and name not in blocks:
        raise ConfigError(f"{run.label} has no AB {name}{nearest(name, blocks)}")
    done: dict[str, int] = {}
    for found in (blocks[name],) if name else blocks.values():
        reported = find_report(run, found)
        if reported and reported[1].qc1:
            keep_rows(run, found.block, reported[1], again=True)
            done[found.block.name] = len(reported[1].qc1)
    if as_json:
        answer({"run": run.label, "rows": done})
        return
    for block, rows in done.items():
        typer.echo(f"{block}: {counted(rows, 'row')}")
    typer.echo(f"{plain(run.label)}: {counted(len(done), 'QC report')} ingested")


def query(given: Path | None, sql: str, *, as_json: bool, as_csv: bool) -> None:
    """Ask the database, and print the rows."""
    from phoenix_core.qc1.query import ask  # noqa: PLC0415

    if as_json and as_csv:
        raise ConfigError("--json or --csv: one of them")
    found = ask(read_config(find_config(given)).database, sql)
    if as_json:
        rows = [
            dict(zip(found.names, map(_plain, row), strict=True)) for row in found.rows
        ]
        if len(set(found.names)) < len(found.names):
            raise ConfigError("two columns have one name: give them names with AS")
        answer({"columns": found.names, "rows": rows})
    elif as_csv:
        _write_csv([found.names, *found.rows])
    else:
        _show_rows(found.names, found.rows)


def tables(name: str, *, as_json: bool) -> None:
    """List the tables, or the columns of one."""
    if name:
        table = table_named(name)
        if as_json:
            answer(_document(table))
        else:
            _show_columns(table)
        return
    every = declared_tables()
    if as_json:
        answer({"tables": [_document(table) for table in every.values()]})
        return
    shown = Table(box=None, pad_edge=False)
    shown.add_column("table", no_wrap=True)
    shown.add_column("version", justify="right")
    shown.add_column("columns", justify="right")
    shown.add_column("meaning", overflow="fold")
    for table in every.values():
        version, number = str(table.version), str(len(table.columns))
        shown.add_row(table.name, version, number, safe(table.meaning))
    Terminal().print(shown)


def _document(table: Qc1Table) -> dict[str, Any]:
    return {**attrs.asdict(table), "version": table.version}


def _show_columns(table: Qc1Table) -> None:
    shown = Table(
        title=f"{table.name}: {safe(table.meaning)}",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    for heading in ("column", "kind", "unit", "default"):
        shown.add_column(heading, no_wrap=heading != "unit", overflow="fold")
    shown.add_column("meaning", overflow="fold")
    for column in table.columns:
        default = "" if column.default is None else repr(column.default)
        cells = (column.kind.value, column.unit, default, column.meaning)
        name = f"[bold]{column.name}[/] (key)" if column.is_key else column.name
        shown.add_row(name, *map(safe, cells))
    Terminal().print(shown)


def _show_rows(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    shown = Table(box=None, pad_edge=False)
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    for name, values in zip(names, columns, strict=True):
        is_text = any(isinstance(value, str) for value in values)
        shown.add_column(safe(name), justify="left" if is_text else "right")
    for row in rows[:_SHOWN]:
        shown.add_row(*("" if v is None else safe(str(v)) for v in row))
    console = Terminal(width=_WIDTH)  # a row is a line, as long as it is
    console.print(shown)
    if len(rows) > _SHOWN:
        console.print(f"... and {len(rows) - _SHOWN} more rows: --csv has them all")


def _write_csv(rows: Sequence[Sequence[Any]]) -> None:
    """Write rows as they are, unless it is a terminal that would obey them."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    if sys.stdout.isatty():
        seen = (c if c.isprintable() or c == "\n" else "?" for c in text.getvalue())
        text = io.StringIO("".join(seen))
    sys.stdout.write(text.getvalue())


def _plain(value: Any) -> Any:
    """Return a value that JSON knows; PostgreSQL may have NaN, and Decimal for sums."""
    if isinstance(value, Decimal):
        is_whole = value.is_finite() and value == value.to_integral_value()
        value = int(value) if is_whole else float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.hex() if isinstance(value, bytes) else value
