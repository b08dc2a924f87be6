"""The QC plot of a cube: one sheet that shows at a glance what came out.

Figures are made as objects, never through pyplot, so that several threads can draw.
Places are pixels from the left upper corner.
"""

import io
import textwrap
from collections.abc import Sequence
from typing import Any, Final

from attrs import frozen

from muse_deep_plugin.exposure_map import Seconds
from muse_deep_plugin.qc_cube import CubeMeasures
from muse_deep_plugin.qc_facts import facts, heading
from muse_deep_plugin.qc_image import draw_image
from muse_deep_plugin.qc_keywords import Offset, Value, fitted
from muse_deep_plugin.qc_panels import (
    depths,
    draw_background,
    draw_depths,
    draw_exposure_map,
    draw_offsets,
)
from muse_deep_plugin.qc_scores import Parameters, number
from muse_deep_plugin.qc_sources import Source
from muse_deep_plugin.qc_spectra import draw_flux, draw_noise
from muse_deep_plugin.qc_style import (
    BAND,
    GOOD,
    GREEN,
    INK,
    LARGE,
    NORMAL,
    ORANGE,
    PALE,
    RED,
    SMALL,
    TITLE,
)
from muse_deep_plugin.qc_text import in_all_digits, in_digits, plain
from phoenix_core.model import Score

WIDTH: Final = 1800
HEIGHT: Final = 1200

_DPI: Final = 100
_EDGE: Final = 30  # pixels left free on either side
_BOXES: Final = 10  # scores that have room beside each other
_SAID: Final = 4  # lines of warnings
_LETTERS: Final = 128  # of a warning in a line


@frozen(eq=False)
class Sheet:
    """What stands on a QC plot; `sources`: those of the white-light image.

    Of a deep cube also: the QC parameters of its `exposures`, their `offsets`, which
    of them (DATE-OBS) exp_align found `unmatched`, and the exposure map, in seconds.
    """

    block: str
    run: str
    target: str
    is_deep: bool
    measures: CubeMeasures
    parameters: dict[str, Value]
    sources: tuple[Source, ...] = ()
    scores: tuple[Score, ...] = ()
    comments: tuple[str, ...] = ()
    offsets: tuple[Offset, ...] = ()
    exposures: tuple[Parameters, ...] = ()
    unmatched: tuple[str, ...] = ()
    times: Seconds | None = None

    def number(self, name: str) -> float | None:
        """Return a parameter that is a finite number."""
        return number(self.parameters, name)


def draw_sheet(sheet: Sheet) -> bytes:
    """Draw the QC plot of a cube; return it as PNG of WIDTH x HEIGHT pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    size = (WIDTH / _DPI, HEIGHT / _DPI)
    figure = Figure(figsize=size, dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    _head(figure, sheet)
    top = _say(figure, sheet, _boxes(figure, sheet, 122))
    if sheet.is_deep:
        _deep_panels(figure, sheet, top)
    else:
        _single_panels(figure, sheet, top)
    _table(figure, facts(sheet.parameters, sheet.measures, is_deep=sheet.is_deep))
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=_DPI, metadata={"Software": None})
    return content.getvalue()


# The head -------------------------------------------------------------------------


def _head(figure: Any, sheet: Sheet) -> None:
    name = plain(sheet.target, 40) or "no target"
    _write(figure, _EDGE, 42, name, fontsize=TITLE, weight="bold")
    verdict, ink, colour = _verdict(sheet)
    _write(
        figure,
        WIDTH - _EDGE - 8,
        40,
        verdict,
        ha="right",
        color=ink,
        weight="bold",
        fontsize=LARGE + 3,
        bbox={"boxstyle": "round,pad=0.4", "facecolor": colour, "edgecolor": "none"},
    )
    about = f"run {plain(sheet.run)}   ·   "
    about += heading(sheet.parameters, is_deep=sheet.is_deep)
    _write(figure, _EDGE, 91, about, fontsize=LARGE)
    if flag := sheet.parameters.get("QCFLAG"):
        _write(
            figure,
            WIDTH - _EDGE,
            91,
            f"QCFLAG {plain(flag, 12)}",
            ha="right",
            fontsize=LARGE,
            family="monospace",
        )


def _verdict(sheet: Sheet) -> tuple[str, str, str]:
    """The badge, its letters, its colour: green where there is nothing to look at."""
    scored = [score for score in sheet.scores if score.is_scored]
    failed = sum(not score.is_passed for score in scored)
    errors = sum(comment.startswith("ERROR") for comment in sheet.comments)
    warnings = len(sheet.comments) - errors
    said = (
        f"{len(scored)} score{'s' * (len(scored) > 1)} passed"
        if scored
        else "not scored"
    )
    if failed:
        said = f"{failed} of {len(scored)} scores failed"
    for count, word in ((errors, "error"), (warnings, "warning")):
        said += f", {count} {word}{'s' * (count > 1)}" if count else ""
    if failed or errors:
        return f"✗ {said}", "white", RED
    if warnings:
        return f"! {said}", INK, ORANGE
    if not scored:
        return said, "white", PALE
    return f"✓ all {said}", "white", GREEN


def _boxes(figure: Any, sheet: Sheet, top: float) -> float:
    """Draw a box for each score; return where they end."""
    from matplotlib.patches import FancyBboxPatch  # noqa: PLC0415

    shown = sheet.scores[:_BOXES]
    gap, height = 10, 86
    width = (WIDTH - 2 * _EDGE + gap) / max(len(shown), 6) - gap
    letters = int(width / 12.5)
    for n, score in enumerate(shown):
        left = _EDGE + n * (width + gap)
        said, ink, colour = _state(score)
        figure.add_artist(
            FancyBboxPatch(
                (left / WIDTH, 1 - (top + height) / HEIGHT),
                width / WIDTH,
                height / HEIGHT,
                boxstyle="round,pad=0,rounding_size=0.004",
                mutation_aspect=WIDTH / HEIGHT,
                facecolor=colour,
                edgecolor=ink if ink != "white" else colour,
                linewidth=1.0,
            )
        )
        name = plain(score.name.replace("_", " "), letters)
        style = {"color": ink, "weight": "bold"}
        _write(figure, left + 10, top + 19, name, fontsize=NORMAL, **style)
        value, right = in_all_digits(score.value), left + width - 9
        _write(figure, left + 10, top + 45, value, fontsize=LARGE, **style)
        _write(figure, right, top + 46, said, ha="right", fontsize=SMALL, color=ink)
        _write(figure, left + 10, top + 70, _range(score), fontsize=SMALL, color=ink)
    if more := len(sheet.scores) - len(shown):
        said = f"and {more} more, on the page"
        _write(figure, WIDTH - _EDGE, top - 9, said, ha="right", fontsize=SMALL)
    return top + (height + 14 if shown else 0)


def _state(score: Score) -> tuple[str, str, str]:
    """What is said of a score, in which letters, on which colour."""
    if not score.is_scored:
        return "○ not scored", PALE, BAND
    if score.is_passed:
        return "✓ ok", GREEN, GOOD
    said = "✗ failed" if score.value is not None else "✗ no value"
    return said, "white", RED


def _range(score: Score) -> str:
    if score.low is not None and score.high is not None:
        if score.low == score.high:
            return f"= {in_digits(score.low)}"
        return f"{in_digits(score.low)} … {in_digits(score.high)}"
    if score.high is not None:
        return f"≤ {in_digits(score.high)}"
    return f"≥ {in_digits(score.low)}" if score.low is not None else ""


def _say(figure: Any, sheet: Sheet, top: float) -> float:
    """Write the warnings in words; return where they end."""
    lines: list[str] = []
    for comment in sheet.comments:
        pieces = textwrap.wrap(plain(comment, 400), _LETTERS)
        lines += [("! " if n == 0 else "   ") + p for n, p in enumerate(pieces)]
    if len(lines) > _SAID:
        hidden = len(lines) - _SAID + 1
        lines = [*lines[: _SAID - 1], f"   … {hidden} more lines in the report"]
    for n, line in enumerate(lines):
        style = {"fontsize": LARGE - 2, "color": "#8a2f00", "weight": "bold"}
        _write(figure, _EDGE, top + 12 + 27 * n, line, **style)
    return top + 27 * len(lines) + (8 if lines else 0)


# The panels -----------------------------------------------------------------------


def _deep_panels(figure: Any, sheet: Sheet, top: float) -> None:
    below = 1060  # where the lowest axes end
    small = 230
    middle = below - small - 92  # where the upper ones end
    _image(figure, sheet, (95, top + 34, 640, middle - top - 40))
    _spectra(figure, sheet, top, middle)
    measures = sheet.measures
    row = (below - small, small)
    offsets = _axes(figure, (95, row[0], 270, row[1]))
    draw_offsets(offsets, measures, sheet.offsets, sheet.unmatched)
    found = depths(sheet.exposures, sheet.parameters)
    draw_depths(_axes(figure, (475, row[0], 370, row[1])), found)
    exposed = _axes(figure, (915, row[0], 300, row[1]))
    draw_exposure_map(exposed, measures, sheet.times)
    _background(figure, sheet, (1375, row[0], 395, row[1]))


def _single_panels(figure: Any, sheet: Sheet, top: float) -> None:
    below = 1060
    small = 215
    middle = below - small - 92
    _image(figure, sheet, (95, top + 34, 690, below - top - 34))
    _spectra(figure, sheet, top, middle, left=1005)
    _background(figure, sheet, (1005, below - small, 765, small))


def _image(figure: Any, sheet: Sheet, box: tuple[float, ...]) -> None:
    axes = _axes(figure, box)
    seen = fitted(sheet.parameters)
    draw_image(axes, sheet.measures, sheet.sources, seen, sheet.number("FWHM"))


def _spectra(
    figure: Any, sheet: Sheet, top: float, below: float, left: float = 815
) -> None:
    width, gap = WIDTH - _EDGE - left, 50
    first = top + 42
    height = (below - first - gap) / 2
    flux = _axes(figure, (left, first, width, height))
    draw_flux(flux, sheet.measures)
    box = (left, first + height + gap, width, height)
    noise = _axes(figure, box, sharex=flux)
    draw_noise(noise, sheet.measures, sheet.number("NOISE_EXPECTED"))


def _background(figure: Any, sheet: Sheet, box: tuple[float, ...]) -> None:
    level, spread = sheet.number("BKG_MEDIAN"), sheet.number("BKG_MAD")
    mode = sheet.number("HISTO_BKG")
    draw_background(_axes(figure, box), sheet.measures, level, spread, mode)


def _table(figure: Any, rows: Sequence[tuple[str, str]]) -> None:
    """Write the facts below everything, in columns."""
    columns = 4
    per_column = -(-len(rows) // columns)
    width = (WIDTH - 2 * _EDGE) / columns
    for n, (name, value) in enumerate(rows):
        x = _EDGE + width * (n // per_column)
        y = HEIGHT - 22 - 27 * (per_column - 1 - n % per_column)
        _write(figure, x, y, name, color=PALE)
        _write(figure, x + 155, y, value)


def _axes(figure: Any, box: tuple[float, ...], **options: Any) -> Any:
    left, top, width, height = box
    place = (left / WIDTH, 1 - (top + height) / HEIGHT)
    return figure.add_axes((*place, width / WIDTH, height / HEIGHT), **options)


def _write(figure: Any, x: float, y: float, text: str, **style: Any) -> None:
    """Write on the sheet; names in the text are no formulas."""
    style = {"fontsize": NORMAL, "color": INK, "va": "center"} | style
    figure.text(x / WIDTH, 1 - y / HEIGHT, text, parse_math=False, **style)
