"""What one pass over a cube gives: images, and spectra with one value a plane.

Medians and median absolute deviations (MAD) are exact: no bins, no samples. A MAD is
that of distances rounded to the kind of the planes: float32 has it to 6e-8 of itself.
Edges of bins are rounded so, too.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from phoenix_core.cube.kernels import LARGE, Kernels, Median, kernels_for
from phoenix_core.cube.planes import Cube, Plane, read_planes

Floats = NDArray[np.float64]
Part = TypeVar("Part")

MAD_TO_SIGMA: Final = 1.4826
"""Standard deviation of a Gaussian in units of its median absolute deviation."""

_LAG: Final = 2  # planes: neighbours share pixels of the detector, the next but one not
_PARTS: Final = 2  # side by side: more only wait for the file
_LANES: Final = 4  # of a histogram: see with_numba.py


@frozen(eq=False)
class Signal:
    """The planes of a signal; NaN where there are no finite values."""

    white: Floats  # mean of all planes: an image
    hits: NDArray[np.int32]  # number of planes that have a value: an image
    mean: Floats  # of each plane, over the field
    median: Floats
    mad: Floats  # about the median: noise, and whatever is in the field
    noise: Floats  # from differences of planes, free of what is in the sky


@frozen(eq=False)
class Bins:
    """Bins of a histogram, from 0 on."""

    number: int
    per_unit: float

    def centre(self, place: int) -> float:
        """Return the value in the middle of a bin, counted from 0."""
        return (place + 0.5) / self.per_unit


@frozen(eq=False)
class Variance:
    """The planes of a variance."""

    median: Floats  # of each plane; NaN where there are no finite values
    depth: Floats  # sum of 1/variance over all planes: an image
    counts: NDArray[np.int64]  # of all values, in the bins that were asked for


def measure_signal(cube: Cube, large: int = LARGE) -> Signal:
    """Measure the planes of a signal in one pass.

    The noise of a plane is that of the difference of its neighbours, so that sources
    and sky, which are alike in both, cancel: the first and the last plane have none.

    Args:
        cube: the signal.
        large: bytes from which on numba is used, if it is there.

    Raises:
        ProcessingError: the file ends too early.
    """
    kernels = kernels_for(cube, large)
    parts = _by_parts(cube, lambda planes: _signal(cube, kernels, planes))
    total = sum((part.total for part in parts), np.zeros(cube.shape[1:]))
    hits = sum((part.hits for part in parts), np.zeros(cube.shape[1:], np.int32))
    white = np.full(cube.shape[1:], np.nan)
    np.divide(total, hits, out=white, where=hits > 0)
    spectra = np.concatenate([part.spectra for part in parts], axis=1)
    return Signal(white, hits, *spectra)


def measure_variance(cube: Cube, bins: Bins, large: int = LARGE) -> Variance:
    """Measure the planes of a variance in one pass.

    Args:
        cube: the variance.
        bins: in which its values are counted.
        large: bytes from which on numba is used, if it is there.

    Raises:
        ProcessingError: the file ends too early.
    """
    kernels = kernels_for(cube, large)
    parts = _by_parts(cube, lambda planes: _variance(cube, kernels, planes, bins))
    return Variance(
        median=np.concatenate([part.median for part in parts]),
        depth=sum((part.depth for part in parts), np.zeros(cube.shape[1:])),
        counts=sum((part.counts for part in parts), np.zeros(bins.number, np.int64)),
    )


def _by_parts(cube: Cube, work: Callable[[range], Part]) -> list[Part]:
    """Do the first and the second half of the planes side by side.

    The halves are the same whatever the machine, so that sums are, too.
    """
    planes = range(cube.shape[0])
    size = -(-len(planes) // _PARTS)
    parts = [planes[k * size : (k + 1) * size] for k in range(_PARTS)]
    if not cube.is_plain:  # astropy reads, which is made for one at a time
        return [work(part) for part in parts]
    with ThreadPoolExecutor(_PARTS) as threads:
        return list(threads.map(work, parts))


@frozen(eq=False)
class _SignalPart:
    """What some planes add up to; `spectra`: mean, median, MAD and noise of each."""

    total: Floats
    hits: NDArray[np.int32]
    spectra: Floats


def _signal(cube: Cube, kernels: Kernels, planes: range) -> _SignalPart:
    count, rows, columns = cube.shape
    find = _Finder(kernels, cube)
    total = np.zeros((rows, columns))
    hits = np.zeros((rows, columns), np.int32)
    spectra = np.full((4, len(planes)), np.nan)
    mean, median, mad, noise = spectra
    recent = [find.scratch() for _ in range(_LAG + 1)]
    difference = find.scratch()
    # A plane more on either side, for the differences.
    read = range(max(planes.start - 1, 0), min(planes.stop + 1, count))
    for k, raw in zip(read, read_planes(cube, read), strict=False):
        plane = recent[k % len(recent)]
        n = k - planes.start
        if k not in planes:
            kernels.copy_native(raw, plane)
        else:
            summed, values = kernels.copy_and_add(raw, plane, total, hits)
            if values:
                mean[n] = summed / values
                median[n], mad[n] = find.median_and_mad(plane, values, find.levels)
        if k - read.start >= _LAG:
            other = recent[(k - _LAG) % len(recent)]
            values = kernels.subtract(plane, other, difference)
            if values:
                spread = find.median_and_mad(difference, values, find.noises)[1]
                noise[n - 1] = MAD_TO_SIGMA * spread / np.sqrt(_LAG)
    return _SignalPart(total, hits, spectra)


def _variance(cube: Cube, kernels: Kernels, planes: range, bins: Bins) -> Variance:
    _, rows, columns = cube.shape
    find = kernels.median(rows * columns)
    median = np.full(len(planes), np.nan)
    depth = np.zeros((rows, columns))
    counts = np.zeros((_LANES, bins.number), np.int64)
    plane = np.empty((rows, columns), cube.kind.newbyteorder("="))
    for n, raw in enumerate(read_planes(cube, planes)):
        values = kernels.copy_native(raw, plane)
        if values:
            median[n] = find(plane, values)
        kernels.add_inverse(plane, depth)
        kernels.add_counts(plane, counts, bins.per_unit)
    return Variance(median, depth, counts.sum(axis=0))


class _Finder:
    """Medians of the planes of a cube, and of distances from them."""

    def __init__(self, kernels: Kernels, cube: Cube) -> None:
        _, rows, columns = cube.shape
        self._shape = (rows, columns)
        self._kind = cube.kind.newbyteorder("=")
        size = rows * columns
        self.levels = (kernels.median(size), kernels.median(size))
        self.noises = (kernels.median(size), kernels.median(size))

    def scratch(self) -> NDArray[Any]:
        """Return room for a plane."""
        return np.empty(self._shape, self._kind)

    def median_and_mad(
        self, plane: Plane, count: int, finders: tuple[Median, Median]
    ) -> tuple[float, float]:
        """Return the median of a plane, and that of the distances from it."""
        median = finders[0](plane, count)
        return median, finders[1](plane, count, median)
