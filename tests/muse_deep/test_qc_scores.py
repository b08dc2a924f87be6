"""Scores: parameters against limits; what was not measured is not passed."""

import math

import pytest

from muse_deep_plugin.qc_scores import (
    Options,
    comments,
    deep_scores,
    number,
    single_scores,
)

SINGLE = {"FWHM": 0.8, "BKG_MEDIAN": 3.0}
DEEP = {
    "N_EXPOSURES": 4,
    "N_EXPECTED": 4,
    "FILLED_FRACTION": 0.9,
    "NOISE_GAIN": 1.0,
    "FWHM": 0.8,
    "FWHM_SINGLES": 0.8,
    "BKG_MEDIAN": 3.0,
}


def failed(scores):
    return [score.name for score in scores if not score.is_passed]


def test_a_good_cube_passes():
    assert failed(single_scores(SINGLE, Options())) == []
    assert failed(deep_scores(DEEP, Options())) == []


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"FWHM": 1.6}, ["FWHM"]),
        ({"BKG_MEDIAN": -21.0}, ["BACKGROUND"]),
        ({"BKG_MEDIAN": 301.0}, ["BACKGROUND"]),
    ],
)
def test_a_bad_exposure_fails_by_name(change, names):
    assert failed(single_scores(SINGLE | change, Options())) == names


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"N_EXPOSURES": 3}, ["COMBINED"]),
        ({"N_EXPOSURES": 5}, ["COMBINED"]),
        ({"N_EXPECTED": 0}, ["COMBINED"]),
        ({"FILLED_FRACTION": 0.1}, ["FILLED"]),
        ({"NOISE_GAIN": 0.5}, ["NOISE_GAIN"]),
        ({"FWHM": 1.0}, ["FWHM"]),
        ({"FWHM": 1.6, "FWHM_SINGLES": 1.6}, ["FWHM"]),
        ({"BKG_MEDIAN": 1.37e17}, ["BACKGROUND"]),
    ],
)
def test_a_bad_deep_cube_fails_by_name(change, names):
    assert failed(deep_scores(DEEP | change, Options())) == names


def test_limits_come_from_the_configuration():
    strict = Options(fwhm_max=0.7, background_max=2.0)
    assert failed(single_scores(SINGLE, strict)) == ["FWHM", "BACKGROUND"]


def test_what_was_not_measured_is_no_value_and_not_passed():
    scores = (*single_scores({}, Options()), *deep_scores({}, Options()))
    assert len(scores) == 7
    assert all(score.value is None for score in scores)
    assert len(failed(scores)) == 7


@pytest.mark.parametrize("value", [math.nan, math.inf, "0.8"])
def test_only_finite_numbers_count(value):
    assert number({"FWHM": value}, "FWHM") is None


def test_a_high_background_is_commented_in_the_words_of_the_page():
    assert comments({"BKG_MEDIAN": 301.0}, Options()) == ("High_background",)
    assert comments({"BKG_MEDIAN": 300.0}, Options()) == ()
    assert comments({}, Options()) == ()


def test_without_single_exposures_a_deep_cube_is_held_to_the_seeing_limit():
    alone = {name: value for name, value in DEEP.items() if name != "FWHM_SINGLES"}
    assert failed(deep_scores(alone | {"FWHM": 1.4}, Options())) == []
    assert failed(deep_scores(alone | {"FWHM": 1.6}, Options())) == ["FWHM"]


def test_how_much_a_deep_cube_may_be_blurred_is_an_option():
    assert failed(deep_scores(DEEP, Options(fwhm_growth_max=0.9))) == ["FWHM"]


def test_the_sky_residual_is_a_score_where_a_limit_is_given():
    left = {"SKY_5577": 38.0}
    assert "SKY_5577" not in {s.name for s in deep_scores(DEEP | left, Options())}
    strict = Options(sky_5577_max=30.0)
    assert failed(deep_scores(DEEP | left, strict)) == ["SKY_5577"]
    assert failed(single_scores(SINGLE | left, strict)) == ["SKY_5577"]


def test_a_high_background_of_one_exposure_is_commented_on_the_deep_cube():
    singles = [{"BKG_MEDIAN": 3.0}, {"BKG_MEDIAN": 900.0}, {}]
    assert comments(DEEP, Options(), singles) == ("High_background",)
    assert comments(DEEP, Options(), singles[:1]) == ()
