"""Text files exchanged with another site: any place that fsspec can reach."""

import logging
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from muse_deep_plugin.preparation.run_tables import check_deep_modes
from phoenix_core.errors import ConfigError
from phoenix_core.files.atomic import write_bytes

_LARGEST = 10_000_000  # bytes; a line a run is a hundredth of that


def send(path: Path, site: str) -> bool:
    """Put a file there, in one step, where it is not the same already.

    Args:
        path: the file; where there is none, nothing is sent.
        site: the directory, as an fsspec URL.

    Raises:
        ConfigError: the other site cannot be reached or written.
    """
    if not path.is_file():
        return False
    import fsspec  # noqa: PLC0415, costs start-up

    _keep_quiet()
    content = path.read_bytes()
    try:
        store, root = fsspec.core.url_to_fs(site)
        target = f"{root.rstrip('/')}/{path.name}"
        if _content(store, target) == content:
            return False
        store.makedirs(root, exist_ok=True)
        temporary = f"{root.rstrip('/')}/.{path.name}.{socket.gethostname()}"
        temporary = f"{temporary}-{os.getpid()}.tmp"
        try:
            store.pipe_file(temporary, content)
            store.mv(temporary, target)
        except BaseException:
            with suppress(Exception):  # it may not be there, nor the site any more
                store.rm_file(temporary)
            raise
    except Exception as error:  # whatever the driver of a site makes of it
        raise _failed(f"{path.name} cannot be sent to", site, error) from error
    return True


def fetch(path: Path, site: str) -> bool:
    """Take DEEP_MODE.txt from there, in one step, where it is not the same already.

    Args:
        path: where it is put; where the other site has none, nothing happens.
        site: the directory, as an fsspec URL.

    Raises:
        ConfigError: the other site cannot be reached, or what it has is no such table;
            what is here stays.
    """
    import fsspec  # noqa: PLC0415

    _keep_quiet()
    try:
        store, root = fsspec.core.url_to_fs(site)
        content = _content(store, f"{root.rstrip('/')}/{path.name}")
    except Exception as error:  # whatever the driver of a site makes of it
        raise _failed(f"{path.name} cannot be fetched from", site, error) from error
    if content is None or (path.is_file() and path.read_bytes() == content):
        return False
    try:
        check_deep_modes(content)
    except ConfigError as error:
        first = ValueError(str(error).split("\n")[0])
        raise _failed(f"{path.name} is not taken from", site, first) from error
    write_bytes(path, content)
    return True


def _content(store: Any, path: str) -> bytes | None:
    """Read a file of the other site, None where there is none."""
    try:
        told = store.info(path)
        if told["type"] != "file":
            raise ValueError(f"{path} is no file but a {told['type']}")
        if (told.get("size") or 0) > _LARGEST:
            raise ValueError(f"{path} is too large for a table")
        content: bytes = store.cat_file(path)
    except FileNotFoundError:
        return None
    return content


def _keep_quiet() -> None:
    """Let no driver print what it logs, in threads of its own too: one line tells."""
    logger = logging.getLogger("paramiko")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _failed(what: str, site: str, error: Exception) -> ConfigError:
    shown = site.rsplit("@", maxsplit=1)[-1] if "://" in site else site
    told = " ".join(str(error).split()) or type(error).__name__
    return ConfigError(f"other_site: {what} {shown}: {told}")
