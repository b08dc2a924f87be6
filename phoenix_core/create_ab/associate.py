"""What goes with an AB: of all that fits its keys and its window, the nearest in time.

Distances are between the MJD-OBS of the AB's first frame and that of a file, or of the
first frame of the AB that will make it.
"""

import heapq
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from attrs import define, field, frozen

from phoenix_core.create_ab.classify import as_key, same
from phoenix_core.create_ab.drafts import Candidate, Choice, Draft
from phoenix_core.create_ab.rules import Association, Level, Rules, Source, Time

_RANK = {Source.VIRTUAL: 0, Source.CALIB: 1, Source.RAW: 2}

Rank = tuple[float, int, str]


def _rank(candidate: Candidate) -> tuple[int, str]:
    """Of two as near as each other: what is made of this night first, then by name."""
    return _RANK[candidate.source], candidate.name


@frozen
class _Bucket:
    """Candidates with equal keys, in time; what has no time apart, by name."""

    forward: tuple[Candidate, ...]
    backward: tuple[Candidate, ...]
    times: tuple[float, ...]  # of `forward`
    timeless: tuple[Candidate, ...]


@define
class Candidates:
    """All that associations may take; it grows while ABs are made.

    Args:
        rules: whose tolerances hold.
        by_tag: candidates by source and tag.
    """

    rules: Rules
    by_tag: dict[tuple[Source, str], list[Candidate]] = field(factory=dict)
    _buckets: dict[object, dict[object, _Bucket]] = field(factory=dict, repr=False)

    def add(self, candidates: Iterable[Candidate]) -> None:
        """Add candidates."""
        for one in candidates:
            self.by_tag.setdefault((one.source, one.tag), []).append(one)
        self._buckets.clear()

    @property
    def unasked(self) -> set[str]:
        """The tags of candidates that no association asks for."""
        return {tag for _, tag in self.by_tag} - self.rules.asked

    def of(self, level: Level) -> Iterator[Candidate]:
        """Go through all candidates of a level, whether they fit or not."""
        for source in level.sources:
            yield from self.by_tag.get((source, level.tag), ())

    def fitting(self, draft: Draft, level: Level) -> Iterator[Candidate]:
        """Go through the candidates that an AB may take, the nearest first."""
        values = draft.primary.values
        wanted = [values.get(key) for key in level.keys]
        if any(value is None for value in wanted):
            return
        near = [key for key in level.keys if key in self.rules.tolerance]
        exact = tuple(key for key in level.keys if key not in self.rules.tolerance)
        bucket = self._bucket(level, exact).get(
            tuple(as_key(values.get(key)) for key in exact)
        )
        if bucket is None:
            return
        own = {frame.name for frame in draft.frames}
        for one in _by_distance(bucket, draft.primary.mjd, level):
            if one.source is Source.RAW and one.name in own:
                continue
            if all(
                self.agree(key, values.get(key), one.values.get(key)) for key in near
            ):
                yield one

    def agree(self, key: str, one: object, other: object) -> bool:
        """Whether two values of a key are equal, within its tolerance."""
        tolerance = self.rules.tolerance.get(key, 0.0)
        return same(one, other, tolerance)  # type: ignore[arg-type]

    def _bucket(self, level: Level, keys: tuple[str, ...]) -> dict[object, _Bucket]:
        which = (level.tag, level.sources, keys)
        if which not in self._buckets:
            found: dict[object, list[Candidate]] = {}
            for one in self.of(level):
                if one.problem or any(one.values.get(key) is None for key in keys):
                    continue
                place = tuple(as_key(one.values.get(key)) for key in keys)
                found.setdefault(place, []).append(one)
            self._buckets[which] = {at: _sorted(some) for at, some in found.items()}
        return self._buckets[which]


def choose(draft: Draft, association: Association, candidates: Candidates) -> Choice:
    """Take what an AB wants, from the first level that has enough."""
    for level in association.levels:
        found = candidates.fitting(draft, level)
        taken = tuple(islice(found, association.maximum))
        if len(taken) >= association.minimum:
            return Choice(association, level, taken)
    return Choice(association, None)


def distance(draft: Draft, candidate: Candidate) -> float | None:
    """Days from an AB to a candidate, negative before it; None where unknown."""
    if draft.primary.mjd is None or candidate.mjd is None:
        return None
    return candidate.mjd - draft.primary.mjd


def _sorted(candidates: Sequence[Candidate]) -> _Bucket:
    timed = [(c.mjd, *_rank(c), c) for c in candidates if c.mjd is not None]
    forward = sorted(timed, key=lambda row: row[:3])
    backward = sorted(timed, key=lambda row: (-row[0], *row[1:3]))
    return _Bucket(
        tuple(row[3] for row in forward),
        tuple(row[3] for row in backward),
        tuple(row[0] for row in forward),
        tuple(sorted((c for c in candidates if c.mjd is None), key=_rank)),
    )


def _by_distance(
    bucket: _Bucket, mjd: float | None, level: Level
) -> Iterator[Candidate]:
    """Go through a bucket, the nearest first; what has no time comes last."""
    any_time = level.window is None and level.time is Time.NEAREST
    if mjd is None:
        if any_time:
            yield from bucket.timeless
            yield from bucket.forward
        return
    window = math.inf if level.window is None else level.window
    ways = []
    if level.time is not Time.AFTER:
        at = len(bucket.times) - bisect_right(bucket.times, mjd)
        ways.append(_away(bucket.backward, at, mjd, window))
    if level.time is not Time.BEFORE:
        # A candidate of the very same time is on the way before already.
        find = bisect_left if level.time is Time.AFTER else bisect_right
        ways.append(_away(bucket.forward, find(bucket.times, mjd), mjd, window))
    for _, candidate in heapq.merge(*ways, key=lambda row: row[0]):
        yield candidate
    if any_time:
        yield from bucket.timeless


def _away(
    candidates: Sequence[Candidate], start: int, mjd: float, window: float
) -> Iterator[tuple[Rank, Candidate]]:
    for place in range(start, len(candidates)):
        candidate = candidates[place]
        away = abs((candidate.mjd or 0.0) - mjd)
        if away > window:
            return
        yield (away, *_rank(candidate)), candidate
