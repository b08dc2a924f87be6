"""What changes with the rows of a table, asked of the database and not of the rows.

A tracked table says by which column its rows are looked at, a run for one. PostgreSQL
sums the rows of each value up itself. SQLite cannot, and has triggers instead, which
whoever writes sets off: each change of a row gives its value another random stamp.
"""

from collections.abc import Iterable, Mapping

import sqlalchemy as sa

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
# REPLACE takes rows out without a word: what is in the way is looked at before.
_IN_THE_WAY: Mapping[str, str] = {"replace": "INSERT", "collide": "UPDATE"}
_EVENTS = (*_SIDES, *_IN_THE_WAY)
_STAMP = "hex(randomblob(16))"
_AGAIN = "ON CONFLICT (name, value) DO UPDATE SET stamp = excluded.stamp;"


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
        # Costs start-up: where it is needed, SQLAlchemy has it already.
        from sqlalchemy.dialects.postgresql import (  # noqa: PLC0415
            aggregate_order_by,
        )

        sql = as_sql(table, sa.MetaData())
        row = sa.cast(sa.literal_column(sql.name), sa.Text)
        rows = sa.func.string_agg(row, aggregate_order_by(sa.literal("\n"), row))
        value = sql.c[table.tracked]
        query = sa.select(value, sa.func.md5(rows)).select_from(sql).group_by(value)
    return {row[0]: row[1] for row in connection.execute(query).all()}


def untracked(
    connection: sa.Connection, tables: Iterable[Qc1Table]
) -> tuple[Qc1Table, ...]:
    """Return the tables that are to be tracked, but whose changes are not seen yet."""
    wanted = [table for table in tables if table.tracked]
    if connection.dialect.name != "sqlite" or not wanted:
        return ()
    query = sa.text("SELECT name FROM sqlite_master WHERE type IN ('trigger', 'table')")
    there = set(connection.execute(query).scalars())
    return tuple(
        table
        for table in wanted
        if not there.issuperset(
            {changes.name, *(_trigger(table, event) for event in _EVENTS)}
        )
    )


def forget(connection: sa.Connection, table: Qc1Table) -> None:
    """Have a table untracked: its triggers do not know the columns that it gets."""
    if connection.dialect.name == "sqlite":
        for event in _EVENTS:
            name = _trigger(table, event)
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")


def track(connection: sa.Connection, table: Qc1Table) -> None:
    """Have changes of a table seen from now on.

    What happened while they were not seen nobody knows: every value is stamped anew.
    """
    changes.create(connection, checkfirst=True)
    forget(connection, table)
    differs = _differs(table, "OLD")
    for event, sides in _SIDES.items():  # names are declared, and match a pattern
        name = _trigger(table, event)
        stamped = " ".join(_stamped(table, side) for side in sides)
        when = f"WHEN {differs}" if event == "update" else ""
        connection.exec_driver_sql(
            f"CREATE TRIGGER {name} AFTER {event} ON {table.name} {when} "
            f"BEGIN {stamped} END"
        )
    for event, statement in _IN_THE_WAY.items():
        connection.exec_driver_sql(
            f"CREATE TRIGGER {_trigger(table, event)} BEFORE {statement} "
            f"ON {table.name} BEGIN {_stamped_in_the_way(table)} END"
        )
    connection.execute(sa.delete(changes).where(changes.c.name == table.name))
    connection.exec_driver_sql(
        f"INSERT INTO {changes.name} (name, value, stamp) "  # noqa: S608, declared
        f"SELECT '{table.name}', {_value(table, table.name)} AS value, {_STAMP} "
        f"FROM {table.name} GROUP BY value"
    )


def _stamped(table: Qc1Table, side: str) -> str:
    return (
        f"INSERT INTO {changes.name} (name, value, stamp) "  # noqa: S608, see `track`
        f"VALUES ('{table.name}', {_value(table, side)}, {_STAMP}) {_AGAIN}"
    )


def _stamped_in_the_way(table: Qc1Table) -> str:
    name = table.name
    keys = (column.name for column in table.columns if column.is_key)
    same = " AND ".join(f"{name}.{key} IS NEW.{key}" for key in keys)
    return (
        f"INSERT INTO {changes.name} (name, value, stamp) "  # noqa: S608, see `track`
        f"SELECT '{name}', {_value(table, name)}, {_STAMP} FROM {name} "
        f"WHERE {same} AND ({_differs(table, name)}) {_AGAIN}"
    )


def _differs(table: Qc1Table, side: str) -> str:
    names = (column.name for column in table.columns)
    return " OR ".join(f"{side}.{name} IS NOT NEW.{name}" for name in names)


def _value(table: Qc1Table, side: str) -> str:
    """What is tracked; what is no text counts as '', as `clean_rows` has it."""
    value = f"{side}.{table.tracked}"
    return f"CASE typeof({value}) WHEN 'text' THEN {value} ELSE '' END"


def _trigger(table: Qc1Table, event: str) -> str:
    return f"qc1_{table.name}_{event}"
