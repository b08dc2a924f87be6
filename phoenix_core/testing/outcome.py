"""A run of the workflow in this process, and what became of it."""

from collections.abc import Callable, Mapping
from pathlib import Path

from attrs import evolve, field, frozen

from phoenix_core.archive.cleanup_products import clean_up
from phoenix_core.archive.ingest_products import IS_HELD, DatasetOutcome, ingest
from phoenix_core.config import read_config
from phoenix_core.errors import (
    CertificationError,
    IngestionError,
    PhoenixError,
    ProcessingError,
)
from phoenix_core.files.run_lock import holding
from phoenix_core.jobs.plan import Plan
from phoenix_core.loader.session import Session, Wishes, open_session
from phoenix_core.model import Cascade, Job, Move, Outcome, QcReport, Run, Verdict
from phoenix_core.run.create import create
from phoenix_core.run.move_products import move
from phoenix_core.run.process import process


@frozen
class RunOutcome:
    """What parts of a run made; what a part that was not run makes is empty.

    `exit_code` is that of the command, `error` the line that it would end with, `log`
    the event log: one JSON line an event.
    """

    run: Run | None = None
    cascade: Cascade = field(factory=Cascade)
    jobs: tuple[Job, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    reports: tuple[QcReport, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    moves: tuple[Move, ...] = ()
    datasets: tuple[DatasetOutcome, ...] = ()
    headers: tuple[Path, ...] = ()
    log: str = ""
    error: str = ""
    exit_code: int = 0


def run_parts(config: Path, pool: str, parts: str = "CPM") -> RunOutcome:
    """Do parts of a run or night, as the commands do; stop at what fails.

    Behind the parts of phoenix come I (ingestProducts) and U (cleanupProducts).
    """
    settings = read_config(config)
    is_night = settings.mode == "IDP"
    wishes = Wishes(run="" if is_night else pool, date=pool if is_night else "")
    outcome = RunOutcome()
    try:
        with open_session(settings, wishes) as session:
            outcome = evolve(outcome, run=session.run)
            with holding(session.lock, f"run {session.run.label}"):
                for part in parts:
                    if not outcome.exit_code:
                        outcome = _PARTS[part](session, outcome)
    except PhoenixError as error:
        outcome = evolve(outcome, error=str(error), exit_code=error.exit_code)
    log = outcome.run and outcome.run.monitor_dir / "events.jsonl"
    return evolve(outcome, log=log.read_text("utf-8") if log else "")


def _create(session: Session, outcome: RunOutcome) -> RunOutcome:
    return _planned(outcome, create(session))


def _process(session: Session, outcome: RunOutcome) -> RunOutcome:
    done = process(session)
    failed = [f"{o.block} is {o.status}: {o.cause}" for o in done.failures]
    return evolve(
        _failed(_planned(outcome, done.plan), failed, ProcessingError),
        outcomes=done.outcomes,
        reports=done.reports,
    )


def _move(session: Session, outcome: RunOutcome) -> RunOutcome:
    done = move(session.run, session.pgis)
    failed = [f"{stays.block} stays: {stays.why}" for stays in done.failed]
    return evolve(
        _failed(outcome, failed, CertificationError),
        verdicts=(*done.accepted, *done.rejected),
        moves=done.moved,
    )


def _ingest(session: Session, outcome: RunOutcome) -> RunOutcome:
    done = ingest(session.run, session.pgis, session.sums)
    bad = (one for one in done.datasets if one.state not in IS_HELD)
    failed = [f"{one.block} is {one.state}: {'; '.join(one.why)}" for one in bad]
    return evolve(_failed(outcome, failed, IngestionError), datasets=done.datasets)


def _clean_up(session: Session, outcome: RunOutcome) -> RunOutcome:
    done = clean_up(session.run, session.pgis)
    failed = [f"{one.block} stays: {one.why}" for one in done.kept]
    return evolve(_failed(outcome, failed, IngestionError), headers=done.headers)


def _planned(outcome: RunOutcome, plan: Plan) -> RunOutcome:
    errors = [finding.message for finding in plan.errors]
    planned = evolve(outcome, cascade=plan.cascade, jobs=plan.jobs)
    return _failed(planned, errors, ProcessingError)


def _failed(
    outcome: RunOutcome, errors: list[str], kind: type[PhoenixError]
) -> RunOutcome:
    if not errors:
        return outcome
    return evolve(outcome, error="; ".join(errors), exit_code=kind.exit_code)


_PARTS: Mapping[str, Callable[[Session, RunOutcome], RunOutcome]] = {
    "C": _create,
    "P": _process,
    "M": _move,
    "I": _ingest,
    "U": _clean_up,
}
