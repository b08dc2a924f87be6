"""Certification: nothing leaves without a verdict on just what is there.

A CERTIF_PGI decides; `review` is the review by a person that it can call, in the
terminal or by a table (--verdicts). Where no CERTIF_PGI is configured, reports whose
scores are all passed are accepted by that rule, and the others wait.
"""

import contextlib
import datetime as dt
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from attrs import evolve

from phoenix_core import hookspecs
from phoenix_core.ab_file import read_block
from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import CertificationError, ConfigError, PgiError
from phoenix_core.model import QcReport, Run, Verdict
from phoenix_core.pgis import Pgis
from phoenix_core.qc_report import read_report, report_path
from phoenix_core.verdict_file import (
    ToReview,
    check_table,
    check_title,
    parse_table,
    write_template,
)
from phoenix_core.verdicts import (
    Reviewed,
    keep_verdict,
    make_verdict,
    now,
    read_verdicts,
    reviewed,
)

RULE = "phoenix"  # who decides where no CERTIF_PGI does


def review(
    run: Run, reports: Sequence[QcReport], shown: Sequence[str] = ()
) -> tuple[Verdict, ...]:
    """Let a person decide, in the terminal or by the table of --verdicts.

    Args:
        run: the run or night.
        reports: what to review; a PGI may have added comments.
        shown: names of the parameters of interest.

    Returns:
        The verdicts, those given before among them; what is undecided has none.

    Raises:
        CertificationError: the table was not there and is now, or has mistakes; there
            is no terminal.
    """
    given = read_verdicts(run)
    seen = [(report, reviewed(run, report)) for report in reports]
    reviews = [
        ToReview(report, key.report, given.get(key), _path_of(run, report))
        for report, key in seen
    ]
    if not reviews:
        return ()
    if run.verdicts is not None:
        return _review_by_table(run, run.verdicts, reviews, shown)
    if all(review.given for review in reviews) and not _is_terminal():
        return tuple(review.given for review in reviews if review.given)
    return _review_in_terminal(run, reviews, shown)


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


def command_of(run: Run, table: str = "FILE") -> str:
    """Return the command that reviews by a table, as one has to type it."""
    pool = run.option.split()
    select = ("-a", run.select) if run.select else ()
    keep = ("-n",) if run.keep else ()
    return shlex.join(["phoenix", *pool, "-M", *select, *keep, "--verdicts", table])


def why_undecided(run: Run, pgis: Pgis, report: QcReport) -> str:
    """Say why a report has no verdict, and what a person can do about it."""
    asked = pgis.names(hookspecs.certif_pgi)
    if not asked:
        failed = [score.name for score in report.scores if not score.is_passed]
        return f"scores failed ({', '.join(failed)}); a CERTIF_PGI could accept them"
    why = f"{asked[0]} gave no verdict"
    if run.verdicts is None or not run.verdicts.is_file():
        return why
    seen = reviewed(run, report)
    return f"{why}; its line in {run.verdicts}: {seen.block} TBD {seen.report}"


def _review_by_table(
    run: Run, path: Path, reviews: Sequence[ToReview], shown: Sequence[str]
) -> tuple[Verdict, ...]:
    """Read the verdicts from a table, or write one to fill in."""
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        return _ask_by_table(run, path, reviews, shown)
    except (OSError, UnicodeDecodeError) as error:
        raise CertificationError(f"{path}: cannot be read: {error}") from error
    check_title(text, path, run.label)
    rows = parse_table(text, path)
    check_table(rows, path, reviews, _known_blocks(run))
    by_name = {row.block: row for row in rows}
    verdicts = []
    for one in reviews:
        row = by_name.get(one.report.block)
        if row is None:
            verdicts += [one.given] if one.given else []
        elif row.verdict != "TBD":
            is_accepted = row.verdict == "ACCEPT"
            verdict = make_verdict(
                one.report, is_accepted=is_accepted, comment=row.comment
            )
            verdicts.append(_as_given(run, one, verdict))
    return tuple(verdicts)


def _as_given(run: Run, review: ToReview, verdict: Verdict) -> Verdict:
    """The verdict that was kept before where this one is the same, else kept now."""
    given = review.given
    if given and evolve(verdict, by=given.by, at=given.at) == given:
        return given
    keep_verdict(run, review.report, verdict)
    return verdict


def _ask_by_table(
    run: Run, path: Path, reviews: Sequence[ToReview], shown: Sequence[str]
) -> tuple[Verdict, ...]:
    given = [review.given for review in reviews if review.given]
    if len(given) == len(reviews) and all(verdict.is_accepted for verdict in given):
        return tuple(given)
    command = command_of(run, str(path))
    write_template(path, reviews, run.label, command, shown)
    count = len(reviews) - len(given)
    if not count:
        rejected = sum(not verdict.is_accepted for verdict in given)
        raise CertificationError(
            f"all is decided ({rejected} of {len(given)} rejected): {path} has the "
            f"verdicts; to decide anew edit its lines, then call {command}"
        )
    raise CertificationError(
        f"{count} {'product' if count == 1 else 'products'} to review: fill in {path}, "
        f"then call {command}"
    )


def _review_in_terminal(
    run: Run, reviews: Sequence[ToReview], shown: Sequence[str]
) -> tuple[Verdict, ...]:
    if not _is_terminal():
        count = sum(review.given is None for review in reviews)
        raise CertificationError(
            f"{count} {'product' if count == 1 else 'products'} to review and no "
            f"terminal to ask in; to review by a table call {command_of(run)}"
        )
    from rich.console import Console  # noqa: PLC0415, only where somebody looks

    from phoenix_core.review_terminal import Review, review_in_terminal  # noqa: PLC0415

    def keep(report: QcReport, verdict: Verdict) -> None:
        keep_verdict(run, report, verdict)

    def made_from(report: QcReport) -> Sequence[QcReport]:
        return _reports_below(run, report)

    asked = Review(shown, keep, made_from, command_of(run))
    return review_in_terminal(Console(highlight=False), reviews, asked)


def _reports_below(run: Run, report: QcReport) -> tuple[QcReport, ...]:
    """The reports of what an AB was made from, at first hand or later."""
    blocks = {path.name: path for path in sorted(run.ab_dir.glob("*.ab"))}
    found: dict[str, AssociationBlock] = {}
    waiting = [report.block]
    while waiting:
        name = waiting.pop()
        if name in blocks and name not in found:
            found[name] = read_block(blocks[name])
            waiting += found[name].needs
    found.pop(report.block, None)
    return tuple(_present_reports(run, found.values()))


def _present_reports(
    run: Run, blocks: Iterable[AssociationBlock]
) -> Iterator[QcReport]:
    for block in sorted(blocks, key=lambda block: block.name):
        with contextlib.suppress(ConfigError):  # there is none, or it is damaged
            found = read_report(report_path(run, block))
            if found.fingerprint == block.fingerprint:
                yield found


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _path_of(run: Run, report: QcReport) -> Path | None:
    """Where a report lies, if it does."""
    path = run.ab_path(report.block)
    found = report_path(run, read_block(path)) if path.is_file() else None
    return found if found and found.is_file() else None


def _known_blocks(run: Run) -> set[str]:
    """The ABs of this run, to be moved or moved: a table may go on naming them."""
    directories = (run.ab_dir, run.config.directories.logs / run.date)
    return {path.name for folder in directories for path in folder.glob("*.ab")}


def _by_rule(
    run: Run, reports: Sequence[QcReport], given: Mapping[Reviewed, Verdict]
) -> tuple[Verdict, ...]:
    """Accept what has only passed scores; a verdict that was given before stands."""
    verdicts = []
    for report in reports:
        if before := given.get(reviewed(run, report)):
            verdicts.append(before)
        elif report.is_green:
            passed = f"{len(report.scores)} of {len(report.scores)} scores passed"
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
