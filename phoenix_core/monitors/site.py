"""The runs or nights of a site, and the facts of each; only what changed is read."""

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from attrs import asdict, evolve, field, frozen

from phoenix_core.config import Config
from phoenix_core.errors import ConfigError, PhoenixError
from phoenix_core.files.atomic import write_text
from phoenix_core.files.regular_file import read_regular
from phoenix_core.model import Run
from phoenix_core.monitors.expected import Expectations
from phoenix_core.monitors.facts import Facts, restored
from phoenix_core.monitors.options import Options
from phoenix_core.monitors.read_facts import asked_of_store, facts_of, mark_of
from phoenix_core.pseudo_date import is_date_label, pseudo_date
from phoenix_core.records.ledger import Ledger
from phoenix_core.run_id import parse_run_id

KEPT = "monitor.json"


@frozen
class Site:
    """What the monitors show: facts by date, and the runs that are expected.

    `unseen` counts the runs or nights that were never looked at.
    """

    config: Config
    options: Options
    facts: Mapping[str, Facts] = field(factory=dict)
    expected: Expectations = field(factory=Expectations)
    unseen: int = 0

    @property
    def is_deep(self) -> bool:
        """Whether it works by run, and not by night."""
        return self.config.mode == "DEEP"

    def run(self, facts: Facts) -> Run:
        """Return the run that facts are about."""
        run_id = parse_run_id(facts.run) if facts.run else None
        return Run(facts.date, self.config, run_id)


def finished(config: Config) -> Path:
    """Return where the pages of the history lie."""
    return config.directories.monitor / "FINISHED"


def runs_of(
    config: Config, ledger: Ledger, wanted: Iterable[str] = ()
) -> dict[str, Run]:
    """Return all runs or nights that a site knows, by date.

    Args:
        config: the configuration.
        ledger: where runs have their pseudo-dates.
        wanted: runs that are expected, in formal spelling; one that is not registered
            yet has the pseudo-date that it would get now.
    """
    dates = ledger.known_dates()
    if config.mode != "DEEP":
        nights = _dates_in(config.directories.ab) | _dates_in(config.directories.logs)
        return {d: Run(d, config) for d in sorted(nights - set(dates.values()))}
    found = {date: parse_run_id(run) for run, date in dates.items()}
    for run in sorted(set(wanted) - dates.keys()):
        run_id = parse_run_id(run)
        found[pseudo_date(run_id, found)] = run_id
    return {d: Run(d, config, found[d]) for d in sorted(found) if is_date_label(d)}


def bring_facts(
    config: Config,
    options: Options,
    runs: Mapping[str, Run],
    *,
    asked: Collection[str] | None = None,
    ask_store: bool = False,
) -> tuple[dict[str, Facts], list[str]]:
    """Return the facts of runs or nights: read anew where something has changed.

    Args:
        config: the configuration.
        options: of the history.
        runs: by date.
        asked: the dates that are looked at, None: all. Of the others is told what was
            known before.
        ask_store: whether to ask the AB store of all runs; else it is asked of those
            that changed, where it is a directory.

    Returns:
        The facts by date, and warnings.

    Raises:
        OSError: what was read cannot be kept.
    """
    before = _kept(config)
    found: dict[str, _Kept] = {}
    warnings: list[str] = []
    for date, run in runs.items():
        kept = before.get(date)
        if kept and kept.facts.run != (run.run_id.formal if run.run_id else ""):
            kept = None  # another run has this date now
        if asked is None or date in asked:
            found[date] = _looked_at(run, options, kept, warnings, ask_store=ask_store)
        elif kept:
            found[date] = kept
    if found != before:
        _keep(config, found)
    return {date: kept.facts for date, kept in found.items()}, warnings


@frozen
class _Kept:
    """Facts, and the mark of the files that they were read from."""

    mark: str
    facts: Facts


def _looked_at(
    run: Run,
    options: Options,
    kept: _Kept | None,
    warnings: list[str],
    *,
    ask_store: bool,
) -> _Kept:
    mark = mark_of(run, options)
    is_same = kept is not None and kept.mark == mark
    facts = kept.facts if kept and is_same else _read(run, options)
    stored = (kept.facts.in_store, kept.facts.unfetched) if kept else (-1, -1)
    if ask_store or (not is_same and _is_near(run.config)):
        try:
            stored = asked_of_store(run)
        except ConfigError as error:
            warnings.append(str(error))
    return _Kept(mark, evolve(facts, in_store=stored[0], unfetched=stored[1]))


def _is_near(config: Config) -> bool:
    """Whether the AB store is a directory, which answers at once."""
    protocol, _, path = config.ab_store.rpartition("://")
    return bool(path) and protocol in {"", "file"}


def _read(run: Run, options: Options) -> Facts:
    """Read facts; whatever is wrong with one run is told in its line."""
    try:
        return facts_of(run, options)
    except (PhoenixError, OSError) as error:
        formal = run.run_id.formal if run.run_id else ""
        return Facts(run.date, formal, problems=(str(error),))


def _dates_in(folder: Path) -> set[str]:
    try:
        return {entry.name for entry in folder.iterdir() if is_date_label(entry.name)}
    except OSError:
        return set()


def _kept(config: Config) -> dict[str, _Kept]:
    """What was known before; a damaged file is made anew."""
    try:
        document = json.loads(read_regular(finished(config) / KEPT))
        rows = document["runs"].items()
        return {
            date: _Kept(str(row["mark"]), restored(row["facts"])) for date, row in rows
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _keep(config: Config, found: Mapping[str, _Kept]) -> None:
    runs = {
        date: {"mark": kept.mark, "facts": asdict(kept.facts)}
        for date, kept in found.items()
    }
    folder = finished(config)
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / KEPT, json.dumps({"runs": runs}, indent=1) + "\n")
