"""The stars of a field, and random numbers that belong to a name."""

from typing import Final
from zlib import crc32

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from .chips import CHIPS, SCALE, true_projection, world_coordinates
from .errors import SimulationError
from .filters import Filter
from .scenario import JITTER, JITTERS
from .sizes import Size

EDGE: Final = 26.0
"""Pixels that a star keeps from a chip's edge: jitter, pointing error, aperture."""

SEPARATION: Final = 25.0
"""Pixels between two stars at least, so that apertures do not meet (ours)."""

MAGNITUDES: Final = (16.0, 16.5)
"""K of the brightest and the faintest star, for 10 s.

Brighter ones are none to the recipe that measures the image quality (500 times the
noise of the core is its limit); without any it reports the seeing monitor's value.
"""

COLOURS: Final = (0.1, 0.4)
"""J - K is drawn from within (ours)."""

TWINS: Final = 16.0
"""Pixels that two stars keep from standing one jitter apart.

Each would be where the other one was, and two exposures cannot tell that from sky.
"""

_FEW: Final = 2
_ATTEMPTS: Final = 2000


@frozen
class Star:
    """A point source: degrees, Vega magnitudes in J and K, the chip it falls on."""

    name: str
    chip: int
    ra: float
    dec: float
    j: float
    k: float

    def magnitude(self, through: Filter) -> float:
        """Give the magnitude through a filter."""
        of_j, of_k = through.weights
        return of_j * self.j + of_k * self.k


def generator(seed: int, *names: str) -> np.random.Generator:
    """Give the random numbers of a thing with a name, whatever else there is."""
    return np.random.default_rng([seed, *(crc32(name.encode()) for name in names)])


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


def star_field(
    name: str, ra: float, dec: float, size: Size, seed: int
) -> tuple[Star, ...]:
    """Scatter stars over the chips about a position, the same for a name and seed.

    Raises SimulationError when they do not fit at their separation.
    """
    stars = []
    for chip in CHIPS:
        random = generator(seed, "stars", name, chip.extension)
        places = _places(random, size)
        projection = true_projection(world_coordinates(chip, ra, dec))
        sky = projection.wcs_pix2world(places, 0)
        brightness = np.linspace(*MAGNITUDES, size.stars) + random.uniform(-0.1, 0.1)
        colours = random.uniform(*COLOURS, size.stars)
        for number in range(size.stars):
            k = round(float(brightness[number]), 3)
            stars.append(
                Star(
                    f"{name}-{chip.number}-{number + 1}",
                    chip.number,
                    round(float(sky[number, 0]), 9),
                    round(float(sky[number, 1]), 9),
                    round(k + float(colours[number]), 3),
                    k,
                )
            )
    return tuple(stars)


def _places(random: np.random.Generator, size: Size) -> NDArray[np.float64]:
    """Find x, y in pixels, apart from each other and from the edge."""
    high = size.pixels - 1.0 - EDGE
    for _ in range(_ATTEMPTS):
        places: list[NDArray[np.float64]] = []
        for candidate in random.uniform(EDGE, high, (20 * size.stars, 2)):
            if all(_are_apart(candidate - one, size) for one in places):
                places.append(candidate)
            if len(places) == size.stars:
                return np.asarray(places, dtype=np.float64)
    message = (
        f"{size.stars} stars do not fit on a chip of {size.pixels} x {size.pixels}"
        f" pixels, {SEPARATION:g} pixels apart"
    )
    raise SimulationError(message)


def _are_apart(difference: NDArray[np.float64], size: Size) -> bool:
    """Say whether two stars, some pixels from each other, can both be measured."""
    if np.hypot(*difference) < SEPARATION:
        return False
    if size.jitters > _FEW:
        return True
    step = (np.array(JITTERS[0]) - np.array(JITTERS[1])) * JITTER / SCALE
    jitter = step * np.array([-1.0, 1.0])
    return all(np.hypot(*(difference - one)) >= TWINS for one in (jitter, -jitter))
