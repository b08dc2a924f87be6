"""Rows go in, replace those of the same keys, and are right or refused."""

import math
import subprocess
import sys

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phoenix_core.errors import ConfigError
from phoenix_core.qc1.ingest import ingest
from phoenix_core.qc1.query import ask

QUERY = sa.text("SELECT name, number, comment, counts, ra FROM stars ORDER BY 1, 2")
ROW = {"name": "HD 1", "number": 1}


def contents(engine):
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(QUERY)]


def put(engine, table, *rows):
    with engine.begin() as connection:
        return ingest(connection, table, rows)


def test_a_row_replaces_the_one_with_its_keys_whole(qc1, stars):
    assert put(qc1, stars, {**ROW, "comment": "red", "counts": 3, "ra": 1.5}) == 1
    assert put(qc1, stars, {**ROW, "number": 2, "ra": 2}, {**ROW, "counts": 4}) == 2
    assert contents(qc1) == [
        ("HD 1", 1, "", 4, None),
        ("HD 1", 2, "", None, 2.0),
    ]


def test_of_two_rows_with_the_same_keys_the_last_one_stays(qc1, stars):
    put(qc1, stars, {**ROW, "counts": 1}, {**ROW, "counts": 2})
    assert contents(qc1) == [("HD 1", 1, "", 2, None)]


def test_no_rows_are_no_work(qc1, stars):
    assert put(qc1, stars) == 0


def test_what_was_not_measured_is_not_known(qc1, stars):
    rows = [
        {"name": name, "number": 1, "ra": value}
        for name, value in (("a", None), ("b", math.nan), ("c", -math.inf))
    ]
    put(qc1, stars, *rows)
    assert [row[4] for row in contents(qc1)] == [None, None, None]


def test_numbers_of_numpy_go_in_as_numbers(qc1, stars):
    put(
        qc1,
        stars,
        {
            "name": np.str_("a"),
            "number": np.int64(1),
            "counts": np.int16(3),
            "ra": np.float32(0.5),
        },
        {"name": "b", "number": 1, "ra": np.float64(np.nan)},
        {"name": "c", "number": 1, "ra": np.int32(4)},
    )
    assert contents(qc1) == [
        ("a", 1, "", 3, 0.5),
        ("b", 1, "", None, None),
        ("c", 1, "", None, 4.0),
    ]


def test_nothing_stays_when_the_caller_gives_up(qc1, stars):
    with qc1.connect() as connection:
        ingest(connection, stars, [ROW])
        connection.rollback()
    assert contents(qc1) == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"counts": "many"}, "counts: 'many' is not a whole number"),
        ({"counts": 1.5}, "counts: 1.5 is not a whole number"),
        ({"counts": True}, "counts: True is not a whole number"),
        ({"counts": 2**63}, "counts: 9223372036854775808 is too large"),
        ({"ra": "12:00"}, "ra: '12:00' is not a number"),
        ({"ra": True}, "ra: True is not a number"),
        ({"ra": 10**400}, "ra: "),
        ({"comment": 5}, "comment: 5 is not a text"),
        ({"comment": "\0"}, r"comment: '\x00' holds what no database stores"),
        ({"comment": "\ud800"}, r"comment: '\ud800' holds what no database stores"),
        ({"name": ""}, "name: is missing; it tells rows apart"),
        ({"number": None}, "number: is missing; it tells rows apart"),
    ],
)
def test_a_wrong_value_is_told_by_row_and_key(qc1, stars, row, message):
    with pytest.raises(ConfigError) as refused:
        put(qc1, stars, ROW, {**ROW, **row})
    assert str(refused.value).startswith(f"stars, row 2: {message}")
    assert contents(qc1) == []


def test_keys_that_are_no_columns_are_told_with_the_nearest(qc1, stars):
    with pytest.raises(ConfigError) as refused:
        put(qc1, stars, {**ROW, "coments": "", "dec": 1})
    assert str(refused.value).splitlines() == [
        "the table stars has no coments; did you mean 'comment'?",
        "the table stars has no dec",
    ]


def test_many_mistakes_are_told_in_few_lines(qc1, stars):
    rows = [{**ROW, "ra": "x"} for _ in range(100)]
    with pytest.raises(ConfigError) as refused:
        put(qc1, stars, *rows)
    lines = str(refused.value).splitlines()
    assert lines[0] == "stars, row 1: ra: 'x' is not a number"
    assert lines[-1] == "and 80 more"
    assert len(lines) == 21


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
rows = st.fixed_dictionaries(
    {
        "name": texts.filter(bool),
        "number": st.integers(-(2**63) + 1, 2**63 - 1),
        "comment": texts,
        "counts": st.none() | st.integers(-(2**63) + 1, 2**63 - 1),
        "ra": st.none() | st.floats(allow_nan=False, allow_infinity=False),
    }
)


@given(st.lists(rows, max_size=8))
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=25,
)
def test_what_goes_in_comes_out(qc1, stars, rows):
    with qc1.begin() as connection:
        connection.execute(sa.text("DELETE FROM stars"))
        ingest(connection, stars, rows)
        found = {tuple(row) for row in connection.execute(QUERY)}
    tuples = [tuple(row[c.name] for c in stars.columns) for row in rows]
    last = {row[:2]: row for row in tuples}
    assert found == set(last.values())


PUT = """
import sys
from phoenix_core.qc1.database import open_qc1
from phoenix_core.qc1.ingest import ingest
from phoenix_core.qc1.query import ask
from phoenix_core.qc1.observatory import OB_GRADES
print("ready", flush=True)
sys.stdin.readline()
for number in range(20):
    with open_qc1(sys.argv[1]) as engine, engine.begin() as connection:
        row = {"ob_id": number, "exec_time": sys.argv[2], "grade": "A"}
        ingest(connection, OB_GRADES, [row, {**row, "exec_time": "shared"}])
"""


def test_processes_that_put_rows_in_at_once_lose_none(database_url):
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PUT, database_url, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in "abc"
    ]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate()[1] for process in started] == [""] * 3
    counted = "SELECT exec_time, count(*) FROM ob_grades GROUP BY 1 ORDER BY 1"
    assert ask(database_url, counted).rows == (
        ("a", 20),
        ("b", 20),
        ("c", 20),
        ("shared", 20),
    )
