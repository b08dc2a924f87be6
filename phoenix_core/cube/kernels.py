"""What is done to a plane: with numba for large cubes, else with numpy.

Both give the same numbers, to the last bit.
"""

from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from phoenix_core.cube import with_numpy
from phoenix_core.cube.planes import Cube, Plane

Floats = NDArray[np.float64]
Counts = NDArray[np.integer[Any]]

LARGE: Final = 2**28
"""Bytes of a cube from which on numba is worth its start: half a second."""


class Median(Protocol):
    """Finds medians of planes; alike ones, one after the other, are found fast."""

    def __call__(self, values: Plane, count: int, centre: float | None = None) -> float:
        """Return the median of what is no NaN: `count` values, at least one.

        With a centre it is that of their distances from it.
        """
        ...


class Kernels(Protocol):
    """The work of the loops over all pixels."""

    def copy_native(self, raw: Plane, plane: Plane) -> int:
        """Copy a plane in the machine's byte order; return how many are finite.

        What is not becomes NaN.
        """
        ...

    def copy_and_add(
        self, raw: Plane, plane: Plane, total: Floats, hits: Counts
    ) -> tuple[float, int]:
        """Copy a plane as `copy_native` does, and add it to an image.

        Where it has values, `hits` grows by one. Return their sum and their number.
        """
        ...

    def subtract(self, plane: Plane, other: Plane, difference: Plane) -> int:
        """Write plane minus other, NaN where not finite; return how many are."""
        ...

    def add_inverse(self, plane: Plane, total: Floats) -> None:
        """Add 1/value to an image, where the value is above 0."""
        ...

    def add_counts(self, plane: Plane, counts: Counts, per_unit: float) -> None:
        """Count values from 0 on in bins, of which `per_unit` make 1; lanes add up."""
        ...

    def median(self, size: int) -> Median:
        """Return what finds medians of planes of that many pixels."""
        ...


def kernels_for(cube: Cube, large: int = LARGE) -> Kernels:
    """Return what measures a cube fastest: numba only where it is there and pays."""
    if cube.size < large or not cube.is_plain or cube.kind.itemsize != 4:  # noqa: PLR2004
        return with_numpy
    try:
        from phoenix_core.cube import with_numba  # noqa: PLC0415, costs half a second
    except (ImportError, RuntimeError):  # not there, or no place for what it compiles
        return with_numpy
    return with_numba
