"""The pages of a run after each part: the AB monitor, and the cover sheet of PGI_COVER.

What they link to is moved by part 3: they are written again then.
"""

from collections.abc import Iterable
from pathlib import Path

from attrs import frozen

from phoenix_core import hookspecs
from phoenix_core.ab_monitor.page import AbMonitor
from phoenix_core.ab_monitor.watch import write_if_possible
from phoenix_core.loader.pgis import Pgis
from phoenix_core.model import QcReport, Run
from phoenix_core.questions.status import see
from phoenix_core.records.events import Events


@frozen
class RunPages:
    """Where the pages of a run are; None is what could not be made, or nobody makes."""

    monitor: Path | None = None
    cover: Path | None = None


def write_run_pages(run: Run, pgis: Pgis, events: Events) -> RunPages:
    """Write the cover sheet, then the AB monitor that leads to it.

    Raises:
        PgiError: PGI_COVER failed; the monitor is written all the same.
    """
    try:
        cover = pgis.ask(
            hookspecs.process_qc_pgi_cover, run=run, reports=all_reports(run)
        )
    finally:
        monitor = AbMonitor(run)
        if any(run.moved_path("any").parent.glob("*.ab")):
            write_if_possible(monitor, events, history=True)
        page = write_if_possible(monitor, events)
    return RunPages(page, cover)


def all_reports(run: Run) -> tuple[QcReport, ...]:
    """Return the reports on all present products of a run, those that moved as well.

    In the order of their names; their plots are where they lie now.
    """
    found: Iterable[QcReport] = (one.report for one in see(run) if one.report)
    return tuple(sorted(found, key=lambda report: report.block))
