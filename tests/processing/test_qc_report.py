"""The QC report file: what is written is read back, and damage is named."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_core.errors import ConfigError
from phoenix_core.model import QcReport, Score
from phoenix_core.processing.qc_report import (
    StoredReport,
    read_report,
    read_stored,
    write_report,
)

texts = st.text(max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False)
limits = st.none() | numbers
scores = st.builds(
    Score,
    name=texts,
    value=limits,
    low=limits,
    high=limits,
    comment=texts,
    is_scored=st.booleans(),
)


@given(
    report=st.builds(
        QcReport,
        block=texts,
        recipe=texts,
        target=texts,
        parameters=st.dictionaries(
            texts, texts | st.booleans() | st.integers() | numbers
        ),
        scores=st.lists(scores, max_size=3).map(tuple),
        comments=st.lists(texts, max_size=3).map(tuple),
        figures=st.just({}),
        plots=st.just(()),
        fingerprint=texts,
    ),
    setup=texts,
    inputs=st.dictionaries(texts, texts),
)
def test_a_report_read_back_is_the_report_that_was_written(
    tmp_path_factory, report, setup, inputs
):
    path = tmp_path_factory.mktemp("qc") / "r.A.qc.json"
    written = StoredReport(report, setup, inputs)
    write_report(path, written)
    stored = read_stored(path)
    assert stored == written
    for name, value in report.parameters.items():
        assert type(stored.report.parameters[name]) is type(value)


@pytest.mark.parametrize(
    ("score", "colour"),
    [
        (Score("A", 1.0, high=2.0), "green"),
        (Score("A", 3.0, high=2.0), "red"),
        (Score("A", None, high=2.0), "red"),
        (Score("A", 3.0, high=2.0, is_scored=False), "grey"),
    ],
)
def test_a_score_that_is_not_scored_is_grey_and_does_not_count(tmp_path, score, colour):
    report = QcReport("A.ab", scores=(score, Score("B", 1.0)))
    path = tmp_path / "r.A.qc.json"
    write_report(path, StoredReport(report))
    document = json.loads(path.read_text())
    assert document["scores"][0]["colour"] == score.colour == colour
    assert report.total_score == document["total_score"] == (colour == "red")
    assert report.is_green is (colour != "red")


def test_plots_are_found_beside_the_report_wherever_both_are_moved(tmp_path):
    path = tmp_path / "product" / "r.A.qc.json"
    path.parent.mkdir()
    report = QcReport("A.ab", plots=(path.parent / "r.A_pst.png",))
    write_report(path, StoredReport(report))
    moved = tmp_path / "r.A.qc.json"
    path.rename(moved)
    assert read_report(moved).plots == (tmp_path / "r.A_pst.png",)


def test_what_is_not_finite_stays_strict_json_and_is_never_passed(tmp_path):
    path = tmp_path / "r.A.qc.json"
    scores = (Score("FWHM", math.nan, high=1.5), Score("BKG", math.inf, low=0.0))
    parameters = {"FWHM": math.nan, "BKG": -math.inf, "N": 3}
    report = QcReport("A.ab", parameters=parameters, scores=scores)
    write_report(path, StoredReport(report))

    def refuse(constant):
        raise AssertionError(constant)

    json.loads(path.read_text(), parse_constant=refuse)
    report = read_report(path)
    assert math.isnan(report.parameters["FWHM"])
    assert math.isnan(report.parameters["BKG"])
    assert report.parameters["N"] == 3
    assert [score.value for score in report.scores] == [None, None]
    assert not any(score.is_passed for score in report.scores)


def test_keys_of_a_newer_phoenix_are_left_alone(tmp_path):
    path = tmp_path / "r.A.qc.json"
    score = {"name": "FWHM", "value": 1, "weight": 2}
    path.write_text(json.dumps({"block": "A.ab", "scores": [score], "moon": [1]}))
    assert read_report(path) == QcReport("A.ab", scores=(Score("FWHM", 1),))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "is no JSON"),
        ('{"block": "A.ab", "sco', "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "is no JSON object"),
        ("{}", "block is missing"),
        ('{"block": 3}', "block is 3"),
        ('{"block": "A.ab", "parameters": {"N": [1]}}', "parameters, N is"),
        ('{"block": "A.ab", "parameters": []}', "parameters is"),
        ('{"block": "A.ab", "scores": [3]}', "scores is 3"),
        ('{"block": "A.ab", "scores": [{"name": "F", "value": "1"}]}', "scores, F"),
        ('{"block": "A.ab", "scores": [{"name": "F", "low": true}]}', "scores, F"),
        (f'{{"block": "A.ab", "scores": [{{"name": "F", "low": 1{"0" * 400}}}]}}', "F"),
        ('{"block": "A.ab", "comments": [1]}', "comments is"),
        ('{"block": "A.ab", "plots": ["../../x.png"]}', "plots is"),
        ('{"block": "A.ab", "plots": ["cube.fits"]}', "plots is"),
    ],
)
def test_a_damaged_report_is_one_line_with_file_and_key(tmp_path, text, names):
    path = tmp_path / "r.A.qc.json"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_report(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert names in message
    assert "\n" not in message


def test_a_report_that_is_not_there_is_named():
    with pytest.raises(ConfigError, match=r"^/nowhere/r\.A\.qc\.json: No such file"):
        read_report(Path("/nowhere/r.A.qc.json"))
