"""How the QC sheets look: one style for all, and the parts that they share.

Texts are safe to draw whatever a header says. Figures are made as objects, never
through pyplot, so that several threads can draw.
"""

import io
import math
from collections.abc import Sequence
from typing import Any, Final

from phoenix_core.model import Score

INK: Final = "#1b2733"
PALE: Final = "#66717d"
GREY: Final = "#8d99a6"
LINE: Final = "#c4ccd4"
BLUE: Final = "#1c5d99"
ORANGE: Final = "#d2691e"
GREEN: Final = "#1a7f37"
RED: Final = "#b3261e"
EMPTY: Final = "#e9edf1"
PAPER_TO_INK: Final = ("#ffffff", "#8795a3", "#0d1620")

SMALL: Final = 8.5
NORMAL: Final = 9.5
TITLE: Final = 17.0
SIZE: Final = (14.0, 8.0)  # inches
DPI: Final = 100

NONE: Final = "n/a"

_LAST_LATIN: Final = 0x24F


def new_sheet() -> Any:
    """Return an empty sheet of 1400 x 800 pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=SIZE, dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def as_png(figure: Any) -> bytes:
    """Return a sheet as PNG; the same sheet gives the same bytes."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=DPI, metadata={"Software": None})
    return content.getvalue()


# Texts --------------------------------------------------------------------------


def plain(text: object, limit: int = 60) -> str:
    """Return a text in one line of letters that the font has, cut at a limit.

    >>> plain("a  b"), plain("x" * 9, 4)
    ('a b', 'xxx…')
    """
    line = " ".join(str(text).split())
    shown = "".join(
        letter if letter.isprintable() and ord(letter) <= _LAST_LATIN else "?"
        for letter in line
    )
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"


def in_digits(value: float | None, digits: int = 3, unit: str = "") -> str:
    """Return a number in so many digits, n/a where there is none.

    >>> in_digits(23.2845, 4, " mag"), in_digits(None), in_digits(12345.0)
    ('23.28 mag', 'n/a', '12345')
    """
    if value is None or not math.isfinite(value):
        return NONE
    whole = abs(value) >= 10 ** (digits - 1)
    text = f"{value:.0f}" if whole else f"{value:.{digits}g}"
    return f"{text}{unit}"


def limits_of(score: Score) -> str:
    """Return the limits of a score as a person writes them.

    >>> limits_of(Score("A", 1.0, high=2.0)), limits_of(Score("A", 1.0, 0.5, 2.0))
    ('≤ 2', '0.5 … 2')
    """
    if score.low is not None and score.high is not None:
        return f"{score.low:g} … {score.high:g}"
    if score.high is not None:
        return f"≤ {score.high:g}"
    return f"≥ {score.low:g}" if score.low is not None else ""


def _in_table(value: float | None) -> str:
    """A score's value: counts as they are, magnitudes to the hundredth."""
    if value is None:
        return NONE
    if value == round(value) and abs(value) >= 1:
        return f"{value:.0f}"
    if abs(value) >= 10:  # noqa: PLR2004
        return f"{value:.2f}"
    return f"{value:.2g}" if abs(value) < 0.1 else f"{value:.3g}"  # noqa: PLR2004


# Parts of a sheet ---------------------------------------------------------------


def write(figure: Any, x: float, y: float, text: str, **style: Any) -> None:
    """Write on a sheet; a dollar in a name begins no formula."""
    given = {"fontsize": NORMAL, "color": INK, "va": "center"} | style
    figure.text(x, y, text, parse_math=False, **given)


def draw_head(
    figure: Any,
    title: str,
    about: Sequence[str],
    scores: Sequence[Score],
    comments: Sequence[str] = (),
) -> None:
    """Write what the sheet is about, and on the right whether all is well."""
    write(figure, 0.02, 0.958, plain(title, 40), fontsize=TITLE, weight="bold")
    told = "   ·   ".join(plain(text) for text in about if text)
    write(figure, 0.02, 0.918, told, color=PALE, fontsize=NORMAL + 1)
    failed = sum(not score.is_passed for score in scores)
    verdict = f"all {len(scores)} scores passed"
    if failed:
        verdict = f"{failed} of {len(scores)} scores failed"
    colour = RED if failed else GREEN
    box = {"boxstyle": "round,pad=0.45", "facecolor": colour, "edgecolor": "none"}
    style = {"ha": "right", "color": "white", "weight": "bold"}
    write(figure, 0.98, 0.953, verdict, fontsize=NORMAL + 1, bbox=box, **style)
    said = "   ".join(plain(comment, 90) for comment in comments)
    write(figure, 0.98, 0.911, said, ha="right", color=RED)


def draw_facts(
    figure: Any, rows: Sequence[tuple[str, str]], top: float = 0.205
) -> None:
    """Write names and values in two columns, left below the image."""
    per_column = (len(rows) + 1) // 2
    for n, (name, value) in enumerate(rows):
        x = 0.02 + 0.235 * (n // per_column)
        y = top - 0.032 * (n % per_column)
        write(figure, x, y, name, color=PALE, fontsize=SMALL)
        write(figure, x + 0.08, y, value, fontsize=SMALL)


def draw_scores(
    figure: Any, scores: Sequence[Score], left: float = 0.715, top: float = 0.283
) -> None:
    """Write the table of scores, with limits and a verdict on each."""
    write(figure, left, top, "Scores")
    write(figure, left + 0.219, top, "limits", color=PALE, ha="right")
    step = min(0.042, 0.25 / max(1, len(scores)))
    for n, score in enumerate(scores, start=1):
        y = top - step * n
        colour = GREEN if score.is_passed else RED
        said = "ok" if score.is_passed else "failed"
        if score.value is None:
            said = "no value"
        write(figure, left, y, "●", color=colour, fontsize=NORMAL + 2)
        write(figure, left + 0.016, y, plain(score.name, 15))
        value = _in_table(score.value)
        write(figure, left + 0.15, y, value, ha="right", weight="bold")
        write(figure, left + 0.219, y, limits_of(score), ha="right", color=PALE)
        write(figure, left + 0.265, y, said, ha="right", color=colour)


def style_axes(axes: Any) -> None:
    """Give axes the look that all panels share."""
    axes.tick_params(
        labelsize=SMALL, colors=INK, direction="in", top=True, right=True, length=3
    )
    for spine in axes.spines.values():
        spine.set(color=PALE, linewidth=0.8)


def panel_title(axes: Any, text: str) -> None:
    """Write what a panel shows above its left corner."""
    axes.set_title(
        text, loc="left", fontsize=NORMAL, color=INK, pad=5, parse_math=False
    )


def label(axes: Any, x: str = "", y: str = "") -> None:
    """Name the axes of a panel."""
    axes.set_xlabel(x, fontsize=SMALL, color=INK, labelpad=2)
    axes.set_ylabel(y, fontsize=SMALL, color=INK, labelpad=3)


def legend(axes: Any, where: str = "upper right") -> None:
    """Draw a legend without a frame."""
    axes.legend(loc=where, fontsize=SMALL, frameon=False, labelcolor=INK, ncols=4)


def say_empty(axes: Any, text: str) -> None:
    """Write into a panel why it shows nothing."""
    axes.set(xticks=[], yticks=[])
    style = {"ha": "center", "va": "center", "color": PALE, "fontsize": NORMAL}
    axes.text(0.5, 0.5, text, transform=axes.transAxes, **style)
