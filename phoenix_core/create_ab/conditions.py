"""Header conditions of rules, read."""

from typing import Any

from phoenix_core.create_ab.rules import Condition, Value
from phoenix_core.create_ab.rules_table import Table

_COMPARISONS = (*("at_least", "at_most", "above", "below", "not", "like", "present"),)


def conditions(table: Table) -> tuple[Condition, ...]:
    """Read a table of conditions: what the value of each keyword has to be."""
    return tuple(_condition(table, key) for key in table.content)


def _condition(table: Table, key: str) -> Condition:
    table.check_keyword(key, key)
    value = table.content[key]
    if not isinstance(value, dict):
        return Condition(key, any_of=_values(table, key, value))
    inner = table.table(key)
    if not value:
        raise table.wrong(key, f"is empty; expected {', '.join(_COMPARISONS)}")
    inner.only(*_COMPARISONS)
    present = inner.flag("present", default=True)
    if not present and len(value) > 1:
        raise table.wrong(key, "what is not present cannot be compared")
    return Condition(
        key,
        none_of=_values(inner, "not", value["not"]) if "not" in value else (),
        like=inner.text("like", ""),
        at_least=inner.number("at_least"),
        at_most=inner.number("at_most"),
        above=inner.number("above"),
        below=inner.number("below"),
        present=present,
    )


def _values(table: Table, key: str, value: Any) -> tuple[Value, ...]:
    found = value if isinstance(value, list) else [value]
    if not found or not all(isinstance(v, str | int | float | bool) for v in found):
        raise table.wrong(key, f"is {value!r}; expected a value or a list of values")
    return tuple(found)
