"""The sky of an image: its most frequent value, and its histogram."""

import numpy as np
import pytest

from phoenix_core.cube.background import background_histogram, mode


def field(level=7.0, sigma=2.0):
    """A sky with a galaxy in a quarter of the field, and a hole."""
    image = np.random.default_rng(3).normal(level, sigma, (200, 200))
    image[:50] += 1000
    image[0, 0] = np.nan
    return image


def test_the_mode_is_the_level_of_the_sky_whatever_stands_in_it():
    image = field()
    assert mode(image[np.isfinite(image)]) == pytest.approx(7, abs=0.4)


def test_a_star_of_any_brightness_costs_no_memory():
    values = np.append(np.random.default_rng(1).normal(0, 1, 10_000), 1e30)
    assert mode(values) == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("values", [np.zeros(0), np.full(9, 3.0), np.array([1.0])])
def test_without_spread_there_is_no_mode(values):
    assert mode(values) is None


def test_the_histogram_has_the_sky_in_its_middle_and_all_that_lies_within():
    image = field()
    histogram = background_histogram(image)
    assert histogram.centres.mean() == pytest.approx(7, abs=0.1)
    assert histogram.centres[np.argmax(histogram.counts)] == pytest.approx(7, abs=0.6)
    high = histogram.low + histogram.width * histogram.counts.size
    within = (image >= histogram.low) & (image <= high)
    assert histogram.counts.sum() == within.sum()
    assert histogram.low == pytest.approx(7 - 12, abs=1)


@pytest.mark.parametrize("image", [np.full((3, 3), np.nan), np.ones((4, 4))])
def test_a_sky_without_spread_has_no_histogram(image):
    assert background_histogram(image) is None
