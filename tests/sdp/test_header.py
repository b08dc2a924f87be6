"""Cards are read as they stand there: nothing is mended, nothing guessed."""

import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from phoenix_core.sdp.header import Card, Header

PRINTABLE = st.characters(min_codepoint=0x20, max_codepoint=0x7E)


@given(
    st.from_regex(r"[A-Z][A-Z0-9]{0,6}|ESO( [A-Z0-9]{1,8}){1,3}", fullmatch=True),
    st.one_of(
        st.booleans(),
        st.integers(-(10**15), 10**15),
        st.floats(allow_nan=False, allow_infinity=False, width=32),
        st.text(PRINTABLE, min_size=1, max_size=15),
    ),
    st.text(PRINTABLE, max_size=10),
)
def test_what_astropy_writes_is_read(keyword, value, comment):
    if keyword in {"END", "COMMENT", "HISTORY", "ESO"}:
        return
    name = f"HIERARCH {keyword}" if " " in keyword else keyword
    card = Card.parse(fits.Card(name, value, comment).image)
    expected = value.rstrip() if isinstance(value, str) else value
    assert card.keyword == keyword
    assert card.value == pytest.approx(expected) if expected else not card.value
    assert type(card.value) in {type(value), int}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("T", True),
        ("  12 / n", 12),
        ("+1", 1),
        ("1.5D3", 1500.0),
        ("1.e-3", 0.001),
        (".5", 0.5),
        ("'it''s'", "it's"),
        ("''", ""),
        ("'a / b' / c", "a / b"),
        ("", None),
        ("/ no value", None),
        ("'open", None),
        ("1 2", None),
        ("'a' b", None),
        ("true", None),
        ("0x10", None),
        ("1,5", None),
        ("nan", None),
    ],
)
def test_a_value_is_of_the_type_that_it_is_written_as(written, value):
    card = Card.parse(f"KEY     = {written}".ljust(80))
    assert (card.value, type(card.value)) == (value, type(value))


def test_a_number_that_is_none_is_no_number():
    header = Header.parse(
        b"".join(
            f"{key:<8}= {value}".ljust(80).encode()
            for key, value in (("A", "1E999"), ("B", "T"), ("C", "'1'"), ("D", "2"))
        )
    )
    assert [header.number(key) for key in "ABCDE"] == [None, None, None, 2.0, None]
    assert [header.integer(key) for key in "ABCDE"] == [None, None, None, 2, None]
    assert header.text("C") == "1"
    assert header.is_true("B")


def test_indices_are_as_written():
    names = ("PROV1", "PROV02", "PROV", "PROVXTN", "PROV3A", "PROV10")
    header = Header(tuple(Card(name, "x") for name in names))
    assert list(header.indexed("PROV")) == ["1", "02", "10"]
