"""The detector: where light falls on it, and what is read out."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from .sizes import LAMBDA_STEP, SLICES, Size
from .sources import generator

GAIN: Final = 1.1
"""Electrons per adu."""

READ_NOISE: Final = 2.8
"""Electrons."""

BIAS_LEVELS: Final = (1000.0, 1004.0, 1008.0, 1012.0)
"""Adu, by quadrant."""

FLAT_SIGMA: Final = 0.02
"""Sensitivity from pixel to pixel."""

SCAN: Final = 32
"""Pixels of pre- and of overscan on each side of a quadrant."""

PORTS: Final = ((1, 1), (4096, 1), (4096, 4112), (1, 4112))
"""OUTn X, Y: lower left and right, upper right and left (fixed by the recipes)."""

OVERSCAN: Final = "vpoly:1"
"""How to subtract the overscan: a straight line along the columns.

The recipes' default polynomial runs away on few rows (measured: by 40 counts, in one
or two of 170 tiny exposures); vpoly:0 crashes muse_scibasic.
"""

GAP: Final = 8
"""Columns between two slices."""

FIRST_COLUMN: Final = 26
"""The first slice's left column, counted from 1 (the recipes want at least 22)."""

COSMIC_RAYS: Final = 5e-8
"""Hits a pixel a second (ours)."""


@frozen
class Detector:
    """One IFU's detector: its size and its pixels' sensitivity."""

    size: Size
    ifu: int
    flat: NDArray[np.float64]

    @property
    def chip(self) -> tuple[str, str]:
        """The chip's name and id: raw frames and MASTER_BIAS must agree in them."""
        return f"SIM{self.ifu:02d}", f"phoenix chip {self.ifu:02d}"


def detector(size: Size, ifu: int, seed: int) -> Detector:
    """Build the detector of an IFU; a seed gives the same pixels for ever."""
    random = generator(seed, "detector", str(ifu))
    shape = (2 * size.rows, 2 * quadrant_columns(size))
    return Detector(size, ifu, 1.0 + FLAT_SIGMA * random.standard_normal(shape))


def quadrant_columns(size: Size) -> int:
    """Give a quadrant's data columns (OUTn NX)."""
    return (40 + SLICES * (size.slice_width + GAP) + 1) // 2


def first_columns(size: Size) -> NDArray[np.int64]:
    """Give each slice's first column, counted from 1 in the trimmed image."""
    return FIRST_COLUMN + np.arange(SLICES) * (size.slice_width + GAP)


def slice_lambda0(size: Size) -> NDArray[np.float64]:
    """Give each slice's wavelength (Angstrom) in the first row.

    Neighbours differ by up to a pixel, so that a sky line is sampled well.
    """
    order = (np.arange(SLICES) * 19) % SLICES
    return size.lambda0 + LAMBDA_STEP * ((order + 0.5) / SLICES - 0.5)


def wavelengths(size: Size) -> NDArray[np.float64]:
    """Give the wavelength in Angstrom of every slice and row: (SLICES, rows)."""
    rows = np.arange(size.wavelengths) * LAMBDA_STEP
    return np.asarray(slice_lambda0(size)[:, None] + rows[None, :])


def field_coordinates(
    size: Size, ifu: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give x of each column of a slice and y of each slice, in spaxels.

    Measured from the field's centre; x falls with the column: the recipes have
    dx = centre - column. The IFUs lie on top of each other.
    """
    width = size.slice_width
    x = (width - 1) / 2.0 - np.arange(width, dtype=np.float64)
    y = np.arange(SLICES, dtype=np.float64) - (SLICES - 1) / 2.0
    y += (ifu - (size.ifus + 1) / 2.0) * SLICES
    return x, y


def chip_keywords(chip: Detector) -> Mapping[str, object]:
    """List the keywords by which the recipes know a chip and its readout."""
    name, identity = chip.chip
    keywords: dict[str, object] = {
        "ESO DET CHIP NAME": name,
        "ESO DET CHIP ID": identity,
        "ESO DET CHIP DATE": "2014-01-01",
        "ESO DET CHIP LIVE": True,
        "ESO DET BINX": 1,
        "ESO DET BINY": 1,
    }
    for number, (x, y) in enumerate(PORTS, 1):
        output = f"ESO DET OUT{number}"
        keywords |= {
            f"{output} X": x,
            f"{output} Y": y,
            f"{output} NX": quadrant_columns(chip.size),
            f"{output} NY": chip.size.rows,
            f"{output} PRSCX": SCAN,
            f"{output} PRSCY": SCAN,
            f"{output} OVSCX": SCAN,
            f"{output} OVSCY": SCAN,
            f"{output} GAIN": GAIN,
            f"{output} RON": READ_NOISE,
        }
    return keywords


def spread_slices(light: NDArray[np.float64], size: Size) -> NDArray[np.float64]:
    """Lay the slices' light (SLICES, rows, width) side by side on the chip."""
    image = np.zeros((size.wavelengths, 2 * quadrant_columns(size)))
    for number, column in enumerate(first_columns(size) - 1):
        image[:, column : column + size.slice_width] = light[number]
    return image


def read_out(
    electrons: NDArray[np.float64],
    chip: Detector,
    exposure_time: float,
    random: np.random.Generator,
) -> NDArray[np.uint16]:
    """Expose and read the chip: expected electrons to raw adu with scan regions."""
    exposed = random.poisson(electrons * chip.flat).astype(np.float64)
    hits = random.poisson(COSMIC_RAYS * exposure_time * exposed.size)
    struck = random.integers(0, exposed.size, hits)
    exposed.flat[struck] += random.uniform(500.0, 5000.0, hits)
    rows, columns = chip.size.rows, quadrant_columns(chip.size)
    shape = (2 * (rows + 2 * SCAN), 2 * (columns + 2 * SCAN))
    raw = READ_NOISE * random.standard_normal(shape)
    raw[_data_pixels(rows)[:, None], _data_pixels(columns)[None, :]] += exposed
    raw /= GAIN
    upper, right = np.indices((2, 2))
    levels = np.array(BIAS_LEVELS)[np.where(upper, 3 - right, right)]
    raw += np.kron(levels, np.ones((shape[0] // 2, shape[1] // 2)))
    return np.clip(np.rint(raw), 0, 65535).astype(np.uint16)


def _data_pixels(count: int) -> NDArray[np.int64]:
    """Index the light-sensitive pixels along one axis of the two quadrants."""
    first = SCAN + np.arange(count)
    return np.concatenate([first, first + count + 2 * SCAN])
