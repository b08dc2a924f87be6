"""Rules: what an instrument's frames are, what belongs together, what goes with it.

Plain values; `read_rules` reads and checks the file that they come from.
"""

import enum
from collections.abc import Iterator, Mapping

from attrs import field, frozen

Value = str | int | float | bool
"""The value of a keyword."""

FILE = "file"
"""The pseudo keyword for a file's name: as a key of a group, one AB a frame."""

HDUS = "hdus"
"""The pseudo keyword for the number of HDUs."""

PSEUDO = frozenset({FILE, HDUS})


class Source(enum.StrEnum):
    """Where the candidates of an association come from."""

    VIRTUAL = "virtual"  # what another AB of the call will make
    CALIB = "calib"  # files below calib
    RAW = "raw"  # raw frames of the night


class Time(enum.StrEnum):
    """Which candidates are near enough in time to be looked at."""

    NEAREST = "nearest"
    BEFORE = "before"
    AFTER = "after"


@frozen
class Condition:
    """What the value of one keyword has to be; bounds that are None do not count."""

    keyword: str
    any_of: tuple[Value, ...] = ()
    none_of: tuple[Value, ...] = ()
    like: str = ""
    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None
    present: bool = True  # False: the keyword must not be there


@frozen
class Class:
    """What a file is: its tag, if its header meets all conditions."""

    tag: str  # '': known, and to be ignored
    when: tuple[Condition, ...]
    of: str = "raw"  # or "calib"


@frozen
class Level:
    """One way to satisfy an association; `window` in days, None is any time."""

    number: int
    tag: str
    keys: tuple[str, ...]
    time: Time
    window: float | None
    sources: tuple[Source, ...]
    parameters: tuple[str, ...] = ()


@frozen
class Association:
    """What an AB takes besides its frames: how many, from the best level that can."""

    tag: str
    levels: tuple[Level, ...]
    minimum: int = 1
    maximum: int = 1
    optional: bool = False


@frozen
class Group:
    """What goes into one AB, what is called with it, and what comes out.

    It takes raw frames, or the ABs of other groups (`members`). `gap` is in days.
    """

    name: str
    recipe: str
    tags: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    when: tuple[Condition, ...] = ()
    keys: tuple[str, ...] = ()
    gap: float | None = None
    ab_tag: str = ""
    raw_type: str = "{tag}"
    event: str = ""
    parameters: tuple[str, ...] = ()
    minimum: int = 1
    minimum_of: Mapping[str, int] = field(factory=dict)
    makes_few: bool = True  # whether too few frames make an (INCOMPLETE) AB
    maximum: int | None = None
    splits: bool = True  # whether more frames than the maximum make more ABs
    shared: bool = False
    products: tuple[str, ...] = ()
    match_keys: tuple[str, ...] = ()
    qualifiers: Mapping[str, str] = field(factory=dict)
    associations: tuple[Association, ...] = ()


@frozen
class Keywords:
    """Where a header says what every AB says; '' where no header does."""

    mjd: str = "MJD-OBS"
    date: str = "DATE-OBS"
    exposure: str = "EXPTIME"
    exposure_id: str = ""
    category: str = "ESO DPR CATG"
    program: str = "ESO OBS PROG ID"
    ob: str = "ESO OBS ID"
    mode: str = ""


@frozen
class Rules:
    """A file of rules, checked.

    `order` names the groups so that what makes a product comes before what takes it;
    `noon` is when a night begins, in days of UT; `doubts` are words in it that may be
    slips of others.
    """

    path: str
    version: str
    groups: tuple[Group, ...]
    order: tuple[str, ...]
    classes: tuple[Class, ...] = ()
    only: tuple[Condition, ...] = ()
    noon: float = 0.5
    calib_tag: str = "ESO PRO CATG"
    drs_type: str = "CPL"
    keywords: Keywords = field(factory=Keywords)
    tolerance: Mapping[str, float] = field(factory=dict)
    doubts: tuple[str, ...] = ()

    @property
    def wanted(self) -> tuple[str, ...]:
        """Every keyword that some rule looks at, sorted."""
        found = set(self._wanted()) - PSEUDO - {""}
        return tuple(sorted(found))

    @property
    def asked(self) -> set[str]:
        """Every tag that some association asks for."""
        return {
            level.tag
            for group in self.groups
            for association in group.associations
            for level in association.levels
        }

    def _wanted(self) -> Iterator[str]:
        words = self.keywords
        yield from (words.mjd, words.date, words.exposure, words.exposure_id)
        yield words.category
        yield from (words.program, words.ob, words.mode, self.calib_tag)
        yield from (condition.keyword for condition in self.only)
        for kind in self.classes:
            yield from (condition.keyword for condition in kind.when)
        for group in self.groups:
            yield from (condition.keyword for condition in group.when)
            yield from group.keys
            yield from group.match_keys
            yield from group.qualifiers.values()
            for association in group.associations:
                for level in association.levels:
                    yield from level.keys
