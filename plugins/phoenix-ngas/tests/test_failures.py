"""Each failure that was measured has its course and its line, and is in the page."""

import re
from pathlib import Path

import phoenix_ngas
import pytest
from phoenix_ngas.exchange import NoReply
from phoenix_ngas.failures import (
    BY_CODE,
    BY_MESSAGE,
    Course,
    failure_of,
    failure_without_reply,
    is_absent,
    is_damage,
    is_proof,
)
from phoenix_ngas.reply import NgasReply

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "ngas.md").read_text("utf-8")
TABLE = PAGE.partition("## What is told")[2].partition("\n## ")[0]
FIRST = [line.split("|")[1] for line in TABLE.splitlines() if line.startswith("| `")]
TOLD = [words for cell in FIRST for words in re.findall(r"`([^`]+)`", cell)]
UNAVAIL = "NGAMS_ER_UNAVAIL_FILE:4025:ERROR: File not available"
FILE_OK = "NGAMS_INFO_FILE_OK:3053:INFO: File OK"
FILE_NOK = "NGAMS_ER_FILE_NOK:4057:ERROR: Inconsistent checksum found"

# HTTP code, state, message, and what comes next.
MEASURED = (
    (400, "ONLINE", "Unknown mime type: x/y", Course.STOP),
    (400, "ONLINE", "NGAMS_ER_UNKNOWN_MIME_TYPE2:4047:ERROR: x", Course.STOP),
    (400, "ONLINE", "NGAMS_ER_UNKNOWN_MIME_TYPE1:4014:ERROR: x", Course.STOP),
    (400, "ONLINE", "NGAMS_ER_MISSING_URI:4013:ERROR: x", Course.STOP),
    (411, "ONLINE", "Content-Length is 0 or unknown", Course.STOP),
    (400, "ONLINE", "Only read 5 out of 9 bytes (4 bytes missing)", Course.RETRY),
    (
        400,
        "ONLINE",
        "Checksum error for file F, local crc = 1, but remote crc = 2",
        Course.RETRY,
    ),
    (400, "OFFLINE", "NGAMS_ER_IMPROPER_STATE:4015:ERROR: x", Course.WAIT),
    (400, "OFFLINE", UNAVAIL, Course.WAIT),
    (503, "", "", Course.WAIT),
    (400, "ONLINE", "NGAMS_AL_NO_STO_SETS:3014:ALERT: x", Course.OPERATOR),
    (
        400,
        "ONLINE",
        "No disk volumes are available for ingesting any files.",
        Course.OPERATOR,
    ),
    (400, "ONLINE", "NGAMS_AL_DISK_SPACE_SAT:3024:ALERT: x", Course.OPERATOR),
    (401, "", "", Course.STOP),
    (403, "", "", Course.STOP),
    (404, "", "Command not found", Course.STOP),
    (400, "ONLINE", "NGAMS_ER_DAPI_BAD_FILE:4058:ERROR: x", Course.STOP),
    (400, "ONLINE", "cannot access local variable 'filename' where", Course.STOP),
    (400, "ONLINE", "%d format: a real number is required", Course.STOP),
    (400, "ONLINE", "invalid literal for int() with base 10: 'x'", Course.STOP),
    (400, "ONLINE", "something new", Course.LOOK),
    (200, "ONLINE", "Successful, it says", Course.LOOK),
    (500, "ONLINE", "", Course.LOOK),
)


@pytest.mark.parametrize(("code", "state", "message", "course"), MEASURED)
def test_each_failure_that_was_measured_has_its_course(code, state, message, course):
    status = "SUCCESS" if code == 200 else "FAILURE"
    failure = failure_of(NgasReply(code, status, state, message))
    assert failure.course is course
    assert "\n" not in failure.told
    assert len(failure.told) > 20


def test_every_row_is_of_a_failure_that_was_measured():
    messages = [message for _, _, message, _ in MEASURED]
    others = {r"NGAMS_ER_ARCH_REQ_NOK"}  # of a probe, which is never asked for
    for row in BY_MESSAGE:
        found = any(re.search(row.pattern, message) for message in messages)
        assert found or row.pattern in others, row.pattern


def test_only_a_server_that_is_online_knows_what_it_lacks():
    assert is_absent(NgasReply(400, "FAILURE", "ONLINE", UNAVAIL))
    for code, status, state, message in (
        (400, "FAILURE", "OFFLINE", UNAVAIL),
        (400, "FAILURE", "", UNAVAIL),
        (200, "SUCCESS", "ONLINE", UNAVAIL),
        (500, "FAILURE", "ONLINE", UNAVAIL),
        (400, "FAILURE", "ONLINE", "Not available"),
        (400, "FAILURE", "ONLINE", UNAVAIL.replace("FILE", "FILESYSTEM")),
    ):
        assert not is_absent(NgasReply(code, status, state, message))


def test_only_the_word_for_it_is_a_proof():
    assert is_proof(NgasReply(200, "SUCCESS", "ONLINE", FILE_OK))
    for code, status, message in (
        (200, "SUCCESS", FILE_NOK),
        (200, "SUCCESS", f"{FILE_OK} {FILE_NOK}"),
        (200, "SUCCESS", "Successfully handled command CHECKFILE"),
        (200, "FAILURE", FILE_OK),
        (400, "SUCCESS", FILE_OK),
    ):
        assert not is_proof(NgasReply(code, status, "ONLINE", message))
    assert is_damage(NgasReply(200, "SUCCESS", "ONLINE", FILE_NOK))
    assert not is_damage(NgasReply(200, "SUCCESS", "ONLINE", FILE_OK))


def test_what_may_be_stored_is_looked_for_first():
    assert failure_without_reply(NoReply("x", is_sent=True)).course is Course.LOOK
    assert failure_without_reply(NoReply("x", is_sent=False)).course is Course.RETRY


def test_a_message_of_a_server_stays_one_short_line():
    failure = failure_of(NgasReply(400, "FAILURE", "ONLINE", "a\n\x1b[2J" * 10_000))
    assert "\x1b" not in failure.told
    assert "\n" not in failure.told
    assert len(failure.told) < 300


def test_every_failure_stands_in_the_page():
    rows = [row.told for row in BY_MESSAGE if "ARCH_REQ_NOK" not in row.pattern]
    for told in (*rows, *(failure.told for failure in BY_CODE.values())):
        assert any(words.rstrip(" .") in told for words in TOLD), told


def test_what_the_page_quotes_is_told():
    folder = Path(phoenix_ngas.__file__).parent
    source = " ".join(path.read_text("utf-8") for path in folder.glob("*.py"))
    source = re.sub(r'"\s*f?"', "", source)
    for words in TOLD:
        if "OFFLINE" not in words:
            assert words.rstrip(" .:") in source, words
