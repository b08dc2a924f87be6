"""What there is to say of an AB, in lines for a terminal."""

import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.text import Text

from phoenix_core.questions.explain import Explanation, File
from phoenix_core.questions.status import MOVED
from phoenix_core.questions.tell_status import STYLES, memory_of, seconds_of
from phoenix_core.words.plain_text import plain, told_score

_INDENT = 20  # the longest heading, its colon, and blanks around


def explain_lines(told: Explanation) -> Iterator[Text]:
    """Tell what an AB is about, most important things first."""
    head = Text(plain(told.name), "bold")
    head.append(f"  {plain(told.recipe)}  ", "not bold")
    head.append(told.status, f"not bold {STYLES.get(told.status, '')}")
    head.append(f" {plain(told.cause)}".rstrip(), "not bold")
    yield head
    yield from _lines("verdict", [[told.verdict.told]] if told.verdict else [])
    yield from _lines("due because", ([why] for why in told.due))
    if not told.due:
        why = "it was moved" if told.status == MOVED else "it is up to date"
        why = "nothing needs it" if told.dropped_from and not told.taken_by else why
        yield from _lines("not due", [[why]])
    yield from _lines("dropped", ([line] for line in told.dropped))
    yield from _lines("dropped from", ([line] for line in told.dropped_from))
    yield from _lines("file", [[told.file]])
    yield from _lines(
        "needs",
        ((n.name, n.status, f"({', '.join(n.categories)})") for n in told.needs),
    )
    yield from _lines("taken by", ([name] for name in told.taken_by))
    yield from _lines("inputs", map(_file, told.inputs))
    yield from _lines("problem", [[told.problem]])
    if told.command:
        heading = "was called" if told.is_called else "would be called"
        gone = [w for w in told.command if w.endswith(".sof") and _is_gone(w)]
        note = "(its .sof, of the inputs above, is there while it runs)" if gone else ""
        lines = [[shlex.join(told.command)], [told.version], [note]]
        yield from _lines(heading, lines)
    yield from _lines("log", [[told.log]])
    yield from _lines("products", map(_file, told.products))
    yield from _lines("QC report", [[told.report]])
    yield from _lines("scores", ([told_score(score)] for score in told.scores))
    yield from _lines("warnings", ([comment] for comment in told.comments))
    yield from _lines(
        "attempts",
        (
            (a.at, a.status, seconds_of(a.seconds), memory_of(a.memory), a.cause)
            for a in told.attempts
        ),
    )


def _file(file: File) -> tuple[str, ...]:
    """A file with its state; of one that was deleted the name is all there is."""
    if file.state == "KEPT":
        return file.tag, file.path
    return file.tag, Path(file.path).name if file.is_deleted else file.path, file.state


def _is_gone(word: str) -> bool:
    return Path(word).is_absolute() and not Path(word).exists()


def _lines(heading: str, lines: Iterable[Iterable[str]]) -> Iterator[Text]:
    """Lines of cells; the first of them that says anything has the heading."""
    told = ("  ".join(plain(cell) for cell in line if cell) for line in lines)
    for place, line in enumerate(filter(None, told)):
        label = "" if place else f"{heading}:"
        yield Text(f"  {label:<{_INDENT - 2}}{line}")
