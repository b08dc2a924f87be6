"""Comments on ABs: kept, shown as the last word, and never lost."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phoenix_core.ab.file import write_block
from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import CertificationError, ConfigError
from phoenix_core.records.comments import keep_comment, read_comments, read_history

AB, MOVED = "MUSE.2014-10-22T23:57:32.123_pst.ab", "MUSE.2014-10-22T23:57:32.123_dpc.ab"


@pytest.fixture
def run(run):
    """A run with an AB that is active and one that was moved."""
    for path, name in ((run.ab_path(AB), AB), (run.moved_path(MOVED), MOVED)):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_block(path, AssociationBlock.create({"AB_NAME": name}))
    return run


def file_of(run):
    return run.monitor_dir / "comments.jsonl"


def test_a_run_without_comments_has_none(run):
    assert read_comments(run) == {}


def test_a_comment_is_kept_with_who_and_when(run):
    kept = keep_comment(run, AB, "  clouds at the end\n\nof the OB ")
    assert kept.text == "clouds at the end\n\nof the OB"
    assert kept.by
    assert kept.at.endswith("+00:00")
    assert read_comments(run) == {AB: kept}


def test_the_last_comment_counts_and_the_ones_before_stay_readable(run):
    first, second = keep_comment(run, AB, "clouds"), keep_comment(run, AB, "thin ones")
    other = keep_comment(run, MOVED, "fine")
    assert read_comments(run) == {AB: second, MOVED: other}
    assert read_history(run) == (first, second, other)


def test_an_empty_comment_takes_back_what_there_is(run):
    keep_comment(run, AB, "wrong AB")
    keep_comment(run, AB, " \n ")
    assert read_comments(run) == {}
    assert [comment.text for comment in read_history(run)] == ["wrong AB", ""]


def test_an_ab_that_is_not_there_gets_no_comment(run):
    with pytest.raises(ConfigError, match=r"094.A-0001A has no AB .*did you mean"):
        keep_comment(run, AB.replace("_pst", "_pts"), "clouds")
    for name in ("../secret.ab", "", ".ab", AB.removesuffix(".ab"), "comments.jsonl"):
        with pytest.raises(ConfigError, match="has no AB"):
            keep_comment(run, name, "clouds")
    assert not file_of(run).exists()


def test_a_comment_that_is_a_log_is_refused_and_told(run):
    with pytest.raises(ConfigError, match="5000 letters; at most 4000"):
        keep_comment(run, AB, "x" * 5000)


def test_what_moves_a_terminal_is_kept_out_also_of_a_file_that_others_wrote(run):
    assert keep_comment(run, AB, "a\x1b[2Jb\udcff\tc").text == "a?[2Jb? c"
    record = {"block": AB, "text": "\x1b]0;x\x07", "by": "a\x1b", "at": "\r\nnow"}
    with file_of(run).open("a") as file:
        file.write(json.dumps(record) + "\n")
    comment = read_comments(run)[AB]
    assert (comment.text, comment.by, comment.at) == ("?]0;x?", "a?", "now")


def test_a_line_that_a_killed_phoenix_began_is_no_comment_and_spoils_none(run):
    first = keep_comment(run, AB, "clouds")
    with file_of(run).open("a") as file:
        file.write('{"block": "' + MOVED)
    assert read_comments(run) == {AB: first}
    second = keep_comment(run, MOVED, "fine")
    assert read_history(run) == (first, second)


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"block": 1}', "7", "\xff"])
def test_a_damaged_line_is_told_with_file_and_line(run, line):
    keep_comment(run, AB, "clouds")
    with file_of(run).open("a", encoding="latin-1") as file:
        file.write(line + "\n")
    with pytest.raises(CertificationError, match=r"comments.jsonl, line 2: "):
        read_comments(run)


def test_a_comment_that_cannot_be_written_is_told(run):
    file_of(run).mkdir(parents=True)
    with pytest.raises(CertificationError, match=f"{AB} could not be kept"):
        keep_comment(run, AB, "clouds")


def test_two_people_at_a_time_lose_nothing(run):
    writer = (
        "import pathlib, sys; from phoenix_core.records.lines import append_record\n"
        "path, who = pathlib.Path(sys.argv[1]), sys.argv[2]\n"
        "for n in range(40):\n"
        f"    append_record(path, dict(block='{AB}', text=f'{{who}} {{n}}', by=who, "
        "at='now'))\n"
    )

    def write(who):
        command = [sys.executable, "-c", writer, str(file_of(run)), who]
        subprocess.run(command, check=True)

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, ("ann", "ben", "col")))
    texts = [comment.text for comment in read_history(run)]
    expected = [f"{who} {n}" for who in ("ann", "ben", "col") for n in range(40)]
    assert sorted(texts) == sorted(expected)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=60), min_size=1, max_size=4))
def test_any_text_comes_back_as_it_was_kept(run, texts):
    file_of(run).unlink(missing_ok=True)
    kept = tuple(keep_comment(run, AB, text) for text in texts)
    assert read_history(run) == kept
