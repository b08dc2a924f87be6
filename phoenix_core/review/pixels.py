"""What is read of FITS files for the eye: an image, where it lies, a spectrum.

Images are small. Of a cube only the spectrum that was asked for is read, and of one
without an image each plane once, for the mean.
"""

import contextlib
import errno
import math
import os
import struct
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from astropy import units
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning
from astropy.wcs import WCS
from attrs import frozen
from numpy.typing import NDArray

from phoenix_core.cube.background import background
from phoenix_core.cube.measure import MAD_TO_SIGMA, measure_signal
from phoenix_core.cube.planes import Cube, find_cube
from phoenix_core.errors import ProcessingError
from phoenix_core.files.regular_file import open_regular
from phoenix_core.review.exhibit import Exhibit

Affine = tuple[float, float, float, float, float, float]

IDENTITY: Final[Affine] = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)

_PLANE: Final = 2  # axes
_DIGITS: Final = 6
_FAR: Final = 1e6  # pixels: nothing that can be seen lies so far away


@frozen(eq=False)
class Picture:
    """An image: rows of pixels from below, NaN where there is nothing."""

    values: NDArray[np.float32]
    header: fits.Header


def in_bytes(base: Picture, other: Picture, shift: tuple[float, float]) -> bytes:
    """Return an image as the page takes it, to be seen like another one, and on it.

    All is little-endian: columns and rows (uint32), the faintest and the brightest
    value of the other one and the six numbers of `place_on` (float64), then the pixels
    (float32).
    """
    rows, columns = other.values.shape
    numbers = (*stretch(base), *place_on(base, other, shift))
    head = struct.pack("<2I8d", columns, rows, *numbers)
    return head + other.values.astype("<f4").tobytes()


def read_picture(exhibit: Exhibit) -> Picture | None:
    """Read the image of an exhibit, or the mean of its cube; None where it has neither.

    Raises:
        ProcessingError: the file cannot be read, or has no image.
    """
    path = exhibit.image or exhibit.cube
    if path is None:
        return None
    with _opened(path) as hdus:
        if path == exhibit.cube:
            cube = find_cube(path, hdus, "DATA", or_unnamed=True)
            return Picture(measure_signal(cube).white.astype("f4"), cube.hdu.header)
        for hdu in hdus:
            if hdu.is_image and len(hdu.shape) == _PLANE:
                return Picture(np.asarray(hdu.data, "f4"), hdu.header)
    raise ProcessingError(f"{path}: there is no image in it")


def stretch(picture: Picture) -> tuple[float, float]:
    """Return the faintest and the brightest value to be told apart.

    From below the sky to where only the cores of the brightest sources are cut: 2.5
    standard deviations of the sky below it to the 99.7th percentile (both ours).
    """
    finite = picture.values[np.isfinite(picture.values)]
    level, spread = background(picture.values.astype(np.float64))
    if not finite.size:
        return 0.0, 1.0
    sigma = MAD_TO_SIGMA * spread
    low = level - 2.5 * sigma
    high = max(float(np.percentile(finite, 99.7)), level + 8 * sigma)
    return (float(low), float(high)) if high > low else (low - 0.5, low + 0.5)


def place_on(
    base: Picture, other: Picture, shift: tuple[float, float] = (0.0, 0.0)
) -> Affine:
    """Return where the pixels of an image lie on another one, by their WCS.

    Args:
        base: the image that is looked at.
        other: the one that is laid on it.
        shift: added to the RA and Dec of the other one, in degrees.

    Returns:
        a, b, c, d, e, f: the pixel (x, y), from 0, lies at (ax + cy + e, bx + dy + f).
        Where an image does not tell where it lies, pixel on pixel.
    """
    wcs, base_wcs = _celestial(other.header), _celestial(base.header)
    if wcs is None or base_wcs is None:
        return IDENTITY
    rows, columns = other.values.shape
    corners = np.array([[0.0, 0.0], [columns, 0.0], [0.0, rows]])
    try:
        sky = wcs.all_pix2world(corners, 0) + shift
        on = base_wcs.all_world2pix(sky, 0, quiet=True)
    except ValueError:
        return IDENTITY
    if not np.isfinite(on).all() or abs(on).max() > _FAR:
        return IDENTITY
    (a, b), (c, d) = (on[1] - on[0]) / columns, (on[2] - on[0]) / rows
    return (float(a), float(b), float(c), float(d), float(on[0, 0]), float(on[0, 1]))


def read_spectrum(path: Path, x: int, y: int) -> Mapping[str, object]:
    """Read the spectrum of a spaxel of a cube, with its noise where there is STAT.

    Args:
        path: of the cube.
        x: column, from 1.
        y: row, from 1.

    Returns:
        A document for the page: lists `wave`, `flux`, `noise` (None where there is no
        value), and their units.

    Raises:
        ProcessingError: no cube, or no such spaxel in it.
    """
    with _opened(path) as hdus:
        cube = find_cube(path, hdus, "DATA", or_unnamed=True)
        _, rows, columns = cube.shape
        if not (1 <= x <= columns and 1 <= y <= rows):
            raise ProcessingError(
                f"there is no spaxel {x}, {y}: x goes to {columns}, y to {rows}"
            )
        header = cube.hdu.header
        flux = _values(cube, x - 1, y - 1)
        noise = _noise(path, hdus, cube.shape, x - 1, y - 1)
        wave, wave_unit = _wavelength(header, flux.size)
    return {
        "x": x,
        "y": y,
        "wave": _numbers(wave),
        "flux": _numbers(flux),
        "noise": None if noise is None else _numbers(noise),
        "wave_unit": wave_unit,
        "unit": str(header.get("BUNIT", "")).strip(),
    }


def _values(cube: Cube, x: int, y: int) -> NDArray[np.float64]:
    """The values of a spaxel (from 0), and no page of the file that is not needed."""
    if not cube.is_plain:
        return np.asarray(cube.hdu.section[:, y, x], "f8")
    planes, rows, columns = cube.shape
    size = cube.kind.itemsize
    first = cube.hdu.fileinfo()["datLoc"] + (y * columns + x) * size
    with cube.path.open("rb", buffering=0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        found = b"".join(
            os.pread(file.fileno(), size, first + plane * rows * columns * size)
            for plane in range(planes)
        )
    if len(found) < planes * size:
        raise OSError(errno.EIO, "it ends too early")
    return np.frombuffer(found, cube.kind).astype("f8")


def _noise(
    path: Path, hdus: Any, shape: tuple[int, int, int], x: int, y: int
) -> NDArray[np.float64] | None:
    for hdu in hdus:
        if hdu.name == "STAT" and hdu.is_image and hdu.shape == shape:
            variance = _values(Cube(path, hdu), x, y)
            return np.sqrt(np.where(variance >= 0, variance, np.nan))
    return None


def _wavelength(header: fits.Header, count: int) -> tuple[NDArray[np.float64], str]:
    """Wavelengths in the unit of the header; the planes' numbers where it is silent."""
    numbers = np.arange(1.0, count + 1)
    try:
        spectral = _wcs(header).spectral
        if spectral.naxis != 1 or not str(spectral.wcs.ctype[0]).strip():
            return numbers, "plane"
        found = spectral.all_pix2world(numbers, 1)[0]
        kept = units.Unit(spectral.wcs.cunit[0])
        wanted = units.Unit(str(header.get("CUNIT3", "") or kept))
        values = np.asarray((found * kept).to(wanted).value, "f8")
    except (ValueError, units.UnitConversionError, MemoryError):
        return numbers, "plane"
    return values, wanted.to_string()


def _celestial(header: fits.Header) -> Any:
    """The WCS of the sky of an image or cube, None where there is none."""
    try:
        wcs = _wcs(header)
    except (ValueError, MemoryError):
        return None
    return wcs.celestial if wcs.has_celestial else None


def _wcs(header: fits.Header) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)
        return WCS(header)


def _numbers(values: NDArray[np.float64]) -> list[float | None]:
    """As JSON has them: no NaN, and no more digits than are seen."""
    return [
        float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
        for value in values.tolist()
    ]


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a FITS file lazily; whatever is wrong with it is told in a line."""
    try:
        with open_regular(path), warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)
            with fits.open(path, memmap=False) as hdus:
                yield hdus
    except (OSError, fits.VerifyError, ValueError, TypeError) as error:
        told = " ".join(str(error).split())
        raise ProcessingError(f"{path.name} cannot be read: {told}") from error
