"""Stores, plug-ins, terminals and moments that nobody wishes: a line, and no loss."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from phoenix_core.files.sums import FileState
from phoenix_core.model import AbStatus, Outcome
from phoenix_core.recipe.recipe_call import (
    RECORD,
    RecipeStopped,
    allow_recipes,
    run_recipe,
    stop_recipes,
)
from phoenix_core.records.ledger import open_ledger

DATE = "2094-01-01"
RUN = ("-r", "094.A-0001A")
NIGHT = "EXAMPLE.2014-10-22T"
DARK = f"{NIGHT}18:00:00.ab"
OTHER_DARK = "EXAMPLE.2014-10-23T18:00:00.ab"
FIRST, SECOND = f"{NIGHT}20:00:00.ab", f"{NIGHT}20:10:00.ab"
BETA = f"{NIGHT}21:00:00_stk.ab"
SECRET = "SeCrEt"  # noqa: S105
LONG = 30  # seconds until a test gives up; what it waits for takes a part of one


def refused(called, *words, code=2):
    """Hold a refusal against the promise: the code, and one line with the words."""
    assert called.returncode == code, called.stdout + called.stderr
    (line,) = called.stderr.splitlines()
    for word in words:
        assert word in line
    return line


def add(file, line):
    with file.open("a") as lines:
        lines.write(f"{line}\n")


def option(example, name, value):
    """Set a value at the top of the configuration, or a directory."""
    lines = example.config.read_text().splitlines()
    found = [i for i, line in enumerate(lines) if line.split("=")[0].strip() == name]
    if found:
        lines[found[0]] = f"{name} = {value}"
    else:
        lines.insert(lines.index("[directories]") + 1, f"{name} = {value}")
    example.config.write_text("\n".join(lines) + "\n")


def statuses(example):
    told = json.loads(example.command("status", *RUN, "--json").stdout)
    return {ab["name"]: ab["status"] for ab in told["abs"]}


def wait_for(fact):
    end = time.monotonic() + LONG
    while not fact():
        assert time.monotonic() < end
        time.sleep(0.02)


# Names in the store -----------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "r.EXAMPLE.2014-10-22T20:00:00_REDUCED.npy",
        "r.EXAMPLE.2014-10-22T20:10:00_REDUCED.npy",
        "EXAMPLE.2014-10-22T20:00:00_stk.ab",
        FIRST,
        "r.EXAMPLE.2014-10-22T20:00:00.log",
    ],
)
def test_a_log_cannot_take_the_name_of_a_product_an_ab_or_another_log(
    example, call, name
):
    add(example.store(SECOND), f"LOG_NAME {name}")
    refused(call(*RUN, "-C"), f"{example.store(SECOND)}, line 14: LOG_NAME", name)
    assert not example.ab(SECOND).exists()


def test_a_log_name_edited_by_hand_is_refused_before_anything_runs(example, call):
    assert call(*RUN, "-C").returncode == 0
    block = example.block(SECOND)
    example.edit(example.ab(SECOND), block.log_name, "r.X_REDUCED.npy")
    refused(call(*RUN, "-P"), str(example.ab(SECOND)), "LOG_NAME", block.log_name)
    assert example.products() == {}


@pytest.mark.parametrize("qualifier", ["RAW_TYPE", "PROD_ROOT_NAME"])
def test_a_name_that_no_file_system_takes_is_refused_by_part_1(
    example, call, qualifier
):
    file = example.store(SECOND)
    if qualifier == "RAW_TYPE":
        example.edit(file, "RAW_TYPE          OBJECT", f"RAW_TYPE {'X' * 300}")
    else:
        add(file, f"PROD_ROOT_NAME {'X' * 250}")
    refused(call(*RUN, "-C"), f"{file}, line ", qualifier)


def test_a_run_id_that_is_none_is_told_with_its_ab_and_line(example, call):
    example.edit(example.store(SECOND), "RUN_ID            094.A-0001(A)", "RUN_ID x")
    refused(call(*RUN, "-C"), f"{example.store(SECOND)}, line 9: RUN_ID is 'x'")


def test_a_need_that_the_store_lacks_is_told_with_its_ab_and_line(example, call):
    add(example.store(SECOND), "MCALIB VIRTUAL nope.ab X")
    refused(call(*RUN, "-C"), f"{example.store(SECOND)}, line ", "nope.ab")


# Files in the store -----------------------------------------------------------------


@pytest.mark.parametrize("kind", ["dangling", "directory", "pipe", "endless", "large"])
def test_what_is_no_ab_in_the_store_is_named(example, call, kind):
    file = example.store("x.ab")
    if kind == "dangling":
        file.symlink_to("/nonexistent")
    elif kind == "directory":
        file.mkdir()
    elif kind == "pipe":
        os.mkfifo(file)
    elif kind == "endless":
        file.symlink_to("/dev/zero")
    else:
        with file.open("wb") as content:
            content.truncate(20_000_000)
    refused(call(*RUN, "-C"), str(file))


@pytest.mark.parametrize("name", ["EXAMPLE[1].ab", "EXAMPLE?.ab", "*.ab"])
def test_a_name_in_the_store_is_no_pattern(example, call, name):
    shutil.copy(example.store(SECOND), example.store(name))
    refused(call(*RUN, "-C"), str(example.store(name)), "AB_NAME")


def test_a_raw_frame_of_no_bytes_fails_its_ab_and_no_other(example, call):
    example.raw(f"{NIGHT}21:10:00.npy").write_bytes(b"")
    called = call(*RUN, "-P", "-a", BETA)
    assert (called.returncode, called.stderr) == (4, "")
    assert f"{NIGHT}21:10:00.npy" in example.block(f"{NIGHT}21:10:00.ab").cause
    assert "EOFError" not in called.stdout
    assert example.block(f"{NIGHT}21:20:00.ab").status is AbStatus.SUCCESSFUL


# Text that a terminal would obey, or cannot show ------------------------------------

ESCAPE = "\x1b]0;pwned\x07\x1b[2Jx"


@pytest.mark.parametrize("part", ["-C", "-P"])
@pytest.mark.parametrize("qualifier", ["RECIPE", "AB_NAME", "TARGET"])
def test_errors_plan_and_summary_show_nothing_that_a_terminal_obeys(
    example, call, qualifier, part
):
    file = example.store(f"{NIGHT}21:10:00.ab")
    row = next(s for s in file.read_text().splitlines() if s.startswith(qualifier))
    example.edit(file, row, f"{qualifier} {ESCAPE}")
    called = call(*RUN, part)
    shown = called.stdout + called.stderr
    assert not set(shown) & {"\x1b", "\x07"}
    assert called.returncode == (0 if qualifier == "TARGET" else called.returncode)
    if qualifier != "TARGET":
        assert called.returncode in {2, 4}
        assert "pwned" in shown


def test_status_and_explain_show_nothing_that_a_terminal_obeys(example, call):
    file = example.store(f"{NIGHT}21:10:00.ab")
    content = file.read_bytes()
    file.write_bytes(content.replace(b" BETA", b" \xff\xfe\x1b[31mRED\x1b[2J"))
    assert call(*RUN, "-C").returncode == 0
    for words in (("status", *RUN), ("explain", *RUN, file.name)):
        shown = call(*words)
        assert (shown.returncode, shown.stderr) == (0, "")
        assert "\x1b" not in shown.stdout
    assert "RED" in call("status", *RUN).stdout


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        (b"\xff\xfe", "ascii"),
        (b"\xff\xfe", "utf-8:strict"),
        ("M\u00e9sange".encode(), "ascii"),
    ],
)
def test_a_target_that_the_terminal_cannot_show_stops_nothing(
    example, monkeypatch, name, encoding
):
    for file in example.store(BETA).parent.glob(f"{NIGHT}21:?0:00.ab"):
        file.write_bytes(file.read_bytes().replace(b" BETA", b" " + name))
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    parts = (("-C",), ("-P", "-a", BETA))
    for words in (*((*RUN, *part) for part in parts), ("status", *RUN)):
        called = example.command(*words)
        assert (called.returncode, called.stderr) == (0, "")
    assert example.block(BETA).status is AbStatus.SUCCESSFUL
    history = example.product(BETA, "HISTORY").read_bytes()
    assert history.startswith(name)


# Plug-ins that leave ----------------------------------------------------------------

LEAVES = """
import sys
from phoenix_core import hookimpl

@hookimpl
def {hook}(run):
    sys.exit(0)
"""


def test_a_check_that_calls_exit_fails_its_abs_and_not_the_run(
    example, pgi_package, call
):
    leaver = pgi_package("leaver", LEAVES.format(hook="process_ab_check_plugin"))
    option(example, "CHECK_PLUGIN", f'["{leaver}"]')
    called = call(*RUN, "-P", "-a", BETA)
    assert called.returncode == 4
    assert "leaver failed in process_ab_check_plugin: SystemExit" in called.stdout
    assert example.block(DARK).status is AbStatus.FAILED
    assert example.block(BETA).status is AbStatus.SKIPPED


def test_a_qc_procedure_that_calls_exit_is_told_in_the_summary(
    example, pgi_package, call
):
    leaver = pgi_package("leaver", LEAVES.format(hook="process_qc_procedure"))
    option(example, "QC_PROCEDURE", f'["{leaver}"]')
    called = call(*RUN, "-P", "-a", BETA)
    assert called.returncode == 4
    assert "6 ABs processed" in called.stdout
    assert "leaver failed in process_qc_procedure: SystemExit" in called.stdout
    assert example.block(BETA).status is AbStatus.SUCCESSFUL


def test_a_certification_that_calls_exit_moves_nothing(example, pgi_package, call):
    leaver = pgi_package("leaver", LEAVES.format(hook="certif_pgi"))
    option(example, "CERTIF_PGI", f'"{leaver}"')
    example.process(select=BETA)
    refused(call(*RUN, "-M", "-a", BETA), "leaver failed in certif_pgi", code=3)
    assert not list((example.root / "reduced").rglob("*.npy"))


def test_a_report_that_fails_takes_no_other_report_along(example, pgi_package, call):
    fails = pgi_package(
        "fails",
        """
        from phoenix_core import hookimpl

        @hookimpl
        def process_qc_procedure(block):
            if block.name == "EXAMPLE.2014-10-22T18:00:00.ab":
                raise ValueError("no such column")
        """,
    )
    option(example, "QC_PROCEDURE", f'["{fails}", "pgi_phoenix_EXAMPLE_QC"]')
    called = call(*RUN, "-P", "--json")
    assert called.returncode == 4
    told = json.loads(called.stdout)
    (failure,) = told["qc_failures"]
    assert failure["block"] == DARK
    assert "no such column" in failure["cause"]
    assert len(told["reports"]) == 3
    assert all(o["status"] == "SUCCESSFUL" for o in told["outcomes"])


# The configuration ------------------------------------------------------------------


@pytest.mark.parametrize("way", ["word", "link", "variable"])
def test_two_directories_that_are_one_are_refused_and_no_ab_is_lost(
    example, call, monkeypatch, way
):
    assert call(*RUN, "-C").returncode == 0
    add(example.ab(DARK), "RECIPE_PARAM --mine=1")
    edited = example.ab(DARK).read_text()
    if way == "variable":
        monkeypatch.setenv("DFO_LOG_DIR", str(example.root / "ab"))
    elif way == "link":
        (example.root / "elsewhere").symlink_to("ab")
        option(example, "logs", '"elsewhere"')
    else:
        option(example, "logs", '"ab"')
    refused(call(*RUN, "-C"), "phoenix.toml", "logs", "ab is; give each its own")
    assert example.ab(DARK).read_text() == edited


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("root", '"~nouser/x"'),
        ("root", '"/x/\\u0000y"'),
        ("database", '"sqlite:///{root}/\\u0000x.db"'),
        ("database", '"postgresql://h:notaport/x"'),
        ("database", '"postgresql://u:p@[::1/x"'),
        ("database", '"sqlite://"'),
        ("database", '"sqlite:///:memory:"'),
        ("database", '""'),
        ("ab_store", '""'),
        ("ab_store", '"nowhere://x"'),
    ],
)
def test_a_value_that_cannot_be_used_is_one_line(example, call, name, value):
    option(example, name, value)
    refused(call(*RUN, "-C"), name)


SILENT = f"postgresql://bob:{SECRET}@127.0.0.1:1/x"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("database", SILENT),
        ("database", f"postgresql://bob:{SECRET}@[::1/x"),
        ("database", f"postgresql://bob:{SECRET}@h:notaport/x"),
        ("ab_store", f"github://bob:{SECRET}@repo/x"),
        ("ab_store", f"nowhere://bob:{SECRET}@host/x"),
        ("ab_store", f"memory://bob:{SECRET}@host/x"),
    ],
)
def test_a_password_is_never_shown(example, call, name, value):
    option(example, name, f'"{value}"')
    for words in ((*RUN, "-C"), ("--json", *RUN, "-C"), ("plugins", "check")):
        asked = (*words, example.config) if words[0] == "plugins" else words
        called = call(*asked)
        is_wrong = name == "database" and value != SILENT  # a check asks nobody
        is_told = is_wrong or words[0] != "plugins"
        assert called.returncode == (2 if is_told else 0)
        assert SECRET not in called.stdout + called.stderr


# The database, the disk, the reader -------------------------------------------------


def test_a_database_that_is_locked_for_long_costs_no_more_than_its_history(tmp_path):
    path = tmp_path / "phoenix.db"
    with open_ledger(f"sqlite:///{path}") as ledger:
        with ledger.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout=20")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        outcome = Outcome("x.ab", AbStatus.SUCCESSFUL, "", 1.0, 1)
        with ledger.attempts_of(DATE) as keep:
            keep(outcome)
        ledger.keep_sums({tmp_path: (FileState(1, 1, 1), "0" * 64)})
        assert ledger.attempts(DATE, "x.ab") == ()
        other.close()
        with ledger.attempts_of(DATE) as keep:
            keep(outcome)
        assert len(ledger.attempts(DATE, "x.ab")) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts disks")
def test_abs_that_cannot_be_written_end_with_4_and_a_summary(example, call):
    """The failure itself cannot be written: there is no room for another AB."""
    assert call(*RUN, "-C").returncode == 0
    abs_ = example.ab(BETA).parent
    shutil.copytree(abs_, example.root / "aside")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=9m", "x", abs_], check=True)
    try:
        shutil.copytree(example.root / "aside", abs_, dirs_exist_ok=True)
        size = shutil.disk_usage(abs_).used
        subprocess.run(["mount", "-o", f"remount,size={size}", abs_], check=True)
        called = call(*RUN, "-P")
        assert called.returncode == 4, called.stderr
        assert called.stderr == ""
        assert " ABs processed" in called.stdout
        assert "No space left" in called.stdout
        subprocess.run(["mount", "-o", "remount,size=9m", abs_], check=True)
        assert call(*RUN, "-P").returncode == 0
    finally:
        subprocess.run(["umount", "-l", abs_], check=True)


@pytest.mark.parametrize("is_good", [True, False])
def test_a_reader_that_leaves_does_not_end_the_run(example, is_good):
    if not is_good:
        example.raw(f"{NIGHT}21:10:00.npy").write_bytes(b"no frame")
    with example.command(*RUN, "-P", start=subprocess.Popen) as phoenix:
        phoenix.stdout.readline()
        phoenix.stdout.close()
        told = phoenix.stderr.read()
    assert phoenix.returncode == (0 if is_good else 4), told
    assert told == ""
    found = list(statuses(example).values())
    assert found.count("SUCCESSFUL") == (19 if is_good else 17)
    assert "CREATED" not in found


def unread(example, *words):
    """Run phoenix where neither output has room; return its exit code."""
    with Path("/dev/full").open("w") as full:
        return subprocess.call(
            [example.bin / "phoenix", *words],
            cwd=example.config.parent,
            env=example.env,
            stdout=full,
            stderr=full,
        )


def test_a_full_log_disk_does_not_end_the_run(example):
    assert unread(example, *RUN, "-P") == 0
    assert set(statuses(example).values()) == {"SUCCESSFUL"}


def test_an_error_keeps_its_code_where_nobody_can_read_it(example):
    assert unread(example, "-r", "nonsense", "-P") == 2
    assert unread(example, "--json", "-r", "nonsense", "-P") == 2


# Ctrl-C -----------------------------------------------------------------------------

WAITS = """
import time
from pathlib import Path
from phoenix_core import hookimpl
from phoenix_core.errors import ProcessingError
from phoenix_core.ab.inputs import paths
from phoenix_core.model import Product
from phoenix_core.recipe.recipe_call import pause, run_recipe

HERE = Path({here!r})

@hookimpl
def process_ab_pre_plugin(run, block):
    (HERE / "waits").touch()
    {wait}

@hookimpl
def process_ab_drs(run, block, workdir):
    script = f"echo $$ >> {{HERE / 'calls'}}; {recipe}"
    ended = run_recipe(["sh", "-c", script], workdir)
    if ended.status:
        raise ProcessingError(f"the recipe ended with {{ended.status}}")
    (workdir / "made.txt").write_text("made")
    return [Product(workdir / "made.txt", "MADE", block.name)]
"""


@pytest.fixture
def waiting(example, pgi_package, tmp_path):
    """A function that makes the darks wait, before their recipe or in it."""

    def build(wait="pass", recipe="true"):
        source = WAITS.format(here=str(tmp_path), wait=wait, recipe=recipe)
        name = pgi_package("waiter", source)
        option(example, "PRE_PLUGIN", f'"{name}"')
        option(example, "DRS", f'"{name}"')
        for key in ("POST_PLUGIN ", "CHECK_PLUGIN "):
            example.edit(example.config, f"\n{key}", f"\n# {key}")
        return tmp_path / "calls"

    return build


@pytest.mark.parametrize("wait", ["pause(600)", "time.sleep(1)"])
def test_an_interruption_before_a_recipe_ends_soon_and_starts_none(
    example, waiting, tmp_path, wait
):
    calls = waiting(wait)
    with example.command(*RUN, "-P", start=subprocess.Popen) as phoenix:
        wait_for((tmp_path / "waits").exists)
        phoenix.send_signal(signal.SIGINT)
        _, told = phoenix.communicate(timeout=LONG)
    assert phoenix.returncode == 130
    assert told == "phoenix: interrupted; call again to go on\n"
    assert not calls.exists()
    assert set(statuses(example).values()) == {"CREATED"}


def test_after_a_stop_no_recipe_starts_until_recipes_are_allowed(tmp_path):
    stop_recipes()
    try:
        with pytest.raises(RecipeStopped, match="stopped; process it again"):
            run_recipe(["true"], tmp_path)
        assert not list(tmp_path.iterdir())
    finally:
        allow_recipes()
    assert run_recipe(["true"], tmp_path).status == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_interrupts_again_is_not_kept_waiting_nor_shown_a_trace(
    example, waiting, tmp_path, number
):
    waiting("time.sleep(600)")
    with example.command(*RUN, "-P", start=subprocess.Popen) as phoenix:
        wait_for((tmp_path / "waits").exists)
        end = time.monotonic() + LONG
        while phoenix.poll() is None:
            assert time.monotonic() < end
            phoenix.send_signal(number)
            time.sleep(0.3)
        _, told = phoenix.communicate()
    assert phoenix.returncode == 130
    assert told == "phoenix: interrupted; call again to go on\n"


def test_an_interruption_ends_a_suspended_recipe_that_was_taken_over(example, waiting):
    calls = waiting(recipe="exec sleep 600")
    words = (*RUN, "-P", "-a", DARK)
    record = example.root / "product/.work" / DATE / DARK / RECORD
    with example.command(*words, start=subprocess.Popen) as first:
        wait_for(lambda: calls.exists() and calls.read_text().endswith("\n"))
        first.kill()
        first.communicate()
    recipe = int(calls.read_text())
    os.kill(recipe, signal.SIGSTOP)
    try:
        with example.command(*words, start=subprocess.Popen) as second:
            wait_for(lambda: waits_for(second.pid, record))
            second.send_signal(signal.SIGINT)
            _, told = second.communicate(timeout=LONG)
        assert second.returncode == 130
        assert told.endswith("phoenix: interrupted; call again to go on\n")
        wait_for(lambda: not is_alive(recipe))
    finally:
        if is_alive(recipe):
            os.killpg(recipe, signal.SIGKILL)
    assert calls.read_text() == f"{recipe}\n"


def is_alive(pid):
    return Path(f"/proc/{pid}").exists()


def waits_for(pid, path):
    """Whether a process has a file open, and not only for a look."""
    for _ in range(4):
        files = Path(f"/proc/{pid}/fd").glob("*")
        if str(path) not in [os.path.realpath(file) for file in files]:
            return False
        time.sleep(0.05)
    return True
