"""Zero points from stars of a catalogue, by photometry in an aperture.

The zero point of the pipeline hangs on an aperture correction that it derives from the
stars of the image: with a dozen of them it is 0.1 mag high. An aperture of twice the
FWHM holds all light of a star but a few thousandths, and needs no correction.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from attrs import frozen
from numpy.typing import NDArray

from phoenix_core.errors import ProcessingError

Floats = NDArray[np.float64]

APERTURE: Final = 2.0
RING: Final = (2.6, 3.8)
"""Radii of the aperture and of the ring for its background, in units of the FWHM."""

REACH: Final = 1.0
"""Arcsec between a star and its place in the catalogue, at most."""

_WCS: Final = (
    *("CTYPE1", "CTYPE2", "CUNIT1", "CUNIT2", "CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2"),
    *("CD1_1", "CD1_2", "CD2_1", "CD2_2", "PV2_1", "PV2_2", "PV2_3", "PV2_4", "PV2_5"),
)
_STEPS: Final = 10
_FWHM_TO_SIGMA: Final = 2.3548
_SETTLED: Final = 1e-3  # pixels


@frozen(eq=False)
class Reference:
    """Reference stars: degrees, magnitudes through the filter, and its extinction."""

    ra: Floats
    dec: Floats
    magnitude: Floats
    extinction: float  # magnitudes an airmass


@frozen
class Star:
    """A reference star in an image; `zero_point` at airmass 1, offsets in arcsec."""

    chip: str
    x: float  # pixels from 1
    y: float
    magnitude: float
    zero_point: float
    east: float
    north: float


@frozen
class Exposed:
    """What turns adu of an image into magnitudes outside the atmosphere's changes."""

    seconds: float
    airmass: float


def read_reference(catalogue: Path, photcal: Path, name: str) -> Reference:
    """Read reference stars, with their magnitudes through a filter.

    Args:
        catalogue: MASTER_LOCAL_CATALOGUE_PHOTOM.
        photcal: PHOTCAL_TAB, whose colour equation makes the magnitude.
        name: of the filter.

    Raises:
        ProcessingError: a file cannot be read, or does not know the filter.
    """
    try:
        stars = Table.read(catalogue, hdu=1, unit_parse_strict="silent")
        table = Table.read(photcal, hdu=1, unit_parse_strict="silent")
        rows = [row for row in table if str(row["filter_name"]).strip() == name]
        if not rows:
            raise ProcessingError(f"{photcal.name} does not know filter {name}")
        row = rows[0]
        columns = str(row["coleq_columns"]).strip().split(",")
        factors = [float(text) for text in str(row["coleq_coefs"]).split(",")]
        magnitude = np.full(len(stars), float(row["mag_offset"]))
        for column, factor in zip(columns, factors, strict=True):
            magnitude += factor * np.asarray(stars[column.strip()], np.float64)
        return Reference(
            np.asarray(stars["RA"], np.float64),
            np.asarray(stars["Dec"], np.float64),
            magnitude,
            float(row["atm_extcoef"]),
        )
    except (OSError, ValueError, KeyError, IndexError) as error:
        told = " ".join(str(error).split())
        raise ProcessingError(
            f"{catalogue.name} and {photcal.name} give no magnitudes: {told}"
        ) from error


def measure_stars(
    hdu: fits.ImageHDU,
    covered: NDArray[np.bool_],
    reference: Reference,
    exposed: Exposed,
    fwhm: float,
) -> list[Star]:
    """Measure the reference stars that lie whole on an image.

    Args:
        hdu: a chip of a stack, or a tile.
        covered: the pixels that an exposure has seen.
        reference: stars of the field, and others.
        exposed: exposure time of a single read, airmass.
        fwhm: of the stars, arcsec.
    """
    wcs = image_wcs(hdu.header)
    scale = pixel_scale(hdu.header)
    if wcs is None or not scale or not fwhm > 0:
        return []
    # What the projection cannot take is nan, without a warning.
    with np.errstate(invalid="ignore"):
        x, y = wcs.all_world2pix(reference.ra, reference.dec, 0)
    size = fwhm / scale
    found = []
    for n in np.flatnonzero(_inside(hdu.shape, x, y, RING[1] * size + 1)):
        cut = _cut(hdu.data, covered, x[n], y[n], size)
        if cut is None:
            continue
        place = _centre(cut, x[n], y[n], size)
        flux = _flux(cut, place, size)
        ra, dec = wcs.all_pix2world(*place, 0)
        east = (ra - reference.ra[n]) * np.cos(np.radians(reference.dec[n])) * 3600
        north = (dec - reference.dec[n]) * 3600
        if not flux > 0 or not np.hypot(east, north) < REACH:
            continue
        magnitude = float(reference.magnitude[n])
        above = reference.extinction * (exposed.airmass - 1)
        zero_point = magnitude + 2.5 * np.log10(flux / exposed.seconds) + above
        found.append(
            Star(
                hdu.name,
                place[0] + 1,
                place[1] + 1,
                magnitude,
                float(zero_point),
                float(east),
                float(north),
            )
        )
    return found


def image_wcs(header: fits.Header) -> WCS | None:
    """Return the projection of an image from its keywords alone."""
    cards = fits.Header([(key, header[key]) for key in _WCS if key in header])
    try:
        return WCS(cards, fix=False) if "CTYPE1" in cards else None
    except (ValueError, KeyError):
        return None


def pixel_scale(header: fits.Header) -> float:
    """Return the size of a pixel in arcsec, 0 where the header does not tell it."""
    matrix = [header.get(f"CD{i}_{j}", 0.0) for i in (1, 2) for j in (1, 2)]
    area = abs(matrix[0] * matrix[3] - matrix[1] * matrix[2])
    return 3600 * float(np.sqrt(area))


def clipped(values: Sequence[float]) -> tuple[float, float, int]:
    """Return median, scatter and number of values, outliers of 4 sigma left out."""
    kept = np.asarray(values, np.float64)
    for _ in range(5):
        spread = 1.4826 * float(np.median(np.abs(kept - np.median(kept))))
        near = np.abs(kept - np.median(kept)) <= max(4 * spread, 1e-3)
        if near.all():
            break
        kept = kept[near]
    return float(np.median(kept)), float(kept.std()), int(kept.size)


@frozen(eq=False)
class _Cut:
    """The light around a star above its background, and the places of the pixels."""

    light: Floats
    columns: Floats
    rows: Floats


def _inside(
    shape: tuple[int, ...], x: Floats, y: Floats, room: float
) -> NDArray[np.bool_]:
    rows, columns = shape
    is_wide = (x > room) & (x < columns - 1 - room)
    return np.asarray(is_wide & (y > room) & (y < rows - 1 - room))


def _cut(
    image: Floats, covered: NDArray[np.bool_], x: float, y: float, size: float
) -> _Cut | None:
    """Cut a star out; None where pixels of it are missing."""
    reach = int(np.ceil(RING[1] * size)) + 1
    left, low = max(0, round(x) - reach), max(0, round(y) - reach)
    window = np.s_[low : low + 2 * reach + 1, left : left + 2 * reach + 1]
    part = np.asarray(image[window], np.float64)
    places = np.indices(part.shape).astype(np.float64)
    rows, columns = places[0] + low, places[1] + left
    radius = np.hypot(columns - x, rows - y)
    ring = (radius >= RING[0] * size) & (radius <= RING[1] * size)
    is_good = np.isfinite(part) & covered[window]
    if not is_good[radius <= RING[1] * size].all():
        return None
    return _Cut(part - np.median(part[ring]), columns, rows)


def _centre(cut: _Cut, x: float, y: float, size: float) -> tuple[float, float]:
    """Find the centre with a Gaussian weight that moves with it."""
    sigma = size / _FWHM_TO_SIGMA
    for _ in range(_STEPS):
        radius2 = (cut.columns - x) ** 2 + (cut.rows - y) ** 2
        weight = cut.light * np.exp(-0.5 * radius2 / sigma**2)
        weight[radius2 > (APERTURE * size) ** 2] = 0.0
        total = weight.sum()
        if not total > 0:
            break
        # With a weight as wide as the star each step goes half the way.
        dx = 2 * float((weight * (cut.columns - x)).sum() / total)
        dy = 2 * float((weight * (cut.rows - y)).sum() / total)
        x, y = x + dx, y + dy
        if np.hypot(dx, dy) < _SETTLED:
            break
    return float(x), float(y)


def _flux(cut: _Cut, place: tuple[float, float], size: float) -> float:
    """Sum the aperture; a pixel on its edge counts by its share."""
    radius = np.hypot(cut.columns - place[0], cut.rows - place[1])
    share = np.clip(APERTURE * size + 0.5 - radius, 0.0, 1.0)
    return float((cut.light * share).sum())
