"""Records that only grow: what people said of a run, a JSON line each.

Two people may write at the same time: one line goes after the other. What a writer that
was killed left behind the last line end was never said.
"""

import contextlib
import errno
import fcntl
import json
import os
import pwd
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


class DamagedRecordError(ValueError):
    """A whole line that is no JSON, by its number."""

    def __init__(self, number: int) -> None:
        super().__init__(f"line {number}")
        self.number = number


def append_record(path: Path, record: Mapping[str, object]) -> None:
    """Append a record, on disk when this returns; the file is made if need be.

    Raises:
        OSError: it could not be written whole; then nothing of it counts.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    content = f"{json.dumps(record)}\n".encode()
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        written = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        os.ftruncate(descriptor, written.rfind(b"\n") + 1)
        if os.write(descriptor, content) < len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
