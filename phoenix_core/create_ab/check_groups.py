"""What the groups of a rules file make of each other: names, products, order."""

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from phoenix_core.create_ab.rules import Group, Source
from phoenix_core.create_ab.rules_table import Table
from phoenix_core.nearest import nearest


def check_groups(tables: Sequence[Table], groups: Sequence[Group]) -> None:
    """Refuse unknown groups, and those whose ABs could have the same name."""
    named: dict[str, Group] = {}
    for table, group in zip(tables, groups, strict=True):
        if group.name in named:
            raise table.wrong("name", f"'{group.name}' is another group's name")
        named[group.name] = group
    for table, group in zip(tables, groups, strict=True):
        for member in group.members:
            if member not in named:
                hint = nearest(member, named)
                raise table.wrong("from", f"there is no group '{member}'{hint}")
        made = {p for m in group.members for p in possible_products(named[m], named)}
        for take in group.takes:
            if take not in made:
                hint = nearest(take, made)
                told = f"'{take}' is no product of {', '.join(group.members)}{hint}"
                raise table.wrong("takes", told)
    _check_names(tables, groups, named)


def _check_names(
    tables: Sequence[Table], groups: Sequence[Group], named: Mapping[str, Group]
) -> None:
    seen: dict[tuple[str, str], str] = {}
    for table, group in zip(tables, groups, strict=True):
        for tag in possible_tags(group, named):
            other = seen.setdefault((group.ab_tag, tag), group.name)
            # Of two groups that take a tag, the first one takes the frame.
            alone = not group.members and not group.shared
            both = alone and not named[other].members and not named[other].shared
            if other != group.name and not both:
                raise table.wrong(
                    "ab_tag",
                    f"is '{group.ab_tag}' as that of '{other}': ABs of {tag} frames "
                    "would have the same name; give it another one",
                )


def possible_tags(
    group: Group, named: Mapping[str, Group], below: tuple[str, ...] = ()
) -> set[str]:
    """Return the tags that the first raw file behind an AB of a group can have."""
    if not group.members or group.name in below:
        return set(group.tags)
    tags: set[str] = set()
    for member in group.members:
        tags |= possible_tags(named[member], named, (*below, group.name))
    return tags & set(group.tags) if group.tags else tags


def possible_products(group: Group, named: Mapping[str, Group]) -> set[str]:
    """Return the categories of products that an AB of a group can have."""
    tags = possible_tags(group, named)
    return {p.replace("{tag}", tag) for p in group.products for tag in tags}


def makers_first(tables: Sequence[Table], groups: Sequence[Group]) -> tuple[str, ...]:
    """Order groups so that what makes a product stands before what takes it."""
    graph: dict[str, list[str]] = {}
    named = {group.name: group for group in groups}
    made = {group.name: possible_products(group, named) for group in groups}
    for group in groups:
        wanted = {
            level.tag
            for association in group.associations
            for level in association.levels
            if Source.VIRTUAL in level.sources
        }
        makers = [other for other, products in made.items() if wanted & products]
        graph[group.name] = [*group.members, *makers]
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        table = next(t for t in tables if t.content["name"] == error.args[1][0])
        told = f'each other: {circle}; sources = ["calib"] where files are meant'
        raise table.wrong("", f"groups need {told}") from error
    return tuple(order)
