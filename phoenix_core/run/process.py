"""Part 2 of a run (-P): process what is due, in parallel, then QC."""

import contextlib
import shutil
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from attrs import define, evolve, field, frozen

from phoenix_core import hookspecs
from phoenix_core.ab.cascade import takers
from phoenix_core.ab.file import read_block, write_block
from phoenix_core.ab_monitor.watch import watched
from phoenix_core.association_block import AbStatus, AssociationBlock
from phoenix_core.errors import PgiError, PhoenixError
from phoenix_core.files.atomic import remove_leftovers
from phoenix_core.files.run_lock import is_held
from phoenix_core.jobs.plan import Plan
from phoenix_core.loader.pgis import Pgis, load
from phoenix_core.loader.session import Session
from phoenix_core.model import Job, Outcome, Process, QcReport, Run
from phoenix_core.processing.process_ab import LOCK, Observer, ProcessAb, told_of_disk
from phoenix_core.processing.process_qc import process_qc, read_reports
from phoenix_core.processing.qc_report import report_path
from phoenix_core.processing.work_dir import remove_aside
from phoenix_core.questions.papers import sof_dir
from phoenix_core.recipe import recipe_call
from phoenix_core.run.create import create
from phoenix_core.run.pages import write_run_pages

_PAUSE = 0.2  # seconds


@frozen
class Processed:
    """What part 2 did."""

    plan: Plan
    outcomes: tuple[Outcome, ...] = ()
    up_to_date: tuple[str, ...] = ()
    reports: tuple[QcReport, ...] = ()
    qc_failures: tuple[Outcome, ...] = ()
    cover: Path | None = None
    monitor: Path | None = None

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """Everything that is not SUCCESSFUL."""
        bad = [o for o in self.outcomes if o.status is not AbStatus.SUCCESSFUL]
        return (*bad, *self.qc_failures)


def process(session: Session) -> Processed:
    """Do part 1, process the ABs that are due, and make the QC of those that succeed.

    Raises:
        PhoenixError: part 1 cannot be done. What fails in an AB is an outcome.
    """
    plan = create(session)
    if plan.errors:
        return Processed(plan)
    session = evolve(session, watch=watched(session))
    due = plan.due
    _tidy(session.run, [b.name for b in plan.cascade.blocks if b.name not in due])
    todo = _due_jobs(session, plan, due)
    before = threading.enumerate()
    recipe_call.allow_recipes()
    try:
        outcomes = tuple(_run_jobs(session, plan, todo, due))
    except KeyboardInterrupt:
        session.watch.finished()
        _stop_recipes([t for t in threading.enumerate() if t not in before])
        session.events.tell("interrupted")
        raise
    finally:
        remove_aside(session.run)
    up_to_date = tuple(job.block for job in plan.jobs if job.block not in due)
    done = Processed(plan, outcomes, up_to_date)
    good = [o.block for o in outcomes if o.status is AbStatus.SUCCESSFUL]
    done = _with_qc(session, done, frozenset((*up_to_date, *good)))
    pages = write_run_pages(session.run, session.pgis, session.events)
    return evolve(done, cover=pages.cover, monitor=pages.monitor)


def _stop_recipes(threads: Iterable[threading.Thread]) -> None:
    """Stop them until the threads have ended: each may just be starting another."""
    for thread in threads:
        while thread.is_alive():
            recipe_call.stop_recipes()
            thread.join(_PAUSE)


def _tidy(run: Run, finished: Iterable[str]) -> None:
    """Remove what a phoenix left that was killed."""
    directories = run.config.directories
    for directory in (
        *(run.ab_dir, run.monitor_dir, sof_dir(run)),
        *(directories.monitor, directories.jobs),
        *directories.product.glob(f"*/{run.date}"),
    ):
        remove_leftovers(directory)
    remove_aside(run)
    for name in finished:
        workdir = run.work_dir(name)
        # Killed after it said SUCCESSFUL, before its directory was gone.
        if not is_held(workdir / LOCK) and not recipe_call.is_running(workdir):
            shutil.rmtree(workdir, ignore_errors=True)


def _due_jobs(
    session: Session, plan: Plan, due: Mapping[str, tuple[str, ...]]
) -> tuple[Job, ...]:
    """The jobs to run; finished ABs that are made again are opened for it."""
    blocks = {block.name: block for block in plan.cascade.blocks}
    for name, why in due.items():
        block = blocks[name]
        if block.status is AbStatus.SUCCESSFUL:
            session.events.tell(
                "due_again", f"{name} is processed again: {why[0]}", ab=name, why=why
            )
            opened = {"PROCESS_STATUS": AbStatus.CREATED.value, "PROCESS_CAUSE": why[0]}
            write_block(session.run.ab_path(name), block.updated(opened))
    return tuple(
        evolve(job, needs=tuple(need for need in job.needs if need in due))
        for job in plan.jobs
        if job.block in due
    )


def _run_jobs(
    session: Session,
    plan: Plan,
    jobs: tuple[Job, ...],
    due: Mapping[str, tuple[str, ...]],
) -> Iterator[Outcome]:
    """Run the jobs; keep the ABs, the ledger and the disk up with what ends."""
    interim = _Interim.of(session, plan.cascade.blocks, due)
    interim.sweep(block.name for block in plan.cascade.blocks)
    if not jobs:
        return
    session.watch.planned("processAB", jobs)
    process_one = ProcessAb(
        session.run, session.pgis, session.sums, session.watch.started
    )
    with session.ledger.attempts_of(session.run.date) as keep:
        for outcome in _outcomes(session, jobs, process_one):
            if outcome.status is AbStatus.SKIPPED:
                _write_skipped(session, outcome)
            if outcome.is_new:
                keep(outcome)
            _tell(session, outcome)
            if outcome.status is AbStatus.SUCCESSFUL:
                interim.done(outcome.block)
            yield outcome


def _outcomes(
    session: Session, jobs: tuple[Job, ...], process_one: Process
) -> Iterator[Outcome]:
    """The outcomes of a BQS, held against its contract."""
    bqs = session.pgis.names(hookspecs.bqs)[0]
    waiting = {job.block for job in jobs}
    answers = session.pgis.call(
        hookspecs.bqs, run=session.run, jobs=jobs, process=process_one
    )
    try:
        for outcome in answers:
            if outcome.block not in waiting:
                raise PgiError(f"{bqs}: an outcome nobody waits for: {outcome.block}")
            waiting.discard(outcome.block)
            session.watch.ended(outcome)
            yield outcome
    finally:
        session.watch.finished()
    for name in sorted(waiting):
        yield Outcome(name, AbStatus.SKIPPED, f"{bqs} did not run it")


def _tell(session: Session, outcome: Outcome) -> None:
    session.events.tell(
        f"ab_{outcome.status.lower()}",
        ab=outcome.block,
        cause=outcome.cause,
        seconds=round(outcome.seconds, 3),
        memory=outcome.memory,
    )


def _write_skipped(session: Session, outcome: Outcome) -> None:
    path = session.run.ab_path(outcome.block)
    told = {"PROCESS_STATUS": AbStatus.SKIPPED.value, "PROCESS_CAUSE": outcome.cause}
    # On a full disk the outcome tells it all the same.
    with contextlib.suppress(OSError):
        write_block(path, read_block(path).updated(told))


@define
class _Interim:
    """Products that go once every AB that takes them has succeeded."""

    session: Session
    taken_by: Mapping[str, tuple[str, ...]]
    needs: Mapping[str, tuple[str, ...]]
    open: set[str] = field(factory=set)  # ABs that have not succeeded yet

    @classmethod
    def of(
        cls,
        session: Session,
        blocks: Sequence[AssociationBlock],
        due: Mapping[str, tuple[str, ...]],
    ) -> "_Interim":
        # ABs of other targets lie there too, when only one was asked for (-a).
        there = {b.name: b for b in _all_blocks(session, blocks)}
        waiting = {n for n, b in there.items() if b.status is not AbStatus.SUCCESSFUL}
        return cls(
            session,
            takers(tuple(there.values())),
            {name: block.needs for name, block in there.items()},
            waiting | set(due),
        )

    def done(self, name: str) -> None:
        self.open.discard(name)
        self.sweep((name, *self.needs[name]))

    def sweep(self, names: Iterable[str]) -> None:
        for name in names:
            by = self.taken_by.get(name, ())
            is_taken = not by or any(taker in self.open for taker in by)
            if name in self.open or is_taken or name not in self.needs:
                continue
            self._delete(name)

    def _delete(self, name: str) -> None:
        run = self.session.run
        block = read_block(run.ab_path(name))
        if any(product.state == "INTERIM" for product in block.products):
            deleted = [
                evolve(p, state="DELETED") if p.state == "INTERIM" else p
                for p in block.products
            ]
            # First the record: a product that is missed would be made again.
            lines = [product.line for product in deleted]
            block = block.updated({"PRODUCTS": lines})
            write_block(run.ab_path(name), block)
            self.session.events.tell("interim_deleted", ab=name)
        for product in block.products:
            if product.is_deleted:  # perhaps by a phoenix that was killed here
                path = run.product_dir(block.raw_type) / product.file
                path.unlink(missing_ok=True)


def _all_blocks(
    session: Session, blocks: Sequence[AssociationBlock]
) -> Iterator[AssociationBlock]:
    names = {block.name for block in blocks}
    yield from blocks
    for path in session.run.ab_dir.glob("*.ab"):
        if path.name not in names:
            yield read_block(path)


@frozen
class ProcessQc:
    """The call ``processQC -a AB`` as a value, as `ProcessAb` is for processAB."""

    run: Run
    pgis: Pgis
    started: Observer | None = None

    def __call__(self, job: Job) -> Outcome:
        """Make the job's report; what goes wrong is an outcome."""
        if self.started:
            self.started(job.block)
        start = time.monotonic()
        report_before = self._written(job.block)
        try:
            process_qc(self.run, self.pgis, job.block)
        except (PhoenixError, OSError) as error:
            spent = time.monotonic() - start
            # Not FAILED: the QC of what takes its products goes on all the same.
            cause = f"QC: {error}"
            cause += told_of_disk(self.run, cause)
            return Outcome(job.block, AbStatus.SUCCESSFUL, cause, spent, is_new=False)
        return Outcome(
            job.block,
            AbStatus.SUCCESSFUL,
            seconds=time.monotonic() - start,
            is_new=self._written(job.block) != report_before,
        )

    def _written(self, name: str) -> int | None:
        """When the report of an AB was written, None where there is none."""
        with contextlib.suppress(OSError, PhoenixError):
            block = read_block(self.run.ab_path(name))
            return report_path(self.run, block).stat().st_mtime_ns
        return None

    def __reduce__(self) -> tuple[Callable[[Run], "ProcessQc"], tuple[Run]]:
        """Pickle the run alone."""
        return _process_qc_of, (self.run,)


def _process_qc_of(run: Run) -> ProcessQc:
    return ProcessQc(run, load(run.config))


def _with_qc(session: Session, done: Processed, names: Collection[str]) -> Processed:
    """Make the QC reports that are missing or out of date."""
    if not session.pgis.names(hookspecs.process_qc_procedure) or not names:
        return done
    # In the order of the cascade: a report may look at those of its inputs.
    jobs = tuple(
        Job(
            block.name,
            needs=tuple(need for need in block.needs if need in names),
            stream="QC",
            limit=len(names),
        )
        for block in done.plan.cascade.blocks
        if block.name in names
    )
    session.watch.planned("processQC", jobs)
    qc = ProcessQc(session.run, session.pgis, session.watch.started)
    bad = []
    for outcome in _outcomes(session, jobs, qc):
        if outcome.cause:
            bad.append(evolve(outcome, status=AbStatus.FAILED))
            session.events.tell("qc_failed", ab=outcome.block, cause=outcome.cause)
    reports = tuple(r for r in read_reports(session.run) if r.block in names)
    return evolve(done, reports=reports, qc_failures=tuple(bad))
