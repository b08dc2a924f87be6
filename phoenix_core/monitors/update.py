"""Bring the monitors up to date: after each part of a run, or when somebody asks."""

import contextlib
import re
from collections.abc import Collection, Iterable
from pathlib import Path

from attrs import field, frozen

from phoenix_core.config import Config, build_options
from phoenix_core.errors import PhoenixError
from phoenix_core.files.atomic import remove_leftovers
from phoenix_core.files.run_lock import holding
from phoenix_core.monitors.expected import Expectations, Project, load_project
from phoenix_core.monitors.history import PAGE, chapters_of, entries_of
from phoenix_core.monitors.history_pages import history_pages, page_of
from phoenix_core.monitors.options import NAME, Options
from phoenix_core.monitors.site import Site, bring_facts, finished, runs_of
from phoenix_core.monitors.waiting_page import STEM as WAITING
from phoenix_core.monitors.waiting_page import Waiting, waiting_of, waiting_page
from phoenix_core.pages.files import fingerprint_in, write_assets
from phoenix_core.pages.press import Page, Press, press
from phoenix_core.records.ledger import open_ledger

LOCK = ".monitor.lock"
_TRIES = 500  # 5 s: several parts may end at the same time (ours)
_PAGE = re.compile(rf"{PAGE}_[\w-]+\.html", re.ASCII)


@frozen
class Updated:
    """What was done: the page of the history, and that of what is waiting."""

    page: Path
    waiting_page: Path
    site: Site
    waiting: Waiting
    written: list[str] = field(factory=list)
    kept: list[str] = field(factory=list)
    warnings: tuple[str, ...] = ()


def update(
    config: Config, *, asked: Collection[str] | None = None, ask_store: bool = True
) -> Updated:
    """Read what changed, and write the pages that are due.

    Args:
        config: the configuration.
        asked: the dates that are looked at; None: all.
        ask_store: whether to ask the AB store of all runs.

    Raises:
        ConfigError: an option is wrong, or the database does not answer.
        ProcessingError: others bring it up to date for longer than 5 s.
        OSError: a page cannot be written.
    """
    folder, above = finished(config), config.directories.monitor
    folder.mkdir(parents=True, exist_ok=True)
    with holding(folder / LOCK, "the monitors", _TRIES):
        site, warnings = _read_site(config, asked=asked, ask_store=ask_store)
        entries = entries_of(site)
        waiting = waiting_of(site, entries)
        done = Updated(
            folder / page_of(None),
            above / f"{WAITING}.html",
            site,
            waiting,
            warnings=tuple(warnings),
        )
        printer = press(__package__)
        pages = history_pages(site, chapters_of(entries), printer)
        _write(folder, pages, printer, done)
        _write(above, [waiting_page(site, waiting, printer)], printer, done)
        if not site.expected.mistakes:
            _remove_stale(folder, {*done.written, *done.kept})
    return done


def _read_site(
    config: Config, *, asked: Collection[str] | None, ask_store: bool
) -> tuple[Site, list[str]]:
    """Read what the monitors show, and hand on how it stands; return warnings, too."""
    options = build_options(config, NAME, Options)
    project = load_project(config, options.PROJECT)
    expected = _expected(config, project)
    with open_ledger(config.database) as ledger:
        runs = runs_of(config, ledger, expected.wanted)
    facts, warnings = bring_facts(
        config, options, runs, asked=asked, ask_store=ask_store
    )
    site = Site(config, options, facts, expected, len(runs) - len(facts))
    if project is not None:
        warnings += _tell(config, project, site)
    return site, warnings


def dates_of(config: Config) -> tuple[str, ...]:
    """Return the dates of all runs or nights that a site knows."""
    with open_ledger(config.database) as ledger:
        return tuple(runs_of(config, ledger))


def trending_page(config: Config) -> Path:
    """Let the project bring its trending page up to date; return where it lies.

    Raises:
        ConfigError: no project is configured.
    """
    options = build_options(config, NAME, Options)
    project = load_project(config, options.PROJECT)
    if project is None:
        problem = "is missing: what trends is known by a project"
        raise config.wrong(NAME, "PROJECT", problem)
    return project.trending(config)


def after_part(config: Config, date: str) -> str:
    """Bring the monitors up to date for one run or night, at the end of a part.

    Returns:
        What went wrong, in a line, '' where nothing did: the part is done all the same.
    """
    try:
        update(config, asked=(date,), ask_store=False)
    except Exception as error:  # noqa: BLE001, whatever it is, the part is done
        told = str(error) if isinstance(error, PhoenixError | OSError) else repr(error)
        return f"the monitors are not up to date: {' '.join(told.split())}"
    return ""


def _expected(config: Config, project: Project | None) -> Expectations:
    if project is None:
        return Expectations()
    try:
        return project.expected_runs(config)
    except PhoenixError as error:
        return Expectations(mistakes=tuple(str(error).split("\n")))


def _tell(config: Config, project: Project, site: Site) -> tuple[str, ...]:
    try:
        return project.tell(config, tuple(site.facts.values()))
    except PhoenixError as error:
        return tuple(str(error).split("\n"))


def _write(folder: Path, pages: Iterable[Page], printer: Press, done: Updated) -> None:
    remove_leftovers(folder)
    write_assets(folder)
    present = {path.name for path in folder.iterdir()}
    for page in pages:
        printed = printer.write(folder, page, present)
        (done.written if printed.is_new else done.kept).extend(printed.names)


def _remove_stale(folder: Path, names: Collection[str]) -> None:
    """Remove pages of ours that are not made any more."""
    for path in folder.glob(f"{PAGE}_*.html"):
        is_ours = _PAGE.fullmatch(path.name) and fingerprint_in(path)
        if is_ours and path.name not in names:
            with contextlib.suppress(OSError):
                path.unlink()
