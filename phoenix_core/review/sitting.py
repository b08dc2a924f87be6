"""A review under way: what there is to decide, and what was decided in it."""

import threading
from collections.abc import Callable, Sequence

from attrs import define, field

from phoenix_core.errors import CertificationError
from phoenix_core.model import QcReport, Verdict
from phoenix_core.records.verdicts import make_verdict
from phoenix_core.review.verdict_file import ToReview
from phoenix_core.words.plain_text import plain

Keep = Callable[[ToReview, Verdict], None]


@define
class Sitting:
    """A review under way.

    Args:
        reviews: what there is to see, with the verdicts that were given before.
        keep: takes each verdict as it is given, so that none is lost later.
    """

    reviews: Sequence[ToReview]
    keep: Keep
    given: dict[str, Verdict] = field(factory=dict)
    is_left: bool = False
    _lock: threading.Lock = field(factory=threading.Lock, repr=False)

    def __attrs_post_init__(self) -> None:
        """Take over what was decided before."""
        for review in self.reviews:
            if review.given:
                self.given[review.report.block] = review.given

    @property
    def open(self) -> tuple[ToReview, ...]:
        """What waits for a verdict."""
        return tuple(one for one in self.reviews if one.report.block not in self.given)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """All verdicts, in the order of the reports."""
        found = (self.given.get(review.report.block) for review in self.reviews)
        return tuple(verdict for verdict in found if verdict)

    def decide(self, review: ToReview, *, is_accepted: bool, comment: str) -> Verdict:
        """Give a verdict, in place of the one that there is; it is kept at once.

        Raises:
            CertificationError: a word on why is missing, or it could not be kept.
        """
        comment = plain(comment)
        if problem := missing_comment(review.report, comment, is_accepted=is_accepted):
            raise CertificationError(problem)
        verdict = make_verdict(review.report, is_accepted=is_accepted, comment=comment)
        with self._lock:
            self.keep(review, verdict)
            self.given[review.report.block] = verdict
        return verdict


def missing_comment(report: QcReport, comment: str, *, is_accepted: bool) -> str:
    """Say what a verdict lacks a word on, '' where it may go without one."""
    if comment:
        return ""
    if not is_accepted:
        return f"REJECT of {report.block} needs a COMMENT that says why"
    failed = ", ".join(plain(s.name) for s in report.scores if not s.is_passed)
    if failed:
        return f"ACCEPT of {report.block} needs a COMMENT: its scores failed ({failed})"
    return ""
