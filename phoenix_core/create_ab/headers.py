"""The header database: what rules look at, of every file, read once.

A file is read again when its size or a time of change differ, or when rules look at
other keywords. The files are the truth: the table can be dropped at any time, and where
the database fails all files are read again.
"""

import contextlib
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.exc import SQLAlchemyError

from phoenix_core.create_ab.fits_header import Header, read_header
from phoenix_core.create_ab.rules import Value
from phoenix_core.records.database import make_tables
from phoenix_core.records.ledger import Ledger

_SUFFIXES = (".fits", ".fits.fz")
_PACKED = re.compile(r"\.fits\.(gz|Z|bz2|xz|zip)$", re.IGNORECASE)
_THREADS = 8  # reading waits for disks, and those of observatories are far away
_AT_ONCE = 64  # files a task
_ROWS = 2000  # rows a statement
_FOLDERS = 500  # a query

_KINDS = (str, int, float)  # of values; True is an int

_T = TypeVar("_T")

metadata = sa.MetaData()
headers = sa.Table(
    "headers",
    metadata,
    sa.Column("path", sa.String(1024), primary_key=True),
    sa.Column("folder", sa.String(1024), nullable=False, index=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("mtime_ns", sa.BigInteger, nullable=False),
    sa.Column("ctime_ns", sa.BigInteger, nullable=False),
    sa.Column("wanted", sa.String(16), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
)


@frozen
class FileHeader:
    """A file below a directory, and its header."""

    path: str
    name: str
    header: Header


@frozen
class _Found:
    """A file as its directory shows it; one with a `problem` is not read."""

    path: str
    folder: str
    name: str
    state: tuple[int, int, int] = (0, 0, 0)  # size, times of change
    problem: str = ""


def headers_below(
    ledger: Ledger, directory: Path, wanted: tuple[str, ...]
) -> tuple[FileHeader, ...]:
    """Return the headers of all FITS files below a directory, sorted by path.

    Dead links, files that are packed and directories that cannot be read are among
    them, with that as their problem.

    Args:
        ledger: whose database keeps what was read.
        directory: followed through links, in any depth; none: no files.
        wanted: the keywords; of an extension ``EXTNAME:KEYWORD``.
    """
    every = {found.path: found for found in _files(directory)}
    there = {path: found for path, found in every.items() if not found.problem}
    mark = hashlib.sha256(json.dumps(wanted).encode()).hexdigest()[:16]
    folders = {found.folder for found in there.values() if found.folder.isprintable()}
    known = _known(ledger.engine, folders, mark)
    kept = {
        path: content
        for path, (*state, content) in known.items()
        if path in there and there[path].state == tuple(state)
    }
    found = _parsed(kept)
    fresh = [one for path, one in there.items() if path not in found]
    read = dict(_read(fresh, wanted))
    gone = [path for path in known if path not in there]
    if fresh or gone:
        _keep(ledger.engine, mark, [(one, read[one.path]) for one in fresh], gone)
    found |= read
    found |= {p: Header({}, one.problem) for p, one in every.items() if one.problem}
    return tuple(
        FileHeader(path, every[path].name, found[path]) for path in sorted(every)
    )


def find_headers(
    directory: Path, name: str, wanted: tuple[str, ...]
) -> tuple[FileHeader, ...]:
    """Read the headers of all files of a name below a directory, sorted by path."""
    return tuple(
        FileHeader(
            found.path,
            name,
            Header({}, found.problem)
            if found.problem
            else read_header(Path(found.path), wanted),
        )
        for found in sorted(_files(directory), key=lambda found: found.path)
        if found.name == name
    )


def _files(directory: Path) -> Iterator[_Found]:
    """Walk through a directory; a link that leads in a circle is followed once."""
    seen: set[tuple[int, int]] = set()
    open_folders = [str(directory)]
    while open_folders:
        folder = open_folders.pop()
        try:
            entries = _entries(folder, seen)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            yield _Found(folder, folder, folder, problem=_told(error))
            continue
        for entry in entries:
            try:
                now = entry.stat()
            except OSError as error:
                # A link to nowhere may be a night on a disk that is not mounted.
                if entry.is_symlink() or not isinstance(error, FileNotFoundError):
                    told = _told(error)
                    yield _Found(entry.path, folder, entry.name, problem=told)
                continue
            if stat.S_ISDIR(now.st_mode):
                open_folders.append(entry.path)
            else:
                yield from _file(entry, folder, now)


def _entries(folder: str, seen: set[tuple[int, int]]) -> list[os.DirEntry[str]]:
    """What is in a directory; nothing where it was seen before."""
    place = os.stat(folder)  # noqa: PTH116, text as scandir's
    if (place.st_dev, place.st_ino) in seen:
        return []
    seen.add((place.st_dev, place.st_ino))
    with os.scandir(folder) as entries:
        return list(entries)


def _file(
    entry: os.DirEntry[str], folder: str, now: os.stat_result
) -> Iterator[_Found]:
    if entry.name.endswith(_SUFFIXES):
        state = (now.st_size, now.st_mtime_ns, now.st_ctime_ns)
        yield _Found(entry.path, folder, entry.name, state)
    elif match := _PACKED.search(entry.name):
        told = f"is packed (.{match[1]}), only .fits and .fits.fz are read"
        yield _Found(entry.path, folder, entry.name, problem=told)


def _told(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "is a dead link"
    return f"cannot be read: {error.strerror}"


def _known(
    engine: sa.Engine, folders: set[str], mark: str
) -> dict[str, tuple[int, int, int, str]]:
    """Return what was read in some folders before, under the same keywords.

    A table that cannot be read is dropped: what is in it can be read again.
    """
    columns = (headers.c.path, headers.c.size, headers.c.mtime_ns, headers.c.ctime_ns)
    known: dict[str, tuple[int, int, int, str]] = {}
    try:
        make_tables(engine, metadata, cache=headers)
        with engine.connect() as connection:
            for some in _batches(sorted(folders), _FOLDERS):
                query = sa.select(*columns, headers.c.content).where(
                    headers.c.folder.in_(some), headers.c.wanted == mark
                )
                rows = connection.execute(query)
                known |= {row[0]: (row[1], row[2], row[3], row[4]) for row in rows}
    except SQLAlchemyError:
        with contextlib.suppress(SQLAlchemyError):
            headers.drop(engine)
            headers.create(engine)
        return {}
    return known


def _parsed(contents: Mapping[str, str]) -> dict[str, Header]:
    """Return headers that were kept; none where one of them is damaged."""
    try:  # all at once: it is quicker
        rows = json.loads(f"[{','.join(contents.values())}]")
        return {p: _header(*row) for p, row in zip(contents, rows, strict=True)}
    except (TypeError, ValueError):
        return {}


def _header(values: dict[str, Value], problem: str) -> Header:
    """Return a header that was kept; it may be anything.

    Raises:
        TypeError: it is no header.
    """
    is_one = isinstance(values, dict) and isinstance(problem, str)
    if not is_one or not all(isinstance(v, _KINDS) for v in values.values()):
        raise TypeError
    return Header(values, problem)


def _read(
    files: Sequence[_Found], wanted: tuple[str, ...]
) -> Iterator[tuple[str, Header]]:
    def some(found: Sequence[_Found]) -> list[tuple[str, Header]]:
        return [(one.path, read_header(Path(one.path), wanted)) for one in found]

    with ThreadPoolExecutor(_THREADS) as pool:
        for rows in pool.map(some, _batches(files, _AT_ONCE)):
            yield from rows


def _keep(
    engine: sa.Engine,
    mark: str,
    read: Iterable[tuple[_Found, Header]],
    gone: Sequence[str],
) -> None:
    rows: list[Mapping[str, object]] = [
        {
            "path": found.path,
            "folder": found.folder,
            **dict(zip(("size", "mtime_ns", "ctime_ns"), found.state, strict=True)),
            "wanted": mark,
            "content": json.dumps([dict(header.values), header.problem]),
        }
        for found, header in read
        if header.read and found.path.isprintable()
    ]
    old = sa.delete(headers).where(headers.c.path == sa.bindparam("b_path"))
    stale = [{"b_path": path} for path in (*gone, *(str(row["path"]) for row in rows))]
    # Another phoenix that reads the same files at the same time has kept them, or has
    # locked the database.
    with contextlib.suppress(SQLAlchemyError), engine.begin() as connection:
        for some in _batches(stale, _ROWS):
            connection.execute(old, list(some))
        for some_rows in _batches(rows, _ROWS):
            connection.execute(sa.insert(headers), list(some_rows))


def _batches(things: Iterable[_T], size: int) -> Iterator[Sequence[_T]]:
    iterator = iter(things)
    while batch := tuple(islice(iterator, size)):
        yield batch
