"""What a datacube is measured for, read a few planes at a time.

A real cube has 4 GB in its extensions DATA and STAT. Both are read once, in order, a
few planes at a time (phoenix_core.cube); memory does not grow with their number.
"""

from pathlib import Path
from typing import Final

import numpy as np
from astropy.io import fits
from attrs import field, frozen
from numpy.typing import NDArray

from phoenix_core.cube.background import background, median_of
from phoenix_core.cube.measure import (
    MAD_TO_SIGMA,
    Bins,
    Floats,
    Variance,
    measure_signal,
    measure_variance,
)
from phoenix_core.cube.planes import Cube, find_cube
from phoenix_core.errors import ProcessingError

__all__ = [
    "MAD_TO_SIGMA",
    "VARIANCES",
    "CubeMeasures",
    "Floats",
    "background",
    "measure_cube",
    "median_of",
]

VARIANCES: Final = Bins(number=625, per_unit=25.0)
"""Bins of the values of STAT: 0.04 wide, from 0 to 25, as the recipes have them."""

_ANGSTROM: Final = {"angstrom": 1.0, "nm": 10.0, "um": 1e4, "m": 1e10}


@frozen(eq=False)
class CubeMeasures:
    """What one pass over a cube gives; NaN where there are no valid values.

    Spectra have one value a plane. Fluxes are in the cube's `unit`.
    """

    header: fits.Header  # of DATA, then of the primary HDU where DATA is silent
    shape: tuple[int, int, int]  # planes, rows, columns
    wavelength: Floats  # Angstrom; counts planes from 1 where the header has none
    white: Floats  # mean of all planes: an image
    mean: Floats  # over the field
    median: Floats
    noise: Floats  # as the pipeline propagates it: root of the median of STAT
    noise_measured: Floats  # from differences of planes, free of what is in the sky
    valid: int  # number of finite values
    filled: Floats  # fraction of planes that have a value: an image
    depth: Floats  # mean of 1/STAT over all planes: an image, 0 where there is nothing
    mad: Floats = field(factory=lambda: np.zeros(0))  # of each plane, about its median
    variances: NDArray[np.int64] = field(factory=lambda: np.zeros(0, np.int64))
    """Number of values of STAT by bin, see VARIANCES; none without STAT."""

    @property
    def unit(self) -> str:
        """BUNIT of DATA."""
        return str(self.header.get("BUNIT", "")).strip()

    @property
    def has_wavelength(self) -> bool:
        """Whether the header tells the wavelengths of the planes."""
        return _step(self.header) is not None

    @property
    def nan_fraction(self) -> float:
        """Fraction of values that are not finite; 1 for an empty cube."""
        size = int(np.prod(self.shape))
        return 1 - self.valid / size if size else 1.0

    @property
    def filled_fraction(self) -> float:
        """Fraction of spaxels with at least one value; 0 for an empty cube."""
        return float(np.isfinite(self.white).mean()) if self.white.size else 0.0

    @property
    def noise_ratio(self) -> float:
        """Noise measured in the planes by the one that STAT promises: their median."""
        promised = np.where(self.noise > 0, self.noise, np.nan)
        return median_of(self.noise_measured / promised)


def measure_cube(path: Path) -> CubeMeasures:
    """Measure a cube with extensions DATA and, if there, STAT.

    Raises:
        ProcessingError: it is no FITS file, has no cube DATA, a STAT of another shape,
            a coordinate that is no number, or ends too early.
    """
    try:
        with fits.open(path) as hdus:
            data = find_cube(path, hdus, "DATA", or_unnamed=True)
            has_stat = any(hdu.name == "STAT" for hdu in hdus)
            stat = find_cube(path, hdus, "STAT") if has_stat else None
            if stat and stat.shape != data.shape:
                raise ProcessingError(
                    f"{path}: DATA and STAT differ in shape, {data.shape} and "
                    f"{stat.shape}; process it again"
                )
            header = data.hdu.header.copy()
            _check_coordinates(path, header)
            header.extend(hdus[0].header, unique=True)
            return _measure(header, data, stat)
    except (OSError, fits.VerifyError) as error:
        raise ProcessingError(f"{path}: the cube cannot be read: {error}") from error


def _check_coordinates(path: Path, header: fits.Header) -> None:
    """Refuse coordinates that nobody can compute with."""
    for axis in "123":
        columns = [f"{name}{axis}_{other}" for name in ("CD", "PC") for other in "123"]
        for keyword in (*columns, f"CDELT{axis}", f"CRVAL{axis}", f"CRPIX{axis}"):
            value = header.get(keyword)
            if keyword in header and not isinstance(value, int | float):
                raise ProcessingError(
                    f"{path}: {keyword} is {str(value)!r}, expected a number; process "
                    "it again"
                )


def _measure(header: fits.Header, data: Cube, stat: Cube | None) -> CubeMeasures:
    signal = measure_signal(data)
    variance = measure_variance(stat, VARIANCES) if stat else _no_variance(data)
    planes = max(data.shape[0], 1)
    return CubeMeasures(
        header=header,
        shape=data.shape,
        wavelength=_wavelength(header, data.shape[0]),
        white=signal.white,
        mean=signal.mean,
        median=signal.median,
        noise=np.sqrt(np.maximum(variance.median, 0.0)),
        noise_measured=signal.noise,
        valid=int(signal.hits.sum(dtype=np.int64)),
        filled=signal.hits / planes,
        depth=variance.depth / planes,
        mad=signal.mad,
        variances=variance.counts,
    )


def _no_variance(data: Cube) -> Variance:
    count, rows, columns = data.shape
    return Variance(
        median=np.full(count, np.nan),
        depth=np.zeros((rows, columns)),
        counts=np.zeros(0, np.int64),
    )


def _step(header: fits.Header) -> float | None:
    """Wavelength from plane to plane, in the header's unit."""
    for matrix, factor in (("CD3_3", 1.0), ("PC3_3", header.get("CDELT3", 1.0))):
        if matrix in header:
            step = header[matrix] * factor
            return float(step) if step else None
    return float(header["CDELT3"]) if header.get("CDELT3") else None


def _wavelength(header: fits.Header, count: int) -> Floats:
    """Wavelengths of the planes in Angstrom; without them, the planes' numbers."""
    step = _step(header)
    numbers = np.arange(1.0, count + 1)
    if step is None:
        return numbers
    unit = _ANGSTROM.get(str(header.get("CUNIT3", "Angstrom")).strip().lower(), 1.0)
    first, at = header.get("CRVAL3", 0.0), header.get("CRPIX3", 1.0)
    return np.asarray(unit * (first + step * (numbers - at)), dtype=np.float64)
