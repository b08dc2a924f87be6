"""What phoenix_getInfoTarget tells: runs that overlap, and all of their targets."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from muse_deep_plugin.preparation.observed_targets import (
    Observed,
    Overlap,
    named,
    observed_targets,
    overlap,
)
from muse_deep_plugin.preparation.run_tables import folder_of_runs
from phoenix_core.config import Config
from phoenix_core.files.atomic import write_text
from phoenix_core.qc1.database import open_qc1
from phoenix_core.run_id import RunId
from phoenix_core.words.plain_text import counted, number, plain
from phoenix_core.words.text_table import aligned, quoted

COLUMNS = ("TARGET", "RUN_ID", "N_OBS", "N_EXP", "N_DCUBES", "EXPTIME", "NAMES")


@frozen
class InfoTarget:
    """What was found, as a text, and where that lies."""

    found: Overlap
    text: str
    path: Path

    @property
    def document(self) -> Mapping[str, Any]:
        """The same for programs; exptime in s."""
        return {
            "run": self.found.run_id,
            "runs": [attrs.asdict(run) for run in self.found.runs],
            "targets": [
                {"target": named(group), "runs": [attrs.asdict(one) for one in group]}
                for group in self.found.targets
            ],
            "path": str(self.path),
        }


def info_target(config: Config, run: RunId) -> InfoTarget:
    """Find the runs that a run overlaps with, and write the list.

    Raises:
        ConfigError: there is no such run, or no database.
        OSError: the list cannot be written.
    """
    with open_qc1(config.database) as engine, engine.connect() as connection:
        found = overlap(observed_targets(connection), run.formal)
    folder = folder_of_runs(config.directories)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"getInfoTarget_{run.plain}.txt"
    text = overlap_text(found)
    write_text(path, text)
    return InfoTarget(found, text, path)


def overlap_text(found: Overlap) -> str:
    """Return the list for people: runs, then targets with the runs that have them."""
    others = counted(len(found.runs) - 1, "other run")
    runs = [
        ("#", plain(run.run_id), f"step {run.step}", plain(", ".join(run.via)))
        for run in found.runs
    ]
    lines = [
        f"# {plain(found.run_id)} shares targets with {others}; those of",
        "# step 1 itself, those of step 2 with runs of step 1, and so on.",
        *aligned(runs),
        "# Targets that several runs observed come first. N_OBS, N_EXP: observed; ",
        "# N_DCUBES: final datacubes; EXPTIME in s; NAMES: what the PI wrote instead.",
    ]
    rows: list[Sequence[str]] = [("#", *COLUMNS)]
    for group in found.targets:
        rows += [("", *_cells(one)) for one in group]
    return "\n".join([*(line.rstrip() for line in lines), *aligned(rows)]) + "\n"


def _cells(one: Observed) -> tuple[str, ...]:
    return (
        quoted(one.target),
        quoted(one.run_id),
        str(one.n_obs),
        str(one.n_exposures),
        str(one.n_dcubes),
        number(one.exptime),
        quoted(", ".join(one.pi_names) or "-"),
    )
