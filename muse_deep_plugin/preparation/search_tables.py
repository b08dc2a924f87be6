"""What the tables of the database have on a name, a run, or any pattern."""

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from attrs import frozen

from muse_deep_plugin.preparation.target_list import COMBINED as COMBINED_TYPE
from muse_deep_plugin.preparation.target_list import SINGLE as SINGLE_TYPE
from muse_deep_plugin.qc1_tables import COMBINED, DEEP, SINGLE
from phoenix_core.errors import ConfigError
from phoenix_core.qc1.clean_rows import clean_rows
from phoenix_core.qc1.observatory import DATA_PRODUCTS, OB_GRADES, SCHED_REP
from phoenix_core.qc1.schema import as_sql
from phoenix_core.qc1.tables import Column, Kind, Qc1Table, Value, integer, real, text
from phoenix_core.run_id import parse_run_id

MOST_ROWS: Final = 200
"""A table of a page; ours, so that a page stays below 500 kB."""
_ESCAPE: Final = "!"

_SHOWN: Final = (
    (
        "scheduled period",
        SCHED_REP,
        "run_id period obs_mode status prog_type pi_coi title remarks",
    ),
    (
        "final datacube",
        COMBINED,
        """civil_date run_id target pipefile ob_id ob_name data_type pattern texptime
        ambi_req sky_res grd comm""",
    ),
    (
        "deep datacube",
        DEEP,
        """run_id target pipefile n_obs pattern texptime sky_res abmaglim proc_mode
        score_bit""",
    ),
    (
        "exposure",
        SINGLE,
        "civil_date run_id target pipefile ob_id data_type texptime sky_res grd",
    ),
    (
        "raw file",
        DATA_PRODUCTS,
        "dp_id run_id object ob_id dpr_type exptime mjd_obs ra dec",
    ),
    ("OB execution", OB_GRADES, "ob_id exec_time run_id grade comment"),
)


@frozen
class Found:
    """What was found of one kind: the first rows, and how many there are in all."""

    kind: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    total: int


def search(connection: sa.Connection, pattern: str) -> tuple[Found, ...]:
    """Search all tables for rows with a text (or an OB id) that holds a pattern.

    Args:
        connection: to the QC1 database.
        pattern: any text, whatever its case; * stands for any text, ? for a letter. A
            run id is found in both spellings.
    """
    if connection.dialect.name == "sqlite" and not pattern.isascii():
        _know_any_letter(connection)
    likes = [_like(word) for word in _spellings(pattern)]
    found = [
        _in_table(connection, kind, of, shown, likes) for kind, of, shown in _SHOWN
    ]
    return (found[0], _targets(connection, likes), *found[1:])


def _know_any_letter(connection: sa.Connection) -> None:
    """Give SQLite a lower() that knows more than ASCII; its own is quicker."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.create_function("lower", 1, _lower, deterministic=True)


def _lower(value: Value) -> Value:
    return value.lower() if isinstance(value, str) else value


def _spellings(pattern: str) -> tuple[str, ...]:
    try:
        formal = parse_run_id(pattern).formal
    except ConfigError:
        return (pattern,)
    return tuple(dict.fromkeys((pattern, formal)))


def _like(pattern: str) -> str:
    """The pattern as SQL has it."""
    for sign in (_ESCAPE, "%", "_"):
        pattern = pattern.replace(sign, f"{_ESCAPE}{sign}")
    inner = pattern.lower().replace("*", "%").replace("?", "_")
    return f"%{inner}%"


def _holds(
    declared: Qc1Table, table: sa.Table, likes: Sequence[str]
) -> sa.ColumnElement[bool]:
    texts = [table.c[c.name] for c in declared.columns if c.kind is Kind.TEXT]
    searched: list[sa.ColumnElement[Any]] = [sa.func.lower(c) for c in texts]
    searched += [sa.cast(table.c[n], sa.Text) for n in ("ob_id",) if n in table.c]
    return sa.or_(*(c.like(word, escape=_ESCAPE) for c in searched for word in likes))


def _in_table(
    connection: sa.Connection,
    kind: str,
    declared: Qc1Table,
    shown: str,
    likes: Sequence[str],
) -> Found:
    table = as_sql(declared, sa.MetaData())
    holds = _holds(declared, table, likes)
    columns = declared.named(shown.split())
    order = [table.c[name] for name in ("mjd_obs", *declared.keys) if name in table.c]
    query = sa.select(*(table.c[column.name] for column in columns)).where(holds)
    count = sa.select(sa.func.count()).select_from(table).where(holds)
    rows = connection.execute(query.order_by(*order).limit(MOST_ROWS)).all()
    total = connection.execute(count).scalar_one()
    return Found(kind, columns, _rows(columns, rows), total)


def _targets(connection: sa.Connection, likes: Sequence[str]) -> Found:
    """Targets of the final datacubes that were found, by run."""
    table = as_sql(COMBINED, sa.MetaData())
    columns = (
        text("target"),
        text("run_id"),
        integer("n_dcubes", "final datacube"),
        real("texptime", "s", "of all of them"),
    )
    grouped = (
        sa.select(
            table.c.target,
            table.c.run_id,
            sa.func.count(),
            sa.func.sum(table.c.texptime),
        )
        .where(
            _holds(COMBINED, table, likes),
            table.c.data_type.in_((SINGLE_TYPE, COMBINED_TYPE)),
        )
        .group_by(table.c.target, table.c.run_id)
        .order_by(table.c.target, table.c.run_id)
    )
    rows = connection.execute(grouped.limit(MOST_ROWS)).all()
    count = sa.select(sa.func.count()).select_from(grouped.subquery())
    total = connection.execute(count).scalar_one()
    return Found("target", columns, _rows(columns, rows), total)


def _rows(
    columns: Sequence[Column], rows: Sequence[Sequence[Any]]
) -> tuple[tuple[Value, ...], ...]:
    return tuple(map(tuple, clean_rows(columns, rows)))
