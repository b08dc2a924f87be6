"""Progress of jobs for people: a live table on a terminal, plain lines elsewhere."""

import threading
import time
from collections import Counter

from attrs import define, field
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from phoenix_core.association_block import AbStatus
from phoenix_core.jobs.plan import in_gb, in_time
from phoenix_core.loader.session import Watch
from phoenix_core.model import Job, Outcome
from phoenix_core.words.plain_text import plain
from phoenix_core.words.terminal import safe

_SHOWN = 3  # running jobs named in a stream's row
_STYLE = {AbStatus.SUCCESSFUL: "green", AbStatus.FAILED: "red"}


@define
class PlainProgress(Watch):
    """One line for each job that ends, with how many are left."""

    console: Console
    title: str = ""
    number: int = 0
    ended_jobs: int = 0

    def planned(self, title: str, jobs: tuple[Job, ...]) -> None:
        """Say how many jobs there are."""
        self.title, self.number, self.ended_jobs = title, len(jobs), 0
        self.console.print(f"{title}: {len(jobs)} jobs", highlight=False)

    def ended(self, outcome: Outcome) -> None:
        """Say what became of a job; a report that is made as it should is no news."""
        self.ended_jobs += 1
        if self.title != "processAB" and outcome.status is AbStatus.SUCCESSFUL:
            return
        count = f"[{self.ended_jobs}/{self.number}]"
        # Laid out by rich, a line would take a tenth of the time of a short job.
        self.console.out(plain(f"{count} {told(outcome)}"), highlight=False)


@define
class LiveProgress(Watch):
    """For each stream: what runs and for how long, what is done, what is left."""

    console: Console
    jobs: dict[str, Job] = field(factory=dict)
    running: dict[str, float] = field(factory=dict)
    done: Counter[str] = field(factory=Counter)
    bad: Counter[str] = field(factory=Counter)
    seconds_left: float = 0.0
    title: str = ""
    bar: Progress | None = None
    live: Live | None = None
    _guard: threading.RLock = field(factory=threading.RLock, repr=False)

    def planned(self, title: str, jobs: tuple[Job, ...]) -> None:
        """Start the display."""
        self.title = title
        self.jobs = {job.block: job for job in jobs}
        self.running, self.done, self.bad = {}, Counter(), Counter()
        self.seconds_left = sum(job.seconds for job in jobs)
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}"),
        )
        self.bar.add_task(title, total=len(jobs), left="")
        self.live = Live(
            get_renderable=self._picture, console=self.console, refresh_per_second=4
        )
        self.live.start()

    def started(self, name: str) -> None:
        """Note a job that has started."""
        with self._guard:
            self.running[name] = time.monotonic()

    def ended(self, outcome: Outcome) -> None:
        """Note what became of a job; name it where it went wrong."""
        with self._guard:
            self.running.pop(outcome.block, None)
            job = self.jobs[outcome.block]
            self.done[job.stream] += 1
            self.seconds_left -= job.seconds
            if outcome.status is not AbStatus.SUCCESSFUL:
                self.bad[job.stream] += 1
        if self.bar:
            left = f"about {in_time(self.seconds_left)} of work left"
            if self.seconds_left < 1:
                left = ""
            self.bar.update(self.bar.task_ids[0], advance=1, left=left)
        if outcome.status is not AbStatus.SUCCESSFUL:
            self.console.print(f"[red]{safe(told(outcome))}[/]", highlight=False)

    def finished(self) -> None:
        """Take the display away."""
        if self.live:
            self.live.stop()
            self.live = None

    def _picture(self) -> RenderableType:
        now = time.monotonic()
        table = Table(box=None, pad_edge=False)
        for heading in ("stream", "running"):
            table.add_column(heading)
        for heading in ("done", "failed", "left"):
            table.add_column(heading, justify="right")
        with self._guard:
            totals = Counter(job.stream for job in self.jobs.values())
            for stream, number in totals.items():
                names = [n for n in self.running if self.jobs[n].stream == stream]
                shown = ", ".join(
                    f"{n} ({in_time(now - self.running[n])})" for n in names[:_SHOWN]
                )
                more = f" +{len(names) - _SHOWN}" if len(names) > _SHOWN else ""
                done = self.done[stream]
                bad = f"[red]{self.bad[stream]}[/]" if self.bad[stream] else "0"
                left = str(number - done)
                table.add_row(safe(stream), safe(shown) + more, str(done), bad, left)
        return Group(table, self.bar) if self.bar else table


def told(outcome: Outcome) -> str:
    """What became of a job, in one line."""
    if outcome.status is AbStatus.SUCCESSFUL:
        memory = f", {in_gb(outcome.memory)}" if outcome.memory else ""
        return f"{outcome.block} succeeded ({outcome.seconds:.1f} s{memory})"
    done = "was skipped" if outcome.status is AbStatus.SKIPPED else "failed"
    return f"{outcome.block} {done}: {outcome.cause}"


def watch_for(console: Console) -> Watch:
    """Choose the display that fits where the console writes to."""
    return LiveProgress(console) if console.is_terminal else PlainProgress(console)
