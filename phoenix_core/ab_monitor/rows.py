"""The rows of the AB monitor: what is told of each AB, as cells of a table."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import frozen

from phoenix_core.jobs.plan import in_gb
from phoenix_core.model import QcReport, Score
from phoenix_core.pages.table import Cell, Heading
from phoenix_core.pages.templates import relative
from phoenix_core.questions.papers import Papers
from phoenix_core.questions.status import MOVED, RUNNING, AbState, Seen
from phoenix_core.questions.tell_status import seconds_of
from phoenix_core.recipe.pipeline_log import ERROR, LogMessage
from phoenix_core.records.comments import AbComment
from phoenix_core.words.plain_text import number, told_score

_STATES = {
    "SUCCESSFUL": "good",
    MOVED: "good",
    "FAILED": "bad",
    "SKIPPED": "warn",
    RUNNING: "open",
    "CREATED": "",
}
_COLOURS = {"green": ("0", "good"), "red": ("1", "bad"), "grey": ("-", "")}
_NEEDS = 3  # named ones; there may be a hundred
_MESSAGES = 3  # of a log; the log has all
_MESSAGE = 120  # letters of one; one that points at it sees the rest
_LONGEST = 600  # letters of a text

HEADINGS = (
    Heading("AB", "opens the association block"),
    Heading("QC_PLOT", "opens large"),
    Heading("target", "its own, or those that it is made for"),
    Heading("state", "PROCESS_STATUS, RUNNING, or MOVED by phoenix -M"),
    Heading("recipe"),
    Heading("RAW_TYPE"),
    Heading("setup", "RAW_MATCH_KEY: what its raw files have in common"),
    Heading("needs", "ABs whose products it takes"),
    Heading("start", "of the last call, UTC"),
    Heading("time", "of the last call", is_number=True),
    Heading("memory", "largest of the last call", is_number=True),
    Heading("score", "total: how many scores are red", is_number=True),
    Heading("scores", "0 passed, 1 failed, - not scored; each tells its limits"),
    Heading("papers", "log of the recipe, set of frames, QC report, further plots"),
    Heading("verdict", "on the products that are there now"),
    Heading("comment", "of a person: phoenix comment"),
    Heading("warnings, errors", "of the recipe's log, and why it did not succeed"),
)


@frozen
class Monitored:
    """One AB with all that is told of it."""

    seen: Seen
    papers: Papers
    messages: tuple[LogMessage, ...] = ()
    comment: AbComment | None = None

    @property
    def state(self) -> AbState:
        """What became of it."""
        return self.seen.state


def cells(one: Monitored, page: Path) -> tuple[Cell, ...]:
    """Return the cells of an AB, in the order of the headings.

    Args:
        one: the AB.
        page: the directory of the page, which links are relative to.
    """
    state, block = one.state, one.seen.found.block
    return (
        Cell(state.name, link=relative(one.papers.block, page)),
        _picture(one, page),
        Cell(short(", ".join(state.targets)), kind="text"),
        Cell(state.status, _STATES.get(state.status, "")),
        Cell(short(state.recipe)),
        Cell(short(block.value("RAW_TYPE"))),
        Cell(short(", ".join(block.values("RAW_MATCH_KEY"))), kind="text"),
        _needs(block.needs),
        Cell(short(block.value("PROCESS_START").removesuffix("+00:00"))),
        _sorted(seconds_of(state.seconds), state.seconds),
        _sorted(in_gb(state.memory) if state.memory else "", state.memory),
        total_cell(one.seen.report),
        score_cell(one.seen.report),
        paper_cell(one.papers, page),
        _verdict(state),
        comment_cell(one.comment),
        message_cell(one.messages, state.cause),
    )


def total_cell(report: QcReport | None) -> Cell:
    """Return the total score: how many scores are red."""
    if report is None or not report.scores:
        return Cell(kind="number")
    if not report.is_scored:
        return Cell("-", kind="number")
    total = report.total_score
    return Cell(str(total), "bad" if total else "good", "number")


def score_cell(report: QcReport | None) -> Cell:
    """Return a mark for each score: 0, 1, or - where it is not scored."""
    scores = report.scores if report else ()
    return Cell(parts=tuple(map(score_mark, scores)))


def score_mark(score: Score) -> Cell:
    """Return the mark of a score; it tells value and limits where one points at it."""
    text, state = _COLOURS[score.colour]
    return Cell(text, state, meaning=told_score(score))


def paper_cell(papers: Papers, page: Path) -> Cell:
    """Return the links to the papers of an AB."""
    return Cell(parts=tuple(_papers(papers, page)))


def comment_cell(comment: AbComment | None) -> Cell:
    """Return a person's comment, with who gave it and when."""
    if comment is None:
        return Cell(kind="text")
    told = f"{comment.by}, {comment.at}"
    return Cell(short(comment.text), kind="text", meaning=told)


def message_cell(messages: Sequence[LogMessage], cause: str = "") -> Cell:
    """Return what a log warns of, the most important first, and why an AB failed."""
    parts = [Cell(short(cause), "bad")] if cause else []
    parts += map(_message, messages[:_MESSAGES])
    if len(messages) > _MESSAGES:
        parts.append(Cell(f"and {len(messages) - _MESSAGES} more in the log"))
    return Cell(kind="text", parts=tuple(parts))


def _message(message: LogMessage) -> Cell:
    state = "bad" if message.level == ERROR else "warn"
    told = f"{message.where}: {message.text}"
    return Cell(message.told(_MESSAGE), state, meaning=told)


def short(text: str) -> str:
    """Return a text as far as a cell has room for it."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _papers(papers: Papers, page: Path) -> Iterator[Cell]:
    named = (("log", papers.log), ("SOF", papers.sof), ("QC", papers.report))
    for name, path in named:
        if path:
            yield Cell(name, link=relative(path, page))
    for count, plot in enumerate(papers.plots[1:], start=2):
        yield Cell(f"plot {count}", link=relative(plot, page))


def _picture(one: Monitored, page: Path) -> Cell:
    if not one.papers.plots:
        return Cell()
    link = relative(one.papers.plots[0], page)
    return Cell(link=link, picture=f"QC plot of {one.state.name}")


def _needs(needs: Sequence[str]) -> Cell:
    told = ", ".join(needs[:_NEEDS])
    if len(needs) > _NEEDS:
        told += f" and {len(needs) - _NEEDS} more"
    return Cell(told, kind="text", sort=number(len(needs)))


def _sorted(text: str, value: float) -> Cell:
    return Cell(text, kind="number", sort=f"{value:g}" if text else "")


def _verdict(state: AbState) -> Cell:
    word = state.verdict
    if word is None:
        return Cell()
    return Cell(
        word.word,
        "bad" if word.is_no else "good",
        meaning=f"{word.by}, {word.at} {word.comment}".strip(),
    )
