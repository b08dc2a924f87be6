"""What belongs together: frames, or ABs, whose grouping keys are equal.

What lacks a key belongs to the part whose other keys it has, and has a problem. Where
that can be several, it is beside each: nobody knows which one is short of it.
"""

from collections.abc import Iterator, Sequence

from attrs import evolve, frozen

from phoenix_core.create_ab.classify import Frame, as_key, same
from phoenix_core.create_ab.drafts import Draft
from phoenix_core.create_ab.rules import FILE, Group, Rules

_DAY = 86400.0


@frozen
class Item:
    """What is grouped: a frame, or an AB with the frame that stands for it.

    `lacks` are the keywords by which it would be grouped and that it has not.
    """

    frame: Frame
    member: Draft | None = None
    lacks: tuple[str, ...] = ()

    @property
    def order(self) -> tuple[tuple[float, str, str], str]:
        """In time, then by name."""
        return self.frame.order, self.member.name if self.member else ""


@frozen
class Part:
    """Items that belong together, in time, and those that may be of another as well."""

    items: tuple[Item, ...]
    lacking: tuple[Item, ...] = ()

    @property
    def everything(self) -> tuple[Item, ...]:
        """All of them, in time."""
        return tuple(sorted((*self.items, *self.lacking), key=lambda item: item.order))


def parts(rules: Rules, group: Group, items: Sequence[Item]) -> Iterator[Part]:
    """Split items by the keys of their group, then by the pauses between them."""
    known = [evolve(item, lacks=_lacks(rules, group, item.frame)) for item in items]
    sound = [item for item in known if not item.lacks]
    whole = [Part(some) for some in _equal(rules, group, sound)]
    found = list(whole)
    nowhere = []
    for item in (item for item in known if item.lacks):
        could = [n for n, p in enumerate(whole) if _may_join(rules, group, item, p)]
        for number in could:
            found[number] = _joined(found[number], item, is_sure=len(could) == 1)
        if not could:
            nowhere.append(item)
    yield from found
    yield from (Part(some) for some in _equal(rules, group, nowhere))


def _joined(part: Part, item: Item, *, is_sure: bool) -> Part:
    """Add what lacks a key to a part; nothing takes it.

    What can be of no other part gets the keys of this one, and may name the AB: it has
    the same name when the file is mended.
    """
    frame = item.frame
    problem = frame.problem or told_lacks(item.lacks)
    values = part.items[0].frame.values
    missing = {key: values[key] for key in item.lacks if key in values}
    item = evolve(item, frame=evolve(frame, problem=problem))
    if not is_sure or frame.mjd is None:
        return evolve(part, lacking=(*part.lacking, item))
    item = evolve(item, frame=evolve(item.frame, values={**frame.values, **missing}))
    items = sorted((*part.items, item), key=lambda item: item.order)
    return evolve(part, items=tuple(items))


def told_lacks(keys: Sequence[str]) -> str:
    """Say which keywords something has not."""
    return f"has no {' and no '.join(keys)}"


def _lacks(rules: Rules, group: Group, frame: Frame) -> tuple[str, ...]:
    keys = [key for key in group.keys if key != FILE and key not in frame.values]
    if group.gap is not None and frame.mjd is None:
        keys.append(rules.keywords.mjd)
    return tuple(keys)


def exposure(rules: Rules, frame: Frame) -> float:
    """How long a frame was exposed, in days; 0 where it does not say."""
    seconds = frame.values.get(rules.keywords.exposure)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return 0.0
    return max(seconds, 0.0) / _DAY


def _may_join(rules: Rules, group: Group, item: Item, part: Part) -> bool:
    """Whether an item is equal to those of a part in all keys that it has."""
    for key in group.keys:
        value = item.frame.values.get(key)
        width = rules.tolerance.get(key, 0.0)
        others = (other.frame.values.get(key) for other in part.items)
        if value is not None and not all(same(value, o, width) for o in others):
            return False
    mjd = item.frame.mjd
    if group.gap is None or mjd is None:
        return True
    starts = [o.frame.mjd for o in part.items if o.frame.mjd is not None]
    ends = [_end(rules, other) or 0.0 for other in part.items]
    first = min(starts) - group.gap - exposure(rules, item.frame)
    return first <= mjd <= max(ends) + group.gap


def _equal(
    rules: Rules, group: Group, items: Sequence[Item]
) -> Iterator[tuple[Item, ...]]:
    near = [key for key in group.keys if key in rules.tolerance]
    exact = [key for key in group.keys if key not in rules.tolerance]
    by_key: dict[object, list[Item]] = {}
    for item in sorted(items, key=lambda item: item.order):
        values = item.frame.values
        place = tuple(as_key(values.get(key)) for key in exact)
        by_key.setdefault(place, []).append(item)
    found: list[list[Item]] = list(by_key.values())
    for key in near:
        width = rules.tolerance[key]
        found = [some for part in found for some in _clusters(part, key, width)]
    for part in found:
        ordered = sorted(part, key=lambda item: item.order)
        yield from _by_pause(rules, group, ordered)


def _clusters(items: Sequence[Item], key: str, width: float) -> Iterator[list[Item]]:
    """Split items so that no two of a part differ by more than `width`."""
    numbers: list[tuple[float, Item]] = []
    others: dict[object, list[Item]] = {}
    for item in items:
        value = item.frame.values.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            numbers.append((value, item))
        else:
            others.setdefault(as_key(value), []).append(item)
    cluster: list[Item] = []
    first = 0.0
    for value, item in sorted(numbers, key=lambda pair: (pair[0], pair[1].order)):
        if cluster and value - first > width:
            yield cluster
            cluster = []
        if not cluster:
            first = value
        cluster.append(item)
    if cluster:
        yield cluster
    yield from others.values()


def _by_pause(
    rules: Rules, group: Group, items: Sequence[Item]
) -> Iterator[tuple[Item, ...]]:
    part: list[Item] = []
    end: float | None = None
    for item in items:
        if part and not _follows(item.frame.mjd, end, group.gap):
            yield tuple(part)
            part = []
        part.append(item)
        end = _end(rules, item)
    if part:
        yield tuple(part)


def _end(rules: Rules, item: Item) -> float | None:
    mjd = item.frame.mjd
    return None if mjd is None else mjd + exposure(rules, item.frame)


def _follows(mjd: float | None, end: float | None, gap: float | None) -> bool:
    """Whether a frame begins soon enough after another's end; without times, yes."""
    if gap is None or mjd is None or end is None:
        return True
    return mjd - end <= gap
