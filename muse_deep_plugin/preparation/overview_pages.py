"""The overview of all runs, and the pages of periods."""

from collections.abc import Iterator, Sequence

from attrs import frozen

from muse_deep_plugin.preparation import run_table
from muse_deep_plugin.preparation.run_history import RunRow
from muse_deep_plugin.preparation.subject import Subject
from phoenix_core.pages.files import fingerprint
from phoenix_core.pages.press import Page, Press
from phoenix_core.pages.table import Cell, Heading, Link

OVERVIEW = "overview"


@frozen
class _Lines:
    """The lines of runs, when they are asked for."""

    press: Press
    subject: Subject
    rows: Sequence[RunRow]
    with_period: bool

    def __call__(self) -> list[str]:
        return self.press.lines((self._cells(row), "") for row in self.rows)

    def _cells(self, row: RunRow) -> tuple[Cell, ...]:
        cells = run_table.cells(row, self.subject.known)
        return (run_table.period_cell(row), *cells) if self.with_period else cells


def overview_pages(subject: Subject, press: Press) -> Iterator[Page]:
    """Make the pages of all periods, then the overview."""
    rows = tuple(subject.rows.values())
    periods = sorted({row.run.period for row in rows}, reverse=True)
    for period in (*periods, None):
        chosen = [row for row in rows if period in (None, row.run.period)]
        made_of = fingerprint(
            [
                press.look,
                repr((periods, subject.mistakes, subject.notices)).encode(),
                repr([row.master in subject.known for row in chosen]).encode(),
                *(row.content for row in chosen),
            ]
        )
        yield _page(subject, press, chosen, periods, period, made_of=made_of)


def _page(
    subject: Subject,
    press: Press,
    rows: Sequence[RunRow],
    periods: Sequence[int],
    period: int | None,
    *,
    made_of: str,
) -> Page:
    headings: tuple[Heading, ...] = run_table.HEADINGS
    title = f"MUSE_DEEP: runs of period {period}"
    stem = OVERVIEW
    if period is None:
        headings = (run_table.PERIOD, *headings)
        title = "MUSE_DEEP: all runs"
    else:
        stem = run_table.period_page(period).removesuffix(".html")
    return Page(
        stem=stem,
        made_of=made_of,
        template="runs.html",
        values=lambda: {
            "title": title,
            "caption": "Runs with datacubes of MUSE_R",
            "headings": headings,
            "links": _links(periods, period),
            "mistakes": subject.mistakes,
            "notices": subject.notices,
        },
        lines=_Lines(press, subject, rows, with_period=period is None),
    )


def _links(periods: Sequence[int], period: int | None) -> tuple[Link, ...]:
    return (
        Link("all runs", "" if period is None else f"{OVERVIEW}.html"),
        *(
            Link(f"P{one}", "" if one == period else run_table.period_page(one))
            for one in periods
        ),
    )
