"""Certification: nothing leaves without a verdict on just what is there.

A CERTIF_PGI decides; `review` is the review by a person that it can call, in the
terminal, in a browser (--web) or by a table (--verdicts). Where no CERTIF_PGI is
configured, reports whose scores are all passed are accepted by that rule, and the
others wait.
"""

import datetime as dt
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from attrs import evolve

from phoenix_core import hookspecs
from phoenix_core.ab.dropped import dropped
from phoenix_core.ab.file import read_block
from phoenix_core.errors import CertificationError, PgiError
from phoenix_core.loader.pgis import Pgis
from phoenix_core.model import QcReport, Run, Verdict
from phoenix_core.processing.qc_report import report_path
from phoenix_core.records.lines import now
from phoenix_core.records.verdicts import (
    Reviewed,
    keep_verdict,
    read_verdicts,
    reviewed,
)
from phoenix_core.review.below import reports_below
from phoenix_core.review.by_table import review_by_table
from phoenix_core.review.command import command_of, web_command_of
from phoenix_core.review.exhibit import Exhibit
from phoenix_core.review.sitting import Sitting
from phoenix_core.review.verdict_file import ToReview
from phoenix_core.words.plain_text import counted

RULE = "phoenix"  # who decides where no CERTIF_PGI does


def review(
    run: Run,
    reports: Sequence[QcReport],
    shown: Sequence[str] = (),
    exhibit: Callable[[QcReport], Exhibit] | None = None,
) -> tuple[Verdict, ...]:
    """Let a person decide, in the terminal, in a browser or by a table.

    Args:
        run: the run or night.
        reports: what to review; a PGI may have added comments.
        shown: names of the parameters of interest.
        exhibit: what a browser shows of a report: images, cubes, what it was made
            from; by default the reports and plots of the ABs below it.

    Returns:
        The verdicts, those given before among them; what is undecided has none.

    Raises:
        CertificationError: the table was not there and is now, or has mistakes; there
            is no terminal, or no port for the browser.
    """
    given = read_verdicts(run)
    seen = [(report, reviewed(run, report)) for report in reports]
    reviews = tuple(
        ToReview(
            report,
            key.report,
            given.get(key),
            path=_path_of(run, report),
            notes=_notes(run, report),
        )
        for report, key in seen
    )
    if not reviews:
        return ()
    if run.verdicts is not None:
        return review_by_table(run, run.verdicts, reviews, shown)
    sitting = Sitting(
        reviews,
        lambda one, verdict: keep_verdict(run, one.report, verdict, seen=one.id),
    )
    if run.web is not None:
        if not sitting.open and all(one.is_accepted for one in sitting.verdicts):
            return sitting.verdicts
        return _review_in_browser(run, run.web, sitting, shown, exhibit)
    if not sitting.open and not _is_terminal():
        return sitting.verdicts
    return _review_in_terminal(run, sitting, shown)


def certify(
    run: Run, pgis: Pgis, reports: Sequence[QcReport], finals: Sequence[str]
) -> tuple[Verdict, ...]:
    """Ask CERTIF_PGI for verdicts, check them, and keep them.

    Args:
        run: the run or night.
        pgis: the loaded plug-ins.
        reports: the reports that can be reviewed, each about present products.
        finals: names of the ABs that nothing else needs; the rule judges only them.

    Raises:
        PgiError: a verdict on something that was not to be reviewed, or two on one.
        CertificationError: a verdict is for other products than those that are there.
    """
    if not reports:
        return ()
    given = read_verdicts(run)
    verdicts = pgis.ask(hookspecs.certif_pgi, run=run, reports=tuple(reports))
    if verdicts is None:
        verdicts = _by_rule(run, [r for r in reports if r.block in finals], given)
    else:
        _check(pgis.names(hookspecs.certif_pgi)[0], verdicts, reports)
    given = read_verdicts(run)  # `review` has kept its own
    by_name = {report.block: report for report in reports}
    for verdict in verdicts:
        report = by_name[verdict.block]
        before = given.get(reviewed(run, report))
        if before is None or evolve(verdict, at=before.at) != before:
            keep_verdict(run, report, verdict)
    return tuple(verdicts)


def why_undecided(run: Run, pgis: Pgis, report: QcReport) -> str:
    """Say why a report has no verdict, and what a person can do about it."""
    asked = pgis.names(hookspecs.certif_pgi)
    if not asked:
        if not report.is_scored:
            return "nothing is scored; a CERTIF_PGI could accept it"
        failed = [score.name for score in report.scores if not score.is_passed]
        return f"scores failed ({', '.join(failed)}); a CERTIF_PGI could accept them"
    why = f"{asked[0]} gave no verdict"
    if run.verdicts is None or not run.verdicts.is_file():
        return why
    seen = reviewed(run, report)
    return f"{why}; its line in {run.verdicts}: {seen.block} TBD {seen.report}"


def _review_in_terminal(
    run: Run, sitting: Sitting, shown: Sequence[str]
) -> tuple[Verdict, ...]:
    if not _is_terminal():
        raise CertificationError(
            f"{counted(len(sitting.open), 'product')} to review and no terminal to ask "
            f"in; to review by a table call {command_of(run)}, in a browser "
            f"{web_command_of(run)}"
        )
    from rich.console import Console  # noqa: PLC0415, only where somebody looks

    from phoenix_core.records.comments import keep_comment, read_comments  # noqa: PLC0415
    from phoenix_core.review.in_terminal import (  # noqa: PLC0415
        Asked,
        review_in_terminal,
    )

    asked = Asked(
        shown=shown,
        made_from=lambda report: reports_below(run, report),
        command=command_of(run),
        comments=lambda: read_comments(run),
        comment=lambda block, text: keep_comment(run, block, text),
    )
    return review_in_terminal(Console(highlight=False), sitting, asked)


def _review_in_browser(
    run: Run,
    port: int,
    sitting: Sitting,
    shown: Sequence[str],
    exhibit: Callable[[QcReport], Exhibit] | None,
) -> tuple[Verdict, ...]:
    from phoenix_core.records.comments import keep_comment, read_comments  # noqa: PLC0415
    from phoenix_core.review.in_browser import review_in_browser  # noqa: PLC0415
    from phoenix_core.review.site import Shown  # noqa: PLC0415

    def default(report: QcReport) -> Exhibit:
        below = tuple(Exhibit(one) for one in reports_below(run, report))
        return Exhibit(report, members=below)

    def tell(line: str) -> None:
        sys.stderr.write(f"{line}\n")  # stdout is for the answer
        sys.stderr.flush()

    pages = Shown(
        label=run.label,
        exhibit=exhibit or default,
        shown=shown,
        comments=lambda: read_comments(run),
        comment=lambda block, text: keep_comment(run, block, text),
        tell=tell,
    )
    return review_in_browser(sitting, pages, port)


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _path_of(run: Run, report: QcReport) -> Path | None:
    """Where a report lies, if it does."""
    path = run.ab_path(report.block)
    found = report_path(run, read_block(path)) if path.is_file() else None
    return found if found and found.is_file() else None


def _notes(run: Run, report: QcReport) -> tuple[str, ...]:
    """Tell what was dropped from the AB of a report."""
    path = run.ab_path(report.block)
    rows = dropped(read_block(path)) if path.is_file() else ()
    return tuple(f"without {row.file}, dropped {row.word.told}" for row in rows)


def _by_rule(
    run: Run, reports: Sequence[QcReport], given: Mapping[Reviewed, Verdict]
) -> tuple[Verdict, ...]:
    """Accept what has only passed scores; a verdict that was given before stands."""
    verdicts = []
    for report in reports:
        if before := given.get(reviewed(run, report)):
            verdicts.append(before)
        elif report.is_scored and report.is_green:
            scored = sum(score.is_scored for score in report.scores)
            passed = f"{scored} of {scored} scores passed"
            comment = f"by rule: {passed}, no CERTIF_PGI is configured"
            verdicts.append(
                Verdict(report.block, True, RULE, now(), comment, report.fingerprint)  # noqa: FBT003
            )
    return tuple(verdicts)


def _check(pgi: str, verdicts: Sequence[Verdict], reports: Sequence[QcReport]) -> None:
    """Hold the answer of a CERTIF_PGI against what it was asked for."""
    by_name = {report.block: report for report in reports}
    seen: set[str] = set()
    for verdict in verdicts:
        report = by_name.get(verdict.block)
        where = f"{pgi}: wrong answer to certif_pgi: the verdict on {verdict.block}"
        if report is None:
            raise PgiError(f"{where} is on nothing that was to be reviewed")
        if verdict.block in seen:
            raise PgiError(f"{where} is there twice")
        seen.add(verdict.block)
        if not verdict.by or not _is_time(verdict.at):
            raise PgiError(f"{where} does not say who gave it and when (ISO, UTC)")
        if verdict.fingerprint != report.fingerprint:
            raise CertificationError(
                f"{pgi}: the verdict on {verdict.block} is for other products than "
                f"those that are there (fingerprint {verdict.fingerprint or 'missing'}"
                f", now {report.fingerprint}); review it again"
            )


def _is_time(text: str) -> bool:
    try:
        return dt.datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
