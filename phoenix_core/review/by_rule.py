"""What a rule may accept unattended: what is green all over, and nothing else."""

from collections.abc import Sequence
from typing import Final

from phoenix_core.model import QcReport, Verdict
from phoenix_core.plain_text import plain
from phoenix_core.verdicts import now

RULE: Final = "rule"
"""Who certifies by rule; the comment of the verdict names the rule."""

WORDS: Final = ("WARNING", "ERROR")
"""What a comment begins with that a person should act on."""


def why_not_green(
    report: QcReport, needed: Sequence[str] = (), words: Sequence[str] = WORDS
) -> str:
    """Say why no rule may accept a report, '' if one may.

    Args:
        report: the report; without scores nothing is green.
        needed: names of scores that have to be there.
        words: what a comment begins with that a person should see.

    >>> why_not_green(QcReport("a.ab"))
    'it has no scores'
    """
    if not report.scores:
        return "it has no scores"
    names = {score.name for score in report.scores}
    if missing := [name for name in needed if name not in names]:
        return f"it has no score {', '.join(missing)}"
    if grey := [score.name for score in report.scores if score.value is None]:
        return f"{plain(', '.join(grey))} was not scored"
    if failed := [score.name for score in report.scores if not score.is_passed]:
        return f"{plain(', '.join(failed))} failed"
    starts = tuple(word.casefold() for word in words)
    for comment in report.comments:
        if comment.strip().casefold().startswith(starts):
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
