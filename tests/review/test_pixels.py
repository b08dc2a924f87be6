"""Images and spectra of files as they come: scaled, turned, broken."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from phoenix_core.errors import ProcessingError
from phoenix_core.model import QcReport
from phoenix_core.review.exhibit import Exhibit
from phoenix_core.review.pixels import (
    IDENTITY,
    Picture,
    place_on,
    read_picture,
    read_spectrum,
    stretch,
)

REPORT = QcReport("a.ab")


@pytest.fixture
def picture(header, values):
    """A function that makes a picture, with another header."""
    return lambda head=None: Picture(values()[0], header() if head is None else head)


@pytest.mark.parametrize("turn", [0.0, 30.0, 90.0, 200.0])
@pytest.mark.parametrize("shift", [(0.0, 0.0), (3e-4, -2e-4)])
def test_a_turned_and_shifted_image_is_laid_where_it_lies_on_the_sky(
    header, picture, turn, shift
):
    head, angle = header(x0=2.5, y0=-1.0), np.radians(turn)
    scale = 0.2 / 3600
    head["CD1_1"], head["CD1_2"] = -scale * np.cos(angle), scale * np.sin(angle)
    head["CD2_1"], head["CD2_2"] = scale * np.sin(angle), scale * np.cos(angle)
    a, b, c, d, e, f = place_on(picture(), picture(head), shift)
    for x, y in ((0, 0), (15, 0), (3, 11)):
        sky = WCS(head).all_pix2world([[x, y]], 0) + shift
        on = WCS(header()).all_world2pix(sky, 0)[0]
        assert (a * x + c * y + e, b * x + d * y + f) == pytest.approx(on, abs=1e-2)


def test_images_that_do_not_tell_where_they_lie_are_laid_pixel_on_pixel(
    header, picture
):
    far = header()
    far["CRVAL1"], far["CRVAL2"] = 190.0, 40.0
    for head in (fits.Header(), far, fits.Header({"CTYPE1": "GLON-XXX"})):
        assert place_on(picture(), picture(head)) == IDENTITY
        assert place_on(picture(head), picture()) == IDENTITY


@pytest.mark.parametrize("value", [np.nan, 0.0, 7.0, np.inf])
def test_an_image_without_contrast_can_be_shown(header, value):
    low, high = stretch(Picture(np.full((4, 4), value, "f4"), header()))
    assert np.isfinite([low, high]).all()
    assert low < high


@pytest.mark.parametrize("kind", ["plain", "double", "scaled", "compressed"])
def test_the_spectrum_and_the_mean_of_a_cube_do_not_depend_on_how_it_is_stored(
    tmp_path, values, kind
):
    path, cube = tmp_path / "cube.fits", values() / 10000
    hdu = fits.ImageHDU(cube.astype("f8" if kind == "double" else "f4"), name="DATA")
    if kind == "scaled":
        hdu.scale("int32", bscale=0.0001)
    if kind == "compressed":
        hdu = fits.CompImageHDU(
            cube, name="DATA", compression_type="GZIP_2", quantize_level=0
        )
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    found = read_spectrum(path, 7, 5)
    assert found["flux"] == pytest.approx(cube[:, 4, 6].tolist(), rel=1e-4)
    assert (found["noise"], found["wave_unit"], found["wave"][:2]) == (
        None,
        "plane",
        [1, 2],
    )
    mean = read_picture(Exhibit(REPORT, None, path)).values
    assert mean == pytest.approx(cube.mean(axis=0), rel=1e-4)


def test_wavelengths_are_in_the_unit_of_the_header(tmp_path, header, values):
    path = tmp_path / "cube.fits"
    spectral = {"CTYPE3": "WAVE", "CUNIT3": "nm", "CRVAL3": 475.0, "CD3_3": 0.125}
    head = header()
    head.update(spectral)
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(values(), head)]).writeto(path)
    found = read_spectrum(path, 1, 1)
    assert found["wave_unit"] == "nm"
    assert np.diff(found["wave"]) == pytest.approx(0.125)


@pytest.mark.parametrize("content", [b"", b"no FITS", None])
def test_what_cannot_be_read_is_one_line(tmp_path, content):
    path = tmp_path / "x.fits"
    if content is not None:
        path.write_bytes(content)
    for read in (
        lambda: read_spectrum(path, 1, 1),
        lambda: read_picture(Exhibit(REPORT, path)),
    ):
        with pytest.raises(
            ProcessingError, match=r"^x\.fits cannot be read: .+"
        ) as told:
            read()
        assert "\n" not in str(told.value)


def test_a_cut_cube_is_told(tmp_path, values):
    path = tmp_path / "cube.fits"
    hdu = fits.ImageHDU(values(), name="DATA")
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) - 6000])
    with pytest.raises(ProcessingError):
        read_spectrum(path, 16, 12)


def test_a_file_without_an_image_is_told(tmp_path):
    path = tmp_path / "x.fits"
    fits.PrimaryHDU().writeto(path)
    with pytest.raises(ProcessingError, match="there is no image in it"):
        read_picture(Exhibit(REPORT, path))
    assert read_picture(Exhibit(REPORT)) is None
