"""The review in the terminal: one report after the other, and a person's word on it.

What one decides on, warnings and scores, stands right above the question. One can go
back to a former report, and change its verdict.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from phoenix_core.model import QcReport, Verdict
from phoenix_core.records.comments import AbComment
from phoenix_core.review.desktop import open_file
from phoenix_core.review.sitting import Sitting, missing_comment
from phoenix_core.review.verdict_file import ToReview
from phoenix_core.words.plain_text import RESULTS, limits, number, plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

_CHOICES = (
    *("accept", "reject", "skip", "back", "quit"),
    *("comment", "open", "parameters", "inputs"),
)
_QUESTION = "accept, reject, skip, back or quit? [a/r/s/b/q], more: [c/o/p/i/?] "
_HELP = (
    "a accept, r reject, s skip it for now, q quit: what is said is kept\n"
    "b back to the one before: a new verdict replaces the one that was given\n"
    "c comment on it or on what it was made from, o open its plots\n"
    "p all its parameters, i the reports of what it was made from"
)
_MOST_PARAMETERS = 20  # about what one looks at; the rest is in the report
_WIDTH = 25  # columns of a parameter; three of them beside each other in 80
_STYLES = {"green": "green", "red": "red", "grey": "dim"}


@frozen
class Asked:
    """What the review of a run goes by.

    `shown` names the parameters of interest, by default the first ones of a report;
    `made_from` finds the reports of what an AB was made from; `command` is the review
    by a table; `comments` are those on ABs, and `comment` keeps one.
    """

    shown: Sequence[str]
    made_from: Callable[[QcReport], Sequence[QcReport]]
    command: str
    comments: Callable[[], Mapping[str, AbComment]]
    comment: Callable[[str, str], AbComment]


def review_in_terminal(
    console: "Console", sitting: Sitting, asked: Asked
) -> tuple[Verdict, ...]:
    """Show the reports and ask for a verdict on each that has none.

    Args:
        console: a terminal.
        sitting: what there is to decide.
        asked: what the review goes by.

    Returns:
        The verdicts given now and before; skipped reports have none.
    """
    place, is_back = 0, False
    while place < len(sitting.reviews):
        review = sitting.reviews[place]
        report, given = review.report, sitting.given.get(review.report.block)
        count = f"{place + 1} of {len(sitting.reviews)}"
        console.rule(_text(plain(f"{count}: {report.target or report.block}"), "bold"))
        if given and not is_back:
            _show_given(console, report, given, asked.command)
            place += 1
            continue
        _show(console, review, asked)
        if given:
            _show_given(console, report, given)
        choice = _ask_verdict(console, sitting, review, asked)
        if choice == "quit":
            break
        is_back = choice == "back"
        place = max(place - 1, 0) if is_back else place + 1
    return sitting.verdicts


def _ask_verdict(
    console: "Console", sitting: Sitting, review: ToReview, asked: Asked
) -> str:
    """Ask until there is a verdict, or one goes elsewhere; return what was chosen."""
    report = review.report
    while True:
        try:
            choice = _ask_choice(console)
            if choice in {"skip", "back", "quit"}:
                return choice
            if choice in {"accept", "reject"}:
                is_accepted = choice == "accept"
                comment = _ask(console, _why(report, is_accepted=is_accepted))
                if not missing_comment(report, comment, is_accepted=is_accepted):
                    sitting.decide(review, is_accepted=is_accepted, comment=comment)
                    return choice
            else:
                _MORE[choice](console, report, asked)
        except EOFError:
            return "quit"


def _ask_choice(console: "Console") -> str:
    while True:
        answer = _ask(console, _QUESTION).casefold()
        for choice in _CHOICES:
            if answer and choice.startswith(answer):
                return choice
        console.print(_text(_HELP, "dim"))


def _why(report: QcReport, *, is_accepted: bool) -> str:
    if not is_accepted:
        return "Why is it rejected? (Enter: back) "
    if report.is_green:
        return "Comment (or Enter): "
    failed = ", ".join(plain(s.name) for s in report.scores if not s.is_passed)
    return f"Failed: {failed}. Why accept it all the same? (Enter: back) "


def _ask_comment(console: "Console", report: QcReport, asked: Asked) -> None:
    """Ask for a comment on the product, or on an AB that it was made from."""
    names = [report.block, *(one.block for one in asked.made_from(report))]
    for number_, name in enumerate(names):
        console.print(_text(f"{number_:3} {plain(name)}"))
    answer = _ask(console, "Comment on which number? (Enter: 0) ") or "0"
    if not (answer.isascii() and answer.isdecimal() and int(answer) < len(names)):
        console.print(_text("there is no such number", "yellow"))
        return
    name = names[int(answer)]
    if text := _ask(console, f"Comment on {plain(name)} (Enter: none) "):
        asked.comment(name, text)


def _open_plots(console: "Console", report: QcReport, _asked: Asked) -> None:
    """Open the plots where there is a desktop, and say so where there is none."""
    if not report.plots:
        console.print(_text("it has no plot", "yellow"))
    for plot in report.plots:
        if not open_file(plot):
            console.print(_text("no desktop to open it on", "yellow"))
            return


def _show_parameters(console: "Console", report: QcReport, asked: Asked) -> None:
    console.print(_parameters(console, report, list(report.parameters)))
    _show_result(console, report, asked)


def _ask(console: "Console", question: str) -> str:
    return console.input(_text(question, "bold")).strip()


def _show_given(
    console: "Console", report: QcReport, given: Verdict, command: str = ""
) -> None:
    word, style = ("accepted", "green") if given.is_accepted else ("rejected", "red")
    by = f"by {plain(given.by)}, {plain(given.at)}: {plain(given.comment) or '-'}"
    console.print(_text(plain(report.block)), _text(word, style), _text(by))
    if command and not given.is_accepted:
        hint = _text(f"To decide anew: {plain(command)}", "dim")
        console.print(hint, soft_wrap=True)


def _show(console: "Console", review: ToReview, asked: Asked) -> None:
    report = review.report
    head = f"{report.block}  {report.recipe}  report {review.id}"
    console.print(_text(plain(head)))
    names = [name for name in asked.shown if name in report.parameters]
    names = names or list(report.parameters)[:_MOST_PARAMETERS]
    console.print(_parameters(console, report, names))
    for plot in report.plots:
        link = f"link {plot.absolute().as_uri()}"
        console.print(_text("plot  "), _text(str(plot), link), sep="", soft_wrap=True)
    if review.path:
        console.print(_text(f"report  {review.path}"), soft_wrap=True)
    for note in review.notes:
        console.print(_text(plain(note), "yellow"))
    _show_result(console, report, asked)


def _show_result(console: "Console", report: QcReport, asked: Asked) -> None:
    """Show what people said, warnings and scores."""
    _show_comment(console, asked.comments().get(report.block))
    for comment in report.comments:
        console.print(_text(f"! {plain(comment)}", "yellow"))
    if report.scores:
        console.print(_scores(report))


def _scores(report: QcReport) -> "Table":
    table = _table("score", "value", "", "limits")
    for score in report.scores:
        result, style = RESULTS[score.colour], _STYLES[score.colour]
        name, value = _text(plain(score.name)), _text(number(score.value))
        table.add_row(name, value, _text(result, style), _text(limits(score)))
    return table


def _parameters(console: "Console", report: QcReport, names: Sequence[str]) -> "Table":
    """The parameters, in as many columns as there is room for, read downwards."""
    from rich.table import Table  # noqa: PLC0415, only where somebody looks

    known = report.parameters
    cells = [_parameter(name, known[name]) for name in names]
    short = [cell for cell in cells if len(cell) <= _WIDTH]
    columns = max(1, console.width // (_WIDTH + 1))
    rows = -(-len(short) // columns)
    table = Table.grid(padding=(0, 1))
    for _ in range(columns):
        table.add_column(min_width=_WIDTH)
    for row in range(rows):
        table.add_row(*short[row::rows])
    whole = Table.grid()
    whole.add_row(table)
    for cell in cells:
        if len(cell) > _WIDTH:
            whole.add_row(cell)
    return whole


def _parameter(name: str, value: object) -> "Text":
    return _text(f"{plain(name)} ", "cyan").append(number(value), "default")


def _show_comment(console: "Console", comment: AbComment | None) -> None:
    if comment:
        told = f"{plain(comment.block)}: {plain(comment.text)} ({comment.by}, "
        console.print(_text(f"{told}{comment.at})", "cyan"))


def _show_inputs(console: "Console", report: QcReport, asked: Asked) -> None:
    """Show the scores of what it was made from, and where those reports lie."""
    reports, comments = asked.made_from(report), asked.comments()
    if not reports:
        console.print(_text("there are no reports of what it was made from", "dim"))
    for recipe in dict.fromkeys(report.recipe for report in reports):
        alike = [report for report in reports if report.recipe == recipe]
        console.print(_input_scores(alike))
        for one in alike:
            for comment in one.comments:
                told = f"! {plain(one.block)}: {plain(comment)}"
                console.print(_text(told, "yellow"))
            _show_comment(console, comments.get(one.block))
        folders = dict.fromkeys(p.parent for report in alike for p in report.plots)
        for folder in folders:
            console.print(_text(f"plots and reports  {folder}"), soft_wrap=True)
    _show_result(console, report, asked)


_MORE = {
    "comment": _ask_comment,
    "open": _open_plots,
    "parameters": _show_parameters,
    "inputs": _show_inputs,
}


def _input_scores(reports: Sequence[QcReport]) -> "Table":
    """One row a report: its scores, the failed ones in red."""
    names = dict.fromkeys(score.name for report in reports for score in report.scores)
    table = _table(plain(reports[0].recipe), *map(plain, names))
    for report in reports:
        cells = [_text(plain(report.block))]
        for name in names:
            score = next((s for s in report.scores if s.name == name), None)
            if score is None:
                cells.append(_text("-"))
            else:
                mark = "" if score.is_passed else " FAILED"
                style = _STYLES[score.colour]
                cells.append(_text(f"{number(score.value)}{mark}", style))
        table.add_row(*cells)
    return table


def _table(*headings: str) -> "Table":
    from rich.table import Table  # noqa: PLC0415, only where somebody looks

    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(_text(heading))
    return table


def _text(content: str, style: str = "") -> "Text":
    """A text that is shown as it is: brackets in it are no markup."""
    from rich.text import Text  # noqa: PLC0415, only where somebody looks

    return Text(content, style)
