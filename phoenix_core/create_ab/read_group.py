"""Groups and their associations, read from the tables of a rules file."""

import re
from collections.abc import Mapping, Sequence

import attrs

from phoenix_core.association_block import (
    FREE,
    RESERVED,
    is_parameter,
    is_safe_name,
)
from phoenix_core.create_ab.conditions import conditions
from phoenix_core.create_ab.rules import FILE, Association, Group, Level, Source, Time
from phoenix_core.create_ab.rules_table import Table
from phoenix_core.nearest import nearest

_GROUP = (
    *("name", "tags", "from", "takes", "when", "keys", "gap", "ab_tag", "raw_type"),
    *("event", "recipe", "parameters", "minimum", "if_fewer", "maximum", "surplus"),
    *("shared", "products", "match_keys", "qualifiers", "associate"),
)
_LEVEL = ("tag", "keys", "time", "window", "sources")
_ASSOCIATE = (*_LEVEL, "minimum", "maximum", "optional", "levels")
_AB_TAG = re.compile(r"[A-Za-z0-9_+-]*")
_QUALIFIER = re.compile(r"[A-Z][A-Z0-9_-]*")


def _names(table: Table, key: str) -> tuple[str, ...]:
    for text in table.texts(key):
        if not is_safe_name(text.replace("{tag}", "tag")):
            raise table.wrong(key, f"names '{text}'; expected names without blanks")
    return table.texts(key)


def read_group(table: Table, top: Table) -> Group:
    """Read a group; what it does not say of RAW_MATCH_KEY is at the top."""
    table.only(*_GROUP)
    name = table.name("name")
    members = _names(table, "from")
    tags = _names(table, "tags")
    if not members and not tags:
        raise table.wrong("tags", "is missing; expected the tags of its frames")
    if members and "{tag}" in table.text("raw_type", "{tag}"):
        raise table.wrong("raw_type", "is missing; expected the kind of its inputs")
    keys = table.keywords("keys", default=None)
    minimum, minimum_of = _minimum(table, tags)
    maximum = table.count("maximum", None, 1)
    if maximum is not None and maximum < max(minimum, sum(minimum_of.values())):
        raise table.wrong("maximum", f"is {maximum}, below the minimum")
    default_event = "SINGLE" if keys == (FILE,) else name.upper()
    return Group(
        name=name,
        recipe=table.name("recipe"),
        tags=tags,
        members=members,
        takes=_takes(table, is_from=bool(members)),
        when=conditions(table.table("when")),
        keys=keys,
        gap=table.days("gap", None),
        ab_tag=_ab_tag(table),
        raw_type=_raw_type(table),
        event=table.text("event", default_event),
        parameters=_parameters(table),
        minimum=minimum,
        minimum_of=minimum_of,
        makes_few=table.word("if_fewer", ("incomplete", "none"), "incomplete")
        == "incomplete",
        maximum=maximum,
        splits=table.word("surplus", ("split", "leave"), "split") == "split",
        shared=table.flag("shared", default=False),
        products=_names(table, "products"),
        match_keys=table.keywords("match_keys", top.keywords("match_keys")),
        qualifiers=_qualifiers(table),
        associations=tuple(map(_association, table.tables("associate"))),
    )


def _minimum(table: Table, tags: Sequence[str]) -> tuple[int, Mapping[str, int]]:
    if not isinstance(table.content.get("minimum"), dict):
        return table.count("minimum", 1, 1) or 1, {}
    inner = table.table("minimum")
    for tag in inner.content:
        if tag not in tags:
            hint = nearest(tag, tags)
            raise table.wrong("minimum", f"'{tag}' is not among its tags{hint}")
    counts = {tag: inner.count(tag, 0) or 0 for tag in inner.content}
    return 1, counts


def _takes(table: Table, *, is_from: bool) -> tuple[str, ...]:
    takes = _names(table, "takes")
    if is_from and not takes:
        raise table.wrong("takes", "is missing; expected categories of products")
    if takes and not is_from:
        raise table.wrong("takes", "goes with from: raw frames are taken as they are")
    return takes


def _ab_tag(table: Table) -> str:
    text = table.text("ab_tag", "")
    if not _AB_TAG.fullmatch(text):
        raise table.wrong("ab_tag", f"is '{text}'; expected letters, digits and _")
    return text


def _raw_type(table: Table) -> str:
    text = table.text("raw_type", "{tag}")
    if not is_safe_name(text.replace("{tag}", "tag")):
        raise table.wrong("raw_type", f"is '{text}'; expected a name without blanks")
    return text


def _parameters(table: Table) -> tuple[str, ...]:
    for text in table.texts("parameters"):
        if not is_parameter(text):
            raise table.wrong("parameters", f"'{text}'; expected --name=value")
    return table.texts("parameters")


def _qualifiers(table: Table) -> dict[str, str]:
    inner = table.table("qualifiers")
    for name in inner.content:
        if not _QUALIFIER.fullmatch(name):
            raise inner.wrong(name, "is no qualifier; expected capitals")
        if name in RESERVED:
            free = ", ".join(sorted(FREE))
            told = f"phoenix writes this one; expected {free} or one of your own"
            raise inner.wrong(name, told)
        inner.check_keyword(name, inner.text(name))
    return table.texts_by_name("qualifiers")


def _association(table: Table) -> Association:
    table.only(*_ASSOCIATE)
    tag = table.name("tag")
    first = Level(0, tag, (), Time.NEAREST, None, (Source.VIRTUAL, Source.CALIB))
    whole = _level(table, first)
    levels = tuple(
        attrs.evolve(_alternative(inner, whole), number=_number(inner, place))
        for place, inner in enumerate(table.tables("levels"), start=1)
    )
    minimum = table.count("minimum", 1, 1) or 1
    maximum = table.count("maximum", minimum, 1) or minimum
    if maximum < minimum:
        raise table.wrong("maximum", f"is {maximum}, below the minimum {minimum}")
    return Association(
        tag=tag,
        levels=levels or (attrs.evolve(whole, number=1),),
        minimum=minimum,
        maximum=maximum,
        optional=table.flag("optional", default=False),
    )


def _number(table: Table, place: int) -> int:
    return table.count("level", place, 0) or 0


def _alternative(table: Table, whole: Level) -> Level:
    table.only(*_LEVEL, "level", "parameters")
    level = _level(table, whole)
    return attrs.evolve(level, parameters=_parameters(table))


def _level(table: Table, default: Level) -> Level:
    sources = table.texts("sources", tuple(source.value for source in default.sources))
    allowed = tuple(source.value for source in Source)
    if not sources:
        raise table.wrong("sources", f"is empty; expected {', '.join(allowed)}")
    for word in sources:
        if word not in allowed:
            expected = f"expected {', '.join(allowed)}{nearest(word, allowed)}"
            raise table.wrong("sources", f"names '{word}'; {expected}")
    if "raw" in sources and len(sources) > 1:
        raise table.wrong("sources", "raw goes alone: it is written as RAWFILE")
    time = table.word("time", tuple(t.value for t in Time), default.time.value)
    return Level(
        number=default.number,
        tag=table.name("tag") if "tag" in table.content else default.tag,
        keys=table.keywords("keys", default.keys),
        time=Time(time),
        window=table.days("window", default.window),
        sources=tuple(Source(word) for word in sources),
    )
