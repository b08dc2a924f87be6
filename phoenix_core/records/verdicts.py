"""Verdicts that were given: appended to a file of the run, never changed.

One JSON line each: who, when, why, on just which products (name and sha256), the scores
and warnings that were seen, and the sha256 of the line before: a log that only grows,
in which nothing is changed or taken out unnoticed. The last word on an AB's present
products counts; a verdict on products that were made again since counts for nothing.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from phoenix_core.ab.file import read_block
from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import CertificationError
from phoenix_core.files.sums import sum_of
from phoenix_core.model import QcReport, Run, Verdict
from phoenix_core.records.lines import (
    ChangedRecordError,
    DamagedRecordError,
    append_record,
    now,
    read_records,
    user,
)

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


def products_id(block: AssociationBlock) -> str:
    """Return the short id of an AB's present products, as a verdict carries it."""
    return _seen(block.name, block.fingerprint, block).report


def reviewed(run: Run, report: QcReport) -> Reviewed:
    """Return what somebody who looks at a report gives a verdict on.

    The id changes with the fingerprint of the AB and with every byte of its products:
    what was made again has to be seen again.
    """
    return _seen(report.block, report.fingerprint, _block(run, report))


def _block(run: Run, report: QcReport) -> AssociationBlock | None:
    path = run.ab_path(report.block)
    return read_block(path) if path.is_file() else None


def _seen(name: str, fingerprint: str, block: AssociationBlock | None) -> Reviewed:
    sums = sorted(product.checksum for product in block.products) if block else ()
    return Reviewed(name, sum_of((fingerprint, *sums))[:_ID])


def make_verdict(report: QcReport, *, is_accepted: bool, comment: str = "") -> Verdict:
    """Return this person's verdict, given now."""
    return Verdict(
        block=report.block,
        is_accepted=is_accepted,
        by=user(),
        at=now(),
        comment=comment,
        fingerprint=report.fingerprint,
    )


def keep_verdict(run: Run, report: QcReport, verdict: Verdict, seen: str = "") -> None:
    """Append a verdict, on disk when this returns.

    Args:
        run: the run or night.
        report: what was looked at.
        verdict: the word on it.
        seen: the short id of the products that were looked at, where some time has
            passed since.

    Raises:
        CertificationError: it could not be written; the products were made again.
    """
    block = _block(run, report)
    present = _seen(report.block, report.fingerprint, block)
    if seen and seen != present.report:
        raise CertificationError(
            f"{report.block} was made again since it was shown: call again, and look "
            "at what is there now"
        )
    row = {
        "block": verdict.block,
        "report": present.report,
        "verdict": "ACCEPT" if verdict.is_accepted else "REJECT",
        "by": verdict.by,
        "at": verdict.at,
        "comment": verdict.comment,
        "fingerprint": verdict.fingerprint,
        "scores": {
            score.name: {
                "value": _finite(score.value),
                "low": _finite(score.low),
                "high": _finite(score.high),
                "is_passed": score.is_passed,
                "is_scored": score.is_scored,
            }
            for score in report.scores
        },
        "comments": report.comments,
        "products": {one.file: one.checksum for one in block.products} if block else {},
    }
    path = run.monitor_dir / _NAME
    try:
        append_record(path, row, is_chained=True)
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
    found: dict[Reviewed, Verdict] = {}
    try:
        for number, row in read_records(path):
            seen, verdict = _given(path, number, row)
            found[seen] = verdict
    except ChangedRecordError as error:
        raise CertificationError(
            f"{path}, line {error.number}: does not follow on the line before it: one "
            "was changed, put in or taken out by hand. Restore the file from a backup, "
            "or cut it before that line, and review again what was cut"
        ) from None
    except DamagedRecordError as error:
        raise CertificationError(
            f"{path}, line {error.number}: damaged; what it said may matter: restore "
            "the file from a backup, or cut it before this line, and review again what "
            "was cut"
        ) from None
    except OSError as error:
        raise CertificationError(f"{path}: {error.strerror}") from error
    return found


def _given(path: Path, number: int, row: Any) -> tuple[Reviewed, Verdict]:
    try:
        texts = ("block", "report", "by", "at", "comment", "fingerprint")
        block, report, by, at, comment, fingerprint = (str(row[t]) for t in texts)
        accepted = {"ACCEPT": True, "REJECT": False}[row["verdict"]]
    except (KeyError, TypeError):
        raise CertificationError(
            f"{path}, line {number}: no verdict; cut the file before this line"
        ) from None
    verdict = Verdict(block, accepted, by, at, comment, fingerprint)
    return Reviewed(block, report), verdict


def _finite(value: float | None) -> float | None:
    return value if value is not None and abs(value) < float("inf") else None
