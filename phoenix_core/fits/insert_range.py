"""Room within a file that is there, made by the file system without copying the file.

ext4 and xfs can (Linux, fallocate(2)); elsewhere `insert` and `collapse` raise OSError.
"""

import ctypes
import errno
import fcntl
import os
from contextlib import suppress

INSERTED = 184320
"""Bytes: the least common multiple of a FITS block (2880) and 4096, the usual block of
a file system. Others are refused by the kernel."""

ALIGNED = 4096

_COLLAPSE = 0x08
_INSERT = 0x20
_UNSHARE = 0x40


def insert(file: int, at: int, length: int = INSERTED) -> None:
    """Move all bytes from a place on, which has to be a multiple of 4096.

    Raises:
        OSError: the file system cannot, or is full; nothing was changed.
    """
    _fallocate(file, _INSERT, at, length)
    try:
        os.posix_fallocate(file, at, length)
    except OSError:
        collapse(file, at, length)
        raise


def collapse(file: int, at: int, length: int = INSERTED) -> None:
    """Take bytes out of a file: the opposite of `insert`."""
    _fallocate(file, _COLLAPSE, at, length)


def unshare(file: int, begin: int, end: int) -> None:
    """Get a part of a file blocks of its own, where it shares them with a clone.

    Raises:
        OSError: the disk is full: it could not be overwritten.
    """
    try:
        _fallocate(file, _UNSHARE, begin, end - begin)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise


def clone(source: int, target: int) -> bool:
    """Let a new file share the blocks of another; False where that is not possible."""
    ficlone = 0x40049409
    with suppress(OSError):
        fcntl.ioctl(target, ficlone, source)
        return True
    return False


def _fallocate(file: int, mode: int, at: int, length: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        function = libc.fallocate64
    except AttributeError:
        message = os.strerror(errno.EOPNOTSUPP)
        raise OSError(errno.EOPNOTSUPP, message) from None
    function.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    if function(file, mode, at, length):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
