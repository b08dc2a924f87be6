"""The command line of qc1Ingest."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_core.errors import ConfigError
from phoenix_core.qc1.ingest_words import read_words, row_of

WORDS = ["-table", "stars", "-name", "HD1", "-number", "1"]


def test_keys_have_any_order_and_case():
    first = read_words(["-Table", "stars", "-RA", "1.5", "--json", "-NAME", "HD 1"])
    again = read_words(["-name", "HD 1", "--json", "-ra", "1.5", "-table", "stars"])
    assert first == again
    assert first.table == "stars"
    assert first.keys == {"name": "HD 1", "ra": "1.5"}
    assert first.flags == {"json"}


def test_values_may_begin_with_a_dash():
    asked = read_words(["-table", "stars", "-ra", "-1.5", "-comment", "-h"])
    assert asked.keys == {"ra": "-1.5", "comment": "-h"}
    assert asked.flags == set()


def test_the_configuration_is_an_option_with_two_dashes():
    asked = read_words([*WORDS, "--config", "a.toml"])
    assert asked.config == Path("a.toml")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "name the table: -table NAME"),
        (["-name", "HD1"], "name the table: -table NAME"),
        ([*WORDS, "-ra"], "-ra has no value; write -ra value"),
        ([*WORDS, "ra", "1"], "'ra' is no key; write -key value"),
        ([*WORDS, "-", "1"], "'-' is no key; write -key value"),
        ([*WORDS, "-Name", "HD2"], "-Name is there twice"),
        (
            [*WORDS, "--jsn", "x"],
            "there is no option --jsn; did you mean '--json'?; keys have one dash",
        ),
    ],
)
def test_what_cannot_be_read_is_told(words, message):
    with pytest.raises(ConfigError) as refused:
        read_words(words)
    assert str(refused.value) == message


def test_values_are_read_as_their_columns_hold_them(stars):
    keys = {"name": "007", "number": "1", "comment": "NULL", "counts": "", "ra": "null"}
    assert row_of(stars, keys) == {
        "name": "007",
        "number": 1,
        "comment": "NULL",
        "counts": None,
        "ra": None,
    }


def test_all_that_is_wrong_is_told_at_once(stars):
    with pytest.raises(ConfigError) as refused:
        row_of(stars, {"number": "one", "ra": "12:00:00", "counts": "1.0"})
    assert str(refused.value).splitlines() == [
        "-name is missing: it tells the rows of stars apart",
        "-number: 'one' is not a whole number",
        "-counts: '1.0' is not a whole number",
        "-ra: '12:00:00' is not a number",
    ]


def test_a_misspelt_key_is_told_with_the_nearest(stars):
    with pytest.raises(ConfigError, match="stars has no coment; did you mean 'comm"):
        row_of(stars, {"name": "a", "number": "1", "coment": ""})


names = st.from_regex(r"[a-z][a-z0-9_]*", fullmatch=True).filter(
    lambda name: name not in {"h", "v", "table", "delete"}
)


@given(st.dictionaries(names, st.text(), max_size=5))
def test_every_pair_of_key_and_value_is_read_as_it_is(pairs):
    words = [word for key, value in pairs.items() for word in (f"-{key}", value)]
    assert read_words(["-table", "stars", *words]).keys == pairs
