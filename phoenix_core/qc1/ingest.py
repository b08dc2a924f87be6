"""Rows go into a table of the QC1 database."""

from collections.abc import Mapping, Sequence
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.default import DefaultDialect

from phoenix_core.errors import ConfigError
from phoenix_core.qc1.check_rows import Columns, by_column, check_columns
from phoenix_core.qc1.schema import as_sql
from phoenix_core.qc1.tables import Qc1Table, Value

_TOLD = 20  # mistakes; a table of another kind has as many as it has rows


def ingest(
    connection: sa.Connection, table: Qc1Table, rows: Sequence[Mapping[str, Value]]
) -> int:
    """Put rows into a table; each replaces the one that has its keys.

    All of it in the connection's transaction, which the caller ends.

    Args:
        connection: to a database that `open_qc1` has opened.
        table: where they go.
        rows: values by column; what is left out has its default, also where the row
            before had a value. None, NaN and infinite numbers are "not known".

    Returns:
        How many rows.

    Raises:
        ConfigError: all that is wrong with keys and values, a line each.
    """
    if not rows:
        return 0
    columns, mistakes = check_columns(table, by_column(table, rows))
    if mistakes:
        raise ConfigError(
            told_mistakes(
                [
                    f"{table.name}, row {mistake.row + 1}: {mistake}"
                    for mistake in sorted(mistakes, key=lambda m: m.row)
                ]
            )
        )
    ingest_columns(connection, table, columns)
    return len(rows)


def has_row(
    connection: sa.Connection, table: Qc1Table, keys: Mapping[str, Value]
) -> bool:
    """Tell whether a table has a row with these keys; nothing else is looked at."""
    sql = as_sql(table, sa.MetaData())
    found = sa.select(sa.literal(1)).where(*(sql.c[k] == keys[k] for k in table.keys))
    return connection.execute(found).first() is not None


def delete_row(
    connection: sa.Connection, table: Qc1Table, keys: Mapping[str, Value]
) -> bool:
    """Take the row with these keys out of a table; tell whether there was one."""
    sql = as_sql(table, sa.MetaData())
    gone = sa.delete(sql).where(*(sql.c[k] == keys[k] for k in table.keys))
    return connection.execute(gone).rowcount > 0


def delete_group(connection: sa.Connection, table: Qc1Table, value: Value) -> None:
    """Take all rows of one group out of a table that has groups."""
    sql = as_sql(table, sa.MetaData())
    connection.execute(sa.delete(sql).where(sql.c[table.group] == value))


def told_mistakes(lines: Sequence[str]) -> str:
    """Return mistakes, a line each, and not more than a person reads."""
    more = [f"and {len(lines) - _TOLD} more"] if len(lines) > _TOLD else []
    return "\n".join([*lines[:_TOLD], *more])


def ingest_columns(
    connection: sa.Connection, table: Qc1Table, columns: Columns
) -> None:
    """Put columns into a table that `check_columns` has found right."""
    names = [column.name for column in table.columns]
    rows = list(zip(*(columns[name] for name in names), strict=True))
    if not rows:
        return
    # Past SQLAlchemy's handling of each value, which takes longer than the database.
    connection.exec_driver_sql(_replacing(connection.dialect, table), rows)


_PLACES: dict[str, Literal["qmark", "format"]] = {
    "sqlite": "qmark",
    "postgresql": "format",
}


def _replacing(dialect: sa.Dialect, table: Qc1Table) -> str:
    """Return the SQL that inserts a row, or replaces the one that has its keys."""
    sql = as_sql(table, sa.MetaData())
    others = [column.name for column in sql.c if not column.primary_key]
    insert: sqlite.Insert | postgresql.Insert
    kind = sqlite if dialect.name == "sqlite" else postgresql
    insert = kind.insert(sql)
    if others:
        new = {name: insert.excluded[name] for name in others}
        insert = insert.on_conflict_do_update(index_elements=table.keys, set_=new)
    else:
        insert = insert.on_conflict_do_nothing()
    assert isinstance(dialect, DefaultDialect)
    by_place = type(dialect)(paramstyle=_PLACES[dialect.name])
    return str(insert.compile(dialect=by_place))
