"""Headers of FITS files of any size edited, without copying the file where possible.

Where the new header has the room of the old one it is written in its place. Where it
has not, the file system is asked for 184320 bytes more before the data (`insert_range`)
and what is not needed of them is left as blank cards, for later edits. Where it cannot,
and for small files and those with a second name, the file is copied once and replaced.

In place, what is going to be written is written down first, in a file beside
(``.<name>.edit``): after a death at any moment the next edit, or `finish_edit`, ends
what was begun. It is on disk before the file is touched, and goes after the file is.
"""

import base64
import contextlib
import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from io import FileIO
from pathlib import Path
from typing import Any

from attrs import frozen

from phoenix_core.atomic import temporary_of
from phoenix_core.errors import ProcessingError
from phoenix_core.fits_cards import CardValue, HeaderEdit, edited, padded
from phoenix_core.fits_file import (
    BrokenFits,
    Hdu,
    read_part,
    shorter,
    walk_hdus,
)
from phoenix_core.insert_range import (
    ALIGNED,
    INSERTED,
    clone,
    collapse,
    insert,
    unshare,
)
from phoenix_core.regular_file import open_regular

__all__ = [
    "CardValue",
    "HeaderEdit",
    "copy_edited",
    "edit_headers",
    "finish_edit",
    "set_cards",
]

_SMALL = 8 << 20  # bytes: as quickly copied, and then no reader sees half an edit
_COPIED = 1 << 20
_TRIES = 10
_CANNOT = frozenset({errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EPERM})


@frozen
class _Edited:
    """An HDU with its new header."""

    hdu: Hdu
    header: bytes


def set_cards(
    path: Path, cards: Mapping[str, tuple[CardValue, str]], *, hdu: int = 0
) -> None:
    """Set keywords in a header of a FITS file; no other card and no data changes.

    Keywords of more than eight letters become HIERARCH cards (``ESO QC ...``).

    Args:
        path: the file.
        cards: (value, comment) by keyword; a comment is cut where it has no room.
        hdu: number of the HDU, from 0.

    Raises:
        ProcessingError, OSError: as `edit_headers`.
    """
    edit_headers(path, {hdu: HeaderEdit(cards)})


def edit_headers(
    path: Path, edits: Mapping[int, HeaderEdit], *, small: int = _SMALL
) -> None:
    """Edit headers of a FITS file, all or none; data and other cards do not change.

    CHECKSUMs stay right, without the data being read; DATASUMs are as they were.

    Args:
        path: the file.
        edits: what to do, by the number of the HDU, from 0.
        small: files up to this size (bytes) are copied.

    Raises:
        ProcessingError: it is no complete FITS file, has no such HDU, or a value has
            no room in its card.
        OSError: it could not be written; the file is as it was, or `finish_edit` ends
            the edit.
    """
    with _locked(path) as file:
        changed = _changed(path, file.fileno(), edits)
        if not changed:
            return
        status = os.fstat(file.fileno())
        if status.st_size > small and status.st_nlink == 1:
            with contextlib.suppress(_NoRoom):
                _edit_in_place(path, file.fileno(), changed)
                return
        temporary = temporary_of(path)
        temporary.unlink(missing_ok=True)  # of another process of that number
        try:
            with temporary.open("xb", buffering=0) as copy:
                _rewrite(file.fileno(), changed, copy.fileno())
            shutil.copymode(path, temporary)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def copy_edited(source: Path, target: Path, edits: Mapping[int, HeaderEdit]) -> None:
    """Copy a FITS file with its headers edited, in one pass; the source is untouched.

    Where the file system can share blocks (xfs, btrfs), nothing is copied but headers.
    `target` is there whole or not at all; what had its name is replaced.

    Raises:
        ProcessingError, OSError: as `edit_headers`; then there is no `target`.
    """
    temporary = temporary_of(target)
    temporary.unlink(missing_ok=True)
    try:
        with open_regular(source) as file:
            changed = _changed(source, file.fileno(), edits)
            # Not opened twice: ext4 flushes what was truncated before.
            with temporary.open("xb", buffering=0) as copy:
                is_clone = clone(file.fileno(), copy.fileno())
                if not is_clone:
                    _rewrite(file.fileno(), changed, copy.fileno())
        if is_clone:
            edit_headers(temporary, edits)
        try:
            temporary.replace(target)
        except OSError as error:
            error.filename = str(target)  # the other name says nothing to anybody
            raise
    except BaseException:
        temporary.unlink(missing_ok=True)
        _journal(temporary).unlink(missing_ok=True)
        raise


def finish_edit(path: Path) -> bool:
    """End an edit in place that was killed; False where there is none to end.

    Raises:
        ProcessingError: the file is not the one that was edited.
        OSError: it cannot be written.
    """
    if not _journal(path).exists():
        return False
    with _locked(path):
        return True


# Plan -----------------------------------------------------------------------------


class _NoRoom(Exception):  # noqa: N818, a way to go, not an error
    """The file system cannot make room within this file."""


def _changed(path: Path, file: int, edits: Mapping[int, HeaderEdit]) -> list[_Edited]:
    """The HDUs whose headers change, with the new ones."""
    size = os.fstat(file).st_size
    found = []
    last = max(edits, default=-1)
    try:
        for number, hdu in enumerate(walk_hdus(file, size)):
            if edit := edits.get(number):
                old = read_part(file, hdu.begin, hdu.data)
                new = edited(old, edit)
                if new != old:
                    found.append(_Edited(hdu, new))
            if number == last:
                return found
    except (BrokenFits, ValueError) as error:
        raise ProcessingError(f"{path}: {error}") from error
    if last >= 0:
        raise ProcessingError(f"{path}: there is no HDU {last}")
    return found


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[FileIO]:
    """Open a file to edit it, alone; end what a killed edit of it had begun."""
    for _ in range(_TRIES):
        open_regular(path).close()  # tells pipes and devices
        with FileIO(path, "rb+") as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX)
            if not os.path.samestat(path.stat(), os.fstat(file.fileno())):
                continue  # another edit has replaced it
            _resume(path, file.fileno())
            yield file
            return
    raise ProcessingError(f"{path} is replaced again and again by somebody else")


# A copy ---------------------------------------------------------------------------


def _rewrite(file: int, changed: list[_Edited], copy: int) -> None:
    """Write a file with its new headers into an empty one."""
    done = 0
    for one in changed:
        _copy(file, copy, done, one.hdu.begin)
        _write(copy, one.header)
        done = one.hdu.data
    _copy(file, copy, done, os.fstat(file).st_size)


def _write(file: int, content: bytes | memoryview) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(file, view) :]


def _copy(source: int, target: int, begin: int, end: int) -> None:
    """Append a part of a file to another one, within the kernel where that can."""
    try:
        while begin < end:
            count = os.copy_file_range(source, target, end - begin, begin)
            if not count:
                raise shorter()
            begin += count
    except OSError as error:
        if error.errno not in _CANNOT | {errno.EXDEV}:
            raise
        _copy_by_hand(source, target, begin, end)


def _copy_by_hand(source: int, target: int, begin: int, end: int) -> None:
    """Append a part of a file to another one (faster than sendfile does)."""
    buffer = memoryview(bytearray(min(_COPIED, end - begin)))
    while begin < end:
        count = os.preadv(source, [buffer[: end - begin]], begin)
        if not count:
            raise shorter()
        _write(target, buffer[:count])
        begin += count


# In place -------------------------------------------------------------------------


def _edit_in_place(path: Path, file: int, changed: list[_Edited]) -> None:
    """Make room where it is needed, then write the headers over the old ones.

    Raises:
        _NoRoom: no room can be made here; the file is as it was.
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
                raise _NoRoom
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
        _journal(path).unlink()
        if error.errno in _CANNOT:
            raise _NoRoom from error
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
    _journal(path).unlink()


# The journal ----------------------------------------------------------------------


def _journal(path: Path) -> Path:
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
    journal, temporary = _journal(path), temporary_of(_journal(path))
    try:
        with temporary.open("w", encoding="ascii") as file:
            json.dump(document, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(journal)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _resume(path: Path, file: int) -> None:
    """Do the rest of what the journal says, if there is one."""
    try:
        text = _journal(path).read_text("ascii")
    except FileNotFoundError:
        return
    try:
        document: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise ProcessingError(f"{_journal(path)} is damaged: {error}") from error
    status = os.fstat(file)
    inserts: list[int] = document["inserts"]
    done, rest = divmod(status.st_size - document["size"], INSERTED)
    is_same = status.st_ino == document["inode"] and not rest
    if not is_same or not 0 <= done <= len(inserts):
        raise ProcessingError(
            f"{path} is not the file whose edit was killed; if it is whole "
            f"(phoenix validate), remove {_journal(path)}"
        )
    _make_room(file, inserts, done)
    headers = [(b, base64.b64decode(text)) for b, text in document["headers"]]
    _write_headers(path, file, headers)
