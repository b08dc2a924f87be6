"""Checksums in the words of an archive: ``md5:``, ``sha256:`` or ``crc32:``."""

import hashlib
import zlib
from pathlib import Path
from typing import Final

from phoenix_core.files.regular_file import open_regular

KINDS: Final = ("sha256", "md5", "crc32")
_CHUNK: Final = 1 << 20  # bytes


def checksum_of(path: Path, kind: str) -> str:
    """Return the checksum of a file as archives tell it, its kind in front.

    Raises:
        OSError: the file cannot be read, or is no regular file.
        ValueError: there is no such kind.
    """
    if kind == "crc32":
        return f"crc32:{_crc32(path)}"
    if kind not in KINDS:
        raise ValueError(f"'{kind}' is no checksum; known are {', '.join(KINDS)}")
    with open_regular(path) as file:
        made = hashlib.new(kind, usedforsecurity=False)
        while chunk := file.read(_CHUNK):
            made.update(chunk)
    return f"{kind}:{made.hexdigest()}"


def kind_of(checksum: str) -> str:
    """Return the kind of a checksum, '' if it is none that is known.

    >>> kind_of("crc32:17"), kind_of("sum:17"), kind_of("md5:")
    ('crc32', '', '')
    """
    kind, _, value = checksum.partition(":")
    return kind if kind in KINDS and value else ""


def has_checksum(path: Path, checksum: str) -> bool:
    """Whether a file has this checksum; never, if it is of no known kind.

    Raises:
        OSError: the file cannot be read, or is no regular file.
    """
    kind = kind_of(checksum)
    return bool(kind) and checksum_of(path, kind) == checksum


def _crc32(path: Path) -> int:
    total = 0
    with open_regular(path) as file:
        while chunk := file.read(_CHUNK):
            total = zlib.crc32(chunk, total)
    return total
