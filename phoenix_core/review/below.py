"""What a product was made from: the reports of the ABs below it."""

import contextlib
from collections.abc import Iterable, Iterator

from phoenix_core.ab.file import read_block
from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import ConfigError
from phoenix_core.model import QcReport, Run
from phoenix_core.processing.qc_report import read_report, report_path


def reports_below(run: Run, report: QcReport) -> tuple[QcReport, ...]:
    """Return the reports of what an AB was made from, at first hand or later."""
    blocks = {path.name: path for path in sorted(run.ab_dir.glob("*.ab"))}
    found: dict[str, AssociationBlock] = {}
    waiting = [report.block]
    while waiting:
        name = waiting.pop()
        if name in blocks and name not in found:
            found[name] = read_block(blocks[name])
            waiting += found[name].needs
    found.pop(report.block, None)
    return tuple(_present_reports(run, found.values()))


def _present_reports(
    run: Run, blocks: Iterable[AssociationBlock]
) -> Iterator[QcReport]:
    for block in sorted(blocks, key=lambda block: block.name):
        with contextlib.suppress(ConfigError):  # there is none, or it is damaged
            found = read_report(report_path(run, block))
            if found.fingerprint == block.fingerprint:
                yield found
