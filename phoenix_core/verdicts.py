"""Verdicts that were given: appended to a file of the run, never changed.

One JSON line each: who, when, why, on just which products, and the scores that were
seen. The last word on an AB's present products counts; a verdict on products that were
made again since counts for nothing.
"""

import contextlib
import datetime as dt
import getpass
import json
import os
from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from phoenix_core.ab_file import read_block
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


def reviewed(run: Run, report: QcReport) -> Reviewed:
    """Return what somebody who looks at a report gives a verdict on.

    The id changes with the fingerprint of the AB and with every byte of its products:
    what was made again has to be seen again.
    """
    path = run.ab_path(report.block)
    products = read_block(path).products if path.is_file() else ()
    sums = sorted(product.checksum for product in products)
    return Reviewed(report.block, sum_of((report.fingerprint, *sums))[:_ID])


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
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
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
        size = os.fstat(descriptor).st_size
        is_cut = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        content = (("\n" if is_cut else "") + line + "\n").encode()
        if os.write(descriptor, content) < len(content):
            raise OSError(28, "No space left on device")  # the disk took a part
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _finite(value: float | None) -> float | None:
    return value if value is not None and abs(value) < float("inf") else None


def _user() -> str:
    with contextlib.suppress(KeyError, OSError, ImportError):
        return getpass.getuser()
    return f"user {os.getuid()}"
