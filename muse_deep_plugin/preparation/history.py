"""What the database knows of all runs: of each its datacubes in brief, and a stamp.

A stamp tells whether anything of a run has changed: only then its datacubes are looked
at again. Whole are read the datacubes of the few runs whose pages have to be written.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from attrs import fields, frozen
from sqlalchemy.exc import DBAPIError

from muse_deep_plugin.preparation.datacubes import Datacube, final_datacubes
from muse_deep_plugin.preparation.run_history import Schedule
from muse_deep_plugin.preparation.runs_in_brief import (
    CubeBrief,
    RunBrief,
    brief_of,
    recall,
    remember,
)
from muse_deep_plugin.qc1_tables import COMBINED, DEEP, SINGLE
from phoenix_core.qc1.changes import stamps
from phoenix_core.qc1.clean_rows import clean_rows
from phoenix_core.qc1.observatory import DATA_PRODUCTS, SCHED_REP
from phoenix_core.qc1.schema import as_sql
from phoenix_core.qc1.tables import Qc1Table

_FEW = 100  # runs; the datacubes of more are read faster all at once
_AT_ONCE = 10  # runs in a query
_KEPT = 4  # queries


@frozen
class History:
    """What the database knows, by run in its formal spelling.

    `briefs` are the final datacubes in brief, in order of runs; `of_exposures`
    changes with anything of the datacubes of single exposures. `schedules` are in
    order of period; `raw_files` counts science exposures; `deep` has the targets of
    which there is a deep datacube. The `connection` is open; `read` has the datacubes
    of a run, and may have those of others.
    """

    connection: sa.Connection
    read: Callable[[str], Mapping[str, tuple[Datacube, ...]]]
    briefs: Mapping[str, RunBrief]
    of_exposures: Mapping[str, str]
    schedules: Mapping[str, tuple[Schedule, ...]]
    raw_files: Mapping[str, int]
    deep: Mapping[str, frozenset[str]]

    def datacubes(self, run: str) -> tuple[Datacube, ...]:
        """Return the final datacubes of a run in order of time."""
        return self.read(run).get(run, ())

    def content(self, run: str) -> bytes:
        """Return bytes that change with any value of a run's datacubes."""
        return self.briefs[run].stamp.encode() if run in self.briefs else b""


def read_history(
    connection: sa.Connection, folder: Path | None = None, look: bytes = b""
) -> History:
    """Read the history of all runs.

    Args:
        connection: to the QC1 database; it has to stay open.
        folder: where datacubes are remembered in brief; None: nowhere.
        look: what changes with the code that looks at them.
    """
    # What changes while the rows are read is seen by the next call.
    of_cubes, of_exposures = stamps(connection, COMBINED), stamps(connection, SINGLE)
    known = recall(folder, look) if folder else {}
    found = {run: one for run, one in known.items() if of_cubes.get(run) == one.stamp}
    changed = of_cubes.keys() - found.keys()
    cubes = _in_brief(connection, changed) if changed else {}
    found |= {run: brief_of(of_cubes[run], cubes.get(run, ())) for run in changed}
    if folder and found != known:
        remember(folder, look, found)
    runs = sorted(run for run, one in found.items() if one.n_dcubes)
    return History(
        connection,
        _reader(connection, runs, 1 if len(changed) <= _FEW else _AT_ONCE),
        {run: found[run] for run in runs},
        of_exposures,
        _schedules(connection),
        _raw_files(connection),
        _deep(connection),
    )


def _in_brief(
    connection: sa.Connection, runs: Collection[str]
) -> Mapping[str, Sequence[CubeBrief]]:
    """Read datacubes in brief, of these runs at least."""
    table = _table(COMBINED)
    query = sa.select(*(table.c[name] for name in CubeBrief._fields))
    if len(runs) <= _FEW and "" not in runs:  # which stands for what is no text, too
        query = query.where(table.c.run_id.in_(sorted(runs)))
        rows: Sequence[Sequence[Any]] = connection.execute(query).all()
    else:
        rows = _plain_rows(connection, query)
    found: dict[str, list[CubeBrief]] = defaultdict(list)
    for row in clean_rows(COMBINED.named(CubeBrief._fields), rows):
        cube = CubeBrief(*row)
        found[cube.run_id].append(cube)
    return found


def _reader(
    connection: sa.Connection, runs: Sequence[str], at_once: int
) -> Callable[[str], Mapping[str, tuple[Datacube, ...]]]:
    """Return what reads datacubes, of some runs at a time: each query has its cost."""
    places = {run: place // at_once for place, run in enumerate(runs)}

    @lru_cache(maxsize=_KEPT)
    def batch(number: int) -> Mapping[str, tuple[Datacube, ...]]:
        some = runs[number * at_once : (number + 1) * at_once]
        cubes = final_datacubes(connection, some)
        by_run = groupby(cubes, key=attrgetter("run_id"))
        return {run: tuple(of_run) for run, of_run in by_run}

    return lambda run: batch(places[run]) if run in places else {}


def _plain_rows(
    connection: sa.Connection, query: sa.Select[Any]
) -> list[tuple[Any, ...]]:
    """Return rows as the driver has them: SQLAlchemy's own take as long again.

    Raises:
        DBAPIError: the database does not answer.
    """
    statement = str(query.compile(dialect=connection.dialect))
    try:
        with closing(connection.connection.cursor()) as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())
    except (connection.dialect.loaded_dbapi.Error, UnicodeError) as error:
        connection.invalidate(error)
        raise DBAPIError(statement, None, error) from error


def _table(declared: Qc1Table) -> sa.Table:
    return as_sql(declared, sa.MetaData())


def _schedules(connection: sa.Connection) -> dict[str, tuple[Schedule, ...]]:
    table = _table(SCHED_REP)
    names = [a.name for a in fields(Schedule)]
    query = sa.select(*(table.c[name] for name in names))
    found: dict[str, list[Schedule]] = {}
    rows = connection.execute(query.order_by(table.c.run_id, table.c.period)).all()
    for row in clean_rows(SCHED_REP.named(names), rows):
        entry = Schedule(*row)
        found.setdefault(entry.run_id, []).append(entry)
    return {run: tuple(entries) for run, entries in found.items()}


def _raw_files(connection: sa.Connection) -> dict[str, int]:
    table = _table(DATA_PRODUCTS)
    query = (
        sa.select(table.c.run_id, sa.func.count())
        .where(
            table.c.instrument == "MUSE",
            table.c.dpr_catg == "SCIENCE",
            table.c.dpr_type.in_(("OBJECT", "SKY")),
        )
        .group_by(table.c.run_id)
    )
    return {row[0]: row[1] for row in connection.execute(query).all()}


def _deep(connection: sa.Connection) -> dict[str, frozenset[str]]:
    table = _table(DEEP)
    found: dict[str, set[str]] = {}
    for run, target in connection.execute(sa.select(table.c.run_id, table.c.target)):
        found.setdefault(run, set()).add(target)
    return {run: frozenset(targets) for run, targets in found.items()}
