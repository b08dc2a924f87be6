"""phoenixCertify_MUSE (CERTIF_PGI): the review of deep datacubes.

Only dpc ABs are reviewed, as documented; pst ABs can be looked at in the coversheet.
One warning comes on top of the scores, that for an abnormally high background: it
occurs in CROWDED mode, where nothing is subtracted, for exposures close to dawn.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from attrs import evolve, frozen

from muse_deep_plugin.qc_scores import HIGH_BACKGROUND, number
from muse_deep_plugin.steps import EXP_COMBINE
from phoenix_core import hookimpl
from phoenix_core.ab_file import read_block
from phoenix_core.certify import review
from phoenix_core.model import AssociationBlock, QcReport, Run, Verdict

__all__ = ["PGI", "Options", "certif_pgi"]

PGI: Final = "phoenixCertify_MUSE"
SHOWN: Final = (
    *("PATTERN", "N_EXPOSURES", "N_EXPECTED", "TEXPTIME", "OB_IDS", "INS_MODE"),
    *("FWHM", "SEEING", "BKG_MEDIAN", "BKG_MAD"),
    *("NOISE", "NOISE_PROPAGATED", "NOISE_GAIN"),
    *("NX", "NY", "FILLED_FRACTION", "LAMBDA_MIN", "LAMBDA_MAX"),
    *("NUM_SAT", "WDEL_MAX"),
)
_BACKGROUND: Final = "BKG_MEDIAN"
_TOLD: Final = 4  # exposures; there may be a hundred


@frozen
class Options:
    """When a background is abnormally high.

    Median of the white-light image, in 1e-20 erg/s/cm2/Angstrom a spaxel; the dark
    night sky has about 20, with the moon up to 170. The limit is ours.
    """

    background_max: float = 300.0


@hookimpl
def certif_pgi(run: Run, reports: Sequence[QcReport]) -> tuple[Verdict, ...]:
    """Let a person review the deep cubes, in the terminal or by a table."""
    deep = [report for report in reports if report.recipe == EXP_COMBINE.recipe]
    limit = run.options(PGI, Options).background_max
    by_name = {report.block: report for report in reports}
    return review(run, [_completed(run, r, by_name, limit) for r in deep], SHOWN)


def _completed(
    run: Run, report: QcReport, by_name: Mapping[str, QcReport], limit: float
) -> QcReport:
    """The report with its PATTERN, and the warning where it is due."""
    path = run.ab_path(report.block)
    block = read_block(path) if path.is_file() else None
    parameters = dict(report.parameters)
    if block and "PATTERN" not in parameters:
        parameters["PATTERN"] = f"DEEP_{len(_exposures(block))}"
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
    exposures = _exposures(block) if block else ()
    levels = {
        name: number(by_name[name].parameters, _BACKGROUND)
        for name in exposures
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
            f"{len(exposures)} exposures: {told}; best is to remove them from the dal "
            "and dpc ABs and to combine again"
        )
    if own is not None and own > limit:
        return f"WARNING {HIGH_BACKGROUND}: {own:.3g} in the deep cube, above {limit:g}"
    return ""


def _exposures(block: AssociationBlock) -> tuple[str, ...]:
    """The pst ABs whose pixel tables are combined."""
    return tuple(
        m.file for m in block.mcalibs if m.is_virtual and m.tag == "PIXTABLE_REDUCED"
    )
