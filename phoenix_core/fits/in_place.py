"""Headers of a FITS file written over the old ones, with a journal.

What is going to be written is written down first, in a file beside (``.<name>.edit``):
after a death at any moment `resume` ends what was begun. It is on disk before the file
is touched, and goes after the file is.
"""

import base64
import errno
import json
import os
from pathlib import Path
from typing import Final

from attrs import frozen

from phoenix_core.errors import ProcessingError
from phoenix_core.files.atomic import temporary_of
from phoenix_core.files.regular_file import read_regular
from phoenix_core.fits.cards import padded
from phoenix_core.fits.file import Hdu
from phoenix_core.fits.insert_range import ALIGNED, INSERTED, collapse, insert, unshare
from phoenix_core.words.plain_text import plain

CANNOT = frozenset({errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EPERM})
"""What a file system says of a thing that it cannot do."""

_LARGEST: Final = 1 << 28  # bytes; the headers of a file, written as letters
_WRONG: Final = (ValueError, KeyError, TypeError, RecursionError)


@frozen
class Edited:
    """An HDU with its new header."""

    hdu: Hdu
    header: bytes


class NoRoom(Exception):  # noqa: N818, a way to go, not an error
    """The file system cannot make room within this file."""


def edit_in_place(path: Path, file: int, changed: list[Edited]) -> None:
    """Make room where it is needed, then write the headers over the old ones.

    Raises:
        NoRoom: no room can be made here; the file is as it was.
        OSError: the disk is full; the file is as it was, or the journal is there.
    """
    inserts: list[int] = []
    headers: list[tuple[int, bytes]] = []
    for one in changed:
        moved = INSERTED * len(inserts)
        begin, room = one.hdu.begin + moved, one.hdu.data - one.hdu.begin
        if len(one.header) > room:
            at = -(-begin // ALIGNED) * ALIGNED
            is_enough = len(one.header) <= room + INSERTED
            if at > begin + room or not is_enough:
                raise NoRoom
            inserts.append(at)
            room += INSERTED
        headers.append((begin, padded(one.header, room)))
    status = os.fstat(file)
    _write_journal(path, status, inserts, headers)
    try:
        _make_room(file, inserts)
        for begin, header in headers:
            unshare(file, begin, begin + len(header))
    except OSError as error:
        _take_back(file, inserts, status.st_size)
        journal_of(path).unlink()
        if error.errno in CANNOT:
            raise NoRoom from error
        error.filename = error.filename or str(path)
        raise
    _write_headers(path, file, headers)


def _make_room(file: int, inserts: list[int], done: int = 0) -> None:
    for at in inserts[done:]:
        insert(file, at)


def _take_back(file: int, inserts: list[int], size: int) -> None:
    """Undo the insertions that were made: no header was written yet."""
    done = (os.fstat(file).st_size - size) // INSERTED
    for at in reversed(inserts[:done]):
        collapse(file, at)


def _write_headers(path: Path, file: int, headers: list[tuple[int, bytes]]) -> None:
    for begin, header in headers:
        done = 0
        while done < len(header):
            done += os.pwrite(file, header[done:], begin + done)
    os.fdatasync(file)
    journal_of(path).unlink()


# The journal ----------------------------------------------------------------------


def journal_of(path: Path) -> Path:
    """Return where the journal of an edit lies while it lasts."""
    return path.with_name(f".{path.name}.edit")


def _write_journal(
    path: Path,
    status: os.stat_result,
    inserts: list[int],
    headers: list[tuple[int, bytes]],
) -> None:
    """Write down, on disk, what is going to be done."""
    document = {
        "inode": status.st_ino,
        "size": status.st_size,
        "inserts": inserts,
        "headers": [
            [begin, base64.b64encode(header).decode("ascii")]
            for begin, header in headers
        ],
    }
    journal, temporary = journal_of(path), temporary_of(journal_of(path))
    try:
        with temporary.open("w", encoding="ascii") as file:
            json.dump(document, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(journal)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        error.filename = str(path)  # a full disk does not name it
        raise
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def resume(path: Path, file: int) -> None:
    """Do the rest of what the journal says, if there is one.

    Raises:
        ProcessingError: it is damaged, or of another file.
        OSError: the disk is full, or may not be written.
    """
    journal = journal_of(path)
    try:
        document = json.loads(read_regular(journal, _LARGEST))
        inode, size = int(document["inode"]), int(document["size"])
        inserts = [int(at) for at in document["inserts"]]
        headers = [(int(b), base64.b64decode(t)) for b, t in document["headers"]]
    except FileNotFoundError:
        return
    except (OSError, *_WRONG) as error:
        why = plain(f"{type(error).__name__}: {error}")
        raise ProcessingError(f"{journal} is damaged ({why})") from error
    status = os.fstat(file)
    done, rest = divmod(status.st_size - size, INSERTED)
    is_same = status.st_ino == inode and not rest
    if not is_same or not 0 <= done <= len(inserts):
        raise ProcessingError(
            f"{path} is not the file whose edit was killed; if it is whole "
            f"(phoenix validate), remove {journal}"
        )
    try:
        _make_room(file, inserts, done)
    except OSError as error:
        if done or error.errno not in CANNOT:
            raise
        journal.unlink()  # it was killed before this was found out: nothing was done
        return
    _write_headers(path, file, headers)
