"""The review in the terminal: one report after the other, and a person's word on it.

What one decides on, warnings and scores, stands right above the question.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from phoenix_core.model import QcReport, Verdict
from phoenix_core.plain_text import RESULTS, limits, number, plain
from phoenix_core.verdict_file import ToReview
from phoenix_core.verdicts import make_verdict

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

_CHOICES = ("accept", "reject", "skip", "quit", "parameters", "inputs")
_HELP = "a accept, r reject, s skip it for now, q quit: what is said is kept"
_MORE = "p all its parameters, i the reports of what it was made from"
_MOST_PARAMETERS = 20  # about what one looks at; the rest is in the report
_WIDTH = 25  # columns of a parameter; three of them beside each other in 80
_STYLES = {"green": "green", "red": "red", "grey": "dim"}

Keep = Callable[[QcReport, Verdict], None]


@frozen
class Review:
    """What the review of a run goes by.

    `shown` names the parameters of interest, by default the first ones of a report;
    `keep` takes each verdict as it is given, so that none is lost later; `made_from`
    finds the reports of what an AB was made from; `command` is the review by a table.
    """

    shown: Sequence[str]
    keep: Keep
    made_from: Callable[[QcReport], Sequence[QcReport]]
    command: str


def review_in_terminal(
    console: "Console", reviews: Sequence[ToReview], asked: Review
) -> tuple[Verdict, ...]:
    """Show the reports and ask for a verdict on each that has none.

    Args:
        console: a terminal.
        reviews: what to show.
        asked: what the review goes by.

    Returns:
        The verdicts given now and before; skipped reports have none.
    """
    verdicts = []
    for place, review in enumerate(reviews, start=1):
        report = review.report
        title = plain(f"{place} of {len(reviews)}: {report.target or report.block}")
        console.rule(_text(title, "bold"))
        if review.given:
            _show_given(console, report, review.given, asked.command)
            verdicts.append(review.given)
            continue
        _show(console, review, asked.shown)
        try:
            verdict = _ask_verdict(console, review, asked)
        except EOFError:
            break
        if verdict is not None:
            asked.keep(report, verdict)
            verdicts.append(verdict)
    # What follows a quit, and was decided before, stays decided.
    verdicts += [r.given for r in reviews if r.given and r.given not in verdicts]
    return tuple(verdicts)


def _ask_verdict(console: "Console", review: ToReview, asked: Review) -> Verdict | None:
    """Ask until there is an answer; None is skip, EOFError is quit."""
    report = review.report
    while True:
        choice = _ask_choice(console)
        if choice == "quit":
            raise EOFError
        if choice == "skip":
            return None
        if choice == "parameters":
            console.print(_parameters(console, report, list(report.parameters)))
            _show_result(console, report)
        elif choice == "inputs":
            _show_inputs(console, asked.made_from(report))
            _show_result(console, report)
        elif choice == "reject":
            if comment := _ask(console, "Why is it rejected? (Enter: back) "):
                return make_verdict(report, is_accepted=False, comment=comment)
        elif report.is_green or _is_confirmed(console, report):
            comment = _ask(console, "Comment (or Enter): ")
            return make_verdict(report, is_accepted=True, comment=comment)


def _ask_choice(console: "Console") -> str:
    question = "accept, reject, skip or quit? [a/r/s/q], more: [p/i/?] "
    while True:
        answer = _ask(console, question).casefold()
        for choice in _CHOICES:
            if answer and choice.startswith(answer):
                return choice
        console.print(_text(f"{_HELP};\n{_MORE}", "dim"))


def _is_confirmed(console: "Console", report: QcReport) -> bool:
    failed = ", ".join(plain(s.name) for s in report.scores if not s.is_passed)
    question = f"Failed: {failed}. Accept it all the same? Write yes or no: "
    return _ask(console, question).casefold() == "yes"


def _ask(console: "Console", question: str) -> str:
    return console.input(_text(question, "bold")).strip()


def _show_given(
    console: "Console", report: QcReport, given: Verdict, command: str
) -> None:
    word, style = ("accepted", "green") if given.is_accepted else ("rejected", "red")
    by = f"by {plain(given.by)}, {plain(given.at)}: {plain(given.comment) or '-'}"
    console.print(_text(plain(report.block)), _text(word, style), _text(by))
    if not given.is_accepted:
        hint = _text(f"To decide anew: {plain(command)}", "dim")
        console.print(hint, soft_wrap=True)


def _show(console: "Console", review: ToReview, shown: Sequence[str]) -> None:
    report = review.report
    head = f"{report.block}  {report.recipe}  report {review.id}"
    console.print(_text(plain(head)))
    names = [name for name in shown if name in report.parameters]
    names = names or list(report.parameters)[:_MOST_PARAMETERS]
    console.print(_parameters(console, report, names))
    for plot in report.plots:
        link = f"link {plot.absolute().as_uri()}"
        console.print(_text("plot  "), _text(str(plot), link), sep="", soft_wrap=True)
    if review.path:
        console.print(_text(f"report  {review.path}"), soft_wrap=True)
    _show_result(console, report)


def _show_result(console: "Console", report: QcReport) -> None:
    """Show warnings and scores."""
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


def _show_inputs(console: "Console", reports: Sequence[QcReport]) -> None:
    """Show the scores of what an AB was made from, and where its reports lie."""
    if not reports:
        console.print(_text("there are no reports of what it was made from", "dim"))
    for recipe in dict.fromkeys(report.recipe for report in reports):
        alike = [report for report in reports if report.recipe == recipe]
        console.print(_input_scores(alike))
        for report in alike:
            for comment in report.comments:
                told = f"! {plain(report.block)}: {plain(comment)}"
                console.print(_text(told, "yellow"))
        folders = dict.fromkeys(p.parent for report in alike for p in report.plots)
        for folder in folders:
            console.print(_text(f"plots and reports  {folder}"), soft_wrap=True)


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
