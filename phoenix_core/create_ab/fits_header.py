"""The keywords of a FITS file that rules look at, read quickly.

Thousands of files: only the blocks of headers are read, and only the wanted cards are
taken apart. Every HDU is visited all the same, since a file that was cut short has a
whole primary header. Card syntax: FITS standard 4.0, section 4; HIERARCH: ESO's
convention (``HIERARCH ESO DET DIT = 10.0 / comment``).
"""

import math
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from attrs import field, frozen

from phoenix_core.create_ab.rules import HDUS, Value
from phoenix_core.files.regular_file import open_regular

_BLOCK = 2880
_CARD = 80
_SHORT = 8  # characters of a keyword in the standard's own form
_LOOK = (9 * _BLOCK, 3 * _BLOCK)  # of a primary header, of an extension's
_MORE = 9 * _BLOCK
_LONGEST = 1 << 24  # bytes of a header
_END = b"END" + 77 * b" "
_PRINTABLE = bytes(range(0x20, 0x7F))
_VALUE = re.compile(rb"\s*('(?:[^']|'')*'|[^ /']+)")
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[EeDd][+-]?\d+)?", re.ASCII)
_DATA_BITS = (8, 16, 32, 64, -32, -64)
_MOST_AXES = 999
_LARGEST = 1 << 63  # bytes of data: no file can have more


@frozen
class Header:
    """What a file says under the wanted keywords, and what is wrong with the file.

    With a problem, the values are those that could be read before it was met. What is
    not `read` could not even be opened, which another time it may.
    """

    values: Mapping[str, Value] = field(factory=dict)
    problem: str = ""
    read: bool = True


class _Broken(ValueError):  # noqa: N818, it is a state of the file
    """The file is no complete FITS file."""


@frozen
class _Cards:
    """How the cards of wanted keywords begin, and their first bytes to be quick."""

    starts: Mapping[bytes, str] = field(factory=dict)
    firsts: tuple[tuple[int, frozenset[bytes]], ...] = ()

    @classmethod
    def of(cls, keywords: Mapping[str, str]) -> "_Cards":
        """Take keywords as they stand in a header, with the names to keep them by."""
        starts = {_start(inner): keyword for inner, keyword in keywords.items()}
        firsts = []
        for is_long in (False, True):
            some = [start for start in starts if (len(start) > _SHORT) is is_long]
            width = min(map(len, some), default=0)
            if some:
                firsts.append((width, frozenset(start[:width] for start in some)))
        return cls(starts, tuple(firsts))


@frozen
class _Wanted:
    """The wanted keywords of the primary header, and of extensions by EXTNAME."""

    primary: _Cards
    extensions: Mapping[str, _Cards]


_NOTHING = _Cards()


def read_header(path: Path, wanted: tuple[str, ...]) -> Header:
    """Read the wanted keywords; what is wrong with the file is in the answer."""
    values: dict[str, Value] = {}
    try:
        with open_regular(path) as opened:
            file = opened.fileno()
            if hasattr(os, "posix_fadvise"):  # pixels are not to be read ahead
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_RANDOM)
            _walk(file, os.fstat(file).st_size, _split(wanted), values)
    except _Broken as error:
        return Header(values, str(error))
    except OSError as error:
        return Header({}, f"cannot be read: {error.strerror}", read=False)
    return Header(values)


@lru_cache(maxsize=8)
def _split(wanted: tuple[str, ...]) -> _Wanted:
    by_name: dict[str, dict[str, str]] = {"": {}}
    for keyword in wanted:
        name, _, inner = keyword.rpartition(":")
        by_name.setdefault(name, {})[inner] = keyword
    cards = {name: _Cards.of(keywords) for name, keywords in by_name.items()}
    return _Wanted(cards.pop(""), cards)


def _start(keyword: str) -> bytes:
    """How a keyword's card begins: a short one, or one of ESO's hierarchy."""
    if len(keyword) <= _SHORT and " " not in keyword:
        return keyword.ljust(_SHORT).encode()
    return b"HIERARCH " + keyword.encode()


def _walk(file: int, size: int, wanted: _Wanted, values: dict[str, Value]) -> None:
    """Go from HDU to HDU, taking keywords, to the end of the file."""
    begin = number = 0
    while begin < size or not number:
        header, problem = _header(file, begin, number)
        if not number:
            _take(header, wanted.primary, values)
        elif wanted.extensions:
            name = _text(_card(header, b"EXTNAME "))
            _take(header, wanted.extensions.get(name, _NOTHING), values)
        if problem:
            raise _Broken(problem)
        begin += len(header) + _data_size(header, number)
        number += 1
        if begin > size:
            missing = begin - size
            told = f"{missing} bytes of HDU {number - 1} are missing"
            raise _Broken(f"is truncated: {told}")
    values[HDUS] = number


def _header(file: int, begin: int, number: int) -> tuple[bytes, str]:
    """Read a header to the end of the block in which it ends.

    Where it is cut or garbled, what there is of it is returned with the problem.
    """
    header = os.pread(file, _LOOK[bool(number)], begin)
    expected = b"XTENSION" if number else b"SIMPLE  ="
    if not header.startswith(expected):
        if not header:
            raise _Broken("is empty")
        told = f"has other bytes behind HDU {number - 1}" if number else "is no FITS"
        raise _Broken(told)
    cut = f"is truncated: HDU {number} ends within its header"
    at = 0
    while True:
        end = header.find(_END, at)
        if end >= 0 and end % _CARD == 0:
            break
        if end >= 0:
            at = end + 1
            continue
        at = max(0, len(header) - len(_END))
        more = os.pread(file, _MORE, begin + len(header))
        if not more or len(header) > _LONGEST:
            return header, cut
        header += more
    whole = (end // _BLOCK + 1) * _BLOCK
    if len(header) < whole:
        return header, cut
    header = header[:whole]
    if header.translate(None, _PRINTABLE):
        return header, f"has a garbled header: HDU {number} is no text"
    return header, ""


def _card(header: bytes, keyword: bytes) -> bytes:
    """Return what stands behind ``KEYWORD =``, b'' where there is no such card."""
    at = header.find(keyword + b"=")
    while at % _CARD:
        if at < 0:
            return b""
        at = header.find(keyword + b"=", at + 1)
    return header[at + len(keyword) + 1 : at + _CARD]


def _take(header: bytes, wanted: _Cards, values: dict[str, Value]) -> None:
    """Put the wanted keywords of a header into `values`, the first one of each."""
    cards = range(0, len(header) - _CARD + 1, _CARD)
    for width, firsts in wanted.firsts:
        for at in [at for at in cards if header[at : at + width] in firsts]:
            begin, equals, rest = header[at : at + _CARD].partition(b"=")
            keyword = wanted.starts.get(begin.rstrip().ljust(_SHORT))
            if not equals or keyword is None or keyword in values:
                continue
            value = parse_value(rest)
            if value is not None:
                values[keyword] = value


def parse_value(card: bytes) -> Value | None:
    """Return the value behind the = of a card; None where it is undefined or no value.

    >>> parse_value(b" 'O''Neill  ' / name"), parse_value(b" 1.5D3"), parse_value(b" T")
    ("O'Neill", 1500.0, True)
    """
    match = _VALUE.match(card)
    if match is None or match[1].translate(None, _PRINTABLE):
        return None
    if match[1].startswith(b"'"):
        return _text(card)
    text = match[1].decode("ascii")
    if text in {"T", "F"}:
        return text == "T"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        number = float(text.replace("D", "E").replace("d", "e"))
        return number if math.isfinite(number) else None
    return None


def _text(card: bytes) -> str:
    match = _VALUE.match(card)
    raw = match[1] if match else b""
    return raw[1:-1].replace(b"''", b"'").decode("ascii", "replace").rstrip()


def _data_size(header: bytes, number: int) -> int:
    """The bytes of an HDU's data, with their padding."""
    try:
        size = _unpadded(header, is_primary=not number)
    except ValueError:
        size = -1
    if not 0 <= size <= _LARGEST:
        told = "no size" if size < 0 else "an impossible size"
        raise _Broken(f"has a garbled header: HDU {number} has {told}")
    return -(-size // _BLOCK) * _BLOCK


def _unpadded(header: bytes, *, is_primary: bool) -> int:
    bits = _int(header, b"BITPIX  ")
    axes = _int(header, b"NAXIS   ")
    if bits not in _DATA_BITS or not 0 <= axes <= _MOST_AXES:
        return -1
    if not axes:
        return 0
    lengths = [_int(header, f"NAXIS{n + 1}".ljust(8).encode()) for n in range(axes)]
    if min(lengths) < 0:
        return -1
    groups = lengths[0] == 0 and _card(header, b"GROUPS  ") != b""
    elements = math.prod(lengths[1:] if groups else lengths)
    if groups or not is_primary:
        elements += _int(header, b"PCOUNT  ", 0)
        elements *= _int(header, b"GCOUNT  ", 1)
    return abs(bits) // 8 * elements


def _int(header: bytes, keyword: bytes, default: int | None = None) -> int:
    card = _card(header, keyword)
    if not card and default is not None:
        return default
    match = _VALUE.match(card)
    return int(match[1]) if match else int("")
