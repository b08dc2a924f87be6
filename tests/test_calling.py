"""A command called in a fork is the command that a person types."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from phoenix_core.testing.calling import call_program

BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    "words", [["--version"], ["nonsense"], ["status"], ["-r", "no run", "-C"]]
)
def test_code_output_and_errors_are_those_of_a_new_python(words, tmp_path):
    env = {"PATH": os.environ["PATH"], "COLUMNS": "80"}
    typed = subprocess.run(
        [BIN / "phoenix", *words],
        cwd=tmp_path,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    called = call_program(["phoenix", *words], cwd=tmp_path, env=env)
    assert (called.returncode, called.stdout, called.stderr) == (
        *(typed.returncode, typed.stdout, typed.stderr),
    )


def test_nothing_of_the_call_stays(tmp_path):
    before = dict(os.environ), Path.cwd(), sys.argv
    call_program(["phoenix", "status"], cwd=tmp_path, env={"A": "B"})
    assert (dict(os.environ), Path.cwd(), sys.argv) == before


def test_a_program_that_nobody_has_is_told(tmp_path):
    with pytest.raises(LookupError, match="has a program 'phoenyx'"):
        call_program(["phoenyx"], cwd=tmp_path, env={})
