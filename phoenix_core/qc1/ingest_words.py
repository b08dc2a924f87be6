"""The command line of qc1Ingest: keys with one dash, in any order and case.

Each key has one value, which may begin with a dash itself; so there is nothing here
that a usual reader of command lines could read.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import frozen

from phoenix_core.errors import ConfigError
from phoenix_core.nearest import nearest
from phoenix_core.qc1.check_rows import by_column, check_columns, check_keys
from phoenix_core.qc1.tables import Qc1Table, Value
from phoenix_core.qc1.text_values import read_values

_FLAGS = {"--json": "json", "--debug": "debug", "-h": "help", "--help": "help"}
_FLAGS |= {"-v": "version", "--version": "version"}
_FLAGS |= {"-delete": "delete", "--delete": "delete"}


@frozen
class Asked:
    """What the command line says; `keys` have their values as text."""

    table: str
    keys: Mapping[str, str]
    config: Path | None
    flags: frozenset[str]


def read_words(words: Sequence[str]) -> Asked:
    """Read the command line.

    Raises:
        ConfigError: a word is no key, a key has no value, or is there twice.
    """
    keys: dict[str, str] = {}
    flags: set[str] = set()
    config: Path | None = None
    left = list(words)
    while left:
        word = left.pop(0)
        if word in _FLAGS:
            flags.add(_FLAGS[word])
            continue
        name = word.lstrip("-").lower()
        if not word.startswith("-") or not name:
            raise ConfigError(f"'{word}' is no key; write -key value")
        if not left:
            raise ConfigError(f"{word} has no value; write {word} value")
        value = left.pop(0)
        if word == "--config":
            config = Path(value)
        elif word.startswith("--"):
            known = nearest(word, [*_FLAGS, "--config"])
            raise ConfigError(f"there is no option {word}{known}; keys have one dash")
        elif name in keys:
            raise ConfigError(f"{word} is there twice")
        else:
            keys[name] = value
    table = keys.pop("table", "")
    if not table and not flags & {"help", "version"}:
        raise ConfigError("name the table: -table NAME")
    return Asked(table, keys, config, frozenset(flags))


def row_of(table: Qc1Table, keys: Mapping[str, str]) -> Mapping[str, Value]:
    """Return the row that the keys describe; what is left out has its default.

    Raises:
        ConfigError: all keys that the table does not have, all that are missing, and
            all values that their columns do not take; a line each.
    """
    check_keys(table, keys)
    row, problems = _read(table, keys)
    columns, mistakes = check_columns(table, by_column(table, [row]))
    for mistake in mistakes:
        if mistake.key in row:
            problems.setdefault(mistake.key, f": {mistake.problem}")
    if problems:
        raise ConfigError("\n".join(f"-{name}{why}" for name, why in problems.items()))
    return {name: columns[name][0] for name in row}


def key_of(table: Qc1Table, keys: Mapping[str, str]) -> Mapping[str, Value]:
    """Return what tells a row apart, as it was written: the row may be a wrong one.

    Raises:
        ConfigError: all that is missing, all else that is given, and all values that
            are of another type; a line each.
    """
    check_keys(table, keys)
    row, problems = _read(table, keys)
    for name in set(keys) - set(table.keys):
        problems[name] = f" tells no rows of {table.name} apart; leave it out"
    if problems:
        raise ConfigError("\n".join(f"-{name}{why}" for name, why in problems.items()))
    return row


def _read(
    table: Qc1Table, keys: Mapping[str, str]
) -> tuple[dict[str, Value], dict[str, str]]:
    """Read values by the kind of their columns; return also what is wrong, by key."""
    row: dict[str, Value] = {}
    problems = {
        name: f" is missing: it tells the rows of {table.name} apart"
        for name in table.keys
        if not keys.get(name)
    }
    for column in table.columns:
        if column.name in keys:
            (row[column.name],), mistakes = read_values(column, [keys[column.name]])
            for mistake in mistakes:
                problems.setdefault(column.name, f": {mistake.problem}")
    return row, problems
