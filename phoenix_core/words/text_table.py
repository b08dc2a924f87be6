r"""Tables that people edit: aligned columns, read with patience, never rewritten.

A line is a row: values separated by blanks, those with blanks in double quotes, where
\" is a quote and \\ a backslash; "" is an empty value. A line that begins with # is a
comment, or a row that is not selected. A # where a value would begin ends the row.

>>> layout = Layout(("RUN", "COMBINE", "COMMENT"), required=2, is_free=True)
>>> rows = parse_table('A "YES"  wait for B\n# B NO\n', Path("t"), layout, lambda r: r)
>>> rows[0].values
('A', 'YES', 'wait for B')
>>> print("\n".join(aligned([("A", quoted("NGC 300")), ("Abc", quoted(""))])))
A    "NGC 300"
Abc  ""
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from attrs import frozen

from phoenix_core.errors import ConfigError
from phoenix_core.files.regular_file import open_regular
from phoenix_core.words.plain_text import plain

_LINES = re.compile(r"\r\n|\n|\r")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_WORD = re.compile(r"\S+")
_BLANKS = re.compile(r"\s*")
_ESCAPED = re.compile(r"\\(.)")
_TYPOGRAPHIC = "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"
_TYPOGRAPHIC += "\N{DOUBLE LOW-9 QUOTATION MARK}"
_MARK = re.compile(r"\A#[#\s]*")
_BOM = "\N{BYTE ORDER MARK}"  # some editors begin a file with it
_GAP = "  "

ValueT = TypeVar("ValueT")


@frozen
class Layout:
    """The columns of a table, in their order.

    The first `required` ones cannot be left out. With `is_free` the last one is a text
    that needs no quotes: all that is left of the line.
    """

    columns: tuple[str, ...]
    required: int
    is_free: bool = False


@frozen
class Row:
    """A line of a table: a value a column, '' where the line is shorter."""

    line: int
    is_selected: bool
    values: tuple[str, ...]


@frozen
class Wrong:
    """A line that cannot be understood: its first word, and what is said of it."""

    line: int
    word: str
    said: str


def read_text(path: Path) -> str:
    """Read a file that a person edits.

    Raises:
        ConfigError: it cannot be read, or is no text in UTF-8.
    """
    try:
        with open_regular(path) as file:
            text = file.read().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    if "\0" in text:
        raise ConfigError(f"{path}: not a text; save it as UTF-8")
    return text


def no_row(_text: str) -> bool:
    """Say that no comment is a row: lines that begin with # are read over."""
    return False


def parse_table(
    text: str,
    path: Path,
    layout: Layout,
    make: Callable[[Row], ValueT],
    is_row: Callable[[str], bool] = no_row,
) -> tuple[ValueT, ...]:
    """Read a table, and make something of each row.

    Args:
        text: the table.
        path: its file, for messages.
        layout: its columns.
        make: makes a value of a row; what is wrong with it raises ValueError.
        is_row: as for `parse_lines`.

    Raises:
        ConfigError: every line that cannot be understood, and why, a line each.
    """
    found, wrong = parse_lines(text, path, layout, make, is_row)
    refuse([one.said for one in wrong])
    return found


def parse_lines(
    text: str,
    path: Path,
    layout: Layout,
    make: Callable[[Row], ValueT],
    is_row: Callable[[str], bool] = no_row,
) -> tuple[tuple[ValueT, ...], tuple[Wrong, ...]]:
    """Read a table line by line; what cannot be understood stops nothing else.

    Args:
        text: the table.
        path: its file, for messages.
        layout: its columns.
        make: makes a value of a row; what is wrong with it raises ValueError.
        is_row: whether a comment (without #) is a row that is not selected. What looks
            like one and cannot be understood is a comment.

    Returns:
        What was made, and the lines that are wrong.
    """
    found: list[ValueT] = []
    wrong = []
    for number, line in enumerate(_LINES.split(text.removeprefix(_BOM)), start=1):
        content = line.strip()
        is_selected = not content.startswith("#")
        bare = content if is_selected else _MARK.sub("", content)
        if not bare or not (is_selected or is_row(bare)):
            continue
        try:
            row = Row(number, is_selected, _values(bare, layout))
            found.append(make(row))
        except ValueError as error:
            if is_selected:
                said = f"{path}, line {number}: {error}"
                wrong.append(Wrong(number, bare.split()[0].strip('"'), said))
    return tuple(found), tuple(wrong)


def refuse(mistakes: Sequence[str]) -> None:
    """Refuse a file for its mistakes, all at once.

    Raises:
        ConfigError: there are mistakes.
    """
    if mistakes:
        raise ConfigError("\n".join(mistakes))


def quoted(text: str) -> str:
    r"""Return a text as a value of a table, on one line, in quotes where it needs them.

    >>> print(quoted("NGC300"), quoted('6" off'), quoted("#3"), quoted(""))
    NGC300 "6\" off" "#3" ""
    """
    line = plain(text)
    is_word = line and not re.search(r'[\s"#]', line) and line[0] not in _TYPOGRAPHIC
    return line if is_word else in_quotes(line)


def in_quotes(text: str) -> str:
    """Return a text as a value of a table, in quotes also where it is one word."""
    escaped = plain(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines with their columns one below the other."""
    lengths = [len(row) for row in rows]
    widths = [
        max(len(row[column]) for row in rows if len(row) > column)
        for column in range(max(lengths, default=0))
    ]
    return [
        _GAP.join(v.ljust(w) for v, w in zip(row, widths, strict=False)).rstrip()
        for row in rows
    ]


def _values(text: str, layout: Layout) -> tuple[str, ...]:
    """Take a line apart.

    Raises:
        ValueError: it cannot be understood; the message says the column.
    """
    values: list[str] = []
    at, columns = 0, layout.columns
    while (at := _next(text, at)) < len(text) and text[at] != "#":
        if len(values) == len(columns):
            raise ValueError(
                f"{plain(text[at:])} stands behind {columns[-1]}, the last column; "
                "values with blanks stand in double quotes"
            )
        column = columns[len(values)]
        is_last = len(values) == len(columns) - 1
        if layout.is_free and is_last and text[at] != '"':
            value, at = text[at:], len(text)
        else:
            value, at = _value(text, at, column)
        values.append(_checked(value, column))
    if len(values) < layout.required:
        missing = columns[len(values)]
        raise ValueError(f"{missing} is missing; expected {' '.join(columns)}")
    return (*values, *[""] * (len(columns) - len(values)))


def _next(text: str, at: int) -> int:
    match = _BLANKS.match(text, at)
    assert match
    return match.end()


def _value(text: str, at: int, column: str) -> tuple[str, int]:
    """Return the value that begins here, and where it ends."""
    if text[at] != '"':
        word = _WORD.match(text, at)
        assert word
        if '"' in word[0] or word[0][0] in _TYPOGRAPHIC:
            shown = plain(word[0])
            raise ValueError(f'{column} is {shown}; expected "text" (a quote is \\")')
        return word[0], word.end()
    match = _QUOTED.match(text, at)
    if not match:
        raise ValueError(f"{column} has a quote that nothing closes")
    end = match.end()
    if end < len(text) and not text[end].isspace():
        shown = plain(text[at:])
        raise ValueError(f'{column} is {shown}; expected "text" (a quote is \\")')
    return _ESCAPED.sub(r"\1", match[1]), end


def _checked(value: str, column: str) -> str:
    line = " ".join(value.split())
    if not line.isprintable():
        raise ValueError(
            f"{column} is '{plain(line)}', with a character that is no text; save the "
            "file as UTF-8"
        )
    return line
