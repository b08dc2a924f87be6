"""Why an association took what it took: runners-up, and the nearest misses."""

import math
from collections.abc import Iterator

from attrs import frozen

from phoenix_core.create_ab.associate import Candidates, choose, distance
from phoenix_core.create_ab.drafts import Candidate, Draft, Missing
from phoenix_core.create_ab.rules import Association, Level, Source, Time, Value
from phoenix_core.nearest import slip

_SHOWN = 5
_PROBLEM = "problem"
_HOUR = 1 / 24
_MINUTE = _HOUR / 60
_SECOND = _MINUTE / 60
_NEARLY = 0.999  # 60 min are an hour, however times were rounded


@frozen
class Fit:
    """A candidate that fits: from which level, and how far away in days."""

    name: str
    source: str
    level: int
    days: float | None


@frozen
class Failure:
    """What a candidate failed at: what, its own value, and what was wanted."""

    what: str
    has: Value | None
    wanted: Value | None
    told: str


@frozen
class Miss:
    """A candidate that fits no level, and what it fails at in the kindest one.

    `root` is the first cause of an AB's being INCOMPLETE.
    """

    name: str
    source: str
    days: float | None
    failures: tuple[Failure, ...]
    root: str = ""

    @property
    def strange(self) -> int:
        """At how many it fails besides a problem of its own."""
        return sum(failure.what != _PROBLEM for failure in self.failures)


@frozen
class Account:
    """An association of an AB: what was taken, what else fits, what nearly does.

    `difference` is what the AB on disk has instead.
    """

    tag: str
    level: int | None
    minimum: int
    maximum: int
    optional: bool
    candidates: int
    taken: tuple[Fit, ...]
    runners_up: tuple[Fit, ...]
    misses: tuple[Miss, ...]
    difference: str = ""


def account(draft: Draft, association: Association, candidates: Candidates) -> Account:
    """Look at every candidate of an association."""
    choice = choose(draft, association, candidates)
    number = choice.level.number if choice.level else None
    taken = {(one.source, one.name) for one in choice.taken}
    fits: dict[tuple[Source, str], Fit] = {}
    misses: dict[tuple[Source, str], Miss] = {}
    own = {frame.name for frame in draft.frames}
    for level in association.levels:
        for one in candidates.of(level):
            who = (one.source, one.name)
            if who in fits or (one.source is Source.RAW and one.name in own):
                continue
            days = distance(draft, one)
            failures = tuple(_failures(draft, level, one, candidates))
            if not failures:
                fits[who] = Fit(one.name, one.source.value, level.number, days)
                misses.pop(who, None)
            elif who not in misses or len(failures) <= len(misses[who].failures):
                source = one.source.value
                misses[who] = Miss(one.name, source, days, failures, one.root)
    others = sorted((f for who, f in fits.items() if who not in taken), key=_nearer)
    nearly = sorted(misses.values(), key=_nearly)
    return Account(
        tag=association.tag,
        level=number,
        minimum=association.minimum,
        maximum=association.maximum,
        optional=association.optional,
        candidates=len(fits) + len(misses),
        taken=tuple(
            Fit(one.name, one.source.value, number or 0, distance(draft, one))
            for one in choice.taken
        ),
        runners_up=tuple(others[:_SHOWN]),
        misses=tuple(nearly[:_SHOWN]),
    )


def lack(draft: Draft, association: Association, candidates: Candidates) -> Missing:
    """Say what an association found too little of, and why, in a line."""
    found = account(draft, association, candidates)
    fitting = len(found.runners_up)
    nearest = found.misses[0] if found.misses else None
    if not found.candidates:
        sources = {s.value for level in association.levels for s in level.sources}
        why = f"there is none at all ({', '.join(sorted(sources))})"
        why += slip(association.tag, candidates.unasked)
    elif fitting:
        why = f"{fitting} of {found.minimum} fit{_nearest(found)}"
    else:
        why = f"none of {found.candidates} fits{_nearest(found)}"
    is_fit = nearest is not None and not nearest.strange
    return Missing(association.tag, why, nearest.root if nearest and is_fit else "")


def _nearest(found: Account) -> str:
    if not found.misses:
        return ""
    miss = found.misses[0]
    failed = "; ".join(failure.told for failure in miss.failures)
    return f"; nearest: {miss.name}, {told_days(miss.days)}: {failed}"


def _nearer(fit: Fit) -> tuple[int, float, str, str]:
    return fit.level, _away(fit.days), fit.source, fit.name


def _nearly(miss: Miss) -> tuple[int, int, float, str, str]:
    """What would fit but for a problem of its own comes first."""
    failed = (miss.strange, len(miss.failures))
    return *failed, _away(miss.days), miss.source, miss.name


def _away(days: float | None) -> float:
    return math.inf if days is None else abs(days)


def _failures(
    draft: Draft, level: Level, one: Candidate, candidates: Candidates
) -> Iterator[Failure]:
    if one.problem:
        yield Failure(_PROBLEM, one.problem, None, one.problem)
    for key in level.keys:
        wanted, has = draft.primary.values.get(key), one.values.get(key)
        if not candidates.agree(key, wanted, has):
            yield Failure(key, has, wanted, _told(draft, key, has, wanted))
    yield from _too_far(distance(draft, one), level)


def _told(draft: Draft, key: str, has: Value | None, wanted: Value | None) -> str:
    if wanted is None:
        return f"{draft.primary.name} itself has no {key}"
    if has is None:
        return f"has no {key}, wanted {wanted!r}"
    return f"{key} = {has!r}, wanted {wanted!r}"


def _too_far(days: float | None, level: Level) -> Iterator[Failure]:
    if days is None:
        if level.window is not None or level.time is not Time.NEAREST:
            yield Failure("time", None, level.window, "the time between is not known")
        return
    is_late = level.time is Time.BEFORE and days > 0
    is_early = level.time is Time.AFTER and days < 0
    if is_late or is_early:
        side = level.time.value
        yield Failure("time", days, side, f"wanted {side}")
    elif level.window is not None and abs(days) > level.window:
        told = f"more than {in_days(level.window)} away"
        yield Failure("window", days, level.window, told)


def told_days(days: float | None) -> str:
    """A distance as people read it.

    >>> told_days(-0.31), told_days(0.0), told_days(12.0), told_days(None)
    ('7.44 h before', 'at the same time', '12 d after', 'at an unknown time')
    >>> told_days(16.3 / 86400), told_days(60 / 86400)
    ('16.3 s after', '1 min after')
    """
    if days is None:
        return "at an unknown time"
    if not days:
        return "at the same time"
    return f"{in_days(abs(days))} {'before' if days < 0 else 'after'}"


def in_days(days: float) -> str:
    """A span of days as people read it."""
    if days < _MINUTE * _NEARLY:
        return f"{days / _SECOND:.3g} s"
    if days < _HOUR * _NEARLY:
        return f"{days / _MINUTE:.3g} min"
    if days < _NEARLY:
        return f"{days / _HOUR:.3g} h"
    return f"{days:.4g} d"
