"""Pictures of the pointings of a target: letters for a terminal, or a PNG."""

import io
import math
from collections.abc import Sequence
from typing import Final

from muse_deep_plugin.preparation.target_pointings import Offset, Spot, TargetPointings
from muse_deep_plugin.qc_style import BLUE, GREEN, INK, ORANGE, PALE, RED
from muse_deep_plugin.qc_text import plain

_COLUMNS: Final = 61
_ROWS: Final = 23
_LEAST_SPAN: Final = 2.0  # arcsec: less is the scatter of acquisition
_MARGIN: Final = 1.1
_HALF_FIELD: Final = 30.0  # arcsec: wide-field mode shows one arcminute
_WRONG: Final = 120.0  # arcsec: such a header would make the plot too small to read
_DIGITS: Final = "123456789abcdefghijklmnopqrstuvwxyz"
_HEADER: Final = "+"
_COLOURS: Final = (BLUE, ORANGE, GREEN, RED, INK)
_DPI: Final = 100


def terminal_plot(found: TargetPointings) -> str:
    """Return the pointings as letters: north is up, east is left.

    Each exposure is the number of its pointing, + the target by the header.
    """
    middle, span = _view(found.spots)
    grid = [[" "] * _COLUMNS for _ in range(_ROWS)]
    marks = [(header, _HEADER) for header in _headers(found.spots)]
    marks += [(spot.offset, _mark(spot.pointing)) for spot in found.spots]
    for (east, north), mark in marks:
        column = round((0.5 - (east - middle[0]) / span) * (_COLUMNS - 1))
        row = round((0.5 - (north - middle[1]) / span) * (_ROWS - 1))
        grid[row][column] = mark
    edge = f"+{'-' * _COLUMNS}+"
    lines = [edge, *(f"|{''.join(row)}|" for row in grid), edge]
    told = f"{span:.3g} arcsec wide and high, north up, east left; "
    told += "1, 2 ... pointings, + the target by the header"
    return "\n".join([*lines, told]) + "\n"


def png_plot(found: TargetPointings) -> bytes:
    """Return the same as a PNG, with the fields of view."""
    from matplotlib.backends.backend_agg import (  # noqa: PLC0415, costs start-up
        FigureCanvasAgg,
    )
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.patches import Rectangle  # noqa: PLC0415

    figure = Figure(figsize=(8, 8), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for spot in found.spots:
        east, north = spot.offset
        colour = _COLOURS[(spot.pointing - 1) % len(_COLOURS)]
        corner = (east - _HALF_FIELD, north - _HALF_FIELD)
        side = 2 * _HALF_FIELD
        field = Rectangle(corner, side, side, fill=False, edgecolor=colour, alpha=0.4)
        axes.add_patch(field)
        axes.plot(east, north, "o", color=colour, markersize=5)
        axes.annotate(
            str(spot.pointing),
            (east, north),
            color=colour,
            textcoords="offset points",
            xytext=(5, 5),
        )
    for header in _headers(found.spots):
        axes.plot(*header, _HEADER, color=PALE, markersize=10)
    (east, north), span = _view(found.spots)
    half = span / 2 + _HALF_FIELD * _MARGIN
    axes.set_xlim(east + half, east - half)
    axes.set_ylim(north - half, north + half)
    axes.set_aspect("equal")
    axes.set_xlabel("arcsec east of pointing 1")
    axes.set_ylabel("arcsec north")
    title = f"{plain(found.target, 40)}, run {plain(found.run_id)}"
    axes.set_title(f"{title}: + target by the header", parse_math=False, color=INK)
    content = io.BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()


def _mark(pointing: int) -> str:
    return _DIGITS[pointing - 1] if pointing <= len(_DIGITS) else "*"


def _headers(spots: Sequence[Spot]) -> list[Offset]:
    """The targets by the headers, but those that are plainly wrong."""
    return [
        spot.header
        for spot in spots
        if spot.header and math.dist(spot.header, spot.offset) < _WRONG
    ]


def _view(spots: Sequence[Spot]) -> tuple[tuple[float, float], float]:
    """The middle of what is shown, and its width, in arcsec."""
    shown = [*(spot.offset for spot in spots), *_headers(spots)]
    easts, norths = [e for e, _ in shown] or [0.0], [n for _, n in shown] or [0.0]
    middle = ((min(easts) + max(easts)) / 2, (min(norths) + max(norths)) / 2)
    spread = max(max(easts) - min(easts), max(norths) - min(norths))
    return middle, max(spread * _MARGIN, _LEAST_SPAN)
