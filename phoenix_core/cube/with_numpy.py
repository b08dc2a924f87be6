"""The work of the loops over all pixels, with numpy: see kernels.py."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from phoenix_core.cube.planes import Plane

Floats = NDArray[np.float64]
Counts = NDArray[np.integer[Any]]


def copy_native(raw: Plane, plane: Plane) -> int:
    """Copy a plane in the machine's byte order; return how many are finite."""
    np.copyto(plane, raw)
    return _without_infinities(plane)


def copy_and_add(
    raw: Plane, plane: Plane, total: Floats, hits: Counts
) -> tuple[float, int]:
    """Copy a plane as `copy_native` does, and add it to an image."""
    count = copy_native(raw, plane)
    is_there = ~np.isnan(plane)
    values = np.where(is_there, plane, 0.0).astype(np.float64, copy=False)
    np.add(total, values, out=total)
    np.add(hits, is_there, out=hits)
    columns = np.add.reduce(values, axis=0)  # row by row: numba adds in this order
    return float(columns.sum()), count


def subtract(plane: Plane, other: Plane, difference: Plane) -> int:
    """Write plane minus other, NaN where not finite; return how many are."""
    with np.errstate(over="ignore"):
        np.subtract(plane, other, out=difference)
    return _without_infinities(difference)


def add_inverse(plane: Plane, total: Floats) -> None:
    """Add 1/value to an image, where the value is above 0."""
    with np.errstate(divide="ignore", over="ignore"):
        inverse = np.divide(1, plane, dtype=plane.dtype)
    is_there = (plane > 0) & np.isfinite(inverse)
    np.add(total, inverse, out=total, where=is_there)


def add_counts(plane: Plane, counts: Counts, per_unit: float) -> None:
    """Count values from 0 on in bins, of which `per_unit` make 1; lanes add up."""
    bins = counts.shape[1]
    with np.errstate(over="ignore"):
        places = plane[~np.isnan(plane)] * plane.dtype.type(per_unit)
    within = places[(places >= 0) & (places < bins)].astype(np.int64)
    np.add(counts[0], np.bincount(within, minlength=bins), out=counts[0])


class Median:
    """Finds medians of planes."""

    def __call__(self, values: Plane, count: int, centre: float | None = None) -> float:
        """Return the median of what is no NaN: `count` values, at least one.

        With a centre it is that of their distances from it.
        """
        there = values[~np.isnan(values)]
        if centre is not None:
            there = _distances(there, centre)
        middle = count // 2
        there.partition(middle)  # a single one is much faster than two
        upper = float(there[middle])
        lower = upper if count % 2 else float(there[:middle].max())
        return (lower + upper) / 2


def median(size: int) -> Median:  # noqa: ARG001, numba needs it
    """Return what finds medians of planes of that many pixels."""
    return Median()


def _distances(values: Plane, centre: float) -> Plane:
    exact = np.subtract(values, centre, dtype=np.float64)
    with np.errstate(over="ignore"):
        return np.abs(exact, out=exact).astype(values.dtype)


def _without_infinities(plane: Plane) -> int:
    """Make NaN of what is not finite, and return how many values are."""
    is_finite = np.isfinite(plane)
    plane[~is_finite] = np.nan
    return int(np.count_nonzero(is_finite))
