"""What happened in a run: one JSON line an event in a file, short facts for people."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path
from typing import Any

import structlog
from attrs import field, frozen

Show = Callable[[str], None]


@frozen
class Events:
    """The event log of a run, shared by its threads."""

    log: structlog.typing.BindableLogger = field(repr=False)
    show: Show | None = None

    def tell(self, event: str, fact: str = "", **values: object) -> None:
        """Record an event; show the fact, a short sentence in the past tense."""
        # A full disk must not stop the run that is told of: the AB keeps the truth.
        with contextlib.suppress(OSError):
            self.log.bind(**values).info(event)  # type: ignore[attr-defined]
        if self.show and fact:
            self.show(fact)


@contextlib.contextmanager
def open_events(directory: Path, show: Show | None = None) -> Iterator[Events]:
    """Open the event log below a run's monitor directory."""
    directory.mkdir(parents=True, exist_ok=True)
    # Unbuffered: what a full disk does not take is gone, and not tried at every end;
    # and lines of several processes do not mix.
    path = directory / "events.jsonl"
    with FileIO(path, "ab", opener=_without_waiting) as file:
        log = structlog.wrap_logger(
            structlog.BytesLogger(file),
            processors=[
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(serializer=_json_bytes),
            ],
            wrapper_class=structlog.BoundLogger,
        )
        yield Events(log, show)


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK, 0o644)


def _json_bytes(event: object, **options: Any) -> bytes:
    return json.dumps(event, **options).encode("utf-8", "backslashreplace")
