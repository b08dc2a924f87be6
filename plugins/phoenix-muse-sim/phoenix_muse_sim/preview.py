"""The picture of a datacube's field, as the history keeps one of each."""

import struct
import zlib
from typing import Final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from .sizes import SLICES, SPAXEL, Size
from .sources import Star, generator, offset_between

MAGNIFIED: Final = 5
"""Pixels of the picture a spaxel."""

FAINTEST: Final = 24.0
"""Magnitude whose light in one spaxel is as strong as the noise of 600 s (ours)."""

_FWHM_PER_SIGMA: Final = 2.354820045
_RANGE: Final = (-3.0, 50.0)
"""Black and white, in units of the noise of 600 s; arcsinh between."""


@frozen
class Field:
    """What a datacube shows, and the name of its picture.

    `centre` in degrees, `seeing` the FWHM in arcsec, `time` of all exposures in s.
    """

    picture: str
    centre: tuple[float, float]
    stars: tuple[Star, ...]
    seeing: float
    time: float


def preview(field: Field, size: Size, seed: int) -> bytes:
    """Draw a field as PNG, north up and east left."""
    width, height = size.extent[0], SLICES * size.ifus
    y, x = np.mgrid[0:height, 0:width]
    sigma = field.seeing / _FWHM_PER_SIGMA / SPAXEL
    light = np.zeros((height, width))
    for star in field.stars:
        east, north = offset_between(*field.centre, star.ra, star.dec)
        from_star = (x - (width - 1) / 2.0 + east / SPAXEL) ** 2
        from_star = from_star + (y - (height - 1) / 2.0 - north / SPAXEL) ** 2
        peak = 10.0 ** (0.4 * (FAINTEST - star.magnitude)) / sigma**2
        light += peak * np.exp(-0.5 * from_star / sigma**2)
    noise = generator(seed, "preview", field.picture).normal(size=light.shape)
    light += noise / np.sqrt(field.time / 600.0)
    low, high = np.arcsinh(_RANGE)
    grey = np.clip((np.arcsinh(light) - low) / (high - low), 0.0, 1.0)
    pixels = np.round(255.0 * grey[::-1]).astype(np.uint8)
    return _png(pixels.repeat(MAGNIFIED, axis=0).repeat(MAGNIFIED, axis=1))


def _png(grey: NDArray[np.uint8]) -> bytes:
    """Write grey values, the first row on top."""
    height, width = grey.shape
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    lines = np.hstack([np.zeros((height, 1), np.uint8), grey]).tobytes()
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )
