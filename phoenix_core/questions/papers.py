"""The papers of an AB: the files that tell of it, wherever they lie now.

Before phoenix -M they lie beside the products, afterwards with the logs and plots. The
set of frames of its call is written out beside the other records of the run: the AB has
it, in lines that no recipe reads.
"""

from pathlib import Path

from attrs import frozen

from phoenix_core.files.atomic import write_text
from phoenix_core.files.regular_file import read_regular
from phoenix_core.model import Run
from phoenix_core.questions.status import Seen


@frozen
class Papers:
    """Where the papers of an AB are; None is what there is none of."""

    block: Path
    log: Path | None = None
    sof: Path | None = None
    report: Path | None = None
    plots: tuple[Path, ...] = ()


def papers_of(run: Run, seen: Seen) -> Papers:
    """Find the papers of an AB, and write out its set of frames where it is new.

    Raises:
        OSError: it cannot be written.
    """
    block = seen.found.block
    is_moved = seen.found.is_moved
    active, moved = run.ab_path(block.name), run.moved_path(block.name)
    waiting = run.product_dir(block.raw_type) / block.log_name
    log = run.moved_path(block.log_name) if is_moved else waiting
    plots = seen.report.plots if seen.report else ()
    return Papers(
        block=moved if is_moved else active,
        log=log if log.is_file() else None,
        sof=_written_sof(run, seen),
        report=seen.report_path,
        plots=tuple(plot for plot in plots if plot.is_file()),
    )


def sof_dir(run: Run) -> Path:
    """Return where the sets of frames of a run are written out."""
    return run.monitor_dir / "sof"


def _written_sof(run: Run, seen: Seen) -> Path | None:
    """Write the frames and their tags, as in the AB, one a line as in a SOF."""
    block = seen.found.block
    text = "".join(f"{entry.file} {entry.tag}\n" for entry in block.sof)
    if not text:
        return None
    path = sof_dir(run) / f"{block.root}.sof"
    try:
        if read_regular(path) == text.encode("utf-8", "surrogateescape"):
            return path
    except OSError:
        path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)
    return path
