"""What the pages of runs are about."""

from collections.abc import Collection, Mapping
from pathlib import Path

from attrs import field, frozen

from muse_deep_plugin.preparation.datacubes import Datacube
from muse_deep_plugin.preparation.history import History
from muse_deep_plugin.preparation.lists_of_runs import Listed
from muse_deep_plugin.preparation.previews import Previews
from muse_deep_plugin.preparation.run_history import RunRow


@frozen
class Subject:
    """What the pages are about; runs by their formal id, in the order of the overview.

    `linked` has the runs of each multiple run, the MASTER first; `lists` what the
    target lists of runs to combine say. `notes` are to be told of a run. `mistakes` are
    those of the tables of runs; the runs that are on their lines are `unclear`, and
    keep the pages that they have. `notices` are what is odd in these tables.
    """

    folder: Path
    history: History
    rows: Mapping[str, RunRow]
    linked: Mapping[str, tuple[str, ...]]
    lists: Mapping[str, Listed]
    previews: Previews
    notes: Mapping[str, tuple[str, ...]] = field(factory=dict)
    mistakes: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    unclear: Collection[str] = ()

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
