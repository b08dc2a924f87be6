"""To store a file once: ask first, send, believe only what compares, ask again.

NGAS makes a new version of whatever comes under a known name, and no client can remove
one. So nothing is sent before STATUS said, on a server that is ONLINE, that the file is
not there; and after a failure only STATUS tells what became of it.
"""

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from attrs import evolve, frozen

from phoenix_core.errors import (
    ArchiveAwayError,
    ArchiveConflictError,
    IngestionError,
)
from phoenix_core.words.plain_text import counted, short
from phoenix_ngas import request
from phoenix_ngas.exchange import NoReply, Server, exchange
from phoenix_ngas.failures import (
    Course,
    Failure,
    failure_of,
    failure_without_reply,
    is_absent,
    is_damage,
    is_proof,
    said,
)
from phoenix_ngas.keep_apart import Notes, Upload
from phoenix_ngas.local_file import LocalFile, Progress, no_progress
from phoenix_ngas.reply import FileStatus, NgasReply

STATUS_TIME = 30.0  # seconds (ours) for what takes some ms; a dead server may hang

AnswerT = TypeVar("AnswerT")


@frozen
class Ngas:
    """A server and how it is used; the pause is in seconds, and doubles each time."""

    server: Server
    notes: Notes
    command: str = "QARCHIVE"
    crc_variant: int = 0
    attempts: int = 3
    pause: float = 10.0
    ignore_arcfile: bool = False

    @property
    def pauses(self) -> tuple[float, ...]:
        """How long to wait after each failure."""
        return tuple(self.pause * 2**count for count in range(self.attempts))


@frozen
class Held:
    """A file that the archive has, equal to the local one, and what is odd about it."""

    file: FileStatus
    remarks: tuple[str, ...] = ()


class Trouble(Exception):  # noqa: N818, it is an outcome
    """Something failed that may go better after a pause."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.told)
        self.failure = failure


def store(
    ngas: Ngas, file: LocalFile, mime_type: str, progress: Progress = no_progress
) -> Held:
    """Let the archive have a file, once, and prove that it has.

    Called again after any failure or kill, it finishes what was begun.

    Raises:
        IngestionError: the archive has other content of that name, its copy is damaged,
            it refuses the file, or it could not be reached often enough.
    """
    with ngas.notes.uploading(file.name, ngas.pauses) as upload:
        held = _settled(ngas, file, mime_type, upload, progress)
    if problem := asked_often(ngas, file.name, lambda: check(ngas, held.file)):
        raise _wrong(
            ngas,
            file.name,
            f"{_called(held.file)} {problem}; keep the file, and tell the archive's "
            "operator",
        )
    return held


def look(ngas: Ngas, file_id: str, version: int | None = None) -> FileStatus | None:
    """Return what the archive has on record of a file; None: surely nothing.

    Raises:
        Trouble: nobody knows.
    """
    times = min(ngas.server.timeout, STATUS_TIME)
    quick = evolve(ngas, server=evolve(ngas.server, timeout=times))
    reply = _ask(quick, request.status(file_id, version))
    if is_absent(reply):
        return None
    known = [
        found
        for found in reply.files
        if found.file_id == file_id and version in {None, found.version}
    ]
    if reply.is_success and known:
        return max(known, key=lambda found: found.version)
    raise Trouble(failure_of(reply))


def check(ngas: Ngas, known: FileStatus) -> str:
    """Let the archive read a version again; return what is wrong with it, or ''.

    Raises:
        Trouble: nobody knows.
    """
    reply = _ask(ngas, request.check(known.file_id, known.version))
    if is_proof(reply):
        return ""
    if is_absent(reply):
        return "is on record, but lost on the archive's disk"
    if is_damage(reply):
        return f"is damaged in the archive ({said(reply)})"
    raise Trouble(failure_of(reply))


# Steps ----------------------------------------------------------------------------


def _settled(
    ngas: Ngas, file: LocalFile, mime_type: str, upload: Upload, progress: Progress
) -> Held:
    """Return the archive's record of the file, made now or before.

    At most so many uploads as attempts, each after a STATUS that found nothing; after
    the last one another STATUS.
    """
    failure = None
    uploads = 0
    for wait in (*ngas.pauses, None):
        file.check_unchanged()
        try:
            if found := _found_for_sure(ngas, file, upload):
                return _compared(ngas, file, found)
            if uploads < ngas.attempts:
                uploads += 1
                return _sent(ngas, file, mime_type, upload, progress)
        except Trouble as trouble:
            failure = trouble.failure
            if failure.course.is_final:
                raise _wrong(ngas, file.name, failure.told) from trouble
        time.sleep(wait or 0.0)
    raise _gave_up(ngas, file.name, "archived", failure)


def _found_for_sure(ngas: Ngas, file: LocalFile, upload: Upload) -> FileStatus | None:
    """Return what the archive has on record of a file.

    Where an upload may still be on its way, two STATUS a pause apart have to find
    nothing.
    """
    found = _found(ngas, file)
    if upload.is_pending and not found:
        time.sleep(ngas.pause)
        found = _found(ngas, file)
    upload.is_pending = False
    return found


def _found(ngas: Ngas, file: LocalFile) -> FileStatus | None:
    for file_id in _file_ids(ngas, file):
        if found := look(ngas, file_id):
            return found
    return None


def _file_ids(ngas: Ngas, file: LocalFile) -> Iterable[str]:
    """The names under which the archive may have it, the likeliest first."""
    noted = ngas.notes.file_id(file.name)
    names = (noted, file.archive_name, file.name)
    return tuple(dict.fromkeys(name for name in names if name))


def _sent(
    ngas: Ngas, file: LocalFile, mime_type: str, upload: Upload, progress: Progress
) -> Held:
    """Send the file; return its record if the archive stored just that."""
    asked = request.archive(
        file,
        ngas.command,
        mime_type,
        ngas.crc_variant,
        ignore_arcfile=ngas.ignore_arcfile,
    )
    upload.is_pending = True
    try:
        stored = _stored(_ask(ngas, asked, progress))
    except Trouble as trouble:
        upload.is_pending = trouble.failure.course is Course.LOOK
        raise
    upload.is_pending = False
    if stored.file_id in _file_ids(ngas, file):
        return _compared(ngas, file, stored)
    ngas.notes.note(file.name, stored.file_id)
    held = _compared(ngas, file, stored)
    renamed = f"{file.name} is called {short(stored.file_id)} in the archive"
    return Held(held.file, (renamed, *held.remarks))


def _stored(reply: NgasReply) -> FileStatus:
    """Return what an archive says that it stored, under the name that it gave it."""
    if reply.is_success and reply.files:
        return reply.files[0]
    raise Trouble(failure_of(reply))


def _compared(ngas: Ngas, file: LocalFile, found: FileStatus) -> Held:
    """Hold the archive's record against the file.

    Raises:
        ArchiveConflictError: it is of something else.
        IngestionError: nobody can tell.
    """
    if found.compression or (found.crc32 is None and found.size == file.size):
        how = f"compressed ({found.compression})" if found.compression else ""
        raise _wrong(
            ngas,
            file.name,
            f"{_called(found)} is there "
            f"{how or f'with checksum {found.checksum}, not crc32'}, and cannot be "
            f"compared with {file.path}; compare them, nothing was sent again",
        )
    if (found.size, found.crc32) != (file.size, file.crc32):
        raise ArchiveConflictError(
            f"NGAS {ngas.server.url}: {file.name}: {_called(found)} has other content: "
            f"{found.size} bytes, checksum {found.checksum}; {file.path} has "
            f"{file.told_sum}; nothing was sent over it"
        )
    if found.version == 1:
        return Held(found)
    return Held(found, (_told_version(ngas, found),))


def _told_version(ngas: Ngas, found: FileStatus) -> str:
    """Say what an archive has twice; it was not this client, or too fast for STATUS."""
    first = look(ngas, found.file_id, version=1)
    if first and (first.size, first.crc32) == (found.size, found.crc32):
        return (
            f"{_called(found)} is the same as version 1: it was uploaded twice, and no "
            "client can remove one"
        )
    return f"{_called(found)} replaces other versions, which phoenix did not archive"


# Asking ---------------------------------------------------------------------------


def _ask(
    ngas: Ngas, asked: request.Request, progress: Progress = no_progress
) -> NgasReply:
    try:
        return exchange(ngas.server, asked, progress)
    except NoReply as outcome:
        raise Trouble(failure_without_reply(outcome)) from outcome


def asked_often(ngas: Ngas, name: str, ask: Callable[[], AnswerT]) -> AnswerT:
    """Ask what can be asked again without harm, until there is an answer."""
    failure = None
    for wait in (*ngas.pauses, None):
        try:
            return ask()
        except Trouble as trouble:
            failure = trouble.failure
            if failure.course.is_final:
                raise _wrong(ngas, name, failure.told) from trouble
        time.sleep(wait or 0.0)
    raise _gave_up(ngas, name, "proved", failure)


def _called(found: FileStatus) -> str:
    return f"{short(found.file_id)} version {found.version}"


def _wrong(ngas: Ngas, name: str, told: str) -> IngestionError:
    return IngestionError(_line(ngas, name, told))


def _gave_up(
    ngas: Ngas, name: str, what: str, failure: Failure | None
) -> IngestionError:
    attempts = counted(ngas.attempts, "attempt")
    told = failure.told if failure else "nothing is known of it"
    line = _line(
        ngas,
        name,
        f"not {what} after {attempts}: {told}; call again, nothing is stored twice",
    )
    if failure and failure.is_of_server:
        return ArchiveAwayError(line)
    return IngestionError(line)


def _line(ngas: Ngas, name: str, told: str) -> str:
    return f"NGAS {ngas.server.url}: {name}: {told}"
