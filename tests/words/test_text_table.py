"""Tables that people edit: understood as meant or refused by line, never changed."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_core.errors import ConfigError
from phoenix_core.files.atomic import append_text, write_new_text
from phoenix_core.words.plain_text import plain
from phoenix_core.words.text_table import (
    Layout,
    aligned,
    in_quotes,
    parse_table,
    quoted,
    read_text,
)

PATH = Path("table.txt")
LAYOUT = Layout(("NAME", "COUNT", "WORD"), required=2)
FREE = Layout(("NAME", "COMMENT"), required=1, is_free=True)
TEXTS = st.text(max_size=12)
BLANKS = st.sampled_from([" ", "  ", "\t", "\N{NO-BREAK SPACE}", " \t "])


def rows(text, layout=LAYOUT):
    return [row.values for row in parse_table(text, PATH, layout, lambda row: row)]


def refused(text, layout=LAYOUT):
    with pytest.raises(ConfigError) as error:
        rows(text, layout)
    return str(error.value)


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=5), BLANKS)
def test_whatever_was_written_is_read_back(values, blank):
    lines = [blank + blank.join(map(quoted, row)) + blank for row in values]
    assert rows("\n".join(lines)) == [tuple(map(plain, row)) for row in values]


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5))
def test_what_is_aligned_is_read_back(values):
    lines = aligned([[quoted(name), in_quotes(text)] for name, text in values])
    assert rows("\n".join(lines), FREE) == [tuple(map(plain, row)) for row in values]


@given(st.text())
def test_any_text_is_understood_or_refused_by_line(text):
    try:
        rows(text)
    except ConfigError as error:
        for line in str(error).split("\n"):
            assert line.startswith("table.txt, line ")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('A "1', "COUNT has a quote that nothing closes"),
        ('A "1"2', 'COUNT is "1"2; expected "text" (a quote is \\")'),
        ('A 1"2', 'COUNT is 1"2; expected "text" (a quote is \\")'),
        (
            "A \N{LEFT DOUBLE QUOTATION MARK}1 2",
            "COUNT is \N{LEFT DOUBLE QUOTATION MARK}1",
        ),
        ("A", "COUNT is missing; expected NAME COUNT WORD"),
        ("A # 1 2", "COUNT is missing; expected NAME COUNT WORD"),
        ("A 1 2 3", "3 stands behind WORD, the last column"),
        ("A 1\x1b 2", "COUNT is '1?', with a character that is no text"),
    ],
)
def test_a_line_that_is_not_clear_is_refused(line, told):
    assert f"table.txt, line 2: {told}" in refused(f"B 1 2\n{line}\n")


def test_all_mistakes_are_told_at_once():
    assert refused('A\nB 1 2\nC "\n').count("\n") == 1


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_ends_of_lines_of_any_system_are_understood(end):
    assert rows(end.join(["A 1 x", "", "B 2 y", ""])) == [
        ("A", "1", "x"),
        ("B", "2", "y"),
    ]


@pytest.mark.parametrize(
    ("line", "comment"),
    [
        ("A wait for #3, the last", "wait for #3, the last"),
        ('A it is 6" off', 'it is 6" off'),
        ('A "a \\"b\\" \\\\"  # remark', 'a "b" \\'),
        ("A # nothing", ""),
        ("A", ""),
    ],
)
def test_a_free_text_needs_no_quotes(line, comment):
    assert rows(line, FREE) == [("A", comment)]


def test_a_free_text_that_begins_with_a_quote_ends_with_it():
    assert "expected" in refused('A "good"but', FREE)
    assert "stands behind COMMENT" in refused('A "good" but late', FREE)


def test_comments_are_read_over_unless_they_are_rows():
    text = "# A 1 x\n#B 2 y\n ## C\nD 3 z\n"
    assert rows(text) == [("D", "3", "z")]
    found = parse_table(text, PATH, LAYOUT, lambda row: row, lambda _: True)
    assert [(r.line, r.is_selected, r.values[0]) for r in found] == [
        (1, False, "A"),
        (2, False, "B"),
        (4, True, "D"),
    ]


def test_a_file_of_another_encoding_is_refused_by_line(tmp_path):
    path = tmp_path / "t.txt"
    path.write_bytes("A 1 x\nB\u00e9 2 y\n".encode("latin-1"))
    assert "line 2: NAME is 'B?', with a character that is no text" in refused(
        read_text(path)
    )
    path.write_bytes("A 1 x\n".encode("utf-16"))
    with pytest.raises(ConfigError, match="not a text; save it as UTF-8"):
        read_text(path)
    path.write_bytes(b"\xef\xbb\xbfA 1 x\n")
    assert rows(read_text(path)) == [("A", "1", "x")]


# Writing ----------------------------------------------------------------------------


def test_a_file_that_is_there_is_never_written(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        write_new_text(path, "theirs")
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]


@given(content=st.binary(max_size=40), added=st.text(min_size=1, max_size=20))
def test_every_byte_stays_before_what_is_appended(tmp_path_factory, content, added):
    path = tmp_path_factory.mktemp("append") / "t.txt"
    path.write_bytes(content)
    append_text(path, lambda _: added)
    after = path.read_bytes()
    assert after.startswith(content)
    start = b"" if not content or content.endswith((b"\n", b"\r")) else b"\n"
    assert after == content + start + added.encode("utf-8", "surrogateescape")


def test_what_is_saved_while_lines_are_appended_is_not_lost(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("mine\n")

    def save_meanwhile(_):
        path.write_text("mine, edited\n")
        return "offered\n"

    append_text(path, save_meanwhile)
    assert path.read_text() == "mine, edited\noffered\n"


def test_an_editor_that_replaces_the_file_wins(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("mine\n")

    def replace_meanwhile(_):
        (tmp_path / "t.txt~").write_text("mine, edited\n")
        (tmp_path / "t.txt~").replace(path)
        return "offered\n"

    append_text(path, replace_meanwhile)
    assert path.read_text() == "mine, edited\n"


def test_only_one_appends_at_a_time(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("")
    line = "offered\n"

    def once(text):
        return "" if line in text else line

    threads = [
        threading.Thread(target=append_text, args=(path, once)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() == line


FULL = """
import resource, sys
from pathlib import Path
from phoenix_core.files.atomic import append_text
resource.setrlimit(resource.RLIMIT_FSIZE, (9, 9))
append_text(Path(sys.argv[1]), lambda _: "offered\\n")
"""


def test_what_does_not_fit_is_not_appended_at_all(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("mine\n")
    done = subprocess.run(
        [sys.executable, "-c", FULL, path], capture_output=True, text=True, check=False
    )
    assert "No space left" in done.stderr
    assert path.read_text() == "mine\n"
