"""The work of the loops over all pixels, compiled by numba: see kernels.py.

Its start costs half a second, the first time some seconds more to compile. A median is
found by narrowing: the values within a guess around it, which is that of the plane
before, are a percent or two; those are gathered, and counted is how many lie below.
Where the guess was wrong, a sample of the plane gives one, and if that is wrong, too,
all values are taken: the result is exact in each case. Planes are larger than the
nearest caches: what is done to a value in several steps is done chunk by chunk.
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
Room = tuple[Bits, Bits, Values, Values]
"""Marks of a chunk, the same by eight; distances of a chunk; all values gathered."""

LANES: Final = 4
"""Histograms filled in turn: neighbours alike do not wait for each other."""

_SAMPLED: Final = 1024  # values that make a guess
_FEWEST: Final = 16  # of them, below which all values are taken
_AROUND: Final = 3.0  # times root of the values lie within a guess: at two sigma
_CHUNK: Final = 8192  # values at a time: they stay in the nearest cache
_ONES: Final = np.uint64(0x0101010101010101)
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


def add_inverse(plane: Plane, total: Floats) -> None:
    """Add 1/value to an image, where the value is above 0."""
    _add_inverse(plane.ravel(), total.ravel())


def add_counts(plane: Plane, counts: Counts, per_unit: float) -> None:
    """Count values from 0 on in bins, of which `per_unit` make 1; lanes add up."""
    lanes, bins = counts.shape
    of_plane = np.zeros((lanes, bins + 1), np.uint32)
    _add_counts(plane.ravel(), per_unit, of_plane, np.empty(_CHUNK, np.uint16))
    counts += of_plane[:, :bins]


class Median:
    """Finds medians of planes, each with the help of the one before."""

    def __init__(self, size: int) -> None:
        self._guess = np.full(2, np.nan, np.float32)
        marks = np.zeros(_CHUNK, np.uint8)
        away = np.empty(_CHUNK, np.float32)
        kept = np.empty(size + 1, np.float32)
        self._room = (marks, marks.view(np.uint64), away, kept)

    def __call__(self, values: Plane, count: int, centre: float | None = None) -> float:
        """Return the median of what is no NaN: `count` values, at least one.

        With a centre it is that of their distances from it.
        """
        about = np.nan if centre is None else centre
        plane = values.ravel()
        return float(_median(plane, count, about, self._guess, self._room))


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
def _distances(values: Values, centre: float, away: Values) -> None:
    for i in range(values.size):
        away[i] = np.float32(abs(np.float64(values[i]) - centre))


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
def _add_counts(plane: Values, per_unit: float, counts: Counts, places: Bits) -> None:
    """Count in four lanes at once; the bin behind the last is of no interest."""
    # Where each has a name of its own, none waits for the one before it.
    one, two, three, four = counts[0], counts[1], counts[2], counts[3]
    for first in range(0, plane.size, _CHUNK):
        chunk = plane[first : first + _CHUNK]
        _place(chunk, per_unit, places, counts.shape[1] - 1)
        whole = chunk.size // LANES * LANES
        for i in range(0, whole, LANES):
            one[places[i]] += np.uint32(1)
            two[places[i + 1]] += np.uint32(1)
            three[places[i + 2]] += np.uint32(1)
            four[places[i + 3]] += np.uint32(1)
        for i in range(whole, chunk.size):
            one[places[i]] += np.uint32(1)


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
def _mark(values: Values, low: Any, high: Any, marks: Bits) -> None:
    """Mark with 1 what lies within a guess, with 2 what lies below, with 0 the rest."""
    for i in range(values.size):
        value = values[i]
        marks[i] = np.uint8(value <= high) + np.uint8(value < low)


@_compiled
def _gather(
    values: Values, marks: Bits, words: Bits, kept: Values, found: int
) -> tuple[int, int]:
    """Gather what is marked with 1 behind what was found; count what lies below.

    Most words of eight marks have no 1, and are skipped.
    """
    below = 0
    for word in range(values.size // 8):
        eight = words[word]
        # The product has the sum of all eight bytes in its highest one.
        below += int((((eight >> np.uint64(1)) & _ONES) * _ONES) >> np.uint64(56))
        if eight & _ONES:
            for i in range(8 * word, 8 * word + 8):
                kept[found] = values[i]
                found += int(marks[i] == 1)
    for i in range(values.size // 8 * 8, values.size):
        kept[found] = values[i]
        found += int(marks[i] == 1)
        below += int(marks[i] == 2)  # noqa: PLR2004, see _mark
    return found, below


@_compiled
def _narrowed(
    values: Values,
    centre: float,
    guess: Values,
    room: Room,
) -> tuple[int, int]:
    """Gather all values within the guess; return how many, and how many lie below."""
    marks, words, away, kept = room
    found, below = 0, 0
    for first in range(0, values.size, _CHUNK):
        chunk = values[first : first + _CHUNK]
        if centre == centre:  # noqa: PLR0124, false for NaN: no distances are asked for
            _distances(chunk, centre, away)
            chunk = away[: chunk.size]
        _mark(chunk, guess[0], guess[1], marks)
        found, less = _gather(chunk, marks, words, kept, found)
        below += less
    return found, below


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
def _of(value: Any, centre: float) -> Any:
    """A value, or its distance from the centre, where that is no NaN."""
    if centre == centre:  # noqa: PLR0124, false for NaN
        return np.float32(abs(np.float64(value) - centre))
    return value


@_compiled
def _guess_from_sample(
    values: Values,
    count: int,
    centre: float,
    guess: Values,
    kept: Values,
) -> None:
    """Guess from a sample; how many values lie below its middle says where in it."""
    step = max(1, values.size // _SAMPLED)
    sampled = 0
    for i in range(0, values.size, step):
        value = _of(values[i], centre)
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
    below = 0
    for i in range(values.size):
        below += int(_of(values[i], centre) < kept[middle])
    away = (count // 2 - below) * sampled / count
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
def _median(
    values: Values,
    count: int,
    centre: float,
    guess: Values,
    room: Room,
) -> float:
    kept = room[3]
    low, high = (count - 1) // 2, count // 2
    below, found = 0, 0
    for attempt in range(3):
        if attempt == 1:
            _guess_from_sample(values, count, centre, guess, kept)
        elif attempt == 2:  # noqa: PLR2004
            guess[0], guess[1] = -np.inf, np.inf
        if guess[0] <= guess[1]:
            found, below = _narrowed(values, centre, guess, room)
            if below <= low and high < below + found:
                break
    lower = _select(kept, 0, found - 1, low - below)
    upper = lower
    if high > low:
        upper = kept[low - below + 1 : found].min()
    middle = (np.float64(lower) + np.float64(upper)) / 2
    _narrow(guess, middle, count, found)
    return middle
