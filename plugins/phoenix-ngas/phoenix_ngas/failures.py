"""What a failure means: what comes next, and how it is told.

An NGAS server replies 400 to almost everything that goes wrong, for now and for good
alike: what it means is in the first word of the message and in the server's state.
"""

import re
from enum import Enum

from attrs import frozen

from phoenix_core.words.plain_text import plain
from phoenix_ngas.exchange import NoReply
from phoenix_ngas.reply import NgasReply

_LONGEST = 200  # letters of a server's message that are shown (ours)
_REFUSED = 400
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _NO_LENGTH, _BUSY = 401, 403, 404, 411, 503


class Course(Enum):
    """What comes after a failure."""

    STOP = "the file, the configuration or phoenix has to change"
    OPERATOR = "somebody has to look after the archive"
    WAIT = "the server takes nothing for now: ask again after a pause"
    RETRY = "nothing was stored: ask STATUS after a pause, then send again"
    LOOK = "it may be stored: only STATUS can tell, and not at once"

    @property
    def is_final(self) -> bool:
        """Whether trying again is of no use."""
        return self in {Course.STOP, Course.OPERATOR}


@frozen
class Failure:
    """A failure: what comes next, and one line for a person.

    `is_of_server`: it has nothing to do with the file, another one would fare alike.
    """

    course: Course
    told: str
    is_of_server: bool = False


@frozen
class Row:
    """How a failure is known by its message, and what it is."""

    pattern: str
    course: Course
    told: str


# By message; the first that fits. Where the server says more, it is shown behind.
BY_MESSAGE = (
    Row(
        r"NGAMS_ER_UNKNOWN_MIME_TYPE\d*|Unknown mime type",
        Course.STOP,
        "the server does not know this mime type; name one that it knows for files of "
        "this suffix in [archive_ngas] mime_types",
    ),
    Row(
        r"cannot access local variable 'filename'",
        Course.STOP,
        "the server wants to name this FITS file by ARCFILE, which it lacks; set "
        "[archive_ngas] ignore_arcfile = true, or another mime type",
    ),
    Row(
        r"NGAMS_ER_DAPI_BAD_FILE",
        Course.STOP,
        "the server takes this for no complete FITS file; ask phoenix validate",
    ),
    Row(
        r"NGAMS_ER_MISSING_URI",
        Course.STOP,
        "the server saw no file name; does something stand between, that removes "
        "Content-Disposition?",
    ),
    Row(
        r"Only read \d+ out of \d+ bytes",
        Course.RETRY,
        "the connection ended before all was sent",
    ),
    Row(
        r"Checksum error for file",
        Course.RETRY,
        "the bytes were changed on the way; the server stored nothing",
    ),
    Row(
        r"NGAMS_AL_NO_STO_SETS|No disk volumes are available",
        Course.OPERATOR,
        "the archive has no volume with room for this; its operator has to add one",
    ),
    Row(
        r"NGAMS_AL_DISK_SPACE_SAT",
        Course.OPERATOR,
        "the server's system disk is full; its operator has to make room",
    ),
    Row(
        r"NGAMS_ER_ARCH_REQ_NOK",
        Course.OPERATOR,
        "the server would not take this file; ask the archive's operator",
    ),
    Row(
        r"%d format: a .*number is required|invalid literal for int\(\)",
        Course.STOP,
        "the server does not know this crc_variant",
    ),
)

BY_CODE = {
    _UNAUTHORIZED: Failure(
        Course.STOP,
        "the server wants another user or password; they are taken from the "
        "environment variables that [archive_ngas] user_env and password_env name",
    ),
    _FORBIDDEN: Failure(
        Course.STOP,
        "this user may not do that; ask the archive's operator for the right to the "
        "commands ARCHIVE, QARCHIVE, STATUS and CHECKFILE",
    ),
    _NOT_FOUND: Failure(
        Course.STOP, "there is no such command; is [archive_ngas] url that of NGAS?"
    ),
    _NO_LENGTH: Failure(
        Course.STOP,
        "the server saw no length; does something stand between, that sends chunked?",
    ),
    _BUSY: Failure(
        Course.WAIT, "the server is busy with as many requests as it takes at a time"
    ),
}


def is_absent(reply: NgasReply) -> bool:
    """Whether a server that knows says that it does not have a file.

    One that is OFFLINE uses the same words of files that it has.
    """
    return bool(
        reply.code == _REFUSED
        and reply.status == "FAILURE"
        and reply.state == "ONLINE"
        and re.search(r"\bNGAMS_ER_UNAVAIL_FILE\b", reply.message)
    )


def is_proof(reply: NgasReply) -> bool:
    """Whether a CHECKFILE found a file to be as it was; success alone says nothing."""
    return bool(
        reply.is_success
        and re.search(r"\bNGAMS_INFO_FILE_OK\b", reply.message)
        and not re.search(r"\bNGAMS_ER_", reply.message)
    )


def is_damage(reply: NgasReply) -> bool:
    """Whether a CHECKFILE found a file damaged, which a server calls a success."""
    return re.search(r"\bNGAMS_ER_FILE_NOK\b", reply.message) is not None


def failure_of(reply: NgasReply) -> Failure:
    """Return what a reply that is not the wanted one means."""
    if known := BY_CODE.get(reply.code):
        return known
    if reply.problem:
        told = f"replied HTTP {reply.code} with a body that {reply.problem}"
        return Failure(Course.LOOK, told)
    for row in BY_MESSAGE:
        if re.search(row.pattern, reply.message):
            return Failure(row.course, f"{row.told} ({said(reply)})")
    if reply.state != "ONLINE" or "NGAMS_ER_IMPROPER_STATE" in reply.message:
        told = f"the server is {plain(reply.state) or 'not ONLINE'}"
        return Failure(Course.WAIT, f"{told} ({said(reply)})", is_of_server=True)
    # Of a reply that nobody wrote down, the safest is thought: it may be stored.
    return Failure(Course.LOOK, f"the server said: {said(reply)}")


def failure_without_reply(outcome: NoReply) -> Failure:
    """Return what it means that no reply came."""
    course = Course.LOOK if outcome.is_sent else Course.RETRY
    told = f"the server {outcome}"
    return Failure(course, told, is_of_server=not outcome.is_of_file)


def said(reply: NgasReply) -> str:
    """Return a server's message as one line that is not too long."""
    line = plain(reply.message[: 2 * _LONGEST])
    if len(line) > _LONGEST:
        line = f"{line[:_LONGEST]}..."
    return line or f"HTTP {reply.code} {plain(reply.status)}".rstrip()
