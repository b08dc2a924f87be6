"""The chips as detectors: sensitivity, dark, bad pixels, and what is read out."""

from typing import Final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from .chips import Chip
from .sizes import Size
from .sources import generator

GAIN: Final = 1.70
"""Electrons per adu."""

READ_NOISE: Final = 5.0
"""Adu of one read."""

DARK_OFFSET: Final = 12.0
DARK_CURRENT: Final = 1.0
"""Adu, and adu a second: a dark of another DIT is another dark."""

HOT: Final = 900.0
"""Adu that a hot pixel has in the dark."""

BAD_PIXELS: Final = 0.0004
"""The share of dead and of hot pixels, half and half."""

PIXEL_SCATTER: Final = 0.02
"""Sensitivity from pixel to pixel."""

TILT: Final = 0.04
"""Sensitivity from one edge of a chip to the other, its direction by the filter."""

_HIGHEST: Final = 65535.0


@frozen
class Detector:
    """One chip's pixels: `dead` and `hot` ones, `dark` pattern, `response`."""

    chip: Chip
    size: Size
    seed: int
    dead: NDArray[np.bool_]
    hot: NDArray[np.bool_]
    pattern: NDArray[np.float64]
    response: NDArray[np.float64]

    @property
    def bad(self) -> NDArray[np.bool_]:
        """The pixels that the confidence map gives 0."""
        return np.asarray(self.dead | self.hot)

    def flat(self, name: str) -> NDArray[np.float64]:
        """Give the sensitivity of the pixels through a filter, about 1."""
        random = generator(self.seed, "flat", self.chip.extension, name)
        slope = TILT * _direction(random.uniform(0.0, 2.0 * np.pi), self.size)
        return np.asarray(self.response * (1.0 + slope))

    def dark(self, dit: float) -> NDArray[np.float64]:
        """Give the adu of a dark exposure of a DIT (seconds), without noise."""
        level = DARK_OFFSET + DARK_CURRENT * dit + self.pattern
        return np.asarray(level + HOT * self.hot)


def detector(chip: Chip, size: Size, seed: int) -> Detector:
    """Build the detector of a chip; a seed gives the same pixels for ever."""
    random = generator(seed, "detector", chip.extension)
    shape = (size.pixels, size.pixels)
    lot = random.uniform(size=shape)
    pattern = 1.5 * random.standard_normal(shape)
    response = 1.0 + PIXEL_SCATTER * random.standard_normal(shape)
    dead, hot = lot < BAD_PIXELS / 2.0, lot > 1.0 - BAD_PIXELS / 2.0
    return Detector(chip, size, seed, dead, hot, pattern, response)


def spoilt(flat: NDArray[np.float64], size: Size) -> NDArray[np.float64]:
    """Make a flat that ruins photometry: 40 per cent from one edge to the other."""
    return np.asarray(flat * (1.0 + 0.4 * _direction(0.7, size)))


def read_out(
    light: NDArray[np.float64],
    chip: Detector,
    dit: float,
    ndit: int,
    random: np.random.Generator,
) -> NDArray[np.uint16]:
    """Give the raw pixels in adu: the mean of `ndit` reads.

    `light` is in adu a read, with the sensitivity of the pixels in it already.
    """
    electrons = np.where(chip.dead, 0.0, light) * GAIN * ndit
    counts = random.poisson(electrons) / (GAIN * ndit)
    noise = READ_NOISE / np.sqrt(ndit) * random.standard_normal(light.shape)
    pixels = np.clip(np.rint(counts + chip.dark(dit) + noise), 0.0, _HIGHEST)
    return np.asarray(pixels, dtype=np.uint16)


def _direction(angle: float, size: Size) -> NDArray[np.float64]:
    """Give a plane from about -0.5 to 0.5 across a chip, falling towards an angle."""
    step = np.linspace(-0.5, 0.5, size.pixels)
    return np.asarray(
        np.cos(angle) * step[None, :] + np.sin(angle) * step[:, None], dtype=np.float64
    )
