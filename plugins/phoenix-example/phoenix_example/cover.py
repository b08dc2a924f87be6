"""pgi_phoenix_EXAMPLE_cover: one sheet on all that a run made."""

from collections.abc import Sequence
from pathlib import Path

from phoenix_core import hookimpl
from phoenix_core.files.atomic import write_text
from phoenix_core.model import QcReport, Run


@hookimpl
def process_qc_pgi_cover(run: Run, reports: Sequence[QcReport]) -> Path | None:
    """Write a line for each report; no report, no sheet."""
    if not reports:
        return None
    lines = [f"EXAMPLE {run.label}: {len(reports)} stacks", ""]
    for report in sorted(reports, key=lambda report: (report.target, report.block)):
        colour = "green" if report.is_green else "RED"
        noise = report.parameters.get("NOISE", "?")
        lines.append(f"{colour:6} {report.target:10} {noise:>8} adu  {report.block}")
    sheet = run.monitor_dir / "cover.txt"
    sheet.parent.mkdir(parents=True, exist_ok=True)
    write_text(sheet, "\n".join(lines) + "\n")
    return sheet
