"""The page dfoMonitor.html: what is waiting for whom, disks, the last activity."""

from collections.abc import Sequence
from itertools import compress

from attrs import frozen
from markupsafe import Markup

from phoenix_core.jobs.plan import in_gb
from phoenix_core.monitors.facts import Facts
from phoenix_core.monitors.history import PAGE, Entry
from phoenix_core.monitors.history_pages import (
    size_cell,
    told_time,
    trending_link,
)
from phoenix_core.monitors.running import Disk, busy_runs, disks_of
from phoenix_core.monitors.site import Site
from phoenix_core.monitors.waiting import (
    RUNNING,
    Row,
    Section,
    latest,
    oldest,
    sections_of,
)
from phoenix_core.pages.files import fingerprint
from phoenix_core.pages.press import Page, Press
from phoenix_core.pages.table import Cell, Heading, Link
from phoenix_core.words.plain_text import counted

STEM = "dfoMonitor"
_LAST = 10  # runs with the last activity; ours
_HEADINGS = (
    Heading("run or night"),
    Heading("what"),
    Heading("since", "UTC"),
    Heading("to go on", "the command to type next"),
    Heading("to look", "a command that tells more"),
    Heading("told"),
)
_DISKS = (
    Heading("directories"),
    Heading("on", "a path of the file system"),
    Heading("free", is_number=True),
    Heading("of", is_number=True),
)
_ACTIVITY = (Heading("run or night"), Heading("last activity", "UTC"))


@frozen
class Waiting:
    """All that dfoMonitor tells."""

    sections: tuple[Section, ...]
    disks: tuple[Disk, ...]
    waiting_bytes: int
    reduced_bytes: int
    last: tuple[Facts, ...]
    mistakes: tuple[str, ...] = ()

    @property
    def told_oldest(self) -> str:
        """What has been waiting longest, in a line."""
        waits = sum(len(one.rows) for one in self.sections if one.name != RUNNING)
        found = oldest(self.sections)
        if found is None:
            return f"{counted(waits, 'thing')} waiting"
        section, row = found
        told = f"{row.run}, {section.title.lower()}, since {told_time(row.since)}"
        return f"{counted(waits, 'thing')} waiting; the oldest: {told}"

    @property
    def told_sizes(self) -> str:
        """How much waits, and how much is kept."""
        waiting, reduced = in_gb(self.waiting_bytes), in_gb(self.reduced_bytes)
        return f"products that wait: {waiting}; certified ones: {reduced}"


def waiting_of(site: Site, entries: Sequence[Entry]) -> Waiting:
    """Look at what is waiting, and at what goes on now."""
    facts = site.facts.values()
    return Waiting(
        sections_of(site, entries, busy_runs(site)),
        disks_of(site.config.directories),
        sum(one.waiting_bytes for one in facts),
        sum(one.reduced_bytes for one in facts),
        latest(entries, _LAST),
        site.expected.mistakes,
    )


def waiting_page(site: Site, waiting: Waiting, press: Press) -> Page:
    """Make the page; where nothing waits, a section is left out."""
    shown = [section for section in waiting.sections if section.rows]
    disks = [_disk(disk) for disk in waiting.disks]
    last = [_last(facts) for facts in waiting.last]
    links = (Link("what is waiting"), Link("history", _HISTORY), *trending_link(site))
    told = (links, shown, disks, last, waiting.told_sizes, waiting.mistakes)
    made_of = [press.look, repr(told).encode("utf-8", "replace")]
    return Page(
        stem=STEM,
        made_of=fingerprint(made_of),
        template="waiting.html",
        values=lambda: {
            "title": f"{site.config.instrument} {site.config.mode}: what is waiting",
            "links": links,
            "mistakes": waiting.mistakes,
            "introduction": (waiting.told_oldest, waiting.told_sizes),
            "sections": [
                *map(_section, shown),
                ("Disks", _DISKS, disks),
                ("Last activity", _ACTIVITY, last),
            ],
        },
        lines=list,
    )


_HISTORY = f"FINISHED/{PAGE}.html"


def _section(
    section: Section,
) -> tuple[str, tuple[Heading, ...], list[tuple[Cell, ...]]]:
    """The title, headings and lines of a section, without columns that are empty."""
    rows = [_cells(row) for row in section.rows]
    used = [any(cells[place].text for cells in rows) for place in range(len(_HEADINGS))]
    return (
        f"{section.title}: {section.whom}",
        tuple(compress(_HEADINGS, used)),
        [tuple(compress(cells, used)) for cells in rows],
    )


def _cells(row: Row) -> tuple[Cell, ...]:
    return (
        Cell(row.run),
        Cell(row.what, row.state),
        Cell(told_time(row.since)),
        Cell(_to_type(row.command)),
        Cell(_to_type(row.look)),
        Cell(row.told, kind="text"),
    )


def _to_type(command: str) -> str:
    return Markup("<code>{}</code>").format(command) if command else ""


def _disk(disk: Disk) -> tuple[Cell, ...]:
    part = f"{in_gb(disk.free)} ({disk.free / max(disk.total, 1):.0%})"
    return (
        Cell(", ".join(disk.names), kind="text"),
        Cell(disk.path),
        Cell(part, disk.state, "number", sort=str(disk.free)),
        size_cell(disk.total),
    )


def _last(facts: Facts) -> tuple[Cell, ...]:
    return Cell(facts.run or facts.date), Cell(told_time(facts.active_at))
