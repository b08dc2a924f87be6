"""One uploader a file, and what is remembered of one that did not end.

Two uploads of one file at a time end in lost data behind two replies of success. A
lock that is left behind tells that its holder died in the middle: the server may then
still be busy with what it has got.
"""

import contextlib
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

from attrs import define, frozen

from phoenix_core.errors import IngestionError, ProcessingError
from phoenix_core.files.atomic import write_text
from phoenix_core.files.run_lock import holding


@define
class Upload:
    """An upload that nobody else does at the same time.

    While it `is_pending`, the server may have got a file that STATUS does not show yet.
    """

    is_pending: bool


@frozen
class Notes:
    """The directory of the locks, and of the names by which files were stored.

    Most archives name a file as it is sent; where one does not, only this tells.
    """

    directory: Path

    @contextlib.contextmanager
    def uploading(self, name: str, waits: tuple[float, ...]) -> Iterator[Upload]:
        """Be the one that uploads a file of that name, waiting for another.

        Raises:
            IngestionError: another is still at it after all waits (seconds).
        """
        lock = self.lock(name)
        with contextlib.ExitStack() as stack:
            for wait in (*waits, None):
                is_left = lock.exists()
                try:
                    stack.enter_context(holding(lock, name))
                    break
                except ProcessingError as error:
                    if wait is None:
                        told = f"{error}, which archives it; call again when it ended"
                        raise IngestionError(told) from error
                    time.sleep(wait)
            upload = Upload(is_pending=is_left)
            try:
                yield upload
            finally:
                if not upload.is_pending:
                    lock.unlink(missing_ok=True)

    def lock(self, name: str) -> Path:
        """Return the file by which uploaders of a file of that name are kept apart."""
        return self._path(name, "lock")

    def file_id(self, name: str) -> str:
        """Return under which other name a file was stored, or ''."""
        try:
            return self._path(name, "id").read_text("utf-8")
        except FileNotFoundError:
            return ""

    def note(self, name: str, file_id: str) -> None:
        """Remember the name by which the server calls a file."""
        write_text(self._path(name, "id"), file_id)

    def _path(self, name: str, kind: str) -> Path:
        """Names may be as long as the file system takes, without room for more."""
        digest = hashlib.sha256(name.encode()).hexdigest()[:32]
        return self.directory / f"{digest}.{kind}"
