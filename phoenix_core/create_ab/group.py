"""Which frames, or which ABs, go into one AB."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from attrs import frozen

from phoenix_core.create_ab.classify import Frame, meets
from phoenix_core.create_ab.drafts import Draft, Missing
from phoenix_core.create_ab.rules import FILE, Group, Rules, Value

_DAY = 86400.0

_T = TypeVar("_T")


@frozen
class Loose:
    """A raw frame that is in no AB, and why; `is_known`: the rules want it so."""

    frame: Frame
    why: str
    is_known: bool = False


@frozen
class _Item:
    """What is grouped: a frame, or an AB with the frame that stands for it."""

    frame: Frame
    member: Draft | None = None


def share_out(
    rules: Rules, frames: Iterable[Frame]
) -> tuple[Mapping[str, Sequence[Frame]], tuple[Loose, ...]]:
    """Give each raw frame to its group: the first one that takes it.

    Groups that share take it besides. The others are returned with the reason.
    """
    groups = [group for group in rules.groups if not group.members]
    taken: dict[str, list[Frame]] = {group.name: [] for group in groups}
    by_itself = {
        level.tag
        for group in rules.groups
        for association in group.associations
        for level in association.levels
        if "raw" in level.sources
    }
    loose = []
    for frame in frames:
        if not frame.tag:
            loose.append(_untagged(frame))
            continue
        found = False
        is_shared = False
        for group in groups:
            if (found and not group.shared) or frame.tag not in group.tags:
                continue
            if meets(frame.values, group.when):
                taken[group.name].append(frame)
                found = found or not group.shared
                is_shared = True
        if not is_shared:
            known = frame.tag in by_itself
            why = "associated only" if known else f"no group takes {frame.tag}"
            loose.append(Loose(frame, why, is_known=known))
    return taken, tuple(loose)


def _untagged(frame: Frame) -> Loose:
    if frame.tag is not None:
        return Loose(frame, "ignored by the rules", is_known=True)
    return Loose(frame, frame.problem or "no rule classifies it")


def group_frames(
    rules: Rules, group: Group, frames: Sequence[Frame]
) -> tuple[tuple[Draft, ...], tuple[Loose, ...]]:
    """Make the ABs of a group of raw frames, and name the frames left over."""
    drafts: list[Draft] = []
    loose: list[Loose] = []
    for part in _parts(rules, group, [_Item(frame) for frame in frames]):
        ordered = [item.frame for item in part]
        if not group.splits:
            ordered.sort(key=lambda frame: (bool(frame.problem), frame.order))
        kept, rest = _within_maximum(group, ordered)
        loose += [
            Loose(f, f"more than {group.name} takes", is_known=True) for f in rest
        ]
        for some in kept:
            if not group.makes_few and _too_few(group, some):
                told = f"too few for {group.name}"
                loose += [Loose(frame, told) for frame in some]
            else:
                drafts.append(_draft(group, some))
    drafts.sort(key=lambda draft: draft.primary.order)
    return tuple(drafts), () if group.shared else tuple(loose)


def group_members(
    rules: Rules, group: Group, members: Sequence[Draft]
) -> tuple[Draft, ...]:
    """Make the ABs of a group that takes ABs."""
    wanted = [
        _Item(member.primary, member)
        for member in members
        if (not group.tags or member.primary.tag in group.tags)
        and meets(member.primary.values, group.when)
    ]
    drafts: list[Draft] = []
    for part in _parts(rules, group, wanted):
        ordered = sorted(part, key=_order)
        kept, _ = _within_maximum(group, ordered)
        drafts += [
            _draft_of(group, some)
            for some in kept
            if group.makes_few or len(some) >= group.minimum
        ]
    drafts.sort(key=lambda draft: draft.primary.order)
    return tuple(drafts)


def _order(item: _Item) -> tuple[tuple[float, str, str], str]:
    return item.frame.order, item.member.name if item.member else ""


# What is equal --------------------------------------------------------------------


def _parts(
    rules: Rules, group: Group, items: Sequence[_Item]
) -> Iterator[Sequence[_Item]]:
    """Split items by the keys of their group, then by the pauses between them."""
    near = [key for key in group.keys if key in rules.tolerance]
    exact = [key for key in group.keys if key not in rules.tolerance]
    parts: dict[tuple[Value | tuple[Value] | None, ...], list[_Item]] = {}
    for item in sorted(items, key=_order):
        values = item.frame.values
        parts.setdefault(tuple(plain(values.get(key)) for key in exact), []).append(
            item
        )
    found: list[list[_Item]] = list(parts.values())
    for key in near:
        width = rules.tolerance[key]
        found = [some for part in found for some in _clusters(part, key, width)]
    for part in found:
        yield from _by_pause(rules, group, sorted(part, key=_order))


def plain(value: Value | None) -> Value | tuple[Value] | None:
    """A value by which a dictionary keeps what is equal together: True is not 1."""
    return (value,) if isinstance(value, bool) else value


def _clusters(items: Sequence[_Item], key: str, width: float) -> Iterator[list[_Item]]:
    """Split items so that no two of a part differ by more than `width`."""
    numbers: list[tuple[float, _Item]] = []
    others: dict[object, list[_Item]] = {}
    for item in items:
        value = item.frame.values.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            numbers.append((value, item))
        else:
            others.setdefault(plain(value), []).append(item)
    cluster: list[_Item] = []
    first = 0.0
    for value, item in sorted(numbers, key=lambda pair: (pair[0], _order(pair[1]))):
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
    rules: Rules, group: Group, items: Sequence[_Item]
) -> Iterator[Sequence[_Item]]:
    if group.gap is None:
        yield items
        return
    part: list[_Item] = []
    end: float | None = None
    for item in items:
        mjd = item.frame.mjd
        if part and not _follows(mjd, end, group.gap):
            yield part
            part = []
        part.append(item)
        end = None if mjd is None else mjd + exposure(rules, item.frame)
    if part:
        yield part


def _follows(mjd: float | None, end: float | None, gap: float) -> bool:
    """Whether a frame begins soon enough after another's end; without times, yes."""
    if mjd is None or end is None:
        return mjd is None and end is None
    return mjd - end <= gap


def exposure(rules: Rules, frame: Frame) -> float:
    """How long a frame was exposed, in days; 0 where it does not say."""
    seconds = frame.values.get(rules.keywords.exposure)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return 0.0
    return max(seconds, 0.0) / _DAY


# How many -------------------------------------------------------------------------


def _within_maximum(
    group: Group, things: Sequence[_T]
) -> tuple[list[Sequence[_T]], Sequence[_T]]:
    """Split what is more than an AB takes, or leave the rest over."""
    most = group.maximum
    if most is None or len(things) <= most:
        return [things], ()
    if not group.splits:
        return [things[:most]], things[most:]
    number = -(-len(things) // most)
    size, more = divmod(len(things), number)
    parts = []
    at = 0
    for place in range(number):
        end = at + size + (place < more)
        parts.append(things[at:end])
        at = end
    return parts, ()


def _too_few(group: Group, frames: Sequence[Frame]) -> str:
    """Say what is below the minimum, '' if nothing is."""
    if len(frames) < group.minimum:
        return f"{len(frames)} of {group.minimum} {'/'.join(group.tags)}"
    counts = Counter(frame.tag for frame in frames)
    few = [
        f"{counts[tag]} of {least} {tag}"
        for tag, least in group.minimum_of.items()
        if counts[tag] < least
    ]
    return ", ".join(few)


def _draft(group: Group, frames: Sequence[Frame]) -> Draft:
    """Make the AB of some frames: by tag in the group's order, then in time."""
    place = {tag: number for number, tag in enumerate(group.tags)}
    ordered = sorted(frames, key=lambda f: (place[f.tag or ""], f.order))
    good = [frame for frame in ordered if not frame.problem]
    missing = [
        Missing("RAWFILE", f"{f.name} {f.problem}") for f in ordered if f.problem
    ]
    if few := _too_few(group, good):
        missing.append(Missing("FRAMES", f"there are {few}"))
    missing += _missing_keys(group, ordered[0])
    return Draft(group, ordered[0], frames=tuple(ordered), missing=tuple(missing))


def _draft_of(group: Group, items: Sequence[_Item]) -> Draft:
    """Make the AB of some ABs, in the time of their first frames."""
    members = tuple(item.member for item in items if item.member)
    draft = Draft(group, items[0].frame, members=members)
    missing = [
        Missing(member.name, f"is INCOMPLETE: {told(member.missing)}")
        for member in members
        if member.missing
    ]
    if len(members) < group.minimum:
        missing.append(Missing("ABS", f"there are {len(members)} of {group.minimum}"))
    given = {take for _, take in draft.inputs}
    missing += [
        Missing(take, "none of its ABs makes it")
        for take in group.takes
        if take not in given
    ]
    missing += _missing_keys(group, draft.primary)
    return Draft(group, items[0].frame, members=members, missing=tuple(missing))


def _missing_keys(group: Group, primary: Frame) -> list[Missing]:
    return [
        Missing("KEYWORD", f"{primary.name} has no {key}")
        for key in group.keys
        if key != FILE and key not in primary.values
    ]


def told(missing: Sequence[Missing]) -> str:
    """What an AB lacks, in one line."""
    return "; ".join(f"{one.what} {one.why}" for one in missing)
