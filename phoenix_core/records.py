"""Records of a run that only grow: one JSON line each, on disk once it is said.

A line that is cut short was never said: whoever wrote it was killed meanwhile.
"""

import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from phoenix_core.errors import ConfigError


def append_record(path: Path, row: Mapping[str, Any]) -> None:
    """Append a line, on disk when this returns; the file is made where it is missing.

    Raises:
        OSError: it could not be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o644)
    try:
        written = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        # What a killed phoenix left behind the last line end was never said.
        os.ftruncate(descriptor, written.rfind(b"\n") + 1)
        content = f"{json.dumps(row)}\n".encode()
        if os.write(descriptor, content) < len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # a part was taken
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_records(path: Path) -> tuple[dict[str, Any], ...]:
    """Return the lines in their order, none where there is no such file.

    Raises:
        ConfigError: file and line of what is no record.
    """
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    return tuple(
        _row(path, number, line)
        for number, line in enumerate(lines, start=1)
        if line.strip()
    )


def _row(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise ConfigError(f"{path}, line {number}: damaged; mend or remove this line")
    return row
