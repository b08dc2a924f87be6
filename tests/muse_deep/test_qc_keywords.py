"""What the headers of products say for the QC."""

import pytest
from astropy.io import fits

from muse_deep_plugin.qc_keywords import (
    Offset,
    carried,
    fitted,
    fwhm,
    offsets,
    qc_parameters,
    read_header,
    seeing,
    target,
)
from phoenix_core.errors import ProcessingError


def header(**cards):
    made = fits.Header()
    for name, value in cards.items():
        keyword = name.replace("__", "-").replace("_", " ")
        made[f"HIERARCH ESO {keyword}"] = value
    return made


def test_pipeline_keywords_are_taken_without_their_prefix_the_first_file_wins():
    cube = header(QC_SCIPOST_NDET=3, QC_SCIPOST_FWHM_MEDIAN=0.8, OBS_ID=7)
    image = header(QC_SCIPOST_NDET=9, QC_SKY_LINE1_NAME="[OI]")
    assert qc_parameters([cube, image]) == {
        "SCIPOST NDET": 3,
        "SCIPOST FWHM MEDIAN": 0.8,
        "SKY LINE1 NAME": "[OI]",
    }


def test_a_keyword_without_a_value_is_left_out():
    empty = header(QC_SCIPOST_NDET=fits.card.Undefined())
    assert qc_parameters([empty]) == {}


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"SCIPOST FWHM MEDIAN": 0.8, "SCIPOST FWHM1 X": 3.0}, 0.8),
        ({"EXPCOMB FWHM MEDIAN": 1}, 1.0),
        ({"EXPCOMB FWHM MEDIAN": 0.0}, None),
        ({"EXPCOMB FWHM MEDIAN": 0.0, "EXPCOMB FWHM1 X": 0.0}, None),
        ({"EXPCOMB FWHM MEDIAN": 0.0, "EXPCOMB FWHM1 X": 0.7}, 0.7),
        ({"SCIPOST FWHM1 X": 0.7, "SCIPOST FWHM1 Y": 0.9}, 0.8),
        ({"SCIPOST FWHM MEDIAN": "?"}, None),
        ({}, None),
    ],
)
def test_a_fwhm_of_zero_is_no_measurement(parameters, expected):
    value = fwhm(parameters)
    assert value == (expected if expected is None else pytest.approx(expected))


def test_only_sources_with_a_fwhm_are_fitted():
    parameters = {
        "EXPCOMB FWHM1 X": 0.8,
        "EXPCOMB FWHM1 Y": 0.9,
        "EXPCOMB FWHM2 X": 0.0,  # the fit failed
        "EXPCOMB POS3 X": 11.0,
        "EXPCOMB FWHM MEDIAN": 0.8,
    }
    assert fitted(parameters) == 1


def test_one_offset_for_each_exposure_that_was_combined():
    cube = header(
        DRS_MUSE_OFFSET1_DRA=0.0,
        DRS_MUSE_OFFSET1_DDEC=0.0,
        DRS_MUSE_OFFSET1_DATE__OBS="2014-10-23T01:10:54.193",
        DRS_MUSE_OFFSET12_DRA=-1e-4,
        DRS_MUSE_OFFSET12_DDEC=2e-4,
        DRS_MUSE_OFFSET12_DATE__OBS="2014-10-24T01:10:54.193",
        DRS_MUSE_OFFSET13_DATE__OBS="2014-10-25T01:10:54.193",
    )
    assert offsets(cube) == (
        Offset("2014-10-23T01:10:54.193", 0.0, 0.0),
        Offset("2014-10-24T01:10:54.193", -1e-4, 2e-4),
    )


@pytest.mark.parametrize(
    "keyword", ["NUM_SAT", "HIERARCH ESO QC NUM SAT", "HIERARCH ESO QC SCIPOST NUM_SAT"]
)
def test_what_was_carried_on_is_found_under_any_spelling(keyword):
    made = fits.Header([(keyword, 12)])
    assert carried(made, "NUM_SAT") == 12
    assert carried(made, "WDEL_MAX") is None


def test_the_seeing_is_the_guiders_then_the_monitors():
    monitor = {"TEL_AMBI_FWHM_START": 0.9, "TEL_AMBI_FWHM_END": 1.1}
    guider = {"OCS_SGS_AG_FWHMX_MED": 0.7, "OCS_SGS_AG_FWHMY_MED": 0.8}
    assert seeing(header(**monitor, **guider)) == pytest.approx(0.75)
    assert seeing(header(**monitor)) == pytest.approx(1.0)
    assert seeing(header(TEL_AMBI_FWHM_START=-1.0)) is None
    assert seeing(header()) is None


def test_the_target_is_the_obs_name_for_it():
    named = fits.Header([("OBJECT", "HDFS (DATA)")])
    assert target(named) == "HDFS"
    named["HIERARCH ESO OBS TARG NAME"] = "HDF-South"
    assert target(named) == "HDF-South"
    assert target(fits.Header()) == ""


def test_a_product_that_is_no_fits_file_is_named(tmp_path):
    path = tmp_path / "image.fits"
    path.write_bytes(b"")
    with pytest.raises(ProcessingError, match=f"{path}: no FITS header"):
        read_header(path)
