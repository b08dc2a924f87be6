"""The configuration file: which PGI fills which slot, and where things are."""

import contextlib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, cast, get_origin

import attrs
from attrs import field, frozen

from phoenix_core.errors import ConfigError
from phoenix_core.nearest import nearest
from phoenix_core.slots import SLOTS, Slot, tables

ENVIRONMENT = {
    "ab": "DFO_AB_DIR",
    "raw": "DFO_RAW_DIR",
    "calib": "DFO_CAL_DIR",
    "product": "DFS_PRODUCT",
    "reduced": "DFO_SCI_DIR",
    "logs": "DFO_LOG_DIR",
    "plots": "DFO_PLT_DIR",
    "lists": "DFO_LST_DIR",
    "monitor": "DFO_MON_DIR",
    "jobs": "DFO_JOB_DIR",
}
_MODES = ("DEEP", "IDP")
_TOP = ("instrument", "mode", "database", "ab_store", "ab_branch")

OptionsT = TypeVar("OptionsT")


def _read_only(table: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(table))


@frozen
class Directories:
    """Where files of each kind lie; absolute."""

    root: Path
    ab: Path
    raw: Path
    calib: Path
    product: Path
    reduced: Path
    logs: Path
    plots: Path
    lists: Path
    monitor: Path
    jobs: Path


@frozen
class Config:
    """A configuration file, checked.

    `slots` are the PGIs by ``table.KEY``, `options` the tables by PGI.
    """

    path: Path
    instrument: str
    mode: str
    database: str
    ab_store: str
    ab_branch: str
    directories: Directories
    slots: Mapping[str, tuple[str, ...]] = field(converter=_read_only)
    options: Mapping[str, Mapping[str, Any]] = field(factory=dict, converter=_read_only)

    def __reduce__(self) -> tuple[type["Config"], tuple[Any, ...]]:
        """Pickle what the read-only views show; they cannot be pickled themselves."""
        values = (getattr(self, name) for name in attrs.fields_dict(Config))
        return Config, tuple(
            dict(value) if isinstance(value, MappingProxyType) else value
            for value in values
        )

    def pgis(self, slot: Slot) -> tuple[str, ...]:
        """Return the PGIs that fill a slot, in their order."""
        return self.slots.get(slot.name, slot.default)

    def wrong(self, table: str, key: str, problem: str) -> ConfigError:
        """Make the error for a key of this file, with its line."""
        return _wrong(self.path, self.path.read_text("utf-8"), table, key, problem)


def find_config(given: Path | None) -> Path:
    """Return the configuration to use: --config, $PHOENIX_CONFIG or ./phoenix.toml.

    Raises:
        ConfigError: there is none.
    """
    path = given or Path(os.environ.get("PHOENIX_CONFIG") or "phoenix.toml")
    if path.is_file():
        return path
    told = "" if given else " ($PHOENIX_CONFIG is not set)"
    if not given and os.environ.get("PHOENIX_CONFIG"):
        told = " ($PHOENIX_CONFIG)"
    raise ConfigError(
        f"no configuration file {path}{told}; name one with --config, or make one out "
        "of those in config/"
    )


def read_config(path: Path) -> Config:
    """Read and check a configuration file.

    Directories are taken relative to the current directory, as a shell does, except
    that the DFOS variables in the environment win over the file.

    Raises:
        ConfigError: file, line and key of what is wrong.
    """
    try:
        text = path.read_text("utf-8")
        document = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    reader = _Reader(path, text, document)
    directories = reader.directories()
    return Config(
        path=path.resolve(),
        instrument=reader.word("instrument"),
        mode=reader.mode(),
        database=reader.url("database", "sqlite:///{root}/phoenix.db", directories),
        ab_store=reader.url("ab_store", "{root}/qcweb", directories),
        ab_branch=reader.word("ab_branch", ""),
        directories=directories,
        slots=reader.slots(),
        options=reader.options(),
    )


def build_options(config: Config, pgi: str, kind: type[OptionsT]) -> OptionsT:
    """Build a PGI's options from its table, each value held against its type.

    Args:
        config: the configuration.
        pgi: the name of the PGI, and of its table.
        kind: an attrs class; every field has a default.

    Raises:
        ConfigError: an unknown key, a value of another type or out of range.
    """
    fields = attrs.fields_dict(attrs.resolve_types(cast("type[Any]", kind)))
    values = {}
    table = config.options.get(pgi, {})
    for key, value in table.items():
        if key not in fields:
            known = ", ".join(sorted(fields)) or "none"
            hint = nearest(key, fields)
            raise config.wrong(pgi, key, f"unknown option{hint} (known: {known})")
        expected = fields[key].type
        if isinstance(value, list) and get_origin(expected) is tuple:
            value = tuple(value)  # noqa: PLW2901, TOML knows no tuples
        if not _fits(value, expected):
            shown = getattr(expected, "__name__", "") or str(expected)
            if get_origin(expected):
                shown = str(expected)
            problem = f"is {config.options[pgi][key]!r}; expected {shown}"
            raise config.wrong(pgi, key, problem)
        values[key] = value
    try:
        return kind(**values)
    except ValueError as error:
        # attrs' own validators put the attribute and more behind the message.
        told = error.args[0] if error.args else error
        raise config.wrong(pgi, "", str(told)) from error


def _fits(value: object, expected: Any) -> bool:
    from typeguard import TypeCheckError, check_type  # noqa: PLC0415, costs start-up

    if isinstance(value, bool) and expected in {int, float}:
        return False
    try:
        check_type(value, expected)
    except TypeCheckError:
        return isinstance(value, int) and expected is float
    return True


@frozen
class _Reader:
    """One file while it is checked."""

    path: Path
    text: str
    document: dict[str, Any]

    def wrong(self, table: str, key: str, problem: str) -> ConfigError:
        return _wrong(self.path, self.text, table, key, problem)

    def word(self, key: str, default: str | None = None) -> str:
        value = self.document.get(key, default)
        if value is None:
            raise self.wrong("", key, "is missing")
        if not isinstance(value, str) or "\0" in value:
            raise self.wrong("", key, f"is {value!r}; expected a text")
        return value

    def mode(self) -> str:
        mode = self.word("mode")
        if mode not in _MODES:
            expected = " or ".join(_MODES)
            raise self.wrong("", "mode", f"is '{mode}'; expected {expected}")
        return mode

    def url(self, key: str, default: str, directories: Directories) -> str:
        url = self.word(key, default).replace("{root}", str(directories.root))
        if not url:
            raise self.wrong("", key, "is empty; leave it out for the default")
        return url

    def directories(self) -> Directories:
        table = self._table("directories")
        known = [name.name for name in attrs.fields(Directories)]
        for key, value in table.items():
            if key not in known:
                hint = nearest(key, known)
                raise self.wrong("directories", key, f"unknown directory{hint}")
            if not isinstance(value, str):
                raise self.wrong("directories", key, f"is {value!r}; expected a path")
        root = self._place("root", table.get("root", "phoenix-data")).absolute()
        found = {"root": root}
        for name, variable in ENVIRONMENT.items():
            given = os.environ.get(variable) or table.get(name) or name
            found[name] = root / self._place(name, given.replace("{root}", str(root)))
        self._check_apart(found)
        return Directories(**found)

    def _place(self, name: str, text: str) -> Path:
        if re.search(r"[\s\0]", text):
            problem = f"is {text!r}; ABs and recipes take no path with blanks"
            raise self.wrong("directories", name, problem)
        try:
            path = Path(text).expanduser()
        except RuntimeError as error:
            problem = f"is '{text}'; there is no such user"
            raise self.wrong("directories", name, problem) from error
        if re.search(r"\s", str(path.absolute())):
            problem = (
                f"is '{path.absolute()}'; ABs and recipes take no path with blanks"
            )
            raise self.wrong("directories", name, problem)
        return path

    def _check_apart(self, found: Mapping[str, Path]) -> None:
        """Files of the same name move from one to another: each has its own place."""
        owner: dict[str, str] = {}
        for name, path in found.items():
            place = os.path.realpath(path)
            other = owner.get(place)
            if other and {name, other} != {"raw", "calib"}:
                problem = f"is '{path}', as {other} is; give each its own"
                raise self.wrong("directories", name, problem)
            owner[place] = name

    def slots(self) -> dict[str, tuple[str, ...]]:
        found = {}
        for table in tables():
            keys = {slot.key: slot for slot in SLOTS if slot.table == table}
            for key, value in self._table(table).items():
                if key not in keys:
                    expected = f"unknown key{nearest(key, keys)} (known: "
                    raise self.wrong(table, key, f"{expected}{', '.join(keys)})")
                found[f"{table}.{key}"] = self._names(keys[key], value)
        return found

    def _names(self, slot: Slot, value: object) -> tuple[str, ...]:
        names = value if isinstance(value, list) else [value]
        if not all(isinstance(name, str) and name for name in names):
            problem = f"is {value!r}; expected the name of a PGI"
            raise self.wrong(slot.table, slot.key, problem)
        if isinstance(value, list) and not slot.several:
            problem = "takes one PGI, not a list"
            raise self.wrong(slot.table, slot.key, problem)
        if len(set(names)) < len(names):
            raise self.wrong(slot.table, slot.key, "names a PGI twice")
        return tuple(names)

    def options(self) -> dict[str, dict[str, Any]]:
        """The remaining tables: options of PGIs; the loader knows which there are."""
        found = {}
        for key, value in self.document.items():
            if key in {"directories", *_TOP, *tables()}:
                continue
            if not isinstance(value, dict):
                hint = nearest(key, (*_TOP, *tables()))
                raise self.wrong("", key, f"unknown key{hint}")
            found[key] = value
        return found

    def _table(self, name: str) -> dict[str, Any]:
        table = self.document.get(name, {})
        if not isinstance(table, dict):
            raise self.wrong("", name, f"is {table!r}; expected a table [{name}]")
        return table


def _wrong(path: Path, text: str, table: str, key: str, problem: str) -> ConfigError:
    line = _line_of(text, table, key)
    with contextlib.suppress(ValueError):
        path = path.relative_to(Path.cwd())
    where = f"{path}, line {line}" if line else f"{path}"
    name = f"[{table}] {key}".strip() if table else key
    return ConfigError(f"{where}: {name}: {problem}")


def _line_of(text: str, table: str, key: str) -> int | None:
    """Find the line of a key, since the TOML reader does not tell it."""
    current = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if match := re.match(r"\s*\[\s*\"?([^\]\"]+?)\"?\s*\]", line):
            current = match[1]
            if current == table and not key:
                return number
        elif current == table and re.match(rf"\s*\"?{re.escape(key)}\"?\s*=", line):
            return number
    return None
