"""A file that goes to the archive: what is known of it before, and its bytes."""

import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import field, frozen

from phoenix_core.errors import IngestionError
from phoenix_core.files.regular_file import open_regular
from phoenix_core.files.sums import FileState, file_state
from phoenix_core.fits.file import BrokenFits, walk_hdus
from phoenix_core.words.plain_text import plain, short

BLOCK = 1 << 20  # bytes, read and sent at a time
LONGEST_NAME = 255  # bytes: with one more, the server hangs up without a word

Progress = Callable[[int], None]
"""Told how many bytes more were sent."""


def no_progress(_: int) -> None:
    """Look away."""


@frozen
class LocalFile:
    """A file as it was when its sum was taken; size in bytes."""

    path: Path
    size: int
    crc32: int  # of zlib, unsigned
    state: FileState = field(repr=False)
    archive_name: str = ""  # the first 3 fields of ARCFILE, where that was asked for

    @property
    def name(self) -> str:
        """What it is called, and what the archive shall call it."""
        return self.path.name

    @property
    def told_sum(self) -> str:
        """Size and sum, as messages have them."""
        return f"{self.size} bytes, crc32 {self.crc32}"

    def check_unchanged(self) -> None:
        """Hold the file against what it was.

        Raises:
            IngestionError: somebody wrote it since, or took it away.
        """
        with _told(self.path):
            if file_state(self.path) != self.state:
                raise _changed(self.path)

    def blocks(self) -> Iterator[memoryview]:
        """Yield the bytes, `size` of them, each block valid until the next.

        Raises:
            IngestionError: it is shorter than it was, or cannot be read.
        """
        buffer = bytearray(BLOCK)
        left = self.size
        with _told(self.path), open_regular(self.path) as file:
            while left:
                part = memoryview(buffer)[: min(BLOCK, left)]
                read = file.readinto(part)
                if not read:
                    raise _changed(self.path)
                yield part[:read]
                left -= read


def measured(path: Path, *, with_arcfile: bool = False) -> LocalFile:
    """Take size and sum of a file.

    Args:
        path: the file.
        with_arcfile: read ARCFILE, by which ESO's plug-in for FITS names files.

    Raises:
        IngestionError: it is not there, is empty or is no file, changes meanwhile, or
            has a name that the archive would not keep.
    """
    _check_name(path)
    with _told(path), open_regular(path) as file:
        state = _state(os.fstat(file.fileno()))
        if not state.size:
            raise IngestionError(f"{path} is empty; NGAS takes no empty file")
        archive_name = _arcfile(file.fileno(), state.size) if with_arcfile else ""
        buffer = memoryview(bytearray(BLOCK))
        crc32 = 0
        while read := file.readinto(buffer):
            crc32 = zlib.crc32(buffer[:read], crc32)
        if _state(os.fstat(file.fileno())) != state:
            raise _changed(path)
    return LocalFile(path, state.size, crc32, state, archive_name)


def _check_name(path: Path) -> None:
    problem = ""
    try:
        length = len(path.name.encode("utf-8"))
    except UnicodeEncodeError:
        problem = "is no UTF-8"
    else:
        if length > LONGEST_NAME:
            problem = f"has {length} bytes; NGAS takes {LONGEST_NAME}"
        elif plain(path.name) != path.name:
            problem = "has characters that cannot be seen, or blanks in a row"
    if problem:
        raise IngestionError(f"the name of {short(str(path))} {problem}; rename it")


def _arcfile(file: int, size: int) -> str:
    try:
        keywords = next(iter(walk_hdus(file, size))).keywords
    except BrokenFits:
        return ""
    return ".".join(keywords.get("ARCFILE", "").split(".")[:3])


def _state(found: os.stat_result) -> FileState:
    return FileState(found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _changed(path: Path) -> IngestionError:
    return IngestionError(
        f"{path} was changed while it was archived; nothing of it counts as archived, "
        "call again when nobody writes it"
    )


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise IngestionError(f"{path}: {error.strerror or error}") from error
