"""Rules files: found, read, and checked before anything is done with them."""

import importlib.resources
import re
import tomllib
from pathlib import Path

import attrs

from phoenix_core.create_ab.check_groups import check_groups, makers_first
from phoenix_core.create_ab.check_words import doubts, wrong_words
from phoenix_core.create_ab.conditions import conditions
from phoenix_core.create_ab.read_group import read_group
from phoenix_core.create_ab.rules import Class, Keywords, Rules
from phoenix_core.create_ab.rules_table import Source, Table
from phoenix_core.create_ab.toml_lines import lines_of
from phoenix_core.errors import ConfigError
from phoenix_core.words.plain_text import plain

_TOP = (
    *("version", "only", "noon", "match_keys", "calib_tag", "drs_type"),
    *("keywords", "tolerance", "classify", "group"),
)
_NOON = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_MINUTES_A_DAY = 1440


def find_rules(named: str) -> tuple[str, str]:
    """Return name and text of a rules file: ``<package>:<file>``, or a path.

    Raises:
        ConfigError: it is not there, or cannot be read.
    """
    package, colon, file = named.partition(":")
    try:
        if not colon:
            return named, Path(named).read_text("utf-8")
        text = importlib.resources.files(package).joinpath(file).read_text("utf-8")
    except ModuleNotFoundError:
        raise ConfigError(f"{named}: there is no package '{package}'") from None
    except (OSError, ValueError, TypeError, ImportError, AttributeError) as error:
        told = getattr(error, "strerror", None) or plain(str(error))
        raise ConfigError(f"{named}: {told}") from error
    return named, text


def read_rules(text: str, name: str = "rules") -> Rules:
    """Read rules.

    Args:
        text: the content of the file.
        name: how messages call the file.

    Raises:
        ConfigError: file, line, key and what is wrong, with the nearest right word.
    """
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # too many digits, too deep
        raise ConfigError(f"{name}: not TOML: {plain(str(error))}") from error
    table = Table(Source(name, lines_of(text)), (), document)
    table.only(*_TOP)
    words = table.table("keywords")
    words.only(*attrs.fields_dict(Keywords))
    keywords = Keywords(**{key: _keyword(words, key) for key in words.content})
    tolerance = table.table("tolerance")
    groups = [read_group(inner, table) for inner in table.tables("group")]
    if not groups:
        raise table.wrong("group", "is missing; expected one [[group]] at least")
    tables = list(table.tables("group"))
    check_groups(tables, groups)
    classes = tuple(_class(inner) for inner in table.tables("classify"))
    if wrong := [str(error) for error in wrong_words(table, groups, classes)]:
        raise ConfigError("\n".join(wrong))
    return Rules(
        path=name,
        version=table.text("version", "1.0"),
        groups=tuple(groups),
        order=makers_first(tables, groups),
        classes=classes,
        only=conditions(table.table("only")),
        noon=_noon(table),
        calib_tag=_keyword(table, "calib_tag", "ESO PRO CATG"),
        drs_type=table.text("drs_type", "CPL"),
        keywords=keywords,
        tolerance={key: _tolerance(tolerance, key) for key in tolerance.content},
        doubts=tuple(doubts(groups, classes)),
    )


def _keyword(table: Table, key: str, default: str | None = None) -> str:
    """Read a keyword; '' where no header has it."""
    text = table.text(key, default)
    if text:
        table.check_keyword(key, text)
    return text


def _noon(table: Table) -> float:
    text = table.text("noon", "12:00")
    match = _NOON.fullmatch(text)
    if match is None:
        raise table.wrong("noon", f"is '{text}'; expected a time of day as 12:00")
    return (60 * int(match[1]) + int(match[2])) / _MINUTES_A_DAY


def _tolerance(table: Table, key: str) -> float:
    table.check_keyword(key, key)
    value = table.number(key)
    if value is None or value < 0:
        raise table.wrong(key, f"is {value!r}; expected a number from 0 on")
    return value


def _class(table: Table) -> Class:
    table.only("tag", "ignore", "when", "of")
    ignored = table.flag("ignore", default=False)
    if ignored and "tag" in table.content:
        raise table.wrong("ignore", "what is ignored has no tag")
    tag = "" if ignored else table.name("tag")
    when = conditions(table.table("when"))
    if not when:
        raise table.wrong("when", "is missing or empty; expected header conditions")
    return Class(tag, when, table.word("of", ("raw", "calib"), "raw"))
