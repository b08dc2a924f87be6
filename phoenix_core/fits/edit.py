"""Headers of FITS files of any size edited, without copying the file where possible.

Where the new header has the room of the old one it is written in its place. Where it
has not, the file system is asked for 184320 bytes more before the data (`insert_range`)
and what is not needed of them is left as blank cards, for later edits. Where it cannot,
and for small files and those with a second name, the file is copied once and replaced.

An edit in place that was killed is ended by the next edit, or by `finish_edit`: see
`fits_in_place`.
"""

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from io import FileIO
from pathlib import Path

from phoenix_core.errors import ProcessingError
from phoenix_core.files.atomic import temporary_of
from phoenix_core.files.regular_file import open_regular
from phoenix_core.fits.cards import CardValue, HeaderEdit, edited, padded
from phoenix_core.fits.file import (
    BrokenFits,
    Hdu,
    data_size,
    read_part,
    shorter,
    walk_hdus,
)
from phoenix_core.fits.in_place import (
    CANNOT,
    Edited,
    NoRoom,
    edit_in_place,
    journal_of,
    resume,
)
from phoenix_core.fits.insert_range import clone

__all__ = [
    "SMALL",
    "CardValue",
    "HeaderEdit",
    "clone_edited",
    "copy_edited",
    "copy_replaced",
    "edit_headers",
    "finish_edit",
    "replace_headers",
    "set_cards",
]

SMALL = 8 << 20
"""Bytes: as quickly copied, and then no reader sees half an edit (ours)."""

_COPIED = 1 << 20
_TRIES = 10


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
    path: Path, edits: Mapping[int, HeaderEdit], *, small: int = SMALL
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
        _put(path, file.fileno(), _changed(path, file.fileno(), edits), small)


def replace_headers(
    path: Path, headers: Mapping[int, bytes], *, small: int = SMALL
) -> None:
    """Replace whole headers of a FITS file, all or none; the data do not change.

    Args:
        path: the file.
        headers: in whole blocks, by the number of the HDU, from 0; they say of the data
            what those that are there say.
        small: as of `edit_headers`.

    Raises:
        ProcessingError: it is no complete FITS file, or a header is of other data.
        OSError: as `edit_headers`.
    """
    with _locked(path) as file:
        changed = _replaced(path, file.fileno(), headers)
        _put(path, file.fileno(), changed, small, is_only_one=True)


def copy_edited(source: Path, target: Path, edits: Mapping[int, HeaderEdit]) -> None:
    """Copy a FITS file with its headers edited, in one pass; the source is untouched.

    Where the file system can share blocks (xfs, btrfs), nothing is copied but headers.
    `target` is there whole or not at all; what had its name is replaced.

    Raises:
        ProcessingError, OSError: as `edit_headers`; then there is no `target`.
    """
    if not clone_edited(source, target, edits):
        _write_copy(source, target, lambda file: _changed(source, file, edits))


def copy_replaced(source: Path, target: Path, headers: Mapping[int, bytes]) -> None:
    """Copy a FITS file with other headers in place of its own, in one pass.

    Raises:
        ProcessingError, OSError: as `replace_headers`; then there is no `target`.
    """
    _write_copy(source, target, lambda file: _replaced(source, file, headers))


def clone_edited(source: Path, target: Path, edits: Mapping[int, HeaderEdit]) -> bool:
    """Do what `copy_edited` does by sharing blocks; False where that is not possible.

    Raises:
        ProcessingError, OSError: as `edit_headers`; then there is no `target`.
    """
    with contextlib.suppress(NoRoom), _whole(target) as temporary:
        with open_regular(source) as file:
            _changed(source, file.fileno(), edits)  # tells what is wrong by its name
            with temporary.open("xb", buffering=0) as copy:
                if not clone(file.fileno(), copy.fileno()):
                    raise NoRoom
        edit_headers(temporary, edits)
        return True
    return False


@contextlib.contextmanager
def _whole(target: Path) -> Iterator[Path]:
    """Have a file written under another name; it gets its own once it is whole."""
    temporary = temporary_of(target)
    temporary.unlink(missing_ok=True)  # of another process of that number
    try:
        yield temporary
        temporary.replace(target)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        journal_of(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError) and (
            error.filename is None or Path(error.filename) == temporary
        ):
            error.filename = str(target)  # the other name says nothing to anybody
        raise


def finish_edit(path: Path) -> bool:
    """End an edit in place that was killed; False where there is none to end.

    Raises:
        ProcessingError: the file is not the one that was edited.
        OSError: it cannot be written.
    """
    if not journal_of(path).exists():
        return False
    with _locked(path):
        return True


# Plan -----------------------------------------------------------------------------


def _changed(path: Path, file: int, edits: Mapping[int, HeaderEdit]) -> list[Edited]:
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
                    found.append(Edited(hdu, new))
            if number == last:
                return found
    except (BrokenFits, ValueError) as error:
        raise ProcessingError(f"{path}: {error}") from error
    if last >= 0:
        raise ProcessingError(f"{path}: there is no HDU {last}")
    return found


def _replaced(path: Path, file: int, headers: Mapping[int, bytes]) -> list[Edited]:
    """The HDUs whose headers are replaced by others, in the room there is."""
    found = []
    try:
        for number, hdu in enumerate(walk_hdus(file, os.fstat(file).st_size)):
            old = read_part(file, hdu.begin, hdu.data)
            new = _fitting(headers.get(number, old), hdu)
            if new != old:
                found.append(Edited(hdu, new))
    except (BrokenFits, ValueError, KeyError) as error:
        raise ProcessingError(f"{path}: {error}") from error
    return found


def _fitting(header: bytes, hdu: Hdu) -> bytes:
    """A header with the room there is, if it is one of these data."""
    if data_size(header) != hdu.end - hdu.data:
        raise BrokenFits(f"HDU {hdu.name} has data of another size")
    return padded(header, max(hdu.data - hdu.begin, len(header)))


def _put(
    path: Path,
    file: int,
    changed: list[Edited],
    small: int,
    *,
    is_only_one: bool = False,
) -> None:
    """Give a file its new headers: in place, or by a copy that replaces it.

    Nobody makes the only one there is again: a copy is on disk before that goes.
    """
    if not changed:
        return
    status = os.fstat(file)
    if status.st_size > small and status.st_nlink == 1:
        with contextlib.suppress(NoRoom):
            edit_in_place(path, file, changed)
            return
    with _whole(path) as temporary:
        with temporary.open("xb", buffering=0) as copy:
            _rewrite(file, changed, copy.fileno())
            if is_only_one:
                os.fsync(copy.fileno())
        shutil.copymode(path, temporary)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[FileIO]:
    """Open a file to edit it, alone; end what a killed edit of it had begun."""
    for _ in range(_TRIES):
        open_regular(path).close()  # tells pipes and devices
        with FileIO(path, "rb+") as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX)
            if not os.path.samestat(path.stat(), os.fstat(file.fileno())):
                continue  # another edit has replaced it
            resume(path, file.fileno())
            yield file
            return
    raise ProcessingError(f"{path} is replaced again and again by somebody else")


# A copy ---------------------------------------------------------------------------


def _write_copy(
    source: Path, target: Path, plan: Callable[[int], list[Edited]]
) -> None:
    """Write a file with the new headers that are planned for it, as a whole one."""
    with _whole(target) as temporary, open_regular(source) as file:
        changed = plan(file.fileno())
        with temporary.open("xb", buffering=0) as copy:
            _rewrite(file.fileno(), changed, copy.fileno())


def _rewrite(file: int, changed: list[Edited], copy: int) -> None:
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
        if error.errno not in CANNOT | {errno.EXDEV}:
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
