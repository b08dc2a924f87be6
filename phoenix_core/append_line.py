"""Lines appended to a file of the run for good: verdicts, receipts."""

import errno
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


def append_line(path: Path, line: str) -> None:
    """Append a line; it is on disk when this returns.

    What a killed phoenix left behind the last line end was never said, and goes.

    Raises:
        OSError: it could not be written whole.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o644)
    try:
        written = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        os.ftruncate(descriptor, written.rfind(b"\n") + 1)
        content = f"{line}\n".encode()
        if os.write(descriptor, content) < len(content):  # the disk took a part
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def json_lines(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | None]]:
    """Read the JSON objects of a file's lines, numbered; None where there is none.

    A last line that is cut short was never said: whoever wrote it was killed meanwhile.

    Raises:
        OSError: the file is there, and cannot be read.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            if number == len(lines):
                continue
            row = None
        yield number, row if isinstance(row, dict) else None
