"""Locks: one phoenix a run, one process an AB; the kernel frees them at any death."""

import contextlib
import datetime as dt
import fcntl
import getpass
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from phoenix_core.errors import ProcessingError

_TRIES = 10
_PAUSE = 0.01  # seconds


@contextlib.contextmanager
def holding(path: Path, what: str, tries: int = _TRIES) -> Iterator[None]:
    """Hold the lock of something while the body runs.

    Args:
        path: the lock file; it is left behind, empty of meaning when nobody holds it.
        what: what is locked, for the message.
        tries: how often to ask, a hundred times a second.

    Raises:
        ProcessingError: somebody else holds it; the message says who, and since when.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(tries):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            if attempt == tries - 1:
                message = f"{what} is held by {holder_of(path)}"
                raise ProcessingError(message) from None
            time.sleep(_PAUSE)  # somebody may only have looked
            continue
        if _is_still(path, descriptor):
            break
        os.close(descriptor)  # it was taken away between open and lock
    try:
        os.truncate(descriptor, 0)
        with contextlib.suppress(OSError):  # on a full disk it locks all the same
            os.pwrite(descriptor, json.dumps(_me()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def is_held(path: Path) -> bool:
    """Whether somebody holds a lock, without taking it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def holder_of(path: Path) -> str:
    """Say who wrote the lock file: user, host, process, since when."""
    try:
        who = json.loads(path.read_text("utf-8"))
        return (
            f"process {who['pid']} of {who['user']} on {who['host']} "
            f"since {who['since']}"
        )
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _me() -> dict[str, str | int]:
    now = dt.datetime.now(dt.UTC)
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # in a container, a user may have no name
        user = str(os.getuid())
    return {
        "pid": os.getpid(),
        "user": user,
        "host": socket.gethostname(),
        "since": now.isoformat(timespec="seconds"),
    }
