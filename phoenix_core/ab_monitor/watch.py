"""The AB monitor kept up to date: while jobs run, and after each part."""

import threading
import time
from pathlib import Path

from attrs import define, field

from phoenix_core.ab_monitor.page import AbMonitor
from phoenix_core.errors import PhoenixError
from phoenix_core.loader.session import Session, Watch
from phoenix_core.model import Job, Outcome
from phoenix_core.records.events import Events

_PAUSE = 5.0  # seconds between two pages, at least (ours)
_SHARE = 30.0  # of the time that a page takes: the rest is for the jobs


@define
class MonitorWatch(Watch):
    """Writes the page as jobs start and end, beside another watch; not too often.

    What is over in a moment has its page afterwards.
    """

    inner: Watch
    monitor: AbMonitor
    events: Events
    due: float = field(factory=lambda: time.monotonic() + _PAUSE)
    _guard: threading.Lock = field(factory=threading.Lock, repr=False)

    def planned(self, title: str, jobs: tuple[Job, ...]) -> None:
        """Jobs are about to be run."""
        self.inner.planned(title, jobs)
        self._write()

    def started(self, name: str) -> None:
        """A job has started; called from its thread."""
        self.inner.started(name)
        self._write()

    def ended(self, outcome: Outcome) -> None:
        """A job has ended."""
        self.inner.ended(outcome)
        self._write()

    def finished(self) -> None:
        """All jobs have ended."""
        self.inner.finished()

    def _write(self) -> None:
        if time.monotonic() < self.due or not self._guard.acquire(blocking=False):
            return
        try:
            start = time.monotonic()
            write_if_possible(self.monitor, self.events)
            end = time.monotonic()
            self.due = end + max(_PAUSE, _SHARE * (end - start))
        finally:
            self._guard.release()


def watched(session: Session) -> MonitorWatch:
    """Return a watch that also writes the AB monitor of a session's run."""
    return MonitorWatch(session.watch, AbMonitor(session.run), session.events)


def write_if_possible(
    monitor: AbMonitor, events: Events, *, history: bool = False
) -> Path | None:
    """Write the page; what hinders that is no reason to stop a run, and is told."""
    try:
        return monitor.write(history=history)
    except (PhoenixError, OSError) as error:
        events.tell(
            "monitor_failed",
            f"the AB monitor could not be written: {error}",
            cause=str(error),
        )
    return None
