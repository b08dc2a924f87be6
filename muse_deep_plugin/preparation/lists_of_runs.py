"""The target lists of all runs to combine: made, completed, read, and what they say.

What an unchanged list says is remembered, since reading hundreds of them takes longer
than all else. What is remembered can be lost at any time.
"""

import datetime as dt
import json
import marshal
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs
import sqlalchemy as sa
from attrs import frozen

from muse_deep_plugin.preparation.datacubes import (
    Datacube,
    final_datacubes,
    single_datacubes,
)
from muse_deep_plugin.preparation.history import ALIKE, History
from muse_deep_plugin.preparation.offer_targets import update_target_list
from muse_deep_plugin.preparation.run_history import Decided
from muse_deep_plugin.preparation.run_tables import Combine, linked_runs
from muse_deep_plugin.preparation.target_list import (
    TargetList,
    list_path,
    only_together,
    read_target_list,
    remarks,
)
from muse_deep_plugin.qc1_tables import SINGLE
from phoenix_core.atomic import write_text
from phoenix_core.errors import ConfigError
from phoenix_core.pages.files import fingerprint
from phoenix_core.qc1.schema import as_sql

_MEMORY = ".target_lists.json"


@frozen
class Listed:
    """What a target list says: targets to combine, what to look at, what is wrong.

    `made_of` changes with the list, and with what the database knows of its datacubes.
    """

    path: str
    made_of: str
    selected: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    mistakes: tuple[str, ...] = ()

    def read(self) -> TargetList:
        """Read the list itself.

        Raises:
            ConfigError: it has mistakes, which somebody made just now.
        """
        return read_target_list(Path(self.path))


@frozen
class _Site:
    """What all lists have in common."""

    connection: sa.Connection
    folder: Path
    history: History
    members: Mapping[str, tuple[str, ...]]
    exposures: Mapping[str, bytes]
    look: bytes

    def made_of(self, run: str) -> str:
        """What changes with the list of a run and with its datacubes."""
        path = list_path(self.folder, run)
        text = path.read_bytes() if path.exists() else b""
        known = [self.history.content(one) for one in self.members[run]]
        single = [self.exposures.get(one, b"") for one in self.members[run]]
        return fingerprint([self.look, text, *known, *single])


def bring_lists(
    connection: sa.Connection,
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
        connection: to the QC1 database.
        folder: where the lists lie.
        history: what the database knows of all runs.
        decided: what people say of them.
        wanted: those whose lists are made or completed.
        look: what changes with the code that reads lists.
    """
    members = {
        run: linked_runs(decided.multi, run)
        for run in history.rows
        if run in decided.types and decided.types[run].combine is Combine.YES
    }
    members = {run: linked for run, linked in members.items() if linked[0] == run}
    exposures = _exposures(
        connection, {one for all_ in members.values() for one in all_}
    )
    site = _Site(connection, folder, history, members, exposures, look)
    remembered = _remembered(folder)
    found: dict[str, Listed] = {}
    for run in members:
        path = list_path(folder, run)
        known = remembered.get(run)
        if known and known.made_of == site.made_of(run) and known.path == str(path):
            found[run] = known
        elif run in wanted:
            found[run] = _bring(site, run)
        elif path.exists():
            found[run] = _read(site, run)
    kept = {run: listed for run, listed in found.items() if run in wanted}
    if kept.items() - remembered.items():
        _remember(folder, remembered | kept)
    return found


def _bring(site: _Site, run: str) -> Listed:
    """Make the list of a run, or complete it."""
    members = site.members[run]
    cubes = _in_order(final_datacubes(site.connection, members), members)
    single = _in_order(single_datacubes(site.connection, members), members)
    today = dt.datetime.now(dt.UTC).date().isoformat()
    path = list_path(site.folder, run)
    try:
        found = update_target_list(path, run, cubes, single, today)
    except ConfigError as error:
        return _wrong(site, run, error)
    return _listed(site, run, found)


def _read(site: _Site, run: str) -> Listed:
    try:
        found = read_target_list(list_path(site.folder, run))
    except ConfigError as error:
        return _wrong(site, run, error)
    return _listed(site, run, found)


def _listed(site: _Site, run: str, found: TargetList) -> Listed:
    return Listed(
        str(found.path),
        site.made_of(run),
        selected=tuple(sorted(found.selected())),
        remarks=(*remarks(found), *_together(found)),
    )


def _wrong(site: _Site, run: str, error: ConfigError) -> Listed:
    mistakes = tuple(str(error).split("\n"))
    path = str(list_path(site.folder, run))
    return Listed(path, site.made_of(run), mistakes=mistakes)


def _in_order(cubes: Iterable[Datacube], runs: Collection[str]) -> list[Datacube]:
    """Return datacubes run by run, the MASTER's first, each in order of time."""
    order = {run: place for place, run in enumerate(runs)}
    return sorted(cubes, key=lambda cube: order[cube.run_id])


def _exposures(connection: sa.Connection, runs: Collection[str]) -> Mapping[str, bytes]:
    """Return by run what changes with the datacubes of its single exposures."""
    table = as_sql(SINGLE, sa.MetaData())
    query = sa.select(table).where(table.c.run_id.in_(sorted(runs)))
    query = query.order_by(table.c.pipefile)
    found: dict[str, list[tuple[Any, ...]]] = {}
    place = list(table.c.keys()).index("run_id")
    for row in connection.execute(query).all() if runs else ():
        found.setdefault(row[place], []).append(tuple(row))
    return {run: marshal.dumps(rows, ALIKE) for run, rows in found.items()}


def _together(found: TargetList) -> tuple[str, ...]:
    """Say which targets have two datacubes only because runs are taken together."""
    return tuple(
        f"{one.target} has one datacube in each of {', '.join(one.runs)}: select line "
        f"{', '.join(str(entry.line) for entry in one.hidden)} to combine them"
        for one in only_together(found)
        if one.hidden
    )


def _remembered(folder: Path) -> dict[str, Listed]:
    """Return what was remembered; nothing where that is lost, or not ours."""
    try:
        document = json.loads((folder / _MEMORY).read_text("utf-8"))
        return {str(run): _of_memory(*values) for run, values in document.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _of_memory(path: str, made_of: str, *told: list[str]) -> Listed:
    selected, noticed, mistakes = (tuple(map(str, lines)) for lines in told)
    return Listed(str(path), str(made_of), selected, noticed, mistakes)


def _remember(folder: Path, lists: Mapping[str, Listed]) -> None:
    document = {run: attrs.astuple(listed) for run, listed in lists.items()}
    write_text(folder / _MEMORY, json.dumps(document))
