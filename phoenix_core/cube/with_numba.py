"""The work of the loops over all pixels with loops.py, compiled: see kernels.py."""

import ctypes
import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from phoenix_core.cube.machine_code import load
from phoenix_core.cube.planes import Block, Plane

Floats = NDArray[np.float64]
Counts = NDArray[np.integer[Any]]

_CHUNK: Final = 8192  # as in loops.py, which needs numba
_LANES: Final = 4

_N: Final = ctypes.c_int64
_REAL: Final = ctypes.c_double
_AT: Final = ctypes.c_void_p  # where an array begins
_BEGINNING: Final = ctypes.c_char * 0

_LOOPS: Final = load(
    "phoenix_core.cube.loops",
    {
        "make_native": (None, _AT, _N, _N, _AT),
        "add": (None, _AT, _N, _N, _N, _AT, _AT, _AT),
        "subtract": (_N, _AT, _AT, _AT, _N),
        "add_inverse": (None, _AT, _N, _N, _N, _AT),
        "add_counts": (None, _AT, _N, _REAL, _AT, _N, _AT),
        "medians": (None, _AT, _N, _N, _AT, _N, _AT, _AT, _AT, _AT, _AT),
    },
)


def make_native(raw: Block) -> tuple[Block, list[int]]:
    """Turn planes into the machine's byte order, where they are."""
    block, counts = raw.view(np.float32), np.empty(len(raw), np.int64)
    planes = len(block), math.prod(block.shape[1:])
    _LOOPS["make_native"](_at(block), *planes, _at(counts, np.int64))
    return block, counts.tolist()


def add(block: Block, total: Floats, hits: Counts) -> list[float]:
    """Add planes to an image, and to the number of values that it has."""
    columns = np.zeros((len(block), total.shape[1]))
    images = _at(total, np.float64), _at(hits, np.int32)
    _LOOPS["add"](_at(block), *block.shape, *images, _at(columns, np.float64))
    sums: list[float] = columns.sum(axis=1).tolist()
    return sums


def subtract(plane: Plane, other: Plane, difference: Plane) -> int:
    """Write plane minus other, NaN where not finite; return how many are."""
    planes = _at(plane), _at(other), _at(difference)
    count: int = _LOOPS["subtract"](*planes, plane.size)
    return count


def add_inverse(block: Block, total: Floats) -> None:
    """Add 1/value to an image, where the value is above 0."""
    _LOOPS["add_inverse"](_at(block), *block.shape, _at(total, np.float64))


def add_counts(block: Block, counts: Counts, per_unit: float) -> None:
    """Count values from 0 on in bins, of which `per_unit` make 1."""
    of_block = np.zeros((_LANES, len(counts) + 1), np.uint32)
    lanes = _at(of_block, np.uint32), of_block.shape[1]
    places = _at(np.empty(_CHUNK, np.uint16), np.uint16)
    _LOOPS["add_counts"](_at(block), block.size, per_unit, *lanes, places)
    counts += of_block[:, :-1].sum(axis=0, dtype=counts.dtype)


class Middle:
    """Finds medians and MADs of planes, each with the help of the plane before."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._found = np.empty(2)
        guesses = np.full((2, 2), np.nan, np.float32)
        marks = _at(np.zeros(_CHUNK, np.uint8), np.uint8)
        away, kept = np.empty(_CHUNK, np.float32), np.empty(size + 1, np.float32)
        self._answer = _at(self._found, np.float64)
        self._room = (_at(guesses), marks, marks, _at(away), _at(kept))

    def median(self, plane: Plane, count: int) -> float:
        """Return the median of what is no NaN: `count` values, at least one."""
        return self._medians(plane, count, 1)[0]

    def median_and_mad(self, plane: Plane, count: int) -> tuple[float, float]:
        """Return the median, and that of the distances from it."""
        median, mad = self._medians(plane, count, 2)
        return median, mad

    def _medians(self, plane: Plane, count: int, wanted: int) -> list[float]:
        if plane.size != self._size:
            raise ValueError(f"{plane.size} pixels, expected {self._size}")
        values = _at(plane), plane.size, count
        _LOOPS["medians"](*values, self._answer, wanted, *self._room)
        return self._found.tolist()


def middle(size: int) -> Middle:
    """Return what finds medians of planes of that many pixels."""
    return Middle(size)


def _at(array: NDArray[Any], kind: type[Any] = np.float32) -> Any:
    """Return the address of an array, which lives as long as it.

    Raises:
        TypeError: it is of another kind, or has gaps.
    """
    if array.dtype != kind:
        raise TypeError(f"an array of {array.dtype}, expected {kind.__name__}")
    return _BEGINNING.from_buffer(array)  # type: ignore[arg-type]
