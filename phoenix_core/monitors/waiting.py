"""What is waiting for whom: each with the command that has to be typed next."""

import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial

from attrs import frozen

from phoenix_core.model import Run
from phoenix_core.monitors.facts import Facts, State
from phoenix_core.monitors.history import Entry, is_ingested
from phoenix_core.monitors.running import Busy, calls_waiting
from phoenix_core.monitors.site import Site
from phoenix_core.words.plain_text import counted

RUNNING = "running"
_MOST = 3  # names in a line; ours


@frozen
class Row:
    """One thing that waits, or goes on.

    `look` is a command that tells more, `command` the one to go on with; '' where there
    is none. `since` is ISO, UTC.
    """

    run: str
    what: str
    told: str = ""
    since: str = ""
    state: str = ""
    look: str = ""
    command: str = ""


@frozen
class Section:
    """Everything that waits for the same person or part."""

    name: str
    title: str
    whom: str
    rows: tuple[Row, ...]


def sections_of(
    site: Site, entries: Sequence[Entry], busy: Mapping[str, Busy]
) -> tuple[Section, ...]:
    """Return what is waiting, the most urgent first, and the oldest first in each.

    Args:
        site: the site.
        entries: the lines of its history.
        busy: the runs that somebody works on, by date.
    """
    idle = [entry for entry in entries if entry.facts.date not in busy]
    asked: tuple[tuple[str, str, str, Iterable[Row]], ...] = (
        (RUNNING, "Being processed", "they go on by themselves", _running(busy)),
        ("failed", "Failed", "for the operator", _of(site, entries, _failed)),
        ("to_certify", "To certify", "for a reviewer", _of(site, idle, _to_certify)),
        ("rejected", "Rejected", "for a reviewer", _of(site, idle, _rejected)),
        ("to_process", "To process", "for the operator", _of(site, idle, _to_process)),
        ("to_prepare", "To prepare", "for the preparation", _of(site, idle, _expected)),
        *_after_move(site, idle),
    )
    return tuple(
        Section(name, title, whom, tuple(sorted(rows, key=lambda row: row.since)))
        for name, title, whom, rows in asked
    )


def _after_move(
    site: Site, entries: Sequence[Entry]
) -> Iterator[tuple[str, str, str, Iterable[Row]]]:
    if is_ingested(site):
        calls = calls_waiting(site.config.directories)
        ingest = _of(site, entries, partial(_to_ingest, calls))
        clean = _of(site, entries, _to_clean)
        yield "to_ingest", "To convert and ingest", "for the archive", ingest
        yield "to_clean", "To clean up", "for the operator", clean


def _of(
    site: Site,
    entries: Sequence[Entry],
    make: Callable[[Entry, Run], Iterable[Row]],
) -> Iterator[Row]:
    for entry in entries:
        yield from make(entry, site.run(entry.facts))


def _running(busy: Mapping[str, Busy]) -> Iterator[Row]:
    for one in busy.values():
        what = _few(one.abs) if one.abs else "phoenix"
        told = f"held by {one.holder}" if one.holder else "recipes of an earlier call"
        look = f"phoenix status {one.run.option}"
        yield Row(_label(one.run), what, told, one.since, look=look)


def _failed(entry: Entry, run: Run) -> Iterator[Row]:
    facts = entry.facts
    for failure in facts.failures:
        of = f"{failure.target}: " if failure.target else ""
        name = shlex.quote(failure.ab)
        cause = failure.cause.partition("; log: ")[0]  # explain tells where it is
        yield Row(
            entry.label,
            failure.ab,
            f"{of}{cause}",
            failure.at,
            "bad",
            f"phoenix explain {run.option} {name}",
            f"phoenix {run.option} -P",
        )
    for problem in facts.problems:
        yield Row(entry.label, "damaged", problem, facts.active_at, "bad")


def _to_certify(entry: Entry, run: Run) -> Iterator[Row]:
    facts = entry.facts
    if not facts.waiting:
        return
    red = facts.waiting_red
    told = f"{len(facts.waiting) - red} green, {red} red"
    yield Row(
        entry.label,
        counted(len(facts.waiting), "product"),
        f"{told}: {_few(facts.waiting)}",
        facts.waiting_since,
        "warn" if red else "good",
        f"phoenix status {run.option}",
        f"phoenix {run.option} -M",
    )


def _rejected(entry: Entry, run: Run) -> Iterator[Row]:
    facts = entry.facts
    if facts.rejected:
        yield Row(
            entry.label,
            counted(len(facts.rejected), "product"),
            _few(facts.rejected),
            facts.active_at,
            "bad",
            f"phoenix status {run.option}",
            f"phoenix {run.option} -M",
        )


def _to_process(entry: Entry, run: Run) -> Iterator[Row]:
    facts = entry.facts
    new = max(facts.unfetched, 0)
    skipped = facts.skipped if not facts.failed else 0
    if not (facts.created or new or skipped):
        return
    parts = [
        f"{counted(count, 'AB')} {told}"
        for count, told in (
            (facts.created, "made"),
            (skipped, "skipped"),
            (new, "in the AB store"),
        )
        if count
    ]
    yield Row(
        entry.label,
        ", ".join(parts),
        _said(entry),
        facts.created_at,
        "open",
        f"phoenix {run.option} -C",
        f"phoenix {run.option} -P",
    )


def _expected(entry: Entry, _run: Run) -> Iterator[Row]:
    if entry.state is State.EXPECTED and entry.expected:
        command = entry.expected.command
        yield Row(
            entry.label, "no ABs yet", _said(entry), state="open", command=command
        )


def _to_ingest(calls: Collection[str], entry: Entry, run: Run) -> Iterator[Row]:
    facts = entry.facts
    count = facts.finals_moved - facts.ingested
    if count > 0:
        is_listed = run.date in calls
        words = ("converted", facts.is_converted), ("in JOBS_INGEST", is_listed)
        told = ", ".join(word for word, holds in words if holds)
        since = facts.converted_at or facts.moved_at
        command = f"ingestProducts -d {run.date}"
        what = counted(count, "dataset")
        yield Row(entry.label, what, told, since, "open", command=command)


def _to_clean(entry: Entry, run: Run) -> Iterator[Row]:
    facts = entry.facts
    left = facts.ingested - facts.cleaned
    if 0 < facts.finals_moved <= facts.ingested and left > 0:
        command = f"cleanupProducts -d {run.date}"
        what = counted(left, "dataset")
        yield Row(entry.label, what, "", facts.ingested_at, "open", command=command)


def oldest(sections: Sequence[Section]) -> tuple[Section, Row] | None:
    """Return what has been waiting longest, None where nothing is."""
    found = [
        (section, row)
        for section in sections
        for row in section.rows
        if section.name != RUNNING and row.since
    ]
    return min(found, key=lambda one: one[1].since) if found else None


def latest(entries: Sequence[Entry], count: int) -> tuple[Facts, ...]:
    """Return the runs or nights that something was written of last."""
    found = [entry.facts for entry in entries if entry.facts.active_at]
    return tuple(sorted(found, key=lambda f: f.active_at, reverse=True)[:count])


def _label(run: Run) -> str:
    return run.run_id.formal if run.run_id else run.date


def _said(entry: Entry) -> str:
    said = entry.expected
    return ", ".join(word for word in (said.kind, said.comment) if word) if said else ""


def _few(names: Sequence[str]) -> str:
    more = [f"{len(names) - _MOST} more"] if len(names) > _MOST else []
    return ", ".join([*names[:_MOST], *more])
