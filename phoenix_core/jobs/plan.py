"""The plan of a run: what it will take, whether that fits, and the job file."""

import shlex
import shutil
from collections.abc import Collection, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from attrs import frozen

from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import PgiError
from phoenix_core.files.atomic import write_text
from phoenix_core.jobs.local import Budget
from phoenix_core.model import Cascade, Finding, Job, Run

_GB = 1e9


@frozen
class PlanRow:
    """All jobs of one kind, and what those take that are due.

    Summed seconds, largest memory and summed disk, in bytes.
    """

    recipe: str
    raw_type: str
    stream: str
    limit: int
    number: int
    due: int
    seconds: float
    memory: int
    disk: int


@frozen
class Plan:
    """What part 1 makes of a run, before anything is executed."""

    cascade: Cascade
    jobs: tuple[Job, ...]
    rows: tuple[PlanRow, ...]
    findings: tuple[Finding, ...]
    due: Mapping[str, tuple[str, ...]]  # ABs to be processed, and why
    notes: tuple[str, ...] = ()
    job_file: Path | None = None

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that stop the run here."""
        return tuple(finding for finding in self.findings if finding.is_error)


def check_jobs(cascade: Cascade, jobs: Sequence[Job], pgi: str) -> None:
    """Hold the answer of a JOB_PGI against its contract.

    Raises:
        PgiError: an AB has no job or two, a job forgets a need or waits for what
            never comes, a limit is below 1.
    """
    by_name: dict[str, Job] = {}
    for job in jobs:
        if job.block in by_name:
            raise PgiError(f"{pgi}: {job.block} has two jobs")
        by_name[job.block] = job
        if job.limit < 1 or job.cores < 1:
            raise PgiError(
                f"{pgi}: the job of {job.block} has a limit or cores below 1"
            )
    known = {block.name for block in cascade.blocks}
    for block in cascade.blocks:
        if block.name not in by_name:
            raise PgiError(f"{pgi}: {block.name} has no job")
        for need in block.needs:
            if need in known and need not in by_name[block.name].needs:
                raise PgiError(
                    f"{pgi}: the job of {block.name} does not wait for {need}"
                )
    for name in by_name:
        if name not in known:
            raise PgiError(f"{pgi}: {name} has a job and is not in the cascade")
    _check_needs(by_name, pgi)


def _check_needs(jobs: Mapping[str, Job], pgi: str) -> None:
    for name, job in jobs.items():
        for need in job.needs:
            if need not in jobs:
                raise PgiError(
                    f"{pgi}: the job of {name} waits for {need}, which has none"
                )
    try:
        _in_order(tuple(jobs.values()))
    except CycleError as error:
        circle = ", ".join(sorted(set(error.args[1])))
        raise PgiError(f"{pgi}: jobs wait for each other: {circle}") from error


def _in_order(jobs: Sequence[Job]) -> tuple[Job, ...]:
    by_name = {job.block: job for job in jobs}
    graph = {job.block: job.needs for job in jobs}
    return tuple(by_name[name] for name in TopologicalSorter(graph).static_order())


def rows_of(
    cascade: Cascade, jobs: Sequence[Job], due: Collection[str]
) -> tuple[PlanRow, ...]:
    """Sum the jobs up by recipe, kind of data and stream, what comes first first."""
    blocks = {block.name: block for block in cascade.blocks}
    depth: dict[str, int] = {}
    for block in cascade.blocks:
        depths = (depth.get(need, 0) for need in block.needs)  # 0: moved before
        depth[block.name] = 1 + max(depths, default=0)
    grouped: dict[tuple[str, str, str], list[Job]] = {}
    for job in sorted(jobs, key=lambda job: depth[job.block]):
        block = blocks[job.block]
        key = (block.recipe, block.raw_type, job.stream)
        grouped.setdefault(key, []).append(job)
    return tuple(_row(key, group, due) for key, group in grouped.items())


def _row(
    key: tuple[str, str, str], group: Sequence[Job], due: Collection[str]
) -> PlanRow:
    todo = [job for job in group if job.block in due]
    return PlanRow(
        *key,
        limit=min(job.limit for job in group),
        number=len(group),
        due=len(todo),
        seconds=sum(job.seconds for job in todo),
        memory=max((job.memory for job in todo), default=0),
        disk=sum(job.disk for job in todo),
    )


def what_cannot_fit(
    run: Run,
    jobs: Sequence[Job],
    limits: Budget,
    blocks: Mapping[str, AssociationBlock],
) -> tuple[Finding, ...]:
    """Find the jobs that this machine cannot do, and say what it could.

    Args:
        run: the run.
        jobs: those that are still to be done.
        limits: the machine's budget.
        blocks: the ABs by name.
    """
    found = [
        _too_big(job, limits, blocks[job.block])
        for job in jobs
        if job.memory > limits.memory
    ]
    found += [
        Finding(
            f"{job.block} takes {job.cores} cores, there are {limits.cores}",
            job.block,
            is_error=True,
        )
        for job in jobs
        if job.cores > limits.cores
    ]
    needed = sum(job.disk for job in jobs)
    directory = _existing(run.config.directories.product)
    free = shutil.disk_usage(directory).free
    if needed > free:
        found.append(
            Finding(
                f"the run needs about {in_gb(needed)} of disk, {directory} has "
                f"{in_gb(free)} free; make room, or process one target at a time (-a)",
                is_error=True,
            )
        )
    return tuple(found)


def _too_big(job: Job, limits: Budget, block: AssociationBlock) -> Finding:
    message = (
        f"{job.block} ({block.recipe}) needs about {in_gb(job.memory)} of memory, "
        f"the budget is {in_gb(limits.memory)}"
    )
    if job.memory_per_input:
        inputs = len(block.needs) + len(block.rawfiles)
        over = job.memory - limits.memory
        fit = inputs - -(-over // job.memory_per_input)
        message += (
            f": of its {inputs} inputs at most {max(fit, 0)} would fit"
            if fit > 0
            else ": not one of its inputs would fit"
        )
    message += "; take inputs out of the AB, or use a machine with more memory"
    return Finding(message, job.block, is_error=True)


def _existing(directory: Path) -> Path:
    while not directory.exists():
        directory = directory.parent
    return directory


def in_gb(size: float) -> str:
    """Bytes as people read them."""
    units = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"))
    for unit, name in units:
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size / 1e3:.0f} kB"


def in_time(seconds: float) -> str:
    """A time as people read it: ``45 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 90:  # noqa: PLR2004
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:  # noqa: PLR2004
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def job_file(run: Run) -> Path:
    """Where the job file of a run lies."""
    return run.config.directories.jobs / f"execAB_{run.date}"


def write_job_file(run: Run, jobs: Sequence[Job]) -> Path:
    """Write the jobs as lines that a person can read, and call one by one."""
    path = job_file(run)
    width = max((len(job.block) for job in jobs), default=0)
    lines = [
        f"# Jobs of {run.label}, in an order in which every need comes first.",
        "# phoenix -P runs them in parallel; each line also works by itself, with",
        f"export PHOENIX_CONFIG={shlex.quote(str(run.config.path))}",
        f"cd {shlex.quote(str(Path.cwd()))}",
    ]
    stream = ""
    for job in _in_order(jobs):
        if job.stream != stream:
            stream = job.stream
            lines.append(f"# stream {stream}: at most {job.limit} at a time")
        told = f"{in_time(job.seconds)}, {in_gb(job.memory)}"
        lines.append(f"processAB -a {job.block:<{width}}  # {told}")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, "\n".join(lines) + "\n")
    return path
