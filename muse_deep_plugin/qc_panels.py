"""The small panels of a QC plot: background, alignment, depth, exposure map."""

import math
import statistics
from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np
from attrs import frozen

from muse_deep_plugin.exposure_map import Seconds
from muse_deep_plugin.qc_cube import MAD_TO_SIGMA, CubeMeasures
from muse_deep_plugin.qc_image import grid_of
from muse_deep_plugin.qc_keywords import Offset
from muse_deep_plugin.qc_scores import Parameters, number
from muse_deep_plugin.qc_style import (
    BLUE,
    INK,
    LINE,
    ORANGE,
    PALE,
    RED,
    SMALL,
    TIMES,
    note,
    panel_title,
    say_empty,
    style_axes,
)
from muse_deep_plugin.qc_text import flux_unit, in_digits, plain
from phoenix_core.cube.background import background_histogram

_LABELLED: Final = 12  # exposures, up to which each of them is numbered
_NAMED: Final = 6  # exposures that are named in a line
_APART: Final = 0.4  # mag from the median of the exposures: marked (ours)
_ROOM: Final = 0.85  # of what the values span, for the legend
_TICKS: Final = 6


def draw_background(
    axes: Any,
    measures: CubeMeasures,
    level: float | None,
    spread: float | None,
    mode: float | None = None,
) -> None:
    """Draw the histogram of the white-light image around the sky, and its fit.

    Args:
        axes: where.
        measures: of the cube.
        level: median of the sky, after clipping.
        spread: its MAD.
        mode: HISTO_BKG, where it is known.
    """
    panel_title(axes, "Background of the image")
    style_axes(axes)
    axes.tick_params(labelleft=False, left=False, right=False, top=False)
    histogram = background_histogram(measures.white, 8.0)
    if level is None or not spread or histogram is None:
        say_empty(axes, "no background")
        return
    sigma = MAD_TO_SIGMA * spread
    axes.bar(
        histogram.centres, histogram.counts, histogram.width, color="#b9c6d2", lw=0
    )
    x = np.linspace(level - 5 * sigma, level + 5 * sigma, 200)
    below = 2 * int(np.count_nonzero(measures.white <= level))  # sources lie above
    height = below * histogram.width / (sigma * math.sqrt(2 * math.pi))
    curve = height * np.exp(-(((x - level) / sigma) ** 2) / 2)
    fit = f"Gaussian, {in_digits(level)} ± {in_digits(sigma, 2)}"
    axes.plot(x, curve, color=BLUE, lw=1.8, label=fit)
    if mode is not None:
        label = f"HISTO_BKG {in_digits(mode)}"
        axes.axvline(mode, color=RED, lw=1.6, ls=(0, (5, 2)), label=label)
    low, high = level - 5 * sigma, level + 7 * sigma
    if low < 0 < high:
        axes.axvline(0, color=PALE, lw=1, ls=(0, (2, 2)))
    highest = max(float(histogram.counts.max()), height)
    axes.set(xlim=(low, high), ylim=(0, 1.45 * highest))
    axes.legend(loc="upper right", frameon=False, fontsize=SMALL, labelcolor=INK)
    unit = flux_unit(measures.unit)
    label = f"mean flux [{unit}]" if unit else "mean flux"
    axes.set_xlabel(label, fontsize=SMALL, color=INK, parse_math=False)


def draw_offsets(
    axes: Any,
    measures: CubeMeasures,
    offsets: Sequence[Offset],
    unmatched: Collection[str] = (),
) -> None:
    """Draw what exp_align moved each exposure by, numbered in time.

    Args:
        axes: where.
        measures: of the cube.
        offsets: one for each exposure.
        unmatched: exposures (DATE-OBS) that share no source with any other.
    """
    panel_title(axes, "Alignment")
    style_axes(axes)
    if not offsets:
        say_empty(axes, "no offsets in the header")
        return
    dec = np.radians(float(measures.header.get("CRVAL2", 0.0)))
    x = [3600 * offset.dra * np.cos(dec) for offset in offsets]
    y = [3600 * offset.ddec for offset in offsets]
    order = sorted(range(len(offsets)), key=lambda k: offsets[k].exposure)
    lost = [k for k in order if offsets[k].exposure in unmatched]
    axes.axhline(0, color=LINE, lw=1)
    axes.axvline(0, color=LINE, lw=1)
    axes.plot(x, y, "o", ms=8, color=BLUE, alpha=0.85, mec="white", mew=0.8)
    axes.plot(
        [x[k] for k in lost], [y[k] for k in lost], "X", ms=13, color=RED, mec="white"
    )
    for number_, k in enumerate(order, start=1):
        if len(order) <= _LABELLED or k in lost:
            axes.annotate(
                str(number_),
                (x[k], y[k]),
                textcoords="offset points",
                xytext=(6, 5),
                fontsize=SMALL,
                color=RED if k in lost else INK,
                weight="bold" if k in lost else "normal",
            )
    largest = max(map(math.hypot, x, y))
    said = f"largest {largest:.2f}″"
    if lost:
        numbers = [str(order.index(k) + 1) for k in lost]
        said = f"not matched: {_some(numbers)}"
    note(axes, said)
    reach = 1.35 * max(0.1, *map(abs, x), *map(abs, y))
    axes.set(xlim=(reach, -reach), ylim=(-reach, reach))  # East is on the left
    axes.set_xlabel("ΔRA cos δ [arcsec]", fontsize=SMALL, color=INK)
    axes.set_ylabel("ΔDec [arcsec]", fontsize=SMALL, color=INK, labelpad=1)


def draw_exposure_map(axes: Any, measures: CubeMeasures, times: Seconds | None) -> None:
    """Draw for how long each spaxel was exposed; without a map, what it has of planes.

    Args:
        axes: where.
        measures: of the cube.
        times: seconds, of the shape of the white-light image.
    """
    style_axes(axes)
    axes.set(xticks=[], yticks=[])
    white = measures.white
    if not white.size:
        panel_title(axes, "Exposure map")
        say_empty(axes, "empty cube")
        return
    if times is None or times.shape != white.shape or not (times > 0).any():
        panel_title(axes, "Filled planes (no exposure map)")
        values, label = 100 * measures.filled, "% of the planes"
    else:
        panel_title(axes, "Exposure map")
        values, label = times.astype(np.float64), "seconds"
        median = float(np.median(times[times > 0]))
        axes.set_xlabel(f"median {median:.0f} s", fontsize=SMALL, color=INK)
    shown = axes.imshow(
        np.where(values > 0, values, np.nan),
        origin="lower",
        extent=grid_of(measures.header, white.shape).extent,
        cmap=TIMES,
        vmin=0.0,
        interpolation="nearest",
    )
    axes.set_anchor("W")
    bar = axes.figure.colorbar(shown, cax=axes.inset_axes((1.03, 0, 0.05, 1)))
    bar.ax.tick_params(labelsize=SMALL, colors=INK, direction="in", length=3)
    bar.outline.set(edgecolor=PALE, linewidth=0.9)
    bar.set_label(label, fontsize=SMALL, color=INK, labelpad=3)


@frozen(eq=False)
class Depths:
    """How deep the exposures are, and the cube that is made of them."""

    quantity: str
    unit: str
    exposures: tuple[float, ...]  # in time, NaN where it is not known
    deep: float
    expected: float

    @property
    def is_magnitude(self) -> bool:
        """Whether it grows with depth."""
        return self.unit == "mag"


def depths(exposures: Sequence[Parameters], deep: Parameters) -> Depths | None:
    """Return the noise of exposures and deep cube, or else their limiting magnitudes.

    The noise of N exposures alike is that of one by the root of N, and 1.25 lg N
    magnitudes are gained. In a small or crowded field the magnitudes are those of the
    crowd: hence the noise. None where the exposures have neither, or the deep cube.

    Args:
        exposures: the QC parameters of each exposure.
        deep: those of the deep cube.
    """
    in_time = sorted(exposures, key=lambda one: str(one.get("DATE_OBS", "")))
    for name, unit in (("NOISE", ""), ("ABMAGLIM", "mag")):
        each = tuple(number(one, name) or math.nan for one in in_time)
        known = [value for value in each if not math.isnan(value)]
        reached = number(deep, name)
        if not known or not reached:
            continue
        count = number(deep, "N_EXPOSURES") or len(in_time)
        middle = statistics.median(known)
        if unit:
            gain = number(deep, "DEPTH_GAIN_EXPECTED") or 1.25 * math.log10(count)
            return Depths(name, unit, each, reached, middle + gain)
        promised = number(deep, "NOISE_EXPECTED") or middle / math.sqrt(count)
        return Depths(name, unit, each, reached, promised)
    return None


def draw_depths(axes: Any, found: Depths | None) -> None:
    """Draw the depth of each exposure, numbered in time, and of the deep cube."""
    panel_title(axes, "Depth")
    style_axes(axes)
    if found is None:
        say_empty(axes, "no QC reports of the exposures")
        return
    count = len(found.exposures)
    x = np.arange(1, count + 1)
    values = np.array(found.exposures)
    middle = float(np.nanmedian(values))
    step = max(1.0, 0.08 * count)
    place = count + 1.5 * step
    axes.axhline(middle, color=LINE, lw=1.2, zorder=1)
    axes.plot(x, values, "o", ms=8, color=BLUE, mec="white", mew=0.8, label="exposures")
    ratio = 10 ** (0.4 * _APART)  # of noise, which is a ratio
    far = values - middle if found.is_magnitude else np.log(values / middle)
    limit = _APART if found.is_magnitude else math.log(ratio)
    odd = np.abs(far) > limit
    axes.plot(x[odd], values[odd], "s", ms=13, mfc="none", mec=RED, mew=2.2)
    said = found.expected
    label = f"√N promises {said:.2f}" if found.is_magnitude else f"√N: {said:.3g}"
    axes.plot(
        [place - step, place + step],
        [said, said],
        color=ORANGE,
        lw=3,
        label=label,
        solid_capstyle="butt",
    )
    reached = f"{found.deep:.2f}" if found.is_magnitude else f"{found.deep:.3g}"
    deep = f"deep cube {reached}"
    axes.plot([place], [found.deep], "D", ms=10, color=INK, mec="white", label=deep)
    _depth_axes(axes, found, place, step)
    room = _room(axes, found)
    if odd.any():
        note(axes, f"unlike the others: {_some([str(n) for n in x[odd]])}")
    axes.legend(
        loc=f"{room} left",
        frameon=False,
        fontsize=SMALL,
        labelcolor=INK,
        handlelength=1.2,
        borderaxespad=0.3,
    )


def _depth_axes(axes: Any, found: Depths, place: float, step: float) -> None:
    """Ticks at exposures and the deep cube."""
    count = len(found.exposures)
    every = max(1, math.ceil(count / _TICKS))
    numbers = list(range(1, count + 1, every))
    axes.set_xticks([*numbers, place], [*map(str, numbers), "deep"])
    axes.set_xlim(1 - step, place + 1.5 * step)
    names = {"ABMAGLIM": "ABMAGLIM [mag]", "NOISE": "noise of a spaxel"}
    axes.set_xlabel("exposure, in time", fontsize=SMALL, color=INK)
    axes.set_ylabel(names[found.quantity], fontsize=SMALL, color=INK, labelpad=2)


def _room(axes: Any, found: Depths) -> str:
    """Make room for the legend, and say where; below only if that is above 0."""
    both = [*found.exposures, found.deep, found.expected]
    low, high = float(np.nanmin(both)), float(np.nanmax(both))
    span = (high - low) or 0.1 * abs(high) or 1.0
    is_below = not found.is_magnitude and low > _ROOM * span
    under, over = (_ROOM, 0.15) if is_below else (0.15, _ROOM)
    bottom = low - under * span
    axes.set_ylim(
        bottom if found.is_magnitude else max(0.0, bottom), high + over * span
    )
    return "lower" if is_below else "upper"


def _some(names: Sequence[str]) -> str:
    """Name a few of many."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return plain(", ".join(names[:_NAMED]) + more)
