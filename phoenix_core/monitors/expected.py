"""What a project tells the monitors: which runs are expected, and what it is told."""

from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol, cast

from attrs import field, frozen

from phoenix_core.config import Config
from phoenix_core.monitors.facts import Facts
from phoenix_core.monitors.options import NAME
from phoenix_core.nearest import nearest

PROJECTS = "phoenix.monitor"


@frozen
class Expected:
    """A run that somebody decided on, in its formal spelling.

    `word` is the decision, `kind` and `comment` what else was said. It is expected
    where `is_wanted`; `command` is what has to be typed where it has no ABs yet.
    """

    run: str
    word: str
    is_wanted: bool
    kind: str = ""
    comment: str = ""
    command: str = ""


@frozen
class Expectations:
    """The runs that were decided on, and what is wrong with the tables that say so."""

    runs: Mapping[str, Expected] = field(factory=dict)
    mistakes: tuple[str, ...] = ()

    @property
    def wanted(self) -> Collection[str]:
        """The runs that are expected."""
        return [run for run, one in self.runs.items() if one.is_wanted]


class Project(Protocol):
    """A module that knows the runs of a project: entry point of ``phoenix.monitor``."""

    def expected_runs(self, config: Config) -> Expectations:
        """Return the runs that were decided on."""

    def tell(self, config: Config, runs: Sequence[Facts]) -> tuple[str, ...]:
        """Hand on how it stands with the runs; return what could not be."""

    def trending(self, config: Config) -> Path:
        """Bring the trending page up to date; return where it lies."""


def load_project(config: Config, name: str) -> Project | None:
    """Return the project that a configuration names, None where it names none.

    Raises:
        ConfigError: no installed package is called so, or it cannot be imported.
    """
    if not name:
        return None
    found = {point.name: point for point in entry_points(group=PROJECTS)}
    if name not in found:
        known = ", ".join(sorted(found)) or "none"
        hint = nearest(name, found)
        problem = f"is '{name}'; no such package is installed{hint} (known: {known})"
        raise config.wrong(NAME, "PROJECT", problem)
    try:
        return cast("Project", found[name].load())
    except Exception as error:
        problem = f"{name} cannot be imported: {type(error).__name__}: {error}"
        raise config.wrong(NAME, "PROJECT", problem) from error
