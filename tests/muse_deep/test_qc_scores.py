"""Scores: parameters against the limits of the configuration."""

import math
import re
import tomllib
from pathlib import Path

import pytest
from attrs import evolve

from muse_deep_plugin.qc_parameters import OF_PIPELINE, PARAMETERS
from muse_deep_plugin.qc_procedure import PGI
from muse_deep_plugin.qc_scores import DEEP, SINGLE, Options, number, scores
from phoenix_core.config import read_config
from phoenix_core.errors import ConfigError
from phoenix_core.loader.pgis import load
from phoenix_core.slots import slot_of

ROOT = Path(__file__).parents[2]
GOOD = {
    "NUM_SAT": 0,
    "WDEL_MAX": 0.03,
    "NUM_SRC": 4,
    "HISTO_BKG": 3.0,
    "LSHIFT_MAX": 0.02,
    "SKY_RESIDUAL": 40.0,
    "FWHM_RATIO": 0.8,
}
GOOD_DEEP = {"COMPLETENESS": 1.0, "SIZE_RATIO": 1.04, "N_DEVIATIONS": 0}


def colours(parameters, definitions):
    return {s.name: s.colour for s in scores(parameters, definitions)}


def red(parameters, definitions):
    found = colours(parameters, definitions)
    return [name for name, colour in found.items() if colour == "red"]


def test_there_are_seven_scores_of_an_exposure_and_three_of_a_deep_cube():
    assert len(Options().of_single) == 7
    assert len(Options().of_deep) == 3


def test_the_scores_of_the_configuration_are_those_of_the_code():
    text = (ROOT / "config" / "muse_deep.toml").read_text("utf-8")
    table = tomllib.loads(text)[PGI]
    assert Options(**table) == Options()
    assert tuple(table["single"]) == SINGLE
    assert tuple(table["deep"]) == DEEP


def test_a_good_cube_is_green():
    assert set(colours(GOOD, Options().of_single).values()) == {"green"}
    assert set(colours(GOOD_DEEP, Options().of_deep).values()) == {"green"}


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"NUM_SAT": 300}, "NUM_SAT"),
        ({"WDEL_MAX": 0.51}, "WDEL_MAX"),
        ({"NUM_SRC": 0}, "NUM_SRC"),
        ({"HISTO_BKG": -20.1}, "HISTO_BKG"),
        ({"HISTO_BKG": 300.1}, "HISTO_BKG"),
        ({"LSHIFT_MAX": 0.6}, "LSHIFT_MAX"),
        ({"SKY_RESIDUAL": 500.0}, "SKY_LINES"),
        ({"FWHM_RATIO": 1.3}, "FWHM"),
    ],
)
def test_an_exposure_is_red_for_what_is_wrong_with_it(change, name):
    assert red(GOOD | change, Options().of_single) == [name]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"COMPLETENESS": 0.75}, "COMPLETENESS"),
        ({"SIZE_RATIO": 0.6}, "SIZE"),
        ({"N_DEVIATIONS": 1}, "CONSISTENCY"),
    ],
)
def test_a_deep_cube_is_red_for_what_is_wrong_with_it(change, name):
    assert red(GOOD_DEEP | change, Options().of_deep) == [name]


def test_what_does_not_apply_is_grey_and_what_is_not_known_is_red():
    found = colours({}, Options().of_single)
    grey = [name for name, colour in found.items() if colour == "grey"]
    assert grey == ["LSHIFT_MAX", "SKY_LINES", "FWHM"]
    assert red({}, Options().of_single) == [
        "NUM_SAT",
        "WDEL_MAX",
        "NUM_SRC",
        "HISTO_BKG",
    ]
    assert red({}, Options().of_deep) == ["COMPLETENESS", "SIZE", "CONSISTENCY"]


def test_a_lowest_flux_above_the_highest_is_refused():
    with pytest.raises(ValueError, match="is 2, below flux_ratio_min, 5"):
        Options(flux_ratio_min=5.0)


@pytest.mark.parametrize("value", [math.nan, math.inf, "0.8"])
def test_only_finite_numbers_count(value):
    assert number({"FWHM": value}, "FWHM") is None


def row(**changes):
    whole = {"name": "FWHM", "parameter": "FWHM_WHITE", "high": 1.5} | changes
    return {key: value for key, value in whole.items() if value is not None}


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (
            row(parameter="FWHM_WHTE"),
            "no parameter 'FWHM_WHTE'; did you mean 'FWHM_WHITE'?",
        ),
        (row(low=2.0), "low is 2, above high, 1.5"),
        (row(high=None), "it has no limit; say low, high, or both"),
        (row(hihg=1.0), "unknown key 'hihg'; did you mean 'high'?"),
        (row(high="1.5"), "high is '1.5'; expected a number"),
        (row(high=math.nan), "high is nan; expected a finite number"),
        (row(high=math.inf), "high is inf; expected a finite number"),
        (row(low=-(10**400)), "; expected a finite number"),
        (row(high=True), "high is True; expected a number"),
        (row(may_lack=1), "may_lack is 1; expected true or false"),
        (row(name=None), "name is missing"),
        (row(name=""), "name is missing"),
        (row(parameter=None), "parameter is missing"),
    ],
)
def test_a_bad_entry_is_told_in_a_line(entry, told):
    with pytest.raises(ValueError, match=re.escape(told)) as error:
        Options(single=[row(name="OTHER"), entry])
    line = error.value.args[0]
    assert line.startswith("single, score 2")
    assert "\n" not in line


def test_two_scores_of_one_name_are_refused():
    with pytest.raises(ValueError, match="deep: the score 'FWHM' is there twice"):
        Options(deep=[row(), row()])


def test_parameters_of_the_pipeline_can_be_scored():
    own = Options(single=[row(parameter="SCIPOST FWHM NVALID", low=1, high=None)])
    assert red({"SCIPOST FWHM NVALID": 0}, own.of_single) == ["FWHM"]
    assert all(name.endswith(" ") for name in OF_PIPELINE)


def test_a_bad_score_in_a_configuration_stops_at_load_and_names_the_file(run):
    path = run.config.path
    text = f'[processQC]\nQC_PROCEDURE = ["{PGI}"]\n[[{PGI}.deep]]\nname = "SIZE"\n'
    path.write_text(f'{path.read_text()}{text}parameter = "SIZE_RATO"\nlow = 1\n')
    with pytest.raises(ConfigError) as error:
        load(read_config(path), [slot_of("process_qc_procedure")])
    told = str(error.value)
    assert told.startswith(str(path))
    assert "did you mean 'SIZE_RATIO'" in told
    assert "\n" not in told


def test_limits_of_the_background_of_exposures_are_those_of_its_score():
    assert Options().background == (-20.0, 300.0)
    other = [dict(r) for r in SINGLE if r["name"] != "HISTO_BKG"]
    assert Options(single=other).background == (-math.inf, math.inf)
    assert Options(single=[row(name="B", parameter="HISTO_BKG")]).background == (
        -math.inf,
        1.5,
    )


def test_a_score_says_what_it_is_of():
    scored = scores(GOOD, Options().of_single)
    assert all(score.comment for score in scored)
    assert all(evolve(s, comment="").colour == s.colour for s in scored)
    assert {one.parameter for one in Options().of_single} <= set(PARAMETERS)
