"""Words of a rules file that name nothing: tags, categories and keywords."""

from collections.abc import Iterator, Mapping, Sequence

from phoenix_core.create_ab.check_groups import possible_products, possible_tags
from phoenix_core.create_ab.rules import Class, Group, Level, Source
from phoenix_core.create_ab.rules_table import Table
from phoenix_core.errors import ConfigError
from phoenix_core.nearest import nearest, slip


def wrong_words(
    table: Table, groups: Sequence[Group], classes: Sequence[Class]
) -> Iterator[ConfigError]:
    """Tell of tags that nothing can have, and of tolerances that nothing looks at."""
    named = {group.name: group for group in groups}
    raw = {kind.tag for kind in classes if kind.of == "raw" and kind.tag}
    made = {p for group in groups for p in possible_products(group, named)}
    for inner, group in zip(table.tables("group"), groups, strict=True):
        yield from _tags(inner, group, named, raw)
        for place, level in _levels(inner, group):
            yield from _sources(place, level, raw, made)
    used = set(_compared(groups))
    tolerance = table.table("tolerance")
    for key in tolerance.content:
        if key not in used:
            told = f"no group and no association has this key{nearest(key, used)}"
            yield tolerance.wrong(key, told)


def doubts(groups: Sequence[Group], classes: Sequence[Class]) -> Iterator[str]:
    """Tell of categories of calibration files that look like a slip of another.

    Which categories there are only the files know.
    """
    named = {group.name: group for group in groups}
    known = {kind.tag for kind in classes if kind.tag}
    known |= {p for group in groups for p in possible_products(group, named)}
    told: dict[str, str] = {}
    for group in groups:
        for association in group.associations:
            for level in association.levels:
                meant = slip(level.tag, known)
                if Source.CALIB in level.sources and meant:
                    told[level.tag] = (
                        f"[[group]] '{group.name}' takes {level.tag}, which no class "
                        f"and no group gives{meant}"
                    )
    yield from told.values()


def _tags(
    table: Table, group: Group, named: Mapping[str, Group], raw: set[str]
) -> Iterator[ConfigError]:
    known = raw
    if group.members:
        known = {t for m in group.members for t in possible_tags(named[m], named)}
    for tag in group.tags:
        if tag not in known:
            whose = f"AB of {', '.join(group.members)}" if group.members else "class"
            told = f"no {whose} has the tag '{tag}'{nearest(tag, known)}"
            yield table.wrong("tags", told)


def _levels(table: Table, group: Group) -> Iterator[tuple[Table, Level]]:
    """Go through the levels of a group's associations, with the table of each."""
    tables = table.tables("associate")
    for whole, association in zip(tables, group.associations, strict=True):
        places = tuple(whole.tables("levels")) or (whole,)
        for place, level in zip(places, association.levels, strict=True):
            says = {"tag", "sources"} & set(place.content)
            yield (place if says else whole), level


def _sources(
    table: Table, level: Level, raw: set[str], made: set[str]
) -> Iterator[ConfigError]:
    """Tell of a level whose only source can have no such tag."""
    key = "tag" if "tag" in table.content else "sources"
    if level.sources == (Source.VIRTUAL,) and level.tag not in made:
        hint = nearest(level.tag, made)
        yield table.wrong(key, f"no group has the product '{level.tag}'{hint}")
    if level.sources == (Source.RAW,) and level.tag not in raw:
        hint = nearest(level.tag, raw)
        yield table.wrong(key, f"no class has the tag '{level.tag}'{hint}")


def _compared(groups: Sequence[Group]) -> Iterator[str]:
    """Go through the keywords whose values are compared with each other."""
    for group in groups:
        yield from group.keys
        for association in group.associations:
            for level in association.levels:
                yield from level.keys
