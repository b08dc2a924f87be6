"""A run before its ABs are made: what is decided on it, and what is known of it."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from attrs import frozen

from muse_deep_plugin.preparation import tmp2
from muse_deep_plugin.preparation.collect_abs import BRANCH, ReadAb
from muse_deep_plugin.preparation.datacubes import (
    Datacube,
    final_datacubes,
    single_datacubes,
)
from muse_deep_plugin.preparation.deep_warnings import Cubes
from muse_deep_plugin.preparation.run_tables import (
    RUN_TYPE,
    Combine,
    RunType,
    folder_of_runs,
    linked_runs,
    read_multi_runs,
    read_run_types,
)
from muse_deep_plugin.preparation.target_list import (
    Entry,
    TargetList,
    list_path,
    read_target_list,
)
from muse_deep_plugin.preparation.upload_abs import BRANCH as DEEP
from muse_deep_plugin.qc1_tables import COMBINED, SINGLE
from phoenix_core.ab.store import AbFolder, ab_folder
from phoenix_core.config import Config
from phoenix_core.errors import ConfigError
from phoenix_core.nearest import nearest
from phoenix_core.qc1.schema import as_sql
from phoenix_core.records.ledger import Ledger
from phoenix_core.run_id import RunId, parse_run_id

_ReadCubes = Callable[[sa.Connection, Sequence[str] | None], tuple[Datacube, ...]]


@frozen
class Site:
    """A run, and where its target list, its ABs and what is known of it are."""

    config: Config
    run_id: RunId
    date: str  # pseudo-date
    targets: TargetList
    runs: tuple[str, ...]  # it and its SLAVES, formal
    run_type: str
    folder: AbFolder  # of the run, in branch MUSE_deep
    cubes: Cubes
    notes: tuple[str, ...] = ()

    @property
    def run_folder(self) -> Path:
        """Where the targets are collected."""
        return tmp2.run_folder(self.config.directories, self.date)


def open_site(config: Config, run: str, ledger: Ledger) -> Site:
    """Read what is decided on a run; nothing is written.

    Raises:
        ConfigError: the run is none, is a SLAVE, is never to be combined, has no
            target list, or a text table has mistakes.
    """
    if config.mode != "DEEP":
        raise ConfigError(f"{config.path} works by night (mode IDP), not by run")
    if config.ab_branch in {"", BRANCH}:
        problem = (
            f"is '{config.ab_branch}'; expected a branch of its own for the ABs of "
        )
        raise config.wrong("", "ab_branch", f"{problem}deep datacubes, such as {DEEP}")
    run_id = parse_run_id(run)
    runs_folder = folder_of_runs(config.directories)
    multi = read_multi_runs(runs_folder)
    linked = linked_runs(multi, run_id.formal)
    if linked[0] != run_id.formal:
        raise ConfigError(
            f"{run_id.formal} is a SLAVE of {linked[0]} (RUN_MULTI.txt), which has its "
            f'targets: call phoenix_createDeep -r "{linked[0]}"'
        )
    path = list_path(runs_folder, run_id.formal)
    types = read_run_types(runs_folder)
    if not path.exists():
        raise _without_list(path, run_id.formal, ledger.engine, types)
    targets = read_target_list(path)
    said = types.get(run_id.formal)
    if said and said.combine is Combine.NO:
        raise ConfigError(
            f"{runs_folder / RUN_TYPE}, line {said.line}: COMBINE of {said.run_id} is "
            "'NO'; expected YES, change it there to make deep datacubes"
        )
    notes = []
    if not said:
        notes.append(f"RUN_TYPE.txt has no {run_id.formal}: nobody decided COMBINE yet")
    elif said.combine is not Combine.YES:
        notes.append(f"RUN_TYPE.txt says COMBINE {said.combine} for {run_id.formal}")
    date = ledger.known_date_of(run_id) or ledger.next_date_of(run_id)
    cubes, lacking = known_cubes(ledger.engine, targets)
    return Site(
        config,
        run_id,
        date,
        targets,
        linked,
        said.type if said else "",
        ab_folder(config.ab_store, config.ab_branch, date, str(config.path)),
        cubes,
        (*notes, *lacking),
    )


def _without_list(
    path: Path, run: str, engine: sa.Engine, types: Mapping[str, RunType]
) -> ConfigError:
    """Make the error for a run without a target list, which may be none at all."""
    known = {*_known_runs(engine), *types}
    if run not in known:
        return ConfigError(
            f"unknown run {run}: no datacubes, no list{nearest(run, known)}"
        )
    return ConfigError(
        f"{path}: there is no target list; write {run} with COMBINE YES "
        f'into RUN_TYPE.txt and call phoenix_getInfoRun -r "{run}"'
    )


def _known_runs(engine: sa.Engine) -> tuple[str, ...]:
    """The runs that have datacubes in the QC1 database."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table(COMBINED.name):
            return ()
        column = as_sql(COMBINED, sa.MetaData()).c.run_id
        return tuple(connection.scalars(sa.select(column).distinct()))


def reader(config: Config) -> ReadAb:
    """Return what reads ABs of MUSE_R from the store of a configuration."""

    @cache
    def night(date: str) -> AbFolder:
        return ab_folder(config.ab_store, BRANCH, date, str(config.path))

    return lambda name, date: night(date).read(name)


def known_cubes(
    engine: sa.Engine, targets: TargetList
) -> tuple[Cubes, tuple[str, ...]]:
    """Return what is known of the exposures of a list, and what lacks for that.

    Where the QC1 database knows nothing, the list's own columns are taken.
    """
    runs = sorted({entry.run_id for entry in targets.entries})
    known = {_ab(entry.pipefile): _of_list(entry) for entry in targets.entries}
    asked: tuple[tuple[str, _ReadCubes], ...] = (
        (COMBINED.name, final_datacubes),
        (SINGLE.name, single_datacubes),
    )
    lacking = []
    with engine.connect() as connection:
        for table, read in asked:
            if not sa.inspect(connection).has_table(table):
                lacking.append(f"the QC1 database has no table {table}")
                continue
            known |= {cube.ab_name: cube for cube in read(connection, runs)}
    return known, tuple(lacking)


def _of_list(entry: Entry) -> Datacube:
    return Datacube(
        entry.pipefile,
        civil_date=entry.civil_date,
        run_id=entry.run_id,
        ob_id=entry.ob_id,
        texptime=entry.texptime,
        grd=entry.grd,
        comm=entry.comm,
    )


def _ab(pipefile: str) -> str:
    return Datacube(pipefile).ab_name
