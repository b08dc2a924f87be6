"""processAB: one AB from its inputs to published products.

Everything happens in a private directory. Products get their names, in one step each,
only when the recipe has ended, the instrument's rules of success are met and the
post-processing is done; the AB says SUCCESSFUL last. Killed at any moment, the next
call takes over what a finished or running recipe made, and does the rest again.
"""

import datetime as dt
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from attrs import evolve, field, frozen

from phoenix_core import hookspecs, inputs, recipe_call
from phoenix_core.ab_file import check_block, read_block, write_block
from phoenix_core.association_block import (
    AbStatus,
    AssociationBlock,
    ProductRecord,
    is_safe_name,
)
from phoenix_core.atomic import link_file, write_text
from phoenix_core.errors import PgiError, PhoenixError, ProcessingError
from phoenix_core.file_sums import FileSums, file_state, sha256
from phoenix_core.fits_file import check_fits
from phoenix_core.model import DrsCall, Finding, Job, Outcome, Product, Run
from phoenix_core.pgis import Pgis, load
from phoenix_core.run_lock import holding
from phoenix_core.staleness import fingerprint, reasons

LOCK = ".lock"
_MADE_FROM = ".fingerprint"
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
    at: str = field(
        factory=lambda: dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    )

    @property
    def workdir(self) -> Path:
        return self.run.work_dir(self.name)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.start


def _process(attempt: _Attempt) -> Outcome:
    path = attempt.run.ab_path(attempt.name)
    block = check_block(read_block(path))
    try:
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
            shutil.rmtree(attempt.workdir, ignore_errors=True)
            return Outcome(attempt.name, AbStatus.SUCCESSFUL, is_new=False)
        verify_inputs(attempt.run, now, made_by, attempt.sums)
        if block.status is AbStatus.SUCCESSFUL:
            # Killed between two products, it must not pass for finished.
            opened = {"PROCESS_STATUS": AbStatus.CREATED.value, "PROCESS_CAUSE": due[0]}
            write_block(path, block.updated(opened))
        done = _reduce_and_publish(attempt, now, call)
    except (PhoenixError, OSError) as error:
        ran = recipe_call.find_exit(attempt.workdir)
        is_stopped = ran is not None and ran.is_stopped
        status = AbStatus.CREATED if is_stopped else AbStatus.FAILED
        cause = _told(error) + _told_of_disk(attempt.run)
        return _end(attempt, block, status, cause)
    shutil.rmtree(attempt.workdir, ignore_errors=True)
    memory = int(done.value("PROCESS_MEMORY") or 0)
    seconds = float(done.value("PROCESS_SECONDS"))
    return Outcome(attempt.name, AbStatus.SUCCESSFUL, "", seconds, memory)


def drs_call(run: Run, pgis: Pgis, block: AssociationBlock) -> DrsCall:
    """Ask the data reduction what it would call; it need not tell."""
    told = pgis.ask(hookspecs.process_ab_drs_call, run=run, block=block)
    return told or DrsCall((), "")


def verify_inputs(
    run: Run,
    block: AssociationBlock,
    made_by: Mapping[str, AssociationBlock],
    sums: FileSums,
) -> None:
    """Hold every input against what is known of it, since recipes do not.

    Products of other ABs against the sums in their ABs; files from elsewhere against
    the CHECKSUM that they carry.

    Raises:
        ProcessingError: an input is missing, truncated, or has another content.
    """
    recorded = {
        run.product_dir(maker.raw_type) / product.file: (product, maker)
        for maker in made_by.values()
        for product in maker.products
    }
    for path, _ in inputs.paths(run, block):
        if path not in recorded:
            _verify_file(path, sums)
            continue
        product, maker = recorded[path]
        if not path.exists():
            raise ProcessingError(
                f"{path} is not there; process {maker.name} again (phoenix -P does)"
            )
        if path.stat().st_size != product.size or sha256(path) != product.checksum:
            raise ProcessingError(
                f"{path} is not what {maker.name} made; remove it and process "
                f"{maker.name} again (phoenix -P does)"
            )


def _verify_file(path: Path, sums: FileSums) -> None:
    if not path.name.endswith(_FITS):
        return
    if sums.is_whole(path):
        return
    if problems := check_fits(path).problems:
        raise ProcessingError(f"{path} is damaged: {problems[0]}; fetch it again")
    sums.mark_whole(path)


def _reduce_and_publish(
    attempt: _Attempt, block: AssociationBlock, call: DrsCall
) -> AssociationBlock:
    """Make the products, or take over those of an earlier phoenix, and publish them."""
    made_from = fingerprint(block, call.version)
    if _is_taken_over(attempt.workdir, made_from):
        try:
            return _reduce(attempt, block, call, made_from)
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
    _check_products(pgis.names(hookspecs.process_ab_drs)[0], workdir, products)
    for _, findings in pgis.each(
        hookspecs.process_ab_check_plugin, run=run, block=prepared, products=products
    ):
        _refuse_errors(findings)
    for spec in (hookspecs.process_ab_post_plugin, hookspecs.process_ab_final_plugin):
        for pgi, answer in pgis.each(spec, run=run, block=prepared, products=products):
            if answer is not None:
                _check_products(pgi, workdir, answer)
                products = answer
    records = _publish(attempt, prepared, products)
    ran = recipe_call.find_exit(workdir)
    return _write(
        attempt,
        prepared,
        {
            "PROCESS_STATUS": AbStatus.SUCCESSFUL.value,
            "PROCESS_CAUSE": "",
            "PROCESS_MEMORY": str(ran.memory) if ran else "",
            # Of a recipe that was taken over, most was spent before this attempt.
            "PROCESS_SECONDS": f"{max(attempt.seconds, ran.seconds if ran else 0):.2f}",
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


def _check_products(pgi: str, workdir: Path, products: Sequence[Product]) -> None:
    """Let through only files that are there, inside the working directory."""
    inside = workdir.resolve()
    for product in products:
        if not product.path.resolve().is_relative_to(inside):
            raise PgiError(f"{pgi}: product {product.path} is not in {workdir}")
        if not product.path.is_file() or product.path.is_symlink():
            raise PgiError(f"{pgi}: product {product.path} is no file")
        if not is_safe_name(product.category):
            raise PgiError(f"{pgi}: '{product.category}' is no product category")
    paths = Counter(product.path for product in products)
    if double := [path for path, times in paths.items() if times > 1]:
        raise PgiError(f"{pgi}: product {double[0]} is named twice")


def product_names(
    block: AssociationBlock, products: Sequence[Product]
) -> tuple[str, ...]:
    """Return the names under which products will be published, one each.

    ``<PROD_ROOT_NAME>_<category>``, counted where there are several of a category.
    """
    of_category = Counter(product.category for product in products)
    seen: Counter[str] = Counter()
    names = []
    for product in products:
        seen[product.category] += 1
        stem = f"{block.root}_{product.category}"
        if of_category[product.category] > 1:
            stem += f"_{seen[product.category]:04d}"
        names.append(stem + product.path.suffix)
    return tuple(names)


def _publish(
    attempt: _Attempt, block: AssociationBlock, products: Sequence[Product]
) -> list[ProductRecord]:
    """Give the products and the log their names where they wait for certification."""
    directory = attempt.run.product_dir(block.raw_type)
    directory.mkdir(parents=True, exist_ok=True)
    records = []
    for product, name in zip(products, product_names(block, products), strict=True):
        target = directory / name
        state, total = file_state(product.path), sha256(product.path)
        link_file(product.path, target)
        attempt.sums.put(target, state, total)
        kind = "INTERIM" if product.interim else "KEPT"
        records.append(
            ProductRecord(target.name, product.category, total, state.size, kind)
        )
    _publish_log(attempt, block)
    _drop_former(attempt, directory, {record.file for record in records})
    return records


def _publish_log(attempt: _Attempt, block: AssociationBlock) -> None:
    log = attempt.workdir / block.log_name
    if log.is_file() and not log.is_symlink():
        directory = attempt.run.product_dir(block.raw_type)
        directory.mkdir(parents=True, exist_ok=True)
        link_file(log, directory / block.log_name)


def _drop_former(attempt: _Attempt, directory: Path, kept: set[str]) -> None:
    """Delete products of an earlier try that this one did not make."""
    former = read_block(attempt.run.ab_path(attempt.name)).products
    for record in former:
        if record.file not in kept:
            (directory / record.file).unlink(missing_ok=True)


def _end(
    attempt: _Attempt, block: AssociationBlock, status: AbStatus, cause: str
) -> Outcome:
    """Say in the AB why there are no new products; keep the log, drop the rest."""
    ran = recipe_call.find_exit(attempt.workdir)
    memory = ran.memory if ran else 0
    if status is not AbStatus.SKIPPED and not recipe_call.is_running(attempt.workdir):
        _publish_log(attempt, block)
        shutil.rmtree(attempt.workdir, ignore_errors=True)
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
    done = evolve(block, source=None).updated(
        {
            "PROCESS_SECONDS": f"{attempt.seconds:.2f}",
            **contents,
            "PROCESS_START": attempt.at,
            "LOG_NAME": block.log_name,
            "PROD_PATH": str(attempt.run.product_dir(block.raw_type)),
        }
    )
    write_block(attempt.run.ab_path(attempt.name), done)
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


def _told_of_disk(run: Run) -> str:
    """What recipes rarely say: that there is no room left."""
    directory = run.config.directories.product
    if shutil.disk_usage(directory).free >= _NO_ROOM:
        return ""
    return f" (the disk of {directory} is full)"


def _told(error: PhoenixError | OSError) -> str:
    """One line for the AB and the person."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'the disk'}: {error.strerror}"
    return " ".join(str(error).split())
