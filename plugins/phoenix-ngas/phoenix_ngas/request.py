"""Requests to an NGAS server, as they go over the wire.

The server takes Content-Disposition apart at ``;`` and ``=`` before it unquotes, and
would store ``a=b.fits`` as ``a``: a name is percent-encoded, whatever it has in it.
"""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from attrs import field, frozen

from phoenix_ngas.local_file import LocalFile


@frozen
class Request:
    """A request; one with a file sends the bytes of that."""

    method: str
    target: str
    headers: Mapping[str, str] = field(factory=dict)
    file: LocalFile | None = None

    @property
    def command(self) -> str:
        """The command of NGAS, for messages."""
        return self.target.removeprefix("/").partition("?")[0]


def archive(
    file: LocalFile,
    command: str,
    mime_type: str,
    crc_variant: int,
    *,
    ignore_arcfile: bool = False,
) -> Request:
    """Ask to store a file under its name; the server verifies its sum."""
    parameters: dict[str, str | int] = {"crc_variant": crc_variant}
    if ignore_arcfile:
        parameters["ignore_arcfile"] = 1
    return Request(
        "POST",
        _target(command, parameters),
        {
            "Content-Type": mime_type,
            "Content-Length": str(file.size),
            "NGAS-File-CRC": str(file.crc32),
            "Content-Disposition": (
                f'attachment; filename="{quote(file.name, safe="")}"'
            ),
        },
        file,
    )


def status(file_id: str, version: int | None = None) -> Request:
    """Ask what the server has on record of a file; without a version, of its latest."""
    of_latest: dict[str, str | int] = {"file_id": file_id}
    asked = of_latest if version is None else _version_of(file_id, version)
    return Request("GET", _target("STATUS", asked))


def check(file_id: str, version: int) -> Request:
    """Ask to read a file again and compare its sum.

    Without a version the server would check version 1, not the latest.
    """
    return Request("GET", _target("CHECKFILE", _version_of(file_id, version)))


def retrieval(file_id: str, version: int) -> str:
    """Return the target by which a version of a file is had back."""
    return _target("RETRIEVE", _version_of(file_id, version))


def _version_of(file_id: str, version: int) -> dict[str, str | int]:
    return {"file_id": file_id, "file_version": version}


def _target(command: str, parameters: Mapping[str, str | int]) -> str:
    return f"/{command}?{urlencode(parameters, quote_via=quote, safe='')}"
