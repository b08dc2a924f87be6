"""Run ids: every documented spelling, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_core.errors import ConfigError
from phoenix_core.run_id import RunId, parse_run_id

old_style = st.builds(
    RunId,
    period=st.integers(72, 199),
    programme_type=st.sampled_from([0, 1, 2, 3, 4, 5]),
    category=st.sampled_from("ABCDEFGHIJKL"),
    number=st.integers(0, 9999),
    letter=st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
)
untyped = st.builds(
    RunId,
    period=st.integers(40, 71),
    category=st.sampled_from("ABCDEFGHIJKL"),
    number=st.integers(0, 9999),
    letter=st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
)
new_style = st.builds(
    RunId,
    period=st.integers(105, 999),
    proposal=st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=4, max_size=4),
    number=st.integers(0, 999),
)


@given(st.one_of(old_style, untyped, new_style))
def test_both_spellings_of_a_run_id_are_read_back_as_the_same_run(run_id):
    assert parse_run_id(run_id.plain) == run_id
    assert parse_run_id(run_id.formal) == run_id
    assert parse_run_id(f"  {run_id.formal}\n") == run_id


@pytest.mark.parametrize(
    ("text", "plain", "formal", "period", "programme_type"),
    [
        ("094.D-0114B", "094.D-0114B", "094.D-0114(B)", 94, 0),
        ("094.D-0114(B)", "094.D-0114B", "094.D-0114(B)", 94, 0),
        ("94.D-0114(B)", "094.D-0114B", "094.D-0114(B)", 94, 0),
        ("194.C-0002(A)", "194.C-0002A", "194.C-0002(A)", 94, 1),
        ("0100.D-0807(C)", "0100.D-0807C", "0100.D-0807(C)", 100, 0),
        ("1104.A-0026(C)", "1104.A-0026C", "1104.A-0026(C)", 104, 1),
        ("60.A-9100(B)", "60.A-9100B", "60.A-9100(B)", 60, 0),
        ("110.23XX.001", "110.23XX.001", "110.23XX.001", 110, 0),
    ],
)
def test_documented_run_ids_are_read(text, plain, formal, period, programme_type):
    run_id = parse_run_id(text)
    assert (run_id.plain, run_id.formal) == (plain, formal)
    assert (run_id.period, run_id.programme_type) == (period, programme_type)
    assert str(run_id) == plain


@pytest.mark.parametrize(
    "text",
    [
        *("", "run", "094", "094.D", "094.D-114B", "094.D-0114b", "094.d-0114B"),
        *("094.M-0114B", "094.D-0114(B", "094.D-0114B)", "094.D-0114BC"),
        *("094.D-0114B/..", "../094.D-0114B", "9.D-0114B", "12345.D-0114B"),
        *("110.23xx.001", "110.23XX.01", "110.23XX", "094.23XX.001"),
        *("٠٩٤.D-0114B", "094.D-٠114B", "１10.23XX.001"),
    ],
)
def test_nonsense_is_refused_with_an_example_of_a_run_id(text):
    with pytest.raises(ConfigError) as refused:
        parse_run_id(text)
    assert f"'{text}' is no run id" in str(refused.value)
    assert "094.D-0114B" in str(refused.value)
    assert "110.23XX.001" in str(refused.value)


@pytest.mark.parametrize("text", ["104.A-0026(C)", "100.D-0807C", "119.A-0001A"])
def test_a_period_from_100_on_without_its_type_is_no_run_of_the_seventies(text):
    with pytest.raises(ConfigError, match=rf"did you mean '0{text[:3]}\."):
        parse_run_id(text)


@given(st.text(max_size=16))
def test_any_text_is_a_run_id_or_a_clear_error(text):
    try:
        run_id = parse_run_id(text)
    except ConfigError:
        return
    assert parse_run_id(run_id.plain) == run_id
    assert run_id.plain.isascii()
