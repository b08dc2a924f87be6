"""The review in the terminal: one report after the other, and a person's word on it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from phoenix_core.model import QcReport, Verdict
from phoenix_core.plain_text import limits, number, plain
from phoenix_core.verdict_file import ToReview
from phoenix_core.verdicts import make_verdict

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

_CHOICES = ("accept", "reject", "skip", "quit")
_MOST_PARAMETERS = 20  # about what one looks at; the rest is in the report

Keep = Callable[[QcReport, Verdict], None]


def review_in_terminal(
    console: "Console", reviews: Sequence[ToReview], shown: Sequence[str], keep: Keep
) -> tuple[Verdict, ...]:
    """Show the reports and ask for a verdict on each that has none.

    Args:
        console: a terminal.
        reviews: what to show.
        shown: the parameters of interest; by default the first ones of a report.
        keep: takes each verdict as it is given, so that none is lost later.

    Returns:
        The verdicts given now and before; skipped reports have none.
    """
    verdicts = []
    for place, review in enumerate(reviews, start=1):
        report = review.report
        title = plain(f"{place} of {len(reviews)}: {report.target or report.block}")
        console.rule(_text(title, "bold"))
        if review.given:
            _show_given(console, report, review.given)
            verdicts.append(review.given)
            continue
        _show(console, review, shown)
        try:
            verdict = _ask_verdict(console, report)
        except EOFError:
            break
        if verdict is not None:
            keep(report, verdict)
            verdicts.append(verdict)
    # What follows a quit, and was decided before, stays decided.
    verdicts += [r.given for r in reviews if r.given and r.given not in verdicts]
    return tuple(verdicts)


def _ask_verdict(console: "Console", report: QcReport) -> Verdict | None:
    """Ask until there is an answer; None is skip, EOFError is quit."""
    while True:
        choice = _ask_choice(console)
        if choice == "quit":
            raise EOFError
        if choice == "skip":
            return None
        if choice == "reject":
            comment = ""
            while not comment:
                comment = _ask(console, "Why is it rejected? ")
            return make_verdict(report, is_accepted=False, comment=comment)
        if report.is_green or _is_confirmed(console, report):
            comment = _ask(console, "Comment (or Enter): ")
            return make_verdict(report, is_accepted=True, comment=comment)


def _ask_choice(console: "Console") -> str:
    while True:
        answer = _ask(console, "accept, reject, skip or quit? [a/r/s/q] ").casefold()
        for choice in _CHOICES:
            if answer and choice.startswith(answer):
                return choice


def _is_confirmed(console: "Console", report: QcReport) -> bool:
    failed = ", ".join(plain(s.name) for s in report.scores if not s.is_passed)
    question = f"Failed: {failed}. Accept it all the same? Write yes or no: "
    return _ask(console, question).casefold() == "yes"


def _ask(console: "Console", question: str) -> str:
    return console.input(_text(question, "bold")).strip()


def _show_given(console: "Console", report: QcReport, given: Verdict) -> None:
    word, style = ("accepted", "green") if given.is_accepted else ("rejected", "red")
    by = f" by {plain(given.by)}, {plain(given.at)}: {plain(given.comment) or '-'}"
    console.print(_text(plain(report.block)), _text(word, style), _text(by))
    if not given.is_accepted:
        console.print(_text("To decide anew: phoenix -M --verdicts FILE", "dim"))


def _show(console: "Console", review: ToReview, shown: Sequence[str]) -> None:
    report = review.report
    head = f"{report.block}  {report.recipe}  report {review.id}"
    console.print(_text(plain(head)))
    if report.scores:
        console.print(_scores(report))
    console.print(_parameters(report, shown))
    for plot in report.plots:
        link = f"link {plot.absolute().as_uri()}"
        console.print(_text("plot"), _text(str(plot), link), soft_wrap=True)
    for comment in report.comments:
        console.print(_text(f"! {plain(comment)}", "yellow"))


def _scores(report: QcReport) -> "Table":
    from rich.table import Table  # noqa: PLC0415, only where somebody looks

    table = Table("score", "value", "limits", "")
    for score in report.scores:
        result, style = ("ok", "green") if score.is_passed else ("FAILED", "red")
        row = (plain(score.name), number(score.value), limits(score))
        table.add_row(*map(_text, row), _text(result, style))
    return table


def _parameters(report: QcReport, shown: Sequence[str]) -> "Table":
    from rich.table import Table  # noqa: PLC0415, only where somebody looks

    known = report.parameters
    names = [name for name in shown if name in known]
    names = names or list(known)[:_MOST_PARAMETERS]
    table = Table.grid(padding=(0, 2))
    for name in names:
        table.add_row(_text(plain(name)), _text(number(known[name])))
    if rest := len(known) - len(names):
        table.add_row(_text(f"and {rest} more in the QC report", "dim"))
    return table


def _text(content: str, style: str = "") -> "Text":
    """A text that is shown as it is: brackets in it are no markup."""
    from rich.text import Text  # noqa: PLC0415, only where somebody looks

    return Text(content, style)
