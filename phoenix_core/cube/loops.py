"""The loops over all pixels, that numba compiles: see with_numba.py.

A median is found by narrowing: the values within a guess around it, which is that of
the plane before, are a percent or two; those are gathered, and counted is how many lie
below. Where a sample of the plane shows that the guess is wrong, or it proved to be,
the sample gives one, and if that is wrong, too, all values are taken: the result is
exact in each case. Planes are larger than the nearest caches: what is done to a value
in several steps is done chunk by chunk, and images are added to row by row for some
planes at once. Each loop does one thing, so that the compiler does it for many values
with one instruction; for that, too, it counts in numbers of the width of the values.

No loop raises anything, or makes an array: that would need numba to run. What is called
from outside stands at the end, with the addresses and sizes of its arrays.
"""

import math
from typing import Any, Final

import numpy as np
from numba import carray, cfunc, njit  # type: ignore[attr-defined]
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.integer[Any]]
Values = NDArray[np.float32]
Bits = NDArray[np.unsignedinteger[Any]]
Room = tuple[Bits, Bits, Values, Values]
"""Marks of a chunk, the same by eight; distances of a chunk; all values gathered."""

CHUNK: Final = 8192
"""Values at a time: they stay in the nearest cache."""

LANES: Final = 4
"""Histograms filled in turn: neighbours alike do not wait for each other."""

_SAMPLED: Final = 1024  # values that make a guess
_FEWEST: Final = 16  # of them, below which all values are taken
_AROUND: Final = 3.0  # times root of the values lie within a guess: at two sigma
_ONES: Final = np.uint64(0x0101010101010101)
_EXPONENT: Final = np.uint32(0x7F800000)  # all of its bits: infinite, or no number
_NO_NUMBER: Final = np.uint32(0x7FC00000)
_INFINITE: Final = np.float32(np.inf)
_NAN: Final = np.float32(np.nan)

_compiled: Final = njit(error_model="numpy")


@_compiled
def _make_native(bits: Bits) -> Any:
    """Turn the bytes of numbers around, and return how many are finite."""
    count = np.int32(0)
    for i in range(bits.size):
        raw = bits[i]
        turned = np.uint32(
            (raw << np.uint32(24))
            | ((raw & np.uint32(0xFF00)) << np.uint32(8))
            | ((raw >> np.uint32(8)) & np.uint32(0xFF00))
            | (raw >> np.uint32(24))
        )
        is_finite = (turned & _EXPONENT) != _EXPONENT
        bits[i] = turned if is_finite else _NO_NUMBER
        count = np.int32(count + np.int32(is_finite))
    return count


@_compiled
def _add(block: Values, total: Floats, hits: Counts, columns: Floats) -> None:
    for row in range(total.shape[0]):
        for k in range(block.shape[0]):
            for column in range(total.shape[1]):
                value = block[k, row, column]
                is_there = value == value  # noqa: PLR0124, false for NaN
                summand = np.float64(value) if is_there else 0.0
                total[row, column] += summand
                hits[row, column] += np.int32(is_there)
                columns[k, column] += summand


@_compiled
def _subtract(plane: Values, other: Values, difference: Values) -> Any:
    count = np.int32(0)
    for i in range(plane.size):
        value = plane[i] - other[i]
        is_finite = abs(value) < _INFINITE
        difference[i] = value if is_finite else _NAN
        count = np.int32(count + np.int32(is_finite))
    return count


@_compiled
def _distances(values: Values, centre: float, away: Values) -> None:
    """Write distances from a centre, rounded once."""
    rounded = np.float32(centre)
    if rounded == centre:  # as exact, and several times as fast
        for i in range(values.size):
            away[i] = abs(values[i] - rounded)
    else:
        for i in range(values.size):
            away[i] = np.float32(abs(np.float64(values[i]) - centre))


@_compiled
def _add_inverse(block: Values, total: Floats) -> None:
    for row in range(total.shape[0]):
        for k in range(block.shape[0]):
            for column in range(total.shape[1]):
                value = block[k, row, column]
                inverse = np.float32(1) / value
                is_there = (value > np.float32(0)) & (inverse < _INFINITE)
                total[row, column] += np.float64(inverse if is_there else np.float32(0))


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
    for first in range(0, plane.size, CHUNK):
        chunk = plane[first : first + CHUNK]
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
def _part(values: Values, first: int, last: int, pivot: Any) -> int:
    """Put what is less than a pivot before the rest; return where that begins.

    Every value is moved, and none is asked about: a wrong prophecy of the processor
    costs more than many moves.
    """
    for i in range(first, last):
        value = values[i]
        values[i] = values[first]
        values[first] = value
        first += int(value < pivot)
    return first


@_compiled
def _part_equal(values: Values, first: int, last: int, pivot: Any) -> int:
    """As `_part`, with what is equal to the pivot before the rest, too."""
    for i in range(first, last):
        value = values[i]
        values[i] = values[first]
        values[first] = value
        first += int(value <= pivot)
    return first


@_compiled
def _select(values: Values, first: int, last: int, rank: int) -> float:
    """Sort as far as needed for the value of that rank: what follows is not less."""
    while True:
        one, two, three = values[first], values[(first + last) >> 1], values[last - 1]
        pivot = max(min(one, two), min(max(one, two), three))
        rest = _part(values, first, last, pivot)
        if rank < rest:
            last = rest
            continue
        first = _part_equal(values, rest, last, pivot)
        if rank < first:
            found: float = pivot
            return found


@_compiled
def _mark(values: Values, low: Any, high: Any, marks: Bits) -> None:
    """Mark with 1 what lies within a guess, with 2 what lies below, with 0 the rest."""
    for i in range(values.size):
        value = values[i]
        marks[i] = np.uint8(value <= high) + np.uint8(value < low)


@_compiled
def _below(words: Bits) -> int:
    """Count the marks that are 2."""
    count = 0
    for i in range(words.size):
        # The product has the sum of all eight bytes in its highest one.
        twos = (words[i] >> np.uint64(1)) & _ONES
        count += int((twos * _ONES) >> np.uint64(56))
    return count


@_compiled
def _gather(values: Values, marks: Bits, words: Bits, kept: Values, found: int) -> int:
    """Gather what is marked with 1 behind what was found; most eights have none."""
    whole = values.size // 8
    for word in range(whole):
        if words[word] & _ONES:
            for i in range(8 * word, 8 * word + 8):
                kept[found] = values[i]
                found += int(marks[i] == 1)
    for i in range(8 * whole, values.size):
        kept[found] = values[i]
        found += int(marks[i] == 1)
    return found


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
    for first in range(0, values.size, CHUNK):
        chunk = values[first : first + CHUNK]
        if centre == centre:  # noqa: PLR0124, false for NaN: no distances are asked for
            _distances(chunk, centre, away)
            chunk = away[: chunk.size]
        _mark(chunk, guess[0], guess[1], marks)
        marks[chunk.size :] = 0
        below += _below(words)
        found = _gather(chunk, marks, words, kept, found)
    return found, below


@_compiled
def _of(value: Any, centre: float) -> Any:
    """A value, or its distance from the centre, where that is no NaN."""
    if centre == centre:  # noqa: PLR0124, false for NaN
        return np.float32(abs(np.float64(value) - centre))
    return value


@_compiled
def _count_below(values: Values, centre: float, limit: Any, away: Values) -> Any:
    count = np.int32(0)
    for first in range(0, values.size, CHUNK):
        chunk = values[first : first + CHUNK]
        if centre == centre:  # noqa: PLR0124, false for NaN
            _distances(chunk, centre, away)
            chunk = away[: chunk.size]
        for i in range(chunk.size):
            count = np.int32(count + np.int32(chunk[i] < limit))
    return count


@_compiled
def _sample(values: Values, centre: float, kept: Values) -> int:
    """Keep some of the values, or of their distances; return how many are no NaN."""
    sampled = 0
    for i in range(0, values.size, max(1, values.size // _SAMPLED)):
        value = _of(values[i], centre)
        kept[sampled] = value
        sampled += int(value == value)  # noqa: PLR0124, false for NaN
    return sampled


@_compiled
def _is_far(guess: Values, sample: Values) -> bool:
    """Whether a sample has so many values on one side that the guess is wrong."""
    below, above = 0, 0
    for value in sample:
        below += int(value < guess[0])
        above += int(value > guess[1])
    # Four standard deviations of the rank more than half of them.
    return max(below, above) > sample.size / 2 + 2 * math.sqrt(sample.size)


@_compiled
def _guess_from_sample(
    values: Values,
    count: int,
    centre: float,
    guess: Values,
    room: Room,
) -> None:
    """Guess from a sample; how many values lie below its middle says where in it."""
    _, _, chunk, kept = room
    sampled = _sample(values, centre, kept)
    if sampled < _FEWEST:
        guess[:] = np.nan
        return
    middle = sampled // 2
    below = _count_below(values, centre, _select(kept, 0, sampled, middle), chunk)
    off = (count // 2 - below) * sampled / count
    around = 2 * math.sqrt(abs(off)) + 4
    low, high = int(middle + off - around), int(middle + off + around)
    guess[0] = _select(kept, 0, sampled, min(max(low, 0), sampled - 1))
    guess[1] = _select(kept, 0, sampled, min(max(high, 0), sampled - 1))


@_compiled
def _narrow(guess: Values, middle: float, count: int, found: int) -> None:
    """Centre the guess, and make it as wide as a median is uncertain."""
    wanted = _AROUND * math.sqrt(count)
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
        if attempt == 0:
            if _is_far(guess, kept[: _sample(values, centre, kept)]):
                continue
        elif attempt == 1:
            _guess_from_sample(values, count, centre, guess, room)
        elif attempt == 2:  # noqa: PLR2004
            guess[0], guess[1] = -np.inf, np.inf
        if guess[0] <= guess[1]:
            found, below = _narrowed(values, centre, guess, room)
            if below <= low and high < below + found:
                break
    lower = _select(kept, 0, found, low - below)
    upper = lower
    if high > low:
        upper = kept[high - below]
        for i in range(high - below + 1, found):
            upper = min(upper, kept[i])
    middle = (np.float64(lower) + np.float64(upper)) / 2
    _narrow(guess, middle, count, found)
    return middle


@cfunc("void(CPointer(uint32), int64, int64, CPointer(int64))")
def make_native(block: Any, planes: int, size: int, counts: Any) -> None:
    """Turn the bytes of numbers around, and count how many of a plane are finite."""
    raw, finite = carray(block, (planes, size)), carray(counts, planes)
    for k in range(planes):
        finite[k] = _make_native(raw[k])


@cfunc(
    "void(CPointer(float32), int64, int64, int64,"
    " CPointer(float64), CPointer(int32), CPointer(float64))"
)
def add(  # noqa: PLR0917, as C has it
    block: Any, planes: int, rows: int, columns: int, total: Any, hits: Any, sums: Any
) -> None:
    """Add planes to an image and to its number of values, and sum up their columns."""
    _add(
        carray(block, (planes, rows, columns)),
        carray(total, (rows, columns)),
        carray(hits, (rows, columns)),
        carray(sums, (planes, columns)),
    )


@cfunc("int64(CPointer(float32), CPointer(float32), CPointer(float32), int64)")
def subtract(plane: Any, other: Any, difference: Any, size: int) -> int:
    """Write plane minus other, NaN where not finite; return how many are."""
    return int(
        _subtract(carray(plane, size), carray(other, size), carray(difference, size))
    )


@cfunc("void(CPointer(float32), int64, int64, int64, CPointer(float64))")
def add_inverse(block: Any, planes: int, rows: int, columns: int, total: Any) -> None:
    """Add 1/value to an image, where the value is above 0."""
    _add_inverse(carray(block, (planes, rows, columns)), carray(total, (rows, columns)))


@cfunc(
    "void(CPointer(float32), int64, float64, CPointer(uint32), int64, CPointer(uint16))"
)
def add_counts(  # noqa: PLR0917
    values: Any, size: int, per_unit: float, counts: Any, bins: int, places: Any
) -> None:
    """Count in lanes; the last of the bins has what lies elsewhere."""
    lanes = carray(counts, (LANES, bins))
    _add_counts(carray(values, size), per_unit, lanes, carray(places, CHUNK))


@cfunc(
    "void(CPointer(float32), int64, int64, CPointer(float64), int64,"
    " CPointer(float32), CPointer(uint8), CPointer(uint64),"
    " CPointer(float32), CPointer(float32))"
)
def medians(  # noqa: PLR0917
    values: Any,
    size: int,
    count: int,
    found: Any,
    wanted: int,
    guesses: Any,
    marks: Any,
    words: Any,
    away: Any,
    kept: Any,
) -> None:
    """Find the median of values and, if two are wanted, of their distances from it."""
    plane, answer, guess = (
        carray(values, size),
        carray(found, 2),
        carray(guesses, (2, 2)),
    )
    room = (
        carray(marks, CHUNK),
        carray(words, CHUNK // 8),
        carray(away, CHUNK),
        carray(kept, size + 1),
    )
    centre = np.nan
    for k in range(wanted):
        centre = answer[k] = _median(plane, count, centre, guess[k], room)
