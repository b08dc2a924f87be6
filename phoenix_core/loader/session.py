"""What one call of phoenix works with: the run, its PGIs, the ledger, the event log."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from attrs import field, frozen

from phoenix_core.association_block import is_safe_name
from phoenix_core.config import Config
from phoenix_core.errors import ConfigError
from phoenix_core.files.sums import FileSums
from phoenix_core.loader.pgis import Pgis, load
from phoenix_core.model import Job, Outcome, Run
from phoenix_core.pseudo_date import check_date_label
from phoenix_core.records.events import Events, Show, open_events
from phoenix_core.records.ledger import Ledger, open_ledger
from phoenix_core.run_id import RunId, parse_run_id
from phoenix_core.words.plain_text import short

LOCK = ".phoenix.lock"


class Watch:
    """Who looks on while jobs run; this one does not look."""

    def planned(self, title: str, jobs: tuple[Job, ...]) -> None:
        """Jobs are about to be run."""

    def started(self, name: str) -> None:
        """A job has started; called from its thread."""

    def ended(self, outcome: Outcome) -> None:
        """A job has ended."""

    def finished(self) -> None:
        """All jobs have ended."""


@frozen
class Session:
    """A run being worked on."""

    run: Run
    pgis: Pgis
    ledger: Ledger
    sums: FileSums
    events: Events
    watch: Watch = field(factory=Watch)

    @property
    def lock(self) -> Path:
        """The file that says who works on the run."""
        return self.run.ab_dir / LOCK


@frozen
class Wishes:
    """What the command line says of a run."""

    run: str = ""  # -r
    date: str = ""  # -d
    select: str = ""  # -a
    verdicts: Path | None = None
    fresh: bool = False
    keep: bool = False
    web: int | None = None  # --web: the port, 0 for any


def make_run(
    config: Config, wishes: Wishes, ledger: Ledger, *, register: bool = True
) -> Run:
    """Return the run that is asked for, with the label of its directories.

    Args:
        config: the configuration.
        wishes: the command line.
        ledger: where runs have their pseudo-dates.
        register: let a new run have the next pseudo-date; otherwise it is an error.

    Raises:
        ConfigError: no run or night, the one that this mode does not know, or none
            that phoenix has seen; -a that is no name of an AB.
    """
    if wishes.select and not is_safe_name(wishes.select):
        raise ConfigError(
            f"-a is '{short(wishes.select)}', expected the name of an AB, without a "
            "directory"
        )
    run_id, date = _pool(config, wishes, ledger, register=register)
    return Run(
        date=date,
        config=config,
        run_id=run_id,
        select=wishes.select,
        verdicts=wishes.verdicts,
        fresh=wishes.fresh,
        keep=wishes.keep,
        web=wishes.web,
    )


def _pool(
    config: Config, wishes: Wishes, ledger: Ledger, *, register: bool
) -> tuple[RunId | None, str]:
    if wishes.run and wishes.date:
        raise ConfigError("-r names a run and -d a night: give one of them")
    if config.mode == "IDP":
        if not wishes.date:
            raise ConfigError(f"{config.path} works by night (mode IDP): give -d DATE")
        return None, check_date_label(wishes.date)
    if wishes.date:
        date = check_date_label(wishes.date)
        run_id = ledger.run_of(date)
        if run_id is None:
            raise ConfigError(
                f"no run has the pseudo-date {date}; {config.path} works by run "
                "(mode DEEP): give -r RUN"
            )
        return run_id, date
    if not wishes.run:
        raise ConfigError(f"{config.path} works by run (mode DEEP): give -r RUN")
    run_id = parse_run_id(wishes.run)
    known = ledger.known_date_of(run_id)
    if known is None and register:
        # Kept only once ABs of the run are found: a mistyped one shall leave nothing.
        return run_id, ledger.next_date_of(run_id)
    if known is None:
        raise ConfigError(f"phoenix has not seen run {run_id}; make its ABs with -C")
    return run_id, known


@contextlib.contextmanager
def open_session(
    config: Config,
    wishes: Wishes,
    show: Show | None = None,
    watch: Watch | None = None,
) -> Iterator[Session]:
    """Open everything that a part of a run needs; keep what was learnt at the end."""
    pgis = load(config)
    with open_ledger(config.database) as ledger:
        run = make_run(config, wishes, ledger)
        sums = ledger.file_sums()
        with open_events(run.monitor_dir, show) as events:
            try:
                yield Session(run, pgis, ledger, sums, events, watch or Watch())
            finally:
                ledger.keep_sums(sums.take_fresh())
