"""Each exposure of a deep cube held against the deep cube: where, how bright, how much.

The white-light image of an exposure is laid on the grid of the deep one, moved by what
muse_exp_align found for it. Then its stars have to be where the deep ones are, and as
bright. The deep cube itself is drawn to an exposure that is odd: so an exposure is
judged by the median of all of them, and of two by the other one.
"""

import math
import statistics
from collections.abc import Sequence
from typing import Final

import numpy as np
from astropy.io import fits
from attrs import frozen

from muse_deep_plugin.qc_cube import MAD_TO_SIGMA, Floats, background
from muse_deep_plugin.qc_sources import Source

PIXEL: Final = 0.2
"""Arcsec: a spaxel of the wide field, where the header does not say."""

_FARTHEST: Final = 5.0  # arcsec: an exposure that is further off is not found
_RADIUS: Final = 1.2  # FWHM: of apertures; the same light in good and bad seeing
_SMALLEST: Final = 3.0  # pixels: such a radius
_BRIGHT: Final = 10.0  # standard deviations in an aperture: fainter ones tell no ratio
_MEASURED: Final = 50  # sources, the brightest
_SKY: Final = 3.0  # standard deviations above the sky: what is light of sources
_HALF: Final = 0.5  # of a pixel
_ALIKE: Final = 0.2  # of the light: less is chance; the same stars have 0.8 and more
_PAIR: Final = 2
_TURNED: Final = 1.0  # degrees between position angles: rotated

Shift = tuple[float, float]


@frozen(eq=False)
class Image:
    """A white-light image with its header; NaN where there is nothing."""

    pixels: Floats
    header: fits.Header


@frozen(eq=False)
class Placed:
    """An exposure on the grid of the deep cube.

    `shift` (arcsec east and north) is where its sources still are from those of the
    deep cube; `flux` is theirs by those. None where no source tells.
    """

    pixels: Floats
    shift: Shift | None
    flux: float | None


def place(
    deep: Image,
    sources: Sequence[Source],
    exposure: Image,
    offset: Shift,
    fwhm: float | None,
) -> Placed:
    """Lay an exposure on the deep image and look at their common sources.

    Args:
        deep: white-light image of the deep cube.
        sources: in it, the brightest first.
        exposure: white-light image of the exposure.
        offset: degrees of RA and Dec that the exposure was moved by (DRA, DDEC).
        fwhm: of the deep cube's sources, in arcsec.
    """
    laid = on_grid(deep, exposure, offset)
    scale = _scale(deep.header)
    moved = _moved(deep.pixels, laid, _FARTHEST / scale) if sources else None
    radius = max(_RADIUS * (fwhm or 0.0) / scale, _SMALLEST)
    # Where no star is seen there is one that clouds have hidden, perhaps.
    flux = _flux_ratio(deep.pixels, laid, sources, moved or (0.0, 0.0), radius)
    return Placed(laid, _on_sky(deep.header, moved) if moved else None, flux)


def on_grid(deep: Image, exposure: Image, offset: Shift) -> Floats:
    """Return the pixels of an exposure where the deep image has its own."""
    from astropy.wcs import WCS  # noqa: PLC0415, costs start-up
    from scipy.ndimage import map_coordinates  # noqa: PLC0415

    rows, columns = deep.pixels.shape
    y, x = np.mgrid[0:rows, 0:columns]
    ra, dec = WCS(deep.header, naxis=2).wcs_pix2world(x.ravel(), y.ravel(), 0)
    # The recipe takes the offset from the place of a pixel.
    at = WCS(exposure.header, naxis=2).wcs_world2pix(ra + offset[0], dec + offset[1], 0)
    places = np.stack([at[1], at[0]])
    is_there = np.isfinite(exposure.pixels)
    values = np.where(is_there, exposure.pixels, 0.0)
    total = map_coordinates(values, places, order=1, mode="nearest")
    known = is_there.astype(np.float64)
    weight = map_coordinates(known, places, order=1, mode="nearest")
    # A pixel reaches half of itself from its middle.
    ends = np.array(exposure.pixels.shape)[:, None] - _HALF
    is_inside = ((places >= -_HALF) & (places < ends)).all(axis=0)
    laid = np.full(rows * columns, np.nan)
    np.divide(total, weight, out=laid, where=is_inside & (weight > _HALF))
    return laid.reshape(rows, columns)


def against_others(shifts: Sequence[Shift | None]) -> tuple[Shift | None, ...]:
    """Return the shifts relative to the median, or of two relative to the other."""
    known = [shift for shift in shifts if shift is not None]
    if len(known) < _PAIR:
        return tuple(None for _ in shifts)
    if len(known) == _PAIR:
        (x1, y1), (x2, y2) = known
        answers = iter([(x1 - x2, y1 - y2), (x2 - x1, y2 - y1)])
        return tuple(None if shift is None else next(answers) for shift in shifts)
    x = statistics.median(shift[0] for shift in known)
    y = statistics.median(shift[1] for shift in known)
    return tuple(None if s is None else (s[0] - x, s[1] - y) for s in shifts)


def ratios_to_others(fluxes: Sequence[float | None]) -> tuple[float | None, ...]:
    """Return fluxes by their median, or of two by the other one."""
    known = [flux for flux in fluxes if flux is not None and flux > 0]
    if len(known) < _PAIR:
        return tuple(None for _ in fluxes)
    middle = statistics.median(known)

    def ratio(flux: float | None) -> float | None:
        if flux is None:
            return None
        if len(known) > _PAIR:
            return flux / middle
        others = [one for one in known if one != flux] or known
        return flux / others[0]

    return tuple(map(ratio, fluxes))


def rotated_difference(
    shifts: Sequence[Shift | None], angles: Sequence[float | None]
) -> float | None:
    """Return how far rotated observations are from each other, in arcsec.

    The largest distance between the mean places of position angles; None where all
    exposures have one angle.
    """
    groups: dict[int, list[Shift]] = {}
    for shift, angle in zip(shifts, angles, strict=True):
        if shift is not None and angle is not None:
            groups.setdefault(round(angle % 360 / _TURNED) % 360, []).append(shift)
    means = [
        (statistics.fmean(s[0] for s in group), statistics.fmean(s[1] for s in group))
        for group in groups.values()
    ]
    if len(means) < _PAIR:
        return None
    return max(math.dist(one, other) for one in means for other in means)


def _scale(header: fits.Header) -> float:
    """Arcsec a pixel."""
    step = math.hypot(header.get("CD1_1", 0.0), header.get("CD2_1", 0.0))
    return 3600 * step if step > 0 else PIXEL


def _on_sky(header: fits.Header, moved: Shift) -> Shift:
    """Pixels along x and y as arcsec east and north."""
    x, y = moved
    east = header.get("CD1_1", 0.0) * x + header.get("CD1_2", 0.0) * y
    north = header.get("CD2_1", 0.0) * x + header.get("CD2_2", 0.0) * y
    return 3600 * east, 3600 * north


def _moved(deep: Floats, laid: Floats, farthest: float) -> Shift | None:
    """How many pixels the second image is off the first: the peak of their product.

    The place where most light meets most: of an exposure that is off, that is where
    the others made the deep image, and not the ghost that it left there itself.
    """
    from scipy.signal import fftconvolve  # noqa: PLC0415, costs start-up

    first, second = _light(deep), _light(laid)
    if not (first.any() and second.any()):
        return None
    product = fftconvolve(second, first[::-1, ::-1], mode="full")
    middle = deep.shape[0] - 1, deep.shape[1] - 1
    reach = int(min(farthest, middle[0], middle[1]))
    part = product[
        middle[0] - reach : middle[0] + reach + 1,
        middle[1] - reach : middle[1] + reach + 1,
    ]
    row, column = np.unravel_index(int(np.argmax(part)), part.shape)
    whole = math.sqrt(float((first**2).sum() * (second**2).sum()))
    if not part[row, column] > _ALIKE * whole:
        return None
    return (
        column - reach + _between(part[row, :], int(column)),
        row - reach + _between(part[:, column], int(row)),
    )


def _light(image: Floats) -> Floats:
    """What stands out of the sky, the bright not much more than the faint."""
    level, spread = background(image)
    sigma = MAD_TO_SIGMA * spread
    if not sigma > 0:
        return np.zeros_like(image)
    above = np.nan_to_num((image - level) / sigma, nan=0.0)
    return np.sqrt(np.clip(above - _SKY, 0.0, None))


def _between(values: Floats, peak: int) -> float:
    """Where between pixels the peak is: of a parabola through three logarithms."""
    if not 0 < peak < len(values) - 1:
        return 0.0
    near = values[peak - 1 : peak + 2]
    if not near.min() > 0:
        return 0.0
    low, top, high = np.log(near)
    curve = low - 2 * top + high
    return float(0.5 * (low - high) / curve) if curve < 0 else 0.0


def _flux_ratio(
    deep: Floats, laid: Floats, sources: Sequence[Source], moved: Shift, radius: float
) -> float | None:
    """The median of the fluxes of common sources, exposure by deep cube."""
    from photutils.aperture import (  # noqa: PLC0415, costs start-up
        ApertureStats,
        CircularAperture,
    )

    chosen = sources[:_MEASURED]
    if not chosen:
        return None
    here = np.array([(source.x - 1, source.y - 1) for source in chosen])
    there = here + np.array(moved)
    found = []
    for image, places in ((deep, here), (laid, there)):
        level, spread = background(image)
        apertures = CircularAperture(places, radius)
        inside = np.isfinite(image)
        flux = ApertureStats(np.where(inside, image - level, 0.0), apertures).sum
        cover = ApertureStats(inside.astype(np.float64), apertures).sum
        noise = MAD_TO_SIGMA * spread * math.sqrt(apertures.area)
        is_whole = cover > 0.98 * apertures.area
        found.append((np.atleast_1d(flux), np.atleast_1d(is_whole), noise))
    (bright, here_whole, noise), (other, there_whole, _) = found
    is_good = here_whole & there_whole & (bright > _BRIGHT * noise)
    if not is_good.any():
        return None
    return float(np.median(other[is_good] / bright[is_good]))
