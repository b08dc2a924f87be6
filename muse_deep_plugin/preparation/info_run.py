"""What phoenix_getInfoRun does: reads all that is known of runs, and brings up to date.

Any number of calls may run at a time, and each may be killed: what is written is
written whole, says itself what it was made of, and is the same for the same history.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen

from muse_deep_plugin.preparation.decisions import Decisions, read_decisions
from muse_deep_plugin.preparation.history import History, read_history
from muse_deep_plugin.preparation.lists_of_runs import Listed, bring_lists
from muse_deep_plugin.preparation.moved_deep import moved_deep
from muse_deep_plugin.preparation.overview_pages import OVERVIEW
from muse_deep_plugin.preparation.pages import Written, write_pages
from muse_deep_plugin.preparation.previews import Previews, find_previews
from muse_deep_plugin.preparation.run_history import Decided, Known, RunRow, run_row
from muse_deep_plugin.preparation.run_notes import shared_targets, slaves_of_their_own
from muse_deep_plugin.preparation.run_table import INDEX, run_page
from muse_deep_plugin.preparation.run_tables import (
    RUN_MULTI,
    RUN_TYPE,
    folder_of_runs,
    linked_runs,
    unknown_runs,
    write_missing_tables,
    write_run_data,
)
from muse_deep_plugin.preparation.subject import Subject
from phoenix_core.config import Config, build_options
from phoenix_core.errors import ConfigError
from phoenix_core.files.atomic import remove_leftovers
from phoenix_core.loader.option_tables import check_tables
from phoenix_core.nearest import nearest
from phoenix_core.pages.press import Press, press
from phoenix_core.qc1.database import open_qc1
from phoenix_core.run_id import RunId, parse_run_id
from phoenix_core.words.plain_text import counted

NAME = "phoenix_getInfoRun"


@frozen
class Options:
    """Options of the table [phoenix_getInfoRun].

    `other_site` is a directory of the processing site, as an fsspec URL: RUN_TYPE.txt
    is sent there, DEEP_MODE.txt fetched. Where it is empty, nothing is exchanged.
    """

    other_site: str = ""


@frozen
class InfoRun:
    """What was done: the page to look at, files of pages, target lists, mistakes."""

    page: Path
    runs: int
    pages: Written
    is_one_run: bool
    lists: tuple[Path, ...] = ()
    warnings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    offered: Mapping[str, int] = field(factory=dict)
    mistakes: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """What became of the pages, in a few words."""
        written, kept = len(self.pages.written), len(self.pages.kept)
        runs, pages = counted(self.runs, "run"), counted(written, "page")
        return f"{runs}, {pages} written, {kept} up to date"

    @property
    def document(self) -> Mapping[str, Any]:
        """The same for programs."""
        return {
            "page": self.page,
            "runs": self.runs,
            "written": self.pages.written,
            "kept": len(self.pages.kept),
            "removed": self.pages.removed,
            "lists": self.lists,
            "warnings": self.warnings,
            "remarks": self.remarks,
            "offered": dict(self.offered),
            "mistakes": self.mistakes,
        }


def info_run(config: Config, asked: str) -> InfoRun:
    """Bring pages and target lists up to date.

    Args:
        config: the configuration.
        asked: a run, in any spelling; '' asks for all.

    Raises:
        ConfigError: there is no such run, or the database does not answer. What is
            wrong in a text is in the answer: it stops nothing else.
    """
    check_tables(config)
    options = build_options(config, NAME, Options)
    wanted = parse_run_id(asked) if asked else None
    folder = folder_of_runs(config.directories)
    write_missing_tables(folder)
    remove_leftovers(folder)
    decisions = read_decisions(folder, options.other_site)
    with open_qc1(config.database) as engine, engine.connect() as connection:
        printer = press(__package__, "phoenix_core.qc1")
        history = read_history(connection, folder, printer.look)
        return _bring(config, decisions, wanted, history, printer)


def _bring(
    config: Config,
    decisions: Decisions,
    wanted: RunId | None,
    history: History,
    printer: Press,
) -> InfoRun:
    """Bring up to date what the history and the decisions ask for."""
    folder = folder_of_runs(config.directories)
    decided, warnings = decisions.decided, list(decisions.warnings)
    runs = _runs(history, warnings)
    chosen = _chosen(wanted, runs, decided)
    asked = runs if chosen is None else chosen
    lists = bring_lists(folder, history, decided, asked, look=printer.look)
    moved = moved_deep(history.connection.engine, config.directories.logs, lists)
    of_slaves = slaves_of_their_own(folder, decided)
    notices = [*of_slaves.values()]
    for name, table in ((RUN_TYPE, decided.types), (RUN_MULTI, decided.multi)):
        notices.extend(unknown_runs(folder / name, table, set(runs)))
    warnings.extend(notices)
    decided = evolve(decided, selected=_selected(lists, decided))
    decisions = evolve(decisions, decided=decided)
    made = _made(history, moved)
    rows = {
        run: _row(run_id, history, decisions, lists, made)
        for run, run_id in runs.items()
    }
    write_run_data(folder, [row.data for row in rows.values()])
    directories = config.directories
    subject = Subject(
        folder=folder,
        history=history,
        rows=rows,
        linked={r: linked_runs(decided.multi, r) for r in runs if r in decided.multi},
        lists=lists,
        previews=_previews(history, folder, (directories.plots, directories.monitor)),
        notes=_notes(of_slaves, shared_targets(history, runs, decided)),
        mistakes=decisions.mistakes,
        notices=tuple(notices),
        unclear=decisions.unclear.keys(),
    )
    pages = write_pages(subject, chosen, printer)
    if not (folder / INDEX).exists():  # every page of a run leads there
        from muse_deep_plugin.preparation.search_pages import (  # noqa: PLC0415
            write_index,
        )

        write_index(folder)
    page = run_page(wanted.plain) if wanted else f"{OVERVIEW}.html"
    shown = runs if chosen is None else chosen
    return InfoRun(
        page=folder / page,
        runs=len(shown),
        pages=pages,
        is_one_run=wanted is not None,
        lists=tuple(Path(lists[run].path) for run in lists if run in shown),
        warnings=tuple(warnings),
        remarks=tuple(
            told
            for run, listed in lists.items()
            if run in shown
            for told in (*([listed.told_offer] * bool(listed.offered)), *listed.remarks)
        ),
        offered={run: of.offered for run, of in lists.items() if of.offered},
        mistakes=(
            *decisions.mistakes,
            *(told for listed in lists.values() for told in listed.mistakes),
        ),
    )


def _made(
    history: History, moved: Mapping[str, frozenset[str]]
) -> Mapping[str, frozenset[str]]:
    """Return by run the targets of deep datacubes, of the database and this site."""
    both = history.deep.keys() | moved.keys()
    none: frozenset[str] = frozenset()
    return {run: history.deep.get(run, none) | moved.get(run, none) for run in both}


def _notes(*told: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    runs = {run for notes in told for run in notes}
    return {run: tuple(notes[run] for notes in told if run in notes) for run in runs}


def _runs(history: History, warnings: list[str]) -> dict[str, RunId]:
    """Return the runs of the database, the newest period first."""
    found = []
    for formal, brief in history.briefs.items():
        try:
            run = parse_run_id(formal)
        except ConfigError as error:
            number = counted(brief.n_dcubes, "datacube")
            warnings.append(f"on no page, {number}: {error}")
            continue
        if run.formal != formal:
            told = f"run_id '{formal}' is not the formal one, {run.formal}"
            warnings.append(f"datacubes are on no page: {told}")
            continue
        found.append(run)
    found.sort(key=lambda run: (-run.period, run.formal))
    return {run.formal: run for run in found}


def _chosen(
    wanted: RunId | None, runs: Mapping[str, RunId], decided: Decided
) -> frozenset[str] | None:
    """Return the run that is asked for and those linked to it, None for all.

    Raises:
        ConfigError: the run has no datacubes.
    """
    if wanted is None:
        return None
    if wanted.formal not in runs:
        hint = nearest(wanted.formal, runs)
        raise ConfigError(f"the database has no datacubes of {wanted.formal}{hint}")
    return frozenset(linked_runs(decided.multi, wanted.formal)) & runs.keys()


def _selected(
    lists: Mapping[str, Listed], decided: Decided
) -> dict[str, frozenset[str]]:
    """Return the targets to combine: of SLAVES, those of their MASTER."""
    found = {run: frozenset(listed.selected) for run, listed in lists.items()}
    of_slaves = {
        run: found[multi.master]
        for run, multi in decided.multi.items()
        if multi.master in found
    }
    return found | of_slaves


def _row(
    run: RunId,
    history: History,
    decisions: Decisions,
    lists: Mapping[str, Listed],
    made: Mapping[str, frozenset[str]],
) -> RunRow:
    """Make what is told of a run; the deep datacubes of a SLAVE are its MASTER's."""
    name, decided = run.formal, decisions.decided
    listed = lists.get(name)
    known = Known(
        schedules=history.schedules.get(name, ()),
        brief=history.briefs[name],
        raw_files=history.raw_files.get(name, 0),
        deep=made.get(linked_runs(decided.multi, name)[0], frozenset()),
        offered=listed.offered if listed else 0,
        is_list_wrong=listed is not None and bool(listed.mistakes),
        unclear=decisions.unclear.get(name, ""),
    )
    return run_row(run, known, decided)


def _previews(history: History, page: Path, roots: Sequence[Path]) -> Previews:
    names = (one.pictures for one in history.briefs.values())
    return find_previews(chain.from_iterable(names), roots, page)
