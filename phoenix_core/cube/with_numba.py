"""The work of the loops over all pixels, compiled by numba: see kernels.py.

Its start costs half a second, the first time some seconds more to compile. A median is
found by narrowing: the values within a guess around it, which is that of the plane
before, are a percent or two; those are gathered, and counted is how many lie below.
Where the guess was wrong, a sample of the plane gives one, and if that is wrong, too,
all values are taken: the result is exact in each case.
"""

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from phoenix_core.cube.planes import Plane

Floats = NDArray[np.float64]
Counts = NDArray[np.integer[Any]]
Values = NDArray[np.float32]
Bits = NDArray[np.unsignedinteger[Any]]
Room = tuple[Bits, Bits, Values]  # marks, the same by eight, values gathered

LANES: Final = 4
"""Histograms filled in turn: neighbours alike do not wait for each other."""

_SAMPLED: Final = 1024  # values that make a guess
_FEWEST: Final = 16  # of them, below which all values are taken
_AROUND: Final = 3.0  # times root of the values lie within a guess: at two sigma
_INFINITE: Final = np.float32(np.inf)
_NAN: Final = np.float32(np.nan)

_compiled: Final = njit(nogil=True, error_model="numpy", cache=True)


def copy_native(raw: Plane, plane: Plane) -> int:
    """Copy a plane in the machine's byte order; return how many are finite."""
    return int(_copy_native(raw.ravel().view(np.uint32), plane.ravel()))


def copy_and_add(
    raw: Plane, plane: Plane, total: Floats, hits: Counts
) -> tuple[float, int]:
    """Copy a plane as `copy_native` does, and add it to an image."""
    columns = np.zeros(plane.shape[1])
    count = _copy_and_add(raw.view(np.uint32), plane, total, hits, columns)
    return float(columns.sum()), int(count)


def subtract(plane: Plane, other: Plane, difference: Plane) -> int:
    """Write plane minus other, NaN where not finite; return how many are."""
    return int(_subtract(plane.ravel(), other.ravel(), difference.ravel()))


def distances(plane: Plane, centre: float, away: Plane) -> None:
    """Write how far each value is from the centre."""
    _distances(plane.ravel(), centre, away.ravel())


def add_inverse(plane: Plane, total: Floats) -> None:
    """Add 1/value to an image, where the value is above 0."""
    _add_inverse(plane.ravel(), total.ravel())


def add_counts(plane: Plane, counts: Counts, per_unit: float) -> None:
    """Count values from 0 on in bins, of which `per_unit` make 1; lanes add up."""
    places = np.empty(plane.size, np.uint16)
    _place(plane.ravel(), per_unit, places, counts.shape[1])
    _add_counts(places, counts)


class Median:
    """Finds medians of planes, each with the help of the one before."""

    def __init__(self, size: int) -> None:
        self._guess = np.full(2, np.nan, np.float32)
        marks = np.zeros(size, np.uint8)
        words = marks[: size // 8 * 8].view(np.uint64)
        self._room = (marks, words, np.empty(size + 1, np.float32))

    def __call__(self, values: Plane, count: int) -> float:
        """Return the median of what is no NaN: `count` values, at least one."""
        return float(_median(values.ravel(), count, self._guess, self._room))


def median(size: int) -> Median:
    """Return what finds medians of planes of that many pixels."""
    return Median(size)


@_compiled
def _native(bits: Any) -> Any:
    """Turn the bytes of a number around."""
    turned = (
        (bits << np.uint32(24))
        | ((bits & np.uint32(0xFF00)) << np.uint32(8))
        | ((bits >> np.uint32(8)) & np.uint32(0xFF00))
        | (bits >> np.uint32(24))
    )
    return np.uint32(turned).view(np.float32)


@_compiled
def _copy_native(raw: Bits, plane: Values) -> int:
    count = 0
    for i in range(raw.size):
        value = _native(raw[i])
        is_finite = abs(value) < _INFINITE
        plane[i] = value if is_finite else _NAN
        count += int(is_finite)
    return count


@_compiled
def _copy_and_add(
    raw: Bits, plane: Values, total: Floats, hits: Counts, columns: Floats
) -> int:
    count = 0
    for row in range(plane.shape[0]):
        for column in range(plane.shape[1]):
            value = _native(raw[row, column])
            is_finite = abs(value) < _INFINITE
            plane[row, column] = value if is_finite else _NAN
            summand = np.float64(value) if is_finite else 0.0
            total[row, column] += summand
            hits[row, column] += np.int32(is_finite)
            columns[column] += summand
            count += int(is_finite)
    return count


@_compiled
def _subtract(plane: Values, other: Values, difference: Values) -> int:
    count = 0
    for i in range(plane.size):
        value = plane[i] - other[i]
        is_finite = abs(value) < _INFINITE
        difference[i] = value if is_finite else _NAN
        count += int(is_finite)
    return count


@_compiled
def _distances(plane: Values, centre: float, away: Values) -> None:
    for i in range(plane.size):
        away[i] = np.float32(abs(np.float64(plane[i]) - centre))


@_compiled
def _add_inverse(plane: Values, total: Floats) -> None:
    for i in range(plane.size):
        value = plane[i]
        inverse = np.float32(1) / value
        is_there = (value > np.float32(0)) & (inverse < _INFINITE)
        total[i] += np.float64(inverse if is_there else np.float32(0))


@_compiled
def _place(plane: Values, per_unit: float, places: Bits, bins: int) -> None:
    """Find the bin of each value; what lies elsewhere has the one behind the last."""
    beyond, factor = np.float32(bins), np.float32(per_unit)
    for i in range(plane.size):
        place = plane[i] * factor
        is_within = (place >= np.float32(0)) & (place < beyond)
        places[i] = np.uint16(np.int32(place if is_within else beyond))


@_compiled
def _add_counts(places: Bits, counts: Counts) -> None:
    for i in range(places.size):
        if places[i] < counts.shape[1]:
            counts[i % LANES, places[i]] += 1


@_compiled
def _select(values: Values, first: int, last: int, rank: int) -> float:
    """Sort as far as needed for the value of that rank: what follows is not less."""
    while first < last:
        pivot = values[(first + last) >> 1]
        i, j = first, last
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if rank <= j:
            last = j
        elif rank >= i:
            first = i
        else:
            break
    found: float = values[rank]
    return found


@_compiled
def _mark(values: Values, low: float, high: float, marks: Bits) -> int:
    """Mark what lies within a guess, and return how many values lie below."""
    below = 0
    for i in range(values.size):
        value = values[i]
        marks[i] = np.uint8((value >= low) & (value <= high))
        below += int(value < low)
    return below


@_compiled
def _gather(values: Values, marks: Bits, words: Bits, kept: Values) -> int:
    """Gather what is marked; most words of eight marks are 0, and skipped."""
    found = 0
    for word in range(words.size):
        if words[word]:
            for i in range(8 * word, 8 * word + 8):
                kept[found] = values[i]
                found += int(marks[i])
    for i in range(8 * words.size, values.size):
        kept[found] = values[i]
        found += int(marks[i])
    return found


@_compiled
def _sort(values: Values, first: int, last: int) -> None:
    for i in range(first + 1, last + 1):
        value = values[i]
        j = i
        while j > first and values[j - 1] > value:
            values[j] = values[j - 1]
            j -= 1
        values[j] = value


@_compiled
def _count_below(values: Values, bound: float) -> int:
    below = 0
    for i in range(values.size):
        below += int(values[i] < bound)
    return below


@_compiled
def _guess_from_sample(values: Values, count: int, guess: Values, kept: Values) -> None:
    """Guess from a sample; how many values lie below its middle says where in it."""
    step = max(1, values.size // _SAMPLED)
    sampled = 0
    for i in range(0, values.size, step):
        value = values[i]
        kept[sampled] = value
        sampled += int(value == value)  # noqa: PLR0124, false for NaN
    if sampled < _FEWEST:
        guess[:] = np.nan
        return
    middle = sampled // 2
    reach = int(2 * np.sqrt(sampled))  # four standard deviations of the rank
    first, last = max(middle - reach, 0), min(middle + reach, sampled - 1)
    _select(kept, 0, sampled - 1, first)
    _select(kept, first, sampled - 1, last)
    _sort(kept, first, last)
    missing = count // 2 - _count_below(values, kept[middle])
    away = missing * sampled / count
    around = 2 * np.sqrt(abs(away)) + 4
    guess[0] = kept[min(max(int(middle + away - around), first), last)]
    guess[1] = kept[min(max(int(middle + away + around), first), last)]


@_compiled
def _narrow(guess: Values, middle: float, count: int, found: int) -> None:
    """Centre the guess, and make it as wide as a median is uncertain."""
    wanted = _AROUND * np.sqrt(count)
    half = (np.float64(guess[1]) - np.float64(guess[0])) / 2
    half *= min(max(wanted / max(found, 1), 0.25), 4.0)
    if half < np.inf:
        guess[0], guess[1] = middle - half, middle + half
    else:
        guess[:] = np.nan


@_compiled
def _median(values: Values, count: int, guess: Values, room: Room) -> float:
    marks, words, kept = room
    low, high = (count - 1) // 2, count // 2
    below, found = 0, 0
    for attempt in range(3):
        if attempt == 1:
            _guess_from_sample(values, count, guess, kept)
        elif attempt == 2:  # noqa: PLR2004
            guess[0], guess[1] = -np.inf, np.inf
        if guess[0] <= guess[1]:
            below = _mark(values, guess[0], guess[1], marks)
            found = _gather(values, marks, words, kept)
            if below <= low and high < below + found:
                break
    lower = _select(kept, 0, found - 1, low - below)
    upper = lower
    if high > low:
        upper = kept[low - below + 1 : found].min()
    middle = (np.float64(lower) + np.float64(upper)) / 2
    _narrow(guess, middle, count, found)
    return middle
