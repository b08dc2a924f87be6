"""Locks: one at a time, told who, and free after any death."""

import os
import signal
import subprocess
import sys

import pytest

from phoenix_core.errors import ProcessingError
from phoenix_core.files.run_lock import holder_of, holding, is_held

HOLD = """
import sys, time
from pathlib import Path
from phoenix_core.files.run_lock import holding
with holding(Path(sys.argv[1]), "run X"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds a lock."""
    lock = tmp_path / "deep" / ".lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, lock], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield lock, process
        process.kill()


def test_the_second_is_told_who_holds_it_and_since_when(holder):
    lock, process = holder
    with pytest.raises(ProcessingError) as refused, holding(lock, "run X"):
        pass
    assert str(refused.value).startswith(f"run X is held by process {process.pid} of ")
    assert " since 20" in str(refused.value)
    assert is_held(lock)


def test_a_lock_is_free_when_its_holder_was_killed(holder):
    lock, process = holder
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not is_held(lock)
    with holding(lock, "run X"):
        assert is_held(lock)
        assert holder_of(lock).startswith(f"process {os.getpid()} of ")
    assert not is_held(lock)


def test_a_lock_is_held_once_also_within_a_process(tmp_path):
    lock = tmp_path / ".lock"
    with (
        holding(lock, "A.ab"),
        pytest.raises(ProcessingError, match=r"A\.ab is held"),
        holding(lock, "A.ab"),
    ):
        pass


def test_a_lock_file_deleted_by_its_former_holder_is_made_anew(tmp_path):
    lock = tmp_path / ".lock"
    with holding(lock, "A.ab"):
        lock.unlink()
        assert not is_held(lock)
        with holding(lock, "A.ab"):
            assert is_held(lock)


def test_a_lock_can_be_had_by_a_user_without_a_name(tmp_path, monkeypatch):
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 123_456_789)
    with holding(tmp_path / ".lock", "run X"):
        assert "123456789" in holder_of(tmp_path / ".lock")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"pid": 1}', "\0\0"])
def test_who_holds_a_lock_that_says_nothing_is_told_as_far_as_it_goes(
    tmp_path, content
):
    lock = tmp_path / ".lock"
    lock.write_text(content)
    assert holder_of(lock) == "another process"
    assert not is_held(lock)
