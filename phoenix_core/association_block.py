"""The association block (AB): one recipe call, its inputs, and what became of it.

An AB is a text a person may edit: it is kept line by line, as it was read, and an
edit touches the lines of one qualifier only. Qualifiers are the documented ones of
DFOS; RECIPE_PARAM, CALL_PARAM, RECIPE_VERSION, FINGERPRINT, AB_SUM, PROCESS_CAUSE,
PROCESS_START, PROCESS_SECONDS and PROCESS_MEMORY are ours.
"""

import enum
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Self

from attrs import evolve, field, frozen

from phoenix_core.errors import ConfigError
from phoenix_core.nearest import nearest

_COMMENT = re.compile(r"(?:^|\s)#.*")
_HASH = re.compile(r"(?<!\S)#\s*")
_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:+=-]*")
_BYTES = frozenset(map(chr, range(0xDC80, 0xDD00)))  # of surrogateescape
_PARAM = re.compile(r"--[A-Za-z][\w.-]*(=.*)?")
_COLUMN = 18
_LONGEST_NAME = 180  # characters; file systems take 255, and names are put together

HEADER = (
    *("TOOL_VERSION", "CONFIG_VERSION", "INSTRUMENT", "DATE", "DPR_CATG", "RAW_TYPE"),
    *("RECIPE", "DRS_TYPE", "BATCH_ID", "AB_NAME", "AB_EVENT", "COMPLETENESS"),
    *("PROCESS_STATUS", "OBS_PROG_ID", "OBS_MODE", "OBS_ID", "MJD-OBS", "MJD-OBS_MOD"),
    *("PROD_ROOT_NAME", "LOG_NAME", "PROD_PATH", "RAW_MATCH_KEY"),
    *("TARGET", "RUN_ID", "PROC_MODE", "RECIPE_PARAM", "RAWFILE", "MCALIB"),
)
PROCESSING = (
    *("PROCESS_STATUS", "PROCESS_CAUSE", "PROCESS_START", "PROCESS_SECONDS"),
    *("PROCESS_MEMORY", "LOG_NAME", "PROD_PATH", "RECIPE_VERSION", "CALL_PARAM"),
    *("FINGERPRINT", "AB_SUM", "SOF_CONTENT", "PRODUCTS"),
)
_ORDER = {name: place for place, name in enumerate(dict.fromkeys(HEADER + PROCESSING))}
_PROCESSING = frozenset(PROCESSING)
# Documented, and not used by phoenix itself; MISSING and DROPPED are ours.
_OTHERS = ("RASSOC", "MASSOC", "PACK_DIR", "RB_NAME", "MISSING", "DROPPED")
_KNOWN = frozenset((*_ORDER, *_OTHERS))
FREE = frozenset({"TARGET", "RUN_ID", "PROC_MODE"})
"""Known qualifiers that rules may take from a header as it is."""
RESERVED = _KNOWN - FREE
"""Qualifiers that phoenix writes and trusts."""
_SLIP = 0.85  # likeness of two words that differ by one letter or two
_STATES = frozenset({"KEPT", "INTERIM", "DELETED"})


class AbStatus(enum.StrEnum):
    """What became of an AB (qualifier PROCESS_STATUS)."""

    CREATED = "CREATED"
    SUCCESSFUL = "SUCCESSFUL"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


@frozen
class RawFile:
    """A raw input: its file name, found below the raw directory, and its SOF tag."""

    file: str
    tag: str


@frozen
class Mcalib:
    """An associated input: a REAL file below calib, or what a VIRTUAL AB makes."""

    kind: str
    file: str
    tag: str

    @property
    def is_virtual(self) -> bool:
        """Whether another AB of the cascade makes it."""
        return self.kind == "VIRTUAL"


@frozen
class SofEntry:
    """One line of the set of frames: file name, tag, and what the content was.

    `content` is the sha256 of a REAL file, or the fingerprint of the AB that made a
    virtual one: what decides whether a finished AB is still up to date.
    """

    file: str
    tag: str
    content: str = ""


@frozen
class ProductRecord:
    """A product as the AB remembers it: name, PRO.CATG, sha256, bytes, its fate."""

    file: str
    category: str
    checksum: str
    size: int
    state: str = "KEPT"  # KEPT, INTERIM (goes once unneeded), DELETED

    @property
    def line(self) -> str:
        """What the AB says of it behind PRODUCTS."""
        return f"{self.file} {self.category} {self.checksum} {self.size} {self.state}"

    @property
    def is_deleted(self) -> bool:
        """Whether it was made, and deleted because nothing needs it any more."""
        return self.state == "DELETED"


def is_safe_name(text: str) -> bool:
    """Whether a text can name a file: no directory, no blank, no leading - or dot."""
    return len(text) <= _LONGEST_NAME and _SAFE_NAME.fullmatch(text) is not None


def is_parameter(text: str) -> bool:
    """Whether a text is a parameter of a recipe: ``--name=value``, in one line."""
    return text.isprintable() and _PARAM.fullmatch(text) is not None


@frozen
class AssociationBlock:
    r"""One AB, as its lines.

    >>> block = AssociationBlock.parse("AB_NAME  A.ab  # the first\nRECIPE  none\n")
    >>> block.name, block.recipe
    ('A.ab', 'none')
    >>> print(block.with_values("RECIPE", ["some_bias"]).text, end="")
    AB_NAME  A.ab  # the first
    RECIPE            some_bias
    """

    lines: tuple[str, ...]
    source: Path | None = field(default=None, eq=False)

    @classmethod
    def parse(cls, text: str, source: Path | None = None) -> Self:
        """Read an AB's text; nothing is judged until it is asked for."""
        return cls(tuple(text.split("\n")), source)

    @classmethod
    def create(cls, contents: Mapping[str, str | Sequence[str]]) -> Self:
        """Write a new AB with these qualifiers, in the documented order."""
        ordered = sorted(contents, key=_rank)
        lines = [
            _line(name, text) for name in ordered for text in _several(contents[name])
        ]
        return cls((*lines, ""))

    @property
    def text(self) -> str:
        """The text, the same bytes as were read where nothing was edited."""
        return "\n".join(self.lines)

    @cached_property
    def _contents(self) -> dict[str, list[tuple[int, str]]]:
        contents: dict[str, list[tuple[int, str]]] = {}
        for number, line in enumerate(self.lines, start=1):
            bare = _COMMENT.sub("", line) if "#" in line else line
            parts = bare.split(None, 1)
            if parts:
                content = parts[1].rstrip() if len(parts) > 1 else ""
                contents.setdefault(parts[0], []).append((number, content))
        return contents

    def values(self, qualifier: str) -> tuple[str, ...]:
        """Return what stands behind each line of a qualifier."""
        return tuple(text for _, text in self._contents.get(qualifier, ()))

    def value(self, qualifier: str) -> str:
        """Return what stands behind the first line of a qualifier, '' where absent."""
        found = self._contents.get(qualifier)
        return found[0][1] if found else ""

    @property
    def qualifiers(self) -> tuple[str, ...]:
        """The qualifiers, in the order of their first lines."""
        return tuple(self._contents)

    # What an AB says ------------------------------------------------------------

    @property
    def name(self) -> str:
        """AB_NAME, checked to be a file name ending in .ab."""
        name = self._safe("AB_NAME")
        if not name.endswith(".ab"):
            raise self.wrong("AB_NAME", name, "a name ending in .ab")
        return name

    @property
    def root(self) -> str:
        """PROD_ROOT_NAME, by default ``r.<AB name without .ab>``."""
        if self.value("PROD_ROOT_NAME"):
            return self._safe("PROD_ROOT_NAME")
        return f"r.{self.name.removesuffix('.ab')}"

    @property
    def log_name(self) -> str:
        """LOG_NAME, always ``<root>.log``: another one could be somebody's product."""
        name = f"{self.root}.log"
        if self.value("LOG_NAME") not in {"", name}:
            raise self.wrong("LOG_NAME", self.value("LOG_NAME"), name)
        return name

    @property
    def recipe(self) -> str:
        """RECIPE."""
        return self._safe("RECIPE")

    @property
    def raw_type(self) -> str:
        """RAW_TYPE, which also names the directory of the products."""
        return self._safe("RAW_TYPE")

    @property
    def status(self) -> AbStatus:
        """PROCESS_STATUS; CREATED where there is none."""
        text = self.value("PROCESS_STATUS") or AbStatus.CREATED
        try:
            return AbStatus(text)
        except ValueError:
            expected = ", ".join(AbStatus) + nearest(text, AbStatus)
            raise self.wrong("PROCESS_STATUS", text, expected) from None

    @property
    def params(self) -> tuple[str, ...]:
        """The recipe parameters, ``--name=value`` each."""
        for text in self.values("RECIPE_PARAM"):
            if not _PARAM.fullmatch(text):
                raise self.wrong("RECIPE_PARAM", text, "--name=value")
        return self.values("RECIPE_PARAM")

    @property
    def rawfiles(self) -> tuple[RawFile, ...]:
        """The raw inputs."""
        rows = (
            self._columns("RAWFILE", number, text, "<file> <tag>")
            for number, text in self._contents.get("RAWFILE", ())
        )
        return tuple(RawFile(*row) for row in rows)

    @property
    def mcalibs(self) -> tuple[Mcalib, ...]:
        """The associated inputs, REAL and VIRTUAL."""
        shape = "REAL|VIRTUAL <file> <tag>"
        found = []
        for number, text in self._contents.get("MCALIB", ()):
            mcalib = Mcalib(*self._columns("MCALIB", number, text, shape))
            if mcalib.kind not in {"REAL", "VIRTUAL"}:
                raise self.wrong("MCALIB", text, shape, number)
            if mcalib.is_virtual and not mcalib.file.endswith(".ab"):
                raise self.wrong(
                    "MCALIB", text, "VIRTUAL <name of an AB> <tag>", number
                )
            found.append(mcalib)
        return tuple(found)

    @property
    def needs(self) -> tuple[str, ...]:
        """The names of the ABs whose products this one takes, each once."""
        return tuple(dict.fromkeys(m.file for m in self.mcalibs if m.is_virtual))

    @property
    def sof(self) -> tuple[SofEntry, ...]:
        """The set of frames of the last call, in its order."""
        found = []
        for number, text in self._contents.get("SOF_CONTENT", ()):
            shape = "<file> <tag> <content>"
            row = text.split()
            if len(row) not in {2, 3}:
                raise self.wrong("SOF_CONTENT", text, shape, number)
            if not is_safe_name(row[0]):
                raise self.wrong("SOF_CONTENT", text, "a file name", number)
            found.append(SofEntry(*row))
        return tuple(found)

    @property
    def products(self) -> tuple[ProductRecord, ...]:
        """The products of the last successful call."""
        found = []
        for number, text in self._contents.get("PRODUCTS", ()):
            shape = "<file> <PRO.CATG> <sha256> <bytes> KEPT|INTERIM|DELETED"
            row = text.split()
            try:
                file, category, checksum, size, state = row
                record = ProductRecord(file, category, checksum, int(size), state)
            except ValueError:
                raise self.wrong("PRODUCTS", text, shape, number) from None
            if not is_safe_name(file):
                raise self.wrong("PRODUCTS", text, "a file name", number)
            if state not in _STATES:
                raise self.wrong("PRODUCTS", text, shape, number)
            found.append(record)
        return tuple(found)

    @property
    def cause(self) -> str:
        """Why it FAILED or was SKIPPED."""
        return self.value("PROCESS_CAUSE")

    @property
    def fingerprint(self) -> str:
        """What the last successful call was made from, '' where there is none."""
        return self.value("FINGERPRINT")

    @property
    def definition_sum(self) -> str:
        """A sum over all that says what to do, not what was done.

        It tells a person's edit from phoenix's own writing.
        """
        defining = [
            (name, text)
            for name, rows in self._contents.items()
            if name not in _PROCESSING
            for _, text in rows
        ]
        return hashlib.sha256(repr(defining).encode("utf-8", "replace")).hexdigest()[
            :16
        ]

    @property
    def is_edited(self) -> bool:
        """Whether a person changed it since phoenix wrote it."""
        recorded = self.value("AB_SUM")
        return bool(recorded) and recorded != self.definition_sum

    # Editing --------------------------------------------------------------------

    def with_values(self, qualifier: str, texts: Iterable[str]) -> Self:
        """Return the block with these lines of a qualifier, in place of what it had.

        They stand where the first one stood, or at the qualifier's documented place.
        """
        return self.updated({qualifier: tuple(texts)})

    def with_value(self, qualifier: str, text: str) -> Self:
        """Return the block with one line of a qualifier."""
        return self.updated({qualifier: (text,)})

    def updated(self, contents: Mapping[str, str | Sequence[str]]) -> Self:
        """Return the block with several qualifiers set; an empty text removes one."""
        place = {name: rows[0][0] - 1 for name, rows in self._contents.items()}
        gone = {
            number - 1
            for name in contents
            for number, _ in self._contents.get(name, ())
        }
        ends = [(_rank(name), rows[-1][0]) for name, rows in self._contents.items()]
        end = "\r" if self.lines[0].endswith("\r") else ""
        new: dict[int, list[str]] = {}
        for name in sorted(contents, key=_rank):
            texts = _several(contents[name])
            lines = [_line(name, text) + end for text in texts if text]
            if name in place:
                at = place[name]
            else:
                # Behind the last line of what comes before it in the documented order.
                rank = _rank(name)
                at = max((last for other, last in ends if other <= rank), default=0)
            new.setdefault(at, []).extend(lines)
        joined: list[str] = []
        for number, line in enumerate(self.lines):
            joined += new.pop(number, ())
            if number not in gone:
                joined.append(line)
        for lines in new.values():
            joined += lines
        return evolve(self, lines=tuple(joined))

    # Errors ---------------------------------------------------------------------

    def wrong(
        self, qualifier: str, text: str, expected: str, line: int | None = None
    ) -> ConfigError:
        """Make the error for a value, with file, line and what was expected."""
        found = self._contents.get(qualifier)
        number = line or (found[0][0] if found else None)
        file = self.source or self.value("AB_NAME") or "an AB without a name"
        where = f"{file}, line {number}" if number else f"{file}"
        was = f"is '{text}'" if text else f"is missing{self._misspelt(qualifier)}"
        return ConfigError(f"{where}: {qualifier} {was}; expected {expected}")

    @property
    def misspelt(self) -> tuple[tuple[int, str, str], ...]:
        """Qualifiers that nobody knows but for a slip: line, as written, as meant."""
        unknown = [name for name in self._contents if name not in _KNOWN]
        found = []
        for name in unknown:
            meant = get_close_matches(name.upper(), _KNOWN, n=1, cutoff=_SLIP)
            if meant:
                found.append((self._contents[name][0][0], name, meant[0]))
        return tuple(found)

    def _misspelt(self, qualifier: str) -> str:
        lines = [(n, name) for n, name, meant in self.misspelt if meant == qualifier]
        return f" (line {lines[0][0]} has {lines[0][1]})" if lines else ""

    def _safe(self, qualifier: str) -> str:
        text = self.value(qualifier)
        if not is_safe_name(text):
            raise self.wrong(qualifier, text, "a name without blanks and directories")
        return text

    def _columns(self, qualifier: str, number: int, text: str, shape: str) -> list[str]:
        row = text.split()
        if len(row) != len(shape.split()):
            raise self.wrong(qualifier, text, shape, number)
        if not all(map(is_safe_name, row)):
            expected = f"{shape}, names without directories"
            raise self.wrong(qualifier, text, expected, number)
        return row


def _rank(qualifier: str) -> int:
    return _ORDER.get(qualifier, len(_ORDER))


def _several(text: str | Sequence[str]) -> Sequence[str]:
    return [text] if isinstance(text, str) else text


def _line(qualifier: str, text: str) -> str:
    """One line of an AB: without line breaks, comments, and what a terminal obeys.

    Bytes that are no UTF-8 stay as they were read.
    """
    plain = text
    if not text.isprintable():
        line = " ".join(text.split())
        plain = "".join(c if c.isprintable() or c in _BYTES else "?" for c in line)
    plain = _HASH.sub("No. ", plain)
    return f"{qualifier:<{_COLUMN - 1}} {plain}".rstrip()
