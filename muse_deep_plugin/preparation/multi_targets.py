"""What phoenix_checkMulti tells: target names in common, and which cases are known."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from muse_deep_plugin.preparation.observed_targets import (
    Observed,
    common_targets,
    name_key,
    named,
    observed_targets,
)
from muse_deep_plugin.preparation.run_tables import (
    CHECK_MULTI,
    KnownTarget,
    RunMulti,
    folder_of_runs,
    linked_runs,
    read_known_targets,
    read_multi_runs,
    write_missing_tables,
)
from phoenix_core.config import Config
from phoenix_core.errors import ConfigError
from phoenix_core.nearest import nearest
from phoenix_core.qc1.database import open_qc1
from phoenix_core.words.plain_text import counted
from phoenix_core.words.text_table import aligned, in_quotes, quoted

COLUMNS = ("TARGET", "RUN_ID", "N_OBS", "N_DCUBES", "KNOWN")


@frozen
class Common:
    """A target that several runs observed; `known` says why that is no surprise."""

    target: str
    runs: tuple[Observed, ...]
    known: str = ""


@frozen
class MultiTargets:
    """The targets in common that are told of, and how many are not."""

    targets: tuple[Common, ...]
    n_known: int
    path: Path

    @property
    def document(self) -> Mapping[str, Any]:
        """The answer for programs."""
        return {
            "targets": [attrs.asdict(one) for one in self.targets],
            "n_known": self.n_known,
            "known_cases": str(self.path),
        }

    @property
    def text(self) -> str:
        """The answer for people."""
        rows: list[Sequence[str]] = [("#", *COLUMNS)]
        for one in self.targets:
            known = in_quotes(one.known) if one.known else ""
            rows += [("", *_cells(run), known) for run in one.runs]
        count = (
            f"{counted(len(self.targets), 'name')} in common, "
            f"{counted(self.n_known, 'known case')}"
        )
        return (
            "\n".join([*aligned(rows), f"# {count}; these are in {self.path}"]) + "\n"
        )


def multi_targets(config: Config, run_id: str, *, is_all: bool) -> MultiTargets:
    """Find names of targets that several runs have in common.

    Args:
        config: where the database and the known cases are.
        run_id: only what this run (in its formal spelling) takes part in; '' for all.
        is_all: tell of known cases, too.

    Raises:
        ConfigError: a table of a person has mistakes, or there is no such run.
    """
    folder = folder_of_runs(config.directories)
    write_missing_tables(folder)
    known, multi = read_known_targets(folder), read_multi_runs(folder)
    with open_qc1(config.database) as engine, engine.connect() as connection:
        observed = observed_targets(connection)
    runs = {one.run_id for one in observed}
    if run_id and run_id not in runs:
        told = f"no observation of a run {run_id} is in the database"
        raise ConfigError(f"{told}{nearest(run_id, runs)}")
    found = [
        Common(named(group), group, _why_known(group, known, multi))
        for group in common_targets(observed)
        if not run_id or any(one.run_id == run_id for one in group)
    ]
    shown = tuple(one for one in found if is_all or not one.known)
    n_known = sum(bool(one.known) for one in found)
    return MultiTargets(shown, n_known, folder / CHECK_MULTI)


def _why_known(
    group: Sequence[Observed],
    known: Sequence[KnownTarget],
    multi: Mapping[str, RunMulti],
) -> str:
    for case in known:
        if name_key(case.target) == group[0].key:
            return case.comment or CHECK_MULTI
    runs = {one.run_id for one in group}
    if runs <= set(linked_runs(multi, group[0].run_id)):
        return "linked in RUN_MULTI.txt"
    return ""


def _cells(one: Observed) -> tuple[str, ...]:
    counts = (str(one.n_obs), str(one.n_dcubes))
    return quoted(one.target), quoted(one.run_id), *counts
