"""A pipe that is called like a file is refused or passed over, never waited for."""

import os

import pytest

from phoenix_core.ab.file import read_block
from phoenix_core.errors import ConfigError
from phoenix_core.files.atomic import append_text
from phoenix_core.files.regular_file import open_regular
from phoenix_core.pages.files import fingerprint_in
from phoenix_core.processing.qc_report import read_report
from phoenix_core.qc1.table_file import read_table
from phoenix_core.records.events import open_events
from phoenix_core.records.lines import append_record, read_records
from phoenix_core.words.text_table import read_text


@pytest.fixture
def pipe(tmp_path):
    """A function that makes a pipe which nobody writes into."""

    def make(name):
        os.mkfifo(tmp_path / name)
        return tmp_path / name

    return make


@pytest.mark.parametrize("name", ["rows.csv", "rows.ecsv", "rows.vot"])
def test_rows_are_read_out_of_files_only(pipe, name):
    with pytest.raises(OSError, match="no regular file"):
        read_table(pipe(name))


def test_a_table_of_a_person_that_is_a_pipe_is_told_of(pipe):
    with pytest.raises(ConfigError, match=r"RUN_TYPE\.txt: no regular file"):
        read_text(pipe("RUN_TYPE.txt"))


def test_nothing_is_appended_to_a_pipe(pipe):
    with pytest.raises(OSError, match="no regular file"):
        append_text(pipe("list.txt"), lambda _text: "more\n")


def test_a_pipe_is_no_page_of_ours(pipe):
    assert not fingerprint_in(pipe("overview.html"))


def test_a_record_that_is_a_pipe_is_neither_read_nor_written(pipe):
    path = pipe("verdicts.jsonl")
    with pytest.raises(OSError, match="no regular file"):
        list(read_records(path))
    with pytest.raises(OSError, match="no regular file"):
        append_record(path, {"verdict": "ACCEPT"})


def test_a_record_that_never_ends_is_not_read(tmp_path):
    path = tmp_path / "comments.jsonl"
    path.symlink_to("/dev/zero")
    with pytest.raises(OSError, match="no regular file"):
        list(read_records(path))


@pytest.mark.parametrize("read", [read_block, read_report])
def test_an_ab_or_a_report_that_is_a_pipe_is_told_of(pipe, read):
    with pytest.raises(ConfigError, match=r"r\.A: no regular file"):
        read(pipe("r.A"))


def test_no_event_waits_for_the_reader_of_a_pipe(pipe):
    path = pipe("events.jsonl")
    with pytest.raises(OSError, match=r"events\.jsonl"), open_events(path.parent):
        pass


def test_a_directory_is_no_file(tmp_path):
    with pytest.raises(OSError, match="directory"):
        open_regular(tmp_path)


def test_records_reports_and_abs_that_are_pipes_are_told_of(pipe):
    name = pipe("verdicts.jsonl")
    with pytest.raises(OSError, match="no regular file"):
        list(read_records(name))
    with pytest.raises(OSError, match="no regular file"):
        append_record(name, {"verdict": "ACCEPT"})
    with pytest.raises(ConfigError, match=r"one\.ab: no regular file"):
        read_block(pipe("one.ab"))
    with pytest.raises(ConfigError, match=r"one\.json: no regular file"):
        read_report(pipe("one.json"))
