"""What one pass over a cube gives: images, and spectra with one value a plane.

Medians and median absolute deviations (MAD) are exact: no bins, no samples. A MAD is
that of distances rounded to the kind of the planes: float32 has it to 6e-8 of itself.
Edges of bins are rounded so, too.
"""

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from phoenix_core.cube.kernels import LARGE, Kernels, kernels_for
from phoenix_core.cube.planes import Cube, Plane, read_blocks

Floats = NDArray[np.float64]
Part = TypeVar("Part")

MAD_TO_SIGMA: Final = 1.4826
"""Standard deviation of a Gaussian in units of its median absolute deviation."""

_LAG: Final = 2  # planes: neighbours share pixels of the detector, the next but one not
_PARTS: Final = 2  # side by side: more would take cores from other jobs
_WIDE: Final = 3 * 2**21  # bytes of a plane above which memory has room for one part


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
    """Do the first and the second half of the planes side by side, if there are cores.

    The halves are the same whatever the machine, so that sums are, too.
    """
    count, rows, columns = cube.shape
    planes = range(count)
    size = -(-count // _PARTS)
    parts = [planes[k * size : (k + 1) * size] for k in range(_PARTS)]
    cores = len(os.sched_getaffinity(0))
    is_wide = rows * columns * cube.kind.itemsize > _WIDE
    # Where astropy reads, it is made for one at a time.
    if cores == 1 or is_wide or not cube.is_plain:
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
    levels, noises = kernels.middle(rows * columns), kernels.middle(rows * columns)
    total = np.zeros((rows, columns))
    hits = np.zeros((rows, columns), np.int32)
    spectra = np.full((4, len(planes)), np.nan)
    mean, median, mad, noise = spectra
    recent: deque[Plane] = deque(maxlen=_LAG)
    difference = np.empty((rows, columns), cube.kind.newbyteorder("="))
    # A plane more on either side, for the differences.
    read = range(max(planes.start - 1, 0), min(planes.stop + 1, count))
    first = read.start - planes.start
    for raw in read_blocks(cube, read, kept=_LAG):
        block, counts = kernels.make_native(raw)
        own = slice(max(-first, 0), max(len(planes) - first, 0))
        sums = kernels.add(block[own], total, hits)
        for n, plane in enumerate(block, first):
            if 0 <= n < len(planes) and (values := counts[n - first]):
                mean[n] = sums[n - first - own.start] / values
                median[n], mad[n] = levels.median_and_mad(plane, values)
            if len(recent) == _LAG and (
                values := kernels.subtract(plane, recent[0], difference)
            ):
                _, spread = noises.median_and_mad(difference, values)
                noise[n - 1] = MAD_TO_SIGMA * spread / np.sqrt(_LAG)
            recent.append(plane)
        first += len(block)
    return _SignalPart(total, hits, spectra)


def _variance(cube: Cube, kernels: Kernels, planes: range, bins: Bins) -> Variance:
    _, rows, columns = cube.shape
    levels = kernels.middle(rows * columns)
    median = np.full(len(planes), np.nan)
    depth = np.zeros((rows, columns))
    counts = np.zeros(bins.number, np.int64)
    numbers = iter(range(len(planes)))
    for raw in read_blocks(cube, planes):
        block, values = kernels.make_native(raw)
        for plane, there, n in zip(block, values, numbers, strict=False):
            if there:
                median[n] = levels.median(plane, there)
        kernels.add_inverse(block, depth)
        kernels.add_counts(block, counts, bins.per_unit)
    return Variance(median, depth, counts)
