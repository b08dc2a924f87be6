"""What became of each AB of a run: from the files, also while a run goes on."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import evolve, field, frozen

from phoenix_core.ab.cascade import in_order
from phoenix_core.ab.dropped import dropped, left_out
from phoenix_core.ab.file import read_block
from phoenix_core.archive.ingest_state import ingest_state
from phoenix_core.association_block import AbStatus, AssociationBlock
from phoenix_core.errors import ConfigError
from phoenix_core.files.run_lock import is_held
from phoenix_core.model import QcReport, Run, Verdict
from phoenix_core.processing.process_ab import LOCK
from phoenix_core.processing.qc_report import read_report, report_path
from phoenix_core.recipe.recipe_call import is_running
from phoenix_core.records.drop_record import dropped_since
from phoenix_core.records.verdicts import Reviewed, Word, read_verdicts, word_on

MOVED = "MOVED"
RUNNING = "RUNNING"
DROPPED = "DROPPED"


@frozen
class Found:
    """An AB where it lies: among the active ones, or with the logs once moved."""

    block: AssociationBlock
    is_moved: bool = False


@frozen
class AbState:
    """One AB: its status, seconds, peak memory in bytes, and why it did not succeed.

    `status` is PROCESS_STATUS, or RUNNING while a process works on it, or MOVED once
    part 3 has moved it, or DROPPED where nothing needs it any more. `targets` are its
    own or those of the ABs that it is made for. `scores` is the number of its QC
    scores that apply, `not_scored` of those that do not; both 0 without a report.
    `verdict` is on the products that it has now. `dropped` tells what was dropped from
    it, a line each.
    """

    name: str
    recipe: str
    targets: tuple[str, ...]
    status: str
    seconds: float
    memory: int
    cause: str
    scores: int = 0
    failed_scores: tuple[str, ...] = ()
    verdict: Word | None = None
    dropped: tuple[str, ...] = ()
    not_scored: int = 0


@frozen
class RunState:
    """A run: its ABs by target, in the order of the cascade, and who works on it.

    ABs of several targets come first, as they are needed first. `archive` says of ABs
    whose datasets are in the archive whether they were cleaned up.
    """

    run: str
    date: str
    abs: tuple[AbState, ...]
    archive: Mapping[str, str] = field(factory=dict)

    def count(self, status: str) -> int:
        """How many ABs are in a status."""
        return sum(ab.status == status for ab in self.abs)

    @property
    def rejected(self) -> int:
        """How many ABs were rejected."""
        return sum(ab.verdict is not None and ab.verdict.is_no for ab in self.abs)


@frozen
class Seen:
    """One AB with all that was read of it: its file, and its QC report if it has one.

    The plots of the report are where they lie now.
    """

    state: AbState
    found: Found
    report: QcReport | None = None
    report_path: Path | None = None


def state_of(run: Run) -> RunState:
    """Read the state of a run from its AB files, QC reports, verdicts and locks.

    Raises:
        ConfigError: an AB is damaged.
        CertificationError: the file of verdicts is damaged.
        IngestionError: the file of receipts is.
    """
    abs_ = tuple(one.state for one in see(run))
    return RunState(run.label, run.date, abs_, ingest_state(run))


def see(run: Run, *, moved_only: bool = False) -> tuple[Seen, ...]:
    """Read every AB of a run, and what became of it; in the order of `RunState`.

    Args:
        run: the run or night.
        moved_only: leave out the ABs that were not moved to the logs.

    Raises:
        ConfigError: an AB is damaged.
        CertificationError: the file of verdicts is damaged.
    """
    found = blocks_of(run)
    if moved_only:
        found = {name: one for name, one in found.items() if one.is_moved}
    busy = frozenset(_busy(run))
    given = read_verdicts(run)
    ordered = in_order(one.block for one in found.values())
    targets = _targets(ordered)
    out = left_out(block for block in ordered if not found[block.name].is_moved)
    seen = (
        _see(
            run,
            found[block.name],
            targets[block.name],
            busy,
            given,
            is_out=block.name in out,
        )
        for block in ordered
    )
    return tuple(sorted(seen, key=lambda one: _by_target(one.state)))


def blocks_of(run: Run) -> Mapping[str, Found]:
    """Read every AB of a run, active or moved, by name."""
    # In this order, an AB that part 3 moves meanwhile is found in one place or both.
    active = {block.name: Found(block) for block in _blocks(run.ab_dir)}
    logs = run.moved_path("any").parent
    moved = {block.name: Found(block, is_moved=True) for block in _blocks(logs)}
    return {**moved, **active}


def status_of(found: Found) -> str:
    """PROCESS_STATUS, or MOVED."""
    return MOVED if found.is_moved else found.block.status.value


def find_report(run: Run, found: Found) -> tuple[Path, QcReport] | None:
    """Return the QC report of the present products with its path, if there is one.

    Its plots are where they lie now.
    """
    block = found.block
    try:
        path = report_path(run, block)
        if found.is_moved:
            path = run.moved_path(path.name)
        report = read_report(path)
    except ConfigError:  # damaged ones are made again
        return None
    if (report.block, report.fingerprint) != (block.name, block.fingerprint):
        return None
    if found.is_moved:
        directory = run.config.directories.plots / run.date
        plots = tuple(directory / plot.name for plot in report.plots)
        report = evolve(report, plots=plots)
    return path, report


def _blocks(directory: Path) -> Iterator[AssociationBlock]:
    for path in sorted(directory.glob("*.ab")):
        try:
            yield read_block(path)
        except ConfigError:
            if path.exists():
                raise


def _targets(ordered: tuple[AssociationBlock, ...]) -> dict[str, tuple[str, ...]]:
    """The targets of each AB: its own, else those of the ABs that take from it."""
    found: dict[str, set[str]] = {block.name: set() for block in ordered}
    for block in reversed(ordered):
        if own := block.value("TARGET"):
            found[block.name] = {own}
        for need in (*block.needs, *(one.file for one in dropped(block))):
            if need in found:
                found[need] |= found[block.name]
    return {name: tuple(sorted(targets)) for name, targets in found.items()}


def _by_target(ab: AbState) -> tuple[int, tuple[str, ...]]:
    """Shared by several targets first, without any last."""
    kind = {0: 2, 1: 1}.get(len(ab.targets), 0)
    return kind, ab.targets if kind else ()


def _see(
    run: Run,
    found: Found,
    targets: tuple[str, ...],
    busy: frozenset[str],
    given: Mapping[Reviewed, Verdict],
    *,
    is_out: bool,
) -> Seen:
    block = found.block
    is_busy = block.name in busy and not found.is_moved
    is_bad = block.status in {AbStatus.FAILED, AbStatus.SKIPPED}
    is_done = block.status is AbStatus.SUCCESSFUL and not is_busy
    path, report = (find_report(run, found) if is_done else None) or (None, None)
    scores = report.scores if report else ()
    state = AbState(
        name=block.name,
        recipe=block.value("RECIPE"),
        targets=targets,
        status=RUNNING if is_busy else DROPPED if is_out else status_of(found),
        seconds=_number(block.value("PROCESS_SECONDS")),
        memory=int(_number(block.value("PROCESS_MEMORY"))),
        cause=block.cause if is_bad and not is_busy else "",
        scores=sum(score.is_scored for score in scores),
        failed_scores=tuple(score.name for score in scores if not score.is_passed),
        verdict=word_on(given, block) if is_done else None,
        dropped=told_dropped(run, found),
        not_scored=sum(not score.is_scored for score in scores),
    )
    return Seen(state, found, report, path)


def told_dropped(run: Run, found: Found) -> tuple[str, ...]:
    """Tell what was dropped from an AB, each file in a line, and whether it counts."""
    block = found.block
    rows = {one.file: one.word.told for one in dropped(block)}
    old = dropped_since(run, block) if rows and not found.is_moved else ()
    return tuple(
        f"without {file}, dropped {told}"
        + (" (not made anew yet: phoenix -P does it)" * (file in old))
        for file, told in rows.items()
    )


def _busy(run: Run) -> Iterator[str]:
    directory: Path = run.work_dir("")
    if directory.is_dir():
        for workdir in directory.iterdir():
            if is_held(workdir / LOCK) or is_running(workdir):
                yield workdir.name


def _number(text: str) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
