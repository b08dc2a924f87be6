"""Measuring cubes: against numpy on real ones, against the truth on made ones."""

import importlib.util
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from muse_deep_plugin.qc_cube import background, measure_cube, median_of
from phoenix_core.errors import ProcessingError

MPDAF = Path(importlib.util.find_spec("mpdaf").origin).parent / "data"
MINICUBE = MPDAF / "sdetect" / "minicube.fits"  # Abell 478, 3681 planes
SINFONI = MPDAF / "obj" / "CUBE.fits"  # 64 bits, PC and CDELT


def write(path, data, stat=None, **header):
    hdu = fits.ImageHDU(data, name="DATA")
    hdu.header.update({"CRVAL3": 5000.0, "CRPIX3": 1.0, "CD3_3": 1.25} | header)
    hdus = [fits.PrimaryHDU(), hdu]
    if stat is not None:
        hdus.append(fits.ImageHDU(stat, name="STAT"))
    fits.HDUList(hdus).writeto(path, overwrite=True)
    return path


@pytest.mark.parametrize("path", [MINICUBE, SINFONI], ids=lambda path: path.stem)
def test_a_real_cube_is_measured_as_numpy_does(path):
    measures = measure_cube(path)
    with fits.open(path) as hdus:
        data = hdus["DATA"].data.astype(np.float64)
        stat = hdus["STAT"].data.astype(np.float64)
        header = hdus["DATA"].header
    assert measures.shape == data.shape
    np.testing.assert_allclose(measures.white, np.nanmean(data, axis=0), rtol=1e-6)
    by_plane = data.reshape(len(data), -1)
    np.testing.assert_allclose(measures.mean, np.nanmean(by_plane, axis=1), rtol=1e-6)
    np.testing.assert_allclose(
        measures.median, np.nanmedian(by_plane, axis=1), rtol=1e-5, atol=1e-6
    )
    expected = np.sqrt(np.nanmedian(stat.reshape(len(stat), -1), axis=1))
    np.testing.assert_allclose(measures.noise, expected, rtol=1e-5)
    assert measures.valid == np.isfinite(data).sum()
    assert measures.wavelength[0] == header["CRVAL3"]
    np.testing.assert_allclose(np.diff(measures.wavelength), 1.25)


def test_the_noise_measured_in_a_real_cube_is_the_noise_it_states():
    measures = measure_cube(MINICUBE)
    ratio = median_of(measures.noise_measured) / median_of(measures.noise)
    assert ratio == pytest.approx(1, abs=0.1)


def test_the_noise_is_found_below_sources_gradients_and_sky_lines(tmp_path):
    rng = np.random.default_rng(1)
    rows, columns = np.mgrid[0:60, 0:60]
    star = 900 * np.exp(-((rows - 30) ** 2 + (columns - 20) ** 2) / 50)
    sky = np.zeros(40)
    sky[[10, 11, 25]] = 500
    data = rng.normal(0, 5, (40, 60, 60)) + star + 3 * columns + sky[:, None, None]
    measures = measure_cube(write(tmp_path / "cube.fits", data.astype(np.float32)))
    assert median_of(measures.noise_measured) == pytest.approx(5, rel=0.02)
    inner = measures.noise_measured[1:-1]
    np.testing.assert_allclose(inner, 5, rtol=0.12)
    assert np.isnan(measures.noise_measured[[0, -1]]).all()


@pytest.fixture
def holes():
    """A cube with a NaN plane, a NaN spaxel, an infinity, and values elsewhere."""
    data = np.random.default_rng(2).normal(3, 1, (6, 5, 4)).astype(np.float32)
    data[2] = np.nan
    data[:, 1, 1] = np.nan
    data[0, 0, 0] = np.inf
    return data


def test_what_is_not_finite_counts_for_nothing(tmp_path, holes):
    stat = np.where(np.isfinite(holes), 4, np.nan).astype(np.float32)
    measures = measure_cube(write(tmp_path / "cube.fits", holes, stat))
    valid = np.isfinite(holes)
    assert measures.valid == valid.sum()
    assert measures.nan_fraction == pytest.approx(1 - valid.mean())
    assert measures.filled_fraction == pytest.approx(19 / 20)
    np.testing.assert_allclose(measures.filled, valid.mean(axis=0))
    np.testing.assert_allclose(measures.depth, valid.mean(axis=0) / 4)
    assert np.isnan(measures.white[1, 1])
    assert np.isnan(measures.mean[2])
    assert np.isnan(measures.noise[2])
    assert measures.mean[0] == pytest.approx(holes[0][valid[0]].mean(), rel=1e-6)
    assert measures.noise[0] == 2


@pytest.mark.parametrize("kind", ["scaled", "compressed", "doubles", "primary"])
def test_a_cube_is_the_same_however_it_is_stored(tmp_path, kind):
    data = np.arange(6 * 5 * 4, dtype=np.float32).reshape(6, 5, 4)
    plain = measure_cube(write(tmp_path / "plain.fits", data))
    path = tmp_path / "other.fits"
    hdu = fits.ImageHDU(data, name="DATA")
    if kind == "scaled":
        hdu.scale("int16", bscale=0.5, bzero=10)
    elif kind == "compressed":
        hdu = fits.CompImageHDU(data, name="DATA", quantize_level=0)
    elif kind == "doubles":
        hdu = fits.ImageHDU(data.astype(np.float64), name="DATA")
    first = [fits.PrimaryHDU()]
    if kind == "primary":
        first, hdu = [], fits.PrimaryHDU(data)
    fits.HDUList([*first, hdu]).writeto(path)
    other = measure_cube(path)
    np.testing.assert_array_equal(other.white, plain.white)
    np.testing.assert_array_equal(other.median, plain.median)
    np.testing.assert_array_equal(other.noise_measured, plain.noise_measured)


@pytest.mark.parametrize("shape", [(0, 5, 4), (3, 0, 4), (1, 5, 4), (2, 1, 1)])
@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_an_empty_or_tiny_cube_has_no_noise_and_is_no_error(tmp_path, shape, value):
    data = np.full(shape, value, dtype=np.float32)
    measures = measure_cube(write(tmp_path / "cube.fits", data, data))
    assert measures.shape == shape
    assert np.isnan(median_of(measures.noise_measured))
    assert 0 <= measures.nan_fraction <= 1
    assert 0 <= measures.filled_fraction <= 1


def test_wavelengths_are_in_angstrom_whatever_the_unit(tmp_path):
    data = np.zeros((3, 2, 2), np.float32)
    path = write(tmp_path / "c.fits", data, CUNIT3="nm", CRVAL3=475.0, CD3_3=0.125)
    np.testing.assert_allclose(measure_cube(path).wavelength, [4750, 4751.25, 4752.5])


def test_planes_without_wavelength_are_counted(tmp_path):
    hdu = fits.ImageHDU(np.zeros((3, 2, 2), np.float32), name="DATA")
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(tmp_path / "c.fits")
    measures = measure_cube(tmp_path / "c.fits")
    assert not measures.has_wavelength
    assert list(measures.wavelength) == [1, 2, 3]


@pytest.mark.filterwarnings("ignore:File may have been truncated")
def test_a_cut_cube_is_told(tmp_path):
    data = np.zeros((50, 30, 30), np.float32)
    path = write(tmp_path / "cube.fits", data)
    path.write_bytes(path.read_bytes()[:-90_000])
    with pytest.raises(ProcessingError, match=f"{path}: the cube"):
        measure_cube(path)


@pytest.mark.parametrize("content", [b"", b"no FITS at all" * 300])
def test_a_file_that_is_no_fits_is_told(tmp_path, content):
    path = tmp_path / "cube.fits"
    path.write_bytes(content)
    with pytest.raises(ProcessingError, match=f"{path}: the cube cannot be read"):
        measure_cube(path)


def test_an_image_is_no_cube(tmp_path):
    fits.PrimaryHDU(np.zeros((4, 4))).writeto(tmp_path / "image.fits")
    with pytest.raises(ProcessingError, match="no cube"):
        measure_cube(tmp_path / "image.fits")


def test_an_image_beside_the_cube_is_no_stat(tmp_path):
    data = np.zeros((3, 4, 5), np.float32)
    path = write(tmp_path / "cube.fits", data, data[0])
    with pytest.raises(ProcessingError, match="extension STAT has 2 axes, not 3"):
        measure_cube(path)


def test_a_stat_of_another_shape_is_told(tmp_path):
    data = np.zeros((3, 4, 5), np.float32)
    path = write(tmp_path / "cube.fits", data, data[:2])
    with pytest.raises(ProcessingError, match="DATA and STAT differ in shape"):
        measure_cube(path)


def test_a_cube_without_stat_has_no_propagated_noise(tmp_path):
    data = np.random.default_rng(1).normal(0, 1, (5, 9, 8)).astype(np.float32)
    measures = measure_cube(write(tmp_path / "cube.fits", data))
    assert np.isnan(measures.noise).all()
    assert np.isnan(measures.noise_ratio)
    assert np.isfinite(measures.noise_measured[1:-1]).all()
    assert not measures.depth.any()
    assert not measures.variances.size


def test_the_noise_is_compared_with_the_one_promised(tmp_path):
    data = np.random.default_rng(1).normal(0, 6, (30, 60, 60)).astype(np.float32)
    measures = measure_cube(write(tmp_path / "c.fits", data, np.full_like(data, 9)))
    assert measures.noise_ratio == pytest.approx(2, rel=0.02)
    assert median_of(1.4826 * measures.mad) == pytest.approx(6, rel=0.02)


def test_memory_does_not_grow_with_the_planes(tmp_path):
    data = np.zeros((300, 200, 200), np.float32)
    path = write(tmp_path / "cube.fits", data)
    del data
    tracemalloc.start()
    measure_cube(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < path.stat().st_size / 2


def test_the_background_is_what_lies_between_the_sources():
    image = np.random.default_rng(3).normal(7, 2, (100, 100))
    image[:25] += 1000  # a quarter of the field is a galaxy
    image[0, 0] = np.nan
    median, mad = background(image)
    assert median == pytest.approx(7, abs=0.1)
    assert 1.4826 * mad == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize("image", [np.full((3, 3), np.nan), np.zeros((0, 4))])
def test_without_values_there_is_no_background(image):
    assert np.isnan(background(image)).all()


def test_a_constant_image_has_a_background_without_spread():
    assert background(np.full((4, 4), 2.5)) == (2.5, 0)
