"""What the row of a run says, made out of what the database and the tables know."""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from math import isfinite

from attrs import frozen

from muse_deep_plugin.preparation.run_tables import (
    Combine,
    DeepMode,
    DeepStatus,
    RunData,
    RunMulti,
    RunType,
)
from muse_deep_plugin.preparation.runs_in_brief import RunBrief
from muse_deep_plugin.preparation.target_list import name_in_abs
from phoenix_core.run_id import RunId

_FINISHED = ("COMPLETE", "TERMINATED")
_GOES_ON = "CARRY-OVER"
_NO_STATUS = "no status"


@frozen
class Schedule:
    """What was scheduled of a run in a period; names as in sched_rep."""

    run_id: str
    period: int
    obs_mode: str = ""
    status: str = ""
    prog_type: str = ""
    pi_coi: str = ""
    title: str = ""
    abstract: str = ""
    remarks: str = ""


@frozen
class RunRow:
    """What is told of a run in one line.

    `run_status` is a word of sched_rep, '' where there is no entry; `processed` and
    `existing` count exposures; `candidates` counts targets with two datacubes or more;
    `deep_targets` counts the targets that are selected, `deep_made` those of them that
    have a deep datacube. `offered` counts what is new in the target list; `unclear`
    says which line on the run is wrong.
    """

    run: RunId
    run_status: str
    is_gto: bool
    sm_vm: str
    n_dcubes: int
    processed: int
    existing: int
    candidates: int
    combine: Combine | None = None
    status: DeepStatus = DeepStatus.OPEN
    deep_targets: int = 0
    deep_made: int = 0
    type: str = ""
    master: str = ""
    comment: str = ""
    processing: str = ""
    offered: int = 0
    is_list_wrong: bool = False
    unclear: str = ""

    @cached_property
    def content(self) -> bytes:
        """What changes with anything that is told."""
        return repr(self).encode("utf-8", "replace")

    @property
    def is_complete(self) -> bool:
        """Whether all raw files that exist are processed."""
        return 0 < self.existing <= self.processed

    @property
    def is_finished(self) -> bool:
        """Whether no further observations are to come."""
        return self.run_status in _FINISHED

    @property
    def goes_on(self) -> bool:
        """Whether the run is carried over to a later period."""
        return self.run_status == _GOES_ON

    @property
    def is_master(self) -> bool:
        """Whether it collects the datacubes of other runs."""
        return self.master == self.run.formal

    @property
    def m_s(self) -> str:
        """M of a MASTER, S of a SLAVE, '' of a run that is alone."""
        return "" if not self.master else "M" if self.is_master else "S"

    @property
    def data(self) -> RunData:
        """The line of RUN_DATA.txt."""
        return RunData(
            self.run.formal, self.sm_vm, self.n_dcubes, self.is_complete, self.status
        )


def run_status(schedules: Sequence[Schedule]) -> str:
    """Return how it stands with the observations of a run: its newest entry.

    What was carried over once is told so until it is complete or terminated.

    >>> run_status([Schedule("A", 95, status="carry-over"), Schedule("A", 96)])
    'CARRY-OVER'
    >>> run_status([Schedule("A", 95, status="Terminated")])
    'TERMINATED'
    """
    found = [schedule.status.strip().upper() for schedule in schedules]
    if not found:
        return ""
    is_carried_over = _GOES_ON in found and found[-1] not in _FINISHED
    return _GOES_ON if is_carried_over else found[-1] or _NO_STATUS


def sm_vm(run: RunId, schedules: Sequence[Schedule]) -> str:
    """Return how a run is observed, with periods and remarks where they tell more.

    >>> run = RunId(95, 0, "B", 934, "A")
    >>> sm_vm(run, [Schedule("", 95, "SM"), Schedule("", 96, "SM", remarks="late")])
    'SM (P95, P96; late)'
    >>> sm_vm(run, [Schedule("", 95, "VM", remarks="GTO")]), sm_vm(run, [])
    ('VM (GTO)', '')
    """
    modes = "/".join(dict.fromkeys(s.obs_mode for s in schedules if s.obs_mode))
    periods = [f"P{schedule.period}" for schedule in schedules]
    more = [] if periods == [f"P{run.period}"] else [", ".join(periods)]
    more += dict.fromkeys(s.remarks for s in schedules)
    told = "; ".join(word for word in more if word)
    return f"{modes} ({told})".strip() if told else modes


def is_gto(schedules: Sequence[Schedule]) -> bool:
    """Whether a run is guaranteed time: those often share targets."""
    return any(schedule.prog_type.strip().upper() == "GTO" for schedule in schedules)


def deep_status(
    combine: Combine | None,
    selected: Collection[str],
    made: Collection[str],
    mode: DeepMode | None = None,
) -> DeepStatus:
    """Return what became of the deep datacubes of a run.

    Args:
        combine: what a person decided; None: nothing yet.
        selected: the targets to combine.
        made: the targets that have a deep datacube.
        mode: what the processing site says; where it says anything, that counts.

    >>> deep_status(Combine.YES, {"A", "B"}, {"A", "C"}).value
    'open'
    >>> deep_status(Combine.YES, {"A"}, {"A"}).value, deep_status(None, (), ()).value
    ('done', 'open')
    >>> mode = DeepMode("094.D-0114(B)", DeepStatus.DONE, n_deep=2)
    >>> [deep_status(Combine.YES, of, (), mode).value for of in ("AB", "ABC")]
    ['done', 'open']
    """
    if combine is Combine.NO:
        return DeepStatus.NONE
    if combine is not Combine.YES:
        return DeepStatus.OPEN
    if mode is not None:
        is_done = mode.status is DeepStatus.DONE and mode.n_deep >= len(selected)
    else:
        is_done = len(with_deep(selected, made)) == len(selected) > 0
    return DeepStatus.DONE if is_done else DeepStatus.OPEN


def with_deep(selected: Collection[str], made: Collection[str]) -> set[str]:
    """Return the selected targets that have a deep datacube, by its name in ABs."""
    names = {name_in_abs(name) for name in made}
    return {target for target in selected if name_in_abs(target) in names}


@frozen
class Decided:
    """What people and the processing site say of runs, by run in formal spelling.

    `selected` are the targets of the target list of a run, or of its MASTER's.
    """

    types: Mapping[str, RunType]
    multi: Mapping[str, RunMulti]
    modes: Mapping[str, DeepMode]
    selected: Mapping[str, Collection[str]]


@frozen
class Known:
    """What is known of a run, as far as its row needs it.

    Of the database, but for the last three, which are as in `RunRow`.
    """

    schedules: Sequence[Schedule]
    brief: RunBrief
    raw_files: int
    deep: Collection[str]
    offered: int = 0
    is_list_wrong: bool = False
    unclear: str = ""


def run_row(run: RunId, known: Known, decided: Decided) -> RunRow:
    """Return what is told of a run in one line."""
    kind = decided.types.get(run.formal)
    combine = kind.combine if kind else None
    multi = decided.multi.get(run.formal)
    selected = decided.selected.get(run.formal, ())
    mode = decided.modes.get(multi.master if multi else run.formal)
    return RunRow(
        run=run,
        run_status=run_status(known.schedules),
        is_gto=is_gto(known.schedules),
        sm_vm=sm_vm(run, known.schedules),
        n_dcubes=known.brief.n_dcubes,
        processed=known.brief.processed,
        existing=known.raw_files,
        candidates=known.brief.candidates,
        combine=combine,
        status=deep_status(combine, selected, known.deep, mode),
        deep_targets=len(selected),
        deep_made=len(with_deep(selected, known.deep)),
        type=kind.type if kind else "",
        master=multi.master if multi else "",
        comment=kind.comment if kind else "",
        processing=f"{mode.status.value} {mode.updated}".strip() if mode else "",
        offered=known.offered,
        is_list_wrong=known.is_list_wrong,
        unclear=known.unclear,
    )


def is_better(measured: float | None, asked: float | None) -> bool | None:
    """Whether a resolution is better than what was asked for; None: not known."""
    if measured is None or asked is None or not isfinite(measured):
        return None
    return measured < asked
