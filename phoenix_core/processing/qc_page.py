"""The QC report of an AB as a page: its scores, comments, plots and parameters.

It needs no other file but the plots beside it, with which it is moved, and no network.
Any report makes a page; what is in it comes from files and is escaped.
"""

import hashlib
import math
from base64 import b64encode
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Final

from attrs import frozen

from phoenix_core.model import QcReport, Score
from phoenix_core.pages.files import fingerprint, fingerprint_in, write_page

_TEMPLATE: Final = "qc_report.html"
_STYLES: Final = ("style.css", "qc_report.css")
_PAGES: Final = "phoenix_core.pages"


@frozen
class Said:
    """A text, and its state: good, warn, bad or open."""

    text: str
    state: str


@frozen
class ScoreLine:
    """A line of the table of scores."""

    name: str
    value: str
    limits: str
    said: str
    state: str


@frozen
class ParameterLine:
    """A line of the table of parameters."""

    name: str
    value: str
    unit: str
    kind: str


@frozen
class Plot:
    """A plot beside the page."""

    link: str
    text: str


def write_qc_page(path: Path, report: QcReport) -> None:
    """Write the page of a report, where it is not there as it would be written.

    Args:
        path: of the page; the plots lie in the same directory.
        report: as it is on disk.

    Raises:
        OSError: it could not be written whole; the one before is untouched.
    """
    from markupsafe import Markup  # noqa: PLC0415, costs start-up

    from phoenix_core.pages.templates import environment  # noqa: PLC0415

    pages = files(_PAGES)
    style = "".join(pages.joinpath("assets", s).read_text("utf-8") for s in _STYLES)
    template = pages.joinpath("templates", _TEMPLATE).read_text("utf-8")
    shown = _shown_of(report)
    texts = (repr(sorted(shown.items())), style, template)
    made_of = fingerprint(text.encode("utf-8", "replace") for text in texts)
    if fingerprint_in(path) != made_of:
        # What a style element holds is not escaped: its sum lets just this one pass.
        total = b64encode(hashlib.sha256(style.encode()).digest()).decode()
        own = {"fingerprint": made_of, "style_sum": f"sha256-{total}"}
        own["style"] = Markup(style)  # noqa: S704, it is ours
        look = environment(_PAGES).get_template(_TEMPLATE)
        write_page(path, look.render({**shown, **own}))


def _shown_of(report: QcReport) -> dict[str, object]:
    """All that the page shows of a report."""
    from phoenix_core.pages.templates import address  # noqa: PLC0415, costs start-up

    return {
        "title": f"QC of {report.target or report.block}",
        "verdict": _verdict(report),
        "facts": [("AB", report.block), ("recipe", report.recipe)],
        "comments": [_comment(comment) for comment in report.comments],
        "plots": [
            Plot(address(plot.name), f"QC plot {plot.stem}") for plot in report.plots
        ],
        "scores": [score_line(score) for score in report.scores],
        "parameters": list(_parameters(report)),
    }


def _verdict(report: QcReport) -> Said:
    scored = [score for score in report.scores if score.is_scored]
    failed = [score.name for score in scored if not score.is_passed]
    errors = sum(_comment(comment).state == "bad" for comment in report.comments)
    warnings = len(report.comments) - errors
    said = (
        f"{len(scored)} score{'s' * (len(scored) > 1)} passed"
        if scored
        else "not scored"
    )
    if failed:
        said = f"failed: {', '.join(failed)}"
    elif scored and not report.comments:
        said = f"all {said}"
    for count, word in ((errors, "error"), (warnings, "warning")):
        said += f", {count} {word}{'s' * (count > 1)}" if count else ""
    if failed or errors:
        return Said(said, "bad")
    if warnings:
        return Said(said, "warn")
    return Said(said, "good" if scored else "open")


def _comment(comment: str) -> Said:
    return Said(comment, "bad" if comment.startswith("ERROR") else "warn")


def score_line(score: Score) -> ScoreLine:
    """Return what is shown of a score."""
    low, high = score.low, score.high
    if not score.is_scored:
        limits, said, state = "", "not scored", "open"
    else:
        is_passed = score.is_passed
        said, state = ("passed", "good") if is_passed else ("failed", "bad")
        if score.value is None or math.isnan(score.value):
            said = "failed: no value"
        if low == high:
            limits = f"= {_shown(low)}"
        elif low is not None and high is not None:
            limits = f"{_shown(low)} to {_shown(high)}"
        else:
            limits = f"≤ {_shown(high)}" if low is None else f"≥ {_shown(low)}"
    value = "" if score.value is None else _shown(score.value)
    return ScoreLine(score.name, value, limits, said, state)


def _parameters(report: QcReport) -> Iterator[ParameterLine]:
    """Own names first: those with blanks are the many keywords of the pipelines."""
    for name in sorted(report.parameters, key=lambda name: " " in name):
        value = report.parameters[name]
        kind = "text" if isinstance(value, str) else "number"
        yield ParameterLine(name, _shown(value), report.units.get(name, ""), kind)


def _shown(value: str | float | None) -> str:
    """A value in seven digits at most."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "no value" if math.isnan(value) else f"{value:.7g}"
    return "" if value is None else str(value)
