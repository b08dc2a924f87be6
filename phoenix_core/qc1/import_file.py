"""Files into tables: all of them or nothing."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import sqlalchemy as sa

from phoenix_core.errors import ConfigError
from phoenix_core.qc1.ingest import ingest_columns
from phoenix_core.qc1.read_file import read_rows
from phoenix_core.qc1.tables import Qc1Table


def table_of(path: Path, tables: Mapping[str, Qc1Table]) -> Qc1Table:
    """Return the table that a file is called after.

    Raises:
        ConfigError: it is called after none.
    """
    name = path.name.split(".")[0].lower()
    if name not in tables:
        raise ConfigError(f"{path}: no table is called '{name}'; name it with --table")
    return tables[name]


def import_files(
    engine: sa.Engine, files: Sequence[tuple[Path, Qc1Table]]
) -> tuple[int, ...]:
    """Put the rows of files into their tables, in one transaction.

    Returns:
        How many rows each file had.

    Raises:
        ConfigError: a file is wrong; nothing was changed.
    """
    read = [(table, read_rows(path, table)) for path, table in files]
    with engine.begin() as connection:
        for table, columns in read:
            ingest_columns(connection, table, columns)
    return tuple(len(columns[table.keys[0]]) for table, columns in read)
