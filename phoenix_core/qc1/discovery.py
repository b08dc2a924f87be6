"""Which tables there are: the observatory's, and those of installed packages."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points

from phoenix_core.errors import ConfigError, PgiError
from phoenix_core.loader.entry_point import distribution_of, module_of, one_line
from phoenix_core.nearest import nearest
from phoenix_core.qc1 import observatory
from phoenix_core.qc1.tables import Qc1Table

GROUP = "phoenix.qc1"


def declared_tables() -> Mapping[str, Qc1Table]:
    """Return all tables of the QC1 database, by name.

    Raises:
        PgiError: a package cannot be imported, declares no tables, or one that is
            declared already; the line names it.
    """
    found = {table.name: table for table in observatory.TABLES}
    owners = dict.fromkeys(found, "the observatory")
    for point in sorted(entry_points(group=GROUP), key=lambda p: (p.name, p.value)):
        origin = f"{point.name} (from {distribution_of(point)})"
        for table in _tables_of(point, origin):
            if found.get(table.name, table) != table:
                raise PgiError(
                    f"{origin} declares the QC1 table {table.name}, as "
                    f"{owners[table.name]} does; give it another name"
                )
            found[table.name] = table
            owners[table.name] = origin
    return found


def table_named(name: str) -> Qc1Table:
    """Return a table.

    Raises:
        ConfigError: there is none of this name.
        PgiError: as `declared_tables`.
    """
    tables = declared_tables()
    if name.lower() not in tables:
        known = f"{nearest(name, tables)} (there are {', '.join(sorted(tables))})"
        raise ConfigError(f"there is no table '{name}'{known}")
    return tables[name.lower()]


def _tables_of(point: EntryPoint, origin: str) -> tuple[Qc1Table, ...]:
    try:
        tables = getattr(module_of(point), "TABLES", None)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        told = f"the QC1 tables of {origin} cannot be imported: {one_line(error)}"
        raise PgiError(told) from error
    if not isinstance(tables, tuple) or not all(
        isinstance(table, Qc1Table) for table in tables
    ):
        told = "has no TABLES, a tuple of Qc1Table"
        raise PgiError(f"{origin}: the module {point.value} {told}")
    return tables
