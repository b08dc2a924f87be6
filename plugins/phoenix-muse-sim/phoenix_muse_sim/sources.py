"""The point sources of a field: where they are and how bright."""

from typing import Final
from zlib import crc32

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from .errors import SimulationError
from .sizes import SPAXEL, Size
from .sky import LINES, line_profile

ZERO_POINT: Final = 3.6e-9
"""erg/s/cm2/A of a source of magnitude 0 (V band, Vega), at all wavelengths."""

EDGE: Final = 7.0
"""Spaxels that a star keeps from the field's edge: muse_exp_align needs them."""

SEPARATION: Final = 9.0
CROWDED_SEPARATION: Final = 6.0
"""Spaxels between two stars at least (ours; measured to work)."""

MAGNITUDES: Final = (18.5, 20.5)
CROWDED_MAGNITUDES: Final = (17.0, 19.5)
"""Brightest and faintest, for exposures of 600 s (measured to align)."""

LINE_EQUIVALENT_WIDTH: Final = (5.0, 20.0)
"""Angstrom: an emission line's strength relative to the continuum (ours)."""

_ATTEMPTS: Final = 2000


@frozen
class Star:
    """A point source: degrees, magnitude, one emission line.

    `line_wavelength` in Angstrom (air, barycentric), `line_flux` in erg/s/cm2.
    """

    name: str
    ra: float
    dec: float
    magnitude: float
    line_wavelength: float
    line_flux: float

    @property
    def continuum(self) -> float:
        """The flux density in erg/s/cm2/A."""
        return float(ZERO_POINT * 10.0 ** (-0.4 * self.magnitude))

    def spectrum(
        self, wavelength: NDArray[np.float64], doppler: float
    ) -> NDArray[np.float64]:
        """Give erg/s/cm2/A at wavelengths (Angstrom) as observed from Earth."""
        profile = line_profile(wavelength, self.line_wavelength / doppler)
        return np.asarray(self.continuum + self.line_flux * profile)


def offset_position(
    ra: float, dec: float, east: float, north: float
) -> tuple[float, float]:
    """Go some arcsec east and north of a position (degrees); small offsets."""
    return ra + east / 3600.0 / np.cos(np.radians(dec)), dec + north / 3600.0


def offset_between(
    ra: float, dec: float, other_ra: float, other_dec: float
) -> tuple[float, float]:
    """Give how many arcsec east and north the other position (degrees) lies."""
    turn = (other_ra - ra + 180.0) % 360.0 - 180.0
    return turn * 3600.0 * np.cos(np.radians(dec)), (other_dec - dec) * 3600.0


def generator(seed: int, *names: str) -> np.random.Generator:
    """Give the random numbers of a thing with a name, whatever else there is."""
    return np.random.default_rng([seed, *(crc32(name.encode()) for name in names)])


def star_field(
    name: str, ra: float, dec: float, *, size: Size, crowded: bool, seed: int
) -> tuple[Star, ...]:
    """Scatter stars about a position (degrees), the same for the same name and seed.

    Raises SimulationError when they do not fit at their separation.
    """
    random = generator(seed, "stars", name)
    count = size.crowded_stars if crowded else size.stars
    brightest, faintest = CROWDED_MAGNITUDES if crowded else MAGNITUDES
    separation = CROWDED_SEPARATION if crowded else SEPARATION
    places = _places(random, count, size, separation)
    magnitudes = np.round(np.linspace(brightest, faintest, count), 3)
    lines = _line_wavelengths(random, count, size)
    widths = random.uniform(*LINE_EQUIVALENT_WIDTH, count)
    stars = []
    for number in range(count):
        east, north = -places[number, 0] * SPAXEL, places[number, 1] * SPAXEL
        star_ra, star_dec = offset_position(ra, dec, east, north)
        magnitude = float(magnitudes[number])
        flux = ZERO_POINT * 10.0 ** (-0.4 * magnitude) * float(widths[number])
        stars.append(
            Star(
                f"{name}-{number + 1}",
                star_ra,
                star_dec,
                magnitude,
                float(lines[number]),
                flux,
            )
        )
    return tuple(stars)


def _places(
    random: np.random.Generator, count: int, size: Size, separation: float
) -> NDArray[np.float64]:
    """Find x, y in spaxels from the centre, apart from each other and the edge."""
    width, height = size.extent
    reach = np.array([width / 2.0 - EDGE, height / 2.0 - EDGE])
    for _ in range(_ATTEMPTS):
        places: list[NDArray[np.float64]] = []
        for candidate in random.uniform(-reach, reach, (20 * count, 2)):
            if all(np.hypot(*(candidate - place)) >= separation for place in places):
                places.append(candidate)
            if len(places) == count:
                return np.asarray(places, dtype=np.float64)
    message = (
        f"{count} stars do not fit into a field of {width} x {height} spaxels,"
        f" {separation:g} spaxels apart"
    )
    raise SimulationError(message)


def _line_wavelengths(
    random: np.random.Generator, count: int, size: Size
) -> NDArray[np.float64]:
    """Draw wavelengths in Angstrom inside the range, off the sky's lines."""
    low, high = size.lambda_range
    grid = np.arange(low + 4.0, high - 3.9, 0.25)
    nearest = np.min([np.abs(grid - line.wavelength) for line in LINES], axis=0)
    free = grid[nearest >= min(6.0, nearest.max())]
    return np.asarray(np.round(random.choice(free, count), 2), dtype=np.float64)
