r"""What was dropped from an AB: lines set aside where they stood, to be taken back.

``DROPPED <when> <who>: <why>  # <the line>`` stands in the line's place (the qualifier
is ours). The comment has the line to the byte, so that an AB whose exposures were all
taken back is the file that it was.

>>> block = AssociationBlock.parse("AB_NAME A.ab\nRAWFILE a.fits X # dim\n")
>>> less = drop_lines(block, {"a.fits"}, Dropping("2026-01-01", "me", "clouds"))
>>> print(less.text, end="")
AB_NAME A.ab
DROPPED           2026-01-01 me: clouds  # RAWFILE a.fits X # dim
>>> dropped(less)[0].file, take_back(less, {"a.fits"}) == block
('a.fits', True)
"""

import re
from collections.abc import Collection, Iterable, Iterator

from attrs import evolve, frozen

from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import ConfigError

QUALIFIER = "DROPPED"
_LINE = re.compile(r"\s*DROPPED\s+(\S+)\s+(\S.*?)\s+# ?(.*)", re.DOTALL)


@frozen
class Dropping:
    """When, by whom and why lines are dropped; '' where nobody said why."""

    at: str  # ISO time, UTC
    by: str
    why: str = ""

    @property
    def told(self) -> str:
        """Who, when and why, in one line."""
        return f"by {self.by}, {self.at}" + (f": {self.why}" if self.why else "")


@frozen
class Dropped:
    """A line of an AB that was dropped: what it took (a raw file, or of an AB)."""

    file: str
    tag: str
    line: str
    word: Dropping


def taken(block: AssociationBlock) -> Iterator[tuple[str, str]]:
    """Yield file and tag of what can be dropped: raw files, and products of ABs."""
    for mcalib in block.mcalibs:
        if mcalib.is_virtual:
            yield mcalib.file, mcalib.tag
    for raw in block.rawfiles:
        yield raw.file, raw.tag


def dropped(block: AssociationBlock) -> tuple[Dropped, ...]:
    """Return what was dropped; a DROPPED line without such a comment says nothing."""
    if QUALIFIER not in block.qualifiers:
        return ()
    return tuple(one for one in map(_read, block.lines) if one)


def drop_lines(
    block: AssociationBlock, files: Collection[str], word: Dropping
) -> AssociationBlock:
    """Return the AB without the lines that take these; every other byte stays."""
    why = f"{word.by}: {word.why}" if word.why else word.by
    created = AssociationBlock.create({QUALIFIER: f"{word.at} {why}"})
    lines = (
        f"{created.lines[0]}  # {line}" if _file_of(line)[0] in files else line
        for line in block.lines
    )
    return evolve(block, lines=tuple(lines))


def take_back(block: AssociationBlock, files: Collection[str]) -> AssociationBlock:
    """Return the AB with the lines again that took these, as they were."""
    if QUALIFIER not in block.qualifiers:
        return block
    read = ((line, _read(line)) for line in block.lines)
    lines = (one.line if one and one.file in files else line for line, one in read)
    return evolve(block, lines=tuple(lines))


def is_edited_otherwise(block: AssociationBlock) -> bool:
    """Whether a person changed more of an AB than what was dropped."""
    files = {one.file for one in dropped(block)}
    return take_back(block, files).is_edited or not block.value("AB_SUM")


def left_out(blocks: Iterable[AssociationBlock]) -> frozenset[str]:
    """Return the names of the ABs that nothing needs since they were dropped.

    An AB that only a dropped one needs is among them.
    """
    by_name = {block.name: block for block in blocks}
    aside = {one.file for block in by_name.values() for one in dropped(block)}
    if not aside & by_name.keys():
        return frozenset()
    needed = {need for block in by_name.values() for need in block.needs}
    open_names = [name for name in by_name if name not in needed | aside]
    wanted: set[str] = set()
    while open_names:
        name = open_names.pop()
        if name in by_name and name not in wanted:
            wanted.add(name)
            open_names += by_name[name].needs
    return frozenset(by_name.keys() - wanted)


def _read(line: str) -> Dropped | None:
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    at, told, original = match.groups()
    file, tag = _file_of(original)
    by, _, why = told.partition(": ")
    return Dropped(file, tag, original, Dropping(at, by, why)) if file else None


def _file_of(line: str) -> tuple[str, str]:
    """The one file that a line takes, with its tag; empty where it takes none."""
    try:
        return next(taken(AssociationBlock.parse(line)), ("", ""))
    except ConfigError:  # no line of an AB, or of one that cannot be trusted
        return "", ""
