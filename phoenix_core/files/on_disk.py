"""Files of which it is known that they are on disk, whatever dies afterwards."""

import os
from collections.abc import Iterable
from pathlib import Path


def write_on_disk(path: Path, text: str) -> None:
    """Write a file in one step; it is on disk, under its name, when this returns.

    Raises:
        OSError: it could not be written whole; what had the name before is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = moving_path(path)
    try:
        temporary.write_bytes(text.encode("utf-8", "surrogateescape"))
        sync([temporary])
        temporary.replace(path)
    except OSError as error:
        error.filename = str(path)  # a full disk does not name it
        temporary.unlink(missing_ok=True)
        raise
    sync([path.parent])


def sync(paths: Iterable[Path]) -> None:
    """Wait until files, or the names in directories, are on disk."""
    for path in dict.fromkeys(paths):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def set_aside(target: Path) -> None:
    """Give an older file of that name a number, so that both stay."""
    number = 1
    while os.path.lexists(older := target.with_name(f"{target.name}.{number}")):
        number += 1
    target.rename(older)


def moving_path(path: Path) -> Path:
    """Where a file is written first: one place, so that no death leaves rubbish."""
    return path.with_name(f".{path.name}.moving")
