"""pgi_phoenix_MUSE_postQC: what the pipeline's logs warn of, and the cover sheet.

FINAL_PLUGIN of processQC puts warnings and errors of an AB's log into its QC report, as
parameters of their own, so that they do not drown the comments of the QC. PGI_COVER
makes a page of a run: its deep datacubes beside what they were made from.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from attrs import evolve, frozen

from muse_deep_plugin.get_logs import log_path
from muse_deep_plugin.log_messages import important
from phoenix_core import hookimpl
from phoenix_core.model import AssociationBlock, QcReport, Run
from phoenix_core.recipe.pipeline_log import ERROR, WARNING, count_of, read_messages

__all__ = ["PGI", "Options", "process_qc_final_plugin", "process_qc_pgi_cover"]

PGI: Final = "pgi_phoenix_MUSE_postQC"

_MOST: Final = 20  # messages that are kept; the log has all


@frozen
class Options:
    """Parts of messages that are of no account, such as of chips known to be dead."""

    harmless: tuple[str, ...] = ()


@hookimpl
def process_qc_final_plugin(
    run: Run, block: AssociationBlock, report: QcReport
) -> QcReport | None:
    """Add what the pipeline's log of an AB warns of to its report.

    Parameters ``PIPELINE_ERRORS`` and ``PIPELINE_WARNINGS`` count the lines,
    ``PIPELINE_MESSAGES`` has each message once, the most important first.
    """
    log = log_path(run, block)
    if not log.is_file():
        return None
    messages = important(read_messages(log), run.options(PGI, Options).harmless)
    told: dict[str, str | int | float | bool] = {
        "PIPELINE_ERRORS": count_of(messages, ERROR),
        "PIPELINE_WARNINGS": count_of(messages, WARNING),
        "PIPELINE_MESSAGES": "\n".join(one.told() for one in messages[:_MOST]),
    }
    return evolve(report, parameters={**report.parameters, **told})


@hookimpl
def process_qc_pgi_cover(run: Run, reports: Sequence[QcReport]) -> Path | None:
    """Write the cover sheet of a run; no report, no sheet."""
    if not reports:
        return None
    # Loaded with every call of phoenix; templates and database only where it is made.
    from muse_deep_plugin.cover.sheet import write_sheet  # noqa: PLC0415

    return write_sheet(run, reports, run.options(PGI, Options).harmless)
