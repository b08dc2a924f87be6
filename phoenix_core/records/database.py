"""The database of a configuration: opened, told of in one line when it fails.

Any that SQLAlchemy knows will do for the ledger; the QC1 tables want SQLite or
PostgreSQL. Who works in it makes the tables, `alone` where it matters.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from phoenix_core.errors import ConfigError

_LOCK = 7_096_949_001  # ours; whom PostgreSQL lets change tables, one at a time


@contextlib.contextmanager
def open_database(
    url: str, make_tables: Callable[[sa.Engine], None]
) -> Iterator[sa.Engine]:
    """Open a database; a file of SQLite is made where it is missing.

    Args:
        url: its address, as SQLAlchemy has it.
        make_tables: called once, to see that the tables are there.

    Raises:
        ConfigError: there is no such database, or it does not answer.
    """
    with contextlib.ExitStack() as at_end:
        try:
            engine = _engine(address_of(url))
            at_end.callback(engine.dispose)
            make_tables(engine)
        except (SQLAlchemyError, ImportError, OSError, ValueError) as error:
            raise unusable(url, "cannot be used", error) from error
        try:
            yield engine
        except SQLAlchemyError as error:
            raise unusable(url, "failed", error) from error


@contextlib.contextmanager
def alone(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Change tables while no other phoenix does: all that is done, or nothing.

    Others wait. A database of another kind than SQLite and PostgreSQL has a
    transaction, and its own ways.
    """
    if engine.dialect.name != "sqlite":
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            yield connection
        return
    # Python's driver begins no transaction before it changes a table.
    with engine.connect() as opened:
        connection = opened.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")


def make_tables(engine: sa.Engine, metadata: sa.MetaData, cache: sa.Table) -> None:
    """Make tables where they are missing.

    Args:
        engine: the database.
        metadata: the tables.
        cache: the one of them that only saves time: it is made anew where another
            version of phoenix made it otherwise.
    """
    there = set(sa.inspect(engine).get_table_names())
    if metadata.tables.keys() <= there and not _is_otherwise(engine, cache):
        return
    with alone(engine) as connection:
        if _is_otherwise(connection, cache):
            cache.drop(connection)
        metadata.create_all(connection)


def _is_otherwise(bind: sa.Engine | sa.Connection, table: sa.Table) -> bool:
    inspector = sa.inspect(bind)
    if not inspector.has_table(table.name):
        return False
    columns = {column["name"] for column in inspector.get_columns(table.name)}
    return columns != set(table.c.keys())


def check_database(url: str) -> None:
    """Check the address of a database without asking there for anything.

    Raises:
        ConfigError: it is no address, or the driver for it is not installed.
    """
    try:
        sa.create_engine(address_of(url)).dispose()
    except (SQLAlchemyError, ImportError, ValueError) as error:
        raise unusable(url, "cannot be used", error) from error


def address_of(url: str) -> sa.URL:
    """Read the address of a database that lasts; of PostgreSQL, with our driver.

    Raises:
        SQLAlchemyError, ValueError: it is no address, or nothing that lasts.
    """
    address = sa.make_url(url)
    is_sqlite = address.get_backend_name() == "sqlite"
    if is_sqlite and address.database in {None, "", ":memory:"}:
        raise ValueError("it would be forgotten after each call; name a file")
    if address.drivername == "postgresql":
        return address.set(drivername="postgresql+psycopg")
    return address


def unusable(url: str, what: str, error: Exception) -> ConfigError:
    """Say what is wrong, without the password and the statement that was tried."""
    told = " ".join(str(getattr(error, "orig", None) or error).split())
    if isinstance(error, ModuleNotFoundError) and error.name == "psycopg":
        told = "its driver is missing: pip install 'phoenix-core[postgresql]'"
    return ConfigError(f"the database {shown(url)} {what}: {told}")


def shown(url: str) -> str:
    """Return the address of a database without its password."""
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except (SQLAlchemyError, ValueError):
        return url.rsplit("@", maxsplit=1)[-1]


def _engine(address: sa.URL) -> sa.Engine:
    engine = sa.create_engine(address)
    if engine.dialect.name == "sqlite":
        Path(str(address.database)).parent.mkdir(parents=True, exist_ok=True)
        sa.event.listen(engine, "connect", _write_ahead)
    return engine


def _write_ahead(connection: object, _record: object) -> None:
    """Let readers (status) and the writer (a run) go on at the same time."""
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()
