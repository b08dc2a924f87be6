"""The score bit: ten flags in their order, 0 is good, what is not known is 1."""

import pytest

from muse_deep_plugin.score_bit import FLAGS, deep_flags, single_flags, told

WITH_SKY = {
    "DATA_TYPE": "DATACUBE_SINGLE",
    "SKY_METHOD": "subtract-model",
    "SKY_FIT_ERRORS": 0,
    "SKY_RESIDUAL": 40.0,
    "HAS_SKY": True,
    "ARC_DAYS": 0.5,
    "HAS_SKY_FLAT": True,
    "NUM_SAT": 0,
    "NUM_SRC": 3,
    "HISTO_BKG": 1.0,
    "LSHIFT_MAX": 0.02,
}
DEEP = {"N_EXPECTED": 2, "NUM_SRC": 9, "HISTO_BKG": 1.0}


def exposures(*words):
    return [{"QCFLAG": word} for word in words]


def flags(deep, *words, is_aligned=True):
    return deep_flags(deep, exposures(*words), is_aligned=is_aligned)


def test_the_flags_are_those_of_the_definition_in_its_order():
    assert (
        *("CHECK_BKG", "IS_OBJ", "HAS_SKY", "ARC_CLOSE", "SKY_FLAT"),
        *("NUM_SAT", "NUM_SRC", "HISTO_BKG", "LSHIFT_MAX", "ALIGNMENT"),
    ) == FLAGS


def test_the_documented_examples_of_single_cubes():
    assert single_flags(WITH_SKY) == "000000000"
    without = WITH_SKY | {"HAS_SKY": False}
    assert single_flags(without) == "001000000"
    sky = without | {"DATA_TYPE": "DATACUBE_SKY"}
    assert single_flags(sky) == "011000000"
    assert single_flags(without | {"HISTO_BKG": -30.0}) == "001000010"


def test_a_clean_deep_cube_with_and_without_sky():
    assert flags(DEEP, "000000000", "000000000") == "0000000000"
    assert flags(DEEP, "001000000", "001000000") == "0010000000"


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"SKY_FIT_ERRORS": 1}, "CHECK_BKG"),
        ({"SKY_RESIDUAL": 300.0}, "CHECK_BKG"),
        ({"ARC_DAYS": 1.51}, "ARC_CLOSE"),
        ({"HAS_SKY_FLAT": False}, "SKY_FLAT"),
        ({"NUM_SAT": 300}, "NUM_SAT"),
        ({"NUM_SRC": 0}, "NUM_SRC"),
        ({"HISTO_BKG": -20.0}, "HISTO_BKG"),
        ({"LSHIFT_MAX": 0.5}, "LSHIFT_MAX"),
    ],
)
def test_a_flag_is_set_for_its_criterion_alone(change, flag):
    assert told(single_flags(WITH_SKY | change)) == (flag,)


@pytest.mark.parametrize(
    "change", [{"ARC_DAYS": 1.5}, {"NUM_SAT": 299}, {"HISTO_BKG": -19.9}]
)
def test_just_within_the_limits_is_good(change):
    assert single_flags(WITH_SKY | change) == "000000000"


def test_what_is_not_known_is_no_good():
    assert single_flags({}) == "111111111"
    assert flags({}) == "1111111110"
    assert flags(DEEP, "000000000") == "1111110110", "one of two exposures is known"


def test_where_no_sky_was_subtracted_no_fit_has_failed():
    crowded = WITH_SKY | {"SKY_METHOD": "none", "SKY_FIT_ERRORS": 0}
    del crowded["SKY_RESIDUAL"]
    assert single_flags(crowded)[0] == "0"


@pytest.mark.parametrize("place", range(9))
def test_one_bad_exposure_is_enough_but_sources_are_those_of_the_deep_cube(place):
    bad = "".join("1" if n == place else "0" for n in range(9))
    expected = () if FLAGS[place] == "NUM_SRC" else (FLAGS[place],)
    assert told(flags(DEEP, "000000000", bad)) == expected


def test_the_deep_cube_itself_has_sources_and_a_background():
    assert told(flags(DEEP | {"NUM_SRC": 0}, *["0" * 9] * 2)) == ("NUM_SRC",)
    assert told(flags(DEEP | {"HISTO_BKG": -25.0}, *["0" * 9] * 2)) == ("HISTO_BKG",)


def test_a_deep_cube_that_is_not_aligned_says_so():
    assert flags(DEEP, *["0" * 9] * 2, is_aligned=False) == "0000000001"
