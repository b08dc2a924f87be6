"""The work of the loops over all pixels, with numpy: see kernels.py."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from phoenix_core.cube.planes import Block, Plane

Floats = NDArray[np.float64]
Counts = NDArray[np.integer[Any]]


def make_native(raw: Block) -> tuple[Block, list[int]]:
    """Return planes in the machine's byte order, what is not finite as NaN."""
    block = raw.astype(raw.dtype.newbyteorder("="))
    return block, [_without_infinities(plane) for plane in block]


def add(block: Block, total: Floats, hits: Counts) -> list[float]:
    """Add planes to an image, and to the number of values that it has."""
    return [_add(plane, total, hits) for plane in block]


def subtract(plane: Plane, other: Plane, difference: Plane) -> int:
    """Write plane minus other, NaN where not finite; return how many are."""
    with np.errstate(over="ignore"):
        np.subtract(plane, other, out=difference)
    return _without_infinities(difference)


def add_inverse(block: Block, total: Floats) -> None:
    """Add 1/value to an image, where the value is above 0."""
    with np.errstate(divide="ignore", over="ignore"):
        inverse = np.divide(1, block, dtype=block.dtype)
    is_there = (block > 0) & np.isfinite(inverse)
    for plane, where in zip(inverse, is_there, strict=True):
        np.add(total, plane, out=total, where=where)


def add_counts(block: Block, counts: Counts, per_unit: float) -> None:
    """Count values from 0 on in bins, of which `per_unit` make 1."""
    with np.errstate(over="ignore"):
        places = block[~np.isnan(block)] * block.dtype.type(per_unit)
    within = places[(places >= 0) & (places < len(counts))].astype(np.int64)
    counts += np.bincount(within, minlength=len(counts))


class Middle:
    """Finds medians and MADs of planes."""

    def median(self, plane: Plane, count: int) -> float:
        """Return the median of what is no NaN: `count` values, at least one."""
        return _median(plane.flatten(), count)

    def median_and_mad(self, plane: Plane, count: int) -> tuple[float, float]:
        """Return the median, and that of the distances from it."""
        median = self.median(plane, count)
        return median, _median(_distances(plane.ravel(), median), count)


def middle(size: int) -> Middle:  # noqa: ARG001, numba needs it
    """Return what finds medians of planes of that many pixels."""
    return Middle()


def _add(plane: Plane, total: Floats, hits: Counts) -> float:
    is_there = ~np.isnan(plane)
    values = np.where(is_there, plane, 0.0).astype(np.float64, copy=False)
    np.add(total, values, out=total)
    np.add(hits, is_there, out=hits)
    columns = np.add.reduce(values, axis=0)  # row by row: numba adds in this order
    return float(columns.sum())


def _median(values: Plane, count: int) -> float:
    """The median of values that are put in another order: NaN go to the end."""
    middle = count // 2
    values.partition(middle)  # a single one is much faster than two
    upper = float(values[middle])
    lower = upper if count % 2 else float(values[:middle].max())
    return (lower + upper) / 2


def _distances(values: Plane, centre: float) -> Plane:
    """Distances from a centre, rounded once."""
    rounded = float(values.dtype.type(centre))
    kind = values.dtype if rounded == centre else np.float64  # as exact, and faster
    with np.errstate(over="ignore"):
        away = np.subtract(values, centre, dtype=kind)
        return np.abs(away, out=away).astype(values.dtype, copy=False)


def _without_infinities(plane: Plane) -> int:
    """Make NaN of what is not finite, and return how many values are."""
    is_finite = np.isfinite(plane)
    plane[~is_finite] = np.nan
    return int(np.count_nonzero(is_finite))
