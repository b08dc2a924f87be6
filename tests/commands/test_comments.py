"""phoenix comment: what a person says of an AB is kept, asked for, and shown."""

import json
import os
import pty
import subprocess

import pytest

NIGHT = "EXAMPLE.2014-10-22T"
BETA = f"{NIGHT}21:00:00_stk.ab"
RUN = ("-r", "094.A-0001A")


@pytest.fixture
def ready(example):
    example.create()
    return example


def test_a_comment_is_kept_shown_changed_and_taken_back(ready, call):
    done = call("comment", *RUN, BETA, "clouds <b>")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{BETA}: commented on by ")
    page = (ready.root / "monitor" / "status_2094-01-01.html").read_text()
    assert "clouds &lt;b&gt;" in page
    call("comment", *RUN, BETA, "thin clouds")
    shown = call("comment", *RUN).stdout.splitlines()
    assert shown[0].startswith(f"{BETA}  (")
    assert shown[1:] == ["  thin clouds"]
    told = json.loads(call("comment", *RUN, "--json").stdout)
    assert told["comments"][BETA]["text"] == "thin clouds"
    assert [one["text"] for one in told["history"]] == ["clouds <b>", "thin clouds"]
    assert call("comment", *RUN, BETA, "--remove").returncode == 0
    assert call("comment", *RUN).stdout == "094.A-0001A: no comments\n"


def test_the_same_comment_again_is_no_new_record(ready, call):
    call("comment", *RUN, BETA, "clouds")
    again = json.loads(call("comment", *RUN, BETA, "clouds", "--json").stdout)
    assert again["text"] == "clouds"
    told = json.loads(call("comment", *RUN, "--json").stdout)
    assert len(told["history"]) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((BETA.replace("_stk", "_skt"), "x"), f"did you mean '{BETA}'"),
        ((BETA.replace("_stk", "_skt"),), f"did you mean '{BETA}'"),
        ((BETA,), "no text and no terminal to ask in"),
        ((BETA, " "), "the text is empty; --remove takes a comment back"),
        ((BETA, "x", "--remove"), "a text, or --remove: one of them"),
    ],
)
def test_what_cannot_be_meant_is_told_in_a_line(ready, call, words, told):
    done = call("comment", *RUN, *words)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_name_of_the_button_does_the_same(ready, call):
    done = call(*RUN, BETA, "clouds", program="pgi_phoenix_GEN_getStat")
    assert done.returncode == 0, done.stderr
    assert "clouds" in call("comment", *RUN).stdout


def test_a_comment_stays_where_the_pages_cannot_be_written(ready, call):
    page = ready.root / "monitor" / "status_2094-01-01.html"
    page.unlink(missing_ok=True)
    page.mkdir()
    assert call("comment", *RUN, BETA, "clouds").returncode == 0
    assert "clouds" in call("comment", *RUN).stdout


def test_in_a_terminal_the_comment_is_there_to_be_edited(ready, call):
    call("comment", *RUN, BETA, "thick clouds")
    terminal, inside = pty.openpty()
    process = subprocess.Popen(
        [ready.bin / "phoenix", "comment", *RUN, BETA],
        cwd=ready.config.parent,
        env={**ready.env, "TERM": "dumb"},
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
    )
    os.close(inside)
    seen = b""
    while b"thick clouds" not in seen.partition(b"comment: ")[2]:
        seen += os.read(terminal, 4096)
    os.write(terminal, b" at the end\n")
    assert process.wait(60) == 0, seen
    os.close(terminal)
    assert b"CREATED" in seen
    assert call("comment", *RUN).stdout.endswith("  thick clouds at the end\n")
