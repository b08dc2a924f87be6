"""Residual shifts of sky lines, in cubes with and without the sky."""

import numpy as np
import pytest
from astropy.io import fits

from muse_deep_plugin.qc_shift import (
    barycentric_velocity,
    largest_shift,
    line_fluxes,
)
from muse_deep_plugin.qc_sky import OI_5577, residual_5577, residuals

LIGHT = 299792.458
FLUX = 6000.0
WAVES = 5540.0 + 1.25 * np.arange(64)


def line(shift=0.0, velocity=0.0):
    centre = 5577.339 * (1 + velocity / LIGHT) + shift
    sigma = 2.6 / 2.3548
    profile = np.exp(-0.5 * ((WAVES - centre) / sigma) ** 2)
    return FLUX * profile / (sigma * np.sqrt(2 * np.pi))


def cube(path, spectra, noise=5.0):
    """A cube of four blocks along the rows, of which each has its spectrum."""
    data = np.random.default_rng(1).normal(20, noise, (len(WAVES), 40, 40))
    for block, spectrum in enumerate(spectra):
        data[:, 10 * block : 10 * block + 10] += spectrum[:, None, None]
    fits.HDUList(
        [fits.PrimaryHDU(), fits.ImageHDU(data.astype(np.float32), name="DATA")]
    ).writeto(path)
    return path


@pytest.mark.parametrize("shift", [0.0, 0.1, -0.3])
def test_the_largest_shift_of_any_block_counts(tmp_path, shift):
    path = cube(tmp_path / "c.fits", [line(), line(0.02), line(shift), line()])
    found = largest_shift(path, WAVES, None, 0.0)
    assert found == pytest.approx(max(abs(shift), 0.02), abs=0.02)


def test_what_is_left_of_subtracted_lines_tells_their_shift(tmp_path):
    left = [line() - line(), line(0.2) - line(), line() - line(), line() - line()]
    path = cube(tmp_path / "c.fits", left)
    found = largest_shift(path, WAVES, {5577.339: FLUX}, 0.0)
    assert found == pytest.approx(0.2, abs=0.02)


def test_the_motion_of_the_earth_is_no_shift(tmp_path):
    moved = [line(velocity=20.0)] * 4
    path = cube(tmp_path / "c.fits", moved)
    assert largest_shift(path, WAVES, None, 20.0) < 0.02
    assert largest_shift(path, WAVES, None, 0.0) == pytest.approx(0.37, abs=0.03)


def test_without_a_bright_line_nothing_is_told(tmp_path):
    dark = [0 * WAVES] * 4
    path = cube(tmp_path / "c.fits", dark)
    assert largest_shift(path, WAVES, None, 0.0) is None
    assert largest_shift(path, WAVES, {}, 0.0) is None
    assert largest_shift(path, WAVES + 1000, {5577.339: FLUX}, 0.0) is None


@pytest.mark.parametrize(("fitted", "flux"), [(False, 240.0), (True, FLUX)])
def test_fluxes_come_from_the_table_of_lines(tmp_path, fitted, flux):
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column("lambda", "D", array=[5577.339, 5600.0]),
            fits.Column("flux", "D", array=[FLUX, 1.0]),
        ],
        name="LINES",
    )
    primary = fits.PrimaryHDU()
    if fitted:
        primary.header["HIERARCH ESO QC SKY LINE1 FLUX"] = FLUX
    path = tmp_path / "lines.fits"
    fits.HDUList([primary, table]).writeto(path)
    assert line_fluxes(path) == {5577.339: flux}


def test_a_table_that_cannot_be_read_tells_nothing(tmp_path):
    path = tmp_path / "lines.fits"
    path.write_text("no FITS")
    assert line_fluxes(path) == {}
    assert line_fluxes(tmp_path / "none.fits") == {}


def test_the_velocity_is_that_of_the_earth_along_the_line_of_sight():
    header = fits.Header({"RA": 13.19, "DEC": -26.58, "MJD-OBS": 56979.03})
    assert barycentric_velocity(header) == pytest.approx(-21.5, abs=0.2)
    assert barycentric_velocity(fits.Header({"RA": 13.19})) is None


def test_residuals_are_told_line_by_line():
    waves = 5500.0 + 1.25 * np.arange(1600)
    spectrum = np.full(len(waves), 3.0)
    for wave, height in ((5577.34, 40.0), (6300.30, -70.0)):
        spectrum += height * np.exp(-0.5 * ((waves - wave) / 1.1) ** 2)
    found = residuals(waves, spectrum)
    assert found[OI_5577] == pytest.approx(40, rel=0.1)
    assert found[6300.30] == pytest.approx(70, rel=0.1)
    assert found[7276.41] < 0.1
    assert max(found, key=found.get) == 6300.30
    assert residual_5577(waves, spectrum) == found[OI_5577]
    assert np.isnan(residual_5577(waves + 500, spectrum))


def test_a_line_at_the_edge_of_a_spectrum_tells_nothing():
    waves = 5579.5 + 1.25 * np.arange(100)
    assert OI_5577 not in residuals(waves, np.ones(100))
