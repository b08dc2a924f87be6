"""What is to be told of a run, beside its own datacubes: other runs, odd decisions."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path

from muse_deep_plugin.preparation.history import History
from muse_deep_plugin.preparation.observed_targets import name_key
from muse_deep_plugin.preparation.run_history import Decided
from muse_deep_plugin.preparation.run_tables import Combine, linked_runs
from muse_deep_plugin.preparation.target_list import list_path
from phoenix_core.words.plain_text import plain

_MOST = 5  # runs or targets in a line; ours


def slaves_of_their_own(folder: Path, decided: Decided) -> Mapping[str, str]:
    """Say of SLAVES where they are decided on apart from their MASTER, by run."""
    told = {}
    for run, multi in decided.multi.items():
        if multi.is_master:
            continue
        own, masters = (
            decided.types[one].combine if one in decided.types else Combine.TBD
            for one in (run, multi.master)
        )
        said = []
        if own is not Combine.TBD and own is not masters:
            said.append(
                f"COMBINE is {own.value}, of its MASTER {multi.master} "
                f"{masters.value}; that of the MASTER counts"
            )
        path = list_path(folder, run)
        if path.exists():
            said.append(f"{path.name} is not used; the list of {multi.master} is")
        if said:
            told[run] = f"{run} is a SLAVE: {'; '.join(said)}"
    return told


def shared_targets(
    history: History, runs: Collection[str], decided: Decided
) -> Mapping[str, str]:
    """Say which targets other runs observed, too, that are not linked, by run.

    Names that differ in case, blanks, _ or - are one name.
    """
    names: dict[str, dict[str, str]] = {}
    keys: dict[str, str] = {}
    runs_of: dict[str, set[str]] = defaultdict(set)
    for run in runs:
        names[run] = {}
        for name in history.briefs[run].targets:
            key = keys[name] if name in keys else keys.setdefault(name, name_key(name))
            if key:
                names[run].setdefault(key, name)
                runs_of[key].add(run)
    told = {}
    for run, of_run in names.items():
        linked = set(linked_runs(decided.multi, run))
        others: dict[str, list[str]] = defaultdict(list)
        for key, name in of_run.items():
            if len(runs_of[key]) > 1:
                shown = plain(name)
                for other in runs_of[key] - linked:
                    others[other].append(shown)
        if others:
            parts = [f"{one} ({_few(others[one])})" for one in sorted(others)]
            told[run] = f"also in {_few(parts)}; RUN_MULTI.txt does not link them"
    return told


def _few(names: list[str]) -> str:
    more = [f"{len(names) - _MOST} more"] if len(names) > _MOST else []
    return ", ".join([*names[:_MOST], *more])
