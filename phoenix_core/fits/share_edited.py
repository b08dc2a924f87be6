"""A certified FITS file and one for the archive that differ in headers alone.

They share their data: by blocks where the file system can (xfs, btrfs), so that both
are there; else as one file with two names, edited in place, whose certified headers are
kept beside it (`as_certified`); where neither can be done, the file is copied.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from phoenix_core.errors import ProcessingError
from phoenix_core.files.atomic import temporary_of
from phoenix_core.files.sums import FileSums
from phoenix_core.fits.as_certified import (
    certified_headers,
    certified_sha256,
    has_other_headers,
    keep_headers,
    kept_headers_path,
    not_as_certified,
)
from phoenix_core.fits.cards import HeaderEdit, edited
from phoenix_core.fits.edit import (
    SMALL,
    clone_edited,
    copy_edited,
    copy_replaced,
    finish_edit,
    replace_headers,
)


def share_edited(
    source: Path,
    target: Path,
    edits: Mapping[int, HeaderEdit],
    checksum: str,
    *,
    small: int = SMALL,
) -> None:
    """Make a target of a certified source, with other headers and the same data.

    `target` is there whole or not at all, and what had its name goes. `source` is
    whole at any time, once `finish_edit` has ended an edit that was killed; what it was
    when it was certified tells `as_certified`, and edits begin from that.

    Args:
        source: the certified file.
        target: the other name, or file.
        edits: what to do with the certified headers, by the number of the HDU, from 0.
        checksum: the sha256 that the source was certified with. It is read for that
            only where headers were kept, and `target` does not show of which file.
        small: files up to this size (bytes) are not edited in place, but replaced.

    Raises:
        ProcessingError: it is no complete FITS file, has no such HDU, or a value has
            no room in its card; the headers kept are gone, or those of another file.
        OSError: it could not be written; the next call ends what was begun.
    """
    finish_edit(source)
    if has_other_headers(source):
        if not _is_one_file(source, target):
            _check_kept(source, checksum)
        if _can_edit(source) and _can_link(kept_headers_path(source), target):
            _edit_both(source, target, edits, small)
        else:
            copy_replaced(source, target, _edited(source, edits))
        return
    if _is_one_file(source, target):
        raise ProcessingError(
            f"{source} was certified with other headers than it has now, and "
            f"{kept_headers_path(source)}, which had them, is gone: put it back"
        )
    if clone_edited(source, target, edits):
        return
    if _can_edit(source) and source.stat().st_nlink == 1:
        keep_headers(source)
        if _can_link(kept_headers_path(source), target):
            _edit_both(source, target, edits, small)
            return
        kept_headers_path(source).unlink()
    copy_edited(source, target, edits)


def copy_certified(
    source: Path, target: Path, edits: Mapping[int, HeaderEdit], checksum: str
) -> None:
    """Make a target that shares nothing with its certified source, which stays.

    Arguments and errors are those of `share_edited`.
    """
    finish_edit(source)
    if has_other_headers(source):
        if not _is_one_file(source, target):
            _check_kept(source, checksum)
        copy_replaced(source, target, _edited(source, edits))
    else:
        copy_edited(source, target, edits)


def _edited(source: Path, edits: Mapping[int, HeaderEdit]) -> dict[int, bytes]:
    headers = certified_headers(source)
    if missing := [number for number in edits if number >= len(headers)]:
        raise ProcessingError(f"{source}: there is no HDU {missing[0]}")
    try:
        return {
            number: edited(header, edits.get(number, HeaderEdit()))
            for number, header in enumerate(headers)
        }
    except ValueError as error:
        raise ProcessingError(f"{source}: {error}") from error


def _edit_both(
    source: Path, target: Path, edits: Mapping[int, HeaderEdit], small: int
) -> None:
    """Edit a file whose certified headers are kept, and give it the other name."""
    headers = _edited(source, edits)
    target.unlink(missing_ok=True)  # only a file with one name is edited in place
    replace_headers(source, headers, small=small)
    target.hardlink_to(source)


def _check_kept(source: Path, checksum: str) -> None:
    """Refuse to put kept headers into a file that they are not of: it has others.

    A killed call, or who removes conv, leaves such a file as well as who puts another
    one in its place.
    """
    if certified_sha256(source, FileSums()) != checksum:
        raise not_as_certified(source)


def _is_one_file(source: Path, target: Path) -> bool:
    is_file = target.is_file() and not target.is_symlink()
    return is_file and target.samefile(source)


def _can_edit(source: Path) -> bool:
    """Whether the file, and what lies beside it, may be written."""
    return os.access(source, os.W_OK) and os.access(source.parent, os.W_OK)


def _can_link(beside: Path, target: Path) -> bool:
    """Whether a file beside the source can have a name beside the target."""
    probe = temporary_of(target)
    probe.unlink(missing_ok=True)
    try:
        probe.hardlink_to(beside)
    except OSError:
        return False
    probe.unlink()
    return True
