"""A certified FITS file and one for the archive that differ in headers alone.

They share their data: by blocks where the file system can (xfs, btrfs), so that both
are there; else as one file with two names, edited in place, whose certified headers are
kept beside it (`as_certified`); where neither can be done, the file is copied.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from phoenix_core.as_certified import (
    certified_headers,
    has_other_headers,
    keep_headers,
    kept_headers_path,
)
from phoenix_core.atomic import temporary_of
from phoenix_core.errors import ProcessingError
from phoenix_core.fits_cards import HeaderEdit, edited
from phoenix_core.fits_edit import (
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
        small: files up to this size (bytes) are not edited in place, but replaced.

    Raises:
        ProcessingError: it is no complete FITS file, has no such HDU, or a value has
            no room in its card.
        OSError: it could not be written; the next call ends what was begun.
    """
    finish_edit(source)
    if not has_other_headers(source):
        if clone_edited(source, target, edits):
            return
        if not (_has_no_other_name(source, target) and os.access(source, os.W_OK)):
            copy_edited(source, target, edits)
            return
        keep_headers(source)
        if not _can_link(source, target):
            kept_headers_path(source).unlink()
            copy_edited(source, target, edits)
            return
    headers = _edited(source, edits)
    target.unlink(missing_ok=True)  # only a file with one name is edited in place
    replace_headers(source, headers, small=small)
    target.hardlink_to(source)


def copy_certified(source: Path, target: Path, edits: Mapping[int, HeaderEdit]) -> None:
    """Make a target that shares nothing with its certified source, which stays.

    Arguments and errors are those of `share_edited`.
    """
    finish_edit(source)
    if has_other_headers(source):
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


def _has_no_other_name(source: Path, target: Path) -> bool:
    """Whether nobody else would see an edit of a file, who took it for what it was."""
    is_shared = target.is_file() and target.samefile(source)
    return source.stat().st_nlink == (2 if is_shared else 1)


def _can_link(source: Path, target: Path) -> bool:
    """Whether files beside the source can have names beside the target."""
    probe = temporary_of(target)
    try:
        probe.hardlink_to(kept_headers_path(source))
    except OSError:
        return False
    probe.unlink()
    return True
