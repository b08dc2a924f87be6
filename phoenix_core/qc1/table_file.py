"""Files with tables: CSV, ECSV and VOTable, as columns with names and units."""

import csv
import warnings
import xml.parsers.expat
from collections.abc import Mapping, Sequence
from io import BufferedReader, BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn, TextIO

from attrs import frozen

from phoenix_core.errors import ConfigError
from phoenix_core.files.regular_file import open_regular
from phoenix_core.qc1.ingest import told_mistakes

_TEXT = (".csv", ".ecsv")
_VOTABLE = (".xml", ".vot", ".votable")
_DELIMITERS = (",", " ")  # that ECSV has


@frozen
class TableFile:
    """A file as it was read; names are in lower case.

    The values of a text file are texts. `lines` are those of its rows, of other files
    the numbers of the rows; both count from 1.
    """

    names: tuple[str, ...]
    units: Mapping[str, str]
    columns: Mapping[str, Sequence[Any]]
    lines: Sequence[int]
    is_text: bool = True

    def where(self, row: int) -> str:
        """Say where a row is, which counts from 0."""
        return f"{'line' if self.is_text else 'row'} {self.lines[row]}"


def read_table(path: Path) -> TableFile:
    """Read a file.

    Raises:
        ConfigError: it is of no known kind, not what its name says, has a column
            twice, or rows of different lengths.
    """
    suffix = path.suffix.lower()
    if suffix not in (*_TEXT, *_VOTABLE):
        known = ", ".join((*_TEXT, *_VOTABLE))
        raise ConfigError(f"{path}: of which kind is this? expected one of {known}")
    table = _read_text(path) if suffix in _TEXT else _read_votable(path)
    if not table.names:
        raise ConfigError(f"{path}: no line names the columns")
    double = sorted({name for name in table.names if table.names.count(name) > 1})
    if double:
        raise ConfigError(f"{path}: the column {double[0]} is there twice")
    return table


def _read_text(path: Path) -> TableFile:
    try:
        with (
            open_regular(path) as file,
            TextIOWrapper(BufferedReader(file), "utf-8-sig", newline="") as text,
        ):
            return _parse(path, text)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: not CSV: {error}") from error


def _parse(path: Path, text: TextIO) -> TableFile:
    """Read what may begin with the header of ECSV."""
    comments: list[str] = []
    first = ""
    for first in text:
        if not first.startswith("#"):
            break
        comments.append(first.removeprefix("#").removeprefix(" ").rstrip("\r\n"))
    else:
        first = ""
    is_ecsv = bool(comments) and comments[0].startswith("%ECSV")
    head = _yaml(path, comments[1:]) if is_ecsv else {}
    delimiter = head.get("delimiter", " " if is_ecsv else ",")
    if delimiter not in _DELIMITERS:
        raise ConfigError(f"{path}: delimiter: {delimiter!r}; expected ',' or ' '")
    reader = csv.reader([first], delimiter=delimiter, strict=True)
    names = tuple(name.strip().lower() for name in next(reader, ()))
    begin = len(comments) + 1
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    rows = list(reader)
    lines: Sequence[int] = range(begin + 1, begin + 1 + len(rows))
    if reader.line_num != len(rows) or not all(rows):
        text.seek(0)
        rows, lines = _row_by_row(text, delimiter, begin)
    if set(map(len, rows)) - {len(names)}:
        wrong = [
            f"{path}, line {line}: {len(row)} values; expected {len(names)}"
            for row, line in zip(rows, lines, strict=True)
            if len(row) != len(names)
        ]
        raise ConfigError(told_mistakes(wrong))
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    units = {
        one["name"].lower(): str(one["unit"])
        for one in head.get("datatype", ())
        if one.get("unit")
    }
    return TableFile(names, units, dict(zip(names, columns, strict=True)), lines)


def _row_by_row(
    text: TextIO, delimiter: str, begin: int
) -> tuple[list[list[str]], list[int]]:
    """Read rows that have several lines, or lines without a row between them."""
    for _ in range(begin):
        text.readline()
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    ended = 0
    for row in reader:
        if row:
            rows.append(row)
            lines.append(begin + 1 + ended)
        ended = reader.line_num
    return rows, lines


def _yaml(path: Path, lines: Sequence[str]) -> dict[str, Any]:
    from astropy.table.meta import get_header_from_yaml  # noqa: PLC0415, start-up

    try:
        head = get_header_from_yaml(lines)
    except Exception as error:  # whatever a stranger's header makes of the reader
        told = " ".join(str(error).split())
        raise ConfigError(f"{path}: the header is not that of ECSV: {told}") from error
    described = head.get("datatype", ()) if isinstance(head, dict) else None
    if not isinstance(described, list | tuple) or not all(
        isinstance(one, dict) and isinstance(one.get("name"), str) for one in described
    ):
        expected = "datatype: a list of columns, each with its name"
        raise ConfigError(
            f"{path}: the header is not that of ECSV; expected {expected}"
        )
    return dict(head)


def _read_votable(path: Path) -> TableFile:
    from astropy.table import Table  # noqa: PLC0415, costs start-up

    with open_regular(path) as file:
        content = file.read()
    try:
        _refuse_other_files(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of files that are not quite right
            table = Table.read(BytesIO(content), format="votable")
    except ConfigError as error:
        raise ConfigError(f"{path}, {error}") from error
    except Exception as error:  # whatever a stranger's file makes of the reader
        told = " ".join(str(error).split())
        raise ConfigError(f"{path}: not a VOTable: {told}") from error
    names = tuple(name.lower() for name in table.colnames)
    columns = {
        name: [_decoded(value) for value in table[given].tolist()]
        for name, given in zip(names, table.colnames, strict=True)
    }
    units = {
        name: str(table[given].unit)
        for name, given in zip(names, table.colnames, strict=True)
        if table[given].unit is not None
    }
    return TableFile(names, units, columns, range(1, len(table) + 1), is_text=False)


def _refuse_other_files(content: bytes) -> None:
    """Refuse a VOTable that leads the reader to other files or to the network.

    Raises:
        ConfigError: the line, and what leads there.
        ExpatError: it is no XML.
    """
    parser = xml.parsers.expat.ParserCreate()

    def refuse(what: str) -> NoReturn:
        line = parser.CurrentLineNumber
        raise ConfigError(f"line {line}: {what}; expected all data in the file itself")

    def start(name: str, attributes: Mapping[str, str]) -> None:
        names = {key.rpartition(":")[2].lower() for key in attributes}
        if name.rpartition(":")[2].lower() == "stream" and "href" in names:
            refuse("a STREAM with href")

    parser.StartElementHandler = start
    parser.EntityDeclHandler = lambda *_: refuse("an entity")
    parser.ExternalEntityRefHandler = lambda *_: refuse("an entity of another file")
    parser.Parse(content, True)  # noqa: FBT003, as expat has it


def _decoded(value: object) -> object:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
