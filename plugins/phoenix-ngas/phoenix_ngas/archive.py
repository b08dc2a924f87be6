"""archive_ngas (ARCHIVE): datasets go to NGAS, ESO's archive system.

Options stand in ``[archive_ngas]``; user and password only in the environment.
"""

import datetime as dt
import os
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from attrs import field, frozen, validators

from phoenix_core import hookimpl
from phoenix_core.config import Config
from phoenix_core.errors import ConfigError, IngestionError
from phoenix_core.model import Idp, Receipt, Run, Stored
from phoenix_ngas.exchange import Server
from phoenix_ngas.keep_apart import Notes
from phoenix_ngas.local_file import LocalFile, measured
from phoenix_ngas.proof import is_proved, receipt_of
from phoenix_ngas.store import Ngas, store

PGI = "archive_ngas"

# By suffix; a server has a table of those that it knows (its MimeTypes).
MIME_TYPES = {
    ".fits": "application/fits",
    ".png": "image/png",
    ".log": "text/plain",
    ".txt": "text/plain",
}
OTHER_MIME_TYPE = "application/octet-stream"
_BY_ARCFILE = "image/x-fits"  # what ESO's plug-in for FITS is configured for
_PORT = 7777  # of NGAS, where the address has none
_MIME_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)

_MORE = validators.gt(0.0)
_AT_MOST = validators.le(86400.0)  # a day (ours): sockets know no endless time


@frozen
class Options:
    """Where NGAS is and how it is used; times in seconds."""

    url: str = "http://localhost:7777"
    command: str = field(
        default="QARCHIVE", validator=validators.in_(("QARCHIVE", "ARCHIVE"))
    )
    crc_variant: int = field(default=0, validator=validators.in_((0, 2)))
    attempts: int = field(default=3, validator=validators.ge(1))
    pause: float = field(default=10.0, validator=[validators.ge(0), _AT_MOST])
    connect_timeout: float = field(default=10.0, validator=[_MORE, _AT_MOST])
    timeout: float = field(default=300.0, validator=[_MORE, _AT_MOST])
    user_env: str = "NGAS_USER"
    password_env: str = "NGAS_PASSWORD"  # noqa: S105, the name of a variable
    mime_types: Mapping[str, str] = field(factory=dict)
    ignore_arcfile: bool = False
    notes: str = ""

    def mime_type(self, path: Path) -> str:
        """Return what a file is sent as."""
        types = {**MIME_TYPES, **self.mime_types}
        return types.get(path.suffix.lower(), OTHER_MIME_TYPE)


def check_config(config: Config, options: Options) -> tuple[str, ...]:
    """Tell at load what would fail at the first file.

    Raises:
        ConfigError: the address is none, or holds a password; a mime type is none.
    """
    _server(config, options, {})
    for suffix, mime_type in options.mime_types.items():
        if not suffix.startswith(".") or not _MIME_TYPE.fullmatch(mime_type):
            problem = f"has '{suffix}' = '{mime_type}'; expected '.suffix' = 'a/b'"
            raise config.wrong(PGI, "mime_types", problem)
    names = (options.user_env, options.password_env)
    missing = [name for name in names if not os.environ.get(name)]
    if len(missing) == 1:
        return (f"${missing[0]} is not set, ${_other(names, missing[0])} is",)
    return ()


@hookimpl
def ingest_products_archive(run: Run, idp: Idp) -> Receipt:
    """Store what NGAS does not have yet of a dataset, its science file last.

    Raises:
        IngestionError: the first file that could not be stored or proved, and why.
    """
    if idp.missing:
        raise IngestionError(f"{idp.block} lacks {', '.join(idp.missing)}")
    options = run.options(PGI, Options)
    ngas = _ngas(run, options)
    files = [_measured(path, options) for path in (*idp.files, idp.path)]
    _check_names(files)
    receipts: list[Stored] = []
    remarks: list[str] = []
    for file in files:
        held = store(ngas, file, options.mime_type(file.path))
        receipts.append(receipt_of(ngas.server, file, held.file))
        remarks += held.remarks
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    *others, science = receipts
    return Receipt(idp.block, (science, *others), now, tuple(remarks))


@hookimpl
def ingest_products_archive_proof(run: Run, files: Sequence[Stored]) -> list[Stored]:
    """Return those that NGAS, reading its copies again, finds to be as they were.

    Raises:
        IngestionError: NGAS cannot be asked.
    """
    ngas = _ngas(run, run.options(PGI, Options))
    return [stored for stored in files if is_proved(ngas, stored)]


# How it is used -------------------------------------------------------------------


def _ngas(run: Run, options: Options) -> Ngas:
    headers = _authorization(options)
    return Ngas(
        server=_server(run.config, options, headers),
        notes=Notes(_notes_directory(run.config, options)),
        command=options.command,
        crc_variant=options.crc_variant,
        attempts=options.attempts,
        pause=options.pause,
        ignore_arcfile=options.ignore_arcfile,
    )


def _notes_directory(config: Config, options: Options) -> Path:
    if options.notes:
        return Path(options.notes).expanduser().absolute()
    return config.directories.monitor / ".ngas"


def _server(config: Config, options: Options, headers: Mapping[str, str]) -> Server:
    try:
        parts = urlsplit(options.url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise config.wrong(PGI, "url", f"is no address: {error}") from error
    if parts.username is not None or parts.password is not None:
        problem = "holds a user or password; put them into environment variables, "
        raise config.wrong(PGI, "url", f"{problem}see user_env and password_env")
    is_whole = host and parts.scheme in {"http", "https"}
    if not is_whole or parts.path not in {"", "/"} or parts.query or parts.fragment:
        problem = f"is '{options.url}'; expected such as http://host:7777"
        raise config.wrong(PGI, "url", problem)
    return Server(
        scheme=parts.scheme,
        host=host or "",
        port=port or _PORT,
        connect_timeout=options.connect_timeout,
        timeout=options.timeout,
        headers=headers,
    )


def _authorization(options: Options) -> dict[str, str]:
    """Basic authorization by the environment; nothing, where that has nothing."""
    names = (options.user_env, options.password_env)
    user, password = (os.environ.get(name, "") for name in names)
    if not user and not password:
        return {}
    if not user or not password:
        missing = names[0] if not user else names[1]
        told = f"${missing} is not set, ${_other(names, missing)} is"
        raise ConfigError(f"[{PGI}] {told}; set both, or none")
    token = b64encode(f"{user}:{password}".encode()).decode("ascii")
    return {"Authorization": f"Basic {token}"}


def _other(names: tuple[str, str], name: str) -> str:
    return names[1] if name == names[0] else names[0]


def _measured(path: Path, options: Options) -> LocalFile:
    by_arcfile = options.mime_type(path) == _BY_ARCFILE and not options.ignore_arcfile
    return measured(path, with_arcfile=by_arcfile)


def _check_names(files: Sequence[LocalFile]) -> None:
    """The archive knows names, not directories."""
    by_name: dict[str, LocalFile] = {}
    for file in files:
        other = by_name.setdefault(file.name, file)
        if other is not file:
            raise IngestionError(
                f"{other.path} and {file.path} would be one file in the archive; "
                "rename one of them"
            )
