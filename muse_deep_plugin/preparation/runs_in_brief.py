"""What the datacubes of each run are, in brief, remembered from call to call.

Reading 50,000 datacubes takes longer than all else of a call. The database has a stamp
of each run, which changes with any of its datacubes: what has the same stamp is as it
was. What is remembered can be lost at any time.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple

from attrs import astuple, frozen

from muse_deep_plugin.preparation.datacubes import SKIES
from muse_deep_plugin.preparation.target_list import FEWEST
from phoenix_core.files.atomic import write_text

_MEMORY: Final = ".runs_in_brief.json"


class CubeBrief(NamedTuple):
    """What is asked of every datacube; names as in `qc1_tables`."""

    pipefile: str
    run_id: str
    target: str
    data_type: str
    n_frames: int | None
    qc_plot: str
    fov_plot: str


@frozen
class RunBrief:
    """What the datacubes of a run are, in brief, and the stamp that they had.

    `processed` counts exposures, `candidates` targets with two datacubes or more;
    `targets` are the names of objects in order, `pictures` the paths that the database
    has of previews and plots.
    """

    stamp: str
    n_dcubes: int = 0
    processed: int = 0
    candidates: int = 0
    has_sky: bool = False
    targets: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()


def brief_of(stamp: str, cubes: Sequence[CubeBrief]) -> RunBrief:
    """Return what the datacubes of a run are, in brief.

    An exposure that nobody counted is one; SKY is no target.

    >>> cube = CubeBrief("", "", "B", "DATACUBE_SINGLE", None, "", "")
    >>> sky = CubeBrief("", "", "S", "DATACUBE_SKY", 3, "", "")
    >>> brief_of("7", [cube, cube, cube._replace(target="A"), sky])
    RunBrief(stamp='7', n_dcubes=4, processed=6, candidates=1, has_sky=True, \
targets=('A', 'B'), pictures=())
    """
    objects = Counter(cube.target for cube in cubes if cube.data_type not in SKIES)
    in_order = sorted(cubes, key=itemgetter(0))
    paths = (*(c.fov_plot for c in in_order), *(c.qc_plot for c in in_order))
    return RunBrief(
        stamp,
        n_dcubes=len(cubes),
        processed=sum(cube.n_frames or 1 for cube in cubes),
        candidates=sum(count >= FEWEST for count in objects.values()),
        has_sky=objects.total() < len(cubes),
        targets=tuple(sorted(objects)),
        pictures=tuple(dict.fromkeys(filter(None, paths))),
    )


def recall(folder: Path, look: bytes) -> Mapping[str, RunBrief]:
    """Return what was remembered, by run; nothing where that is lost, or not ours.

    Args:
        folder: where it was remembered.
        look: what changes with the code that made it.
    """
    try:
        made_with, runs = json.loads((folder / _MEMORY).read_text("utf-8"))
        if made_with != look.decode():
            return {}
        return {str(run): _of_memory(*values) for run, values in runs.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def remember(folder: Path, look: bytes, runs: Mapping[str, RunBrief]) -> None:
    """Keep what the datacubes of runs are for the next call."""
    told = {run: astuple(one, recurse=False) for run, one in runs.items()}
    write_text(folder / _MEMORY, json.dumps([look.decode(), told]))


def _of_memory(stamp: str, *values: Any) -> RunBrief:
    n_dcubes, processed, candidates, has_sky, targets, pictures = values
    return RunBrief(
        str(stamp),
        int(n_dcubes),
        int(processed),
        int(candidates),
        bool(has_sky),
        tuple(map(str, targets)),
        tuple(map(str, pictures)),
    )
