"""The header of a deep cube tells of all its exposures, not of the first."""

import numpy as np
import pytest
from astropy.io import fits

from muse_deep_plugin.deep_cards import exposure_cards
from muse_deep_plugin.deep_map import deep_map
from muse_deep_plugin.qc_sheet_inputs import unmatched
from phoenix_core.errors import ProcessingError
from phoenix_core.fits.file import check_fits
from phoenix_core.model import Product

COMBINE = "muse_exp_combine"


def tables(tmp_path, count=3, step=0.001, **changes):
    """Pixel tables of exposures of 600 s, each a bit further north and a day later."""
    made = []
    for n in range(count):
        header = fits.Header()
        header.update({"EXPTIME": 600.0, "MJD-OBS": 57000.5 + n, "RA": 1.0})
        header.update({"DEC": -30 + n * step, "HIERARCH ESO OBS ID": 100 + n // 2})
        header.update(changes)
        path = tmp_path / f"{n}.fits"
        fits.PrimaryHDU(header=header).writeto(path)
        made.append(path)
    return made


def values(cards):
    return {name: value for name, (value, _) in cards.items()}


def test_a_stack_has_the_time_of_all_its_exposures(tmp_path):
    assert values(exposure_cards(tables(tmp_path))) == {
        "NCOMBINE": 3,
        "OBID1": 100,
        "OBID2": 101,
        "TEXPTIME": 1800.0,
        "EXPTIME": 1800.0,
        "MJD-END": pytest.approx(57002.5 + 600 / 86400),
    }


def test_no_spaxel_of_a_mosaic_has_the_time_of_all(tmp_path):
    cards = values(exposure_cards(tables(tmp_path, step=0.012)))
    assert cards["TEXPTIME"] == 1800
    assert "EXPTIME" not in cards


def test_what_an_exposure_does_not_say_is_not_guessed(tmp_path):
    paths = tables(tmp_path)
    fits.delval(paths[1], "MJD-OBS")
    assert "MJD-END" not in exposure_cards(paths)
    fits.delval(paths[1], "EXPTIME")
    assert set(exposure_cards(paths)) == {"NCOMBINE", "OBID1", "OBID2"}


def test_a_table_that_cannot_be_read_is_named(tmp_path):
    (path,) = tables(tmp_path, count=1)
    path.write_bytes(b"cut")
    with pytest.raises(ProcessingError, match=r"0\.fits cannot be read"):
        exposure_cards([path])


def test_cube_and_image_of_a_real_run_tell_of_all_exposures(reduced):
    name = reduced.name(COMBINE)
    exposures = [
        fits.getheader(path)
        for path, tag in reduced.inputs(name)
        if tag == "PIXTABLE_REDUCED" and path.exists()
    ]
    total = sum(header["EXPTIME"] for header in exposures)
    end = max(header["MJD-OBS"] + header["EXPTIME"] / 86400 for header in exposures)
    times = fits.getdata(reduced.product(name, "EXPOSURE_MAP_DEEP"), "DATA")
    for category in ("DATACUBE_DEEP", "IMAGE_FOV_DEEP", "EXPOSURE_MAP_DEEP"):
        path = reduced.product(name, category)
        header = fits.getheader(path)
        assert header["TEXPTIME"] == total == 600 * len(exposures)
        assert header["EXPTIME"] == np.median(times[times > 0]) <= total
        assert header["ESO PRO CATG"] == category
        assert header["NCOMBINE"] == len(exposures)
        assert header["MJD-END"] == pytest.approx(end)
        assert header["MJD-OBS"] == min(header["MJD-OBS"] for header in exposures)
        assert header["PIPEFILE"] == path.name
        assert header["ESO OBS ID"] == exposures[0]["ESO OBS ID"] == header["OBID1"]
        assert check_fits(path).is_whole


def test_the_exposure_map_of_a_real_run_fits_the_cube_spaxel_by_spaxel(reduced):
    """Each exposure is counted where the recipe has put it: at all four edges."""
    name = reduced.name(COMBINE)
    white = fits.getdata(reduced.product(name, "IMAGE_FOV_DEEP"), "DATA")
    times = fits.getdata(reduced.product(name, "EXPOSURE_MAP_DEEP"), "DATA")
    assert np.array_equal(times > 0, np.isfinite(white))
    assert set(np.unique(times)) <= {0, 600, 1200, 1800, 2400}
    assert times.max() == 2400
    images = [reduced.product(n, "IMAGE_FOV") for n in reduced.names("muse_scipost")]
    covered = [np.isfinite(fits.getdata(image, "DATA")).sum() for image in images]
    assert times.sum() / 600 == pytest.approx(sum(covered), rel=0.02)


def test_where_exposures_cannot_be_told_there_is_no_map_and_no_failure(reduced):
    """It is no reason to give up hours of combining."""
    name = reduced.name(COMBINE)
    block, white = reduced.block(name), reduced.product(name, "IMAGE_FOV_DEEP")
    gone = block.with_values("MCALIB", ["VIRTUAL gone_pst.ab PIXTABLE_REDUCED"])
    assert deep_map(reduced.run, gone, [Product(white, "IMAGE_FOV")]) is None
    assert deep_map(reduced.run, block, []) is None, "no white-light image"


def test_an_exposure_that_matches_no_other_is_told(reduced, monkeypatch):
    name = reduced.name(COMBINE)
    assert unmatched(reduced.run, reduced.block(name)) == ()
    header = fits.Header({"HIERARCH ESO QC EXPALIGN NMATCH2": 0})
    source = "muse_deep_plugin.qc_sheet_inputs.primary_header"
    monkeypatch.setattr(source, lambda _path: header)
    second = sorted(
        fits.getheader(reduced.product(n, "IMAGE_FOV"))["DATE-OBS"]
        for n in reduced.names("muse_scipost")
    )[1]
    assert unmatched(reduced.run, reduced.block(name)) == (second,)


def test_single_cubes_keep_their_headers(reduced):
    header = fits.getheader(reduced.product(reduced.name("muse_scipost"), "IMAGE_FOV"))
    assert header["EXPTIME"] == 600
    assert "NCOMBINE" not in header
