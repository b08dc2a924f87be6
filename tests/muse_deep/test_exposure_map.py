"""The exposure map: the seconds of all exposures that cover a spaxel."""

import numpy as np
import pytest
from astropy.io import fits

from muse_deep_plugin.exposure_map import (
    exposure_map,
    median_time,
    read_map,
    write_map,
)
from phoenix_core.errors import ProcessingError
from phoenix_core.fits.file import check_fits

PIXEL = 0.2 / 3600
STARTS = ("2014-10-23T01:00:00.000", "2014-10-23T02:00:00.000")


@pytest.fixture
def image(tmp_path):
    """Write a field-of-view image whose pixel (1, 1) is at so many pixels."""

    def write(name, shape, at, primary, holes=()):
        values = np.ones(shape, np.float32)
        for hole in holes:
            values[hole] = np.nan
        header = fits.Header({"CRPIX1": 30.0 - at[0], "CRPIX2": 30.0 - at[1]})
        header.update({"CRVAL1": 0.001, "CRVAL2": -60.0, "BUNIT": "flux"})
        for axis, kind, sign in ((1, "RA---TAN", -1), (2, "DEC--TAN", 1)):
            header[f"CTYPE{axis}"] = kind
            header[f"CUNIT{axis}"] = "deg"
            header[f"CD{axis}_{axis}"] = sign * PIXEL
        path = tmp_path / f"{name}.fits"
        hdus = [
            fits.PrimaryHDU(header=fits.Header(primary)),
            fits.ImageHDU(values, header, "DATA"),
        ]
        fits.HDUList(hdus).writeto(path, checksum=True)
        return path

    return write


def offset(n, start, dra=0.0, ddec=0.0):
    stem = f"HIERARCH ESO DRS MUSE OFFSET{n}"
    return {
        f"{stem} DATE-OBS": start,
        f"{stem} DRA": dra,
        f"{stem} DDEC": ddec,
    }


@pytest.fixture
def exposures(image):
    return [
        image(f"one{n}", (10, 10), (5 * n, 0), {"DATE-OBS": start, "EXPTIME": seconds})
        for n, (start, seconds) in enumerate(zip(STARTS, (600.0, 900.0), strict=True))
    ]


def test_times_add_up_where_exposures_overlap(image, exposures):
    deep = image("deep", (10, 15), (0, 0), offset(1, STARTS[0]) | offset(2, STARTS[1]))
    times = exposure_map(deep, exposures)
    assert times[0].tolist() == [600.0] * 5 + [1500.0] * 5 + [900.0] * 5
    assert (times == times[0]).all()
    assert median_time(times) == 900.0


def test_an_exposure_lies_where_the_recipe_has_moved_it_to(image, exposures):
    """What was taken two pixels too far West and one too far North lies in place."""
    moved = offset(2, STARTS[1], -2 * PIXEL / np.cos(np.radians(60)), 1 * PIXEL)
    deep = image("deep", (10, 15), (0, 0), offset(1, STARTS[0]) | moved)
    times = exposure_map(deep, exposures)
    assert times[5].tolist() == [600.0] * 3 + [1500.0] * 7 + [900.0] * 3 + [600.0] * 2


def test_where_the_cube_has_nothing_nothing_was_exposed(image, exposures):
    cards = offset(1, STARTS[0]) | offset(2, STARTS[1])
    deep = image("deep", (10, 15), (0, 0), cards, holes=[(3, 7)])
    assert exposure_map(deep, exposures)[3, 7] == 0


def test_holes_of_an_exposure_are_not_exposed_by_it(image, exposures):
    exposures[0] = image(
        "hole",
        (10, 10),
        (0, 0),
        {"DATE-OBS": STARTS[0], "EXPTIME": 600.0},
        holes=[np.s_[2:4, 6:8]],
    )
    deep = image("deep", (10, 15), (0, 0), offset(1, STARTS[0]) | offset(2, STARTS[1]))
    times = exposure_map(deep, exposures)
    assert (times[2:4, 6:8] == 900).all()
    assert (times[5:, 6:8] == 1500).all()


def test_an_edge_that_resampling_has_filled_has_the_shortest_time(image, exposures):
    deep = image("deep", (11, 15), (0, 0), offset(1, STARTS[0]) | offset(2, STARTS[1]))
    assert (exposure_map(deep, exposures)[10] == 600).all()


def test_an_exposure_that_was_not_combined_does_not_count(image, exposures):
    deep = image("deep", (10, 15), (0, 0), offset(1, STARTS[0]))
    assert exposure_map(deep, exposures).max() == 600


def test_what_cannot_be_told_is_not_guessed(image, exposures):
    deep = image("deep", (10, 15), (0, 0), offset(1, STARTS[0]) | offset(2, STARTS[1]))
    assert exposure_map(deep, exposures[:1]) is None, "one that is combined is missing"
    timeless = image("none", (10, 10), (0, 0), {"DATE-OBS": STARTS[0]})
    assert exposure_map(deep, [timeless, exposures[1]]) is None
    assert exposure_map(deep, []) is None
    exposures[0].write_bytes(b"no image")
    with pytest.raises(ProcessingError, match="cannot be read"):
        exposure_map(deep, exposures)


def test_a_written_map_lies_on_the_sky_as_the_image_and_is_in_seconds(
    image, exposures, tmp_path
):
    cards = {"OBJECT": "NGC300 (white)", "EXPTIME": 1.0}
    cards |= offset(1, STARTS[0]) | offset(2, STARTS[1])
    deep = image("deep", (10, 15), (0, 0), cards)
    path = tmp_path / "map.fits"
    times = exposure_map(deep, exposures)
    write_map(path, times, deep)
    assert (read_map(path) == times).all()
    assert check_fits(path).problems == ()
    header, of_image = fits.getheader(path, "DATA"), fits.getheader(deep, "DATA")
    for key in ("CRPIX1", "CRPIX2", "CRVAL1", "CD1_1", "CTYPE2", "NAXIS1"):
        assert header[key] == of_image[key]
    assert (header["BUNIT"], header["BITPIX"]) == ("s", -32)
    assert fits.getheader(path)["OBJECT"] == "NGC300 (exposure map)"
