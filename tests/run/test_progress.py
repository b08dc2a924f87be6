"""Progress: a live table on a terminal, plain lines elsewhere."""

import io

import pytest
from rich.console import Console

from phoenix_core.model import AbStatus, Job, Outcome
from phoenix_core.run.progress import LiveProgress, PlainProgress, told, watch_for

JOBS = (
    *(Job(f"{n}.ab", stream="muse[x]", limit=4, seconds=60) for n in range(5)),
    Job("deep.ab", stream="deep", seconds=600),
)
FAILED = Outcome("0.ab", AbStatus.FAILED, "no [light]", 3.0)


@pytest.fixture
def terminal():
    return Console(file=io.StringIO(), force_terminal=True, width=100, no_color=True)


@pytest.fixture
def pipe():
    return Console(file=io.StringIO(), width=100, soft_wrap=True)


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        (FAILED, "0.ab failed: no [light]"),
        (
            Outcome("0.ab", AbStatus.SKIPPED, "it needs x"),
            "0.ab was skipped: it needs x",
        ),
        (Outcome("0.ab", AbStatus.SUCCESSFUL, "", 3.14), "0.ab succeeded (3.1 s)"),
        (
            Outcome("0.ab", AbStatus.SUCCESSFUL, "", 9.0, 2_500_000_000),
            "0.ab succeeded (9.0 s, 2.5 GB)",
        ),
    ],
)
def test_what_became_of_a_job_is_one_line(outcome, line):
    assert told(outcome) == line


def test_a_pipe_gets_a_line_for_each_job_that_ends(pipe):
    watch = watch_for(pipe)
    assert isinstance(watch, PlainProgress)
    watch.planned("processAB", JOBS)
    watch.started("0.ab")
    watch.ended(FAILED)
    watch.ended(Outcome("1.ab", AbStatus.SUCCESSFUL))
    watch.finished()
    assert pipe.file.getvalue().splitlines() == [
        "processAB: 6 jobs",
        "[1/6] 0.ab failed: no [light]",
        "[2/6] 1.ab succeeded (0.0 s)",
    ]


def test_reports_that_are_made_as_they_should_are_no_news(pipe):
    watch = watch_for(pipe)
    watch.planned("processQC", JOBS)
    watch.ended(Outcome("1.ab", AbStatus.SUCCESSFUL))
    watch.ended(FAILED)
    assert pipe.file.getvalue().splitlines()[1:] == ["[2/6] 0.ab failed: no [light]"]


def test_a_terminal_shows_what_runs_what_failed_and_what_is_left(terminal):
    watch = watch_for(terminal)
    assert isinstance(watch, LiveProgress)
    watch.planned("processAB", JOBS)
    for name in ("0.ab", "1.ab", "2.ab", "3.ab", "4.ab"):
        watch.started(name)
    watch.ended(FAILED)
    watch.live.refresh()
    watch.finished()
    shown = terminal.file.getvalue()
    row = next(line for line in reversed(shown.splitlines()) if "muse[x]" in line)
    assert row.split()[-3:] == ["1", "1", "4"]  # done, failed, left
    assert "1.ab (0 s), 2.ab (0 s), 3.ab (0 s) +1" in row
    assert "0.ab failed: no [light]" in shown
    assert "about 14 min of work left" in shown


def test_a_display_that_is_finished_twice_or_never_begun_does_no_harm(terminal):
    watch = watch_for(terminal)
    watch.finished()
    watch.planned("processAB", JOBS)
    watch.finished()
    watch.finished()
