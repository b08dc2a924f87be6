"""The sky between the sources of an image: its level, its spread, its histogram."""

from typing import Final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from phoenix_core.cube.measure import MAD_TO_SIGMA

Floats = NDArray[np.float64]

_SCOTT: Final = 3.49  # times sigma by the cube root of the number of values: a bin
_WIDER: Final = 2.0  # than Scott's rule, as ESO's HDRL has it


@frozen(eq=False)
class Histogram:
    """How often values fall into bins of one width; `low`: lower edge of the first."""

    low: float
    width: float
    counts: NDArray[np.int64]

    @property
    def centres(self) -> Floats:
        """The middle of each bin."""
        numbers = np.arange(self.counts.size, dtype=np.float64)
        return np.asarray(self.low + self.width * (numbers + 0.5), dtype=np.float64)


def background(image: Floats) -> tuple[float, float]:
    """Return median and MAD of the sky between the sources of an image.

    Sources are cut off by clipping at three standard deviations until nothing
    changes; NaN for an image without values.
    """
    values = image[np.isfinite(image)]
    median = mad = np.nan
    for _ in range(20):
        if not values.size:
            break
        median, mad = median_and_mad(values)
        kept = values[np.abs(values - median) <= 3 * MAD_TO_SIGMA * mad]
        if kept.size in {0, values.size}:
            break
        values = kept
    return median, mad


def background_histogram(image: Floats, sigmas: float = 6.0) -> Histogram | None:
    """Return the histogram of an image around its sky; None where that has no spread.

    Args:
        image: NaN where there is nothing.
        sigmas: standard deviations of the sky on either side of its median.
    """
    level, spread = background(image)
    values = image[np.isfinite(image)]
    sigma = MAD_TO_SIGMA * spread
    if not sigma > 0:
        return None
    width = _bin_width(sigma, values.size)
    number = 2 * max(1, round(sigmas * sigma / width))
    low = level - number / 2 * width
    counts, _ = np.histogram(values, bins=number, range=(low, low + number * width))
    return Histogram(low, width, counts.astype(np.int64))


def mode(values: Floats) -> float | None:
    """Return the most frequent value, as ESO's HDRL finds it (its method WEIGHTED).

    The highest bin of a histogram, the place in it weighted by how much higher it is
    than its neighbours; bins as high as each other count with their mean. None where
    half of the values are alike, or there are none.
    """
    if not values.size:
        return None
    width = _bin_width(MAD_TO_SIGMA * median_and_mad(values)[1], values.size)
    if not width > 0:
        return None
    low = float(values.min()) - width / 2
    # The few bins that have something: a bright star makes millions of empty ones.
    bins, counts = np.unique(np.floor((values - low) / width), return_counts=True)
    highest = counts.max()
    peaks = bins[counts == highest]
    count = dict(zip(bins.tolist(), counts.tolist(), strict=True))
    before = highest - count.get(peaks[0] - 1, 0)
    after = highest - count.get(peaks[0] + 1, 0)
    weight = before / (before + after) if before else 0.5
    return float(low + width * (peaks.mean() + weight))


def median_and_mad(values: Floats) -> tuple[float, float]:
    """Return the median of values, at least one, and their MAD about it."""
    median = float(np.median(values))
    return median, float(np.median(np.abs(values - median)))


def median_of(values: Floats) -> float:
    """Return the median of what is finite, NaN where nothing is."""
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else float("nan")


def _bin_width(sigma: float, number: int) -> float:
    return float(_WIDER * _SCOTT * sigma / np.cbrt(number))
