"""phoenixCertify_MUSE (CERTIF_PGI): the review of deep datacubes.

Only dpc ABs are reviewed, as documented; pst ABs can be looked at in the coversheet.
Warnings and errors come with the QC reports, High_background among them, each with the
exposures to blame and what to do (qc_deviations).
"""

from collections.abc import Sequence
from typing import Final

from attrs import evolve

from muse_deep_plugin.qc_members import exposures_of
from muse_deep_plugin.steps import EXP_COMBINE
from phoenix_core import hookimpl
from phoenix_core.ab_file import read_block
from phoenix_core.certify import review
from phoenix_core.model import QcReport, Run, Verdict

__all__ = ["PGI", "certif_pgi"]

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


@hookimpl
def certif_pgi(run: Run, reports: Sequence[QcReport]) -> tuple[Verdict, ...]:
    """Let a person review the deep cubes, in the terminal or by a table."""
    deep = [report for report in reports if report.recipe == EXP_COMBINE.recipe]
    return review(run, [_with_pattern(run, report) for report in deep], SHOWN)


def _with_pattern(run: Run, report: QcReport) -> QcReport:
    """The report with its PATTERN: DEEP and the number of combined frames."""
    path = run.ab_path(report.block)
    if "PATTERN" in report.parameters or not path.is_file():
        return report
    pattern = f"DEEP_{len(exposures_of(read_block(path)))}"
    return evolve(report, parameters={**report.parameters, "PATTERN": pattern})
