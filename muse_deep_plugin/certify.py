"""phoenixCertify_MUSE (CERTIF_PGI): the review of deep datacubes.

Only dpc ABs are reviewed, as documented; the pst ABs are shown beside them. Unattended,
what is green all over may be accepted by rule (`accept_green`), and nothing else. One
warning comes on top of the scores, that for an abnormally high background: it occurs in
CROWDED mode, where nothing is subtracted, for exposures close to dawn.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from attrs import evolve, field, frozen

from muse_deep_plugin.exhibit import exhibit_of, exposures
from muse_deep_plugin.qc_scores import HIGH_BACKGROUND, number
from muse_deep_plugin.steps import EXP_COMBINE
from phoenix_core import hookimpl
from phoenix_core.ab_comments import AbComment, read_comments
from phoenix_core.ab_file import read_block
from phoenix_core.certify import review
from phoenix_core.errors import CertificationError
from phoenix_core.model import AssociationBlock, QcReport, Run, Verdict
from phoenix_core.review.by_rule import WORDS, accept_by_rule, why_not_green
from phoenix_core.verdicts import read_verdicts, reviewed

__all__ = ["PGI", "Options", "certif_pgi"]

PGI: Final = "phoenixCertify_MUSE"
SHOWN: Final = (
    *("PATTERN", "N_EXPOSURES", "N_EXPECTED", "TEXPTIME", "OB_IDS", "INS_MODE"),
    *("FWHM", "SEEING", "BKG_MEDIAN", "BKG_MAD"),
    *("NOISE", "NOISE_PROPAGATED", "NOISE_GAIN"),
    *("NX", "NY", "FILLED_FRACTION", "LAMBDA_MIN", "LAMBDA_MAX"),
    *("NUM_SAT", "WDEL_MAX"),
)
_WORDS: Final = (*WORDS, HIGH_BACKGROUND)
_BACKGROUND: Final = "BKG_MEDIAN"
_TOLD: Final = 4  # exposures; there may be a hundred


@frozen
class Options:
    """When a background is abnormally high, and what is accepted unattended.

    Median of the white-light image, in 1e-20 erg/s/cm2/Angstrom a spaxel; the dark
    night sky has about 20, with the moon up to 170. The limit is ours.

    With `accept_green` a deep cube is accepted by rule if it and all of its exposures
    have only passed scores, no WARNING or ERROR, and no comment of a person;
    `green_needs` names scores that a deep cube has to have for that.
    """

    background_max: float = 300.0
    accept_green: bool = False
    green_needs: list[str] = field(factory=list)


@hookimpl
def certif_pgi(run: Run, reports: Sequence[QcReport]) -> tuple[Verdict, ...]:
    """Let a person review the deep cubes; where it is allowed, accept green ones."""
    options = run.options(PGI, Options)
    by_name = {report.block: report for report in reports}
    deep = [
        _completed(run, report, by_name, options.background_max)
        for report in reports
        if report.recipe == EXP_COMBINE.recipe
    ]
    accepted = _by_rule(run, deep, by_name, options) if options.accept_green else ()
    names = {verdict.block for verdict in accepted}
    rest = [report for report in deep if report.block not in names]
    try:
        return (
            *accepted,
            *review(run, rest, SHOWN, lambda one: exhibit_of(run, one, by_name)),
        )
    except CertificationError:
        if not accepted:
            raise
        return accepted  # they do not wait for the others


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
        if reviewed(run, report) in given:
            continue
        path = run.ab_path(report.block)
        names = exposures(read_block(path)) if path.is_file() else ()
        members = [by_name.get(name, QcReport(name)) for name in names]
        if not members or why_not_green(report, options.green_needs, _WORDS):
            continue
        if all(_is_fine(one, comments) for one in (report, *members)):
            scores = ", ".join(score.name for score in report.scores)
            why = f"{scores} passed, {len(members)} exposures green, no warning"
            verdicts.append(accept_by_rule(report, f"accept_green of {PGI}", why))
    return tuple(verdicts)


def _is_fine(report: QcReport, comments: Mapping[str, AbComment]) -> bool:
    return report.block not in comments and not why_not_green(report, (), _WORDS)


def _completed(
    run: Run, report: QcReport, by_name: Mapping[str, QcReport], limit: float
) -> QcReport:
    """The report with its PATTERN, and the warning where it is due."""
    path = run.ab_path(report.block)
    block = read_block(path) if path.is_file() else None
    parameters = dict(report.parameters)
    if block and "PATTERN" not in parameters:
        parameters["PATTERN"] = f"DEEP_{len(exposures(block))}"
    comments = report.comments
    if warning := _background_warning(report, block, by_name, limit):
        others = tuple(text for text in comments if text != HIGH_BACKGROUND)
        comments = (warning, *others)
    return evolve(report, parameters=parameters, comments=comments)


def _background_warning(
    report: QcReport,
    block: AssociationBlock | None,
    by_name: Mapping[str, QcReport],
    limit: float,
) -> str:
    """Say which background is too high, and what is done about it; '' if none is."""
    names = exposures(block) if block else ()
    levels = {
        name: number(by_name[name].parameters, _BACKGROUND)
        for name in names
        if name in by_name
    }
    high = {n: level for n, level in levels.items() if level and level > limit}
    own = number(report.parameters, _BACKGROUND)
    if high:
        worst = sorted(high, key=lambda name: -high[name])
        told = ", ".join(f"{name} ({high[name]:.3g})" for name in worst[:_TOLD])
        told += f" and {len(worst) - _TOLD} more" if len(worst) > _TOLD else ""
        return (
            f"WARNING {HIGH_BACKGROUND}: above {limit:g} in {len(high)} of "
            f"{len(names)} exposures: {told}; best is to remove them from the dal "
            "and dpc ABs and to combine again"
        )
    if own is not None and own > limit:
        return f"WARNING {HIGH_BACKGROUND}: {own:.3g} in the deep cube, above {limit:g}"
    return ""
