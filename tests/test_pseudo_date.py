"""Pseudo-dates: a label for each run, in the shape of a date."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_core.errors import ConfigError
from phoenix_core.pseudo_date import check_date_label, is_date_label, pseudo_date
from phoenix_core.run_id import RunId, parse_run_id

run_ids = st.one_of(
    st.builds(
        RunId,
        period=st.integers(40, 199),
        programme_type=st.integers(0, 5),
        category=st.sampled_from("ABCDEFGHIJKL"),
        number=st.integers(0, 9999),
        letter=st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ),
    st.builds(
        RunId,
        period=st.integers(105, 999),
        proposal=st.text("0123456789XYZ", min_size=4, max_size=4),
        number=st.integers(0, 999),
    ),
)


@pytest.mark.parametrize(
    ("run", "date"),
    [
        ("094.A-0116B", "2094-01-16"),  # the documented one
        ("094.D-0114B", "2094-04-14"),
        ("0100.L-0231A", "2100-12-31"),
        ("094.B-0130A", "2094-03-01"),  # there is no 30 February
        ("094.L-0132A", "2095-01-01"),
        ("094.C-0200A", "2094-03-01"),  # nor a day 0
        ("110.23XX.001", "2110-01-01"),
    ],
)
def test_a_run_gets_the_pseudo_date_of_the_rule(run, date):
    assert pseudo_date(parse_run_id(run)) == date


def test_a_pseudo_date_that_is_taken_goes_to_nobody_else():
    run_id = parse_run_id("094.A-0116A")
    taken = {"2094-01-16", "2094-01-17"}
    assert pseudo_date(run_id, taken) == "2094-01-18"


@given(run_ids, st.integers(0, 40))
def test_every_run_id_gets_a_free_day_of_the_calendar(run_id, busy):
    taken = set()
    for _ in range(busy):
        taken.add(pseudo_date(run_id, taken))
    label = pseudo_date(run_id, taken)
    assert label not in taken
    assert dt.date.fromisoformat(label).isoformat() == label
    assert is_date_label(label)
    assert check_date_label(label) == label


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "2024",
            "2024-3-10",
            "20240310",
            "2024-02-30",
            "2024-13-01",
            "1999-01-01",
        ),
        *("2024-03-10/..", "../2024-03-10", "2024-03-10 ", "２024-03-10"),
    ],
)
def test_what_is_no_date_names_no_directory(text):
    with pytest.raises(ConfigError, match="is no date; expected for example"):
        check_date_label(text)
