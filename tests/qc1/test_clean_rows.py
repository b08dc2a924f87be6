"""What a database holds is what its columns say once it was read."""

import math

from hypothesis import given
from hypothesis import strategies as st

from phoenix_core.qc1.clean_rows import clean_rows
from phoenix_core.qc1.tables import integer, key, real, text

COLUMNS = (key("name", "of a row"), text("comment"), integer("counts"), real("ra", ""))
ANYTHING = st.one_of(
    st.none(), st.text(max_size=3), st.binary(max_size=3), st.integers(), st.floats()
)


def is_number(value):
    return value is None or (math.isfinite(value) and abs(value) < 1e15)


@given(st.lists(st.tuples(*[ANYTHING] * len(COLUMNS)), max_size=8))
def test_every_value_is_of_the_kind_of_its_column(rows):
    for name, comment, counts, ra in clean_rows(COLUMNS, rows):
        assert isinstance(name, str)
        assert isinstance(comment, str)
        assert isinstance(counts, int | None)
        assert isinstance(ra, float | int | None)
        assert is_number(counts)
        assert is_number(ra)


def test_rows_that_are_right_are_not_touched():
    rows = [("a", "", 3, 1.5), ("b", "text", None, None)]
    assert clean_rows(COLUMNS, rows) is rows
    assert clean_rows(COLUMNS, []) == []


def test_large_numbers_that_only_their_sum_exceeds_stay():
    rows = [("a", "", 9 * 10**14, 9e14), ("b", "", 9 * 10**14, -9e14)]
    assert list(clean_rows(COLUMNS, rows)) == rows


def test_a_row_without_its_key_is_left_out():
    rows = [(b"a", "", 1, 1.0), ("b", "", 2, 2.0)]
    assert clean_rows(COLUMNS, rows) == rows[1:]
