"""FITS files: whole or not.

A recipe that was killed, or a full disk, leaves a file that is cut short or has no
CHECKSUM yet; a recipe that reads a damaged file may not notice. The conventions are
those of the FITS standard 4.0: section 4.4.2.7 and appendix J (CHECKSUM, DATASUM: sums
of 32-bit big-endian words in ones' complement; an HDU with CHECKSUM adds up to all
ones), section 4.4.1 (size of a data unit).
"""

import errno
import hashlib
import math
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from attrs import field, frozen

from phoenix_core.files.regular_file import open_regular

BLOCK = 2880
KEYWORD = 8
CARD = 80
_CHUNK = 91 * BLOCK  # 256 KiB: stays in the processor's cache; whole blocks
_LONGEST_HEADER = 1 << 24  # bytes; real ones stay below 1 MB
_LARGEST = 1 << 63  # bytes of data: no file can have more
ALL_ONES = 0xFFFFFFFF
_PUNCTUATION = frozenset(b":;<=>?@[\\]^_`")
_PRINTABLE = bytes(range(0x20, 0x7F))
_VALUE = re.compile(rb"= *('(?:[^']|'')*'|[^ /]*)")
_DATA_TYPES = (8, 16, 32, 64, -32, -64)  # BITPIX


@frozen
class FitsCheck:
    """What is wrong with a FITS file; its sha256 and size in bytes on the way.

    `hdus` names the HDUs that were found, `unsigned` those without CHECKSUM, for
    which nothing vouches. `primary` has the short keywords of the primary header.
    A file that was cut just between two HDUs is a whole one with fewer HDUs: only who
    knows its size can tell.
    """

    problems: tuple[str, ...]
    hdus: tuple[str, ...] = ()
    unsigned: tuple[str, ...] = ()
    sha256: str = ""
    size: int = 0
    primary: Mapping[str, str] = field(factory=dict, repr=False)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


@frozen
class HduCheck:
    """An HDU as it lies in its file: its header, and where its data are.

    `begin` and `end` are those of the data with their padding, in bytes. `wrong_sum` is
    DATASUM or CHECKSUM where that is wrong, and '' where the data were not read.
    """

    header: bytes = field(repr=False)
    begin: int
    end: int
    wrong_sum: str = ""


class BrokenFits(ValueError):  # noqa: N818, it is a state of the file
    """The file is no complete FITS file; the message says why."""


@frozen
class Hdu:
    """Where an HDU lies in its file, and what it says of itself."""

    name: str
    begin: int
    data: int
    end: int
    keywords: Mapping[str, str]

    @property
    def is_signed(self) -> bool:
        """Whether it has a CHECKSUM."""
        return bool(self.keywords.get("CHECKSUM"))


def check_fits(path: Path, *, with_sha256: bool = True) -> FitsCheck:
    """Read a FITS file once, from end to end, and tell all that is wrong with it.

    It is found cut short, with a garbled header or trailing bytes, and every CHECKSUM
    and DATASUM is verified. The sha256 takes twice the time of the rest.

    Raises:
        OSError: the file is not there or cannot be read, or is no regular file.
    """
    digest = hashlib.sha256() if with_sha256 else None
    problems: list[str] = []
    hdus: list[Hdu] = []
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        done = 0
        try:
            for hdu in walk_hdus(file.fileno(), size):
                header = _sum(file.fileno(), hdu.begin, hdu.data, digest)
                data = _sum(file.fileno(), hdu.data, hdu.end, digest)
                done = hdu.end
                if wrong := _wrong_sum(hdu, header, data):
                    what = "data" if wrong == "DATASUM" else "bytes"
                    problems.append(
                        f"{wrong} of HDU {hdu.name} is wrong: its {what} were changed"
                    )
                hdus.append(hdu)
        except BrokenFits as error:
            problems.append(str(error))
        if digest:
            _sum(file.fileno(), done, size, digest)
    return FitsCheck(
        problems=tuple(problems),
        hdus=tuple(hdu.name for hdu in hdus),
        unsigned=tuple(hdu.name for hdu in hdus if not hdu.is_signed),
        sha256=digest.hexdigest() if digest else "",
        size=size,
        primary=hdus[0].keywords if hdus else {},
    )


def check_hdus(path: Path, *, with_data: bool = True) -> tuple[list[HduCheck], str]:
    """Read the HDUs of a FITS file once, and tell what ended the walk, '' for its end.

    Without data only headers are read: a file of any size takes the same time.

    Raises:
        OSError: the file is not there or cannot be read, or is no regular file.
    """
    found: list[HduCheck] = []
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        try:
            for hdu in walk_hdus(file.fileno(), size):
                header = read_part(file.fileno(), hdu.begin, hdu.data)
                wrong = ""
                if with_data:
                    data = _sum(file.fileno(), hdu.data, hdu.end)
                    wrong = _wrong_sum(hdu, sum_of(header), data)
                found.append(HduCheck(header, hdu.data, hdu.end, wrong))
        except BrokenFits as error:
            return found, str(error)
    return found, ""


# Reading --------------------------------------------------------------------------


def walk_hdus(file: int, size: int) -> Iterator[Hdu]:
    """Walk through the headers of a file, each held to what it has to be."""
    begin = number = 0
    while begin < size or number == 0:
        keywords, data = _header(file, begin, number)
        name = _hdu_name(keywords, number)
        try:
            end = data + _padded(_data_bytes(keywords))
        except (KeyError, ValueError) as error:
            raise BrokenFits(f"HDU {name} has a garbled header: {error}") from None
        if end > size:
            raise BrokenFits(
                f"truncated: HDU {name} needs {end - size} bytes more than there are"
            )
        yield Hdu(name, begin, data, end, keywords)
        begin, number = end, number + 1


def split_headers(content: bytes) -> list[bytes]:
    """Part headers that stand one after the other, in whole blocks.

    Raises:
        BrokenFits: they are no headers, or the last one has no end.
    """
    found, begin = [], 0
    for at in range(0, len(content), BLOCK):
        block = content[at : at + BLOCK]
        cards = (block[card : card + KEYWORD] for card in range(0, BLOCK, CARD))
        if len(block) == BLOCK and b"END     " in cards:
            found.append(content[begin : at + BLOCK])
            begin = at + BLOCK
    if begin != len(content) or not found:
        raise BrokenFits("the headers kept of it are cut short")
    return found


def data_size(header: bytes) -> int:
    """Return the bytes that the data of an HDU take in its file, padding included.

    Raises:
        ValueError, KeyError: the header does not tell.
    """
    return _padded(_data_bytes(keywords_of(header)))


def _header(file: int, begin: int, number: int) -> tuple[dict[str, str], int]:
    """Read a header; return its keywords of interest, and where the data begin."""
    header = b""
    while len(header) < _LONGEST_HEADER:
        more = os.pread(file, 4 * BLOCK, begin + len(header))
        if not header:
            _check_start(more, number)
        for at in range(0, len(more) - BLOCK + 1, BLOCK):
            block = more[at : at + BLOCK]
            if block.translate(None, _PRINTABLE):
                raise BrokenFits(f"HDU {number} has a garbled header: it is no text")
            cards = [block[card : card + CARD] for card in range(0, BLOCK, CARD)]
            if any(card[:KEYWORD] == b"END     " for card in cards):
                header += more[: at + BLOCK]
                return keywords_of(header), begin + len(header)
        if len(more) < 4 * BLOCK:
            raise BrokenFits(f"truncated: HDU {number} ends within its header")
        header += more
    raise BrokenFits(f"HDU {number} has a garbled header: it has no end")


def _check_start(start: bytes, number: int) -> None:
    expected = b"XTENSION= '" if number else b"SIMPLE  ="
    if not start:
        raise BrokenFits("truncated: the file is empty")
    if not start.startswith(expected):
        what = f"no HDU follows HDU {number - 1}, but other bytes" if number else ""
        raise BrokenFits(what or "no FITS file: it does not begin with SIMPLE")


def keywords_of(header: bytes) -> dict[str, str]:
    """Return the values of short keywords, as texts, the first one of each name."""
    found: dict[str, str] = {}
    for at in range(0, len(header), CARD):
        match = _VALUE.match(header, at + KEYWORD, at + CARD)
        if match:
            text = match[1].decode("ascii")
            if text.startswith("'"):
                text = text[1:-1].replace("''", "'").rstrip()
            found.setdefault(header[at : at + KEYWORD].decode("ascii").rstrip(), text)
    return found


def _hdu_name(keywords: Mapping[str, str], number: int) -> str:
    name = keywords.get("EXTNAME")
    return f"{number} ({name})" if name else f"{number}"


def _data_bytes(keywords: Mapping[str, str]) -> int:
    """The size of the data unit without its padding."""
    bits = int(keywords["BITPIX"])
    axes = [int(keywords[f"NAXIS{n + 1}"]) for n in range(int(keywords["NAXIS"]))]
    if bits not in _DATA_TYPES or min(axes, default=0) < 0:
        raise ValueError(f"BITPIX {bits}, NAXISn {axes}")
    if not axes:
        return 0
    if axes[0] == 0 and keywords.get("GROUPS") == "T":
        axes = axes[1:]
    extra = int(keywords.get("PCOUNT", "0"))
    groups = int(keywords.get("GCOUNT", "1"))
    if extra < 0 or groups < 0:
        raise ValueError(f"PCOUNT {extra}, GCOUNT {groups}")
    size = abs(bits) // 8 * groups * (extra + math.prod(axes))
    if size > _LARGEST:
        raise ValueError("its data would be larger than any file")
    return size


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


# Sums -----------------------------------------------------------------------------


def _sum(file: int, begin: int, end: int, digest: "hashlib._Hash | None" = None) -> int:
    """Add up the 32-bit words of a part of a file; feed them to a digest as well."""
    total = 0
    for chunk in read_chunks(file, begin, end):
        if digest:
            digest.update(chunk)
        whole = len(chunk) & ~3
        # 64 bits hold the sum of 2**32 words.
        total += int(np.frombuffer(chunk[:whole], ">u4").sum(dtype=np.uint64))
        if whole < len(chunk):
            total += int.from_bytes(bytes(chunk[whole:]).ljust(4, b"\0"), "big")
    return total


def fold(total: int) -> int:
    """Make a sum of integers one of 32 bits in ones' complement."""
    while total > ALL_ONES:
        total = (total & ALL_ONES) + (total >> 32)
    return total


def sum_of(header: bytes) -> int:
    """Add up the 32-bit words of a header: whole blocks."""
    return int(np.frombuffer(header, ">u4").sum(dtype=np.uint64))


def _wrong_sum(hdu: Hdu, header: int, data: int) -> str:
    """Name the sum of an HDU that is wrong; '' where none is."""
    told = hdu.keywords.get("DATASUM")
    if told:
        try:
            is_right = (int(told) - data) % ALL_ONES == 0
        except ValueError:
            is_right = False
        if not is_right:
            return "DATASUM"
    is_signed_wrong = hdu.is_signed and fold(header + data) != ALL_ONES
    return "CHECKSUM" if is_signed_wrong else ""


def encoded(total: int) -> bytes:
    """Write the complement of a sum as 16 letters and digits (appendix J)."""
    value = ALL_ONES - fold(total)
    columns = [_letters(value >> shift & 0xFF) for shift in (24, 16, 8, 0)]
    letters = bytes(columns[column][row] for row in range(4) for column in range(4))
    return letters[-1:] + letters[:-1]


def _letters(byte: int) -> list[int]:
    """Make four letters or digits whose distances from '0' add up to a byte."""
    quarter, rest = divmod(byte, 4)
    four = [ord("0") + quarter + rest, *[ord("0") + quarter] * 3]
    for first in (0, 2):
        while not _PUNCTUATION.isdisjoint(four[first : first + 2]):
            four[first] += 1
            four[first + 1] -= 1
    return four


def read_part(file: int, begin: int, end: int) -> bytes:
    """Read a part of a file."""
    read = os.pread(file, end - begin, begin)
    if len(read) != end - begin:
        raise shorter()
    return read


def read_chunks(file: int, begin: int, end: int) -> Iterator[memoryview]:
    """Read a part of a file, chunk by chunk; each is overwritten by the next one."""
    view = memoryview(bytearray(min(_CHUNK, end - begin)))
    while begin < end:
        count = os.preadv(file, [view[: end - begin]], begin)
        if not count:
            raise shorter()
        yield view[:count]
        begin += count


def shorter() -> OSError:
    """Return the error for a file that somebody cut while it was read."""
    return OSError(errno.EIO, "the file became shorter while it was read")
