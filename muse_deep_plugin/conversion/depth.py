"""PIXNOISE and ABMAGLIM of a cube whose QC report does not tell them.

The ways of the pipeline (muse_exp_combine with ``--format=sdpCube``): the most frequent
variance, and the noise of the white-light image smoothed as a point source is.
"""

import math
from pathlib import Path
from typing import Final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

Image = NDArray[np.float64]

SCALE: Final = 1e-20
"""erg/s/cm2/Angstrom, of a flux-calibrated cube."""

_BIN: Final = 0.04  # of the values of STAT, from 0 to 25
_BINS: Final = 625
_SIGMA: Final = 2.3548  # FWHM of a Gaussian
_FNU: Final = 3.34e4  # Jy, for 1 Angstrom and 1 erg/s/cm2/Angstrom
_AB: Final = 3631.0  # Jy, of magnitude 0


@frozen
class Depth:
    """PIXNOISE in erg/s/cm2/Angstrom, ABMAGLIM in AB magnitudes; None: unknown."""

    pixnoise: float | None
    abmaglim: float | None


def measure_depth(
    path: Path, resolution: float, scale: float, wavelengths: tuple[float, float]
) -> Depth:
    """Measure a cube in one pass, plane by plane.

    Args:
        path: the cube, with extensions DATA and STAT.
        resolution: FWHM, arcsec.
        scale: of a pixel, arcsec.
        wavelengths: of the first and the last plane, nm.
    """
    from astropy.io import fits  # noqa: PLC0415, costs start-up

    with fits.open(path, memmap=True) as hdus:
        shape = hdus["DATA"].shape[1:]
        total, hits = np.zeros(shape), np.zeros(shape, np.int64)
        counts = np.zeros(_BINS, np.int64)
        for plane in hdus["DATA"].data:
            is_valid = np.isfinite(plane)
            total += np.where(is_valid, plane, 0.0)
            hits += is_valid
        for plane in hdus["STAT"].data:
            good = plane[np.isfinite(plane)]
            counts += np.histogram(good, _BINS, (0.0, _BIN * _BINS))[0]
    white = np.full(shape, np.nan)
    np.divide(total, hits, out=white, where=hits > 0)
    centre = (int(np.argmax(counts)) + 0.5) * _BIN
    noise = math.sqrt(centre) * SCALE if counts.any() else None
    return Depth(noise, _abmaglim(white, resolution / scale, wavelengths))


def _abmaglim(
    white: Image, fwhm: float, wavelengths: tuple[float, float]
) -> float | None:
    smooth = _smoothed(white, fwhm)
    values = smooth[np.isfinite(smooth)]
    if values.size == 0:
        return None
    low, high = np.percentile(values, (0.1, 99.0))
    counts, edges = np.histogram(
        values, max(int(math.sqrt(values.size)), 1), (low, high)
    )
    most = int(np.argmax(counts))
    below = values[values <= (edges[most] + edges[most + 1]) / 2]
    spread = float(np.median(np.abs(below - np.median(below)))) if below.size else 0.0
    if spread <= 0:
        return None
    noise = 1.4826 * spread / math.sqrt(1 - 2 / math.pi)
    flux = 5 * noise * 4 * math.pi * (fwhm / _SIGMA) ** 2 * SCALE
    first, last = (10 * nm for nm in wavelengths)
    return -2.5 * math.log10(flux * _FNU * first * last / _AB)


def _smoothed(image: Image, fwhm: float) -> Image:
    """The mean around each pixel, weighted by a Gaussian; edges are mirrored."""
    half = max(int(fwhm), 1)
    offsets = np.arange(-half, half + 1)
    weights = np.exp(-((offsets * _SIGMA / fwhm) ** 2) / 2)
    is_there = np.isfinite(image)
    total = _convolved(np.where(is_there, image, 0.0), weights)
    weight = _convolved(is_there.astype(np.float64), weights)
    smooth = np.full(image.shape, np.nan)
    np.divide(total, weight, out=smooth, where=weight > 0)
    return smooth


def _convolved(image: Image, weights: Image) -> Image:
    half = len(weights) // 2
    for _ in range(2):
        padded = np.pad(image, ((half, half), (0, 0)), mode="symmetric")
        rows = len(image)
        image = sum(weight * padded[k : k + rows] for k, weight in enumerate(weights)).T
    return image
