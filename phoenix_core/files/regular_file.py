"""Files from elsewhere, opened only if they are files.

A pipe that somebody named like a FITS file would be waited for, for ever.
"""

import errno
import math
import os
import stat
from io import FileIO
from pathlib import Path


def open_regular(path: Path) -> FileIO:
    """Open a file to read it, unbuffered.

    Raises:
        OSError: it cannot be opened, or is a pipe, a device or another thing that is
            no regular file.
    """
    file = FileIO(path, "rb", opener=_without_waiting)
    try:
        require_regular(file.fileno(), path)
    except OSError:
        file.close()
        raise
    return file


def read_regular(path: Path, largest: float = math.inf) -> bytes:
    """Return the bytes of a file, of those that are not larger than they may be.

    Raises:
        OSError: it cannot be read, is no regular file, or has more bytes than that.
    """
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size <= largest:
            return file.read()
    raise OSError(errno.EFBIG, f"larger than {largest} bytes", str(path))


def require_regular(descriptor: int, path: Path) -> None:
    """Refuse what was opened, unless it is a file.

    Raises:
        OSError: it is a pipe, a device or another thing that is no regular file.
    """
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise OSError(errno.EINVAL, "no regular file", str(path))


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
