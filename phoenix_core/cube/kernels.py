"""What is done to planes: with numba for large cubes, else with numpy.

Both give the same numbers, to the last bit.
"""

from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from phoenix_core.cube import with_numpy
from phoenix_core.cube.planes import Block, Cube, Plane

Floats = NDArray[np.float64]
Counts = NDArray[np.integer[Any]]

LARGE: Final = 2**26
"""Bytes of a cube from which on compiled loops are worth their start: 0.1 s."""


class Middle(Protocol):
    """Finds medians of planes; alike ones, one after the other, are found fast."""

    def median(self, plane: Plane, count: int) -> float:
        """Return the median of what is no NaN: `count` values, at least one."""
        ...

    def median_and_mad(self, plane: Plane, count: int) -> tuple[float, float]:
        """Return the median, and that of the distances from it."""
        ...


class Kernels(Protocol):
    """The work of the loops over all pixels, of a plane or of a block of planes."""

    def make_native(self, raw: Block) -> tuple[Block, list[int]]:
        """Return planes in the machine's byte order, what is not finite as NaN.

        And the number of finite values of each. The raw ones may be written over.
        """
        ...

    def add(self, block: Block, total: Floats, hits: Counts) -> list[float]:
        """Add planes to an image, and to the number of values that it has.

        Return the sum of each plane.
        """
        ...

    def subtract(self, plane: Plane, other: Plane, difference: Plane) -> int:
        """Write plane minus other, NaN where not finite; return how many are."""
        ...

    def add_inverse(self, block: Block, total: Floats) -> None:
        """Add 1/value to an image, where the value is above 0."""
        ...

    def add_counts(self, block: Block, counts: Counts, per_unit: float) -> None:
        """Count values from 0 on in bins, of which `per_unit` make 1."""
        ...

    def middle(self, size: int) -> Middle:
        """Return what finds medians of planes of that many pixels."""
        ...


def kernels_for(cube: Cube, large: int = LARGE) -> Kernels:
    """Return what measures a cube fastest: numba only where it is there and pays."""
    if cube.size < large or not cube.is_plain or cube.kind.itemsize != 4:  # noqa: PLR2004
        return with_numpy
    try:
        from phoenix_core.cube import with_numba  # noqa: PLC0415, costs start-up
    except (ImportError, RuntimeError, AttributeError):
        return with_numpy  # no numba, no place for its code, or one that we do not know
    return with_numba
