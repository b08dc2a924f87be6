"""What a rule may accept unattended: what is green all over, and nothing else."""

from collections.abc import Sequence
from typing import Final

from phoenix_core.model import QcReport, Verdict
from phoenix_core.records.lines import now
from phoenix_core.words.plain_text import plain

RULE: Final = "rule"
"""Who certifies by rule; the comment of the verdict names the rule."""

WORDS: Final = ("warning", "error")
"""What a comment begins with that a person should act on, in any case."""


def why_not_green(
    report: QcReport, needed: Sequence[str] = (), *, may_be_grey: bool = False
) -> str:
    """Say why no rule may accept a report, '' if one may.

    Args:
        report: the report; without scores nothing is green.
        needed: names of scores that have to be there.
        may_be_grey: whether a score that is not scored, since its parameter does not
            apply, is no reason.

    >>> why_not_green(QcReport("a.ab"))
    'it has no scores'
    """
    if not report.scores:
        return "it has no scores"
    names = {score.name for score in report.scores}
    if missing := [name for name in needed if name not in names]:
        return f"it has no score {', '.join(missing)}"
    grey = [score.name for score in report.scores if not score.is_scored]
    if grey and not may_be_grey:
        return f"{plain(', '.join(grey))} was not scored"
    if failed := [score.name for score in report.scores if not score.is_passed]:
        return f"{plain(', '.join(failed))} failed"
    for comment in report.comments:
        if comment.strip().casefold().startswith(WORDS):
            return plain(comment)
    return ""


def accept_by_rule(report: QcReport, rule: str, why: str) -> Verdict:
    """Return the verdict of a rule, which names it.

    Args:
        report: what is accepted; `why_not_green` has nothing against it.
        rule: its name.
        why: what it went by.
    """
    return Verdict(
        block=report.block,
        is_accepted=True,
        by=RULE,
        at=now(),
        comment=f"{rule}: {why}",
        fingerprint=report.fingerprint,
    )
