"""phoenixCertify_MUSE (CERTIF_PGI): the review of deep datacubes.

Only dpc ABs are reviewed, as documented; the pst ABs are shown beside them. Warnings
and errors come with the QC reports, High_background among them, each with the exposures
to blame and what to do (qc_deviations). Unattended, what is green all over may be
accepted by rule (`accept_green`), and nothing else.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from attrs import evolve, field, frozen

from muse_deep_plugin.exhibit import exhibit_of
from muse_deep_plugin.qc_members import exposures_of
from muse_deep_plugin.steps import EXP_COMBINE
from phoenix_core import hookimpl
from phoenix_core.ab.file import read_block
from phoenix_core.errors import CertificationError
from phoenix_core.model import QcReport, Run, Verdict
from phoenix_core.records.comments import read_comments
from phoenix_core.records.verdicts import read_verdicts, reviewed
from phoenix_core.review.by_rule import accept_by_rule, why_not_green
from phoenix_core.review.certify import review

__all__ = ["PGI", "Options", "certif_pgi"]

PGI: Final = "phoenixCertify_MUSE"
SHOWN: Final = (
    *("PATTERN", "N_EXPOSURES", "N_EXPECTED", "TEXPTIME", "OB_IDS", "INS_MODE"),
    *("QCFLAG", "FWHM_WHITE", "SKY_RES", "SKY_RES_RATIO", "SEEING", "NUM_SRC"),
    *("HISTO_BKG", "BKG_EXPOSURES_MIN", "BKG_EXPOSURES_MAX", "SKY_RESIDUAL"),
    *("SHIFT_MAX", "N_MATCH_MIN", "FLUX_RATIO_MIN", "FLUX_RATIO_MAX"),
    *("ABMAGLIM", "DEPTH_GAIN", "DEPTH_GAIN_EXPECTED", "NOISE", "NOISE_GAIN"),
    *("NX", "NY", "SIZE_RATIO", "LAMBDA_MIN", "LAMBDA_MAX"),
    *("NUM_SAT", "WDEL_MAX", "LSHIFT_MAX"),
)


@frozen
class Options:
    """What is accepted unattended.

    With `accept_green` a deep cube is accepted by rule if it and all of its exposures
    have only passed scores, no WARNING or ERROR, and no comment of a person; of a deep
    cube none may be grey, and those of `green_needs` have to be there.
    """

    accept_green: bool = False
    green_needs: list[str] = field(factory=list)


@hookimpl
def certif_pgi(run: Run, reports: Sequence[QcReport]) -> tuple[Verdict, ...]:
    """Let a person review the deep cubes; where it is allowed, accept green ones."""
    options = run.options(PGI, Options)
    by_name = {report.block: report for report in reports}
    deep = [
        _with_pattern(run, report)
        for report in reports
        if report.recipe == EXP_COMBINE.recipe
    ]
    accepted = _by_rule(run, deep, by_name, options) if options.accept_green else ()
    names = {verdict.block for verdict in accepted}
    rest = [report for report in deep if report.block not in names]
    try:
        given = review(run, rest, SHOWN, lambda one: exhibit_of(run, one, by_name))
    except CertificationError:
        if not accepted:
            raise
        given = ()  # what is green does not wait for the others
    # Somebody may have commented on them meanwhile: a review takes its time.
    said = read_comments(run)
    silent = [v for v in accepted if not said.keys() & _family(run, v.block)]
    return (*silent, *given)


def _by_rule(
    run: Run,
    deep: Sequence[QcReport],
    by_name: Mapping[str, QcReport],
    options: Options,
) -> tuple[Verdict, ...]:
    """Accept what is green all over; what was decided before stays decided."""
    given, comments = read_verdicts(run), read_comments(run)
    verdicts = []
    for report in deep:
        members = [
            by_name.get(name, QcReport(name)) for name in _exposures(run, report.block)
        ]
        is_open = reviewed(run, report) not in given
        is_green = not why_not_green(report, options.green_needs)
        are_green = not any(why_not_green(one, may_be_grey=True) for one in members)
        is_said = bool(comments.keys() & _family(run, report.block))
        if is_open and members and is_green and are_green and not is_said:
            scores = ", ".join(score.name for score in report.scores)
            why = f"{scores} passed, {len(members)} exposures green, no warning"
            verdicts.append(accept_by_rule(report, f"accept_green of {PGI}", why))
    return tuple(verdicts)


def _family(run: Run, name: str) -> set[str]:
    """A deep cube and its exposures."""
    return {name, *_exposures(run, name)}


def _exposures(run: Run, name: str) -> tuple[str, ...]:
    path = run.ab_path(name)
    return exposures_of(read_block(path)) if path.is_file() else ()


def _with_pattern(run: Run, report: QcReport) -> QcReport:
    """The report with its PATTERN: DEEP and the number of combined frames."""
    exposures = _exposures(run, report.block)
    if "PATTERN" in report.parameters or not exposures:
        return report
    pattern = f"DEEP_{len(exposures)}"
    return evolve(report, parameters={**report.parameters, "PATTERN": pattern})
