"""The QC1 database of a configuration, opened."""

import contextlib
from collections.abc import Iterator

import sqlalchemy as sa

from phoenix_core.qc1.discovery import declared_tables
from phoenix_core.qc1.migrate import make_tables
from phoenix_core.records.database import open_database


@contextlib.contextmanager
def open_qc1(url: str) -> Iterator[sa.Engine]:
    """Open the QC1 database, with all its tables as the installed packages have them.

    Args:
        url: its address, the configuration's `database`; the ledger is there, too.

    Raises:
        ConfigError: there is no such database, it does not answer, or it was made by
            newer packages.
        PgiError: a package with tables is broken.
    """
    tables = declared_tables().values()
    with open_database(url, lambda engine: make_tables(engine, tables)) as engine:
        yield engine
