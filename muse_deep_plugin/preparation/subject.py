"""What the pages of runs are about."""

from collections.abc import Collection, Mapping
from pathlib import Path

from attrs import frozen

from muse_deep_plugin.preparation.datacubes import Datacube
from muse_deep_plugin.preparation.history import History
from muse_deep_plugin.preparation.lists_of_runs import Listed
from muse_deep_plugin.preparation.previews import Previews
from muse_deep_plugin.preparation.run_history import RunRow


@frozen
class Subject:
    """What the pages are about; runs by their formal id, in the order of the overview.

    `linked` has the runs of each multiple run, the MASTER first; `lists` what the
    target lists of runs to combine say.
    """

    folder: Path
    history: History
    rows: Mapping[str, RunRow]
    linked: Mapping[str, tuple[str, ...]]
    lists: Mapping[str, Listed]
    previews: Previews

    @property
    def known(self) -> Collection[str]:
        """The runs that have pages."""
        return self.rows.keys()

    def all_datacubes(self, run: str) -> tuple[Datacube, ...]:
        """Return the final datacubes of a run and of those that it is linked to."""
        return tuple(
            cube
            for linked in self.linked.get(run, (run,))
            for cube in self.history.datacubes(linked)
        )
