"""The four chips: where they lie in the focal plane, and their place on the sky."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from attrs import frozen
from numpy.typing import NDArray

SCALE: Final = 0.1064
"""Arcsec a pixel."""

AXIS: Final = (2163.0, 2164.0)
"""The optical axis in pixels of the first chip, counted from 1."""

DISTORTION: Final = 400.0
"""PV2_3 of the ZPN projection that the recipes put into every header."""


@frozen
class Chip:
    """One chip, by what takes its pixels to those of the first chip.

    `shift` in pixels, relative `scale`, `turn` in radians. `sensitivity` relative to
    the mean of the four.
    """

    number: int
    shift: tuple[float, float]
    scale: float
    turn: float
    sensitivity: float

    @property
    def extension(self) -> str:
        """The name of the chip's extension."""
        return f"CHIP{self.number}.INT1"

    @property
    def to_first(self) -> NDArray[np.float64]:
        """The matrix that turns this chip's pixels into the first one's."""
        return np.array([[self.scale, self.turn], [-self.turn, self.scale]])

    @property
    def axis(self) -> NDArray[np.float64]:
        """The optical axis in this chip's pixels, counted from 1 (CRPIX)."""
        away = np.array(AXIS) - np.array(self.shift)
        return np.asarray(np.linalg.solve(self.to_first, away))


CHIPS: Final = (
    Chip(1, (0.0, 0.0), 1.0, 0.0, 0.97),
    Chip(2, (2202.75199936, 2.52486889), 0.99989338, -0.00082458, 1.02),
    Chip(4, (7.35707930, 2189.67113908), 0.99954089, 0.00033954, 1.03),
    Chip(3, (2207.25004571, 2191.08171555), 0.99984901, 0.00057963, 0.98),
)
"""In the order of the extensions: lower left and right, upper left and right.

The geometry is what the pipeline has built in (hawki_wcsfit_multi of 2.4.11): its fit
takes the four chips as one. The sensitivities are ours.
"""


def world_coordinates(chip: Chip, ra: float, dec: float) -> dict[str, object]:
    """List a chip's WCS keywords when the telescope looks at a position (degrees).

    As in real raw headers, they say TAN although the projection is ZPN.
    """
    first = np.array([[-SCALE, 0.0], [0.0, SCALE]]) / 3600.0
    matrix = first @ chip.to_first
    x, y = chip.axis
    return {
        "CTYPE1": "RA---TAN",
        "CTYPE2": "DEC--TAN",
        "CUNIT1": "deg",
        "CUNIT2": "deg",
        "CRVAL1": ra,
        "CRVAL2": dec,
        "CRPIX1": float(x),
        "CRPIX2": float(y),
        "CD1_1": float(matrix[0, 0]),
        "CD1_2": float(matrix[0, 1]),
        "CD2_1": float(matrix[1, 0]),
        "CD2_2": float(matrix[1, 1]),
    }


def true_projection(keywords: Mapping[str, object]) -> WCS:
    """Give the projection that the optics have for a chip's WCS keywords."""
    cards = fits.Header()
    for name, value in keywords.items():
        cards[name] = value
    cards["CTYPE1"], cards["CTYPE2"] = "RA---ZPN", "DEC--ZPN"
    cards["PV2_1"], cards["PV2_3"] = 1.0, DISTORTION
    cards["RADESYS"], cards["EQUINOX"] = "FK5", 2000.0
    return WCS(cards)
