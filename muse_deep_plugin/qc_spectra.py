"""Flux and noise of a cube by wavelength."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from muse_deep_plugin.qc_cube import CubeMeasures, Floats
from muse_deep_plugin.qc_sky import SKY_LINES, TELLURIC_BANDS
from muse_deep_plugin.qc_style import (
    BAND,
    BLUE,
    GREY,
    INK,
    LINE,
    NORMAL,
    ORANGE,
    PALE,
    SMALL,
    panel_title,
    say_empty,
    style_axes,
)
from muse_deep_plugin.qc_text import flux_unit

_FEW: Final = 200  # planes, below which a spectrum is drawn as steps


def draw_flux(axes: Any, measures: CubeMeasures) -> None:
    """Draw mean and median spectrum of the field, and where the sky is bright."""
    panel_title(axes, "Spectrum of the field", pad=19)  # names of lines are below
    _line(axes, measures, "median", measures.median, GREY)
    _line(axes, measures, "mean", measures.mean, BLUE)
    _finish(axes, measures, (measures.mean, measures.median), "flux", above=1.095)
    axes.axhline(0, color=PALE, lw=0.6, zorder=1)
    _sky(axes, measures, has_names=True)
    axes.tick_params(labelbottom=False)


def draw_noise(axes: Any, measures: CubeMeasures, expected: float | None) -> None:
    """Draw the noise: what the pipeline propagated, and what the planes show.

    Args:
        axes: where.
        measures: of the cube.
        expected: what single exposures promise for a deep cube, if known.
    """
    panel_title(axes, "Noise by wavelength")
    _line(axes, measures, "propagated √STAT", measures.noise, ORANGE)
    _line(axes, measures, "measured in planes", measures.noise_measured)
    spectra = [measures.noise, measures.noise_measured]
    if expected is not None:
        label = f"singles / √N = {expected:.3g}"
        axes.axhline(expected, color=INK, lw=1, ls=(0, (5, 3)), label=label)
        spectra.append(np.array([expected]))
    _finish(axes, measures, spectra, "noise", bottom=0.0)
    _sky(axes, measures)
    name = "wavelength in air [Å]" if measures.has_wavelength else "plane"
    axes.set_xlabel(name, fontsize=NORMAL, color=INK)


def _line(
    axes: Any,
    measures: CubeMeasures,
    label: str,
    values: Floats,
    colour: str = BLUE,
) -> None:
    if not np.isfinite(values).any():
        return
    is_few = len(values) < _FEW
    axes.plot(
        measures.wavelength,
        values,
        color=colour,
        lw=1.6 if is_few else 0.8,
        drawstyle="steps-mid" if is_few else "default",
        label=label,
    )


def _finish(
    axes: Any,
    measures: CubeMeasures,
    spectra: Sequence[Floats],
    name: str,
    *,
    bottom: float | None = None,
    above: float = 1.03,
) -> None:
    style_axes(axes)
    values = np.concatenate(spectra)
    values = values[np.isfinite(values)]
    if not values.size:
        say_empty(axes, "no valid values")
    else:
        # A few residuals of sky lines must not flatten all the rest.
        cut = [0.5, 99] if len(spectra[0]) >= _FEW else [0, 100]
        low, high = np.percentile(values, cut)
        low = low if bottom is None else bottom
        margin = 0.12 * (high - low) or 0.1 * abs(high) or 1.0
        axes.set_ylim(low - margin if bottom is None else bottom, high + margin)
        axes.legend(  # above the frame, beside the title: nothing lies below it
            loc="lower right",
            bbox_to_anchor=(1.0, above),
            borderaxespad=0.0,
            borderpad=0.0,
            ncols=3,
            frameon=False,
            fontsize=SMALL,
            labelcolor=INK,
            columnspacing=1.4,
            handlelength=1.6,
        )
    if measures.wavelength.size > 1:
        axes.set_xlim(measures.wavelength[0], measures.wavelength[-1])
    unit = f"\n[{flux_unit(measures.unit)}]" if measures.unit else ""
    axes.set_ylabel(f"{name}{unit}", fontsize=SMALL, color=INK, parse_math=False)


def _sky(axes: Any, measures: CubeMeasures, *, has_names: bool = False) -> None:
    if not (measures.has_wavelength and measures.wavelength.size > 1):
        return
    first, last = measures.wavelength[0], measures.wavelength[-1]
    above = axes.get_xaxis_transform()
    marks = [(low, name) for low, name in SKY_LINES if first <= low <= last]
    for low, high, name in TELLURIC_BANDS:
        if first <= low and high <= last:
            axes.axvspan(low, high, color=BAND, lw=0, zorder=0)
            marks.append(((low + high) / 2, name))
    for wavelength, name in marks:
        if name not in {"A", "B"}:
            axes.axvline(wavelength, color=LINE, lw=0.7, ls=(0, (2, 2)), zorder=0)
        if has_names and name:
            axes.text(
                wavelength,
                1.015,
                name,
                transform=above,
                ha="center",
                va="bottom",
                fontsize=10,
                color=PALE,
            )
