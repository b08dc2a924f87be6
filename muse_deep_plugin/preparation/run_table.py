"""The columns of runs on the overview and on the pages of periods."""

from collections.abc import Collection

from muse_deep_plugin.preparation.datacube_table import short
from muse_deep_plugin.preparation.run_history import RunRow
from muse_deep_plugin.preparation.run_tables import Combine, DeepStatus
from phoenix_core.pages.table import Cell, Heading, cell
from phoenix_core.pages.templates import address
from phoenix_core.run_id import parse_run_id
from phoenix_core.words.plain_text import counted

INDEX = "target_search.html"
"""The page of target searches."""

HEADINGS = (
    Heading("RUN_ID", "opens the datacubes of the run"),
    Heading("run_status", "of the observations, by sched_rep; GTO is told"),
    Heading("SM_VM", "service or visitor mode; periods and remarks of sched_rep"),
    Heading("N_dcubes", "datacubes made by MUSE_R", is_number=True),
    Heading("complete?", "whether all raw files are processed"),
    Heading(
        "N_targets", "targets with at least two datacubes: candidates", is_number=True
    ),
    Heading("COMBINE?", "decided in RUN_TYPE.txt"),
    Heading("STATUS", "of the deep datacubes: none to be made, open or done"),
    Heading("TYPE", "of RUN_TYPE.txt"),
    Heading("M,S", "MASTER or SLAVE of a multiple run, of RUN_MULTI.txt"),
    Heading("COMMENT", "of RUN_TYPE.txt"),
)
PERIOD = Heading("PERIOD", "opens the runs of the period", is_number=True)

_COMBINE = {Combine.YES: "good", Combine.TBD: "warn", Combine.NO: "", None: ""}
_DEEP = {DeepStatus.DONE: "good", DeepStatus.OPEN: "open", DeepStatus.NONE: ""}


def cells(row: RunRow, known: Collection[str]) -> tuple[Cell, ...]:
    """Return the cells of a run, in the order of the headings.

    Args:
        row: what is told of the run.
        known: the runs that have pages, in their formal spelling.
    """
    return (
        Cell(row.run.formal, link=address(run_page(row.run.plain))),
        _run_status(row),
        cell(short(row.sm_vm), kind="text"),
        cell(str(row.n_dcubes), kind="number"),
        _complete(row),
        cell(str(row.candidates), kind="number"),
        _combine(row),
        _status(row),
        cell(short(row.type)),
        _multi(row, known),
        cell(short(row.comment), kind="text"),
    )


def period_cell(row: RunRow) -> Cell:
    """Return the period of a run, which leads to its page."""
    period = row.run.period
    return Cell(str(period), kind="number", link=address(period_page(period)))


def run_page(plain: str) -> str:
    """Return the name of the page of a run, given in its plain spelling."""
    return f"{plain}.html"


def period_page(period: int) -> str:
    """Return the name of the page of a period.

    >>> period_page(94)
    'period_094.html'
    """
    return f"period_{period:03d}.html"


def _run_status(row: RunRow) -> Cell:
    told = row.run_status or "no entry"
    gto = ", GTO" if row.is_gto else ""
    state = "good" if row.is_finished else "warn" if row.goes_on else "open"
    return cell(short(told) + gto, state)


def _complete(row: RunRow) -> Cell:
    if row.is_complete:
        return cell("yes", "good")
    if not row.existing:
        return cell("unknown", "open")
    return cell(f"no, {row.processed} of {row.existing}", "warn")


def _combine(row: RunRow) -> Cell:
    if row.unclear:
        return cell(short(row.unclear), "bad")
    return cell(row.combine.value if row.combine else "", _COMBINE[row.combine])


def _status(row: RunRow) -> Cell:
    told = row.status.value
    if row.status is DeepStatus.OPEN and row.deep_targets:
        told = f"{told}, {row.deep_made} of {row.deep_targets}"
    if row.processing:
        told = f"{told} ({row.processing})"
    if row.offered:
        told = f"{told}; {counted(row.offered, 'new datacube')} offered"
    if row.is_list_wrong:
        return cell(f"the target list has mistakes; {short(told)}", "bad")
    return cell(short(told), "warn" if row.offered else _DEEP[row.status])


def _multi(row: RunRow, known: Collection[str]) -> Cell:
    if row.m_s != "S":
        return cell(row.m_s)
    told = f"S of {row.master}"
    if row.master not in known:
        return cell(told)
    return Cell(told, link=address(run_page(parse_run_id(row.master).plain)))
