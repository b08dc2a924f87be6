"""Records only grow; chained ones tell when somebody changed them."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_core.records.lines import (
    ChangedRecordError,
    DamagedRecordError,
    append_record,
    read_records,
)


@pytest.fixture
def chained(tmp_path):
    """A file with four chained records."""
    path = tmp_path / "records.jsonl"
    for number in range(4):
        append_record(path, {"n": number}, is_chained=True)
    return path


def numbers(path):
    return [record["n"] for _, record in read_records(path)]


def test_chained_records_are_read_back(chained):
    assert numbers(chained) == [0, 1, 2, 3]
    assert json.loads(chained.read_text().splitlines()[0])["after"] == ""


@pytest.mark.parametrize("line", range(3))
def test_a_record_that_was_changed_or_taken_out_is_noticed(chained, line):
    lines = chained.read_bytes().splitlines(keepends=True)
    changed = [*lines]
    changed[line] = changed[line].replace(b'"n": ', b'"n": 1')
    gone = [one for number, one in enumerate(lines) if number != line]
    for content in (changed, gone):
        chained.write_bytes(b"".join(content))
        with pytest.raises(ChangedRecordError):
            numbers(chained)


def test_a_record_that_was_put_in_is_noticed(chained):
    lines = chained.read_bytes().splitlines(keepends=True)
    chained.write_bytes(b"".join([*lines, b'{"n": 4}\n']))
    with pytest.raises(ChangedRecordError) as told:
        numbers(chained)
    assert told.value.number == 5


def test_cut_before_the_wrong_line_it_can_be_read_and_grows_again(chained):
    lines = chained.read_bytes().splitlines(keepends=True)
    chained.write_bytes(b"".join(lines[:2]))
    append_record(chained, {"n": 9}, is_chained=True)
    assert numbers(chained) == [0, 1, 9]


def test_a_chain_goes_on_behind_records_that_were_not_chained(tmp_path):
    path = tmp_path / "records.jsonl"
    append_record(path, {"n": 0})
    append_record(path, {"n": 1}, is_chained=True)
    assert numbers(path) == [0, 1]


def test_a_line_that_was_cut_by_a_death_breaks_no_chain(chained):
    whole = chained.read_bytes()
    chained.write_bytes(whole + b'{"n": 4, "aft')
    assert numbers(chained) == [0, 1, 2, 3]
    append_record(chained, {"n": 5}, is_chained=True)
    assert numbers(chained) == [0, 1, 2, 3, 5]


def test_many_writers_make_one_chain(tmp_path):
    path = tmp_path / "records.jsonl"
    with ThreadPoolExecutor(8) as writers:
        list(
            writers.map(
                lambda n: append_record(path, {"n": n}, is_chained=True), range(40)
            )
        )
    assert sorted(numbers(path)) == list(range(40))


@given(st.binary())
def test_any_file_is_read_or_refused_by_line(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("records") / "r.jsonl"
    path.write_bytes(content)
    lines, told = content.count(b"\n") + 1, 0
    try:
        told = len(list(read_records(path)))
    except DamagedRecordError as error:
        told = error.number
    assert told <= lines
