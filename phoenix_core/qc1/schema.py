"""The tables as SQLAlchemy sees them."""

from typing import Any

import sqlalchemy as sa

from phoenix_core.qc1.tables import Column, Kind, Qc1Table

_TYPES: dict[Kind, type[sa.types.TypeEngine[Any]]] = {
    Kind.TEXT: sa.Text,
    Kind.INTEGER: sa.BigInteger,
    Kind.REAL: sa.Double,
}


def as_sql(table: Qc1Table, metadata: sa.MetaData) -> sa.Table:
    """Return a table as part of some metadata; one that is there is returned."""
    if table.name in metadata.tables:
        return metadata.tables[table.name]
    columns = (_column(column) for column in table.columns)
    indices = (sa.Index(f"ix_{table.name}_{name}", name) for name in table.indexed)
    return sa.Table(table.name, metadata, *columns, *indices, comment=table.meaning)


def _column(column: Column) -> sa.Column[Any]:
    unit = f"[{column.unit}] " if column.unit else ""
    return sa.Column(
        column.name,
        _TYPES[column.kind](),
        primary_key=column.is_key,
        nullable=not column.is_key and column.default is None,
        autoincrement=False,
        server_default=None if column.default is None else str(column.default),
        comment=f"{unit}{column.meaning}",
    )
