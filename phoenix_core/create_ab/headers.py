"""The header database: what rules look at, of every file, read once.

A file is read again when its size or time of change differ, or when rules look at
other keywords. The files are the truth: the table can be dropped at any time.
"""

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from phoenix_core.create_ab.fits_header import Header, read_header
from phoenix_core.ledger import Ledger

_SUFFIXES = (".fits", ".fits.fz")
_PACKED = re.compile(r"\.fits\.(gz|Z|bz2|xz|zip)$", re.IGNORECASE)
_THREADS = 8  # reading waits for disks, and those of observatories are far away
_AT_ONCE = 64  # files a task
_ROWS = 2000  # rows a statement
_FOLDERS = 500  # a query

_T = TypeVar("_T")

metadata = sa.MetaData()
headers = sa.Table(
    "headers",
    metadata,
    sa.Column("path", sa.String(1024), primary_key=True),
    sa.Column("folder", sa.String(1024), nullable=False, index=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("mtime_ns", sa.BigInteger, nullable=False),
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
    size: int = 0
    mtime_ns: int = 0
    problem: str = ""


def headers_below(
    ledger: Ledger, directory: Path, wanted: tuple[str, ...]
) -> tuple[FileHeader, ...]:
    """Return the headers of all FITS files below a directory, sorted by path.

    Dead links and files that are packed are among them, with that as their problem.

    Args:
        ledger: whose database keeps what was read.
        directory: followed through links, in any depth; none: no files.
        wanted: the keywords; of an extension ``EXTNAME:KEYWORD``.
    """
    _make_table(ledger.engine)
    every = {found.path: found for found in _files(directory)}
    there = {path: found for path, found in every.items() if not found.problem}
    mark = hashlib.sha256(json.dumps(wanted).encode()).hexdigest()[:16]
    folders = {found.folder for found in there.values()}
    known = _known(ledger.engine, folders, mark)
    kept = {
        path: content
        for path, (size, mtime_ns, content) in known.items()
        if path in there
        and (there[path].size, there[path].mtime_ns) == (size, mtime_ns)
    }
    fresh = [found for path, found in there.items() if path not in kept]
    read = dict(_read(fresh, wanted))
    gone = [path for path in known if path not in there]
    if fresh or gone:
        _keep(ledger.engine, mark, [(found, read[found.path]) for found in fresh], gone)
    contents = json.loads(f"[{','.join(kept.values())}]")  # at once: it is quicker
    found = {
        path: Header(*content) for path, content in zip(kept, contents, strict=True)
    }
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
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            place = os.stat(folder)  # noqa: PTH116, text as scandir's
            if (place.st_dev, place.st_ino) in seen:
                continue
            seen.add((place.st_dev, place.st_ino))
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.endswith(_SUFFIXES):
                        yield from _file(entry, folder)
                    elif match := _PACKED.search(entry.name):
                        told = (
                            f"is packed (.{match[1]}), only .fits and .fits.fz are read"
                        )
                        yield _Found(entry.path, folder, entry.name, problem=told)
                    elif entry.is_dir():
                        open_folders.append(entry.path)


def _file(entry: os.DirEntry[str], folder: str) -> Iterator[_Found]:
    """A file of a directory, or nothing if it went while we looked."""
    try:
        state = entry.stat()
    except FileNotFoundError:
        if entry.is_symlink():
            yield _Found(entry.path, folder, entry.name, problem="is a dead link")
        return
    yield _Found(entry.path, folder, entry.name, state.st_size, state.st_mtime_ns)


def _known(
    engine: sa.Engine, folders: set[str], mark: str
) -> dict[str, tuple[int, int, str]]:
    """Return what was read in some folders before, under the same keywords."""
    columns = (headers.c.path, headers.c.size, headers.c.mtime_ns, headers.c.content)
    known: dict[str, tuple[int, int, str]] = {}
    with engine.connect() as connection:
        for some in _batches(sorted(folders), _FOLDERS):
            query = sa.select(*columns).where(
                headers.c.folder.in_(some), headers.c.wanted == mark
            )
            known |= {
                row[0]: (row[1], row[2], row[3]) for row in connection.execute(query)
            }
    return known


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
            "size": found.size,
            "mtime_ns": found.mtime_ns,
            "wanted": mark,
            "content": json.dumps([dict(header.values), header.problem]),
        }
        for found, header in read
        if found.path.isprintable()
    ]
    old = sa.delete(headers).where(headers.c.path == sa.bindparam("b_path"))
    stale = [{"b_path": path} for path in (*gone, *(str(row["path"]) for row in rows))]
    # Another phoenix that reads the same files at the same time has kept them.
    with contextlib.suppress(IntegrityError), engine.begin() as connection:
        for some in _batches(stale, _ROWS):
            connection.execute(old, list(some))
        for some_rows in _batches(rows, _ROWS):
            connection.execute(sa.insert(headers), list(some_rows))


def _batches(things: Iterable[_T], size: int) -> Iterator[Sequence[_T]]:
    iterator = iter(things)
    while batch := tuple(islice(iterator, size)):
        yield batch


def _make_table(engine: sa.Engine) -> None:
    try:
        metadata.create_all(engine)
    except (OperationalError, ProgrammingError, IntegrityError):
        metadata.create_all(engine)  # another phoenix made it meanwhile
