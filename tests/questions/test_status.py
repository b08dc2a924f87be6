"""Status: what became of each AB, from the files."""

import json
import re

import pytest
from attrs import evolve

from phoenix_core.files.run_lock import holding
from phoenix_core.processing.process_ab import LOCK
from phoenix_core.processing.process_qc import read_reports
from phoenix_core.questions.status import (
    AbState,
    Found,
    RunState,
    find_report,
    state_of,
)
from phoenix_core.questions.tell_status import status_lines
from phoenix_core.records.verdicts import keep_verdict, make_verdict

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
    assert told[SECOND].status == "FAILED"
    assert "is no frame" in told[SECOND].cause
    assert told[BETA].status == "SKIPPED"
    assert told[BETA].cause == f"it needs {SECOND}, which is FAILED"
    assert (told[BETA].recipe, told[BETA].targets) == ("example_stack", ("BETA",))
    assert told[DARK].status == "SUCCESSFUL"
    assert told[DARK].cause == ""
    assert told[DARK].seconds > 0
    assert state(example).count("SUCCESSFUL") == 17


def test_an_ab_that_a_process_works_on_is_running(example):
    example.create()
    with example.session() as session:
        lock = session.run.work_dir(DARK) / LOCK
    with holding(lock, DARK):
        told = {ab.name: ab.status for ab in state(example).abs}
    assert told.pop(DARK) == "RUNNING"
    assert set(told.values()) == {"CREATED"}
    assert state(example).count("RUNNING") == 0


def test_an_ab_that_vanishes_while_it_is_looked_at_is_left_out(example, monkeypatch):
    """Part 3 moves ABs while somebody looks."""
    example.create()
    from phoenix_core.questions import status  # noqa: PLC0415

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


def test_moved_abs_are_told_and_counted_as_moved(example, call):
    example.process()
    moved = call(*RUN, "-M", "--json")
    assert moved.returncode == 0, moved.stderr
    told = {ab.name: ab for ab in state(example).abs}
    assert len(told) == 19
    assert told[BETA].status == "MOVED"
    assert told[BETA].scores == 1
    assert told[BETA].verdict.word == "ACCEPTED"
    assert told[BETA].verdict.by == "pgi_phoenix_EXAMPLE_certify"
    # One of the three targets has a failed score, and stays.
    assert (state(example).count("MOVED"), state(example).count("SUCCESSFUL")) == (
        13,
        6,
    )
    last = call("status", *RUN).stdout.splitlines()[-1]
    assert last.endswith(": 6 SUCCESSFUL, 13 MOVED, 1 with failed scores")
    document = json.loads(call("status", *RUN, "--json").stdout)
    assert [ab["status"] for ab in document["abs"]].count("MOVED") == 13
    again = example.process()
    assert not [o for o in again.outcomes if o.block == BETA]
    assert f"{BETA} is certified and moved already" in again.plan.notes


def test_every_ab_has_the_targets_that_it_is_made_for(example):
    example.create()
    abs_ = state(example).abs
    targets = {ab.name: ab.targets for ab in abs_}
    assert targets[SECOND] == targets[BETA] == ("BETA",)
    assert len(targets[DARK]) > 1
    assert "BETA" in targets[DARK]
    # What several targets need comes first, then one target after the other.
    order = [ab.targets if len(ab.targets) == 1 else () for ab in abs_]
    assert order[0] == ()
    assert order == sorted(order)
    of_beta = [ab.name for ab in abs_ if ab.targets == ("BETA",)]
    assert of_beta[-1] == BETA


def verdict_on(example, name, word, comment):
    with example.session() as session:
        (report,) = [r for r in read_reports(session.run) if r.block == name]
        verdict = make_verdict(report, is_accepted=word == "ACCEPT", comment=comment)
        keep_verdict(session.run, report, verdict)


def test_a_verdict_is_told_with_its_reason_until_the_products_are_others(
    example, call, frame
):
    example.process(select=BETA)
    verdict_on(example, BETA, "REJECT", "sky residuals at 5577")
    shown = call("status", *RUN).stdout
    assert f"{BETA} REJECTED by " in shown
    assert ": sky residuals at 5577\n" in shown
    assert "6 SUCCESSFUL, 1 REJECTED" in shown
    document = json.loads(call("status", *RUN, "--json").stdout)
    (told,) = [ab["verdict"] for ab in document["abs"] if ab["name"] == BETA]
    assert (told["word"], told["comment"]) == ("REJECTED", "sky residuals at 5577")
    frame(example.raw(f"{NIGHT}21:10:00.npy"), 160.0)
    example.process(select=BETA)
    assert "REJECTED" not in call("status", *RUN).stdout


def test_failed_scores_are_marked(example, call):
    example.process()
    (red,) = [ab for ab in state(example).abs if ab.failed_scores]
    assert (red.targets, red.scores, red.failed_scores) == (("GAMMA",), 1, ("NOISE",))
    shown = call("status", *RUN).stdout
    assert f"{red.name} failed scores: NOISE\n" in shown
    assert re.search(rf"{red.name} .* 0/1 ", shown)
    assert "19 SUCCESSFUL, 1 with failed scores" in shown
    document = json.loads(call("status", *RUN, "--json").stdout)
    assert [ab["name"] for ab in document["abs"] if ab["failed_scores"]] == [red.name]


LONG = AbState(
    name="MUSE.2015-06-16T04:20:24.356_dpc.ab",
    recipe="muse_exp_combine",
    targets=("ESO338-IG04",),
    status="SUCCESSFUL",
    seconds=0.3,
    memory=46_600_000,
    cause="",
    scores=3,
)


def test_no_row_is_wider_than_80_columns():
    told = RunState("095.B-0934A", "2095-03-01", (LONG, evolve(LONG, seconds=7000.0)))
    lines = [line.plain for line in status_lines(told, 80)]
    assert max(map(len, lines)) <= 80
    assert lines[1] == "ESO338-IG04"
    assert lines[2].split() == [LONG.name, "SUCCESSFUL", "3/3", "0.3", "s", LONG.recipe]
    assert "46.6 MB" in [line.plain for line in status_lines(told)][2]


@pytest.mark.parametrize(
    ("scores", "not_scored", "told"), [(6, 1, "6/6"), (0, 3, "-"), (3, 0, "3/3")]
)
def test_a_score_that_does_not_apply_is_not_told_as_passed(scores, not_scored, told):
    one = evolve(LONG, scores=scores, not_scored=not_scored)
    (row,) = list(status_lines(RunState("r", "d", (one,))))[2:3]
    assert row.plain.split()[2] == told


def test_what_was_not_measured_is_not_told_as_zero():
    told = RunState("r", "d", (evolve(LONG, seconds=0.0, memory=0, scores=0),))
    (row,) = [line.plain for line in status_lines(told) if LONG.name in line.plain]
    assert row.split() == [LONG.name, "SUCCESSFUL", LONG.recipe]


def test_the_command_shows_states_causes_and_counts(example, call):
    example.raw(f"{NIGHT}21:10:00.npy").write_text("no frame")
    example.process(select=BETA)
    shown = call("status", *RUN)
    assert shown.returncode == 0
    assert "094.A-0001A (2094-01-01): 4 SUCCESSFUL, 1 FAILED, 1 SKIPPED" in shown.stdout
    document = json.loads(call("status", *RUN, "--json").stdout)
    assert document["held_by"] == ""
    failed = [ab for ab in document["abs"] if ab["status"] == "FAILED"]
    assert [ab["name"] for ab in failed] == [SECOND]
    before = call("--json", *RUN, "status")
    assert json.loads(before.stdout) == document


def test_a_run_that_phoenix_has_not_seen_is_told(example, call):
    shown = call("status", "-r", "094.A-0002A")
    assert shown.returncode == 2
    assert "phoenix has not seen run 094.A-0002A; make its ABs with -C" in shown.stderr


def test_a_report_about_another_ab_is_not_shown_as_its_own(example):
    example.create()
    example.process()
    name, other = f"{NIGHT}20:00:00_stk.ab", BETA
    found = Found(example.block(name))
    with example.session() as session:
        path, _ = find_report(session.run, found)
        example.edit(path, f'"block": "{name}"', f'"block": "{other}"')
        assert find_report(session.run, found) is None
