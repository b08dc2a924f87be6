"""Measure the stars of a reduced image and compare them with the truth."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from numpy.typing import NDArray

from .sources import offset_between

APERTURE: Final = 9.0
"""Pixels: four and a half sigma of the seeing, beyond which nothing counts."""

RING: Final = (11.0, 15.0)
"""Pixels: where a star's background is taken."""

COLUMNS: Final = ("name", "extension", "east", "north", "zero_point")

_STEPS: Final = 8
_WEIGHT_SIGMA: Final = 2.0

Image = NDArray[np.float64]


def measure_stars(path: Path, truth_block: Mapping[str, Any]) -> Table:
    """Measure an OB's stars in an image; `truth_block` is from truth_of_block.

    For JITTERED_IMAGE_SCI, TILED_IMAGE and BASIC_CALIBRATED_SCI alike: every image in
    the file, with the WCS that its header has. The zero point is that of 1 adu a
    second at airmass 1, in an aperture of APERTURE pixels.

    Columns: `name`, `extension`; `east`, `north` (arcsec, measured minus true);
    `zero_point` (magnitudes, measured minus true; nan without any light). Stars whose
    background ring is not whole within the image are left out.

    Astrometry: single exposures and tiles are good to some milliarcsec, stacks to
    30 or 40 (the recipe fits a plane over the distortion of four chips).
    """
    rows = []
    objects = [one for one in truth_block["exposures"] if one["kind"] == "OBJECT"]
    seconds = objects[0]["dit"]
    airmass = float(np.mean([one["airmass"] for one in objects]))
    extinction = truth_block["extinction"] * (airmass - 1.0)
    for name, image, projection in _images(path):
        positions = [(star["ra"], star["dec"]) for star in truth_block["stars"]]
        places = projection.all_world2pix(positions, 0)
        for star, (x, y) in zip(truth_block["stars"], places, strict=True):
            if not _is_inside(image, x, y):
                continue
            found = _centre(image, float(x), float(y))
            ra, dec = projection.all_pix2world([found], 0)[0]
            east, north = offset_between(star["ra"], star["dec"], ra, dec)
            expected = truth_block["zero_point"] - star["magnitude"] - extinction
            brightness = _brightness(_flux(image, *found) / seconds)
            rows.append((star["name"], name, east, north, brightness - expected))
    kinds = ("U40", "U20", "f8", "f8", "f8")
    return Table(rows=rows or None, names=COLUMNS, dtype=kinds)


def _images(path: Path) -> Iterator[tuple[str, Image, WCS]]:
    """Give each image of a file with its name and its projection."""
    with fits.open(path) as hdus:
        for hdu in hdus:
            if hdu.data is not None and hdu.is_image:
                yield (
                    hdu.name,
                    np.asarray(hdu.data, np.float64),
                    _projection(hdu.header),
                )


def _projection(header: fits.Header) -> WCS:
    """Read the projection alone: astropy has a warning for dates of the recipes."""
    cards = fits.Header()
    for name in ("CTYPE", "CUNIT", "CRVAL", "CRPIX", "CD1_", "CD2_", "PV2_"):
        for card in header[f"{name}*"].cards:
            cards.append(card)
    cards["RADESYS"], cards["EQUINOX"] = "FK5", 2000.0
    return WCS(cards)


def _is_inside(image: Image, x: float, y: float) -> bool:
    """Say whether the whole ring about a place lies in the image."""
    height, width = image.shape
    reach = RING[1] + 1.0
    if not (np.isfinite(x) and np.isfinite(y)):
        return False
    return bool(reach <= x <= width - 1 - reach and reach <= y <= height - 1 - reach)


def _centre(image: Image, x: float, y: float) -> tuple[float, float]:
    """Find a star's centre near a place, weighted by a Gaussian that moves with it."""
    columns, rows, light = _neighbourhood(image, x, y)
    for _ in range(_STEPS):
        radius2 = (columns - x) ** 2 + (rows - y) ** 2
        weight = light * np.exp(-0.5 * radius2 / _WEIGHT_SIGMA**2)
        weight[radius2 > APERTURE**2] = 0.0
        if weight.sum() <= 0:
            break
        # A weight as wide as the star halves each step, so it is taken twice.
        x += 2.0 * float((weight * (columns - x)).sum() / weight.sum())
        y += 2.0 * float((weight * (rows - y)).sum() / weight.sum())
    return x, y


def _flux(image: Image, x: float, y: float) -> float:
    """Sum a star's light above its background within the aperture."""
    columns, rows, light = _neighbourhood(image, x, y)
    # A pixel on the edge counts by the share of it that is inside.
    share = np.clip(APERTURE + 0.5 - np.hypot(columns - x, rows - y), 0.0, 1.0)
    return float((light * share).sum())


def _brightness(rate: float) -> float:
    """Give 2.5 log10 of adu a second."""
    return float(2.5 * np.log10(rate)) if rate > 0 else np.nan


def _neighbourhood(image: Image, x: float, y: float) -> tuple[Image, Image, Image]:
    """Cut out a star: columns, rows, and light above its background."""
    reach = int(np.ceil(RING[1])) + 1
    left, low = round(x) - reach, round(y) - reach
    size = 2 * reach + 1
    row, column = max(low, 0), max(left, 0)
    light = image[row : low + size, column : left + size]
    rows: Image = np.arange(light.shape[0], dtype=np.float64)[:, None] + row
    columns: Image = np.arange(light.shape[1], dtype=np.float64)[None, :] + column
    radius = np.hypot(columns - x, rows - y)
    ring = (radius >= RING[0]) & (radius <= RING[1])
    return columns, rows, light - np.median(light[ring])
