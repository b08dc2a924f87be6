"""The rows of a file, held against the table that they are for."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from phoenix_core.errors import ConfigError
from phoenix_core.qc1.check_rows import Mistake, check_columns, check_keys
from phoenix_core.qc1.ingest import told_mistakes
from phoenix_core.qc1.table_file import TableFile, read_table
from phoenix_core.qc1.tables import Column, Kind, Qc1Table, Value
from phoenix_core.qc1.text_values import read_values

_INFINITE = (math.inf, -math.inf)


def read_rows(path: Path, table: Qc1Table) -> Mapping[str, Sequence[Value]]:
    """Read a file as the columns of a table; their names have any case.

    What the file does not have has its default. A number in another unit of the same
    kind is converted.

    Raises:
        ConfigError: the file cannot be read, a column is not of the table, keys are
            missing or twice the same, or values are wrong; a line each.
    """
    found = read_table(path)
    _check_names(path, table, found)
    given: dict[str, Sequence[Value]] = {}
    mistakes: list[Mistake] = []
    for column in table.columns:
        values = found.columns.get(column.name)
        if values is None:
            values = [column.default] * len(found.lines)
        elif found.is_text:
            values, wrong = read_values(column, values)
            mistakes += wrong
        given[column.name] = _in_its_unit(path, found, column, values)
    columns, wrong = check_columns(table, given)
    told = {(mistake.row, mistake.key) for mistake in mistakes}
    mistakes += [m for m in wrong if (m.row, m.key) not in told]
    if not mistakes:
        mistakes = _doubles(table, columns, found)
    if mistakes:
        mistakes.sort(key=lambda mistake: mistake.row)
        lines = [f"{path}, {found.where(m.row)}: {m}" for m in mistakes]
        raise ConfigError(told_mistakes(lines))
    return columns


def _check_names(path: Path, table: Qc1Table, found: TableFile) -> None:
    try:
        check_keys(table, found.names)
    except ConfigError as error:
        lines = str(error).splitlines()
        raise ConfigError("\n".join(f"{path}: {line}" for line in lines)) from error
    missing = [name for name in table.keys if name not in found.names]
    if missing:
        keys = " and ".join(missing)
        raise ConfigError(f"{path}: has no {keys}, which tells rows apart")


def _in_its_unit(
    path: Path, found: TableFile, column: Column, values: Sequence[Value]
) -> Sequence[Value]:
    """Convert numbers to the unit of their column."""
    given = found.units.get(column.name, "")
    if given in {"", column.unit} or column.kind is Kind.TEXT:
        return values
    from astropy.units import Unit, UnitBase, UnitsError  # noqa: PLC0415

    try:
        source, wanted = Unit(given), Unit(column.unit)
        assert isinstance(source, UnitBase)
        factor = 1.0 if source == wanted else float(source.to(wanted))
        assert 0 < abs(factor) < math.inf
    except (ValueError, UnitsError, AssertionError, OverflowError) as error:
        raise ConfigError(
            f"{path}: {column.name} is in '{given}', which is not "
            f"'{column.unit or 'without unit'}'"
        ) from error
    if factor == 1.0:
        return values
    converted = [
        value * factor if isinstance(value, (int, float)) else value for value in values
    ]
    for value, given_value in zip(converted, values, strict=True):
        if value in _INFINITE and given_value not in _INFINITE:
            raise ConfigError(
                f"{path}: {column.name}: {given_value} '{given}' is too large a number "
                f"in '{column.unit}'"
            )
    return converted


def _doubles(
    table: Qc1Table, columns: Mapping[str, Sequence[Value]], found: TableFile
) -> list[Mistake]:
    """Find rows with the keys of an earlier one."""
    keys = list(zip(*(columns[name] for name in table.keys), strict=True))
    if len(set(keys)) == len(keys):
        return []
    seen: dict[tuple[Value, ...], int] = {}
    mistakes = []
    for row, key in enumerate(keys):
        if key in seen:
            problem = f"the same as in {found.where(seen[key])}"
            mistakes.append(Mistake(row, " and ".join(table.keys), problem))
        seen.setdefault(key, row)
    return mistakes
