"""What changes with the rows of a table, asked of the database and not of the rows.

A tracked table says by which column its rows are looked at, a run for one. PostgreSQL
sums the rows of each value up itself. SQLite cannot, and has triggers instead, which
whoever writes sets off: each change of a row gives its value another random stamp.
"""

from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by

from phoenix_core.qc1.schema import as_sql
from phoenix_core.qc1.tables import Qc1Table

changes = sa.Table(
    "qc1_changes",
    sa.MetaData(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("stamp", sa.Text, nullable=False),
    comment="Changes with any row of a tracked table that has the value.",
)
_SIDES: Mapping[str, tuple[str, ...]] = {
    "insert": ("NEW",),
    "update": ("OLD", "NEW"),
    "delete": ("OLD",),
}
_STAMP = "hex(randomblob(16))"


def stamps(connection: sa.Connection, table: Qc1Table) -> Mapping[str, str]:
    """Return what changes with any row, by the value of the column that is tracked.

    Args:
        connection: to a database that `open_qc1` has opened.
        table: one that is tracked.
    """
    if connection.dialect.name == "sqlite":
        query = sa.select(changes.c.value, changes.c.stamp).where(
            changes.c.name == table.name
        )
    else:
        sql = as_sql(table, sa.MetaData())
        row = sa.cast(sa.literal_column(sql.name), sa.Text)
        rows = sa.func.string_agg(row, aggregate_order_by(sa.literal("\n"), row))
        value = sql.c[table.tracked]
        query = sa.select(value, sa.func.md5(rows)).select_from(sql).group_by(value)
    return {row[0]: row[1] for row in connection.execute(query)}


def untracked(
    connection: sa.Connection, tables: Iterable[Qc1Table]
) -> tuple[Qc1Table, ...]:
    """Return the tables that are to be tracked, but whose changes are not seen yet."""
    wanted = [table for table in tables if table.tracked]
    if connection.dialect.name != "sqlite" or not wanted:
        return ()
    query = sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    there = set(connection.execute(query).scalars())
    return tuple(
        table
        for table in wanted
        if not there.issuperset(_trigger(table, event) for event in _SIDES)
    )


def forget(connection: sa.Connection, table: Qc1Table) -> None:
    """Have a table untracked: its triggers do not know the columns that it gets."""
    if connection.dialect.name == "sqlite":
        for event in _SIDES:
            name = _trigger(table, event)
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")


def track(connection: sa.Connection, table: Qc1Table) -> None:
    """Have changes of a table seen from now on.

    What happened while they were not seen nobody knows: every value is stamped anew.
    """
    changes.create(connection, checkfirst=True)
    differs = " OR ".join(f"OLD.{c.name} IS NOT NEW.{c.name}" for c in table.columns)
    for event, sides in _SIDES.items():  # names are declared, and match a pattern
        name = _trigger(table, event)
        stamped = " ".join(_stamped(table, side) for side in sides)
        when = f"WHEN {differs}" if event == "update" else ""
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
        connection.exec_driver_sql(
            f"CREATE TRIGGER {name} AFTER {event} ON {table.name} {when} "
            f"BEGIN {stamped} END"
        )
    connection.execute(sa.delete(changes).where(changes.c.name == table.name))
    value = as_sql(table, sa.MetaData()).c[table.tracked]
    known = sa.select(sa.literal(table.name), value, sa.literal_column(_STAMP))
    columns = [column.name for column in changes.c]
    connection.execute(sa.insert(changes).from_select(columns, known.group_by(value)))


def _stamped(table: Qc1Table, side: str) -> str:
    return (
        f"INSERT INTO {changes.name} (name, value, stamp) "  # noqa: S608, see `track`
        f"VALUES ('{table.name}', {side}.{table.tracked}, {_STAMP}) "
        "ON CONFLICT (name, value) DO UPDATE SET stamp = excluded.stamp;"
    )


def _trigger(table: Qc1Table, event: str) -> str:
    return f"qc1_{table.name}_{event}"
