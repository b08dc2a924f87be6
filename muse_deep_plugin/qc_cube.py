"""What a datacube is measured for, read a few planes at a time.

A real cube has 4 GB in each of its extensions DATA and STAT. Both are read once, in
order, in pieces of some megabytes; memory does not grow with the number of planes.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from astropy.io import fits
from attrs import frozen
from numpy.typing import NDArray

from phoenix_core.errors import ProcessingError

Floats = NDArray[np.float64]

MAD_TO_SIGMA: Final = 1.4826
"""Standard deviation of a Gaussian in units of its median absolute deviation."""

_PIECE: Final = 8 * 2**20  # bytes read at once
_LAG: Final = 2  # planes: neighbours share pixels of the detector, the next but one not
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


def measure_cube(path: Path) -> CubeMeasures:
    """Measure a cube with extensions DATA and, if there, STAT.

    Raises:
        ProcessingError: it is no FITS file, has no cube DATA, or ends too early.
    """
    try:
        with fits.open(path) as hdus:
            data = _cube_hdu(hdus, "DATA")
            if data is None:
                raise ProcessingError(f"{path}: no cube; it has no 3D extension DATA")
            return _measure(path, hdus, data)
    except (OSError, fits.VerifyError) as error:
        raise ProcessingError(f"{path}: the cube cannot be read: {error}") from error


def background(image: Floats) -> tuple[float, float]:
    """Return median and MAD of the sky between the sources of an image.

    Sources are cut off by clipping at three standard deviations until nothing
    changes; NaN for an image without values.
    """
    values = image[np.isfinite(image)]
    median = mad = np.nan
    for _ in range(20):
        if not values.size:
            break
        median = float(np.median(values))
        distance = np.abs(values - median)
        mad = float(np.median(distance))
        kept = values[distance <= 3 * MAD_TO_SIGMA * mad]
        if kept.size in {0, values.size}:
            break
        values = kept
    return median, mad


def median_of(values: Floats) -> float:
    """Return the median of what is finite, NaN where nothing is."""
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else float("nan")


def _measure(path: Path, hdus: fits.HDUList, data: Any) -> CubeMeasures:
    header = data.header.copy()
    header.extend(hdus[0].header, unique=True)
    count, rows, columns = data.shape
    spectra = {name: np.full(count, np.nan) for name in ("mean", "median", "noise")}
    measured = np.full(count, np.nan)
    total = np.zeros((rows, columns))
    hits = np.zeros((rows, columns), dtype=np.int32)
    before: list[NDArray[Any]] = []
    for k, plane in enumerate(_planes(path, data)):
        is_valid = np.isfinite(plane)
        values = plane[is_valid]
        np.add(total, plane, out=total, where=is_valid)
        hits += is_valid
        if values.size:
            spectra["mean"][k] = values.mean(dtype=np.float64)
            spectra["median"][k] = np.median(values)
        if len(before) == _LAG:
            measured[k - _LAG // 2] = _noise(plane, before.pop(0))
        before.append(plane)
    stat = _cube_hdu(hdus, "STAT")
    depth = np.zeros((rows, columns))
    for k, plane in enumerate(_planes(path, stat) if stat is not None else ()):
        values = plane[np.isfinite(plane)]
        if values.size and k < count:
            spectra["noise"][k] = np.sqrt(max(np.median(values), 0.0))
        if plane.shape == depth.shape:
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                weight = 1.0 / plane / count
            np.add(depth, weight, out=depth, where=np.isfinite(weight) & (plane > 0))
    white = np.full((rows, columns), np.nan)
    np.divide(total, hits, out=white, where=hits > 0)
    return CubeMeasures(
        header=header,
        shape=(count, rows, columns),
        wavelength=_wavelength(header, count),
        white=white,
        noise_measured=measured,
        valid=int(hits.sum(dtype=np.int64)),
        filled=hits / max(count, 1),
        depth=depth,
        **spectra,
    )


def _noise(plane: NDArray[Any], other: NDArray[Any]) -> float:
    """The noise of one plane, from its difference to another one.

    Sources and sky that are alike in both cancel.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        difference = plane - other
    values = difference[np.isfinite(difference)]
    if not values.size:
        return float("nan")
    values -= np.median(values)
    mad = np.median(np.abs(values, out=values))
    return float(MAD_TO_SIGMA * mad / np.sqrt(2))


def _cube_hdu(hdus: fits.HDUList, name: str) -> Any | None:
    """The cube of that name; DATA may also be the first cube of an unnamed kind."""
    cubes = [hdu for hdu in hdus if hdu.is_image and len(hdu.shape) == 3]  # noqa: PLR2004
    named = [hdu for hdu in cubes if hdu.name == name]
    unnamed = [hdu for hdu in cubes if hdu.name in {"", "PRIMARY"}]
    return next(iter(named or (unnamed if name == "DATA" else [])), None)


def _planes(path: Path, hdu: Any) -> Iterator[NDArray[Any]]:
    """Yield the planes of a cube in native byte order."""
    count, rows, columns = hdu.shape
    size = rows * columns * abs(hdu.header["BITPIX"]) // 8
    if not size:
        return
    at_once = max(1, _PIECE // size)
    is_scaled = any(key in hdu.header for key in ("BSCALE", "BZERO", "ZCMPTYPE"))
    is_plain = type(hdu) in {fits.ImageHDU, fits.PrimaryHDU} and not is_scaled
    kind = {-32: ">f4", -64: ">f8"}.get(hdu.header["BITPIX"])
    if not (is_plain and kind):
        for k in range(0, count, at_once):
            yield from np.asarray(hdu.section[k : k + at_once], dtype=np.float32)
        return
    # Reading into memory that starts at a page is several times faster.
    buffer = mmap.mmap(-1, at_once * size)
    with path.open("rb", buffering=0) as file:
        file.seek(hdu.fileinfo()["datLoc"])
        for k in range(0, count, at_once):
            number = min(at_once, count - k)
            _fill(path, file, memoryview(buffer)[: number * size])
            big_endian = np.frombuffer(buffer, kind, number * rows * columns)
            native = big_endian.astype(big_endian.dtype.newbyteorder("="))
            yield from native.reshape(number, rows, columns)


def _fill(path: Path, file: Any, view: memoryview) -> None:
    while view:
        read = file.readinto(view)
        if not read:
            raise ProcessingError(f"{path}: the cube ends too early; process it again")
        view = view[read:]


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
