"""The small panels of a QC plot: background, alignment, coverage."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from muse_deep_plugin.qc_cube import MAD_TO_SIGMA, CubeMeasures
from muse_deep_plugin.qc_image import grid_of
from muse_deep_plugin.qc_keywords import Offset
from muse_deep_plugin.qc_text import (
    BLUE,
    INK,
    LINE,
    PALE,
    SMALL,
    flux_unit,
    panel_title,
    say_empty,
    style_axes,
)

_LABELLED: Final = 8  # exposures, up to which their offsets are numbered


def draw_background(
    axes: Any, measures: CubeMeasures, level: float | None, spread: float | None
) -> None:
    """Draw the histogram of the white-light image around the sky (median, MAD)."""
    panel_title(axes, "Background of the image")
    style_axes(axes)
    axes.tick_params(labelleft=False, left=False, right=False, top=False)
    if level is None or not spread:
        say_empty(axes, "no background")
        return
    sigma = MAD_TO_SIGMA * spread
    low, high = level - 5 * sigma, level + 9 * sigma
    image = measures.white
    values = image[np.isfinite(image)]
    bins = int(np.clip(np.sqrt(values.size), 20, 60))
    axes.hist(values, bins=bins, range=(low, high), color="#b9c6d2")
    axes.axvline(level, color=BLUE, lw=1.2)
    if low < 0 < high:
        axes.axvline(0, color=PALE, lw=0.8, ls=(0, (2, 2)))
    axes.set_xlim(low, high)
    unit = flux_unit(measures.unit)
    label = f"[{unit}]" if unit else "flux"
    axes.set_xlabel(label, fontsize=SMALL, color=INK, parse_math=False)


def draw_offsets(axes: Any, measures: CubeMeasures, offsets: Sequence[Offset]) -> None:
    """Draw what exp_align moved each exposure by."""
    panel_title(axes, "Alignment")
    style_axes(axes)
    if not offsets:
        say_empty(axes, "no offsets in the header")
        return
    dec = np.radians(float(measures.header.get("CRVAL2", 0.0)))
    x = [3600 * offset.dra * np.cos(dec) for offset in offsets]
    y = [3600 * offset.ddec for offset in offsets]
    axes.axhline(0, color=LINE, lw=0.8)
    axes.axvline(0, color=LINE, lw=0.8)
    axes.plot(x, y, "o", ms=5, color=BLUE, alpha=0.85, mec="white", mew=0.6)
    if len(x) <= _LABELLED:
        for n, place in enumerate(zip(x, y, strict=True), start=1):
            axes.annotate(
                str(n),
                place,
                textcoords="offset points",
                xytext=(4, 4),
                fontsize=SMALL,
                color=INK,
            )
    reach = 1.35 * max(0.1, *map(abs, x), *map(abs, y))
    axes.set(xlim=(reach, -reach), ylim=(-reach, reach))  # East is on the left
    axes.set_xlabel("ΔRA cos δ [arcsec]", fontsize=SMALL, color=INK)
    axes.set_ylabel("ΔDec [arcsec]", fontsize=SMALL, color=INK, labelpad=1)


def draw_filled(axes: Any, measures: CubeMeasures) -> None:
    """Draw which part of its planes each spaxel has, dark where it has all."""
    panel_title(axes, "Filled planes")
    style_axes(axes)
    axes.set(xticks=[], yticks=[])
    filled = measures.filled
    if not filled.size:
        say_empty(axes, "empty cube")
        return
    axes.imshow(
        filled,
        origin="lower",
        extent=grid_of(measures.header, (filled.shape[0], filled.shape[1])).extent,
        cmap="Blues",
        vmin=0.0,
        vmax=1.0,
        interpolation="nearest",
    )
    axes.set_anchor("N")
    whole = 100 * float(np.mean(filled == 1))
    axes.set_xlabel(f"{whole:.0f} % are whole", fontsize=SMALL, color=INK)
