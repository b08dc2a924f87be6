"""Explain: what an AB needs, why it is due, what was or would be called."""

import json
import re
from pathlib import Path

import pytest

from phoenix_core.errors import ConfigError
from phoenix_core.questions.explain import File, explain

NIGHT = "EXAMPLE.2014-10-22T"
DARK, FLAT = f"{NIGHT}18:00:00.ab", f"{NIGHT}18:30:00.ab"
FIRST, SECOND, THIRD = (f"{NIGHT}21:{n}0:00.ab" for n in range(3))
BETA = f"{NIGHT}21:00:00_stk.ab"
RUN = ("-r", "094.A-0001A")


def explained(example, name):
    with example.session() as session:
        return explain(session, name)


def test_a_finished_ab_tells_its_inputs_its_call_and_its_products(example):
    example.process(select=BETA)
    told = explained(example, FLAT)
    assert (told.status, told.due, told.problem) == ("SUCCESSFUL", (), "")
    (need,) = told.needs
    assert (need.name, need.status, need.categories) == (
        *(DARK, "SUCCESSFUL", ("MASTER_DARK",)),
    )
    assert told.taken_by == (FIRST, SECOND, THIRD)
    dark = example.product(DARK, "MASTER_DARK")
    assert File(str(dark), "MASTER_DARK", "KEPT") in told.inputs
    assert told.command[0] == "example_flat"
    assert f"MASTER_DARK:{dark}" in told.command
    assert told.version.startswith("example 1.0")
    flat = example.product(FLAT, "MASTER_FLAT")
    assert told.products == (File(str(flat), "MASTER_FLAT", "KEPT"),)
    assert told.is_called
    assert told.log.endswith(f"r.{NIGHT}18:30:00.log")
    assert [attempt.status for attempt in told.attempts] == ["SUCCESSFUL"]
    assert told.file == str(example.ab(FLAT))


def test_an_ab_that_waits_tells_what_it_waits_for(example):
    example.create()
    told = explained(example, DARK)
    assert told.due == ("it was not processed yet",)
    assert told.command[0] == "example_dark"
    told = explained(example, FLAT)
    assert told.due == ("it was not processed yet",)
    assert f"needs MASTER_DARK of {DARK}" in told.problem
    assert [need.status for need in told.needs] == ["CREATED"]
    assert not told.is_called


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (SECOND, f"the input {NIGHT}21:10:00.npy changed"),
        (BETA, f"{SECOND}, which it needs, is processed again"),
    ],
)
def test_what_made_an_ab_stale_is_told(example, frame, name, told):
    example.process(select=BETA)
    frame(example.raw(f"{NIGHT}21:10:00.npy"), 160.0)
    assert explained(example, name).due == (told,)


def test_the_reason_of_explain_is_the_reason_of_part_2(example):
    example.process(select=BETA)
    example.product(BETA, "STACK").unlink()
    reasons = {name: explained(example, name).due for name in (DARK, FIRST, BETA)}
    assert reasons == {
        DARK: (),
        FIRST: (f"{BETA} needs its REDUCED, deleted meanwhile",),
        BETA: (f"its product r.{NIGHT}21:00:00_stk_STACK.npy is missing or not whole",),
    }
    done = example.process(select=BETA)
    assert {o.block for o in done.outcomes} == {FIRST, SECOND, THIRD, BETA}


def test_a_moved_ab_tells_its_verdict_and_where_everything_is_today(example, call):
    example.process(select=BETA)
    assert call(*RUN, "-M").returncode == 0
    told = explained(example, BETA)
    assert (told.status, told.due, told.problem) == ("MOVED", (), "")
    assert told.verdict.word == "ACCEPTED"
    assert told.verdict.comment == "all scores green"
    assert {need.name: need.status for need in told.needs} == dict.fromkeys(
        (FIRST, SECOND, THIRD), "MOVED"
    )
    assert [file.state for file in told.inputs] == ["DELETED"] * 3
    assert all(Path(file.path).is_relative_to(example.root) for file in told.products)
    assert all(Path(file.path).is_file() for file in told.products)
    stack = next(file for file in told.products if file.tag == "STACK")
    assert Path(stack.path).parent == example.root / "reduced" / "2094-01-01"
    logs = example.root / "logs" / "2094-01-01"
    assert Path(told.file) == logs / BETA
    assert Path(told.log).parent == Path(told.report).parent == logs
    assert told.command[0] == "example_stack"
    assert told.version.startswith("example 1.0")
    dark = explained(example, DARK)
    assert (dark.status, dark.taken_by) == ("MOVED", (FLAT, FIRST, SECOND, THIRD))
    shown = call("explain", *RUN, BETA).stdout
    assert f"{BETA}  example_stack  MOVED\n" in shown
    assert re.search(r"not due: +it was moved\n", shown)
    assert re.search(r"inputs: +REDUCED  r\.\S+  DELETED\n", shown)
    assert json.loads(call("explain", *RUN, BETA, "--json").stdout)["verdict"]["at"]


def test_inputs_that_were_deleted_meanwhile_are_told_as_such(example):
    example.process(select=BETA)
    assert {file.state for file in explained(example, BETA).inputs} == {"DELETED"}


def test_a_failed_ab_tells_cause_log_and_attempts(example):
    example.raw(f"{NIGHT}21:10:00.npy").write_text("no frame")
    for _ in range(2):
        example.process(select=BETA)
    told = explained(example, SECOND)
    assert told.status == "FAILED"
    assert told.due == (f"it failed: {told.cause}",)
    assert "is no frame" in told.cause
    assert [attempt.cause for attempt in told.attempts] == [told.cause] * 2


def test_asking_changes_nothing(example):
    example.process(select=BETA)
    example.edit(
        example.ab(BETA), "RECIPE_PARAM ", "RECIPE_PARAM  --x=1\nRECIPE_PARAM "
    )
    before = {path: path.read_bytes() for path in example.ab(BETA).parent.iterdir()}
    explained(example, BETA)
    assert before == {
        path: path.read_bytes() for path in example.ab(BETA).parent.iterdir()
    }


def test_a_misspelt_ab_gets_the_nearest_name(example):
    example.create()
    with pytest.raises(ConfigError, match=f"did you mean '{BETA}'"):
        explained(example, BETA.replace("stk", "skt"))


def test_what_the_qc_warns_of_is_told_where_part_2_ends_and_by_explain(example, call):
    example.edit(example.config, "max_noise = 12.0", "max_noise = 0.001")
    shown = call(*RUN, "-P", "-a", BETA)
    warning = next(x for x in shown.stdout.splitlines() if "cloudy?" in x).strip()
    assert warning.startswith("NOISE is ")
    shown = call("explain", *RUN, BETA)
    assert re.search(rf"warnings: +{re.escape(warning)}", shown.stdout)
    document = json.loads(call("explain", *RUN, BETA, "--json").stdout)
    assert document["comments"] == [warning]


def test_the_command_shows_reason_and_command(example, call):
    example.process(select=BETA)
    shown = call("explain", *RUN, DARK)
    assert shown.returncode == 0
    assert re.search(r"not due: +it is up to date", shown.stdout)
    assert "due because" not in shown.stdout
    assert re.search(r"was called: +example_dark", shown.stdout)
    example.edit(example.ab(DARK), "RAWFILE ", "RECIPE_PARAM  --combine=mean\nRAWFILE ")
    shown = call("explain", *RUN, DARK)
    assert re.search(
        r"due because: +the parameters were none and are --combine=mean", shown.stdout
    )
    assert re.search(r"would be called: +example_dark --combine=mean", shown.stdout)
    document = json.loads(call("explain", *RUN, DARK, "--json").stdout)
    assert document["due"] == ["the parameters were none and are --combine=mean"]
    assert document["command"][:2] == ["example_dark", "--combine=mean"]
