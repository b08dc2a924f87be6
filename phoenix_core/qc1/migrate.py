"""The tables of a database brought to what the installed packages declare."""

from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn, SetColumnComment

from phoenix_core.errors import ConfigError
from phoenix_core.qc1.changes import forget, track, untracked
from phoenix_core.qc1.schema import as_sql
from phoenix_core.qc1.tables import Qc1Table
from phoenix_core.records.database import alone, shown

BACKENDS = ("sqlite", "postgresql")

versions = sa.Table(
    "qc1_versions",
    sa.MetaData(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    comment="Which version of its declaration each QC1 table has.",
)


def make_tables(engine: sa.Engine, tables: Iterable[Qc1Table]) -> None:
    """Make the tables that are missing, and give older ones their new columns.

    What is in them stays. Two processes may do it at a time; killed, it has done
    all or nothing.

    Raises:
        ConfigError: a table is newer than its declaration, or somebody else's; the
            database is neither SQLite nor PostgreSQL.
    """
    wanted = {table.name: table for table in tables}
    where = shown(str(engine.url))
    if engine.dialect.name not in BACKENDS:
        kinds = " or ".join(BACKENDS)
        raise ConfigError(f"the QC1 tables want {kinds}, and not {where}")
    with engine.connect() as connection:
        known = _versions(connection)
        is_tracked = not untracked(connection, wanted.values())
    _refuse_newer(wanted, known, where)
    is_whole = all(known.get(name) == t.version for name, t in wanted.items())
    if is_whole and is_tracked:
        return
    with alone(engine) as connection:
        versions.create(connection, checkfirst=True)
        known = _versions(connection)
        _refuse_newer(wanted, known, where)
        for name, table in wanted.items():
            if name not in known:
                _make(connection, table, where)
            elif known[name] < table.version:
                _extend(connection, table, known[name])
        for table in untracked(connection, wanted.values()):
            track(connection, table)


def _versions(connection: sa.Connection) -> dict[str, int]:
    if not sa.inspect(connection).has_table(versions.name):
        return {}
    return {row.name: row.version for row in connection.execute(sa.select(versions))}


def _refuse_newer(
    wanted: Mapping[str, Qc1Table], known: Mapping[str, int], where: str
) -> None:
    for name, table in wanted.items():
        if known.get(name, 0) > table.version:
            raise ConfigError(
                f"the table {name} of {where} has version {known[name]}, and the "
                f"installed package knows {table.version}: install the newer one"
            )


def _make(connection: sa.Connection, table: Qc1Table, where: str) -> None:
    if sa.inspect(connection).has_table(table.name):
        raise ConfigError(
            f"{where} has a table {table.name} that phoenix did not make; rename it, "
            "or name another database"
        )
    as_sql(table, sa.MetaData()).create(connection)
    row = {"name": table.name, "version": table.version}
    connection.execute(sa.insert(versions).values(row))


def _extend(connection: sa.Connection, table: Qc1Table, version: int) -> None:
    """Add the columns, and what is indexed, that came after a version."""
    sql = as_sql(table, sa.MetaData())
    dialect = connection.dialect
    quoted = dialect.identifier_preparer.format_table(sql)
    for column in table.columns:
        if column.since > version:
            added = sql.c[column.name]
            text = CreateColumn(added).compile(dialect=dialect)
            connection.exec_driver_sql(f"ALTER TABLE {quoted} ADD COLUMN {text}")
            if dialect.supports_comments:
                connection.execute(SetColumnComment(added))
    forget(connection, table)
    for index in sql.indexes:
        index.create(connection, checkfirst=True)
    newer = sa.update(versions).where(versions.c.name == table.name)
    connection.execute(newer.values(version=table.version))
