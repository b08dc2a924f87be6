"""What `run_recipe` promises: no recipe is lost, none runs twice."""

import fcntl
import gc
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from phoenix_core.errors import ProcessingError
from phoenix_core.recipe import keeper, recipe_call
from phoenix_core.recipe.recipe_call import (
    RecipeLost,
    find_exit,
    is_running,
    run_recipe,
    stop_recipes,
)

PHOENIX = """
import sys
from pathlib import Path
from phoenix_core.recipe.recipe_call import run_recipe
run_recipe(sys.argv[2:], Path(sys.argv[1]))
"""
GATED = """
import os, sys, time
open("runs", "a").write("x")
while not os.path.exists("gate"):
    time.sleep(0.01)
sys.exit(7)
"""


def python(code):
    return [sys.executable, "-S", "-E", "-c", code]


def wait_until(is_so):
    for _ in range(1000):
        if is_so():
            return
        time.sleep(0.01)
    pytest.fail("it did not come to that in 10 s")


def story(workdir):
    lines = (workdir / recipe_call.RECORD).read_text().splitlines()
    return {k: v for line in lines if line.strip() for k, v in json.loads(line).items()}


@pytest.fixture
def workdir(tmp_path):
    directory = tmp_path / "work"
    directory.mkdir()
    return directory


@pytest.fixture
def phoenix(workdir):
    """Start another phoenix that calls a command in the directory."""
    started = []

    def start(command):
        words = [sys.executable, "-c", PHOENIX, str(workdir), *command]
        process = subprocess.Popen(words, stderr=subprocess.PIPE)
        started.append(process)
        wait_until((workdir / "runs").exists)
        wait_until(lambda: "pid" in story(workdir))
        return process

    yield start
    (workdir / "gate").touch()
    for process in started:
        process.kill()
        process.communicate()


# One call -------------------------------------------------------------------------


def test_a_call_tells_how_it_ended_and_what_it_took(workdir):
    code = "x = bytearray(80_000_000); x[::4096] = x[::4096]; raise SystemExit(3)"
    ended = run_recipe(python(code), workdir)
    assert ended.command == tuple(python(code))
    assert ended.status == 3
    assert ended.memory > 80_000_000
    assert ended.cpu_seconds > 0
    assert ended.seconds > 0
    assert not ended.is_timeout
    assert not ended.is_stopped
    assert find_exit(workdir) == ended


def test_a_recipe_that_a_signal_ends_has_its_negative_number(workdir):
    code = "import os; os.abort()"
    assert run_recipe(python(code), workdir).status == -signal.SIGABRT


def test_a_recipe_runs_in_its_directory_and_its_output_is_kept(workdir):
    code = "import os, sys; print(os.getcwd()); sys.stderr.write('oh')"
    run_recipe(python(code), workdir)
    assert (workdir / recipe_call.OUTPUT).read_text() in {
        f"{workdir}\noh",
        f"oh{workdir}\n",
    }


def test_output_is_appended_to_the_log_that_is_named(workdir):
    log = workdir / "r.log"
    log.write_text("before\n")
    run_recipe(python("print('after')"), workdir, log=log)
    assert log.read_text() == "before\nafter\n"


def test_a_recipe_waits_for_no_input(workdir):
    code = "import sys; assert sys.stdin.read() == ''"
    assert run_recipe(python(code), workdir).status == 0


def test_a_recipe_gets_the_environment_that_is_given_and_no_other(workdir, monkeypatch):
    monkeypatch.setenv("STRANGE", "1")
    code = "import os; print(sorted(os.environ))"
    run_recipe(python(code), workdir, env={"ONLY": "1", "LC_CTYPE": "C.UTF-8"})
    assert (workdir / recipe_call.OUTPUT).read_text() == "['LC_CTYPE', 'ONLY']\n"


def test_arguments_reach_the_recipe_byte_for_byte(workdir):
    odd = ["", "a b", "$HOME; *", "\N{SNOWMAN}", os.fsdecode(b"\xff")]
    code = "import os, sys; print([os.fsencode(a) for a in sys.argv[1:]])"
    run_recipe([*python(code), *odd], workdir)
    told = (workdir / recipe_call.OUTPUT).read_text()
    assert told == f"{[os.fsencode(word) for word in odd]}\n"


def test_a_recipe_inherits_no_open_file_but_its_lock(workdir, tmp_path):
    with (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)  # noqa: FBT003
        code = (
            "import os; print(os.path.sameopenfile(1, 2), os.listdir('/proc/self/fd'))"
        )
        run_recipe(python(code), workdir)
    # The last one is the listing itself.
    told = (workdir / recipe_call.OUTPUT).read_text()
    assert told == "True ['0', '1', '2', '3', '4']\n"


def test_signals_that_phoenix_ignores_still_end_a_recipe(workdir):
    code = "import os, signal; os.kill(0, signal.SIGINT); os.kill(0, signal.SIGTERM)"
    reset = f"import signal; signal.signal(2, signal.SIG_DFL); {code}"
    assert run_recipe(python(reset), workdir).status == -signal.SIGINT


def test_what_cannot_be_started_is_told_and_leaves_the_directory_free(workdir):
    with pytest.raises(ProcessingError, match="no program 'no_such_recipe'"):
        run_recipe(["no_such_recipe"], workdir)
    garbage = workdir / "garbage"
    garbage.write_bytes(b"no program")
    garbage.chmod(0o755)
    with pytest.raises(ProcessingError, match="Exec format error"):
        run_recipe([str(garbage)], workdir)
    with pytest.raises(ProcessingError, match="too long"):
        run_recipe(["/bin/true", "x" * 300_000], workdir)
    assert not is_running(workdir)
    assert run_recipe(["/bin/true"], workdir).status == 0


def test_a_directory_that_is_not_there_is_told(workdir):
    with pytest.raises(ProcessingError, match="No such file or directory"):
        run_recipe(["/bin/true"], workdir / "nowhere")


# Limits ---------------------------------------------------------------------------


def test_a_recipe_over_its_time_is_terminated(workdir):
    ended = run_recipe(python("import time; time.sleep(60)"), workdir, time_limit=0.2)
    assert ended.status == -signal.SIGTERM
    assert ended.is_timeout


def test_a_recipe_that_does_not_go_when_told_is_killed(workdir, monkeypatch):
    monkeypatch.setattr(keeper, "GRACE", 0.2)
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"
    ended = run_recipe(python(code), workdir, time_limit=0.5)
    assert ended.status == -signal.SIGKILL
    assert ended.is_timeout


def test_a_recipe_over_its_memory_cannot_take_more(workdir):
    code = "bytearray(1_000_000_000)"
    ended = run_recipe(python(code), workdir, memory_limit=200_000_000)
    assert ended.status == 1
    assert "MemoryError" in (workdir / recipe_call.OUTPUT).read_text()


def test_what_a_recipe_leaves_behind_ends_with_it(workdir):
    code = "import os, time\nif os.fork(): os._exit(0)\ntime.sleep(60)"
    run_recipe(python(code), workdir)
    # It had the lock too.
    wait_until(lambda: not is_running(workdir))


# Taking over ----------------------------------------------------------------------


def test_what_has_ended_is_not_run_again(workdir):
    command = python("open('runs', 'a').write('x'); raise SystemExit(4)")
    first = run_recipe(command, workdir)
    assert run_recipe(command, workdir) == first
    assert (workdir / "runs").read_text() == "x"


def test_a_recipe_outlives_a_killed_phoenix_and_the_next_one_takes_it_over(
    workdir, phoenix
):
    first = phoenix(python(GATED))
    first.kill()
    first.wait()
    assert is_running(workdir)
    assert find_exit(workdir) is None
    threading.Timer(0.2, (workdir / "gate").touch).start()
    ended = run_recipe(python(GATED), workdir)
    assert ended.status == 7
    assert (workdir / "runs").read_text() == "x"
    assert not is_running(workdir)


def test_a_recipe_that_ends_while_no_phoenix_lives_leaves_its_record(workdir, phoenix):
    first = phoenix(python(GATED))
    first.kill()
    first.wait()
    (workdir / "gate").touch()
    wait_until(lambda: find_exit(workdir) is not None)
    assert run_recipe(python(GATED), workdir).status == 7
    assert (workdir / "runs").read_text() == "x"


def test_the_keeper_ends_with_its_last_recipe(workdir, phoenix):
    first = phoenix(python(GATED))
    first.kill()
    first.wait()
    mother = Path(f"/proc/{story(workdir)['keeper']}/cmdline")
    assert b"keeper.py" in mother.read_bytes()
    (workdir / "gate").touch()
    wait_until(lambda: not mother.exists() or b"keeper" not in mother.read_bytes())
    assert find_exit(workdir).status == 7


def test_where_all_were_killed_the_recipe_is_lost_and_can_start_anew(workdir, phoenix):
    first = phoenix(python(GATED))
    told = story(workdir)
    first.kill()
    os.kill(told["keeper"], signal.SIGKILL)
    os.killpg(told["pid"], signal.SIGKILL)
    wait_until(lambda: not is_running(workdir))
    with pytest.raises(RecipeLost, match="without a trace"):
        run_recipe(python(GATED), workdir)
    for file in workdir.iterdir():
        file.unlink()
    (workdir / "gate").touch()
    assert run_recipe(python(GATED), workdir).status == 7


def test_a_recipe_whose_keeper_was_killed_is_ended_since_its_status_is_lost(
    workdir, phoenix
):
    first = phoenix(python(GATED))
    told = story(workdir)
    os.kill(told["keeper"], signal.SIGKILL)
    _, trace = first.communicate(timeout=10)
    assert b"RecipeLost" in trace
    assert not is_running(workdir)


def test_a_recipe_with_another_command_is_ended_and_never_taken_over(workdir, phoenix):
    phoenix(python(GATED)).kill()
    with pytest.raises(RecipeLost, match="another command"):
        run_recipe(python("pass"), workdir)
    assert not is_running(workdir)
    assert not (workdir / "gate").exists()


def test_half_a_record_is_none(workdir):
    run_recipe(["/bin/true"], workdir)
    record = workdir / recipe_call.RECORD
    whole = record.read_bytes().rstrip()
    for size in range(len(whole)):
        record.write_bytes(whole[:size])
        assert find_exit(workdir) is None
    with pytest.raises(RecipeLost):
        run_recipe(["/bin/true"], workdir)


def test_a_look_at_a_directory_changes_nothing(workdir):
    assert not is_running(workdir)
    assert find_exit(workdir) is None
    assert list(workdir.iterdir()) == []


def test_threads_that_meet_in_one_directory_run_one_recipe(tmp_path):
    command = python("open('runs', 'a').write('x'); import time; time.sleep(0.02)")
    with ThreadPoolExecutor(8) as pool:
        for n in range(20):
            workdir = tmp_path / f"{n}"
            workdir.mkdir()
            calls = [pool.submit(run_recipe, command, workdir) for _ in range(8)]
            (ended,) = {call.result() for call in calls}
            assert ended.status == 0
            assert (workdir / "runs").read_text() == "x"


# Stopping -------------------------------------------------------------------------


def test_stop_ends_what_runs_and_says_so(workdir):
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(run_recipe, python(GATED), workdir)
        wait_until((workdir / "runs").exists)
        stop_recipes()
        ended = call.result(timeout=10)
    assert ended.status == -signal.SIGTERM
    assert ended.is_stopped
    assert not ended.is_timeout
    assert find_exit(workdir) == ended


def test_stop_ends_what_was_taken_over(workdir, phoenix):
    phoenix(python(GATED)).kill()
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(run_recipe, python(GATED), workdir)
        wait_until(lambda: recipe_call._CLIENT._adopted)
        stop_recipes()
        assert call.result(timeout=10).status == -signal.SIGTERM


def test_once_stopped_no_recipe_starts_until_recipes_are_allowed(workdir):
    stop_recipes()
    with pytest.raises(recipe_call.RecipeStopped):
        run_recipe(["/bin/true"], workdir)
    recipe_call.allow_recipes()
    assert run_recipe(["/bin/true"], workdir).status == 0
    stop_recipes()


# The keeper -----------------------------------------------------------------------


def keeper_pid(workdir):
    run_recipe(["/bin/true"], workdir)
    return story(workdir)["keeper"]


def test_a_full_disk_does_not_end_the_keeper_and_the_exit_is_still_told(tmp_path):
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    for directory in (one, two, three):
        directory.mkdir()
    mother = keeper_pid(one)
    # No file may grow: what a full disk does, without one.
    usual = resource.prlimit(mother, resource.RLIMIT_FSIZE, (0, -1))
    try:
        ended = run_recipe(python("raise SystemExit(9)"), two)
    finally:
        resource.prlimit(mother, resource.RLIMIT_FSIZE, usual)
    assert ended.status == 9
    assert find_exit(two) is None
    assert keeper_pid(three) == mother


def test_room_for_the_record_is_taken_before_the_recipe_starts(workdir):
    code = "import os; print(os.fstat(3).st_size)"
    run_recipe(python(code), workdir)
    reserved = int((workdir / recipe_call.OUTPUT).read_text())
    assert reserved == (workdir / recipe_call.RECORD).stat().st_size


def test_a_killed_keeper_is_replaced_by_the_next_call(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    first = keeper_pid(one)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: ") Z " in Path(f"/proc/{first}/stat").read_text())
    assert keeper_pid(two) != first


def test_many_calls_leave_no_file_open(tmp_path):
    directories = [tmp_path / f"{n}" for n in range(120)]
    for directory in directories:
        directory.mkdir()
    mother = keeper_pid(directories[0])
    gc.collect()  # files of other tests must not close meanwhile
    before = open_files("self"), open_files(mother)
    with ThreadPoolExecutor(4) as pool:
        calls = pool.map(lambda d: run_recipe(["/bin/true"], d), directories[1:])
        assert {ended.status for ended in calls} == {0}
    # The keeper closes the last line after it has answered.
    wait_until(lambda: open_files("self") <= before[0])
    wait_until(lambda: open_files(mother) <= before[1])


def open_files(process):
    return len(os.listdir(f"/proc/{process}/fd"))  # noqa: PTH208, as the kernel says


def test_a_lock_that_somebody_holds_is_a_recipe_that_runs(workdir):
    run_recipe(["/bin/true"], workdir)
    assert not is_running(workdir)
    with (workdir / recipe_call.RECORD).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert is_running(workdir)
