"""Records that only grow: what was said or done in a run, a line each.

Two may write at the same time: one line goes after the other. What a writer that was
killed left behind the last line end was never said. Records may be chained: each has
the sha256 of the line before it, so that none is changed or taken out unnoticed.
"""

import contextlib
import datetime as dt
import errno
import fcntl
import hashlib
import json
import os
import pwd
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from phoenix_core.files.regular_file import read_regular, require_regular

_AFTER = "after"


class DamagedRecordError(ValueError):
    """A whole line that is no JSON, by its number."""

    def __init__(self, number: int) -> None:
        super().__init__(f"line {number}")
        self.number = number


class ChangedRecordError(DamagedRecordError):
    """A chained line before which another one was changed, put in or taken out."""


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
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(path, flags, 0o644)
    try:
        require_regular(descriptor, path)
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


def append_record(
    path: Path, record: Mapping[str, object], *, is_chained: bool = False
) -> None:
    """Append a record as a line of JSON, with the sum of the line before it if chained.

    As `append_lines`.
    """

    def line(before: bytes) -> str:
        link = {_AFTER: _sum(before.split(b"\n"))} if is_chained else {}
        return f"{json.dumps({**record, **link})}\n"

    append_lines(path, line)


def read_records(path: Path) -> Iterator[tuple[int, Any]]:
    """Read the records with the numbers of their lines, the first one first.

    Raises:
        OSError: the file cannot be read; where there is none, there are no records.
        DamagedRecordError: a line is no JSON.
        ChangedRecordError: a chained line does not follow on the one before it.
    """
    try:
        lines = read_regular(path).split(b"\n")
    except FileNotFoundError:
        return
    is_chained = False
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            if number == len(lines):
                continue  # no line end: cut short
            raise DamagedRecordError(number) from None
        after = record.get(_AFTER) if isinstance(record, dict) else None
        is_chained = is_chained or after is not None
        if is_chained and after != _sum(lines[: number - 1]):
            raise ChangedRecordError(number)
        yield number, record


def _sum(lines: Sequence[bytes]) -> str:
    """The sha256 of the last line that is not empty, '' where there is none."""
    last = next((line for line in reversed(lines) if line.strip()), b"")
    return hashlib.sha256(last).hexdigest() if last else ""


def now() -> str:
    """Return the time as records carry it: ISO, UTC."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def user() -> str:
    """Return who works here, as records name people."""
    # Not $USER, by which anybody could be anybody.
    with contextlib.suppress(KeyError):
        return pwd.getpwuid(os.getuid()).pw_name
    return f"user {os.getuid()}"
