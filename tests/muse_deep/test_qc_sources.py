"""Circles and sky: all sources are found, noise is none; the line that is left."""

import numpy as np
import pytest

from muse_deep_plugin.qc_sky import residual_5577
from muse_deep_plugin.qc_sources import find_sources

STARS = [(12, 15), (30, 40), (44, 10), (25, 22), (50, 52)]  # column, row, from 1


def field(peak=100.0, sigma=1.0, seed=1, shape=(60, 60)):
    """Stars of a FWHM of 4 pixels, each fainter than the one before."""
    image = np.random.default_rng(seed).normal(7, sigma, shape)
    rows, columns = np.mgrid[1 : shape[0] + 1, 1 : shape[1] + 1]
    for n, (x, y) in enumerate(STARS):
        away = (columns - x) ** 2 + (rows - y) ** 2
        image += peak * 0.5**n * np.exp(-away / (2 * 1.7**2))
    return image


@pytest.mark.parametrize("seed", range(5))
def test_every_star_is_found_once_the_brightest_first_and_no_noise(seed):
    found = find_sources(field(seed=seed))
    assert len(found) == len(STARS)
    for source, (x, y) in zip(found, STARS, strict=True):
        assert abs(source.x - x) <= 1
        assert abs(source.y - y) <= 1


@pytest.mark.parametrize("peak", [1e3, 1e5])
def test_the_noise_on_the_wings_of_bright_stars_is_no_source(peak):
    """A star's own light is noise, too, and the depth knows of it."""
    light = field(peak=peak, sigma=0.0)
    noise = np.random.default_rng(3).normal(0, np.sqrt(light))
    assert len(find_sources(light + noise, 1 / light)) == len(STARS)


def test_a_noisy_edge_makes_no_sources():
    image, depth = field(), np.ones((60, 60))
    image[:6] += np.random.default_rng(4).normal(0, 20, (6, 60))
    depth[:6] = 1 / 401
    assert len(find_sources(image)) > len(STARS)
    assert len(find_sources(image, depth)) == len(STARS)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((0, 4)),
        np.full((5, 5), np.nan),
        np.full((5, 5), 3.0),
        np.ones((1, 1)),
        np.random.default_rng(5).normal(0, 1, (40, 40)),
    ],
)
def test_where_there_is_nothing_nothing_is_found(image):
    assert find_sources(image) == ()
    assert find_sources(image, np.zeros(image.shape)) == ()


def test_holes_are_no_sources():
    image = field()
    image[:, :8] = np.nan
    depth = np.where(np.isfinite(image), 1.0, 0.0)
    assert len(find_sources(image, depth)) == len(STARS)


# The sky line -----------------------------------------------------------------------

WAVELENGTH = 5500 + 1.25 * np.arange(120)


@pytest.mark.parametrize("height", [38.0, -12.0])
def test_what_is_left_of_the_line_is_measured_up_or_down(height):
    spectrum = 3.5 + height * np.exp(-(((WAVELENGTH - 5577.3) / 1.2) ** 2))
    assert residual_5577(WAVELENGTH, spectrum) == pytest.approx(abs(height), rel=0.1)


def test_a_spectrum_that_does_not_cover_the_line_has_no_residual():
    assert np.isnan(residual_5577(WAVELENGTH + 500, np.ones(120)))
    assert np.isnan(residual_5577(WAVELENGTH, np.full(120, np.nan)))
    assert np.isnan(residual_5577(np.array([5577.0]), np.array([1.0])))
