"""The ledger: a database for questions and speed.

The files are the truth: an AB says what became of it. The ledger keeps the registry
of pseudo-dates, every attempt with its time, memory and cause, receipts of the archive,
and sums of files, in any database that SQLAlchemy knows.
"""

import contextlib
import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.exc import IntegrityError, OperationalError

from phoenix_core.files.sums import FileState, FileSums
from phoenix_core.model import AbStatus, Outcome
from phoenix_core.pseudo_date import pseudo_date
from phoenix_core.records.database import make_tables, open_database
from phoenix_core.records.receipts import KeptReceipt
from phoenix_core.run_id import RunId, parse_run_id

_FULL = (
    "locked",
    "disk is full",
    "disk I/O error",
    "No space left",
)  # SQLite, PostgreSQL
_TRIES = 100  # each that fails means that another phoenix succeeded
_BATCH = 1.0  # seconds of outcomes that are written together

metadata = sa.MetaData()
pseudo_dates = sa.Table(
    "pseudo_dates",
    metadata,
    sa.Column("run_id", sa.String(32), primary_key=True),
    sa.Column("date", sa.String(10), nullable=False, unique=True),
)
attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("date", sa.String(10), nullable=False, index=True),
    sa.Column("ab_name", sa.String(255), nullable=False),
    sa.Column("at", sa.String(32), nullable=False),
    sa.Column("status", sa.String(12), nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("memory", sa.BigInteger, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
)
files = sa.Table(
    "files",
    metadata,
    sa.Column("path", sa.String(1024), primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("mtime_ns", sa.BigInteger, nullable=False),
    sa.Column("ctime_ns", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
)
receipts = sa.Table(
    "receipts",
    metadata,
    sa.Column("date", sa.String(10), primary_key=True),
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("ab_name", sa.String(255), nullable=False),
    sa.Column("target", sa.String(255), nullable=False),
    sa.Column("category", sa.String(68), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("checksum", sa.String(80), nullable=False),
    sa.Column("archive", sa.String(255), nullable=False),
    sa.Column("place", sa.String(1024), nullable=False),
    sa.Column("at", sa.String(32), nullable=False),
)


@frozen
class Attempt:
    """One time that an AB was processed; seconds, and peak memory in bytes."""

    ab_name: str
    at: str
    status: AbStatus
    seconds: float
    memory: int
    cause: str


@frozen
class Ledger:
    """An open ledger."""

    engine: sa.Engine

    def date_of(self, run_id: RunId) -> str:
        """Return a run's pseudo-date, and register it where it is new."""
        for _ in range(_TRIES):
            dates = self._dates()
            if run_id.formal in dates:
                return dates[run_id.formal]
            row = {"run_id": run_id.formal, "date": self.next_date_of(run_id)}
            # Another phoenix may register at the same time: then look again.
            with contextlib.suppress(IntegrityError), self.engine.begin() as connection:
                connection.execute(sa.insert(pseudo_dates).values(row))
        return self._dates()[run_id.formal]

    def known_date_of(self, run_id: RunId) -> str | None:
        """Return a run's pseudo-date if it has one."""
        return self._dates().get(run_id.formal)

    def known_dates(self) -> Mapping[str, str]:
        """Return the pseudo-dates of all runs that have one, by formal run id."""
        return self._dates()

    def next_date_of(self, run_id: RunId) -> str:
        """Return the pseudo-date that a new run would get now."""
        return pseudo_date(run_id, frozenset(self._dates().values()))

    def run_of(self, date: str) -> RunId | None:
        """Return the run that has a pseudo-date."""
        found = {label: run for run, label in self._dates().items()}
        return parse_run_id(found[date]) if date in found else None

    @contextlib.contextmanager
    def attempts_of(self, date: str) -> Iterator[Callable[[Outcome], None]]:
        """Record outcomes of jobs as they end, several in one transaction.

        The ABs keep the truth, so that a kill costs at most a second of history.
        """
        rows: list[dict[str, object]] = []
        written = time.monotonic()

        def write() -> None:
            if rows:
                with _unless_full(), self.engine.begin() as connection:
                    connection.execute(sa.insert(attempts), rows)
                    rows.clear()

        def keep(outcome: Outcome) -> None:
            nonlocal written
            rows.append(_attempt_row(date, outcome))
            if time.monotonic() - written > _BATCH:
                write()
                written = time.monotonic()

        try:
            yield keep
        finally:
            write()

    def attempts(self, date: str, ab_name: str) -> tuple[Attempt, ...]:
        """Return every attempt of an AB, the first one first."""
        query = (
            sa.select(attempts)
            .where(attempts.c.date == date, attempts.c.ab_name == ab_name)
            .order_by(attempts.c.id)
        )
        with self.engine.connect() as connection:
            return tuple(
                Attempt(
                    row.ab_name,
                    row.at,
                    AbStatus(row.status),
                    row.seconds,
                    row.memory,
                    row.cause,
                )
                for row in connection.execute(query)
            )

    def file_sums(self) -> FileSums:
        """Return the sums of files known from before."""
        with self.engine.connect() as connection:
            rows = connection.execute(sa.select(files)).all()
        return FileSums(
            {
                Path(row.path): (
                    FileState(row.size, row.mtime_ns, row.ctime_ns),
                    row.sha256,
                )
                for row in rows
            }
        )

    def keep_sums(self, sums: Mapping[Path, tuple[FileState, str]]) -> None:
        """Remember sums of files for the next call."""
        rows = [
            {
                "path": str(path),
                "size": state.size,
                "mtime_ns": state.mtime_ns,
                "ctime_ns": state.ctime_ns,
                "sha256": total,
            }
            for path, (state, total) in sums.items()
        ]
        if not rows:
            return
        with _unless_full(), self.engine.begin() as connection:
            old = sa.delete(files).where(files.c.path == sa.bindparam("b_path"))
            connection.execute(old, [{"b_path": row["path"]} for row in rows])
            connection.execute(sa.insert(files), rows)

    def keep_receipts(self, date: str, kept: Sequence[KeptReceipt]) -> None:
        """Have the receipts of a run, in place of those that there were."""
        rows = {
            file.stored.name: {
                "date": date,
                "name": file.stored.name,
                "ab_name": receipt.block,
                "target": receipt.target,
                "category": file.category,
                "size": file.stored.size,
                "checksum": file.stored.checksum,
                "archive": receipt.archive,
                "place": file.stored.where,
                "at": receipt.at,
            }
            for receipt in kept
            for file in receipt.files
        }
        with _unless_full(), self.engine.begin() as connection:
            connection.execute(sa.delete(receipts).where(receipts.c.date == date))
            if rows:
                connection.execute(sa.insert(receipts), list(rows.values()))

    def _dates(self) -> dict[str, str]:
        with self.engine.connect() as connection:
            rows = connection.execute(sa.select(pseudo_dates)).all()
        return {row.run_id: row.date for row in rows}


def _attempt_row(date: str, outcome: Outcome) -> dict[str, object]:
    return {
        "date": date,
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "ab_name": outcome.block,
        "status": outcome.status.value,
        "seconds": outcome.seconds,
        "memory": outcome.memory,
        "cause": outcome.cause,
    }


@contextlib.contextmanager
def _unless_full() -> Iterator[None]:
    """Do without a record that nothing depends on: a full disk, a long lock.

    What a full disk does to the run is told by the ABs that fail.
    """
    try:
        yield
    except OperationalError as error:
        if not any(told in str(error) for told in _FULL):
            raise


@contextlib.contextmanager
def open_ledger(url: str) -> Iterator[Ledger]:
    """Open the ledger of a configuration, and make its tables where they are missing.

    Raises:
        ConfigError: there is no such database, or it does not answer.
    """
    with open_database(url, _make_tables) as engine:
        yield Ledger(engine)


def _make_tables(engine: sa.Engine) -> None:
    make_tables(engine, metadata, cache=files)
