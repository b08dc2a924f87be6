"""How many frames, or ABs, an AB takes: its minimum, and what is above its maximum."""

from collections import Counter
from collections.abc import Sequence
from itertools import islice

from attrs import evolve

from phoenix_core.create_ab.parts import Item, Part
from phoenix_core.create_ab.rules import Group


def too_few(group: Group, items: Sequence[Item]) -> str:
    """Say what is below the minimum, '' if nothing is."""
    if len(items) < group.minimum:
        return f"{len(items)} of {group.minimum} {'/'.join(group.tags)}".rstrip()
    counts = _counts(items)
    few = [
        f"{counts[tag]} of {least} {tag}"
        for tag, least in group.minimum_of.items()
        if counts[tag] < least
    ]
    return ", ".join(few)


def within_maximum(
    group: Group, part: Part
) -> tuple[tuple[Part, ...], tuple[Item, ...]]:
    """Split what is more than an AB takes, or leave the rest over.

    As many ABs are made as no one of them is below the minimum; at least one.
    """
    if group.maximum is None:
        return (part,), ()
    if not group.splits:
        return _one(part, group, group.maximum)
    if len(part.items) <= group.maximum:
        return (part,), ()
    number = _number(group, part.items, group.maximum)
    shares, rest = _share_out(group, part.items, number, group.maximum)
    return _with_lacking(shares, part.lacking), rest


def _one(
    part: Part, group: Group, most: int
) -> tuple[tuple[Part, ...], tuple[Item, ...]]:
    """Take what one AB takes; what is damaged leaves its place to what is whole."""
    ordered = sorted(part.items, key=lambda i: (bool(i.frame.problem), i.order))
    (share,), rest = _share_out(group, ordered, 1, most)
    room = most - len(share)
    return (Part(share, part.lacking[:room]),), (*rest, *part.lacking[room:])


def _number(group: Group, items: Sequence[Item], most: int) -> int:
    """How many ABs can be made of so many."""
    counts = _counts(items)
    needed = -(-len(items) // most)
    enough = [counts[tag] // least for tag, least in group.minimum_of.items() if least]
    return max(1, min(needed, len(items) // group.minimum, *enough))


def _share_out(
    group: Group, items: Sequence[Item], number: int, most: int
) -> tuple[tuple[tuple[Item, ...], ...], tuple[Item, ...]]:
    """Share items out, of each tag nearly as many to each, neighbours together."""
    counts = _counts(items)
    rest: list[Item] = []
    for item in reversed(items):
        if len(items) - len(rest) <= number * most:
            break
        least = group.minimum_of.get(item.frame.tag or "", 0)
        if counts[item.frame.tag] > number * least:
            counts[item.frame.tag] -= 1
            rest.append(item)
    left = {item.order for item in rest}
    shares: list[list[Item]] = [[] for _ in range(number)]
    start = 0
    for tag in sorted(counts, key=str):
        own = (i for i in items if i.frame.tag == tag and i.order not in left)
        size, more = divmod(counts[tag], number)
        for place, share in enumerate(shares):
            share.extend(islice(own, size + ((place - start) % number < more)))
        start += more
    return tuple(map(tuple, shares)), tuple(reversed(rest))


def _with_lacking(
    shares: Sequence[tuple[Item, ...]], lacking: Sequence[Item]
) -> tuple[Part, ...]:
    """Put each item that lacks a key to those of its time."""
    found = [Part(share) for share in shares]
    for item in lacking:
        begun = [n for n, s in enumerate(shares) if s and s[0].order <= item.order]
        place = max(begun, default=0)
        found[place] = evolve(found[place], lacking=(*found[place].lacking, item))
    return tuple(found)


def _counts(items: Sequence[Item]) -> Counter[str | None]:
    return Counter(item.frame.tag for item in items)
