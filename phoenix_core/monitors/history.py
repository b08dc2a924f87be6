"""The history by period or month: which runs or nights a page tells of, and sums."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from phoenix_core.monitors.expected import Expected
from phoenix_core.monitors.facts import Facts, State, state_of
from phoenix_core.monitors.site import Site
from phoenix_core.run_id import parse_run_id

PAGE = "histoMonitor"
_SUMMED = (
    *("created", "successful", "failed", "skipped", "dropped", "moved", "virtual"),
    *("of_class", "green", "red", "accepted", "products", "fits", "ingested"),
    *("finals", "finals_moved", "reduced_bytes"),
)
_OVER = (State.DONE, State.CERTIFIED)


@frozen
class Entry:
    """A line of the history: a run or night, what comes next, what was decided."""

    facts: Facts
    state: State
    expected: Expected | None = None

    @property
    def label(self) -> str:
        """How people call it: the run in its formal spelling, or the night."""
        return self.facts.run or self.facts.date

    @property
    def is_over(self) -> bool:
        """Whether nothing comes next."""
        return self.state in _OVER


@frozen
class Chapter:
    """The runs of a period, or the nights of a month.

    `name` is told to people and sorts, `stem` is the page without .html.
    """

    name: str
    entries: tuple[Entry, ...]

    @property
    def stem(self) -> str:
        """The page."""
        return f"{PAGE}_{self.name}"

    @property
    def total(self) -> Facts:
        """The facts of all its lines, summed up."""
        facts = [entry.facts for entry in self.entries]
        sums: dict[str, Any] = {n: sum(getattr(f, n) for f in facts) for n in _SUMMED}
        latest = max((one.active_at for one in facts), default="")
        return Facts("", active_at=latest, **sums)


def entries_of(site: Site) -> tuple[Entry, ...]:
    """Return the lines of a site, in order of date.

    A run that nobody wants and that has no ABs anywhere is left out.
    """
    found = (_entry(site, facts) for facts in site.facts.values())
    return tuple(entry for entry in found if _is_shown(entry))


def chapters_of(entries: Iterable[Entry]) -> tuple[Chapter, ...]:
    """Distribute lines on the pages of periods or months, the newest first."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(_chapter(entry.facts), []).append(entry)
    return tuple(Chapter(n, tuple(found[n])) for n in sorted(found, reverse=True))


def counted_states(entries: Sequence[Entry]) -> Mapping[State, int]:
    """Count what comes next."""
    states = [entry.state for entry in entries]
    return {state: states.count(state) for state in State if state in states}


def is_ingested(site: Site) -> bool:
    """Whether the configuration goes on after the move: it has a conversion."""
    return bool(site.config.slots.get("ingestProducts.CONVERSION_TOOL"))


def _entry(site: Site, facts: Facts) -> Entry:
    has_log = site.options.CHECK_CONV == "YES"
    state = state_of(facts, is_ingested=is_ingested(site), has_log=has_log)
    return Entry(facts, state, site.expected.runs.get(facts.run))


def _is_shown(entry: Entry) -> bool:
    is_wanted = entry.expected is not None and entry.expected.is_wanted
    return entry.state is not State.EXPECTED or is_wanted


def _chapter(facts: Facts) -> str:
    return f"P{parse_run_id(facts.run).period:03d}" if facts.run else facts.date[:7]
