"""Files that are there whole or not at all."""

import errno
import fcntl
import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from phoenix_core.files.regular_file import require_regular

_TEMPORARY = re.compile(r"\..+\.phoenix-(.+)-(\d+)-\d+\.tmp", re.DOTALL)
_TOLD = 32  # letters of a name
_ABANDONED = 3600.0  # s: what another machine writes is written by then (ours)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, then give it its own in one step.

    Raises:
        OSError: it could not be written whole; what had the name before is untouched.
    """
    temporary = temporary_of(path)
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


def write_new_text(path: Path, text: str) -> None:
    """Write a text file that is not there yet, in one step.

    Raises:
        FileExistsError: it is there; it is untouched.
        OSError: it could not be written whole; then it is not there.
    """
    temporary = temporary_of(path)
    content = text.encode("utf-8", "surrogateescape")
    try:
        temporary.write_bytes(content)
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            raise
        except OSError:  # a disk without links
            with path.open("xb") as file:
                file.write(content)
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def append_text(path: Path, addition: Callable[[str], str]) -> str:
    """Append lines to a file that a person may be editing; return what was appended.

    Every byte that is there stays, also what is saved while this runs: an editor that
    saves at the same time may undo the addition, never the other way round. Ask again
    then. Only one process at a time appends.

    Args:
        path: the file, which has to be there.
        addition: what to append, given what is there; '' appends nothing.

    Raises:
        OSError: it could not be appended whole; then nothing of it is.
    """
    descriptor = _open_to_append(path)
    try:
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read().decode("utf-8", "surrogateescape")
        added = addition(content)
        if added:
            start = "" if not content or content.endswith(("\n", "\r")) else "\n"
            _append(descriptor, f"{start}{added}".encode("utf-8", "surrogateescape"))
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        os.close(descriptor)
    return added


def edit_text(path: Path, change: Callable[[str], str]) -> None:
    """Change a file that a person may be editing, in one step.

    Who appends at the same time waits, and appends to what is there then; what an
    editor saves meanwhile is changed instead.

    Args:
        path: the file, which has to be there.
        change: what it is to say, given what it says.

    Raises:
        OSError: it could not be written whole; it is as it was.
    """
    descriptor = _open_to_append(path)
    try:
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read()
        mode = os.fstat(descriptor).st_mode
        changed = change(content.decode("utf-8", "surrogateescape"))
        temporary = temporary_of(path)
        try:
            temporary.write_bytes(changed.encode("utf-8", "surrogateescape"))
            temporary.chmod(mode & 0o7777)
            is_same = path.read_bytes() == content
            if is_same:
                temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        os.close(descriptor)
    if not is_same:
        edit_text(path, change)


def _open_to_append(path: Path) -> int:
    """Open and lock the file that has this name now; an editor may replace it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        try:
            require_regular(descriptor, path)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.path.samestat(path.stat(), os.fstat(descriptor)):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _append(descriptor: int, content: bytes) -> None:
    before = os.fstat(descriptor).st_size
    written = os.write(descriptor, content)  # one call: nobody writes in between
    if written < len(content):
        if os.fstat(descriptor).st_size == before + written:
            os.truncate(descriptor, before)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def link_file(source: Path, target: Path) -> None:
    """Give a file a second name in one step, in place of what had that name.

    On another file system it is copied.

    Raises:
        OSError: it could not be copied whole; what had the name before is untouched.
    """
    temporary = temporary_of(target)
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


def temporary_of(path: Path) -> Path:
    """Return where a file is written first; `remove_leftovers` knows such names."""
    # The thread makes the name unique: hooks run in several threads of one process.
    writer = f"{socket.gethostname()}-{os.getpid()}-{threading.get_ident()}"
    # Of the name as much as leaves room for the rest: it only tells people what it is.
    return path.with_name(f".{path.name[:_TOLD]}.phoenix-{writer}.tmp")


def remove_leftovers(directory: Path) -> None:
    """Remove the temporaries of writers that were killed.

    Whether a process lives is known on its own machine; those of others are old then.
    """
    for path in directory.glob(".*.tmp"):
        match = _TEMPORARY.fullmatch(path.name)
        if match and not _is_being_written(path, match[1], match[2]):
            path.unlink(missing_ok=True)


def _is_being_written(path: Path, host: str, process: str) -> bool:
    if host == socket.gethostname():
        return Path("/proc", process).exists()
    with suppress(FileNotFoundError):
        return time.time() - path.stat().st_mtime < _ABANDONED
    return False
