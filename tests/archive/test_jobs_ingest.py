"""JOBS_INGEST: each call waits once, and a person's lines are theirs."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phoenix_core.archive.jobs_ingest import add_call, call_of, jobs_path, mark_done


@pytest.fixture
def ready(world):
    return world.ready


def test_a_call_is_appended_once(ready):
    assert add_call(ready)
    assert not add_call(ready)
    lines = jobs_path(ready).read_text().splitlines()
    assert lines[-1] == call_of(ready)
    assert sum(line.startswith("ingestProducts") for line in lines) == 1


def test_what_is_not_configured_is_not_called(run):
    assert not add_call(run)
    assert not jobs_path(run).exists()


def test_a_call_that_is_done_is_a_comment_and_may_wait_again(ready):
    add_call(ready)
    assert mark_done(ready)
    assert not mark_done(ready)
    text = jobs_path(ready).read_text()
    assert f": {call_of(ready)}\n" in text
    assert not [x for x in text.splitlines() if x.startswith("ingestProducts")]
    assert add_call(ready)


@pytest.mark.parametrize(
    "line",
    [
        "ingestProducts   -d {date}",
        "/opt/bin/ingestProducts -r 094.A-0001A --config {config}",
        "ingestProducts -r '094.A-0001(A)'  # tonight",
    ],
)
def test_a_call_that_a_person_wrote_counts(ready, line):
    text = line.format(date=ready.date, config=ready.config.path)
    jobs_path(ready).write_text(f"{text}\n")
    assert not add_call(ready)
    assert mark_done(ready)


@pytest.mark.parametrize(
    "line",
    [
        "# ingestProducts -d {date}",
        "ingestProducts -d 2094-12-12",
        "cleanupProducts -d {date}",
        "ingestProducts -d {date} --config /another/phoenix.toml",
        "echo 'not closed",
    ],
)
def test_other_lines_are_no_call(ready, line):
    text = line.format(date=ready.date)
    jobs_path(ready).write_text(text)
    assert add_call(ready)
    assert jobs_path(ready).read_text() == f"{text}\n{call_of(ready)}\n"


@given(text=st.text())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_person_wrote_stays(ready, text):
    content = text.encode("utf-8", "surrogatepass")
    jobs_path(ready).write_bytes(content)
    add_call(ready)
    assert jobs_path(ready).read_bytes().startswith(content)
    mark_done(ready)
    assert jobs_path(ready).read_bytes().startswith(content)
