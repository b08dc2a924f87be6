"""Records that only grow: what was said or done in a run, a line each.

Two may write at the same time: one line goes after the other. What a writer that was
killed left behind the last line end was never said.
"""

import contextlib
import errno
import fcntl
import json
import os
import pwd
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any


class DamagedRecordError(ValueError):
    """A whole line that is no JSON, by its number."""

    def __init__(self, number: int) -> None:
        super().__init__(f"line {number}")
        self.number = number


def append_lines(path: Path, lines: Callable[[bytes], str]) -> None:
    """Append lines, on disk when this returns; the file is made if need be.

    Args:
        path: the file.
        lines: what to append, given the whole lines that are there; '' appends
            nothing. Nobody else appends meanwhile.

    Raises:
        OSError: they could not be written whole; then nothing of them counts.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        written = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        whole = written[: written.rfind(b"\n") + 1]
        content = lines(whole).encode()
        if not content:
            return
        os.ftruncate(descriptor, len(whole))
        if os.write(descriptor, content) < len(content):
            os.ftruncate(descriptor, len(whole))
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def append_record(path: Path, record: Mapping[str, object]) -> None:
    """Append a record as a line of JSON; as `append_lines`."""
    append_lines(path, lambda _: f"{json.dumps(record)}\n")


def read_records(path: Path) -> Iterator[tuple[int, Any]]:
    """Read the records with the numbers of their lines, the first one first.

    Raises:
        OSError: the file cannot be read; where there is none, there are no records.
        DamagedRecordError: a line is no JSON.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            if number == len(lines):
                continue  # no line end: cut short
            raise DamagedRecordError(number) from None
        yield number, record


def user() -> str:
    """Return who works here, as records name people."""
    # Not $USER, by which anybody could be anybody.
    with contextlib.suppress(KeyError):
        return pwd.getpwuid(os.getuid()).pw_name
    return f"user {os.getuid()}"
