"""PIXNOISE, SKY_RES and ABMAGLIM of a cube, as muse_exp_combine writes them.

The recipe writes them with ``--format=sdpCube`` alone; here any cube gets them. Its
way, version 2.8.7, is followed, weaknesses included, so that the numbers can be
compared: to all digits for PIXNOISE, and to 1e-5 mag for ABMAGLIM with the recipe's
SKY_RES; SKY_RES to 1e-4 of itself. Units: erg/s/cm2/Angstrom, arcsec, AB magnitudes.
"""

import math
import re
from typing import Final

import numpy as np
from astropy.io import fits

from muse_deep_plugin.qc_cube import MAD_TO_SIGMA, VARIANCES, CubeMeasures, Floats
from muse_deep_plugin.qc_image import grid_of
from phoenix_core.cube.background import median_and_mad, mode

FLUX_SCALE: Final = 1e-20
"""Of a calibrated cube, in erg/s/cm2/Angstrom."""

_UNIT: Final = re.compile(
    r"(?=.*erg)(?=.*angstrom)\(?(?:10\*\*\(?-20|1e-20)(?!\d)", re.IGNORECASE
)
_FWHM_TO_SIGMA: Final = math.sqrt(8 * math.log(2))
_SIGMAS: Final = 5.0  # of the background: the limit
_FNU: Final = 3.34e4  # Jy, for a wavelength of 1 Angstrom and 1 erg/s/cm2/Angstrom
_AB: Final = 3631.0  # Jy, of magnitude 0
_HALF_GAUSSIAN: Final = math.sqrt(1 - 2 / math.pi)  # sigma of |x|, where that of x is 1

# Seeing to image quality (Tokovinin 2002, PASP 114, 1156; Martinez et al. 2010, The
# Messenger 141, 5): Fried's parameter by the seeing at 500 nm, an outer scale of 23 m,
# a primary mirror of 8.2 m. At 700 nm, as the recipe has it.
_WAVELENGTH: Final = 700.0 / 500.0
_FRIED: Final = 0.976 * 500e-9 * math.degrees(1) * 3600  # m, for a seeing of 1 arcsec
_OUTER_SCALE: Final = 23.0  # m
_MIRROR: Final = 8.2  # m
_KOLMOGOROV: Final = 1 / (1 + 300 * _MIRROR / _OUTER_SCALE) - 1
_NARROW_FIELD: Final = 0.15  # arcsec, where the adaptive optics tells no Strehl ratio


def pixnoise(measures: CubeMeasures) -> float | None:
    """Return the root of the most frequent variance of a voxel between 0 and 25.

    In the cube's scale of 1e-20. A cube noisier than 5e-20, as of one exposure, has the
    noise of its least noisy voxels, with the recipe as well: NOISE_PROPAGATED of the QC
    report has no such limit. None where the cube has no STAT, no value there, or is not
    flux-calibrated.
    """
    if not (measures.variances.any() and is_calibrated(measures.unit)):
        return None
    highest = int(np.argmax(measures.variances))
    return math.sqrt(VARIANCES.centre(highest)) * FLUX_SCALE


def sky_res(header: fits.Header) -> float | None:
    """Return the spatial resolution of an exposure, FWHM in arcsec.

    SKY_RES, where the recipe has written it; else from the seeing in the focal plane
    (``ESO TEL IA FWHMLIN``) and the airmass, as it does. For a cube of several
    exposures the recipe has the mean of theirs: this is that of the first one.
    """
    if (known := _positive(header, "SKY_RES")) is not None:
        return known
    if str(header.get("ESO INS MODE", "")).startswith("NFM"):
        return _NARROW_FIELD
    seeing = _positive(header, "ESO TEL IA FWHMLIN")
    masses = [_positive(header, f"ESO TEL AIRM {end}") for end in ("START", "END")]
    airmass = sum(mass for mass in masses if mass is not None) / 2
    if seeing is None or None in masses:
        return None
    fried = _FRIED / seeing * _WAVELENGTH**1.2 * airmass**-0.6
    damped = 1 + _KOLMOGOROV * 2.183 * (fried / _OUTER_SCALE) ** 0.356
    return seeing * airmass**0.6 * _WAVELENGTH**-0.2 * math.sqrt(max(damped, 0)) or None


def abmaglim(measures: CubeMeasures, resolution: float | None) -> float | None:
    """Return the magnitude of a point source at five sigma of the white-light image.

    The image is smoothed as a point source is; what of it lies below the mode is noise
    alone, of which a half Gaussian is seen. None where anything that it needs is not
    known: resolution, scale, wavelengths, flux, a background that has noise.

    Args:
        measures: of the cube.
        resolution: FWHM in arcsec, SKY_RES.
    """
    grid = grid_of(measures.header, measures.white.shape)
    is_known = measures.has_wavelength and is_calibrated(measures.unit)
    if not (resolution and is_known and grid.cd is not None and measures.white.size):
        return None
    fwhm = resolution / float(np.hypot(*grid.cd).max())  # pixels
    smooth = _smoothed(measures.white, fwhm)
    values = smooth[np.isfinite(smooth)]
    level = mode(values)
    if level is None:
        return None
    below = values[values <= level]
    spread = median_and_mad(below)[1] if below.size else 0.0
    first, last = measures.wavelength[[0, -1]]
    if not (spread > 0 and first > 0 and last > 0):
        return None
    noise = MAD_TO_SIGMA * spread / _HALF_GAUSSIAN
    pixels = 4 * math.pi * (fwhm / _FWHM_TO_SIGMA) ** 2
    flux = _SIGMAS * noise * pixels * FLUX_SCALE
    return float(-2.5 * math.log10(flux * _FNU * first * last / _AB))


def is_calibrated(unit: str) -> bool:
    """Whether a unit is the one of flux-calibrated cubes, in any of its spellings.

    >>> is_calibrated("10**(-20)*erg/s/cm**2/Angstrom"), is_calibrated("count")
    (True, False)
    """
    return _UNIT.match(unit) is not None


def _smoothed(image: Floats, fwhm: float) -> Floats:
    """The mean around each pixel, weighted by a Gaussian; edges are mirrored.

    What is NaN has no weight, and a value where something is near.
    """
    is_there = np.isfinite(image)
    half = int(fwhm)
    offsets = np.arange(-half, half + 1)
    weights = np.exp(-(offsets**2) * _FWHM_TO_SIGMA**2 / (2 * fwhm**2))
    total = _convolved(np.where(is_there, image, 0.0), weights)
    weight = _convolved(is_there.astype(np.float64), weights)
    smooth = np.full(image.shape, np.nan)
    np.divide(total, weight, out=smooth, where=weight > 0)
    return smooth


def _convolved(image: Floats, weights: Floats) -> Floats:
    """The sum around each pixel, along columns and then along rows."""
    half = len(weights) // 2
    for _ in range(2):
        padded = np.pad(image, ((half, half), (0, 0)), mode="symmetric")
        total = np.zeros(image.shape)
        for k, weight in enumerate(weights):
            total += weight * padded[k : k + len(image)]
        image = total.T
    return image


def _positive(header: fits.Header, keyword: str) -> float | None:
    value = header.get(keyword)
    is_number = isinstance(value, int | float) and math.isfinite(value) and value > 0
    return float(value) if is_number else None
