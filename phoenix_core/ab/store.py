"""The AB store: branches of ABs by date, at any place that fsspec can reach.

ABs lie as ``<ab_store>/<branch>/<date>/<AB name>``. Nothing that is read there is
trusted, and what is written there is never seen half.
"""

import errno
import os
import socket
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import fsspec
from attrs import field, frozen

from phoenix_core.ab.file import parse_block
from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import ConfigError

LARGEST: Final = 10_000_000
"""Bytes of an AB; one of 1,000 inputs has a hundredth."""
_TRIES = 5
_FAILURES = (OSError, ValueError, ImportError, NotImplementedError)


@frozen
class AbFolder:
    """One date of a branch of the store."""

    url: str
    system: Any = field(repr=False)  # an fsspec file system
    root: str = ""
    told_by: str = ""  # the configuration file, for messages

    @property
    def shown(self) -> str:
        """Its address without a password."""
        hidden = self.url.rsplit("@", maxsplit=1)[-1]
        return hidden if "://" in self.url else self.url

    def path(self, name: str) -> str:
        """Where an AB of that name lies."""
        return f"{self.root.rstrip('/')}/{name}"

    def names(self) -> tuple[str, ...]:
        """Return the names of the ABs in it, none where there is no such folder.

        Raises:
            ConfigError: the store does not answer.
        """
        return tuple(self.marks())

    def marks(self) -> dict[str, str]:
        """Return the names of the ABs, each with what changes when it is written.

        It is what the store tells of it without reading it: size, time, ETag ...

        Raises:
            ConfigError: the store does not answer.
        """
        found = self._entries()
        marks = {
            str(told["name"]).rstrip("/").rsplit("/", maxsplit=1)[-1]: repr(told)
            for told in found
        }
        return {name: marks[name] for name in sorted(marks) if name.endswith(".ab")}

    def _entries(self) -> list[dict[str, Any]]:
        for _ in range(_TRIES):
            try:
                found: list[dict[str, Any]] = self.system.ls(self.root, detail=True)
            except FileNotFoundError as error:
                # A file that somebody takes away meanwhile is told in this way, too.
                gone = error
            except _FAILURES as error:
                raise self.failed("read", error) from error
            else:
                return found
            if not self.system.exists(self.root):
                return []
        raise self.failed("read", gone) from gone

    def content(self, name: str) -> bytes | None:
        """Return the bytes of an AB, None where it is not there.

        Raises:
            ConfigError: it is no file, too large for an AB, or cannot be read.
        """
        path = self.path(name)
        try:
            told = self.system.info(path)
            if told["type"] != "file" or (told.get("size") or 0) > LARGEST:
                raise ConfigError(f"{path} is no AB: a {told['type']}, or too large")
            # One by one: asked for many, a store takes [ and * in names for patterns.
            content: bytes = self.system.cat_file(path)
        except FileNotFoundError:
            return None
        except _FAILURES as error:
            raise self.failed("read", error, name) from error
        return content

    def read(self, name: str) -> AssociationBlock | None:
        """Return an AB, None where it is not there.

        Raises:
            ConfigError: it is no file, too large for an AB, or cannot be read.
        """
        content = self.content(name)
        return None if content is None else parse_block(content, Path(self.path(name)))

    def failed(self, verb: str, error: Exception, name: str = "") -> ConfigError:
        """Make the error for a store that does not do what it is asked for."""
        place = f"{self.shown}/{name}" if name else self.shown
        reason = str(error) or type(error).__name__
        where = f"{self.told_by}: " if self.told_by else ""
        return ConfigError(f"{where}ab_store: {place} cannot be {verb}: {reason}")


def ab_folder(ab_store: str, branch: str, date: str, told_by: str = "") -> AbFolder:
    """Return a date of a branch of a store.

    Args:
        ab_store: any address that fsspec understands, or a path.
        branch: the branch, '' where the store has none.
        date: a civil date, or the pseudo-date of a run.
        told_by: the configuration file, for messages.

    Raises:
        ConfigError: it is no address, or the driver for it is not installed.
    """
    url = "/".join(part for part in (ab_store.rstrip("/"), branch, date) if part)
    folder = AbFolder(url, None, told_by=told_by)
    try:
        # Not the instance that other calls share: it remembers what it listed.
        system, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
    except _FAILURES as error:
        raise folder.failed("read", error) from error
    return AbFolder(url, system, root, told_by)


def put(
    folder: AbFolder, blocks: Sequence[AssociationBlock], replaced: Iterable[str] = ()
) -> None:
    """Write ABs into a folder in their order, each of them whole or not at all.

    On a disk all of them are there under other names before the first one gets its
    own, so that a full disk leaves nothing to be seen; and one that somebody else
    wrote meanwhile is not overwritten. Elsewhere each is written in one request.

    Args:
        folder: where to.
        blocks: the ABs, the one that makes the others count last.
        replaced: the names that may be there, and are overwritten.

    Raises:
        ConfigError: the store takes none, or has one that is not to be replaced.
    """
    if _is_disk(folder):
        _put_on_disk(folder, blocks, frozenset(replaced))
        return
    for block in blocks:
        try:
            folder.system.makedirs(folder.root, exist_ok=True)
            folder.system.pipe_file(folder.path(block.name), _bytes(block))
        except _FAILURES as error:
            raise folder.failed("written", error, block.name) from error


def remove(folder: AbFolder, names: Iterable[str]) -> None:
    """Take ABs out of a folder, in this order; one that is gone is no error.

    Raises:
        ConfigError: the store does not let go of one.
    """
    for name in names:
        try:
            folder.system.rm_file(folder.path(name))
        except FileNotFoundError:
            continue
        except _FAILURES as error:
            raise folder.failed("removed", error, name) from error


def _is_disk(folder: AbFolder) -> bool:
    protocol = folder.system.protocol
    return "file" in ((protocol,) if isinstance(protocol, str) else protocol)


def _put_on_disk(
    folder: AbFolder, blocks: Sequence[AssociationBlock], replaced: frozenset[str]
) -> None:
    directory = Path(folder.root)
    # Told apart from those of others, who may write into the same folder.
    suffix = f".{socket.gethostname()}-{os.getuid()}.tmp"
    name = ""
    try:
        _make(directory)
        _clear(directory, suffix)  # of a call that was killed
        for block in blocks:
            name = block.name
            (directory / f".{name}{suffix}").write_bytes(_bytes(block))
        for block in blocks:
            name = block.name
            temporary = directory / f".{name}{suffix}"
            if name in replaced:
                temporary.replace(directory / name)
            else:
                _name_new(temporary, directory / name)
    except FileExistsError as error:
        told = f"{directory / name} was written by somebody else meanwhile; call again"
        raise ConfigError(told) from error
    except OSError as error:
        raise folder.failed("written", error, name) from error
    finally:
        with suppress(OSError):
            _clear(directory, suffix)


def _make(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        if directory.is_dir():  # a store may be a link, too
            return
        # Not told as one of the ABs, which others may have written meanwhile.
        told = "a file, or a link that leads nowhere, is in place of the folder"
        raise NotADirectoryError(errno.ENOTDIR, told, str(directory)) from None


def _name_new(temporary: Path, path: Path) -> None:
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:  # a disk without links
        if path.exists():
            raise FileExistsError from None
        temporary.replace(path)


def _clear(directory: Path, suffix: str) -> None:
    for entry in os.scandir(directory):
        if entry.name.startswith(".") and entry.name.endswith(suffix):
            Path(entry.path).unlink(missing_ok=True)


def _bytes(block: AssociationBlock) -> bytes:
    return block.text.encode("utf-8", "surrogateescape")
