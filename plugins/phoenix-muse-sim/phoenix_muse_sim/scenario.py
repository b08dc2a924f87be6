"""What is observed: runs, targets, observing blocks (OBs), exposures.

Plain frozen values: build a scenario of your own, or change one with attrs.evolve.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from attrs import Factory, evolve, field, frozen, validators

from .errors import SimulationError
from .paranal import civil_date

OVERHEAD: Final = timedelta(seconds=95.123)
"""Between the end of an exposure and the start of the next one (ours)."""

DITHERS: Final = (
    (0.0, 0.0),
    (0.4, -0.2),
    (-0.2, 0.4),
    (-0.4, -0.4),
    (0.2, 0.2),
    (-0.2, -0.2),
    (0.4, 0.4),
    (-0.4, 0.2),
)
"""Arcsec east and north: the exposures of a target go through these in turn."""

SKY_OFFSET: Final = (0.0, 90.0)
"""Arcsec from the target to the empty field of a SKY exposure."""


CALIBRATIONS_LAST: Final = 50
"""Days after which a run gets calibrations anew (ours; the rules want below 60)."""


class Kind(StrEnum):
    """What an exposure is of: its DPR TYPE and its tag in a SOF."""

    OBJECT = "OBJECT"
    SKY = "SKY"


def _aware(_: object, __: object, value: datetime) -> None:
    """Refuse a moment that does not say its time zone."""
    if value.tzinfo is None:
        message = f"the start {value} must be in UTC: datetime(..., tzinfo=UTC)"
        raise SimulationError(message)


@frozen
class Exposure:
    """One opening of the shutter.

    `start` in UTC, `exposure_time` in seconds, `seeing` the FWHM in arcsec.
    `dither` is commanded, `pointing_error` unknown to the headers (arcsec east and
    north; None draws one by the seed). `position_angle` in degrees.
    A dither beyond the field shows a foreign field with stars of its own.
    """

    start: datetime = field(validator=_aware)
    kind: Kind = Kind.OBJECT
    exposure_time: float = field(default=600.0, validator=validators.gt(0))
    seeing: float = field(default=0.8, validator=validators.gt(0.3))
    dither: tuple[float, float] = (0.0, 0.0)
    pointing_error: tuple[float, float] | None = None
    position_angle: float = 0.0
    aborted: bool = False

    @property
    def date_obs(self) -> str:
        """The start to the millisecond, as in DATE-OBS."""
        return self.start.isoformat(timespec="milliseconds").removesuffix("+00:00")

    @property
    def root(self) -> str:
        """The raw file's name without .fits; it names ABs and products."""
        return f"MUSE.{self.date_obs}"

    @property
    def raw_name(self) -> str:
        """The raw file's name."""
        return f"{self.root}.fits"

    @property
    def civil_date(self) -> str:
        """The night of the exposure."""
        return civil_date(self.start)


@frozen
class ObservingBlock:
    """What is executed in one go; `grade` A to D, seeing limit in arcsec."""

    number: int
    name: str
    exposures: tuple[Exposure, ...] = field(validator=validators.min_len(1))
    grade: str = field(default="A", validator=validators.in_("ABCD"))
    comment: str = ""
    seeing_limit: float = 1.0

    def of_kind(self, kind: Kind) -> tuple[Exposure, ...]:
        """Pick the OBJECT or the SKY exposures."""
        return tuple(one for one in self.exposures if one.kind is kind)


@frozen
class Target:
    """What the PI calls a target: centre in degrees, its OBs in order of execution.

    `place` tells its stars: two targets of one place and centre are the same sky
    under two names, two of one name and different places are two pointings.
    """

    name: str
    ra: float
    dec: float
    blocks: tuple[ObservingBlock, ...]
    crowded: bool = False
    place: str = field(default=Factory(lambda target: target.name, takes_self=True))

    @property
    def exposures(self) -> tuple[Exposure, ...]:
        """All exposures of the target, in time."""
        found = (exposure for block in self.blocks for exposure in block.exposures)
        return tuple(sorted(found, key=lambda exposure: exposure.start))


@frozen
class Run:
    """An observing run; `run_id` as in headers, with brackets if of the old style.

    `status` is what became of it in its own period, `later` in those that it was
    carried over to. `prepared` runs have their ABs in branch MUSE_deep; of others a
    person makes them out of the history.
    """

    run_id: str
    targets: tuple[Target, ...]
    service_mode: str = field(default="SM", validator=validators.in_(("SM", "VM")))
    status: str = "COMPLETE"
    later: tuple[tuple[int, str], ...] = ()
    prepared: bool = True
    prog_type: str = "Normal"
    pi_coi: str = ""
    title: str = ""
    abstract: str = ""
    remarks: str = ""

    @property
    def period(self) -> int:
        """The period that its number says."""
        first = self.run_id.split(".")[0]
        has_type = "-" in self.run_id and len(first) > len("60")
        return int(first[1:] if has_type else first)

    @property
    def exposures(self) -> tuple[Exposure, ...]:
        """All exposures of the run, in time."""
        found = (exposure for target in self.targets for exposure in target.exposures)
        return tuple(sorted(found, key=lambda exposure: exposure.start))

    @property
    def calibrated(self) -> tuple[str, ...]:
        """The nights whose calibrations it has: its first, and when those are old."""
        dates: list[str] = []
        for night in sorted({exposure.civil_date for exposure in self.exposures}):
            if not dates or _days_between(dates[-1], night) > CALIBRATIONS_LAST:
                dates.append(night)
        return tuple(dates)

    def calibration_date(self, block: ObservingBlock) -> str:
        """The night whose calibrations an OB has."""
        night = block.exposures[0].civil_date
        return max(one for one in self.calibrated if one <= night)


def _days_between(first: str, second: str) -> int:
    return (date.fromisoformat(second) - date.fromisoformat(first)).days


def _distinct(_: object, __: object, runs: Sequence[Run]) -> None:
    """Refuse two exposures of one start: the recipes tell them apart by it alone."""
    starts = [one.date_obs for run in runs for one in run.exposures]
    doubles = sorted({start for start in starts if starts.count(start) > 1})
    if doubles:
        message = f"two exposures start at {', '.join(doubles)}"
        raise SimulationError(message)


@frozen
class Scenario:
    """All that the simulated observatory did."""

    runs: tuple[Run, ...] = field(validator=[validators.min_len(1), _distinct])

    def visits(self) -> Iterator[tuple[Run, Target, ObservingBlock]]:
        """Go through every OB with the run and the target it belongs to."""
        for run in self.runs:
            for target in run.targets:
                for block in target.blocks:
                    yield run, target, block


def observing_block(
    number: int,
    name: str,
    start: datetime,
    *,
    pattern: str = "OSO",
    seeing: float = 0.8,
    exposure_time: float = 600.0,
    grade: str = "A",
    comment: str = "",
    first_dither: int = 0,
) -> ObservingBlock:
    """Put exposures one after the other: O is an OBJECT, S a SKY of a fifth the time.

    Lower case o is an OBJECT aborted after a tenth of its time. The seeing (arcsec)
    gets worse by 0.02 an exposure.
    """
    exposures: list[Exposure] = []
    dithers = first_dither
    for count, letter in enumerate(pattern):
        if letter not in "OSo":
            message = f"the pattern {pattern!r} may hold O, S and o only"
            raise SimulationError(message)
        kind = Kind.SKY if letter == "S" else Kind.OBJECT
        share = {"O": 1.0, "S": 0.2, "o": 0.1}[letter]
        exposures.append(
            Exposure(
                start,
                kind,
                exposure_time=exposure_time * share,
                seeing=round(seeing + 0.02 * count, 3),
                dither=SKY_OFFSET
                if kind is Kind.SKY
                else DITHERS[dithers % len(DITHERS)],
                aborted=letter == "o",
            )
        )
        dithers += kind is Kind.OBJECT
        start += timedelta(seconds=exposure_time * share) + OVERHEAD
    return ObservingBlock(number, name, tuple(exposures), grade, comment)


def select(
    scenario: Scenario, runs: Sequence[str] = (), targets: Sequence[str] = ()
) -> Scenario:
    """Keep the named runs (with or without brackets) and targets; none keeps all.

    Raises SimulationError for a name that the scenario does not have.
    """
    wanted = {_bare(run_id) for run_id in runs}
    _all_known("run", wanted, {_bare(run.run_id) for run in scenario.runs})
    names = {target.name for run in scenario.runs for target in run.targets}
    _all_known("target", set(targets), names)
    kept = []
    for run in scenario.runs:
        chosen = tuple(one for one in run.targets if not targets or one.name in targets)
        if chosen and (not wanted or _bare(run.run_id) in wanted):
            kept.append(evolve(run, targets=chosen))
    if not kept:
        message = "none of the runs chosen has any of the targets chosen"
        raise SimulationError(message)
    return Scenario(tuple(kept))


def _all_known(noun: str, wanted: set[str], known: set[str]) -> None:
    """Refuse names that are not among the known ones."""
    if wanted - known:
        strangers, names = ", ".join(sorted(wanted - known)), ", ".join(sorted(known))
        message = f"no such {noun}: {strangers} (there are {names})"
        raise SimulationError(message)


def _bare(run_id: str) -> str:
    """Write a run id without brackets."""
    return run_id.replace("(", "").replace(")", "")
