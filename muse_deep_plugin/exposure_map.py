"""The exposure map of a deep cube: for how long each of its spaxels was exposed.

The sum of the exposure times (seconds) of those exposures that cover a spaxel. What
an exposure covers is where its field-of-view image, on a grid of its own, has values;
where that lies in the deep cube, the coordinates tell, and the offset that
muse_exp_combine has moved it by. The pixels that the recipe has rejected in single
planes, cosmic rays above all, count as exposed.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from muse_deep_plugin.qc_keywords import offsets
from phoenix_core.errors import ProcessingError

if TYPE_CHECKING:
    from astropy.io import fits

Seconds = NDArray[np.float32]

CATEGORY: Final = "EXPOSURE_MAP"
EXTENSION: Final = "DATA"

_ROWS: Final = 256  # of the map at a time: coordinates of a mosaic take memory


@frozen(eq=False)
class Field:
    """An image of the sky: which pixels have a value, and where they lie."""

    header: "fits.Header"
    is_there: NDArray[np.bool_]


@frozen(eq=False)
class Exposure:
    """What one exposure covers, and for how long."""

    date_obs: str
    seconds: float
    field: Field


def read_exposure(image: Path) -> Exposure | None:
    """Read the field-of-view image of an exposure; None where EXPTIME is not known.

    Raises:
        ProcessingError: it cannot be read, or is no image.
    """
    primary, field = _read(image)
    seconds = primary.get("EXPTIME")
    if not isinstance(seconds, int | float) or not seconds > 0:
        return None
    return Exposure(str(primary.get("DATE-OBS", "")).strip(), float(seconds), field)


def exposure_map(deep: Path, images: Sequence[Path]) -> Seconds | None:
    """Compute the exposure map of a deep cube.

    Args:
        deep: the white-light image of the deep cube.
        images: those of the exposures; one that was not combined does not count.

    Returns:
        Seconds, 0 where the deep cube has nothing; None where an exposure does not say
        how long it is.

    Raises:
        ProcessingError: an image cannot be read.
    """
    primary, field = _read(deep)
    moved = {o.exposure.strip(): (o.dra, o.ddec) for o in offsets(primary)}
    exposures = [read_exposure(image) for image in images]
    known = [one for one in exposures if one is not None]
    combined = [one for one in known if not moved or one.date_obs in moved]
    if not combined or len(known) < len(exposures) or len(combined) < len(moved):
        return None
    return times_of(field, combined, moved)


def times_of(
    deep: Field,
    exposures: Sequence[Exposure],
    moved: Mapping[str, tuple[float, float]],
) -> Seconds:
    """Add up the times of the exposures in the pixels of a deep image.

    A pixel that has a value and lies in no exposure, at the edge, where resampling
    reaches half a pixel further, has the time of the shortest: one at least was there.

    Args:
        deep: the deep image.
        exposures: those in it.
        moved: offsets in RA and Dec (degrees, no cos Dec) by exposure.
    """
    from astropy.wcs import WCS  # noqa: PLC0415, costs start-up

    total = np.zeros(deep.is_there.shape, np.float64)
    sky = WCS(deep.header, naxis=2)
    grids = [WCS(one.field.header, naxis=2) for one in exposures]
    rows, columns = deep.is_there.shape[-2:]
    for first in range(0, rows, _ROWS):
        part = slice(first, min(first + _ROWS, rows))
        y, x = np.mgrid[part, 0:columns]
        ra, dec = sky.wcs_pix2world(x, y, 0)
        for one, grid in zip(exposures, grids, strict=True):
            dra, ddec = moved.get(one.date_obs, (0.0, 0.0))
            places = grid.wcs_world2pix(ra + dra, dec + ddec, 0)
            total[part] += one.seconds * _is_within(one.field.is_there, *places)
    shortest = min(one.seconds for one in exposures)
    total[deep.is_there & (total == 0)] = shortest
    total[~deep.is_there] = 0
    return total.astype(np.float32)


def median_time(times: Seconds) -> float:
    """Return the median over the spaxels that were exposed at all, 0 without any."""
    exposed = times[times > 0]
    return float(np.median(exposed)) if exposed.size else 0.0


def write_map(path: Path, times: Seconds, deep: Path) -> None:
    """Write an exposure map with the headers of the deep cube's white-light image.

    Raises:
        ProcessingError: that image cannot be read.
    """
    from astropy.io import fits  # noqa: PLC0415, costs start-up

    with fits.open(deep) as hdus:
        primary = fits.PrimaryHDU(header=hdus[0].header.copy())
        header = hdus[EXTENSION].header.copy()
    for key in ("BSCALE", "BZERO", "BLANK", "ERRDATA", "QUALDATA", "HDUCLAS3"):
        header.remove(key, ignore_missing=True)
    header["BUNIT"] = ("s", "exposure time")
    header["EXTNAME"] = EXTENSION
    primary.header["OBJECT"] = _object(primary.header)
    data = fits.ImageHDU(times, header)
    fits.HDUList([primary, data]).writeto(path, checksum=True)


def read_map(path: Path) -> Seconds:
    """Read an exposure map.

    Raises:
        ProcessingError: it cannot be read, or is none.
    """
    from astropy.io import fits  # noqa: PLC0415, costs start-up

    try:
        with fits.open(path) as hdus:
            return np.array(hdus[EXTENSION].data, np.float32)
    except (OSError, KeyError, ValueError, TypeError, fits.VerifyError) as error:
        raise _unreadable(path, error) from error


def _object(header: "fits.Header") -> str:
    """The target, without what the recipe calls a white-light image."""
    name = str(header.get("OBJECT", "")).partition(" (")[0]
    return f"{name} (exposure map)".strip()


def _is_within(
    is_there: NDArray[np.bool_], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Whether places lie in pixels that have a value."""
    rows, columns = is_there.shape
    inside = (x > -0.5) & (x < columns - 0.5) & (y > -0.5) & (y < rows - 0.5)  # noqa: PLR2004
    column = np.where(inside, np.rint(np.where(inside, x, 0)), 0).astype(np.intp)
    row = np.where(inside, np.rint(np.where(inside, y, 0)), 0).astype(np.intp)
    return np.asarray(inside & is_there[row, column], np.bool_)


def _read(path: Path) -> tuple["fits.Header", Field]:
    """The primary header of an image, and the field that it shows."""
    from astropy.io import fits  # noqa: PLC0415, costs start-up

    try:
        with fits.open(path) as hdus:
            image = hdus[EXTENSION]
            is_there = np.isfinite(np.asarray(image.data))
            if is_there.ndim != 2:  # noqa: PLR2004, an image
                raise ProcessingError(f"{path} is no image, it cannot be mapped")
            return hdus[0].header.copy(), Field(image.header.copy(), is_there)
    except (OSError, KeyError, ValueError, TypeError, fits.VerifyError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> ProcessingError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return ProcessingError(f"{path} cannot be read: {reason}")
