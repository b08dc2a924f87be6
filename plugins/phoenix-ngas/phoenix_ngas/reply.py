"""What a server replies: its status document, as frozen values.

The document has a DOCTYPE with an external DTD: it is not fetched. Whatever came,
truncated, hostile or of another program, is a value or one clear error.
"""

from collections.abc import Mapping
from xml.parsers import expat

from attrs import field, frozen

from phoenix_core.words.plain_text import short

LARGEST = 1 << 20  # bytes (ours): a reply about one file has less than 2000

_UNSET = ("", "None")  # both stand for a value that there is none of
_CRC = 0xFFFFFFFF
# Names that servers give to the checksum of zlib, by variant and by command.
_CRC32_PLUGINS = frozenset({"crc32", "crc32z", "ngamsGenCrc32", "StreamCrc32"})


class ReplyError(ValueError):
    """This is no status document; the message says why."""


@frozen
class FileStatus:
    """A version of a file as the server has it on record; sizes in bytes.

    `crc32` is None where there is none, or another checksum.
    """

    file_id: str
    version: int
    size: int
    crc32: int | None
    checksum: str  # as it was told, with the plug-in that made it
    compression: str = ""
    disk_id: str = ""
    ingested: str = ""  # ISO time of the server


@frozen
class NgasReply:
    """A reply: its HTTP code, and what the status document says.

    `problem` says why there is no document, '' where there is one.
    """

    code: int
    status: str = ""
    state: str = ""
    message: str = field(default="", repr=False)
    files: tuple[FileStatus, ...] = ()
    problem: str = ""

    @property
    def is_success(self) -> bool:
        """Whether the server says that it did what it was asked; not yet what."""
        return self.code == 200 and self.status == "SUCCESS"  # noqa: PLR2004, HTTP


def read_reply(code: int, content: bytes) -> NgasReply:
    """Return what a reply says, whatever its body is."""
    try:
        return parse(code, content)
    except ReplyError as error:
        return NgasReply(code, problem=str(error))


def parse(code: int, content: bytes) -> NgasReply:
    """Return the values of a status document.

    Raises:
        ReplyError: it is too large, is no XML or cut short, declares entities, or
            lacks what a status document has.
    """
    if len(content) > LARGEST:
        raise ReplyError(f"has more than {LARGEST} bytes")
    elements = _elements(content)
    if not elements or elements[0][0] != "NgamsStatus":
        root = short(elements[0][0]) if elements else "nothing"
        raise ReplyError(f"is no NgamsStatus, but {root}")
    status = next((values for name, values in elements if name == "Status"), None)
    if status is None:
        raise ReplyError("has no Status")
    files = []
    disk_id = ""
    for name, values in elements:
        if name == "DiskStatus":
            disk_id = values.get("DiskId", "")
        elif name == "FileStatus":
            files.append(_file(values, disk_id))
    return NgasReply(
        code=code,
        status=status.get("Status", ""),
        state=status.get("State", ""),
        message=status.get("Message", ""),
        files=tuple(files),
    )


def _elements(content: bytes) -> list[tuple[str, Mapping[str, str]]]:
    """Return the elements of a document with their attributes, in their order."""
    found: list[tuple[str, Mapping[str, str]]] = []
    parser = expat.ParserCreate()
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.EntityDeclHandler = _refuse_entity
    parser.StartElementHandler = lambda name, values: found.append((name, values))
    try:
        parser.Parse(content, True)  # noqa: FBT003, expat takes it by position
    except expat.ExpatError as error:
        told = expat.ErrorString(error.code)
        where = f"line {error.lineno}, column {error.offset}"
        raise ReplyError(f"is no complete XML: {told} at {where}") from None
    except (ValueError, LookupError) as error:  # an encoding that nobody knows
        raise ReplyError(f"is no XML that can be read: {error}") from None
    return found


def _refuse_entity(*_: object) -> None:
    raise ReplyError("declares entities")


def _file(values: Mapping[str, str], disk_id: str) -> FileStatus:
    checksum, plugin = values.get("Checksum", ""), values.get("ChecksumPlugIn", "")
    compression = values.get("Compression", "")
    return FileStatus(
        file_id=_needed(values, "FileId"),
        version=_number(values, "FileVersion"),
        size=_number(values, "FileSize"),
        crc32=_crc32(checksum, plugin),
        checksum=short(f"{checksum or 'None'} ({plugin or 'None'})"),
        compression="" if compression in {*_UNSET, "NONE"} else short(compression),
        disk_id=values.get("DiskId", disk_id),
        ingested=values.get("IngestionDate", ""),
    )


def _crc32(checksum: str, plugin: str) -> int | None:
    """Return the unsigned sum; servers of Python 2 write it as a signed number."""
    if plugin not in _CRC32_PLUGINS or checksum in _UNSET:
        return None
    try:
        return int(checksum) & _CRC
    except ValueError:
        return None


def _needed(values: Mapping[str, str], key: str) -> str:
    value = values.get(key, "")
    if value in _UNSET:
        raise ReplyError(f"names a file without {key}")
    return value


def _number(values: Mapping[str, str], key: str) -> int:
    text = _needed(values, key)
    if not (text.isascii() and text.isdecimal() and len(text) < 20):  # noqa: PLR2004
        raise ReplyError(f"has {key}='{short(text)}'; expected a number")
    return int(text)
