r"""The table of verdicts that a person fills in: review elsewhere than in a terminal.

One line a product: AB_NAME VERDICT REPORT COMMENT. REPORT is the short id of what is
to be looked at, so that a table filled in for earlier products accepts nothing unseen.

>>> rows = parse_table('X.ab accept 0123456789ab "good \\"blue\\" end"\n', Path("v"))
>>> rows[0].verdict, rows[0].comment
('ACCEPT', 'good "blue" end')
"""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from attrs import frozen

from phoenix_core.errors import CertificationError
from phoenix_core.files.atomic import write_new_text
from phoenix_core.model import QcReport, Verdict
from phoenix_core.nearest import nearest
from phoenix_core.words.plain_text import number, plain, told_score

WORDS = ("ACCEPT", "REJECT", "TBD")
_COLUMNS = ("AB_NAME", "VERDICT", "REPORT", "COMMENT")
_COMMENT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
_TITLE = "# Verdicts on the products of "


@frozen
class Row:
    """One line of the table."""

    line: int
    block: str
    verdict: str
    report: str
    comment: str = ""


@frozen
class ToReview:
    """A report with its short id, and the verdict that was given on it before.

    `notes` say what its AB was made without.
    """

    report: QcReport
    id: str
    given: Verdict | None = None
    path: Path | None = None  # of the report
    notes: tuple[str, ...] = ()


def parse_table(text: str, path: Path) -> tuple[Row, ...]:
    """Read the table; the case of a verdict and the spacing do not matter.

    Raises:
        CertificationError: every line that cannot be understood, and why.
    """
    rows: list[Row] = []
    mistakes = []
    for line, content in enumerate(re.split(r"\r\n|\n|\r", text), start=1):
        words = content.split(None, 3)
        if not words or words[0].startswith("#"):
            continue
        try:
            rows.append(_row(line, words))
        except ValueError as error:
            mistakes.append(f"{path}, line {line}: {error}")
    _refuse(mistakes)
    return tuple(rows)


def check_title(text: str, path: Path, label: str) -> None:
    """Refuse the table of another run, by the first line that phoenix gave it.

    Raises:
        CertificationError: whose table it is.
    """
    first = text.split("\n", 1)[0].strip()
    whose = first.removeprefix(_TITLE)
    if first.startswith(_TITLE) and whose != plain(label):
        raise CertificationError(
            f"{path} has the verdicts on {plain(whose)}, not on {plain(label)}: "
            "give another file, which is made where there is none"
        )


def check_table(
    rows: Sequence[Row],
    path: Path,
    reviews: Sequence[ToReview],
    others: Collection[str],
) -> None:
    """Hold the table against what there is to review.

    Args:
        rows: the table.
        path: its file, for messages.
        reviews: what there is to review.
        others: names of ABs that are known, though not to be reviewed now.

    Raises:
        CertificationError: every mistake with its line and the nearest right word.
    """
    by_name = {review.report.block: review for review in reviews}
    first: dict[str, int] = {}
    mistakes = []
    for row in rows:
        if row.block in first:
            problem = f"{plain(row.block)} stands on line {first[row.block]} already"
        else:
            problem = _problem(row, by_name, others)
        first.setdefault(row.block, row.line)
        if problem:
            mistakes.append(f"{path}, line {row.line}: {problem}")
    _refuse(mistakes)


def write_template(
    path: Path,
    reviews: Sequence[ToReview],
    label: str,
    command: str,
    shown: Sequence[str] = (),
) -> None:
    """Write the table to fill in; a file that is there is never touched.

    Args:
        path: the file.
        reviews: what there is to review.
        label: the run or night.
        command: what takes the verdicts from it.
        shown: names of the parameters of interest.

    Raises:
        CertificationError: it could not be written, or is there.
    """
    width = max(len(review.report.block) for review in reviews)
    lines = [
        f"{_TITLE}{plain(label)}",
        "# Look at each plot, then write ACCEPT or REJECT in place of TBD; what is TBD",
        "# waits. COMMENT stands in double quotes; a REJECT and an ACCEPT with failed",
        "# scores need one. REPORT tells what was looked at: leave it as it is.",
        "# A verdict that was given is decided anew by editing its line.",
        f"# Then call: {plain(command)}",
        "#",
        f"# {_COLUMNS[0]:<{width - 2}}  {_COLUMNS[1]:<7}  {_COLUMNS[2]:<12}  COMMENT",
    ]
    for review in reviews:
        lines += _entry(review, width, shown)
    _write_new(path, "\n".join(lines) + "\n")


def _row(line: int, words: Sequence[str]) -> Row:
    if len(words) < len(_COLUMNS) - 1:
        missing = _COLUMNS[len(words)]
        raise ValueError(f"{missing} is missing; expected {' '.join(_COLUMNS)}")
    verdict = words[1].upper()
    if verdict not in WORDS:
        expected = f"expected {', '.join(WORDS)}{nearest(words[1], WORDS)}"
        raise ValueError(f"VERDICT is '{plain(words[1])}'; {expected}")
    comment = _comment(words[3].rstrip()) if len(words) == len(_COLUMNS) else ""
    return Row(line, words[0], verdict, words[2], comment)


def _comment(text: str) -> str:
    """What a COMMENT says: quoted, or one word."""
    if quoted := _COMMENT.fullmatch(text):
        return _ESCAPED.sub(r"\1", quoted[1]).strip()
    if '"' in text:
        raise ValueError(f'COMMENT is {plain(text)}; expected "text" (a quote is \\")')
    if len(text.split()) > 1:
        raise ValueError(f'COMMENT has blanks; write "{plain(text)}"')
    return text


def _problem(row: Row, by_name: Mapping[str, ToReview], others: Collection[str]) -> str:
    """What is wrong with a line, '' where nothing is."""
    if review := by_name.get(row.block):
        return "" if row.verdict == "TBD" else _problem_of_verdict(row, review)
    if row.block in others:
        return ""
    hint = nearest(row.block, (*by_name, *others))
    return f"there is no AB {plain(row.block)}{hint}"


def _problem_of_verdict(row: Row, review: ToReview) -> str:
    if row.report != review.id:
        return (
            f"{row.block} was made again since this was filled in (REPORT is "
            f"{plain(row.report)}, now {review.id}): look at it, then write the new id"
        )
    if row.comment:
        return ""
    if row.verdict == "REJECT":
        return f"REJECT of {row.block} needs a COMMENT that says why"
    failed = ", ".join(plain(s.name) for s in review.report.scores if not s.is_passed)
    if failed:
        return f"ACCEPT of {row.block} needs a COMMENT: its scores failed ({failed})"
    return ""


def _refuse(mistakes: Sequence[str]) -> None:
    if mistakes:
        raise CertificationError("\n".join(mistakes))


def _entry(review: ToReview, width: int, shown: Sequence[str]) -> list[str]:
    """The lines of one product: what to know, then what to fill in."""
    report, given = review.report, review.given
    lines = ["#", f"# {plain(report.target or report.block)}: {plain(report.recipe)}"]
    lines += [f"#   score {told_score(score)}" for score in report.scores]
    lines += [f"#   {plain(told)}" for told in (*report.comments, *review.notes)]
    known = [name for name in shown if name in report.parameters]
    lines += [f"#   {name} = {number(report.parameters[name])}" for name in known]
    lines += [f"#   plot {plot}" for plot in report.plots]
    lines += [f"#   all parameters {review.path}"] if review.path else []
    if given:
        lines.append(f"#   verdict of {plain(given.by)}, {plain(given.at)}")
    word = "TBD" if given is None else ("ACCEPT" if given.is_accepted else "REJECT")
    comment = plain(given.comment) if given else ""
    quoted = comment.replace("\\", "\\\\").replace('"', '\\"')
    lines.append(f'{report.block:<{width}}  {word:<7}  {review.id}  "{quoted}"')
    return lines


def _write_new(path: Path, text: str) -> None:
    try:
        write_new_text(path, text)
    except OSError as error:
        raise CertificationError(
            f"{path}: the table of verdicts cannot be written: {error.strerror}"
        ) from error
