"""Texts that others are to find again have one spelling, or are refused."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_core.qc1.check_rows import by_column, check_columns
from phoenix_core.qc1.forms import EXPECTED, formed
from phoenix_core.qc1.tables import Form, Qc1Table, key, text

NIGHTS = Qc1Table(
    "nights",
    "What was observed.",
    (
        key("run_id", "the run", form=Form.RUN_ID),
        text("night", "of it", Form.DATE),
        text("grade", "of it", Form.GRADE),
    ),
)


def checked(*rows):
    return check_columns(NIGHTS, by_column(NIGHTS, rows))


def test_every_form_says_what_is_expected():
    assert set(EXPECTED) == set(Form)


@given(st.dates(dt.date(2000, 1, 1), dt.date(2999, 12, 31)))
def test_every_date_of_a_night_is_one(date):
    assert formed(Form.DATE, date.isoformat()) == date.isoformat()


@given(st.sampled_from(Form), st.text())
def test_any_text_is_refused_or_has_a_spelling_that_stays(form, given_text):
    try:
        once = formed(form, given_text)
    except ValueError:
        return
    assert formed(form, once) == once


def test_spellings_become_one_and_what_is_not_known_stays():
    columns, mistakes = checked(
        {"run_id": " 094.D-0114B", "night": "2014-10-22", "grade": "d "},
        {"run_id": "110.23XX.001"},
    )
    assert mistakes == []
    assert list(columns["run_id"]) == ["094.D-0114(B)", "110.23XX.001"]
    assert list(columns["night"]) == ["2014-10-22", ""]
    assert list(columns["grade"]) == ["D", ""]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"run_id": "NGC300"}, "'NGC300' is no run id; expected one such as 094.D-01"),
        ({"night": "2014-02-30"}, "'2014-02-30' is no date; expected one such as 20"),
        ({"night": "2014-10-22T01:00"}, "is no date"),
        ({"grade": "AB"}, "'AB' is no grade; expected A, B, C or D"),
        ({"run_id": ""}, "is missing; it tells rows apart"),
        ({"run_id": 94}, "94 is not a text"),
    ],
)
def test_what_has_not_its_form_is_refused_with_its_row(row, told):
    right = {"run_id": "094.D-0114(B)"}
    _, (mistake,) = checked(right, right | row)
    assert mistake.row == 1
    assert told in mistake.problem
