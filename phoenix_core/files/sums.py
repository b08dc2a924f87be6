"""What files contain: sha256 sums, computed once for as long as a file is unchanged."""

import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from attrs import define, field, frozen

from phoenix_core.files.regular_file import open_regular


@frozen
class FileState:
    """What tells that a file was not written since: size (bytes) and times (ns).

    A copy may bring size and time of its writing along (`cp -p`); only the time of the
    last change to the file itself is out of everybody's hands.
    """

    size: int
    mtime_ns: int
    ctime_ns: int


@define
class FileSums:
    """Sums of files, shared by the threads of a run.

    Args:
        known: sums from before, by path; the ledger keeps them between calls.
    """

    known: dict[Path, tuple[FileState, str]] = field(factory=dict)
    fresh: dict[Path, tuple[FileState, str]] = field(factory=dict)
    whole: set[tuple[Path, FileState]] = field(factory=set)
    _lock: threading.Lock = field(factory=threading.Lock, repr=False)

    def sha256(self, path: Path) -> str:
        """Return the sum of a file's content.

        Raises:
            OSError: it cannot be read.
        """
        return self.total(path, file_state(path), lambda: sha256(path))

    def total(self, path: Path, state: FileState, compute: Callable[[], str]) -> str:
        """Return the sum that is known for this state, or compute and remember it."""
        with self._lock:
            known = self.known.get(path)
        if known and known[0] == state:
            return known[1]
        total = compute()
        self.put(path, state, total)
        return total

    def put(self, path: Path, state: FileState, total: str) -> None:
        """Remember a sum that somebody computed."""
        with self._lock:
            self.known[path] = self.fresh[path] = (state, total)

    def is_whole(self, path: Path) -> bool:
        """Whether this process found the file whole, and it is unchanged since."""
        return (path, file_state(path)) in self.whole

    def mark_whole(self, path: Path) -> None:
        """Remember that a file was read to its end and found whole."""
        with self._lock:
            self.whole.add((path, file_state(path)))

    def take_fresh(self) -> Mapping[Path, tuple[FileState, str]]:
        """Return what was learnt since the last call, for the ledger."""
        with self._lock:
            fresh, self.fresh = self.fresh, {}
        return fresh


def file_state(path: Path) -> FileState:
    """Return what a look at the directory tells of a file's content."""
    found = path.stat()
    return FileState(found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def sha256(path: Path) -> str:
    """Return the sha256 of a file, as the command sha256sum prints it.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sum_of(texts: Iterable[str]) -> str:
    """Return one sum over a sequence of texts."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()[:32]
