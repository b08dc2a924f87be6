"""Files that are there whole or not at all."""

import os
import re
import shutil
import threading
from contextlib import suppress
from pathlib import Path

_TEMPORARY = re.compile(r"\..+\.(\d+)(?:-\d+)?\.tmp")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, then give it its own in one step.

    Raises:
        OSError: it could not be written whole; what had the name before is untouched.
    """
    temporary = _temporary(path)
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        error.filename = str(path)  # a full disk does not name it
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step; bytes that are no UTF-8 survive as they are."""
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def link_file(source: Path, target: Path) -> None:
    """Give a file a second name in one step, in place of what had that name.

    On another file system it is copied.

    Raises:
        OSError: it could not be copied whole; what had the name before is untouched.
    """
    temporary = _temporary(target)
    temporary.unlink(missing_ok=True)
    try:
        try:
            temporary.hardlink_to(source)
        except OSError:
            shutil.copyfile(source, temporary)
        temporary.replace(target)
    except OSError as error:
        error.filename = error.filename or str(target)
        raise
    finally:
        # Two names of one file: such a rename does nothing, and succeeds.
        temporary.unlink(missing_ok=True)


def _temporary(path: Path) -> Path:
    # The thread makes the name unique: hooks run in several threads of one process.
    return path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")


def remove_leftovers(directory: Path) -> None:
    """Remove the temporaries of processes of this machine that were killed."""
    for path in directory.glob(".*.tmp"):
        match = _TEMPORARY.fullmatch(path.name)
        if match and not Path("/proc", match[1]).exists():
            with suppress(FileNotFoundError):
                path.unlink()
