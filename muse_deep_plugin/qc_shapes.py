"""How sharp and how round the sources of an image are, and how bright.

Gaussians are fitted to the brightest sources with photutils: what is measured is the
image quality of white light, from many sources and without the noise of a plane, while
the pipeline fits a few sources in one plane.
"""

import warnings
from collections.abc import Sequence
from typing import Final

import numpy as np
from attrs import frozen

from muse_deep_plugin.qc_cube import MAD_TO_SIGMA, Floats, background
from muse_deep_plugin.qc_sources import Source

_FITTED: Final = 30  # sources: more make no better median
_START: Final = 4.0  # pixels: the FWHM of 0.8 arcsec, to begin with
_BOX: Final = 9  # pixels that a Gaussian is fitted in: twice the FWHM
_WIDEST: Final = 15.0  # pixels: what is wider is a galaxy, or no source at all
_NARROWEST: Final = 1.0  # pixels: what is narrower is a cosmic ray
_BRIGHT: Final = 10.0  # standard deviations of the sky: fainter ones are not fitted
_FEWEST: Final = 8  # pixels with a value


@frozen
class Shape:
    """A Gaussian fitted to a source: place in pixels from 1, widths in pixels."""

    x: float
    y: float
    fwhm: float
    elongation: float  # the longer axis by the shorter one


def fit_shapes(image: Floats, sources: Sequence[Source]) -> tuple[Shape, ...]:
    """Fit the brightest sources of an image, each by itself.

    Args:
        image: white light, NaN where there is nothing.
        sources: in it, the brightest first.
    """
    level, spread = background(image)
    sigma = MAD_TO_SIGMA * spread
    if not sigma > 0:
        return ()
    values = image - level
    found = (_fit(values, source, sigma) for source in sources[:_FITTED])
    return tuple(shape for shape in found if shape)


def _fit(values: Floats, source: Source, sigma: float) -> Shape | None:
    """Fit one source; None where that fails, or it is none."""
    from astropy.modeling.fitting import TRFLSQFitter  # noqa: PLC0415, costs start-up
    from photutils.psf import GaussianPRF  # noqa: PLC0415, the same

    half = _BOX // 2
    row, column = round(source.y) - 1, round(source.x) - 1
    rows = slice(max(row - half, 0), row + half + 1)
    columns = slice(max(column - half, 0), column + half + 1)
    box = values[rows, columns]
    is_there = np.isfinite(box)
    peak = values[row, column]
    if is_there.sum() < _FEWEST or not peak > _BRIGHT * sigma:
        return None
    y, x = np.mgrid[
        rows.start : rows.start + box.shape[0],
        columns.start : columns.start + box.shape[1],
    ]
    model = GaussianPRF(
        flux=peak * _START**2,
        x_0=column,
        y_0=row,
        x_fwhm=_START,
        y_fwhm=_START,
        bounds={"x_fwhm": (0.5, 2 * _WIDEST), "y_fwhm": (0.5, 2 * _WIDEST)},
    )
    for name in ("x_fwhm", "y_fwhm", "theta"):
        model.fixed[name] = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fits that do not converge
        try:
            fit = TRFLSQFitter()(model, x[is_there], y[is_there], box[is_there])
        except (ValueError, np.linalg.LinAlgError):
            return None
    widths = sorted((float(fit.x_fwhm.value), float(fit.y_fwhm.value)))
    at_x, at_y = float(fit.x_0.value) + 1, float(fit.y_0.value) + 1
    is_near = np.hypot(at_x - source.x, at_y - source.y) <= half
    if not (is_near and widths[0] > _NARROWEST and widths[1] < _WIDEST):
        return None
    return Shape(
        at_x, at_y, float(np.sqrt(widths[0] * widths[1])), widths[1] / widths[0]
    )
