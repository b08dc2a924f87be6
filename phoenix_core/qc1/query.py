"""Questions to the database, which change nothing whatever they say.

SQLite is opened for reading, and its authorizer lets statements read and nothing
else. PostgreSQL has a transaction for reading, in which a cursor is declared: that
takes a query and nothing else, and, prepared, one only, so that none can end the
transaction.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.exc import SQLAlchemyError

from phoenix_core.errors import ConfigError
from phoenix_core.records.database import address_of, unusable

_ALLOWED = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
    }
)
_FORBIDDEN = "not authorized"  # as SQLite says it
_WAIT = 10_000  # ms for a writer to end
_STEPS = 100_000  # of SQLite, after which Python sees whether it is to end
_UNWRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)


@frozen
class Answer:
    """What a query found."""

    names: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def ask(url: str, sql: str) -> Answer:
    """Ask the database of a configuration.

    Args:
        url: its address.
        sql: one statement that returns rows.

    Raises:
        ConfigError: there is no such database, the statement is wrong, would change
            something, or returns no rows.
        KeyboardInterrupt: it was ended by a signal.
    """
    try:
        with _reading(url) as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"DECLARE answer CURSOR FOR {sql}")
                sql = "FETCH ALL FROM answer"
            result = connection.exec_driver_sql(sql)
            if not result.returns_rows:
                raise ConfigError("that is no query: it returns no rows")
            return Answer(tuple(result.keys()), tuple(tuple(row) for row in result))
    except sqlite3.Warning as error:  # of more than one statement
        raise ConfigError(f"{error}") from error
    except (SQLAlchemyError, ImportError, ValueError) as error:
        if _code(getattr(error, "orig", None)) == sqlite3.SQLITE_INTERRUPT:
            raise KeyboardInterrupt from None  # which SQLite's driver takes for its own
        if _FORBIDDEN in str(error):
            raise ConfigError("queries read tables, and do nothing else") from error
        raise unusable(url, "does not answer that", error) from error


@contextlib.contextmanager
def _reading(url: str) -> Iterator[sa.Connection]:
    address = address_of(url)
    if address.get_backend_name() == "sqlite":
        path = Path(str(address.database)).absolute()
        if not path.is_file():
            raise ConfigError(f"there is no database {path}")
        only = {"mode": "ro", "uri": "true"}
        if _wants_writing(path) and not Path(f"{path}-wal").exists():
            only["immutable"] = "1"
        address = address.set(database=f"file:{quote(str(path))}", query=only)
        engine = sa.create_engine(address)
        sa.event.listen(engine, "connect", _let_read)
    elif address.get_backend_name() == "postgresql":
        engine = sa.create_engine(address, connect_args={"prepare_threshold": 0})
    else:
        raise ConfigError("queries want SQLite or PostgreSQL")
    try:
        with engine.connect() as opened:
            connection = opened.execution_options(no_parameters=True)
            if engine.dialect.name == "postgresql":
                connection = connection.execution_options(postgresql_readonly=True)
                # After a first look nobody can make the transaction a writing one.
                connection.execute(sa.text("SELECT 1"))
            yield connection
    finally:
        engine.dispose()


def _wants_writing(path: Path) -> bool:
    """Whether SQLite wants to write beside a file to read it, where nobody may."""
    try:
        uri = f"file:{quote(str(path))}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.execute("SELECT 1 FROM sqlite_master")
    except sqlite3.Error as error:
        return _code(error) in _UNWRITABLE
    return False


def _code(error: BaseException | None) -> int:
    """The code of an error of SQLite, without what is special about it."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _let_read(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute(f"PRAGMA busy_timeout={_WAIT}")
    connection.execute("PRAGMA query_only=ON")
    connection.set_authorizer(_authorize)
    # A signal is seen only where Python has its turn.
    connection.set_progress_handler(lambda: 0, _STEPS)


def _authorize(action: int, *_: object) -> int:
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY
