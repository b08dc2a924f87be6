"""processAB: one AB from its inputs to published products.

Everything happens in a private directory. Products get their names, in one step each,
only when the recipe has ended, the instrument's rules of success are met and the
post-processing is done; the AB says SUCCESSFUL last. Killed at any moment, the next
call takes over what a finished or running recipe made, and does the rest again.
"""

import datetime as dt
import errno
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from attrs import evolve, field, frozen

from phoenix_core import hookspecs
from phoenix_core.ab import inputs
from phoenix_core.ab.file import check_block, read_block, write_block
from phoenix_core.ab.incomplete import why_incomplete
from phoenix_core.association_block import (
    AbStatus,
    AssociationBlock,
)
from phoenix_core.errors import PgiError, PhoenixError, ProcessingError
from phoenix_core.files.atomic import write_text
from phoenix_core.files.run_lock import holding
from phoenix_core.files.sums import FileSums
from phoenix_core.loader.pgis import Pgis, load
from phoenix_core.model import DrsCall, Finding, Job, Outcome, Product, Run
from phoenix_core.processing.publish import check_products, publish, publish_log
from phoenix_core.processing.staleness import fingerprint, reasons
from phoenix_core.processing.verify_inputs import verify_inputs
from phoenix_core.processing.work_dir import put_aside
from phoenix_core.recipe import recipe_call

LOCK = ".lock"
_MADE_FROM = ".fingerprint"
_FORMER = ".former.ab"
_NO_ROOM = 1_000_000  # bytes
_FITS = (".fits", ".fits.fz")

Observer = Callable[[str], None]


def _load_again(run: Run) -> Pgis:
    return load(run.config)


@frozen
class ProcessAb:
    """The call ``processAB -a AB`` as a value: what a BQS calls, or sends elsewhere.

    Plug-ins and what only this process knows stay behind when it is pickled, and are
    loaded again where it arrives.
    """

    run: Run
    pgis: Pgis
    sums: FileSums = field(factory=FileSums)
    started: Observer | None = None

    def __call__(self, job: Job) -> Outcome:
        """Process the job's AB; what goes wrong is an outcome, never an exception."""
        if self.started:
            self.started(job.block)
        return process_ab(self.run, self.pgis, job.block, self.sums)

    def __reduce__(self) -> tuple[Callable[[Run], "ProcessAb"], tuple[Run]]:
        """Pickle the run alone."""
        return _process_ab_of, (self.run,)


def _process_ab_of(run: Run) -> ProcessAb:
    return ProcessAb(run, _load_again(run))


def process_ab(run: Run, pgis: Pgis, name: str, sums: FileSums) -> Outcome:
    """Process one AB, unless it is up to date.

    What fails is told in the outcome and in the AB: FAILED with its cause, or SKIPPED
    where something it needs is not SUCCESSFUL.
    """
    start = time.monotonic()
    try:
        with holding(run.work_dir(name) / LOCK, name):
            return _process(_Attempt(run, pgis, name, sums, start))
    except (PhoenixError, OSError) as error:
        # The lock is not ours, or the disk takes not even the AB's new status.
        cause = _told(error)
        cause += told_of_disk(run, cause)
        spent = time.monotonic() - start
        return Outcome(name, AbStatus.FAILED, cause, spent)


@frozen
class _Attempt:
    """One try at one AB."""

    run: Run
    pgis: Pgis
    name: str
    sums: FileSums
    start: float  # of the monotonic clock
    definition_sum: str = ""  # of the AB as it was read
    at: str = field(
        factory=lambda: dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    )

    @cached_property
    def workdir(self) -> Path:
        return self.run.work_dir(self.name)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.start


def _process(attempt: _Attempt) -> Outcome:
    path = attempt.run.ab_path(attempt.name)
    block = check_block(read_block(path))
    attempt = evolve(attempt, definition_sum=block.definition_sum)
    try:
        if lacks := why_incomplete(block):
            return _end(attempt, block, AbStatus.SKIPPED, lacks)
        made_by = inputs.makers(attempt.run, block)
        for maker in made_by.values():
            if maker.status is not AbStatus.SUCCESSFUL:
                cause = f"it needs {maker.name}, which is {maker.status}"
                return _end(attempt, block, AbStatus.SKIPPED, cause)
        now = inputs.resolve(attempt.run, block, made_by, attempt.sums)
        call = drs_call(attempt.run, attempt.pgis, now)
        directory = attempt.run.product_dir(block.raw_type)
        due = reasons(block, now, call.version, directory)
        if not due:
            put_aside(attempt.run, attempt.name)
            return Outcome(attempt.name, AbStatus.SUCCESSFUL, is_new=False)
        verify_inputs(attempt.run, now, made_by, attempt.sums)
        if block.status is AbStatus.SUCCESSFUL:
            # Killed between two products, it must not pass for finished.
            opened = {"PROCESS_STATUS": AbStatus.CREATED.value, "PROCESS_CAUSE": due[0]}
            write_block(path, block.updated(opened))
        done = _reduce_and_publish(attempt, now, call)
    except (PhoenixError, OSError) as error:
        ran = recipe_call.find_exit(attempt.workdir)
        is_stopped = isinstance(error, recipe_call.RecipeStopped) or (
            ran is not None and ran.is_stopped
        )
        status = AbStatus.CREATED if is_stopped else AbStatus.FAILED
        cause = _told(error)
        cause += told_of_disk(attempt.run, cause)
        return _end(attempt, block, status, cause)
    put_aside(attempt.run, attempt.name)
    memory = int(done.value("PROCESS_MEMORY") or 0)
    seconds = float(done.value("PROCESS_SECONDS"))
    return Outcome(attempt.name, AbStatus.SUCCESSFUL, "", seconds, memory)


def drs_call(run: Run, pgis: Pgis, block: AssociationBlock) -> DrsCall:
    """Ask the data reduction what it would call; it need not tell."""
    told = pgis.ask(hookspecs.process_ab_drs_call, run=run, block=block)
    return told or DrsCall((), "")


def _reduce_and_publish(
    attempt: _Attempt, block: AssociationBlock, call: DrsCall
) -> AssociationBlock:
    """Make the products, or take over those of an earlier phoenix, and publish them."""
    made_from = fingerprint(block, call.version)
    if _is_taken_over(attempt.workdir, made_from):
        try:
            return _reduce(attempt, block, call, made_from)
        except recipe_call.RecipeStopped:
            raise
        except PhoenixError:
            # Half of the post-processing may have been done: from the start then.
            if recipe_call.is_running(attempt.workdir):
                raise
    _empty(attempt.workdir)
    write_text(attempt.workdir / _MADE_FROM, made_from)
    return _reduce(attempt, block, call, made_from)


def _is_taken_over(workdir: Path, made_from: str) -> bool:
    """Whether an earlier phoenix's recipe ran or still runs here, for the same AB."""
    try:
        same = (workdir / _MADE_FROM).read_text("utf-8") == made_from
    except OSError:
        return False
    running = recipe_call.is_running(workdir)
    if running and not same:
        raise ProcessingError(
            f"a recipe of an earlier call still runs in {workdir}, with other inputs; "
            "wait for its end or stop it"
        )
    return same and (running or recipe_call.find_exit(workdir) is not None)


def _reduce(
    attempt: _Attempt, block: AssociationBlock, call: DrsCall, made_from: str
) -> AssociationBlock:
    run, pgis, workdir = attempt.run, attempt.pgis, attempt.workdir
    prepared = pgis.ask(hookspecs.process_ab_pre_plugin, run=run, block=block) or block
    if (prepared.name, prepared.recipe) != (block.name, block.recipe):
        pre = pgis.names(hookspecs.process_ab_pre_plugin)[0]
        raise PgiError(f"{pre} made another AB of {block.name}: {prepared.name}")
    products: Sequence[Product] = pgis.call(
        hookspecs.process_ab_drs, run=run, block=prepared, workdir=workdir
    )
    check_products(pgis.names(hookspecs.process_ab_drs)[0], workdir, products)
    for _, findings in pgis.each(
        hookspecs.process_ab_check_plugin, run=run, block=prepared, products=products
    ):
        _refuse_errors(findings)
    for spec in (hookspecs.process_ab_post_plugin, hookspecs.process_ab_final_plugin):
        for pgi, answer in pgis.each(spec, run=run, block=prepared, products=products):
            if answer is not None:
                check_products(pgi, workdir, answer)
                products = answer
    records = publish(run, prepared, products, workdir, attempt.sums)
    ran = recipe_call.find_exit(workdir)
    return _write(
        attempt,
        prepared,
        {
            "PROCESS_STATUS": AbStatus.SUCCESSFUL.value,
            "PROCESS_CAUSE": "",
            "PROCESS_MEMORY": str(ran.memory) if ran else "",
            # Of a recipe that was taken over, most was spent before this attempt.
            "PROCESS_SECONDS": f"{max(attempt.seconds, ran.seconds if ran else 0):.3f}",
            "RECIPE_VERSION": call.version,
            "CALL_PARAM": block.params,
            "FINGERPRINT": made_from,
            "PRODUCTS": [record.line for record in records],
        },
    )


def _refuse_errors(findings: Sequence[Finding]) -> None:
    for finding in findings:
        if finding.is_error:
            raise ProcessingError(finding.message)


def _end(
    attempt: _Attempt, block: AssociationBlock, status: AbStatus, cause: str
) -> Outcome:
    """Say in the AB why there are no new products; keep the log, drop the rest."""
    ran = recipe_call.find_exit(attempt.workdir)
    memory = ran.memory if ran else 0
    if status is not AbStatus.SKIPPED and not recipe_call.is_running(attempt.workdir):
        with suppress(OSError):
            publish_log(attempt.run, block, attempt.workdir)
        shutil.rmtree(attempt.workdir, ignore_errors=True)  # it may need the room
    elif status is AbStatus.SKIPPED:
        with suppress(OSError):  # but for what an earlier recipe has made
            (attempt.workdir / LOCK).unlink()
            attempt.workdir.rmdir()
    _write(
        attempt,
        block,
        {
            "PROCESS_STATUS": status.value,
            "PROCESS_CAUSE": cause,
            "PROCESS_MEMORY": str(memory) if memory else "",
        },
    )
    return Outcome(attempt.name, status, cause, attempt.seconds, memory)


def _write(
    attempt: _Attempt,
    block: AssociationBlock,
    contents: Mapping[str, str | Sequence[str]],
) -> AssociationBlock:
    path = attempt.run.ab_path(attempt.name)
    records = {
        "PROCESS_SECONDS": f"{attempt.seconds:.3f}",
        **contents,
        "PROCESS_START": attempt.at,
        "LOG_NAME": block.log_name,
        "PROD_PATH": str(attempt.run.product_dir(block.raw_type)),
    }
    now = read_block(path)
    if now.definition_sum != attempt.definition_sum:
        # A person edited it while it was processed: their text stays, and is due.
        records = {"SOF_CONTENT": block.values("SOF_CONTENT"), **records}
        block = now
    done = evolve(block, source=None).updated(records)
    # The former one goes with the working directory: see `work_dir`.
    with suppress(OSError):
        (attempt.workdir / _FORMER).hardlink_to(path)
    write_block(path, done)
    return done


def _empty(workdir: Path) -> None:
    """Remove what an earlier try left, all but the lock that is held."""
    for entry in workdir.iterdir():
        if entry.name == LOCK:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def told_of_disk(run: Run, cause: str) -> str:
    """Say what recipes rarely do: that there is no room left; '' where there is."""
    directory = run.config.directories.product
    is_said = os.strerror(errno.ENOSPC) in cause
    # Another AB's room may have become free meanwhile.
    if not is_said and shutil.disk_usage(directory).free >= _NO_ROOM:
        return ""
    return f" (the disk of {directory} is full)"


def _told(error: PhoenixError | OSError) -> str:
    """One line for the AB and the person."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'the disk'}: {error.strerror}"
    return " ".join(str(error).split())
