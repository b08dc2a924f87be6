"""Which frames, or which ABs, go into one AB."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import evolve, frozen

from phoenix_core.create_ab.classify import Frame, meets
from phoenix_core.create_ab.drafts import Draft, Missing
from phoenix_core.create_ab.how_many import too_few, within_maximum
from phoenix_core.create_ab.parts import Item, Part, parts, told_lacks
from phoenix_core.create_ab.rules import Group, Rules


@frozen
class Loose:
    """A raw frame that is in no AB, and why; `is_known`: the rules want it so."""

    frame: Frame
    why: str
    is_known: bool = False


@frozen
class Spare:
    """An AB that a group of ABs leaves over, and why."""

    name: str
    why: str


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
    loose: dict[str, Loose] = {}
    for part in parts(rules, group, [Item(frame) for frame in frames]):
        kept, rest = within_maximum(group, part)
        for item in rest:
            loose[item.frame.path] = _left_over(group, item)
        for some in kept:
            if group.makes_few or not too_few(group, some.everything):
                drafts.append(_draft(group, some))
                continue
            for item in some.everything:
                told = f"too few for {group.name}"
                loose[item.frame.path] = Loose(item.frame, told)
    drafts.sort(key=lambda draft: draft.primary.order)
    # What lacks a key may be left over by one part and hold up another.
    used = {frame.path for draft in drafts for frame in draft.frames}
    left = tuple(one for path, one in loose.items() if path not in used)
    return tuple(drafts), () if group.shared else left


def group_members(
    rules: Rules, group: Group, members: Sequence[Draft]
) -> tuple[tuple[Draft, ...], tuple[Spare, ...]]:
    """Make the ABs of a group that takes ABs, and name those left over."""
    wanted = [
        Item(member.primary, member)
        for member in members
        if (not group.tags or member.primary.tag in group.tags)
        and meets(member.primary.values, group.when)
    ]
    drafts: list[Draft] = []
    spare: list[Spare] = []
    for part in parts(rules, group, wanted):
        kept, rest = within_maximum(group, part)
        spare += [Spare(i.member.name, _more(group)) for i in rest if i.member]
        drafts += [
            _draft_of(group, some)
            for some in kept
            if group.makes_few or not too_few(group, some.everything)
        ]
    drafts.sort(key=lambda draft: draft.primary.order)
    return tuple(drafts), tuple(spare)


def _left_over(group: Group, item: Item) -> Loose:
    """Tell of a frame above the maximum; a damaged one is not meant to be left."""
    problem = item.frame.problem
    is_known = not problem and not group.splits
    return Loose(item.frame, problem or _more(group), is_known=is_known)


def _more(group: Group) -> str:
    """Why something is left over."""
    if group.splits:
        return f"left over by {group.name}: too few for another AB"
    return f"more than {group.name} takes"


def _draft(group: Group, part: Part) -> Draft:
    """Make the AB of some frames: by tag in the group's order, then in time.

    What may be of another AB as well does not name it.
    """
    place = {tag: number for number, tag in enumerate(group.tags)}

    def order(item: Item) -> tuple[int, tuple[float, str, str]]:
        return place[item.frame.tag or ""], item.frame.order

    primary = min(part.items, key=order).frame
    items = sorted((*part.items, *part.lacking), key=order)
    frames = tuple(item.frame for item in items)
    missing = [Missing("RAWFILE", f"{f.name} {f.problem}") for f in frames if f.problem]
    if few := too_few(group, [item for item in part.items if not item.frame.problem]):
        missing.append(Missing("FRAMES", f"there are {few}"))
    missing += _missing_keys(item for item in items if not item.frame.problem)
    return Draft(group, primary, frames=frames, missing=_once(missing))


def _draft_of(group: Group, part: Part) -> Draft:
    """Make the AB of some ABs, in the time of their first frames."""
    members = tuple(item.member for item in part.items if item.member)
    draft = Draft(group, part.items[0].frame, members=members)
    missing = [*_incomplete(members)]
    if few := too_few(group, part.items):
        missing.append(Missing("ABS", f"there are {few}"))
    given = {take for _, take in draft.inputs}
    missing += [
        Missing(take, "none of its ABs makes it")
        for take in group.takes
        if take not in given
    ]
    missing += _missing_keys(part.everything)
    return evolve(draft, missing=_once(missing))


def _incomplete(members: Sequence[Draft]) -> Iterator[Missing]:
    """Tell of members that are INCOMPLETE; what several have in common once."""
    told: set[str] = set()
    for member in members:
        if member.missing:
            same = "is INCOMPLETE for the same reason"
            why = same if member.root in told else member.problem
            told.add(member.root)
            yield Missing(member.name, why, member.root)


def _missing_keys(items: Iterable[Item]) -> Iterator[Missing]:
    for item in items:
        if item.lacks:
            told = f"{item.frame.name} {told_lacks(item.lacks)}"
            yield Missing("KEYWORD", told)


def _once(missing: Iterable[Missing]) -> tuple[Missing, ...]:
    return tuple(dict.fromkeys(missing))
