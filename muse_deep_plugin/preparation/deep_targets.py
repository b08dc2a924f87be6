"""From a run's target list to ABs in its working folders, target by target."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from attrs import evolve, frozen

from muse_deep_plugin.ab_deep import PGI, Options
from muse_deep_plugin.create_deep import deep_block
from muse_deep_plugin.exposure_time import time_stamp
from muse_deep_plugin.preparation import tmp2
from muse_deep_plugin.preparation.check_deep import problems_of
from muse_deep_plugin.preparation.collect_abs import (
    Collected,
    Member,
    ReadAb,
    collect,
    for_deep,
)
from muse_deep_plugin.preparation.crowded import Suggestion, suggest_crowded
from muse_deep_plugin.preparation.deep_site import Site
from muse_deep_plugin.preparation.deep_warnings import (
    Limits,
    shared_exposures,
    warnings_of,
)
from muse_deep_plugin.preparation.show_targets import overview
from muse_deep_plugin.preparation.target_list import (
    COMBINED,
    Entry,
    TargetList,
    can_be_in_abs,
    name_in_abs,
)
from phoenix_core.config import Config, build_options
from phoenix_core.errors import ConfigError
from phoenix_core.nearest import nearest
from phoenix_core.words.plain_text import plain, short


@frozen
class Candidate:
    """A selected target, with all there is to know before its ABs are made."""

    name: str
    collected: Collected
    warnings: tuple[str, ...]
    suggestion: Suggestion
    before: tmp2.Record | None = None  # of an earlier call

    @property
    def exposures(self) -> tuple[str, ...]:
        """The names of its pst ABs, in time."""
        return tuple(pst.name for pst in self.collected.exposures)


def candidates(
    site: Site, wanted: Sequence[str], read: ReadAb
) -> tuple[Candidate, ...]:
    """Collect the ABs of the selected targets, and say what to know of each.

    Args:
        site: the run.
        wanted: names of targets, as in the list; none takes all that are selected.
        read: reads an AB of MUSE_R.

    Raises:
        ConfigError: no target is selected, there is no such target, or a name is none.
    """
    members = _members(site.targets)
    names = _names(site.targets.path, members, site.targets)
    listed = _wanted(site, names, wanted)
    limits = Limits(_max_inputs(site.config), site.runs)
    found = _with_names_of_their_own(
        [collect(names[name], members[name], read) for name in listed]
    )
    shared = shared_exposures(found)
    made = []
    for name, collected in zip(listed, found, strict=True):
        told = list(warnings_of(collected, site.cubes, limits))
        if name != collected.target:
            told.insert(0, f"'{plain(name)}' is {collected.target} in the ABs")
        for exposure, users in shared.items():
            if collected.target in users:
                others = ", ".join(u for u in users if u != collected.target)
                told.append(f"{exposure} is an exposure of {others}, too")
        folder = tmp2.target_folder(
            site.config.directories, site.date, collected.target
        )
        made.append(
            Candidate(
                collected.target,
                collected,
                tuple(told),
                suggest_crowded(collected, site.cubes, site.run_type),
                tmp2.read_record(folder),
            )
        )
    return tuple(made)


def _with_names_of_their_own(found: Sequence[Collected]) -> list[Collected]:
    """Refuse targets that begin with one exposure: a dpc AB is named after it."""
    users: dict[str, list[str]] = {}
    for one in found:
        for pst in one.exposures[:1]:
            users.setdefault(pst.name, []).append(one.target)
    checked = []
    for one in found:
        first = one.exposures[0].name if one.exposures else ""
        if others := [name for name in users.get(first, ()) if name != one.target]:
            told = (
                f"its first exposure, {first}, is that of {', '.join(others)}, too: "
                "their dpc ABs would have one name; drop it from all but one"
            )
            one = evolve(one, problems=(*one.problems, told))  # noqa: PLW2901
        checked.append(one)
    return checked


def make(
    site: Site, candidate: Candidate, *, crowded: bool, fresh: bool = False
) -> tmp2.Laid:
    """Make the ABs of a target in its working folder.

    Raises:
        ConfigError: the exposures make no deep cube, or ABs edited by hand are in the
            way.
    """
    collected = candidate.collected
    blocks = [for_deep(b, site.date, crowded=crowded) for b in collected.blocks]
    by_name = {block.name: block for block in blocks}
    dpc = deep_block(
        candidate.name,
        [by_name[name] for name in candidate.exposures],
        site.run_id.formal,
        crowded=crowded,
        params=collected.params,
        date=site.date,
    )
    made = [evolve(block, source=None) for block in (*blocks, dpc)]
    return tmp2.lay_down(
        tmp2.target_folder(site.config.directories, site.date, candidate.name),
        made,
        candidate.exposures,
        crowded=crowded,
        overview=overview(collected, site.cubes, dpc.name),
        fresh=fresh,
    )


def problems(site: Site, candidate: Candidate, laid: tmp2.Laid) -> tuple[str, ...]:
    """Say what is wrong with the ABs of a target as they lie in its folder."""
    return problems_of(laid.blocks, candidate.name, site.run_id)


def _members(targets: TargetList) -> Mapping[str, tuple[Member, ...]]:
    """The datacubes that a list selects, by target, in the order of time."""
    entries = {(target, e.pipefile): e for target, e in targets.uses()}
    return {
        target: tuple(
            Member(
                file,
                entries[target, file].civil_date,
                _combined(entries[target, file], targets.entries),
            )
            for file in files
        )
        for target, files in targets.selected().items()
    }


def _combined(entry: Entry, entries: Iterable[Entry]) -> str:
    """The combined datacube of the visit that an exposure is part of, if any."""
    if entry.data_type == COMBINED:
        return entry.pipefile
    begun = time_stamp(entry.pipefile)
    cubes = [
        other.pipefile
        for other in entries
        if other.data_type == COMBINED
        and other.visit == entry.visit
        and time_stamp(other.pipefile) <= begun
    ]
    return max(cubes, key=time_stamp, default="")


def _names(
    path: Path, members: Mapping[str, Sequence[Member]], targets: TargetList
) -> Mapping[str, str]:
    """The names that targets have in ABs, by those of the list.

    What an AB, a FITS header or a folder cannot have in a name becomes a _.
    """
    lines: dict[str, int] = {}
    for target, entry in targets.uses():
        lines.setdefault(target, entry.line)
    names: dict[str, str] = {}
    mistakes = []
    for target in members:
        name = name_in_abs(target)
        where = f"{path}, line {lines[target]}: TARGET '{short(target)}'"
        if not can_be_in_abs(target):
            expected = "letters, digits and _ . : + = -, without a path"
            mistakes.append(f"{where} is no name; expected {expected}")
        elif name in names.values():
            other = next(one for one, its in names.items() if its == name)
            mistakes.append(
                f"{where} would be {short(name)} in the ABs, as '{short(other)}'"
            )
        names[target] = name
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return names


def _wanted(
    site: Site, names: Mapping[str, str], wanted: Sequence[str]
) -> tuple[str, ...]:
    path = site.targets.path
    if not names:
        raise ConfigError(f"{path}: no target is selected; uncomment its lines")
    if not wanted:
        return tuple(names)
    by_any = {name: target for target, name in names.items()} | {n: n for n in names}
    unknown = [
        f"{path}: no target '{short(name)}' is selected{nearest(name, by_any)}"
        for name in wanted
        if name not in by_any
    ]
    if unknown:
        raise ConfigError("\n".join(unknown))
    chosen = {by_any[name] for name in wanted}
    return tuple(name for name in names if name in chosen)


def _max_inputs(config: Config) -> int:
    is_named = PGI in config.slots.get("phoenix.AB_PGI", ())
    return (build_options(config, PGI, Options) if is_named else Options()).max_inputs
