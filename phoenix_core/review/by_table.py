"""The review by a table that a person fills in: --verdicts."""

from collections.abc import Sequence
from pathlib import Path

from attrs import evolve

from phoenix_core.errors import CertificationError
from phoenix_core.model import Run, Verdict
from phoenix_core.records.verdicts import keep_verdict, make_verdict
from phoenix_core.review.command import command_of
from phoenix_core.review.verdict_file import (
    ToReview,
    check_table,
    check_title,
    parse_table,
    write_template,
)


def review_by_table(
    run: Run, path: Path, reviews: Sequence[ToReview], shown: Sequence[str]
) -> tuple[Verdict, ...]:
    """Read the verdicts from a table, or write one to fill in.

    Raises:
        CertificationError: the table was not there and is now, or has mistakes.
    """
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
    keep_verdict(run, review.report, verdict, seen=review.id)
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


def _known_blocks(run: Run) -> set[str]:
    """The ABs of this run, to be moved or moved: a table may go on naming them."""
    directories = (run.ab_dir, run.config.directories.logs / run.date)
    return {path.name for folder in directories for path in folder.glob("*.ab")}
