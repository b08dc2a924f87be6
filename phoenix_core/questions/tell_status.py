"""The state of a run in lines for a terminal of 80 columns, or for a file."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from phoenix_core.archive.ingest_state import told_ingested
from phoenix_core.jobs.plan import in_gb, in_time
from phoenix_core.questions.status import DROPPED, MOVED, RUNNING, AbState, RunState
from phoenix_core.words.plain_text import plain

STYLES = {
    "SUCCESSFUL": "green",
    MOVED: "green",
    "FAILED": "red",
    "SKIPPED": "yellow",
    RUNNING: "cyan",
    DROPPED: "yellow",
}
_COLUMNS = ("AB", "status", "QC", "time", "memory", "recipe")
_RIGHT = {"QC", "time", "memory"}
_GAP = 2
_TARGETS = 3  # more of them have no room in a heading
_SHORT, _LONG = 9.95, 5400  # seconds: times that get a decimal, of seconds or hours


def status_lines(state: RunState, width: int | None = None) -> Iterator[Text]:
    """Tell the state of a run: a row for each AB by target, then what to know.

    Args:
        state: the run.
        width: columns there are; the memory is left out where it has no room.
    """
    if state.abs:
        yield from _table(state.abs, width)
    for ab in state.abs:
        yield from _notes(ab)
    yield Text(f"{plain(state.run)} ({state.date}): {counts_of(state)}")
    if archived := told_ingested(state.archive):
        yield Text(f"datasets in the archive: {archived}")


def counts_of(state: RunState) -> str:
    """How many ABs are in which status, in one line."""
    order = ("SUCCESSFUL", MOVED, RUNNING, "CREATED", "FAILED", "SKIPPED", DROPPED)
    counts = [f"{state.count(one)} {one}" for one in order if state.count(one)]
    if red := sum(bool(ab.failed_scores) for ab in state.abs):
        counts.append(f"{red} with failed scores")
    if state.rejected:
        counts.append(f"{state.rejected} REJECTED")
    return ", ".join(counts) or "no ABs"


def seconds_of(seconds: float) -> str:
    """A time as people read it, '' where it was not measured.

    >>> seconds_of(0.31), seconds_of(47.0), seconds_of(7000.0), seconds_of(0.0)
    ('0.3 s', '47 s', '1.9 h', '')
    """
    if not seconds:
        return ""
    if seconds > _LONG:
        return f"{seconds / 3600:.1f} h"
    return f"{max(seconds, 0.1):.1f} s" if seconds < _SHORT else in_time(seconds)


def memory_of(size: int) -> str:
    """A memory as people read it, '' where it was not measured."""
    return in_gb(size) if size else ""


def _table(abs_: Sequence[AbState], width: int | None) -> Iterator[Text]:
    rows = [_COLUMNS, *map(_row, abs_)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    shown = list(range(len(_COLUMNS)))
    if width and sum(widths) + _GAP * (len(widths) - 1) > width:
        shown.remove(_COLUMNS.index("memory"))
    yield _line(_COLUMNS, widths, shown, ["bold"] * len(_COLUMNS))
    targets: tuple[str, ...] | None = None
    has_targets = any(ab.targets for ab in abs_)
    for ab, row in zip(abs_, rows[1:], strict=True):
        if has_targets and ab.targets != targets:
            targets = ab.targets
            yield Text(_heading(targets), "bold")
        red = "red" if ab.failed_scores else ""
        styles = ["", STYLES.get(ab.status, ""), red, "", "", ""]
        yield _line(row, widths, shown, styles)


def _row(ab: AbState) -> tuple[str, ...]:
    passed = ab.scores - len(ab.failed_scores)
    unscored = "-" if ab.not_scored else ""  # as in the AB monitor
    return (
        plain(ab.name),
        ab.status,
        f"{passed}/{ab.scores}" if ab.scores else unscored,
        seconds_of(ab.seconds),
        memory_of(ab.memory),
        plain(ab.recipe),
    )


def _line(
    row: Sequence[str], widths: Sequence[int], shown: Sequence[int], styles: list[str]
) -> Text:
    line = Text()
    for place in shown:
        is_right = _COLUMNS[place] in _RIGHT
        cell, room = row[place], widths[place]
        line.append(cell.rjust(room) if is_right else cell.ljust(room), styles[place])
        line.append(" " * _GAP)
    line.rstrip()
    return line


def _heading(targets: tuple[str, ...]) -> str:
    if not targets:
        return "without a target"
    if len(targets) > _TARGETS:
        return f"for {len(targets)} targets"
    return plain(" and ".join(targets))


def _notes(ab: AbState) -> Iterator[Text]:
    if ab.cause and ab.status != DROPPED:
        told = f"{ab.name} {ab.status}: {ab.cause}"
        yield Text(plain(told), STYLES.get(ab.status, ""))
    for told in ab.dropped:
        yield Text(plain(f"{ab.name} {told}"), "yellow")
    if ab.failed_scores:
        told = f"{ab.name} failed scores: {', '.join(ab.failed_scores)}"
        yield Text(plain(told), "red")
    if ab.verdict:
        told = f"{ab.name} {ab.verdict.told}"
        yield Text(plain(told), "yellow" if ab.verdict.is_no else "")
