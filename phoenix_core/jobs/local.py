"""local (BQS): run the jobs on this machine, within its cores and memory.

A job starts when its needs have succeeded, its stream has room, and its predicted
memory and cores are free; among those that could start, the one with the longest way
to go first. A big job that waits for memory keeps it: what would start in front of it
has to end, as predicted, before anything that runs now.
"""

import heapq
import os
import queue
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from attrs import define, field, frozen, validators

from phoenix_core.hookspecs import hookimpl
from phoenix_core.model import AbStatus, Job, Outcome, Process, Run

_GB = 1e9
_SHORTEST = 1e-3  # seconds, so that without predictions the number of jobs counts
_SWITCH = 0.0005  # seconds
_SHARE = 0.9  # of the machine's memory, the rest is for everything else


@frozen
class Options:
    """Budgets of the machine; 0 means what it has."""

    cores: int = field(default=0, validator=validators.ge(0))
    memory: float = field(default=0.0, validator=validators.ge(0))  # GB


@frozen
class Budget:
    """What jobs may take at the same time; memory in bytes."""

    cores: int
    memory: int


def budget(run: Run) -> Budget:
    """Return the budget of this machine, as the configuration has it."""
    options = run.options("local", Options)
    cores = options.cores or len(os.sched_getaffinity(0))
    memory = int(options.memory * _GB) or int(_SHARE * _installed_memory())
    return Budget(cores, memory)


@hookimpl
def bqs(run: Run, jobs: Sequence[Job], process: Process) -> Iterator[Outcome]:
    """Run the jobs in threads; recipes are processes of their own."""
    return _outcomes(jobs, process, budget(run))


def _outcomes(
    jobs: Sequence[Job], process: Process, limits: Budget
) -> Iterator[Outcome]:
    board = _Board.of(jobs, limits)
    done: queue.SimpleQueue[tuple[Job, Future[Outcome]]] = queue.SimpleQueue()
    pool = ThreadPoolExecutor(max_workers=max(1, limits.cores))
    interval = sys.getswitchinterval()
    # Threads here mostly wait for recipes: one that comes back must not queue long.
    sys.setswitchinterval(_SWITCH)
    try:
        while board.has_more:
            for job in board.startable():
                future = pool.submit(process, job)
                future.add_done_callback(
                    lambda future, job=job: done.put((job, future))  # type: ignore[misc]
                )
            job, future = done.get()
            outcome = future.result()
            yield outcome
            yield from board.ended(job, outcome)
    finally:
        sys.setswitchinterval(interval)
        # Whoever stops in the middle ends the recipes; waiting here would be forever.
        pool.shutdown(wait=False, cancel_futures=True)


@define
class _Board:
    """Which jobs wait, could start, and run."""

    limits: Budget
    jobs: Mapping[str, Job]
    needed_by: Mapping[str, list[str]]
    waits_for: dict[str, int]
    priority: Mapping[str, float]
    ready: dict[str, list[tuple[float, int, Job]]] = field(factory=dict)
    running: dict[str, float] = field(factory=dict)  # name -> predicted end
    in_stream: dict[str, int] = field(factory=dict)
    cores: int = 0
    memory: int = 0
    left: int = 0
    _count: int = 0

    @classmethod
    def of(cls, jobs: Sequence[Job], limits: Budget) -> "_Board":
        by_name = {job.block: job for job in jobs}
        needed_by: dict[str, list[str]] = {name: [] for name in by_name}
        waits_for = {}
        for job in jobs:
            needs = {need for need in job.needs if need in by_name}
            waits_for[job.block] = len(needs)
            for need in needs:
                needed_by[need].append(job.block)
        ways = _ways_to_go(by_name, needed_by, waits_for)
        board = cls(limits, by_name, needed_by, waits_for, ways, left=len(jobs))
        for job in jobs:
            if not waits_for[job.block]:
                board._make_ready(job)
        return board

    @property
    def has_more(self) -> bool:
        return self.left > 0

    def startable(self) -> Iterator[Job]:
        """Take the jobs that can start now."""
        now = time.monotonic()
        reserved = False
        heads = sorted((*rows[0][:2], name) for name, rows in self.ready.items())
        for *_, stream in heads:
            rows = self.ready[stream]
            while rows:
                job = rows[0][2]
                if self.in_stream.get(stream, 0) >= job.limit:
                    break
                if not self._fits(job):
                    reserved = True
                    break
                if reserved and not self._ends_first(job, now):
                    break
                heapq.heappop(rows)
                self._take(job, now)
                yield job
            if not rows:
                del self.ready[stream]

    def ended(self, job: Job, outcome: Outcome) -> Iterator[Outcome]:
        """Give back what a job took; yield what can no longer run."""
        del self.running[job.block]
        self.in_stream[job.stream] -= 1
        self.cores -= job.cores
        self.memory -= job.memory
        self.left -= 1
        if outcome.status is AbStatus.SUCCESSFUL:
            for name in self.needed_by[job.block]:
                self.waits_for[name] -= 1
                if self.waits_for[name] == 0:
                    self._make_ready(self.jobs[name])
            return
        yield from self._skip(job.block, outcome)

    def _skip(self, failed: str, outcome: Outcome) -> Iterator[Outcome]:
        lost = list(self.needed_by[failed])
        seen = set()
        while lost:
            name = lost.pop(0)
            # Below zero marks what was skipped already, for another cause.
            if name in seen or self.waits_for[name] < 0:
                continue
            seen.add(name)
            self.waits_for[name] = -1 - len(self.jobs)
            self.left -= 1
            lost += self.needed_by[name]
            cause = f"it needs {failed}, which is {outcome.status}"
            yield Outcome(name, AbStatus.SKIPPED, cause)

    def _make_ready(self, job: Job) -> None:
        self._count += 1
        row = (-self.priority[job.block], self._count, job)
        heapq.heappush(self.ready.setdefault(job.stream, []), row)

    def _fits(self, job: Job) -> bool:
        if not self.running:
            return True  # alone it may try, whatever was predicted
        return (
            self.cores + job.cores <= self.limits.cores
            and self.memory + job.memory <= self.limits.memory
        )

    def _ends_first(self, job: Job, now: float) -> bool:
        return bool(job.seconds) and now + job.seconds <= min(self.running.values())

    def _take(self, job: Job, now: float) -> None:
        self.running[job.block] = now + job.seconds
        self.in_stream[job.stream] = self.in_stream.get(job.stream, 0) + 1
        self.cores += job.cores
        self.memory += job.memory


def _ways_to_go(
    jobs: Mapping[str, Job],
    needed_by: Mapping[str, list[str]],
    waits_for: Mapping[str, int],
) -> dict[str, float]:
    """The predicted seconds from the start of each job to the end of the last.

    Raises:
        ValueError: jobs wait for each other in a circle.
    """
    waiting = dict(waits_for)
    order = [name for name, count in waiting.items() if not count]
    for name in order:
        for after in needed_by[name]:
            waiting[after] -= 1
            if not waiting[after]:
                order.append(after)
    if len(order) < len(jobs):
        circle = sorted(name for name, count in waiting.items() if count)
        raise ValueError(f"jobs wait for each other: {', '.join(circle[:3])}")
    ways: dict[str, float] = {}
    for name in reversed(order):
        rest = max((ways[later] for later in needed_by[name]), default=0.0)
        ways[name] = max(jobs[name].seconds, _SHORTEST) + rest
    return ways


def _installed_memory() -> int:
    """Bytes of memory that this process may use: the machine's, or its group's."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text("ascii").strip()
    except OSError:
        return total
    return min(total, int(limit)) if limit.isdigit() else total
