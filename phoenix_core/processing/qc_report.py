"""The QC report of an AB as a JSON file beside its products.

One file tells everything about the QC of an AB, to phoenix and to other programmes.
JSON has no NaN: what is not finite is written as null and read back as NaN (a
parameter) or None (the value of a score, which then is not passed). Keys that phoenix
does not know are left alone, so that a newer report can be read by an older phoenix.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from attrs import field, frozen

from phoenix_core.association_block import AssociationBlock, is_safe_name
from phoenix_core.errors import ConfigError
from phoenix_core.files.atomic import write_text
from phoenix_core.files.regular_file import read_regular
from phoenix_core.model import Qc1Row, QcReport, Run, Score

SUFFIX = ".qc.json"
PAGE = ".qc.html"

T = TypeVar("T")
_PLAIN = str | int | float


@frozen
class StoredReport:
    """A report as it lies on disk, and what it was made with.

    `inputs` are the reports of the ABs that it may have looked at: a sum by AB.
    """

    report: QcReport
    setup: str = ""  # tells one QC configuration from another
    inputs: Mapping[str, str] = field(factory=dict)


def report_path(run: Run, block: AssociationBlock) -> Path:
    """Where the report of an AB lies until its products are certified and moved."""
    return run.product_dir(block.raw_type) / f"{block.root}{SUFFIX}"


def page_path(report: Path) -> Path:
    """Where the page of a report lies, given where the report does."""
    return report.with_name(report.name.removesuffix(SUFFIX) + PAGE)


def write_report(path: Path, stored: StoredReport) -> None:
    """Write a report in one step; its plots have to lie in the same directory.

    Of the plots the names are kept, so that all can be moved together.

    Raises:
        OSError: it could not be written.
    """
    report = stored.report
    document = {
        "block": report.block,
        "recipe": report.recipe,
        "target": report.target,
        "fingerprint": report.fingerprint,
        "setup": stored.setup,
        "inputs": dict(stored.inputs),
        "is_green": report.is_green,
        "total_score": report.total_score,
        "scores": [
            {
                "name": score.name,
                "value": _finite(score.value),
                "low": _finite(score.low),
                "high": _finite(score.high),
                "comment": score.comment,
                "is_scored": score.is_scored,
                "is_passed": score.is_passed,
                "colour": score.colour,
            }
            for score in report.scores
        ],
        "comments": list(report.comments),
        "plots": [plot.name for plot in report.plots],
        "parameters": {name: _finite(v) for name, v in report.parameters.items()},
        "qc1": [
            {
                "table": row.table,
                "values": {name: _finite(v) for name, v in row.values.items()},
            }
            for row in report.qc1
        ],
        "units": dict(report.units),
    }
    write_text(path, json.dumps(document, indent=1, allow_nan=False) + "\n")


def read_report(path: Path) -> QcReport:
    """Read a report.

    Raises:
        ConfigError: file and key of what is missing or damaged.
    """
    return read_stored(path).report


def read_stored(path: Path) -> StoredReport:
    """Read a report and what it was made with; errors as `read_report`."""
    try:
        document = json.loads(read_regular(path))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"is no JSON ({error})") from error
    if not isinstance(document, dict):
        raise _damaged(path, "is no JSON object")
    reader = _Reader(path, document)
    report = QcReport(
        block=reader.get("block", str),
        recipe=reader.get("recipe", str, ""),
        target=reader.get("target", str, ""),
        parameters=reader.parameters(),
        scores=tuple(map(reader.score, reader.get("scores", list, []))),
        comments=reader.texts("comments"),
        plots=tuple(map(reader.plot, reader.texts("plots"))),
        fingerprint=reader.get("fingerprint", str, ""),
        qc1=tuple(map(reader.qc1_row, reader.get("qc1", list, []))),
        units={n: str(u) for n, u in reader.get("units", dict, {}).items()},
    )
    inputs = {name: str(text) for name, text in reader.get("inputs", dict, {}).items()}
    return StoredReport(report, reader.get("setup", str, ""), inputs)


@frozen
class _Reader:
    """One file while it is checked."""

    path: Path
    document: Mapping[str, Any]

    def get(self, key: str, kind: type[T], default: T | None = None) -> T:
        value = self.document.get(key, default)
        if not isinstance(value, kind):
            raise self.wrong(key, value)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        values = self.get(key, list, [])
        if not all(isinstance(value, str) for value in values):
            raise self.wrong(key, values)
        return tuple(values)

    def parameters(self) -> dict[str, str | int | float | bool]:
        found: dict[str, str | int | float | bool] = {}
        for name, value in self.get("parameters", dict, {}).items():
            if value is not None and not isinstance(value, _PLAIN):
                raise self.wrong(f"parameters, {name}", value)
            found[name] = math.nan if value is None else value
        return found

    def score(self, row: object) -> Score:
        if not isinstance(row, dict) or not isinstance(row.get("name"), str):
            raise self.wrong("scores", row)
        name = row["name"]
        value, low, high = (
            self._number(f"scores, {name}", row.get(key))
            for key in ("value", "low", "high")
        )
        comment, is_scored = row.get("comment", ""), row.get("is_scored")
        if not isinstance(comment, str):
            raise self.wrong(f"scores, {name}", comment)
        if is_scored is None:
            return Score(name, value, low, high, comment)
        if not isinstance(is_scored, bool):
            raise self.wrong(f"scores, {name}", is_scored)
        return Score(name, value, low, high, comment, is_scored)

    def qc1_row(self, row: object) -> Qc1Row:
        match row:
            case {"table": str(table), "values": dict(values)} if all(
                value is None
                or (isinstance(value, _PLAIN) and not isinstance(value, bool))
                for value in values.values()
            ):
                return Qc1Row(table, values)
        raise self.wrong("qc1", row)

    def plot(self, name: str) -> Path:
        if not is_safe_name(name) or not name.endswith(".png"):
            raise self.wrong("plots", name)
        return self.path.parent / name

    def _number(self, key: str, value: object) -> float | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(key, value)
        try:
            return value if math.isfinite(value) else None
        except OverflowError:  # JSON has whole numbers of any length
            raise self.wrong(key, value) from None

    def wrong(self, key: str, value: object) -> ConfigError:
        text = repr(value)
        shown = text if len(text) <= 40 else f"{text[:37]}..."  # noqa: PLR2004
        problem = "is missing" if value is None else f"is {shown}"
        return _damaged(self.path, f"{key} {problem}")


def _finite(value: T) -> T | None:
    """The value, or None where it is a number that JSON cannot say."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _damaged(path: Path, problem: str) -> ConfigError:
    line = " ".join(problem.split())
    return ConfigError(
        f"{path}: no whole QC report: {line}; delete it and run processQC again"
    )
