"""What people and the other site say of runs, as far as it is clear."""

from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from muse_deep_plugin.preparation.other_site import fetch, send
from muse_deep_plugin.preparation.run_history import Decided
from muse_deep_plugin.preparation.run_tables import (
    DEEP_MODE,
    RUN_MULTI,
    RUN_TYPE,
    DeepMode,
    read_deep_modes,
    take_multi_runs,
    take_run_types,
)
from phoenix_core.errors import ConfigError


@frozen
class Decisions:
    """What is decided, and what is wrong with the tables that say so.

    `unclear` are the runs of lines that are wrong, and which lines these are: nothing
    is decided on them. What the tool can do without is a warning.
    """

    decided: Decided
    unclear: Mapping[str, str]
    mistakes: tuple[str, ...]
    warnings: tuple[str, ...]


def read_decisions(folder: Path, other_site: str) -> Decisions:
    """Read the tables of runs, after those of the other site were exchanged.

    Raises:
        ConfigError: a table of a person cannot be read at all.
    """
    modes: Mapping[str, DeepMode] = {}
    warnings: list[str] = []
    try:
        if other_site:
            send(folder / RUN_TYPE, other_site)
            fetch(folder / DEEP_MODE, other_site)
    except ConfigError as error:
        warnings += str(error).split("\n")
    try:
        modes, wrong = read_deep_modes(folder)
        warnings += wrong
    except ConfigError as error:
        warnings += str(error).split("\n")
    types, multi = take_run_types(folder), take_multi_runs(folder)
    unclear = {
        run: f"{name}, line {one.line} is wrong"
        for name, found in ((RUN_MULTI, multi.unclear), (RUN_TYPE, types.unclear))
        for run, one in found.items()
    }
    clear = {run: row for run, row in types.rows.items() if run not in unclear}
    mistakes = tuple(one.said for one in (*types.wrong, *multi.wrong))
    decided = Decided(clear, multi.rows, modes, {})
    return Decisions(decided, unclear, mistakes, tuple(warnings))
