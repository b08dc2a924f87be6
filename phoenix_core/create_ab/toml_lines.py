"""The lines of a TOML file, since the TOML reader does not tell them."""

import re
from collections.abc import Mapping

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?")
_KEY = re.compile(r"""\s*("[^"]*"|'[^']*'|[\w-]+)\s*[=.]""")

Place = tuple[str | int, ...]
"""A table or key: names, and the numbers of tables of arrays, from 0."""


def lines_of(text: str) -> Mapping[Place, int]:
    r"""Return the line of each table and each of its keys.

    >>> found = lines_of('a = 1\n[[g]]\n[[g]]\nb = 2\n[[g.h]]\nc = 3\n')
    >>> found["a",], found["g", 1, "b"], found["g", 1, "h", 0, "c"]
    (1, 4, 6)
    """
    found: dict[Place, int] = {}
    counts: dict[Place, int] = {}
    table: Place = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if match := _HEADER.match(line):
            table = _table(match[2], counts, is_array=match[1] == "[[")
            found.setdefault(table, number)
        elif match := _KEY.match(line):
            found.setdefault((*table, match[1].strip("\"'")), number)
    return found


def _table(name: str, counts: dict[Place, int], *, is_array: bool) -> Place:
    """The place of a table, counted where it is one of an array."""
    *outer, last = [part.strip().strip("\"'") for part in name.split(".")]
    table: Place = ()
    for part in outer:
        table = (*table, part)
        if table in counts:
            table = (*table, counts[table])
    table = (*table, last)
    if not is_array:
        return table
    counts[table] = counts.get(table, -1) + 1
    return (*table, counts[table])
