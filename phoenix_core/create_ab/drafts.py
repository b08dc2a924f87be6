"""The nouns of association: candidates, choices, and ABs while they are made."""

from collections.abc import Mapping
from functools import cached_property

from attrs import field, frozen

from phoenix_core.create_ab.classify import Frame
from phoenix_core.create_ab.doubles import stem
from phoenix_core.create_ab.rules import Association, Group, Level, Source, Value


@frozen
class Missing:
    """Why an AB is INCOMPLETE: what it lacks (one word), and why.

    `root` is the first cause where it lies in another AB: which one, and what it lacks.
    """

    what: str
    why: str
    root: str = ""


@frozen
class Candidate:
    """A file or an AB that an association may take.

    What has a `problem` is never taken; `root` is the first cause of an AB's.
    """

    name: str
    tag: str
    mjd: float | None
    values: Mapping[str, Value]
    source: Source
    problem: str = ""
    root: str = ""


@frozen
class Choice:
    """What an association took, from which level; None where no level has enough."""

    association: Association
    level: Level | None
    taken: tuple[Candidate, ...] = ()


@frozen
class Draft:
    """An AB while it is made: its own raw frames, or the ABs that it takes."""

    group: Group
    primary: Frame
    frames: tuple[Frame, ...] = ()
    members: tuple["Draft", ...] = ()
    choices: tuple[Choice, ...] = ()
    missing: tuple[Missing, ...] = field(default=())

    @property
    def name(self) -> str:
        """AB_NAME: the primary's name and the group's name tag."""
        return f"{stem(self.primary.name)}{self.group.ab_tag}.ab"

    @cached_property
    def root(self) -> str:
        """The first cause of its being INCOMPLETE: which AB lacks what."""
        first = self._first_missing
        if first is None:
            return ""
        return first.root or f"{self.name}: {first.what} {first.why}"

    @cached_property
    def problem(self) -> str:
        """What those are told who need its products: the first cause, no chain."""
        first = self._first_missing
        if first is None:
            return ""
        if first.root:
            return f"is INCOMPLETE, because of {first.root}"
        more = len(self.missing) - 1
        told = f" (and {more} more)" if more else ""
        return f"is INCOMPLETE: {first.what} {first.why}{told}"

    @property
    def _first_missing(self) -> Missing | None:
        """What it lacks by itself, before what it lacks because of another AB."""
        return min(self.missing, key=lambda one: bool(one.root), default=None)

    @property
    def raw_type(self) -> str:
        """RAW_TYPE."""
        return self.group.raw_type.replace("{tag}", self.primary.tag or "")

    @cached_property
    def products(self) -> tuple[str, ...]:
        """The categories of products that it is expected to make."""
        tag = self.primary.tag or ""
        return tuple(made.replace("{tag}", tag) for made in self.group.products)

    @cached_property
    def behind(self) -> tuple[Frame, ...]:
        """All raw frames behind it, its members' included, in time."""
        found = {frame.path: frame for frame in self.frames}
        for member in self.members:
            found |= {frame.path: frame for frame in member.behind}
        return tuple(sorted(found.values(), key=lambda frame: frame.order))

    @property
    def inputs(self) -> tuple[tuple["Draft", str], ...]:
        """What it takes of its members: AB and category, category by category."""
        return tuple(
            (member, take)
            for take in self.group.takes
            for member in self.members
            if take in member.products
        )
