"""What the files of a run or night tell, as the monitors keep it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, get_args

from attrs import fields, frozen, resolve_types


@frozen
class Failure:
    """An AB that FAILED, and why."""

    ab: str
    recipe: str
    target: str
    cause: str
    at: str  # ISO time, UTC


@frozen
class Facts:
    """A run or night, counted. `run` is formal, '' of a night. Times are ISO, UTC.

    ABs are counted by status, apart from them those that part 3 has moved, and those
    that are `dropped` with exposures and stay until then;
    `virtual` ones take what is not made. Of the final ABs, which no other one needs,
    `waiting` have no verdict yet, or could not leave; `of_class` counts the moved ones
    of SCI_CLASS, `ingested` those whose dataset the archive has, `cleaned` those of
    which only headers are left. `in_store` counts ABs of the AB store, `unfetched`
    those of them that are not here; both are -1 where the store was not asked.
    `products` counts files by PRODUCT_MARKER, `fits` FITS files and headers by name.
    Sizes are bytes.
    `problems` tell what could not be read.
    """

    date: str
    run: str = ""
    created: int = 0
    successful: int = 0
    failed: int = 0
    skipped: int = 0
    dropped: int = 0
    moved: int = 0
    virtual: int = 0
    finals: int = 0
    finals_moved: int = 0
    of_class: int = 0
    green: int = 0
    red: int = 0
    waiting: tuple[str, ...] = ()
    waiting_red: int = 0
    accepted: int = 0
    rejected: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    in_store: int = -1
    unfetched: int = -1
    products: int = 0
    fits: int = 0
    is_converted: bool = False
    ingested: int = 0
    cleaned: int = 0
    waiting_bytes: int = 0
    reduced_bytes: int = 0
    created_at: str = ""
    waiting_since: str = ""
    moved_at: str = ""
    converted_at: str = ""
    ingested_at: str = ""
    active_at: str = ""
    problems: tuple[str, ...] = ()

    @property
    def abs(self) -> int:
        """All ABs that are here."""
        active = self.created + self.successful + self.failed + self.skipped
        return active + self.dropped + self.moved

    @property
    def is_certified(self) -> bool:
        """Whether every final AB is moved, and the store has no other ABs."""
        is_all = 0 < self.finals == self.finals_moved
        return is_all and self.unfetched <= 0 and not self.problems


class State(StrEnum):
    """What comes next for a run or night; the first one that holds is told."""

    DAMAGED = "damaged"
    FAILED = "failed"
    EXPECTED = "expected"
    TO_PROCESS = "to process"
    TO_CERTIFY = "to certify"
    REJECTED = "rejected"
    TO_CONVERT = "to convert"
    TO_INGEST = "to ingest"
    TO_CLEAN = "to clean up"
    CERTIFIED = "certified"
    DONE = "done"


def state_of(facts: Facts, *, is_ingested: bool, has_log: bool = True) -> State:
    """Return what comes next.

    Args:
        facts: of the run or night.
        is_ingested: whether the configuration has a conversion and an archive;
            otherwise nothing comes after the move.
        has_log: whether the conversion writes its log (CHECK_CONV).
    """
    todo = facts.created or facts.skipped or facts.unfetched > 0
    after = State.CERTIFIED
    if is_ingested:
        after = _after_move(facts, has_log=has_log)
    asked = (
        (State.DAMAGED, facts.problems),
        (State.FAILED, facts.failed),
        (State.EXPECTED, not facts.abs and facts.in_store <= 0),
        (State.TO_PROCESS, todo),
        (State.TO_CERTIFY, facts.waiting),
        (State.REJECTED, facts.rejected),
        (State.TO_PROCESS, not facts.moved),
    )
    return next((state for state, holds in asked if holds), after)


def _after_move(facts: Facts, *, has_log: bool) -> State:
    if has_log and not facts.is_converted and not facts.ingested:
        return State.TO_CONVERT
    if facts.ingested < max(facts.finals_moved, 1):
        return State.TO_INGEST
    return State.TO_CLEAN if facts.cleaned < facts.ingested else State.DONE


def restored(document: Mapping[str, Any]) -> Facts:
    """Make facts of what was kept of them.

    Raises:
        TypeError: it is no such document.
    """
    facts: Facts = _made(Facts, document)
    return facts


def _made(kind: type[Any], document: object) -> Any:
    if not isinstance(document, Mapping):
        raise TypeError(f"no {kind.__name__}: {document!r}")
    types = {a.name: a.type for a in fields(resolve_types(kind))}
    return kind(**{name: _value(types.get(name), v) for name, v in document.items()})


def _value(kind: Any, value: object) -> object:
    if kind in {str, int, bool}:
        if type(value) is not kind:
            raise TypeError(f"{value!r} is no {kind.__name__}")
        return value
    if not isinstance(value, list) or not get_args(kind):
        raise TypeError(f"{value!r} is no list")
    item = get_args(kind)[0]
    if item is str:
        return tuple(_value(str, one) for one in value)
    return tuple(_made(item, one) for one in value)
