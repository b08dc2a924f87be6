"""The work of the loops over all pixels with loops.py, compiled: see kernels.py."""

import ctypes
from typing import Any, Final

import numpy as np
from numpy.ctypeslib import ndpointer
from numpy.typing import NDArray

from phoenix_core.cube.machine_code import load
from phoenix_core.cube.planes import Block, Plane

Floats = NDArray[np.float64]
Counts = NDArray[np.integer[Any]]

_CHUNK: Final = 8192  # as in loops.py, which needs numba
_LANES: Final = 4

_N: Final = ctypes.c_int64
_AT: Final = ctypes.c_void_p
_REAL: Final = ctypes.c_double


def _array(kind: Any) -> Any:
    """Arrays of a kind that lie in memory as loops go through them, and no others."""
    return ndpointer(kind, flags="C_CONTIGUOUS")


_VALUES: Final = _array(np.float32)
_FLOATS: Final = _array(np.float64)
_LOOPS: Final = load(
    "phoenix_core.cube.loops",
    {
        "make_native": (_N, _array(np.uint32), _N),
        "add": (None, _VALUES, _N, _N, _N, _FLOATS, _array(np.int32), _FLOATS),
        "subtract": (_N, _VALUES, _VALUES, _VALUES, _N),
        "add_inverse": (None, _VALUES, _N, _N, _N, _FLOATS),
        "add_counts": (None, _VALUES, _N, _REAL, _array(np.uint32), _N, _AT),
        "median": (_REAL, _VALUES, _N, _N, _REAL, _VALUES, _AT, _AT, _AT, _AT),
    },
)


def make_native(raw: Block) -> tuple[Block, list[int]]:
    """Turn planes into the machine's byte order, where they are."""
    turn = _LOOPS["make_native"]
    counts = [int(turn(plane.view(np.uint32), plane.size)) for plane in raw]
    return raw.view(np.float32), counts


def add(block: Block, total: Floats, hits: Counts) -> list[float]:
    """Add planes to an image, and to the number of values that it has."""
    columns = np.zeros((len(block), total.shape[1]))
    _LOOPS["add"](block, *block.shape, total, hits, columns)
    return [float(one.sum()) for one in columns]


def subtract(plane: Plane, other: Plane, difference: Plane) -> int:
    """Write plane minus other, NaN where not finite; return how many are."""
    return int(_LOOPS["subtract"](plane, other, difference, plane.size))


def add_inverse(block: Block, total: Floats) -> None:
    """Add 1/value to an image, where the value is above 0."""
    _LOOPS["add_inverse"](block, *block.shape, total)


def add_counts(block: Block, counts: Counts, per_unit: float) -> None:
    """Count values from 0 on in bins, of which `per_unit` make 1."""
    of_block = np.zeros((_LANES, len(counts) + 1), np.uint32)
    places = np.empty(_CHUNK, np.uint16)
    bins = of_block.shape[1]
    _LOOPS["add_counts"](
        block, block.size, per_unit, of_block, bins, places.ctypes.data
    )
    counts += of_block[:, :-1].sum(axis=0, dtype=counts.dtype)


class Middle:
    """Finds medians and MADs of planes, each with the help of the plane before."""

    def __init__(self, size: int) -> None:
        self._guesses = np.full((2, 2), np.nan, np.float32)
        self._marks = np.zeros(_CHUNK, np.uint8)
        self._away = np.empty(_CHUNK, np.float32)
        self._kept = np.empty(size + 1, np.float32)
        arrays = (self._marks, self._marks, self._away, self._kept)
        self._room = [array.ctypes.data for array in arrays]

    def median(self, plane: Plane, count: int) -> float:
        """Return the median of what is no NaN: `count` values, at least one."""
        return self._median(plane, count, np.nan, 0)

    def median_and_mad(self, plane: Plane, count: int) -> tuple[float, float]:
        """Return the median, and that of the distances from it."""
        median = self.median(plane, count)
        return median, self._median(plane, count, median, 1)

    def _median(self, plane: Plane, count: int, centre: float, guess: int) -> float:
        if plane.size >= len(self._kept):
            raise ValueError(f"{plane.size} pixels, expected {len(self._kept) - 1}")
        find, guesses = _LOOPS["median"], self._guesses[guess]
        return float(find(plane, plane.size, count, centre, guesses, *self._room))


def middle(size: int) -> Middle:
    """Return what finds medians of planes of that many pixels."""
    return Middle(size)
