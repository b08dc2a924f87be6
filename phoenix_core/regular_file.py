"""Files from elsewhere, opened only if they are files.

A pipe that somebody named like a FITS file would be waited for, for ever.
"""

import errno
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
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "no regular file", str(path))
    return file


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
