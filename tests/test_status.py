"""Status: what became of each AB, from the files."""

import json

import pytest

from phoenix_core.process_ab import LOCK
from phoenix_core.run_lock import holding
from phoenix_core.status import state_of

NIGHT = "EXAMPLE.2014-10-22T"
DARK, FLAT = f"{NIGHT}18:00:00.ab", f"{NIGHT}18:30:00.ab"
SECOND = f"{NIGHT}21:10:00.ab"
BETA = f"{NIGHT}21:00:00_stk.ab"
RUN = ("-r", "094.A-0001A")


def state(example):
    with example.session() as session:
        return state_of(session.run)


def test_created_abs_are_told_in_the_order_of_the_cascade(example):
    plan = example.create()
    told = state(example)
    assert (told.run, told.date) == ("094.A-0001A", "2094-01-01")
    names = [ab.name for ab in told.abs]
    assert sorted(names) == sorted(job.block for job in plan.jobs)
    assert names.index(DARK) < names.index(FLAT) < names.index(SECOND)
    assert told.count("CREATED") == 19


def test_what_failed_and_was_skipped_says_why(example):
    example.raw(f"{NIGHT}21:10:00.npy").write_text("no frame")
    example.process()
    told = {ab.name: ab for ab in state(example).abs}
    assert told[SECOND].state == "FAILED"
    assert "is no frame" in told[SECOND].cause
    assert told[BETA].state == "SKIPPED"
    assert told[BETA].cause == f"it needs {SECOND}: {SECOND} is FAILED"
    assert (told[BETA].recipe, told[BETA].target) == ("example_stack", "BETA")
    assert told[DARK].state == "SUCCESSFUL"
    assert told[DARK].cause == ""
    assert told[DARK].seconds > 0
    assert state(example).count("SUCCESSFUL") == 17


def test_an_ab_that_a_process_works_on_is_running(example):
    example.create()
    with example.session() as session:
        lock = session.run.work_dir(DARK) / LOCK
    with holding(lock, DARK):
        told = {ab.name: ab.state for ab in state(example).abs}
    assert told.pop(DARK) == "RUNNING"
    assert set(told.values()) == {"CREATED"}
    assert state(example).count("RUNNING") == 0


def test_an_ab_that_vanishes_while_it_is_looked_at_is_left_out(example, monkeypatch):
    """Part 3 moves ABs while somebody looks."""
    example.create()
    from phoenix_core import status  # noqa: PLC0415

    read = status.read_block

    def vanishing(path):
        if path.name == DARK:
            path.unlink(missing_ok=True)
        return read(path)

    monkeypatch.setattr(status, "read_block", vanishing)
    assert len(state(example).abs) == 18


@pytest.mark.parametrize("number", ["", "soon", "1e3"])
def test_a_time_that_a_person_spoilt_does_not_spoil_the_status(example, number):
    example.process(select=DARK)
    block = example.block(DARK)
    example.ab(DARK).write_text(block.updated({"PROCESS_SECONDS": number}).text)
    (told,) = state(example).abs
    assert told.seconds == (1000.0 if number == "1e3" else 0.0)


def test_moved_abs_are_told_as_moved(example, call):
    example.process()
    moved = call(*RUN, "-M", "--json")
    assert moved.returncode == 0, moved.stderr
    told = {ab.name: ab for ab in state(example).abs}
    assert len(told) == 19
    assert told[BETA].is_moved
    assert told[BETA].state == "SUCCESSFUL"
    again = example.process()
    assert not [o for o in again.outcomes if o.block == BETA]
    assert f"{BETA} is certified and moved already" in again.plan.notes


def test_the_command_shows_states_causes_and_counts(example, call):
    example.raw(f"{NIGHT}21:10:00.npy").write_text("no frame")
    example.process(select=BETA)
    shown = call("status", *RUN)
    assert shown.returncode == 0
    assert "094.A-0001A (2094-01-01): 4 SUCCESSFUL, 1 FAILED, 1 SKIPPED" in shown.stdout
    document = json.loads(call("status", *RUN, "--json").stdout)
    assert document["held_by"] == ""
    failed = [ab for ab in document["abs"] if ab["state"] == "FAILED"]
    assert [ab["name"] for ab in failed] == [SECOND]
    before = call("--json", *RUN, "status")
    assert json.loads(before.stdout) == document


def test_a_run_that_phoenix_has_not_seen_is_told(example, call):
    shown = call("status", "-r", "094.A-0002A")
    assert shown.returncode == 2
    assert "phoenix has not seen run 094.A-0002A; make its ABs with -C" in shown.stderr
