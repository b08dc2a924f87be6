"""Before the recipe: inputs in time, and nothing is started beside a foreign task."""

import json
import logging
import sys
import threading

import pytest

from muse_deep_plugin.pre_tpl import Options, process_ab_pre_plugin, sorted_inputs
from muse_deep_plugin.pre_tpl import wait_for_others as wait
from phoenix_core.errors import ProcessingError

COMBINE, ALIGN = "muse_exp_combine", "muse_exp_align"


@pytest.mark.parametrize("recipe", [ALIGN, COMBINE])
def test_exposures_come_in_time_and_all_else_as_it_was(reduced, recipe):
    block = reduced.block(reduced.name(recipe))
    mixed = block
    for qualifier in ("SOF_CONTENT", "MCALIB"):
        mixed = mixed.with_values(qualifier, block.values(qualifier)[::-1])
    prepared = sorted_inputs(mixed)
    tag = "IMAGE_FOV" if recipe == ALIGN else "PIXTABLE_REDUCED"
    files = [entry.file for entry in prepared.sof]
    count = sum(entry.tag == tag for entry in block.sof)
    assert files[:count] == sorted(files[:count])
    assert {entry.tag for entry in prepared.sof[:count]} == {tag}
    assert sorted(prepared.sof, key=str) == sorted(block.sof, key=str)
    assert sorted(prepared.mcalibs, key=str) == sorted(block.mcalibs, key=str)
    virtual = [m.file for m in prepared.mcalibs[:count]]
    assert virtual == sorted(virtual)


@pytest.mark.parametrize("recipe", [ALIGN, COMBINE])
def test_twice_is_the_same_as_once(reduced, recipe):
    once = sorted_inputs(reduced.block(reduced.name(recipe)))
    assert sorted_inputs(once) == once


def test_what_the_cascade_made_in_time_is_not_touched(reduced):
    block = reduced.block(reduced.name(ALIGN))
    assert process_ab_pre_plugin(reduced.run, block).text == block.text


@pytest.mark.parametrize("recipe", ["muse_scibasic", "muse_scipost"])
def test_other_abs_keep_their_order(reduced, recipe):
    block = reduced.block(reduced.name(recipe))
    assert process_ab_pre_plugin(reduced.run, block) == block


def test_an_ab_waits_while_the_lock_file_is_there_and_says_so(bench, tmp_path, caplog):
    lock = tmp_path / "autoDaily.lock"
    lock.touch()
    options = Options(lock_file=str(lock), interval=0.02)
    waiting = threading.Thread(target=wait, args=(bench.run, options, "A.ab"))
    with caplog.at_level(logging.INFO):
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        lock.unlink()
        waiting.join(20)
        assert not waiting.is_alive()
    said = [record.getMessage() for record in caplog.records]
    assert [line.split()[0] for line in said] == ["paused", "went"]
    assert str(lock) in said[0]
    lines = (bench.run.monitor_dir / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    assert [event["event"] for event in events] == ["paused", "resumed"]
    assert events[1]["ab"] == "A.ab"


def test_an_ab_waits_while_the_command_says_so(bench, tmp_path):
    count = tmp_path / "count"
    script = (
        "import sys, pathlib; p = pathlib.Path(sys.argv[1]); "
        "p.write_text((p.read_text() if p.exists() else '') + 'x'); "
        "sys.exit(len(p.read_text()) > 3)"
    )
    command = [sys.executable, "-c", script, str(count)]
    wait(bench.run, Options(command=command, interval=0.01), "A.ab")
    assert count.read_text() == "xxxx"


def test_without_a_foreign_task_nothing_is_said(bench, tmp_path, caplog):
    wait(bench.run, Options(lock_file=str(tmp_path / "none")), "A.ab")
    assert caplog.records == []
    assert not bench.run.monitor_dir.exists()


def test_a_command_that_cannot_be_run_is_an_error(bench):
    with pytest.raises(ProcessingError, match="does not tell whether"):
        wait(bench.run, Options(command=["/nonexistent/command"]), "A.ab")


def test_the_configured_lock_file_is_what_processing_waits_for(bench, tmp_path):
    lock = tmp_path / "lock"
    lock.touch()
    table = f'[pgi_preTPL]\nlock_file = "{lock}"\ninterval = 0.02\n'
    paused = bench.configured(table)
    outcomes = []
    name = paused.name(ALIGN)
    work = threading.Thread(target=lambda: outcomes.append(paused.process(name)))
    work.start()
    work.join(0.5)
    assert work.is_alive()
    lock.unlink()
    work.join(30)
    assert outcomes[0].status == "SUCCESSFUL"
