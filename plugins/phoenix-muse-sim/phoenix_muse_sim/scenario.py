"""What is observed: runs, targets, observing blocks (OBs), exposures.

Plain frozen values: build a scenario of your own, or change one with attrs.evolve.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from attrs import evolve, field, frozen, validators

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
    """A field on the sky: centre in degrees, its OBs in the order of execution."""

    name: str
    ra: float
    dec: float
    blocks: tuple[ObservingBlock, ...]
    crowded: bool = False

    @property
    def exposures(self) -> tuple[Exposure, ...]:
        """All exposures of the target, in time."""
        found = (exposure for block in self.blocks for exposure in block.exposures)
        return tuple(sorted(found, key=lambda exposure: exposure.start))


@frozen
class Run:
    """An observing run; `run_id` as in headers, with brackets if of the old style."""

    run_id: str
    targets: tuple[Target, ...]
    service_mode: str = field(default="SM", validator=validators.in_(("SM", "VM")))
    status: str = "COMPLETE"

    @property
    def exposures(self) -> tuple[Exposure, ...]:
        """All exposures of the run, in time."""
        found = (exposure for target in self.targets for exposure in target.exposures)
        return tuple(sorted(found, key=lambda exposure: exposure.start))

    @property
    def civil_date(self) -> str:
        """The run's first night; its calibrations carry it."""
        return self.exposures[0].civil_date


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


def default_scenario(exposures: int = 2, *, sky: bool = True) -> Scenario:
    """Give two runs with four targets, each visited twice.

    `exposures` is the number of OBJECT exposures an OB; without `sky` no target has
    SKY exposures of its own.
    """
    if exposures < 1:
        message = "an OB needs at least one exposure"
        raise SimulationError(message)
    objects = "O" * exposures
    with_sky = f"OS{objects[1:]}" if sky else objects
    ngc300 = Target(
        "NGC300",
        13.7229,
        -37.6844,
        (
            observing_block(
                1090001, "NGC300_1", _utc(2014, 10, 23, 1, 10), pattern=with_sky
            ),
            observing_block(
                1090002,
                "NGC300_2",
                _utc(2014, 10, 24, 1, 30),
                pattern=with_sky,
                seeing=0.9,
                grade="B",
                comment="seeing at the limit",
                first_dither=exposures,
            ),
        ),
    )
    hdfs = Target(
        "HDFS",
        338.2343,
        -60.5507,
        (
            observing_block(
                1090003,
                "HDFS_1",
                _utc(2014, 10, 22, 23, 57),
                pattern=objects,
                seeing=0.7,
            ),
            observing_block(
                1090004,
                "HDFS_2",
                _utc(2014, 10, 24, 0, 5),
                pattern=f"{objects}o",
                seeing=0.95,
                grade="C",
                comment="aborted: clouds",
                first_dither=exposures,
            ),
        ),
    )
    ngc288 = Target(
        "NGC288",
        13.1885,
        -26.5826,
        (
            observing_block(
                1090005,
                "NGC288_1",
                _utc(2014, 10, 23, 2, 40),
                pattern=objects,
                seeing=0.65,
            ),
            observing_block(
                1090006,
                "NGC288_2",
                _utc(2014, 11, 18, 0, 50),
                pattern=objects,
                seeing=0.75,
                grade="B",
                comment="thin clouds",
                first_dither=exposures,
            ),
        ),
        crowded=True,
    )
    eso338 = Target(
        "ESO338-IG04",
        291.9926,
        -41.5755,
        (
            observing_block(
                1120001, "ESO338_1", _utc(2015, 6, 16, 4, 20), pattern=with_sky
            ),
            observing_block(
                1120002,
                "ESO338_2",
                _utc(2015, 6, 17, 4, 45),
                pattern=with_sky,
                seeing=0.85,
                first_dither=exposures,
            ),
        ),
    )
    return Scenario(
        (
            Run("094.D-0114(B)", (ngc300, hdfs, ngc288)),
            Run("095.B-0934(A)", (eso338,), service_mode="VM"),
        )
    )


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


def _utc(year: int, month: int, day: int, hour: int, minute: int) -> datetime:
    """Give a moment, with seconds that look like a real start."""
    second = (day * 7 + hour * 3 + minute) % 60
    microsecond = (minute * 17 + day) % 1000 * 1000
    return datetime(year, month, day, hour, minute, second, microsecond, tzinfo=UTC)
