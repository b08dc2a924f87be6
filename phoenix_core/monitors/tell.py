"""What the monitors show, in lines for a terminal, and for programs."""

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import asdict
from rich.text import Text

from phoenix_core.jobs.plan import in_gb
from phoenix_core.monitors.history import entries_of
from phoenix_core.monitors.history_pages import told_time
from phoenix_core.monitors.update import Updated
from phoenix_core.monitors.waiting import Section
from phoenix_core.monitors.waiting_page import Waiting
from phoenix_core.words.plain_text import counted, plain
from phoenix_core.words.terminal import Terminal

_STYLES = {"bad": "red", "warn": "yellow", "good": "green"}


def tell_waiting(waiting: Waiting) -> None:
    """Print what is waiting, a section after the other."""
    console = Terminal(soft_wrap=True, highlight=False)
    for mistake in waiting.mistakes:
        console.print(Text(plain(f"warning: {mistake}"), "yellow"))
    for section in waiting.sections:
        for line in section_lines(section):
            console.print(line)
    for disk in waiting.disks:
        told = f"{in_gb(disk.free)} free of {in_gb(disk.total)}"
        names = ", ".join(disk.names)
        style = _STYLES.get(disk.state, "")
        console.print(Text(plain(f"disk {names}: {told}"), style))
    console.print(Text(waiting.told_sizes))
    console.print(Text(plain(waiting.told_oldest)))


def section_lines(section: Section) -> Iterator[Text]:
    """Tell a section: what waits, and below it the command to type."""
    if not section.rows:
        return
    count = counted(len(section.rows), "line")
    yield Text(f"{section.title} ({section.whom}), {count}", "bold")
    for row in section.rows:
        since = f", since {told_time(row.since)}" if row.since else ""
        told = f": {row.told}" if row.told else ""
        line = plain(f"{row.run}: {row.what}{told}{since}")
        yield Text(f"  {line}", _STYLES.get(row.state, ""))
        for command in (row.look, row.command):
            if command:
                yield Text(f"      {plain(command)}", "cyan")


def document_of(waiting: Waiting) -> Mapping[str, Any]:
    """Return what is waiting for programs: each section by its name."""
    return {
        **{
            section.name: {"for": section.whom, "rows": list(map(asdict, section.rows))}
            for section in waiting.sections
        },
        "disks": [{**asdict(disk), "state": disk.state} for disk in waiting.disks],
        "waiting_bytes": waiting.waiting_bytes,
        "reduced_bytes": waiting.reduced_bytes,
        "mistakes": waiting.mistakes,
    }


def history_of(done: Updated) -> Mapping[str, Any]:
    """Return the history for programs, a line each run or night."""
    return {
        "page": done.page,
        "lines": [
            {
                **asdict(entry.facts),
                "state": entry.state.value,
                "expected": asdict(entry.expected) if entry.expected else None,
            }
            for entry in entries_of(done.site)
        ],
        "written": done.written,
        "kept": len(done.kept),
        "mistakes": done.site.expected.mistakes,
        "warnings": done.warnings,
    }
