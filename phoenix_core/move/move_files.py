"""Files put where they belong so that no death and no full disk loses one.

A file gets its new name beside the old one first, by a link where the disk allows it,
else by a copy that is compared; the old name goes only after everything that belongs
together is on disk.
"""

import hashlib
import os
from pathlib import Path

from phoenix_core.errors import CertificationError, ProcessingError
from phoenix_core.files.on_disk import moving_path, set_aside
from phoenix_core.files.sums import FileSums, sha256
from phoenix_core.fits.as_certified import certified_sha256, kept_headers_path
from phoenix_core.fits.in_place import journal_of
from phoenix_core.model import Move

_CHUNK = 1 << 20  # bytes


def place(move: Move, checksum: str) -> bool:
    """Give a file its target's name too; False where it is there already.

    Args:
        move: the file and its place; the directory is made.
        checksum: the sha256 of the file.

    Raises:
        CertificationError: another file has that name, or the copy differs.
        OSError: the disk is full, or may not be written.
    """
    source, target = move.source, move.target
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = moving_path(target)
    temporary.unlink(missing_ok=True)  # of a call that was killed
    if is_placed(move, checksum):
        return False
    for left in (kept_headers_path(target), journal_of(target)):
        if os.path.lexists(left):  # of a former file, which was moved away
            set_aside(left)
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        raise taken(target) from None
    except OSError:  # another disk, or one without links
        _copy(source, temporary, checksum)
        try:
            os.link(temporary, target, follow_symlinks=False)
        except FileExistsError:
            raise taken(target) from None
        except OSError:
            temporary.rename(target)
        finally:
            temporary.unlink(missing_ok=True)
    return True


def is_placed(move: Move, checksum: str) -> bool:
    """Whether the file is at its target, whatever its headers are by now.

    Raises:
        CertificationError: something else is.
    """
    if not os.path.lexists(move.target):
        return False
    if move.target.is_symlink() or not move.target.is_file():
        raise taken(move.target)
    if move.source.exists() and move.target.samefile(move.source):
        return True
    if not is_certified(move.target, checksum):
        raise taken(move.target)
    return True


def is_certified(path: Path, checksum: str) -> bool:
    """Whether a file is what has this sha256, whatever its headers are by now."""
    try:
        return certified_sha256(path, FileSums()) == checksum
    except ProcessingError:
        return False


def taken(target: Path) -> CertificationError:
    """Return the error for a name that has another content already."""
    return CertificationError(
        f"{target} is there with another content; nothing certified is overwritten, so "
        "move it away and call again"
    )


def _copy(source: Path, temporary: Path, checksum: str) -> None:
    """Copy a file; what was read, and what was written, has to have its sum."""
    digest = hashlib.sha256()
    try:
        with source.open("rb") as reader, temporary.open("xb") as writer:
            while chunk := reader.read(_CHUNK):
                digest.update(chunk)
                writer.write(chunk)
            writer.flush()
            os.fsync(writer.fileno())
        _check_copy(source, {digest.hexdigest(), sha256(temporary)}, checksum)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _check_copy(source: Path, sums: set[str], checksum: str) -> None:
    if sums != {checksum}:
        raise CertificationError(f"{source} changed while it was copied")
