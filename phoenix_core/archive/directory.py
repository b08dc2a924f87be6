"""archive_directory, the ARCHIVE of the core: a directory that keeps what it is given.

    objects/<2 digits>/<sha256>    contents, each once, read only
    names/<name>.json              what has a name: sums, size, dataset, category, when

Names are unique and nothing is overwritten: another content of a name is a conflict.
A file is written under a temporary name, brought to disk, read again from there and
held to its sums (of FITS also to DATASUM and CHECKSUM) before it gets its place, and
then its name. The names on disk are the truth; the table `archive_directory` of the
database answers questions, and is made of them where it is missing.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs
import sqlalchemy as sa
from attrs import field, frozen, validators

from phoenix_core import hookimpl
from phoenix_core.archive.idp_category import category_of, is_fits_name
from phoenix_core.association_block import is_safe_name
from phoenix_core.config import Config
from phoenix_core.errors import ArchiveConflictError, IngestionError
from phoenix_core.files.atomic import remove_leftovers, temporary_of
from phoenix_core.files.on_disk import sync
from phoenix_core.files.regular_file import open_regular, read_regular
from phoenix_core.files.sums import sha256
from phoenix_core.fits.file import check_fits
from phoenix_core.model import Idp, Receipt, Run, Stored
from phoenix_core.records.database import make_tables, open_database
from phoenix_core.records.lines import now

NAME: Final = "archive_directory"
_CHUNK: Final = 1 << 20  # bytes
_READ_ONLY: Final = 0o444
_SHA256: Final = r"[0-9a-f]{64}"

metadata = sa.MetaData()
catalogue = sa.Table(
    NAME,
    metadata,
    sa.Column("archive", sa.String(1024), primary_key=True),
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("md5", sa.String(32), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("category", sa.String(68), nullable=False),
    sa.Column("dataset", sa.String(255), nullable=False),
    sa.Column("target", sa.String(255), nullable=False),
    sa.Column("run", sa.String(32), nullable=False),
    sa.Column("ingested_at", sa.String(32), nullable=False),
)


@frozen
class Options:
    """Where the archive lies; ``{root}`` is the root of the configuration."""

    path: str = "{root}/archive"


@frozen
class Entry:
    """What has a name in the archive; the dataset is its science file."""

    name: str
    sha256: str = field(validator=validators.matches_re(_SHA256))
    md5: str
    size: int = field(validator=validators.instance_of(int))
    category: str
    dataset: str
    target: str
    run: str
    ingested_at: str


@frozen
class Archive:
    """An archive on disk."""

    path: Path

    def object_path(self, total: str) -> Path:
        """Where a content lies."""
        return self.path / "objects" / total[:2] / total

    def entry_path(self, name: str) -> Path:
        """Where it stands what has a name."""
        return self.path / "names" / f"{name}.json"


def check_config(config: Config, options: Options) -> None:
    """Refuse an archive that is one of phoenix's own directories.

    Raises:
        ConfigError: files come and go there.
    """
    path = os.path.realpath(place(config, options))
    for name, directory in attrs.asdict(config.directories).items():
        is_inside = name != "root" and Path(path).is_relative_to(
            os.path.realpath(directory)
        )
        if is_inside or path == os.path.realpath(config.directories.root):
            problem = f"is in the directory '{name}', where files come and go"
            raise config.wrong(NAME, "path", problem)


def place(config: Config, options: Options) -> Path:
    """Return the directory of the archive."""
    root = config.directories.root
    return root / Path(options.path.replace("{root}", str(root))).expanduser()


def archive_of(run: Run) -> Archive:
    """Return the archive of a run's configuration."""
    return Archive(place(run.config, run.options(NAME, Options)))


@hookimpl
def ingest_products_archive(run: Run, idp: Idp) -> Receipt:
    """Keep each file of a dataset, the science file last.

    Raises:
        IngestionError: a name has another content; a file is damaged; the disk is full.
    """
    archive = archive_of(run)
    paths = (idp.path, *idp.files)
    for directory in ("objects", "names"):
        remove_leftovers(archive.path / directory)
    try:
        known = {path: _known(archive, path) for path in paths}
        entries = {
            path: known[path] or _keep(archive, run, idp, path)
            for path in reversed(paths)
        }
    except OSError as error:
        where = error.filename or archive.path
        reason = error.strerror or str(error)
        raise IngestionError(
            f"{idp.path.name} was not archived: {where}: {reason}; what it has of it "
            "stays, call again"
        ) from error
    _list(run, archive, [*entries.values()])
    return Receipt(
        block=idp.block,
        files=tuple(_stored(archive, entries[path]) for path in paths),
        at=now(),
    )


@hookimpl
def ingest_products_archive_proof(run: Run, files: Sequence[Stored]) -> list[Stored]:
    """Read the contents again, to the end."""
    archive = archive_of(run)
    return [file for file in files if _is_held(archive, file)]


def rebuild(run: Run) -> int:
    """Fill the catalogue of the database from what is on disk; return how many names.

    Raises:
        IngestionError: an entry is damaged.
    """
    archive = archive_of(run)
    entries = list(_entries(archive))
    _list(run, archive, entries)
    return len(entries)


# Files ----------------------------------------------------------------------------


def _known(archive: Archive, path: Path) -> Entry | None:
    """What has the name of a file already: this file."""
    if not is_safe_name(path.name):
        raise IngestionError(f"'{path.name}' is no name for a file in an archive")
    entry = _read_entry(archive.entry_path(path.name))
    if entry is None:
        return None
    total = sha256(path)
    if entry.sha256 != total:
        raise _conflict(archive, path, entry)
    if not _has_content(archive.object_path(total), total):
        _store(archive, path)  # it was lost or damaged there, and here it is
    return entry


def _conflict(archive: Archive, path: Path, entry: Entry) -> ArchiveConflictError:
    """Return the error for a name that has another content in the archive."""
    return ArchiveConflictError(
        f"{path.name} is in {archive.path} with another content, of the dataset "
        f"{entry.dataset} ({entry.ingested_at}); nothing there is overwritten"
    )


def _keep(archive: Archive, run: Run, idp: Idp, path: Path) -> Entry:
    total, md5, size = _store(archive, path)
    entry = Entry(
        name=path.name,
        sha256=total,
        md5=md5,
        size=size,
        category=category_of(idp, path),
        dataset=idp.path.name,
        target=idp.target,
        run=run.label,
        ingested_at=now(),
    )
    _name(archive.entry_path(path.name), entry)
    return entry


def _name(target: Path, entry: Entry) -> None:
    """Say what has a name; if it has one already, another call was quicker."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_of(target)
    try:
        temporary.write_text(json.dumps(attrs.asdict(entry), indent=1), "utf-8")
        sync([temporary])
        target.hardlink_to(temporary)
    except FileExistsError:
        there = _read_entry(target)
        if there is None or there.sha256 != entry.sha256:
            raise ArchiveConflictError(
                f"{entry.name} was archived by another call meanwhile, with another "
                "content; nothing there is overwritten"
            ) from None
    finally:
        temporary.unlink(missing_ok=True)
    sync([target.parent, target.parent.parent])


def _store(archive: Archive, path: Path) -> tuple[str, str, int]:
    """Bring a content to its place; return sha256, md5 and size."""
    objects = archive.path / "objects"
    objects.mkdir(parents=True, exist_ok=True)
    temporary = temporary_of(objects / path.name)
    try:
        total, md5, size = _copy(path, temporary)
        _check_written(path, temporary, total)
        target = archive.object_path(total)
        target.parent.mkdir(exist_ok=True)
        temporary.chmod(_READ_ONLY)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    sync([target.parent, objects])
    return total, md5, size


def _copy(path: Path, temporary: Path) -> tuple[str, str, int]:
    sums = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    size = 0
    with open_regular(path) as source, temporary.open("xb", buffering=0) as target:
        while chunk := source.read(_CHUNK):
            for one in sums:
                one.update(chunk)
            size += len(chunk)
            view = memoryview(chunk)
            while view:
                view = view[target.write(view) :]
        os.fsync(target.fileno())
        # What is read again shall come from the disk.
        os.posix_fadvise(target.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return sums[0].hexdigest(), sums[1].hexdigest(), size


def _check_written(path: Path, temporary: Path, total: str) -> None:
    problems: tuple[str, ...] = ()
    if is_fits_name(path.name):
        found = check_fits(temporary)
        problems, written = found.problems, found.sha256
    else:
        written = sha256(temporary)
    if written != total:
        raise IngestionError(
            f"{path.name}: what was written to {temporary.parent} is not what was read"
        )
    if problems:
        raise IngestionError(f"{path} is damaged: {problems[0]}; convert it again")


def _is_held(archive: Archive, file: Stored) -> bool:
    if not is_safe_name(file.name):
        return False
    try:
        entry = _read_entry(archive.entry_path(file.name))
    except IngestionError:
        return False  # of this one; the others may be proved
    if entry is None or entry.size != file.size:
        return False
    if file.checksum != f"sha256:{entry.sha256}":
        return False
    return _has_content(archive.object_path(entry.sha256), entry.sha256)


def _has_content(path: Path, total: str) -> bool:
    """Whether a content is there, and not only a link to where it is as well."""
    try:
        return not path.is_symlink() and sha256(path) == total
    except OSError:
        return False


def _stored(archive: Archive, entry: Entry) -> Stored:
    where = archive.object_path(entry.sha256)
    return Stored(entry.name, str(where), entry.size, f"sha256:{entry.sha256}")


# The catalogue --------------------------------------------------------------------


def _read_entry(path: Path) -> Entry | None:
    try:
        content = read_regular(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise IngestionError(f"{path}: {error.strerror}") from error
    try:
        return Entry(**json.loads(content))
    except (ValueError, TypeError, RecursionError) as error:
        raise IngestionError(
            f"{path} is damaged: it does not say what has this name; remove it, and "
            "ingest the file again"
        ) from error


def _entries(archive: Archive) -> Iterator[Entry]:
    for path in sorted((archive.path / "names").glob("*.json")):
        if entry := _read_entry(path):
            yield entry


def _list(run: Run, archive: Archive, entries: Sequence[Entry]) -> None:
    """Put entries into the table of the database; all there are, where it is new."""

    def make(engine: sa.Engine) -> None:
        is_new = not sa.inspect(engine).has_table(NAME)
        make_tables(engine, metadata, cache=catalogue)
        _write_rows(engine, archive, list(_entries(archive)) if is_new else entries)

    with open_database(run.config.database, make):
        pass


def _write_rows(engine: sa.Engine, archive: Archive, entries: Sequence[Entry]) -> None:
    rows = [{"archive": str(archive.path), **attrs.asdict(e)} for e in entries]
    if not rows:
        return
    old = sa.delete(catalogue).where(
        catalogue.c.archive == sa.bindparam("in_archive"),
        catalogue.c.name == sa.bindparam("of_name"),
    )
    keys = [{"in_archive": row["archive"], "of_name": row["name"]} for row in rows]
    with engine.begin() as connection:
        connection.execute(old, keys)
        connection.execute(sa.insert(catalogue), rows)
