"""phoenix -M --web: from the address on the terminal to products that have moved."""

import contextlib
import json
import re
import signal
import subprocess

import pytest

RUN = "094.A-0001A"
REVIEWS = """
from phoenix_core import hookimpl
from phoenix_core.review.certify import review

@hookimpl
def certif_pgi(run, reports):
    return review(run, [one for one in reports if one.block.endswith("_stk.ab")])
"""


@pytest.fixture
def processed(example, pgi_package):
    """The example's run with its two stacks, reviewed by a person."""
    name = pgi_package("review_by_person", REVIEWS)
    example.edit(example.config, "pgi_phoenix_EXAMPLE_certify", name)
    example.process()
    return example


@contextlib.contextmanager
def reviewing(example, *words):
    """The command while it serves: the process, and the address that it told."""
    asked = ("-r", RUN, "-M", "--web", *words)
    process = example.command(*asked, start=subprocess.Popen)
    try:
        line = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/\S+", line)
        assert found, line
        yield process, found[0], int(found[1])
    finally:
        process.kill()
        process.communicate()


def test_a_review_that_is_killed_half_way_keeps_what_was_said_and_goes_on(
    processed, visitor
):
    with reviewing(processed) as (process, url, port):
        first = visitor(port)
        assert first.enter(url) == 303
        count = len(re.findall(r'<a href="\.\./\d+/"', first.page("1/")))
        assert count > 1
        assert first.decide(1, "accept", "fine")[0] == 303
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not list((processed.root / "reduced").rglob("*_stk*"))

    with reviewing(processed) as (process, url, port):
        again = visitor(port)
        assert again.enter(url) == 303
        assert f"{count - 1} of {count} to decide" in again.page("1/")
        for place in range(2, count + 1):
            assert again.decide(place, "reject", "no")[0] in {200, 303}
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
    assert "1 accepted" in output
    moved = [p.name for p in (processed.root / "reduced").rglob("*_stk*")]
    assert moved
    kept = processed.root / "monitor" / "2094-01-01" / "verdicts.jsonl"
    told = [json.loads(line) for line in kept.read_text().splitlines()]
    assert [one["verdict"] for one in told] == ["ACCEPT", *["REJECT"] * (count - 1)]
    assert all(len(total) == 64 for one in told for total in one["products"].values())


def test_one_at_a_time_and_ctrl_c_ends_it_and_keeps_what_was_said(processed, visitor):
    with reviewing(processed, "--json") as (process, url, port):
        guest = visitor(port)
        guest.enter(url)
        guest.decide(1, "accept", "fine")
        second = processed.command("-r", RUN, "-M", "--web")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert second.returncode == 4
    assert re.search(r"run 094.A-0001A is held by process \d+", second.stderr)
    assert process.returncode == 130
    assert json.loads(output)["exit_code"] == 130
    assert "interrupted; call again to go on" in errors
    kept = processed.root / "monitor" / "2094-01-01" / "verdicts.jsonl"
    assert kept.read_text().count("ACCEPT") == 1
    assert not list((processed.root / "reduced").rglob("*_stk*"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-P", "--web"), "go with -M"),
        (("-M", "--port", "8000"), "--port goes with --web"),
        (("-M", "--web", "--verdicts", "v"), "in one of the two ways"),
        (("-M", "--web", "--port", "0"), "greater than or equal to 1"),
    ],
)
def test_options_that_do_not_go_together_are_told(call, words, told):
    done = call("-r", RUN, *words)
    assert done.returncode == 2
    assert told in done.stderr
