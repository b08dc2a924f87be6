"""The command phoenix_getInfoRun: called by people and by cron, and killed."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import html5lib
import pytest

from muse_deep_plugin.preparation.run_tables import read_run_data
from muse_deep_plugin.preparation.target_list import read_target_list
from phoenix_core import __version__
from phoenix_core.testing.calling import call_program

COMMAND = Path(sys.executable).parent / "phoenix_getInfoRun"
RUN = "094.D-0114(B)"
HEAVY = ("sqlalchemy", "numpy", "astropy", "jinja2", "attrs", "fsspec")


@pytest.fixture
def call(history):
    """A function that calls the command for the history."""
    history.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n")

    def called(*words, start=None):
        command = [COMMAND, "--config", history.config_path, *words]
        if not start:
            return call_program(command, cwd=Path.cwd(), env=os.environ)
        return start(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return called


def files(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.suffix != ".lock"}


def check_whole(folder):
    """Whatever is there is whole."""
    for path in folder.glob("*.html"):
        html5lib.HTMLParser(strict=True).parse(path.read_bytes())
        assert path.read_bytes().rstrip().endswith(b"</html>")
    read_run_data(folder)
    for path in folder.glob("09*.txt"):
        read_target_list(path)


@pytest.mark.parametrize("spelling", [RUN, "094.D-0114B"])
def test_a_run_is_taken_in_both_spellings(call, history, spelling):
    done = call("-r", spelling)
    assert done.stderr == ""
    assert done.returncode == 0
    assert f"{history.folder}/094.D-0114B.txt" in done.stdout
    assert done.stdout.splitlines()[-1].endswith(f"{history.folder}/094.D-0114B.html")


def test_all_runs_are_told_to_programs_as_one_document(call, history):
    done = call("-A", "--json")
    told = json.loads(done.stdout)
    assert told["page"] == f"{history.folder}/overview.html"
    assert (told["runs"], told["kept"], told["mistakes"]) == (6, 0, [])
    assert "094.D-0114B_targets.html" in told["written"]
    assert json.loads(call("-A", "--json").stdout)["written"] == []


@pytest.mark.parametrize("words", [(), ("-A", "-r", RUN)])
def test_one_run_or_all_has_to_be_said(call, words):
    done = call(*words)
    assert done.returncode == 2
    assert "name a run with -r, or ask for all runs with -A" in done.stderr


def test_a_mistake_in_a_text_is_told_after_the_work_is_done(call, history):
    call("-A")
    path = history.folder / "094.D-0114B.txt"
    path.write_text(f"{path.read_text('utf-8')}nonsense\n", "utf-8")
    done = call("-A")
    assert done.returncode == 2
    line = len(path.read_text("utf-8").splitlines())
    assert f"{path}, line {line}: " in done.stderr
    assert "up to date" in done.stdout
    assert "Traceback" not in done.stderr
    told = call("-A", "--json")
    assert told.returncode == 2
    assert len(json.loads(told.stdout)["mistakes"]) == 1


def test_remarks_are_told_on_the_terminal_and_to_programs(call, history):
    call("-A")
    path = history.folder / "094.D-0114B.txt"
    text = path.read_text("utf-8").replace(" NGC300 ", " NGC30  ", 1)
    path.write_text(text, "utf-8")
    number = text[: text.index(" NGC30 ")].count("\n") + 1
    told = f"{path}, line {number}: NGC30 has exposures of one OB only"
    done = call("-r", RUN)
    assert done.returncode == 0
    assert f"note: {told}" in done.stderr
    assert "did you mean 'NGC300'?" in done.stderr
    assert "1 run, " in done.stdout
    document = json.loads(call("-r", RUN, "--json").stdout)
    assert document["remarks"][0].startswith(told)
    assert document["offered"] == {}


def test_a_typo_in_run_type_stops_no_other_run(call, history):
    history.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n095.B-0934(A) 95 deep YSE\n")
    done = call("-A")
    assert done.returncode == 2
    assert "RUN_TYPE.txt, line 2: COMBINE is 'YSE'; expected" in done.stderr
    assert "6 runs, " in done.stdout
    assert (history.folder / "094.D-0114B_targets.html").exists()


@pytest.mark.parametrize("word", ["-h", "-v"])
def test_help_and_version_are_quick(word):
    code = (
        f"import sys; sys.argv = ['phoenix_getInfoRun', '{word}']\n"
        "from muse_deep_plugin.preparation.get_info_run import command\n"
        "try:\n    command()\nexcept SystemExit:\n    pass\n"
        f"sys.exit([name for name in {HEAVY} if name in sys.modules] or 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    expected = "COMBINE" if word == "-h" else f"phoenix_getInfoRun {__version__}\n"
    assert expected in done.stdout


def test_two_at_a_time_leave_what_one_leaves(call, history):
    both = [call("-A", start=subprocess.Popen) for _ in range(2)]
    for process in both:
        _, complaints = process.communicate(timeout=60)
        assert (process.returncode, complaints) == (0, "")
    check_whole(history.folder)
    left = files(history.folder)
    for path in history.folder.glob("*.html"):
        path.unlink()
    call("-A")
    assert files(history.folder) == left


def test_one_that_is_killed_leaves_whole_files_and_the_next_completes(call, history):
    draw = random.Random(20141022)  # noqa: S311
    start = time.monotonic()
    call("-A")
    spent = time.monotonic() - start
    whole = files(history.folder)
    for _ in range(6):
        for path in history.folder.glob("*.html"):
            if draw.random() < 0.7:
                path.unlink()
        process = call("-A", start=subprocess.Popen)
        time.sleep(spent * draw.uniform(0.4, 1.0))
        process.kill()
        process.communicate()
        check_whole(history.folder)
    assert call("-A").returncode == 0
    assert files(history.folder) == whole


def test_a_page_is_put_in_its_place_and_never_written_through_a_link(call, history):
    mine = history.root / "mine.html"
    mine.write_text("my own", "utf-8")
    (history.folder / "overview.html").symlink_to(mine)
    assert call("-A").returncode == 0
    assert not (history.folder / "overview.html").is_symlink()
    assert mine.read_text("utf-8") == "my own"
