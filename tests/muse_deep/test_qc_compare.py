"""Exposures held against a deep cube: where they are, and how bright."""

import numpy as np
import pytest
from astropy.io import fits

from muse_deep_plugin.qc_compare import (
    Image,
    against_others,
    on_grid,
    place,
    ratios_to_others,
    rotated_difference,
)
from muse_deep_plugin.qc_shapes import fit_shapes
from muse_deep_plugin.qc_sources import find_sources

SCALE = 0.2  # arcsec
DEC = -37.7
STARS = ((20, 15), (44, 22), (30, 40), (12, 48), (52, 52))


def header(x=30.5, y=30.5, turn=0.0):
    """Coordinates with the target at a pixel (from 1), turned by degrees."""
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    found = fits.Header()
    found.update({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 13.7})
    found.update({"CRVAL2": DEC, "CRPIX1": x, "CRPIX2": y})
    step = SCALE / 3600
    found.update({"CD1_1": -step * c, "CD1_2": step * s})
    found.update({"CD2_1": step * s, "CD2_2": step * c})
    return found


def image(dx=0.0, dy=0.0, *, flux=400.0, sigma=1.0, seed=1, fwhm=(4.0, 4.0), **wcs):
    """Stars, moved by pixels, on a noisy sky."""
    y, x = np.mgrid[0:60, 0:60]
    a, b = (2 * (width / 2.3548) ** 2 for width in fwhm)
    pixels = np.random.default_rng(seed).normal(5, sigma, (60, 60))
    for column, row in STARS:
        pixels += flux * np.exp(-((x - column - dx) ** 2) / a - (y - row - dy) ** 2 / b)
    return Image(pixels, header(**wcs))


def placed(exposure, offset=(0.0, 0.0)):
    deep = image(seed=2, sigma=0.5)
    return place(deep, find_sources(deep.pixels), exposure, offset, 0.8)


def test_an_exposure_that_was_aligned_is_where_the_deep_cube_is():
    found = placed(image())
    assert np.hypot(*found.shift) < 0.01
    assert found.flux == pytest.approx(1, abs=0.01)
    assert np.isfinite(found.pixels).all()


def test_an_offset_moves_an_exposure_onto_the_others():
    # Its header is 1.2 arcsec wrong in RA and 0.6 in Dec, as exp_align found it.
    dra, ddec = 1.2 / 3600 / np.cos(np.radians(DEC)), 0.6 / 3600
    wrong = image(x=30.5 + 6, y=30.5 - 3)
    assert np.hypot(*placed(wrong).shift) == pytest.approx(np.hypot(1.2, 0.6), abs=0.05)
    assert np.hypot(*placed(wrong, (dra, ddec)).shift) < 0.02


@pytest.mark.parametrize(("dx", "dy"), [(2.0, 0.0), (0.0, -3.0), (7.5, 4.25)])
def test_what_is_left_is_told_east_and_north_in_arcsec(dx, dy):
    east, north = placed(image(dx, dy)).shift
    assert east == pytest.approx(-dx * SCALE, abs=0.06)
    assert north == pytest.approx(dy * SCALE, abs=0.06)


@pytest.mark.parametrize("factor", [0.3, 3.0])
def test_another_flux_is_told_wherever_the_exposure_is(factor):
    found = placed(image(3.0, -2.0, flux=400 * factor))
    assert found.flux == pytest.approx(factor, rel=0.03)


def test_bad_seeing_and_a_high_sky_are_no_other_flux():
    blurred = image(flux=400 * 16 / 25, fwhm=(5.0, 5.0))
    high = Image(blurred.pixels + 500, blurred.header)
    assert placed(high).flux == pytest.approx(1, abs=0.1)


def test_a_rotated_field_is_laid_on_the_grid_of_the_deep_one():
    # At 90 degrees a column is a row: the same stars in another order of pixels.
    turned = Image(np.rot90(image().pixels), header(turn=90.0))
    found = placed(turned)
    assert np.hypot(*found.shift) < 0.05
    assert found.flux == pytest.approx(1, abs=0.05)


def test_where_an_exposure_has_nothing_there_is_nothing_of_it():
    part = image()
    part.pixels[:20] = np.nan
    laid = on_grid(image(), part, (0.0, 0.0))
    assert np.isnan(laid[:19]).all()
    assert np.isfinite(laid[21:]).all()


def test_stars_that_are_not_there_have_no_flux_and_no_place():
    found = placed(image(flux=0.0))
    assert found.flux == pytest.approx(0, abs=0.01)
    assert found.shift is None


def test_without_stars_nothing_is_told():
    for sigma in (0.0, 1.0):
        sky = image(flux=0.0, sigma=sigma)
        found = place(sky, (), image(flux=0.0, seed=3), (0.0, 0.0), None)
        assert (found.shift, found.flux) == (None, None)


def test_exposures_are_judged_by_the_median_of_all():
    shifts = [(0.1, 0.0), (0.1, 0.0), (0.1, 0.0), (0.9, 0.0), None]
    assert against_others(shifts)[3] == pytest.approx((0.8, 0.0))
    assert against_others(shifts)[0] == pytest.approx((0.0, 0.0))
    assert against_others(shifts)[4] is None
    assert ratios_to_others([0.5, 0.5, 0.5, 1.5, None])[3] == pytest.approx(3)


def test_of_two_exposures_each_is_judged_by_the_other_one():
    assert against_others([(0.0, 0.0), (0.5, 0.0)]) == ((-0.5, 0.0), (0.5, 0.0))
    assert ratios_to_others([0.5, 1.5]) == (pytest.approx(1 / 3), pytest.approx(3))
    assert against_others([(0.0, 0.0), None]) == (None, None)
    assert ratios_to_others([1.0]) == (None,)


def test_rotated_observations_are_held_against_each_other():
    shifts = [(0.0, 0.0), (0.1, 0.0), (0.0, 0.3), (0.1, 0.3)]
    found = rotated_difference(shifts, [0.0, 360.0, 90.0, 90.2])
    assert found == pytest.approx(0.3)
    assert rotated_difference(shifts, [0.0, 0.0, 360.0, 0.0]) is None


def test_sharpness_and_roundness_of_sources_are_measured():
    round_ones = image()
    shapes = fit_shapes(round_ones.pixels, find_sources(round_ones.pixels))
    assert len(shapes) == len(STARS)
    assert np.median([s.fwhm for s in shapes]) == pytest.approx(4, rel=0.03)
    assert np.median([s.elongation for s in shapes]) < 1.05
    places = {(round(s.x), round(s.y)) for s in shapes}
    assert places == {(x + 1, y + 1) for x, y in STARS}
    long_ones = image(fwhm=(6.0, 3.0))
    shapes = fit_shapes(long_ones.pixels, find_sources(long_ones.pixels))
    assert np.median([s.elongation for s in shapes]) == pytest.approx(2, rel=0.05)


def test_where_nothing_is_no_shape_is_fitted():
    assert fit_shapes(np.full((30, 30), np.nan), ()) == ()
    assert fit_shapes(np.zeros((30, 30)), ()) == ()
