"""Which targets were observed in which runs, and how runs overlap in them.

A target's name is the one that the PI gave; where a datacube of the OB exists, the
database's, which may have been modified.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from attrs import field, frozen

from muse_deep_plugin.preparation.target_list import COMBINED as COMBINED_TYPE
from muse_deep_plugin.preparation.target_list import SINGLE as SINGLE_TYPE
from muse_deep_plugin.qc1_tables import COMBINED
from phoenix_core.errors import ConfigError
from phoenix_core.nearest import nearest
from phoenix_core.qc1.clean_rows import clean_rows
from phoenix_core.qc1.observatory import DATA_PRODUCTS
from phoenix_core.qc1.schema import as_sql
from phoenix_core.qc1.tables import integer, real

_OF_NO_MEANING = re.compile(r"[\s_'\"]+|(?<=[^\W\d])-|-(?=[^\W\d])")
_OF_MUSE = ("MUSE", "")


@frozen
class Observed:
    """A target as one run observed it; `exptime` of its raw OBJECT exposures, in s."""

    target: str
    run_id: str
    pi_names: tuple[str, ...] = ()
    n_obs: int = 0
    n_exposures: int = 0
    n_dcubes: int = 0
    exptime: float = 0.0

    @property
    def key(self) -> str:
        """What its name has in common with other spellings of it."""
        return name_key(self.target) or self.target


@frozen
class Linked:
    """A run that overlaps: found in which step, by which targets (the first: none)."""

    run_id: str
    step: int
    via: tuple[str, ...] = ()


@frozen
class Overlap:
    """The runs that a run overlaps with, directly or by others, and all their targets.

    Targets are sorted by name, those that several runs observed first.
    """

    run_id: str
    runs: tuple[Linked, ...]
    targets: tuple[tuple[Observed, ...], ...] = field(factory=tuple)


def name_key(name: str) -> str:
    """Return what spellings of a name have in common; signs of coordinates count.

    >>> name_key("HDF-S"), name_key("NGC 300"), name_key("ngc-300")
    ('hdfs', 'ngc300', 'ngc300')
    >>> name_key("J1206-08") == name_key("J1206+08")
    False
    """
    return _OF_NO_MEANING.sub("", name.casefold())


def observed_targets(connection: sa.Connection) -> tuple[Observed, ...]:
    """Return the targets of all runs, SKY left out, sorted by run and name."""
    raw, cubes = _raw(connection), _cubes(connection)
    names: dict[tuple[str, int | None], dict[str, int]] = defaultdict(dict)
    for run_id, ob_id, target, number in cubes:
        names[run_id, ob_id][target] = number
    found: dict[tuple[str, str], list[Observed]] = defaultdict(list)
    obs: dict[tuple[str, str], set[int | None]] = defaultdict(set)
    for run_id, ob_id, given, number, time in raw:
        known = sorted(names.get((run_id, ob_id), ()))
        name = known[0] if known else given
        found[run_id, name].append(
            Observed(name, run_id, (given,), 0, number, 0, time or 0.0)
        )
        obs[run_id, name].add(ob_id)
    for run_id, ob_id, target, number in cubes:
        found[run_id, target].append(Observed(target, run_id, n_dcubes=number))
        obs[run_id, target].add(ob_id)
    return tuple(
        _sum(name, run_id, parts, len(obs[run_id, name]))
        for (run_id, name), parts in sorted(found.items())
        if name.strip()
    )


def overlap(all_observed: Sequence[Observed], run_id: str) -> Overlap:
    """Find the runs that a run overlaps with: run, targets, runs, until nothing is new.

    Args:
        all_observed: what `observed_targets` returns.
        run_id: the run, in its formal spelling.

    Raises:
        ConfigError: nothing of that run is in the database.
    """
    runs_of: dict[str, set[str]] = defaultdict(set)
    keys_of: dict[str, dict[str, str]] = defaultdict(dict)
    for one in all_observed:
        runs_of[one.key].add(one.run_id)
        keys_of[one.run_id].setdefault(one.key, one.target)
    if run_id not in keys_of:
        raise ConfigError(
            f"no observation of a run {run_id} is in the database"
            f"{nearest(run_id, sorted(keys_of))}"
        )
    found = {run_id: Linked(run_id, 0)}
    new = [run_id]
    while new:
        step = found[new[0]].step + 1
        via: dict[str, set[str]] = defaultdict(set)
        for known in new:
            for key, name in keys_of[known].items():
                for other in runs_of[key] - found.keys():
                    via[other].add(name)
        new = sorted(via)
        found |= {run: Linked(run, step, tuple(sorted(via[run]))) for run in new}
    of_runs = [one for one in all_observed if one.run_id in found]
    return Overlap(run_id, tuple(found.values()), _by_target(of_runs))


def common_targets(
    all_observed: Sequence[Observed],
) -> tuple[tuple[Observed, ...], ...]:
    """Return the targets that several runs observed, each with its runs."""
    return tuple(g for g in _by_target(all_observed) if _runs(g) > 1)


def _by_target(observed: Sequence[Observed]) -> tuple[tuple[Observed, ...], ...]:
    groups: dict[str, list[Observed]] = defaultdict(list)
    for one in observed:
        groups[one.key].append(one)
    found = [tuple(sorted(g, key=lambda one: one.run_id)) for g in groups.values()]
    return tuple(sorted(found, key=lambda g: (_runs(g) == 1, g[0].target.casefold())))


def _runs(group: Sequence[Observed]) -> int:
    return len({one.run_id for one in group})


def _sum(name: str, run_id: str, parts: Sequence[Observed], n_obs: int) -> Observed:
    given = {pi for part in parts for pi in part.pi_names}
    return Observed(
        name,
        run_id,
        tuple(sorted(given - {name, ""})),
        n_obs,
        sum(part.n_exposures for part in parts),
        sum(part.n_dcubes for part in parts),
        sum(part.exptime for part in parts),
    )


def _raw(connection: sa.Connection) -> Sequence[Sequence[Any]]:
    table = as_sql(DATA_PRODUCTS, sa.MetaData()).c
    query = (
        sa.select(
            table.run_id,
            table.ob_id,
            table.object,
            sa.func.count().label("number"),
            sa.func.sum(table.exptime).label("time"),
        )
        .where(
            table.instrument.in_(_OF_MUSE),
            table.dpr_catg == "SCIENCE",
            table.dpr_type == "OBJECT",
        )
        .group_by(table.run_id, table.ob_id, table.object)
    )
    counts = (integer("number"), real("time", "s"))
    columns = DATA_PRODUCTS.named(("run_id", "ob_id", "object"))
    return clean_rows((*columns, *counts), connection.execute(query).all())


def _cubes(connection: sa.Connection) -> Sequence[Sequence[Any]]:
    table = as_sql(COMBINED, sa.MetaData()).c
    query = (
        sa.select(
            table.run_id, table.ob_id, table.target, sa.func.count().label("number")
        )
        .where(table.data_type.in_((SINGLE_TYPE, COMBINED_TYPE)))
        .group_by(table.run_id, table.ob_id, table.target)
    )
    columns = (*COMBINED.named(("run_id", "ob_id", "target")), integer("number"))
    return clean_rows(columns, connection.execute(query).all())


def named(group: Sequence[Observed]) -> str:
    """Return the name that most runs have for a target."""
    counts: Mapping[str, int] = {
        one.target: sum(other.target == one.target for other in group) for one in group
    }
    return max(sorted(counts), key=lambda name: counts[name])
