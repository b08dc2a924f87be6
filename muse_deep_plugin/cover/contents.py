"""What the cover sheet of a run shows: deep datacubes, their exposures, the history."""

from collections.abc import Sequence

from attrs import evolve, frozen
from sqlalchemy.exc import SQLAlchemyError

from muse_deep_plugin.log_messages import important
from muse_deep_plugin.preparation.datacubes import Datacube, final_datacubes
from muse_deep_plugin.steps import EXP_COMBINE, SCIPOST
from phoenix_core.ab_monitor.page import AbMonitor
from phoenix_core.ab_monitor.rows import Monitored
from phoenix_core.errors import PhoenixError
from phoenix_core.model import AssociationBlock, QcReport, Run
from phoenix_core.qc1.database import open_qc1
from phoenix_core.run_id import parse_run_id

_BEFORE, _AFTER = 0.001, 0.5  # days of an OB's night around the start of its datacube


@frozen
class DeepCube:
    """A deep datacube: its AB, those of its exposures, and the datacubes of its OBs."""

    deep: Monitored
    exposures: tuple[Monitored, ...]
    missing: tuple[str, ...]  # exposures whose AB is not there
    combined: tuple[Datacube, ...]


@frozen
class Contents:
    """A run as its cover sheet shows it.

    `others` are exposures of no deep datacube; `problem` is why there is no history.
    """

    deep: tuple[DeepCube, ...]
    others: tuple[Monitored, ...]
    problem: str = ""


def read_contents(
    run: Run, reports: Sequence[QcReport], harmless: Sequence[str]
) -> Contents:
    """Gather what the sheet shows.

    Args:
        run: the run.
        reports: the QC reports on its present products.
        harmless: parts of messages of logs that are left out.

    Raises:
        PhoenixError: an AB, or a file of verdicts or comments, is damaged.
        OSError: a file cannot be read.
    """
    reported = {report.block: report for report in reports}
    found = {
        one.state.name: _with(one, reported.get(one.state.name), harmless)
        for one in AbMonitor(run).read()
    }
    cubes = [one for one in found.values() if one.state.recipe == EXP_COMBINE.recipe]
    singles = [one for one in found.values() if one.state.recipe == SCIPOST.recipe]
    history, problem = _history(run, [*cubes, *singles])
    taken: set[str] = set()
    deep = []
    for cube in sorted(cubes, key=lambda one: (one.state.targets, one.state.name)):
        names = _exposures(cube.seen.found.block)
        taken.update(names)
        exposures = tuple(found[name] for name in names if name in found)
        missing = tuple(name for name in names if name not in found)
        combined = tuple(c for c in history if _is_of(c, exposures))
        deep.append(DeepCube(cube, exposures, missing, combined))
    others = tuple(one for one in singles if one.state.name not in taken)
    return Contents(tuple(deep), others, problem)


def _with(
    one: Monitored, report: QcReport | None, harmless: Sequence[str]
) -> Monitored:
    """An AB with the report that was given, and its messages by their importance."""
    seen = evolve(one.seen, report=report)
    return evolve(one, seen=seen, messages=important(one.messages, harmless))


def _exposures(block: AssociationBlock) -> tuple[str, ...]:
    """The ABs whose pixel tables a deep datacube combines."""
    return tuple(
        m.file for m in block.mcalibs if m.is_virtual and m.tag == "PIXTABLE_REDUCED"
    )


def _history(run: Run, found: Sequence[Monitored]) -> tuple[tuple[Datacube, ...], str]:
    """The datacubes of all runs that these ABs are of, or why there are none."""
    blocks = [one.seen.found.block for one in found]
    texts = {block.value("OBS_PROG_ID") for block in blocks}
    runs = {formal for text in texts if (formal := _formal(text))}
    runs |= {run.run_id.formal} if run.run_id else set()
    try:
        with open_qc1(run.config.database) as engine, engine.connect() as connection:
            return final_datacubes(connection, sorted(runs)), ""
    except (PhoenixError, SQLAlchemyError) as error:
        return (), " ".join(str(error).split())


def _formal(text: str) -> str:
    try:
        return parse_run_id(text).formal
    except PhoenixError:
        return ""


def _is_of(cube: Datacube, exposures: Sequence[Monitored]) -> bool:
    """Whether a datacube was made of the OB of one of these exposures, that night."""
    return any(_is_same_ob(cube, one.seen.found.block) for one in exposures)


def _is_same_ob(cube: Datacube, block: AssociationBlock) -> bool:
    if cube.mjd_obs is None or str(cube.ob_id) != block.value("OBS_ID"):
        return False
    try:
        since = float(block.value("MJD-OBS")) - cube.mjd_obs
    except ValueError:
        return False
    return -_BEFORE <= since <= _AFTER
