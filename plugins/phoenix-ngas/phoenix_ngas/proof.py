"""Where a stored file is, as receipts have it, and the archive's proof of it.

A place is the URL by which the file is had back: name and version in the archive are
read from there again, whatever the server was called then.
"""

from urllib.parse import parse_qs, urlencode, urlsplit

from attrs import frozen

from phoenix_core.model import Stored
from phoenix_ngas.exchange import Server
from phoenix_ngas.local_file import LocalFile
from phoenix_ngas.reply import FileStatus
from phoenix_ngas.request import retrieval
from phoenix_ngas.store import Ngas, asked_often, check, look


@frozen
class Place:
    """A version of a file in the archive."""

    file_id: str
    version: int


def receipt_of(server: Server, file: LocalFile, held: FileStatus) -> Stored:
    """Return what the archive has, with its disk and time of storage for people."""
    extra = urlencode({"disk": held.disk_id, "ingested": held.ingested}, safe=":")
    return Stored(
        name=file.name,
        where=f"{server.url}{retrieval(held.file_id, held.version)}#{extra}",
        size=held.size,
        checksum=f"crc32:{held.crc32}",
    )


def place_of(stored: Stored) -> Place | None:
    """Return where a file is, or None: this is a place in another archive."""
    try:
        parts = urlsplit(stored.where)
        query = parse_qs(parts.query, strict_parsing=True)
        (file_id,), (version,) = query["file_id"], query["file_version"]
        place = Place(file_id, int(version))
    except (ValueError, KeyError):
        return None
    return place if parts.path.endswith("/RETRIEVE") else None


def is_proved(ngas: Ngas, stored: Stored) -> bool:
    """Whether the archive holds a file just as its receipt says.

    It reads its copy again and compares it with its record, and the record is compared
    with the receipt.

    Raises:
        IngestionError: the archive cannot be asked.
    """
    place = place_of(stored)
    if place is None:
        return False
    known = asked_often(
        ngas, stored.name, lambda: look(ngas, place.file_id, place.version)
    )
    if known is None or known.compression:
        return False
    if (known.size, f"crc32:{known.crc32}") != (stored.size, stored.checksum):
        return False
    return not asked_often(ngas, stored.name, lambda: check(ngas, known))
