"""pgi_phoenix_EXAMPLE_certify: what is all green is accepted, the rest is left."""

import datetime as dt
from collections.abc import Sequence

from phoenix_core import hookimpl
from phoenix_core.model import QcReport, Verdict


@hookimpl
def certif_pgi(reports: Sequence[QcReport]) -> list[Verdict]:
    """Accept what passes every score; a person has to look at the rest."""
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return [
        Verdict(
            block=report.block,
            is_accepted=True,
            by="pgi_phoenix_EXAMPLE_certify",
            at=now,
            comment="all scores green",
            fingerprint=report.fingerprint,
        )
        for report in reports
        if report.is_scored and report.is_green
    ]
