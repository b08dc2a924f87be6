"""The commands' entry points."""

import subprocess
import sys
from pathlib import Path

import pytest

from phoenix_core import __version__

BIN = Path(sys.executable).parent
COMMANDS = [
    *("phoenix", "processAB", "processQC", "getStatusAB"),
    *("pgi_phoenix_GEN_getStat", "pgi_phoenix_MUSE_getStat"),
]


@pytest.mark.parametrize("program", COMMANDS)
@pytest.mark.parametrize("word", ["-v", "--version"])
def test_every_command_tells_its_version(program, word):
    done = subprocess.run(
        [BIN / program, word], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{program} {__version__}\n"
    assert done.stderr == ""


@pytest.mark.parametrize("program", ["phoenix", "processAB", "processQC"])
def test_every_command_has_a_help_that_shows_how_it_is_called(program):
    for word in ("-h", "--help"):
        done = subprocess.run(
            [BIN / program, word], capture_output=True, text=True, check=True
        )
        assert f"Usage: {program} " in done.stdout
        assert "-a" in done.stdout
        assert "--config" in done.stdout
        assert done.stderr == ""


@pytest.mark.parametrize(
    "words",
    [
        *COMMANDS[3:],
        *("ingestProducts", "cleanupProducts", "dfoMonitor", "phoenixMonitor"),
        *("phoenixCertify_MUSE", "idpConvert_mu_deep"),
        *("phoenix status", "phoenix explain", "phoenix validate"),
    ],
)
def test_a_help_has_the_words_that_are_typed_and_an_example(words):
    program, *rest = words.split()
    done = subprocess.run(
        [BIN / program, *rest, "--help"], capture_output=True, text=True, check=True
    )
    assert f"Usage: {words} [OPTIONS]" in done.stdout
    assert "Example" in done.stdout
