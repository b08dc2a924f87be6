"""pgi_phoenix_EXAMPLE_QC_final: a word on every score that is not passed."""

import attrs

from phoenix_core import hookimpl
from phoenix_core.model import QcReport


@hookimpl
def process_qc_final_plugin(report: QcReport) -> QcReport | None:
    """Comment on failed scores; leave a green report as it is."""
    if report.is_green:
        return None
    failed = [score for score in report.scores if not score.is_passed]
    comments = [f"{s.name} is {s.value}, more than {s.high}: cloudy?" for s in failed]
    return attrs.evolve(report, comments=tuple(comments))
