"""Which conditions a header fails, in words."""

from collections.abc import Iterable, Iterator, Mapping

from phoenix_core.create_ab.classify import meets
from phoenix_core.create_ab.rules import Condition, Rules, Value


def nearest_class(rules: Rules, of: str, values: Mapping[str, Value]) -> str:
    """Say which class comes nearest to a header that none fits, and what fails."""
    found = [
        (len(told), not kind.tag, kind.tag or "what is ignored", told)
        for kind in rules.classes
        if kind.of == of and (told := tuple(failed(values, kind.when)))
    ]
    if not found:
        return ""
    _, _, name, told = min(found, key=lambda row: row[:2])
    return f"nearest: {name}, but {' and '.join(told)}"


def failed(
    values: Mapping[str, Value], conditions: Iterable[Condition]
) -> Iterator[str]:
    """Go through the conditions that a header fails: its value, and what is wanted."""
    for one in conditions:
        if not meets(values, (one,)):
            yield _told(values.get(one.keyword), one)


def _told(value: Value | None, condition: Condition) -> str:
    if not condition.present:
        return f"it has {condition.keyword} ({value!r})"
    wanted = " and ".join(_wanted(condition))
    if value is None:
        return f"it has no {condition.keyword}" + (wanted and f", wanted {wanted}")
    return f"{condition.keyword} = {value!r}, wanted {wanted}"


def _wanted(condition: Condition) -> Iterator[str]:
    if condition.any_of:
        yield " or ".join(map(repr, condition.any_of))
    if condition.none_of:
        yield f"not {' nor '.join(map(repr, condition.none_of))}"
    if condition.like:
        yield f"like {condition.like!r}"
    bounds = {
        "at least": condition.at_least,
        "at most": condition.at_most,
        "above": condition.above,
        "below": condition.below,
    }
    yield from (f"{word} {n:g}" for word, n in bounds.items() if n is not None)
