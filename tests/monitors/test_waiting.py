"""dfoMonitor: what waits for whom, each with a command that can be typed."""

import json
import shlex

import pytest

from phoenix_core.files.run_lock import holding
from phoenix_core.processing.process_ab import LOCK as AB_LOCK

NIGHT = "EXAMPLE.2014-10-22T"
RUN = ("-r", "094.A-0001A")


@pytest.fixture
def waiting(call):
    """A function that asks what is waiting."""

    def ask():
        done = call("--json", program="dfoMonitor")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return ask


def rows(document, name):
    return document[name]["rows"]


def test_what_is_made_waits_to_be_processed_and_then_to_be_certified(call, waiting):
    call(*RUN, "-C")
    (row,) = rows(waiting(), "to_process")
    assert (row["what"], row["command"]) == ("19 ABs made", "phoenix -r 094.A-0001A -P")
    assert call(*shlex.split(row["command"])[1:]).returncode == 0
    document = waiting()
    assert rows(document, "to_process") == []
    (row,) = rows(document, "to_certify")
    assert (row["what"], row["state"]) == ("3 products", "warn")
    assert row["told"].startswith("2 green, 1 red: ")
    assert row["since"] > "2026"
    assert call(*shlex.split(row["command"])[1:]).returncode == 0
    (row,) = rows(waiting(), "to_certify")  # the one that no rule accepts
    assert (row["what"], row["told"][:15]) == ("1 product", "0 green, 1 red:")


def test_what_failed_is_told_with_its_cause_and_what_to_do(example, call, waiting):
    example.raw(f"{NIGHT}21:10:00.npy").write_text("no frame")
    call(*RUN, "-P")
    document = waiting()
    (row,) = rows(document, "failed")
    assert row["what"] == f"{NIGHT}21:10:00.ab"
    assert row["told"].startswith("BETA: ")
    assert "is no frame" in row["told"]
    assert call(*shlex.split(row["look"])[1:]).returncode == 0
    assert row["command"] == "phoenix -r 094.A-0001A -P"
    assert rows(document, "to_process") == []  # what was skipped waits for the failed
    assert len(rows(document, "to_certify")) == 1


def test_what_goes_on_now_waits_for_nobody(example, call, waiting):
    call(*RUN, "-C")
    name = f"{NIGHT}18:00:00.ab"
    with example.session() as session:
        run = session.run
    with (
        holding(run.ab_dir / ".phoenix.lock", "it"),
        holding(run.work_dir(name) / AB_LOCK, name),
    ):
        document = waiting()
    (row,) = rows(document, "running")
    assert row["what"] == name
    assert row["told"].startswith("held by process ")
    assert rows(document, "to_process") == []
    assert rows(waiting(), "running") == []


def test_abs_of_the_store_that_are_not_here_wait(example, call, waiting):
    call(*RUN, "-C", "-a", f"{NIGHT}21:00:00_stk.ab")
    (row,) = rows(waiting(), "to_process")
    made, stored = row["what"].split(", ")
    assert made.endswith("ABs made")
    assert stored.endswith("ABs in the AB store")
    here = {path.name for path in example.root.glob("ab/*/*.ab")}
    names = {path.name for path in example.root.glob("qcweb/*_deep/*/*.ab")}
    assert int(stored.split()[0]) == len(names - here) > 0


def test_disks_and_the_last_activity_are_told(processed, pages, waiting):
    document = waiting()
    (disk,) = document["disks"]
    assert "product" in disk["names"]
    assert 0 < disk["free"] <= disk["total"]
    assert document["waiting_bytes"] > 0
    text = "".join(pages.document("dfoMonitor.html").itertext())
    assert "1 thing waiting; the oldest: 094.A-0001(A), to certify, since " in text
    assert "products that wait: " in text


def test_the_terminal_shows_the_same(processed, call):
    told = call(program="dfoMonitor").stdout
    assert "To certify (for a reviewer), 1 line" in told
    assert "      phoenix -r 094.A-0001A -M\n" in told
    assert told.splitlines()[-1].endswith("monitor/dfoMonitor.html")


def test_calls_of_the_ingestion_are_known_from_their_file(tmp_path, example):
    from phoenix_core.config import read_config  # noqa: PLC0415
    from phoenix_core.monitors.running import calls_waiting  # noqa: PLC0415

    directories = read_config(example.config).directories
    assert calls_waiting(directories) == frozenset()
    directories.jobs.mkdir()
    text = "# done: ingestProducts -d 2094-01-02\ningestProducts -d 2094-01-01\n"
    (directories.jobs / "JOBS_INGEST").write_text(text, "utf-8")
    assert "2094-01-01" in calls_waiting(directories)
    assert "2094-01-02" not in calls_waiting(directories)
