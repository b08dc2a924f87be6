"""Verdicts that were given: appended to a file of the run, never changed.

One JSON line each: who, when, why, on just which products, and the scores that were
seen. The last word on an AB's present products counts; a verdict on products that were
made again since counts for nothing.
"""

import contextlib
import datetime as dt
import json
import os
import pwd
from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from phoenix_core.ab_file import read_block
from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import CertificationError
from phoenix_core.file_sums import sum_of
from phoenix_core.model import QcReport, Run, Verdict

_NAME = "verdicts.jsonl"
_ID = 12


@frozen
class Reviewed:
    """What a verdict is on: an AB, and the short id of the products that were seen."""

    block: str
    report: str


@frozen
class Word:
    """A verdict as people are told of it: ACCEPTED or REJECTED, by whom, when, why."""

    word: str
    by: str
    at: str  # ISO time, UTC
    comment: str = ""

    @property
    def is_no(self) -> bool:
        """Whether the products were rejected."""
        return self.word == "REJECTED"

    @property
    def told(self) -> str:
        """The whole of it in one line."""
        why = f": {self.comment}" if self.comment else ""
        return f"{self.word} by {self.by}, {self.at}{why}"


def word_on(given: Mapping[Reviewed, Verdict], block: AssociationBlock) -> Word | None:
    """Return the verdict on the present products of an AB, active or moved.

    Args:
        given: the verdicts of its run, as `read_verdicts` returns them.
        block: the AB.
    """
    verdict = given.get(_seen(block.name, block.fingerprint, block))
    if verdict is None:
        return None
    word = "ACCEPTED" if verdict.is_accepted else "REJECTED"
    return Word(word, verdict.by, verdict.at, verdict.comment)


def reviewed(run: Run, report: QcReport) -> Reviewed:
    """Return what somebody who looks at a report gives a verdict on.

    The id changes with the fingerprint of the AB and with every byte of its products:
    what was made again has to be seen again.
    """
    path = run.ab_path(report.block)
    block = read_block(path) if path.is_file() else None
    return _seen(report.block, report.fingerprint, block)


def _seen(name: str, fingerprint: str, block: AssociationBlock | None) -> Reviewed:
    sums = sorted(product.checksum for product in block.products) if block else ()
    return Reviewed(name, sum_of((fingerprint, *sums))[:_ID])


def make_verdict(report: QcReport, *, is_accepted: bool, comment: str = "") -> Verdict:
    """Return this person's verdict, given now."""
    return Verdict(
        block=report.block,
        is_accepted=is_accepted,
        by=_user(),
        at=now(),
        comment=comment,
        fingerprint=report.fingerprint,
    )


def now() -> str:
    """Return the time as verdicts carry it: ISO, UTC."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def keep_verdict(run: Run, report: QcReport, verdict: Verdict) -> None:
    """Append a verdict, on disk when this returns.

    Raises:
        CertificationError: it could not be written.
    """
    seen = reviewed(run, report)
    row = {
        "block": verdict.block,
        "report": seen.report,
        "verdict": "ACCEPT" if verdict.is_accepted else "REJECT",
        "by": verdict.by,
        "at": verdict.at,
        "comment": verdict.comment,
        "fingerprint": verdict.fingerprint,
        "scores": {
            score.name: {"value": _finite(score.value), "is_passed": score.is_passed}
            for score in report.scores
        },
    }
    path = run.monitor_dir / _NAME
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _append(path, json.dumps(row))
    except OSError as error:
        raise CertificationError(
            f"{path}: the verdict on {verdict.block} could not be kept: "
            f"{error.strerror}"
        ) from error


def read_verdicts(run: Run) -> Mapping[Reviewed, Verdict]:
    """Return the last verdict on each AB and id of its products.

    A line that is cut short was never given: whoever wrote it was killed meanwhile.

    Raises:
        CertificationError: file and line of what is no verdict.
    """
    path = run.monitor_dir / _NAME
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CertificationError(f"{path}: {error.strerror}") from error
    found: dict[Reviewed, Verdict] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            if number == len(lines):
                continue  # no line end: cut short
            raise CertificationError(
                f"{path}, line {number}: damaged; what it said may matter: mend this "
                "line, or remove it and review its AB again"
            ) from None
        try:
            texts = ("block", "report", "by", "at", "comment", "fingerprint")
            block, report, by, at, comment, fingerprint = (str(row[t]) for t in texts)
            accepted = {"ACCEPT": True, "REJECT": False}[row["verdict"]]
        except (KeyError, TypeError):
            raise CertificationError(
                f"{path}, line {number}: no verdict; remove this line"
            ) from None
        verdict = Verdict(block, accepted, by, at, comment, fingerprint)
        found[Reviewed(block, report)] = verdict
    return found


def _append(path: Path, line: str) -> None:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o644)
    try:
        written = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        # What a killed phoenix left behind the last line end was never a verdict.
        os.ftruncate(descriptor, written.rfind(b"\n") + 1)
        content = f"{line}\n".encode()
        if os.write(descriptor, content) < len(content):
            raise OSError(28, "No space left on device")  # the disk took a part
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _finite(value: float | None) -> float | None:
    return value if value is not None and abs(value) < float("inf") else None


def _user() -> str:
    # Not $USER, by which anybody could be anybody.
    with contextlib.suppress(KeyError):
        return pwd.getpwuid(os.getuid()).pw_name
    return f"user {os.getuid()}"
