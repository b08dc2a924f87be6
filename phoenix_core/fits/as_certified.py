"""FITS files that got other headers since they were certified, as they were then.

Where a file of many GB becomes one for the archive, only its headers change, and it is
not copied for that. What it loses is kept beside it: ``X.fits.certified`` has the
headers of ``X.fits`` as they were certified, all its HDUs one after the other, byte for
byte. With the data, which do not change, they make the certified file again: so its sum
is proved at any time, and the file given back.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Final

from phoenix_core.errors import ProcessingError
from phoenix_core.files.atomic import temporary_of
from phoenix_core.files.on_disk import sync, write_on_disk
from phoenix_core.files.regular_file import open_regular, read_regular
from phoenix_core.files.sums import FileState, FileSums, file_state
from phoenix_core.fits.edit import finish_edit
from phoenix_core.fits.file import (
    BrokenFits,
    Hdu,
    keywords_of,
    read_chunks,
    read_part,
    split_headers,
    walk_hdus,
)

SUFFIX: Final = ".certified"
_LARGEST: Final = 1 << 26  # bytes of headers; real ones stay below 1 MB


def kept_headers_path(path: Path) -> Path:
    """Return where the headers lie that a file was certified with."""
    return path.with_name(path.name + SUFFIX)


def has_other_headers(path: Path) -> bool:
    """Whether a file has other headers than those it was certified with."""
    return kept_headers_path(path).exists()


def keep_headers(path: Path) -> None:
    """Write down the headers of a certified file; on disk when this returns.

    Raises:
        ProcessingError: it is no complete FITS file.
        OSError: it cannot be read, or the headers not be written.
    """
    headers = b"".join(certified_headers(path))
    write_on_disk(kept_headers_path(path), headers.decode("ascii"))


def certified_headers(path: Path) -> tuple[bytes, ...]:
    """Return the headers of a file as it was certified, of each HDU, in whole blocks.

    Raises:
        ProcessingError: it is no complete FITS file, or not the one they are of.
        OSError: it cannot be read.
    """
    with open_regular(path) as file:
        return tuple(header for header, _ in _parts(path, file))


def certified_size(path: Path) -> int:
    """Return the size of a file as it was certified, in bytes.

    Raises:
        ProcessingError, OSError: as `certified_headers`.
    """
    if not has_other_headers(path):
        return path.stat().st_size
    finish_edit(path)
    with open_regular(path) as file:
        parts = _parts(path, file)
        return sum(len(header) + hdu.end - hdu.data for header, hdu in parts)


def certified_sha256(path: Path, sums: FileSums) -> str:
    """Return the sha256 of a file as it was certified.

    An edit of it that was killed is ended first.

    Args:
        path: the file.
        sums: what is known of files; what is computed here is put there.

    Raises:
        ProcessingError, OSError: as `certified_headers`.
    """
    if not has_other_headers(path):
        return sums.sha256(path)
    finish_edit(path)
    kept = kept_headers_path(path)
    return sums.total(kept, _state(path, kept), lambda: _sha256(path))


def give_back(path: Path, checksum: str) -> None:
    """Make a file again as it was certified, in one step.

    Other names of the file stay with what it was until now.

    Raises:
        ProcessingError: it would not be what was certified; nothing was changed.
        OSError: it cannot be read or written; nothing was changed.
    """
    finish_edit(path)
    temporary = temporary_of(path)
    temporary.unlink(missing_ok=True)  # of another process of that number
    digest = hashlib.sha256()
    try:
        with temporary.open("xb") as copy:
            for chunk in _content(path):
                digest.update(chunk)
                copy.write(chunk)
        if digest.hexdigest() != checksum:
            raise not_as_certified(path)
        shutil.copymode(path, temporary)
        sync([temporary])
        temporary.replace(path)
    except OSError as error:
        if error.filename is None or Path(error.filename) == temporary:
            error.filename = str(path)  # the other name says nothing to anybody
        raise
    finally:
        temporary.unlink(missing_ok=True)
    kept_headers_path(path).unlink()
    sync([path.parent])


def not_as_certified(path: Path) -> ProcessingError:
    """Return the error for a file that its kept headers do not make a certified one."""
    return ProcessingError(
        f"{path} with the headers of {kept_headers_path(path).name} is not what was "
        "certified (its sha256 differs); both stay as they are"
    )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    for chunk in _content(path):
        digest.update(chunk)
    return digest.hexdigest()


def _content(path: Path) -> Iterator[bytes | memoryview]:
    """The bytes of a file as it was certified, in order."""
    with open_regular(path) as file:
        for header, hdu in _parts(path, file):
            yield header
            yield from read_chunks(file.fileno(), hdu.data, hdu.end)


def _parts(path: Path, file: FileIO) -> list[tuple[bytes, Hdu]]:
    """The HDUs as they lie in the file, with the headers they were certified with."""
    number = file.fileno()
    try:
        hdus = list(walk_hdus(number, os.fstat(number).st_size))
    except BrokenFits as error:
        raise ProcessingError(f"{path}: {error}") from error
    if not has_other_headers(path):
        return [(read_part(number, hdu.begin, hdu.data), hdu) for hdu in hdus]
    kept = kept_headers_path(path)
    headers = _kept_headers(kept)
    if len(headers) != len(hdus):
        raise ProcessingError(
            f"{kept} has the headers of {len(headers)} HDUs, and {path.name} "
            f"{len(hdus)}: they do not belong together"
        )
    for header, hdu in zip(headers, hdus, strict=True):
        told = keywords_of(header).get("DATASUM")
        if told and told != hdu.keywords.get("DATASUM", told):
            raise ProcessingError(
                f"{kept} has headers of other data (DATASUM of HDU {hdu.name}): move "
                f"it away if {path.name} was made anew since"
            )
    return list(zip(headers, hdus, strict=True))


def _kept_headers(kept: Path) -> list[bytes]:
    try:
        return split_headers(read_regular(kept, _LARGEST))
    except BrokenFits as error:
        raise ProcessingError(f"{kept}: {error}") from error
    except OSError as error:
        raise ProcessingError(f"{kept}: {error.strerror}") from error


def _state(path: Path, kept: Path) -> FileState:
    """What changes as soon as the file or its kept headers do."""
    one, other = file_state(path), file_state(kept)
    return FileState(
        one.size + other.size,
        max(one.mtime_ns, other.mtime_ns),
        one.ctime_ns + other.ctime_ns,
    )
