"""phoenixCertify_HAWKI (CERTIF_PGI): what is all green goes, a person sees the rest.

An AB is all green if its own scores are and those of all that it was made with. Green
ones are not kept waiting for the others: where both are new, the green ones are
accepted in this call and the others stay undecided until they are reviewed.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from attrs import evolve, frozen

from phoenix_core import hookimpl
from phoenix_core.ab.file import read_block
from phoenix_core.errors import CertificationError
from phoenix_core.model import QcReport, Run, Verdict
from phoenix_core.records.lines import now
from phoenix_core.records.verdicts import read_verdicts, reviewed
from phoenix_core.review.certify import review

RULE: Final = "rule"
"""Who certifies what is all green."""

SHOWN: Final = (
    *("OB_ID", "FILTER", "N_EXPOSURES", "TEXPTIME", "ZEROPOINT", "ZEROPOINT_RMS"),
    *(
        "ZEROPOINT_DIFFERENCE",
        "N_STARS",
        "IMAGE_QUALITY",
        "SEEING",
        "ELLIPTICITY",
        "LIMITING_MAG",
    ),
    *("SKY_BRIGHTNESS", "WCS_RMS", "DIT", "LEVEL", "READ_NOISE", "GAIN"),
)


@frozen
class _Night:
    """The reports of a night, and the verdicts that were given on them."""

    run: Run
    reports: Mapping[str, QcReport]
    given: Mapping[str, Verdict]

    def needs(self, name: str) -> tuple[str, ...]:
        """The ABs with a report whose products this one takes."""
        path = self.run.ab_path(name)
        found = read_block(path).needs if path.is_file() else ()
        return tuple(need for need in found if need in self.reports)

    def is_fine(self, name: str) -> bool:
        """Whether it was accepted, or is green; it and all that it was made with."""
        report, verdict = self.reports[name], self.given.get(name)
        own = verdict.is_accepted if verdict else _is_green(report)
        return own and all(self.is_fine(need) for need in self.needs(name))


@hookimpl
def certif_pgi(run: Run, reports: Sequence[QcReport]) -> list[Verdict]:
    """Accept what passes every score, and let a person decide on the rest."""
    known = read_verdicts(run)
    given = {r.block: known[k] for r in reports if (k := reviewed(run, r)) in known}
    night = _Night(run, {report.block: report for report in reports}, given)
    green = [r for r in reports if _is_green(r) and night.is_fine(r.block)]
    rest = [_with_reason(night, report) for report in reports if report not in green]
    accepted = [given.get(report.block) or _by_rule(report) for report in green]
    try:
        return [*accepted, *review(run, rest, SHOWN)]
    except CertificationError:
        if all(report.block in given for report in green):
            raise
        return accepted


def _is_green(report: QcReport) -> bool:
    return report.is_scored and report.is_green


def _with_reason(night: _Night, report: QcReport) -> QcReport:
    """A report with a word on what of its inputs is not green."""
    bad = [need for need in night.needs(report.block) if not night.is_fine(need)]
    if not bad:
        return report
    told = f"made with {', '.join(bad)}, not all green"
    return evolve(report, comments=(*report.comments, told))


def _by_rule(report: QcReport) -> Verdict:
    return Verdict(
        block=report.block,
        is_accepted=True,
        by=RULE,
        at=now(),
        comment=f"all {len(report.scores)} scores green",
        fingerprint=report.fingerprint,
    )
