"""The target lists of all runs to combine: made, completed, read, and what they say.

What an unchanged list says is remembered, since reading hundreds of them takes longer
than all else. What is remembered can be lost at any time.
"""

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import sqlalchemy as sa
from attrs import evolve, frozen

from muse_deep_plugin.preparation.datacubes import (
    Datacube,
    final_datacubes,
    single_datacubes,
)
from muse_deep_plugin.preparation.history import History
from muse_deep_plugin.preparation.list_advice import (
    Taken,
    advice_lines,
    selections,
    taken_datacubes,
)
from muse_deep_plugin.preparation.list_remarks import offered, remarks, unknown
from muse_deep_plugin.preparation.offer_targets import update_target_list
from muse_deep_plugin.preparation.run_history import Decided
from muse_deep_plugin.preparation.run_tables import Combine, linked_runs
from muse_deep_plugin.preparation.target_list import (
    Entry,
    Mistake,
    TargetList,
    list_path,
    read_target_list,
)
from muse_deep_plugin.qc1_tables import COMBINED, SINGLE
from phoenix_core.errors import ConfigError
from phoenix_core.files.atomic import write_text
from phoenix_core.files.regular_file import open_regular
from phoenix_core.pages.files import fingerprint
from phoenix_core.qc1.schema import as_sql
from phoenix_core.words.plain_text import counted
from phoenix_core.words.text_table import read_text

_MEMORY = ".target_lists.json"
_AT_ONCE = 500  # names in a query


@frozen
class Listed:
    """What a target list says: what to combine, what to look at, what is wrong.

    `made_of` changes with the list, and with what the database knows of its datacubes.
    `offered` counts what is new at its end. Where the list has mistakes, all but these
    is what it said before.
    """

    path: str
    made_of: str
    taken: tuple[Taken, ...] = ()
    offered: int = 0
    advice: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    mistakes: tuple[str, ...] = ()

    @property
    def selected(self) -> frozenset[str]:
        """The targets to combine."""
        return frozenset(one.target for one in self.taken)

    @property
    def told_offer(self) -> str:
        """What is offered, in words; '' where nothing is."""
        if not self.offered:
            return ""
        name = Path(self.path).name
        return f"{counted(self.offered, 'new datacube')} offered in {name}"


@frozen
class _Site:
    """What all lists have in common."""

    folder: Path
    history: History
    members: Mapping[str, tuple[str, ...]]
    look: bytes

    def made_of(self, run: str) -> str:
        """What changes with the list of a run and with its datacubes."""
        try:
            with open_regular(list_path(self.folder, run)) as file:
                text = file.read()
        except OSError:  # there is none, or none that can be read: that is told
            text = b""
        known = [self.history.content(one) for one in self.members[run]]
        of_exposures = self.history.of_exposures
        single = [of_exposures.get(one, "").encode() for one in self.members[run]]
        return fingerprint([self.look, text, *known, *single])


def bring_lists(
    folder: Path,
    history: History,
    decided: Decided,
    wanted: Collection[str],
    *,
    look: bytes,
) -> Mapping[str, Listed]:
    """Return what the target lists of runs to combine say, by run.

    Lists of the runs that are wanted are made, or completed with what is new. A SLAVE
    has none: its datacubes are in its MASTER's. A list with mistakes is left as it is,
    and stops nothing else.

    Args:
        folder: where the lists lie.
        history: what the database knows of all runs.
        decided: what people say of them.
        wanted: those whose lists are made or completed.
        look: what changes with the code that reads lists.
    """
    members = {
        run: linked_runs(decided.multi, run)
        for run in history.briefs
        if run in decided.types and decided.types[run].combine is Combine.YES
    }
    members = {run: linked for run, linked in members.items() if linked[0] == run}
    site = _Site(folder, history, members, look)
    remembered = _remembered(folder)
    found: dict[str, Listed] = {}
    for run in members:
        path = list_path(folder, run)
        known = remembered.get(run)
        known = known if known and known.path == str(path) else None
        if known and known.made_of == site.made_of(run):
            found[run] = known
        elif run in wanted:
            found[run] = _bring(site, run, known)
        elif path.exists():
            found[run] = _read(site, run, known)
    kept = {run: listed for run, listed in found.items() if run in wanted}
    if any(listed is not remembered.get(run) for run, listed in kept.items()):
        _remember(folder, remembered | kept)
    return found


def _bring(site: _Site, run: str, before: Listed | None) -> Listed:
    """Make the list of a run, or complete it."""
    made_of = site.made_of(run)  # before it is read: an edit meanwhile is seen later
    members = site.members[run]
    cubes = _in_order(final_datacubes(site.history.connection, members), members)
    single = _in_order(single_datacubes(site.history.connection, members), members)
    today = dt.datetime.now(dt.UTC).date().isoformat()
    path = list_path(site.folder, run)
    names = [one.pipefile for one in (*cubes, *single) if not one.is_sky]
    lost: list[Mistake] = []

    def more(found: TargetList) -> Sequence[Mistake]:
        known = _known_files(site, found, names)
        wrong, others = unknown(found, known, names)
        lost[:] = others
        return wrong

    try:
        found = update_target_list(path, run, cubes, single, today, more)
        if (now := site.made_of(run)) != made_of:  # it was made, completed or edited
            made_of, found = now, read_target_list(path, more)
        text = read_text(path)
    except (ConfigError, OSError) as error:
        return _wrong(path, made_of, error, before)
    parts = {one.pipefile: one.combined for one in single if not one.is_sky}
    finals = [cube.pipefile for cube in cubes if not cube.is_sky]
    told = (f"{path}, line {line}: {said}" for line, said in lost)
    return Listed(
        str(path),
        made_of,
        taken_datacubes(found),
        offered(found, text, finals, parts),
        advice_lines(selections(found, cubes, single)),
        (*remarks(found), *told),
    )


def _read(site: _Site, run: str, before: Listed | None) -> Listed:
    """Read the list of a run that is not asked for: only what it selects counts."""
    path, made_of = list_path(site.folder, run), site.made_of(run)
    try:
        found = read_target_list(path)
    except ConfigError as error:
        return _wrong(path, made_of, error, before)
    known = before or Listed(str(path), "")
    return evolve(known, taken=taken_datacubes(found), remarks=(), mistakes=())


def _wrong(
    path: Path, made_of: str, error: ConfigError | OSError, before: Listed | None
) -> Listed:
    known = before or Listed(str(path), "")
    told = f"{path}: {error.strerror}" if isinstance(error, OSError) else str(error)
    return evolve(known, made_of=made_of, remarks=(), mistakes=tuple(told.split("\n")))


def _known_files(
    site: _Site, found: TargetList, names: Collection[str]
) -> frozenset[str]:
    """Return the datacubes of a list that the database knows, whatever their run."""
    known = frozenset(names)
    others = sorted({entry.pipefile for entry in found.entries} - known)
    for declared in (COMBINED, SINGLE):
        column = as_sql(declared, sa.MetaData()).c.pipefile
        for first in range(0, len(others), _AT_ONCE):
            some = others[first : first + _AT_ONCE]
            query = sa.select(column).where(column.in_(some))
            known |= frozenset(site.history.connection.execute(query).scalars())
    return known


def _in_order(cubes: Iterable[Datacube], runs: Collection[str]) -> list[Datacube]:
    """Return datacubes run by run, the MASTER's first, each in order of time."""
    order = {run: place for place, run in enumerate(runs)}
    return sorted(cubes, key=lambda cube: order[cube.run_id])


def _remembered(folder: Path) -> dict[str, Listed]:
    """Return what was remembered; nothing where that is lost, or not ours."""
    try:
        document = json.loads((folder / _MEMORY).read_text("utf-8"))
        return {str(run): _of_memory(*values) for run, values in document.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _of_memory(
    path: str, made_of: str, taken: list[Any], offered: int, *told: list[str]
) -> Listed:
    rows = tuple(
        Taken(str(target), Entry(*entry), int(used), int(of))
        for target, entry, used, of in taken
    )
    advice, noticed, mistakes = (tuple(map(str, lines)) for lines in told)
    about = (advice, noticed, mistakes)
    return Listed(str(path), str(made_of), rows, int(offered), *about)


def _remember(folder: Path, lists: Mapping[str, Listed]) -> None:
    document = {run: attrs.astuple(listed) for run, listed in lists.items()}
    write_text(folder / _MEMORY, json.dumps(document))
