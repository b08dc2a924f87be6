"""The pages of the history: a main page, and one of each period or month."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from markupsafe import Markup

from phoenix_core.jobs.plan import in_gb
from phoenix_core.monitors.facts import Facts, State
from phoenix_core.monitors.history import (
    PAGE,
    Chapter,
    Entry,
    counted_states,
)
from phoenix_core.monitors.options import Options
from phoenix_core.monitors.site import Site, finished
from phoenix_core.pages.files import fingerprint
from phoenix_core.pages.press import Page, Press
from phoenix_core.pages.table import Cell, Heading, Link
from phoenix_core.pages.templates import address
from phoenix_core.words.plain_text import counted, short

STATES = {
    State.DAMAGED: "bad",
    State.FAILED: "bad",
    State.REJECTED: "bad",
    State.EXPECTED: "open",
    State.TO_PROCESS: "open",
    State.TO_CERTIFY: "warn",
    State.TO_CONVERT: "warn",
    State.TO_INGEST: "warn",
    State.TO_CLEAN: "warn",
    State.CERTIFIED: "good",
    State.DONE: "good",
}
TRENDING = "trending.html"
_BAR = Markup(
    '<svg class="bar" width="{}" height="10" aria-hidden="true">'
    '<rect width="{}" height="10"/></svg> {}'
)
_LINKS = (
    ("monitor", "opens the AB monitor"),
    ("logs", "opens the directory of logs"),
    ("plots", "opens the directory of plots"),
    ("reduced", "opens the directory of products"),
)
_COUNTS = (
    Heading("ABs", "all that are here", is_number=True),
    Heading("moved", "ABs that are certified and moved", is_number=True),
    Heading("failed", "ABs that failed", is_number=True),
    Heading("skipped", "ABs that need a failed one", is_number=True),
    Heading("virtual", "ABs that take what is not made yet", is_number=True),
    Heading("scores", "final ABs with all scores passed, and with failed ones"),
    Heading("certified", "final ABs that were accepted, of all"),
    Heading("products", "final ABs moved, as a bar; files by PRODUCT_MARKER"),
    Heading("conv?", "whether the conversion wrote its log"),
    Heading("ingested", "datasets in the archive, of all"),
    Heading(
        "fits", "FITS files, those that are headers now among them", is_number=True
    ),
    Heading("size", "of all that is reduced", is_number=True),
    Heading("last activity", "UTC"),
)
_DECIDED = (
    Heading("decided", "whether the run is wanted"),
    Heading("type", "as decided"),
)


def history_pages(
    site: Site, chapters: Sequence[Chapter], press: Press
) -> Iterator[Page]:
    """Make the pages of all periods or months, then the main page."""
    names = [chapter.name for chapter in chapters]
    for chapter in (*chapters, None):
        told = [press.look, repr((names, site.options, trending_link(site))).encode()]
        shown = chapters if chapter is None else (chapter,)
        for one in shown:
            links = [_places(site, entry.facts) for entry in one.entries]
            told.append(repr((one, links)).encode("utf-8", "replace"))
        notes = _notes(site, chapter)
        told.append(repr((notes, site.expected.mistakes)).encode("utf-8", "replace"))
        yield Page(
            stem=chapter.stem if chapter else PAGE,
            made_of=fingerprint(told),
            template="history.html",
            values=_values(site, chapters, chapter, notes),
            lines=_lines(site, chapters, chapter, press),
        )


def page_of(chapter: Chapter | None) -> str:
    """Return the file of a chapter, or of the main page."""
    return f"{chapter.stem if chapter else PAGE}.html"


def trending_link(site: Site, before: str = "") -> tuple[Link, ...]:
    """Return the link to the trending page, where a project has made one.

    Args:
        site: the site.
        before: the way to the directory of the monitors.
    """
    is_there = (site.config.directories.monitor / TRENDING).is_file()
    return (Link("trending", f"{before}{TRENDING}"),) if is_there else ()


def size_cell(size: int) -> Cell:
    """Return the cell of a size in bytes."""
    told = in_gb(size) if size else ""
    return Cell(told, kind="number", sort=str(size) if size else "")


def told_time(iso: str) -> str:
    """Return a time (ISO, UTC) as pages have it, to the minute.

    >>> told_time("2026-11-27T18:54:30+00:00")
    '2026-11-27 18:54'
    """
    return iso.replace("T", " ")[:16]


def _values(
    site: Site,
    chapters: Sequence[Chapter],
    chapter: Chapter | None,
    notes: Sequence[str],
) -> Callable[[], dict[str, object]]:
    entries = chapter.entries if chapter else [e for c in chapters for e in c.entries]
    kind = "run" if site.is_deep else "night"
    of_what = f": {kind}s of {chapter.name}" if chapter else ""
    states = counted_states(entries)
    counts = ", ".join(f"{count} {state.value}" for state, count in states.items())
    return lambda: {
        "title": f"{site.config.instrument} {site.config.mode}: history{of_what}",
        "caption": f"{counted(len(entries), kind)}: {counts}" if counts else "no ABs",
        "headings": _headings(site, is_main=chapter is None),
        "links": _navigation(site, chapters, chapter),
        "mistakes": site.expected.mistakes,
        "notes": notes,
    }


def _lines(
    site: Site, chapters: Sequence[Chapter], chapter: Chapter | None, press: Press
) -> Callable[[], list[str]]:
    if chapter is None:
        return lambda: press.lines((_sums(site, one), "") for one in chapters)
    return lambda: press.lines((_cells(site, entry), "") for entry in chapter.entries)


def _headings(site: Site, *, is_main: bool) -> tuple[Heading, ...]:
    if is_main:
        kind = "period" if site.is_deep else "month"
        number = "runs" if site.is_deep else "nights"
        return (
            Heading(kind, f"opens the {number} of the {kind}"),
            Heading(number, is_number=True),
            Heading("over", "nothing is to be done any more", is_number=True),
            Heading("open", "what comes next"),
            *_COUNTS,
        )
    first = (Heading("RUN_ID"), Heading("DATE", "pseudo-date")) if site.is_deep else ()
    return (
        *(first or (Heading("DATE", "night"),)),
        Heading("state", "what comes next"),
        *(_DECIDED if site.is_deep else ()),
        *_COUNTS,
        *(Heading(name, meaning) for name, meaning in _LINKS),
        Heading("comment"),
    )


def _navigation(
    site: Site, chapters: Sequence[Chapter], chapter: Chapter | None
) -> tuple[Link, ...]:
    return (
        Link("all", "" if chapter is None else page_of(None)),
        *(
            Link(one.name, "" if one is chapter else address(page_of(one)))
            for one in chapters
        ),
        Link("what is waiting", "../dfoMonitor.html"),
        *trending_link(site, "../"),
    )


def _notes(site: Site, chapter: Chapter | None) -> tuple[str, ...]:
    """What could not be read of the runs of a page, and what was never looked at."""
    if chapter is None and site.unseen:
        command = "phoenixMonitor -P" if site.is_deep else "phoenixMonitor --yes"
        return (f"{site.unseen} more were never looked at: {command} does it",)
    if chapter is None:
        return ()
    return tuple(
        f"{entry.label}: {problem}"
        for entry in chapter.entries
        for problem in entry.facts.problems
    )


def _sums(site: Site, chapter: Chapter) -> tuple[Cell, ...]:
    entries = chapter.entries
    over = sum(entry.is_over for entry in entries)
    states = counted_states([entry for entry in entries if not entry.is_over])
    told = ", ".join(f"{count} {state.value}" for state, count in states.items())
    worst = next((STATES[state] for state in states), "good")
    return (
        Cell(chapter.name, link=address(page_of(chapter))),
        Cell(str(len(entries)), kind="number"),
        Cell(str(over), kind="number"),
        Cell(told or "nothing", worst),
        *_counts(chapter.total, site.options, converted=_converted(entries)),
    )


def _cells(site: Site, entry: Entry) -> tuple[Cell, ...]:
    facts, said = entry.facts, entry.expected
    places = _places(site, facts)
    decided = (
        Cell(said.word if said else "", "good" if said and said.is_wanted else ""),
        Cell(short(said.kind) if said else ""),
    )
    label = Cell(entry.label, link=places[0])
    return (
        *((label, Cell(facts.date)) if site.is_deep else (label,)),
        Cell(entry.state.value, STATES[entry.state]),
        *(decided if site.is_deep else ()),
        *_counts(facts, site.options, converted=_yes(facts.is_converted)),
        *(
            Cell(name if link else "", link=link)
            for (name, _), link in zip(_LINKS, places, strict=True)
        ),
        Cell(_comment(entry), kind="text"),
    )


def _counts(facts: Facts, options: Options, *, converted: Cell) -> tuple[Cell, ...]:
    """The cells that a run or night has as well as a sum of them."""
    is_marked = options.MARK_VIRTUAL == "YES" and facts.virtual > 0
    scores = ""
    if facts.green or facts.red:
        scores = f"{facts.green} green, {facts.red} red"
    return (
        Cell(str(facts.abs), kind="number"),
        _number(facts.moved),
        _number(facts.failed, "bad"),
        _number(facts.skipped, "warn"),
        _number(facts.virtual, "warn" if is_marked else ""),
        Cell(scores, ("warn" if facts.red else "good") if scores else ""),
        Cell(f"{facts.accepted} of {facts.finals}" if facts.finals else ""),
        Cell(_products(facts, options), sort=str(facts.products)),
        converted if options.CHECK_CONV == "YES" else Cell(),
        _ingested(facts),
        Cell(_fits(facts, options), kind="number", sort=str(facts.fits or "")),
        size_cell(facts.reduced_bytes),
        Cell(told_time(facts.active_at)),
    )


def _products(facts: Facts, options: Options) -> str:
    """How many products there are, with a bar of the certified ones before it."""
    told = str(facts.products or facts.of_class or "")
    width = min(facts.of_class, options.SCI_MAX) * options.SCI_SCALE
    return _BAR.format(width, width, told) if width else told


def _fits(facts: Facts, options: Options) -> str:
    told = str(facts.fits or "")
    is_many = facts.fits > options.MAX_TOTAL_NUMBER
    return Markup("<b>{}</b>").format(told) if is_many else told


def _ingested(facts: Facts) -> Cell:
    if not facts.ingested:
        return Cell()
    is_all = facts.ingested >= facts.finals_moved
    told = f"{facts.ingested} of {facts.finals_moved}"
    return Cell(told, "good" if is_all else "open")


def _number(count: int, state: str = "") -> Cell:
    return Cell(str(count or ""), state if count else "", kind="number")


def _yes(holds: bool) -> Cell:  # noqa: FBT001, of a cell
    return Cell("yes", "good") if holds else Cell()


def _converted(entries: Sequence[Entry]) -> Cell:
    count = sum(entry.facts.is_converted for entry in entries)
    return Cell(f"{count} of {len(entries)}") if count else Cell()


def _comment(entry: Entry) -> str:
    parts = [short(entry.expected.comment)] if entry.expected else []
    if entry.facts.unfetched > 0:
        parts.append(f"{counted(entry.facts.unfetched, 'AB')} more in the AB store")
    if entry.facts.rejected:
        parts.append(f"{len(entry.facts.rejected)} rejected")
    if entry.facts.problems:
        parts.append(short(entry.facts.problems[0]))
    return "; ".join(part for part in parts if part)


def _places(site: Site, facts: Facts) -> tuple[str, ...]:
    """The AB monitor and the directories of a run or night, '' where they are not."""
    places = site.config.directories
    found = (
        places.monitor / f"status_{facts.date}.html",
        *(p / facts.date for p in (places.logs, places.plots, places.reduced)),
    )
    here = finished(site.config)
    return tuple(_relative(path, here) if path.exists() else "" for path in found)


def _relative(path: Path, here: Path) -> str:
    return address(os.path.relpath(path, here))
