"""What the database knows of all runs: of each datacube little, of each run a stamp.

50,000 datacubes are read in a fraction of a second as short rows. A stamp tells whether
anything of a run has changed; whole are read the datacubes of the few runs whose pages
have to be written.
"""

import marshal
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import lru_cache
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any

import sqlalchemy as sa
from attrs import fields, frozen
from sqlalchemy.exc import DBAPIError

from muse_deep_plugin.preparation.datacubes import Datacube, final_datacubes
from muse_deep_plugin.preparation.run_history import Schedule
from muse_deep_plugin.qc1_tables import COMBINED, DEEP, SINGLE
from phoenix_core.qc1.changes import stamps
from phoenix_core.qc1.clean_rows import clean_rows
from phoenix_core.qc1.observatory import DATA_PRODUCTS, SCHED_REP
from phoenix_core.qc1.schema import as_sql
from phoenix_core.qc1.tables import Qc1Table

ALIKE = 2  # the format of marshal in which equal values are equal bytes
COLUMNS = (
    *("pipefile", "run_id", "target", "data_type", "n_frames"),
    *("qc_plot", "fov_plot"),
)
_AT_ONCE = 10  # runs in a query
_KEPT = 4  # queries
_RUN = itemgetter(COLUMNS.index("run_id"))


@frozen
class History:
    """What the database knows, by run in its formal spelling.

    `rows` are the final datacubes in order of their names, with the `COLUMNS` that are
    asked of all runs; `stamps` change with anything of them, `of_exposures` with
    anything of the datacubes of single exposures. `schedules` are in order of period;
    `raw_files` counts science exposures; `deep` has the targets of which there is a
    deep datacube. The `connection` is open; `read` has the datacubes of a run and of
    those beside it.
    """

    connection: sa.Connection
    read: Callable[[str], Mapping[str, tuple[Datacube, ...]]]
    rows: Mapping[str, tuple[tuple[Any, ...], ...]]
    stamps: Mapping[str, str]
    of_exposures: Mapping[str, str]
    schedules: Mapping[str, tuple[Schedule, ...]]
    raw_files: Mapping[str, int]
    deep: Mapping[str, frozenset[str]]

    def column(self, run: str, name: str) -> tuple[Any, ...]:
        """Return one column of the datacubes of a run."""
        return tuple(map(itemgetter(COLUMNS.index(name)), self.rows.get(run, ())))

    def datacubes(self, run: str) -> tuple[Datacube, ...]:
        """Return the final datacubes of a run in order of time."""
        return self.read(run).get(run, ())

    def content(self, run: str) -> bytes:
        """Return bytes that change with any value of a run's datacubes."""
        return marshal.dumps((self.stamps.get(run), self.rows.get(run, ())), ALIKE)


def read_history(connection: sa.Connection) -> History:
    """Read the history of all runs.

    Args:
        connection: to the QC1 database; it has to stay open.
    """
    # What changes while the rows are read is seen by the next call.
    of_cubes, of_exposures = stamps(connection, COMBINED), stamps(connection, SINGLE)
    combined = _table(COMBINED)
    query = sa.select(*(combined.c[name] for name in COLUMNS))
    found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for row in clean_rows(COMBINED.named(COLUMNS), _plain_rows(connection, query)):
        found[_RUN(row)].append(tuple(row))
    return History(
        connection,
        _reader(connection, sorted(found)),
        {run: tuple(sorted(found[run], key=itemgetter(0))) for run in sorted(found)},
        of_cubes,
        of_exposures,
        _schedules(connection),
        _raw_files(connection),
        _deep(connection),
    )


def _reader(
    connection: sa.Connection, runs: Sequence[str]
) -> Callable[[str], Mapping[str, tuple[Datacube, ...]]]:
    """Return what reads datacubes, of some runs at a time: each query has its cost."""
    places = {run: place // _AT_ONCE for place, run in enumerate(runs)}

    @lru_cache(maxsize=_KEPT)
    def batch(number: int) -> Mapping[str, tuple[Datacube, ...]]:
        some = runs[number * _AT_ONCE : (number + 1) * _AT_ONCE]
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
    return {row[0]: row[1] for row in connection.execute(query)}


def _deep(connection: sa.Connection) -> dict[str, frozenset[str]]:
    table = _table(DEEP)
    found: dict[str, set[str]] = {}
    for run, target in connection.execute(sa.select(table.c.run_id, table.c.target)):
        found.setdefault(run, set()).add(target)
    return {run: frozenset(targets) for run, targets in found.items()}
