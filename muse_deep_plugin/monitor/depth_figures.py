"""The figures of the trending page, for light and for dark surroundings.

Kinds are told apart by colour and by marker; the colours are those of Okabe and Ito,
which the colour-blind tell apart. Of many datacubes the markers are pixels in the SVG.
"""

import datetime as dt
import io
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from muse_deep_plugin.monitor.depths import SLOPE, Depth, Depths, Kind, gain
from phoenix_core.words.plain_text import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIZE: Final = (9.6, 5.4)  # inches
_TALL: Final = (9.6, 7.2)
_DPI: Final = 100
_MANY: Final = 1000  # markers; more of them are drawn as pixels
_NAMED: Final = 12  # outliers that get their name into the figure; ours
_EPOCH: Final = dt.datetime(1858, 11, 17)  # noqa: DTZ001, MJD 0, UTC
_MARKERS: Final = {Kind.SINGLE: "^", Kind.COMBINED: "o", Kind.DEEP: "D"}
_SIZES: Final = {Kind.SINGLE: 24, Kind.COMBINED: 36, Kind.DEEP: 52}


COLOURS: Final = {
    Kind.SINGLE: "#56b4e9",
    Kind.COMBINED: "#009e73",
    Kind.DEEP: "#d55e00",
}
"""Of each kind, to be seen on white and on black."""

PAPER, INK, FAINT = "#ffffff", "#1b1f24", "#8a939d"
DARK: Final = {PAPER: "#14171b", INK: "#e3e7eb", FAINT: "#6b7581"}
"""What the colours are in dark surroundings."""


def in_the_dark(figure: bytes) -> bytes:
    """Return a figure for dark surroundings.

    >>> in_the_dark(b'<path style="fill: #ffffff"/>')
    b'<path style="fill: #14171b"/>'
    """
    dark = {light.encode(): colour.encode() for light, colour in DARK.items()}
    pattern = b"|".join(dark)
    return re.sub(pattern, lambda found: dark[found[0]], figure)


def depth_figure(depths: Depths) -> bytes:
    """Draw ABMAGLIM against the total exposure time; return it as SVG."""
    figure, (axes,) = _figure(_SIZE, 1)
    for kind in Kind:
        rows = depths.of(kind)
        _scatter(axes, kind, [(r.texptime, r.abmaglim) for r in rows])
    axes.set_xscale("log")
    if depths.rows and depths.zero is not None:
        low = min(row.texptime for row in depths.rows) / 1.5
        high = max(row.texptime for row in depths.rows) * 1.5
        limits = (low, high)
        line = [depths.zero + gain(t) for t in limits]
        told = f"{SLOPE} log10(t) + {depths.zero:.2f}"
        axes.plot(limits, line, color=INK, linewidth=1.2, label=told)
        if depths.scatter is not None:
            for sign, label in ((-1, f"{depths.limit:.2f} mag from it"), (1, None)):
                shifted = [value + sign * depths.limit for value in line]
                axes.plot(limits, shifted, ":", color=FAINT, label=label)
        axes.set_xlim(*limits)
        axes.legend(loc="lower right", frameon=False, labelcolor=INK)
    _name_outliers(axes, depths)
    axes.set_xlabel("total exposure time [s]")
    axes.set_ylabel("ABMAGLIM [mag]")
    axes.xaxis.set_major_formatter("{x:g}")
    return _svg(figure)


def time_figure(depths: Depths) -> bytes:
    """Draw depth, sharpness and flags over time; return it as SVG."""
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

    figure, panels = _figure(_TALL, 3)
    titles = ("deeper than\nthe line [mag]", "SKY_RES [arcsec]", "flags set")
    for axes, title in zip(panels, titles, strict=True):
        axes.set_ylabel(title)
    depth, sharp, flags = panels
    depth.axhline(0.0, color=INK, linewidth=0.8)
    for kind in Kind:
        rows = depths.of(kind)
        for axes, values in (
            (depth, [row.residual for row in rows]),
            (sharp, [row.sky_res for row in rows]),
            (flags, [row.flags for row in rows]),
        ):
            _scatter(axes, kind, _in_time(rows, values))
    if depths.rows:
        depth.legend(
            loc="lower left",
            ncols=3,
            frameon=False,
            labelcolor=INK,
            bbox_to_anchor=(0, 1),
        )
    flags.yaxis.set_major_locator(MaxNLocator(integer=True))
    flags.set_xlabel("date of the first exposure")
    return _svg(figure)


def _in_time(
    rows: Sequence[Depth], values: Iterable[float | None]
) -> list[tuple[Any, float]]:
    days = (_EPOCH + dt.timedelta(days=row.mjd_obs) for row in rows)
    pairs = zip(days, values, strict=True)
    return [(day, value) for day, value in pairs if value is not None]


def _figure(size: tuple[float, float], count: int) -> tuple["Figure", list["Axes"]]:
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=size, dpi=_DPI, facecolor=PAPER)
    figure.subplots_adjust(left=0.1, right=0.98, bottom=0.09, top=0.95, hspace=0.08)
    panels = list(np.atleast_1d(figure.subplots(count, 1, sharex=True)))
    for axes in panels:
        axes.set_facecolor(PAPER)
        axes.grid(visible=True, color=FAINT, alpha=0.3, linewidth=0.6)
        axes.tick_params(colors=INK, which="both")
        axes.xaxis.label.set_color(INK)
        axes.yaxis.label.set_color(INK)
        for spine in axes.spines.values():
            spine.set_color(FAINT)
    return figure, panels


def _scatter(axes: "Axes", kind: Kind, points: Sequence[tuple[Any, float]]) -> None:
    if not points:
        return
    across, up = zip(*points, strict=True)
    axes.scatter(
        across,
        up,
        s=_SIZES[kind],
        marker=_MARKERS[kind],
        color=COLOURS[kind],
        edgecolors=PAPER,
        linewidths=0.4,
        label=f"{kind.value} ({len(points)})",
        rasterized=len(points) > _MANY,
        zorder=3 if kind is Kind.DEEP else 2,
    )


def _name_outliers(axes: "Axes", depths: Depths) -> None:
    found = [row for row in depths.rows if depths.is_outlier(row)]
    found.sort(key=lambda row: -abs(row.residual))
    for row in found[:_NAMED]:
        axes.annotate(
            short(row.target or row.pipefile).replace("$", r"\$"),
            (row.texptime, row.abmaglim),
            xytext=(6, 4),
            textcoords="offset points",
            color=INK,
            fontsize=8,
        )


def _svg(figure: "Figure") -> bytes:
    import matplotlib as mpl  # noqa: PLC0415

    stream = io.BytesIO()
    # The same picture is the same bytes; names from elsewhere are drawn, not text.
    with mpl.rc_context({"svg.hashsalt": "phoenix", "svg.fonttype": "path"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()
