"""`phoenix validate`, as people and programs call it."""

import json
import os
import sys
from pathlib import Path

import pytest

from phoenix_core.sdp.rules import RULES
from phoenix_core.testing.calling import call_program

PHOENIX = Path(sys.executable).parent / "phoenix"


@pytest.fixture
def phoenix(tmp_path):
    def run(*words):
        command = ["phoenix", *map(str, words)]
        done = call_program(command, cwd=tmp_path, env=os.environ)
        assert "Traceback" not in done.stderr + done.stdout
        return done

    return run


def test_a_valid_dataset_ends_with_0_and_says_so(dataset, phoenix):
    done = phoenix("validate", dataset.directory)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("3 files: nothing found\n")
    assert f"{dataset.cube.path}  SCIENCE.CUBE.IFS  ok\n" in done.stdout


def test_an_error_ends_with_6_and_tells_file_hdu_key_value_and_rule(dataset, phoenix):
    dataset.relink(EXPTIME=1801.0)
    done = phoenix("validate", dataset.directory)
    assert (done.returncode, done.stderr) == (6, "")
    lines = done.stdout.splitlines()
    assert lines[0] == f"{dataset.cube.path}  SCIENCE.CUBE.IFS"
    assert lines[1] == (
        "  error HDU 0: EXPTIME = 1801.0 is more than TEXPTIME = 1800.0"
    )
    assert lines[2] == (
        "    expected: at most TEXPTIME, to 0.01 s [relation.exptime, CHK]"
    )
    assert lines[-1] == "3 files: 1 error, 0 warnings"


def test_a_warning_ends_with_0(dataset, phoenix):
    dataset.relink(OBSTECH="SPECTRUM")
    done = phoenix("validate", dataset.directory)
    assert done.returncode == 0
    assert done.stdout.endswith("3 files: 0 errors, 1 warning\n")


def test_many_findings_of_a_rule_are_told_shortly(dataset, phoenix):
    names = {f"PROV{n}": f"MUSE.2014-10-22T23:51:{n:02}.1.fits" for n in range(1, 21)}
    dataset.relink(NCOMBINE=20, **names)
    done = phoenix("validate", dataset.cube.path)
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert [line for line in lines if "PROV" in line][:-1] == lines[1:4]
    assert lines[4] == "    and 17 more (--json tells them all)"
    assert lines[-1] == "1 file: 0 errors, 20 warnings"
    document = json.loads(phoenix("validate", "--json", dataset.cube.path).stdout)
    assert len(document["files"][0]["findings"]) == 20


def test_json_is_one_document_with_all_that_is_told(dataset, phoenix):
    dataset.relink(EXPTIME=1801.0)
    for words in (("validate", "--json"), ("--json", "validate")):
        done = phoenix(*words, dataset.directory)
        document = json.loads(done.stdout)
        assert done.returncode == document["exit_code"] == 6
        assert (document["ok"], document["errors"], document["warnings"]) == (
            False,
            1,
            0,
        )
        first = document["files"][0]
        assert first["path"] == str(dataset.cube.path)
        assert first["category"] == "SCIENCE.CUBE.IFS"
        assert first["hdus"] == ["0", "1 (DATA)", "2 (STAT)"]
        assert first["findings"] == [
            {
                "rule": "relation.exptime",
                "section": "CHK",
                "severity": "error",
                "hdu": "0",
                "key": "EXPTIME",
                "value": "1801.0",
                "what": "is more than TEXPTIME = 1800.0",
                "expects": "at most TEXPTIME, to 0.01 s",
            }
        ]


def test_without_data_a_changed_pixel_is_not_seen_and_that_is_told(dataset, phoenix):
    content = dataset.cube.path.read_bytes()
    dataset.cube.path.write_bytes(content[:-2880] + b"?" + content[-2879:])
    assert phoenix("validate", dataset.directory).returncode == 6
    done = phoenix("validate", "--no-data", dataset.directory)
    assert done.returncode == 0
    assert "not checked: the data were not read: fits.checksum-right" in done.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "name files"),
        (("none.fits",), "none.fits: there is no such file"),
        (("/dev/null",), "/dev/null: is no file"),
        ((".",), "there is no FITS file in this directory"),
        (("--rules", "a.fits"), "--rules goes without files"),
        (("--ruels",), "--rules"),
    ],
)
def test_wrong_use_ends_with_2_in_one_line(phoenix, words, told):
    done = phoenix("validate", *words)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("phoenix: ")
    assert told in line


def test_the_rules_are_listed_a_line_each(phoenix):
    done = phoenix("validate", "--rules")
    assert (done.returncode, done.stderr) == (0, "")
    names = [line.split()[0] for line in done.stdout.splitlines()]
    assert names == [rule.id for rule in RULES]
    document = json.loads(phoenix("validate", "--rules", "--json").stdout)
    assert [rule["id"] for rule in document["rules"]] == names
    assert document["rules"][0]["expects"] == "a file that can be read"


def test_what_a_header_holds_is_no_command_for_a_terminal(dataset, phoenix):
    dataset.relink(FLUXCAL="[red]x[/]", OBSTECH="[/]")
    path = dataset.cube.path.rename(dataset.directory / "a\x1b[2J[bold]b.fits")
    done = phoenix("validate", path)
    assert done.returncode == 6
    assert "\x1b" not in done.stdout
    assert "FLUXCAL = '[red]x[/]' is another word" in done.stdout
    assert "[bold]b.fits" in done.stdout
