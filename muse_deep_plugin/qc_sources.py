"""Sources of an image: all that stand out of the sky, for the circles of the QC plot.

No photometry: the pipeline fits a few of them for the FWHM; here a person sees that
what was combined are the same sources, and not doubles of them.
"""

from typing import Final

import numpy as np
from attrs import frozen

from muse_deep_plugin.qc_cube import MAD_TO_SIGMA, Floats, background

THRESHOLD: Final = 5.0
"""Standard deviations of the smoothed image, above the sky and above what is around:
noise on the wing of a star is no source."""

_BOX: Final = 3  # pixels, that are averaged: about the seeing
_SKY: Final = 3.0  # standard deviations from the level of the sky that are sky
_APART: Final = 2  # pixels: of two peaks so close the brighter one counts


@frozen
class Source:
    """Where a source is: its pixel in the image, from 1."""

    x: float
    y: float


def find_sources(image: Floats, depth: Floats | None = None) -> tuple[Source, ...]:
    """Return the sources of an image, the brightest first.

    Args:
        image: white light, NaN where there is nothing.
        depth: inverse variance by pixel, where it is known, else all 0: a noisy edge
            makes no sources.
    """
    if not image.size:
        return ()
    level, _ = background(image)
    flux = _smoothed(image - level)
    weight = np.ones_like(flux)
    if depth is not None and depth.shape == image.shape and depth.any():
        variance = np.full_like(flux, np.nan)
        np.divide(np.max(depth), depth, out=variance, where=depth > 0)
        weight = 1.0 / np.sqrt(_smoothed(variance))
    # Of the sky alone: where stars are many, their wings are most of the field.
    middle, around = background(flux)
    is_sky = np.abs(flux - middle) <= _SKY * MAD_TO_SIGMA * around
    _, spread = background((flux * weight)[is_sky])
    if not spread > 0:
        return ()
    # In standard deviations of the pixel itself; the weight of a star's own light,
    # which is noise as well, must not move its peak.
    unit = weight / (MAD_TO_SIGMA * spread)
    is_bright = flux * unit > THRESHOLD
    flux = np.nan_to_num(flux, nan=-np.inf)
    reach = 2 * _APART + 1
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(flux, _APART, constant_values=-np.inf), (reach, reach)
    )
    is_peak = (flux >= windows.max(axis=(2, 3))) & is_bright
    frames = [_around(window) for window in windows[is_peak]]
    is_peak[is_peak] &= (flux[is_peak] - frames) * unit[is_peak] > THRESHOLD
    rows, columns = np.nonzero(is_peak)
    order = np.argsort(-flux[rows, columns], kind="stable")
    return tuple(Source(float(columns[n] + 1), float(rows[n] + 1)) for n in order)


def _around(window: Floats) -> float:
    """The level of the frame of a window."""
    frame = np.concatenate([window[0], window[-1], window[1:-1, 0], window[1:-1, -1]])
    frame = frame[np.isfinite(frame)]
    return float(np.median(frame)) if frame.size else 0.0


def _smoothed(image: Floats) -> Floats:
    """The mean of a box around each pixel that has a value; NaN elsewhere."""
    is_there = np.isfinite(image)
    edge = _BOX // 2
    boxes = np.lib.stride_tricks.sliding_window_view(
        np.pad(np.where(is_there, image, 0.0), edge), (_BOX, _BOX)
    )
    return np.where(is_there, boxes.sum(axis=(2, 3)) / _BOX**2, np.nan)
