"""What is observed, night by night: plain frozen values, to change with attrs.evolve.

An observing block (OB) is a series of exposures of one kind of setup: of a target, of
the dark or of the twilight sky. Masters are calibrations that the archive has already.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from attrs import evolve, field, frozen, validators

from .errors import SimulationError
from .filters import FILTERS
from .paranal import evening, night_of

OVERHEAD: Final = timedelta(seconds=14.317)
"""Between the end of an exposure and the start of the next one (ours)."""

JITTER: Final = 1.1
"""Arcsec: the jitter pattern's half width, beyond twice a star's width."""

JITTERS: Final = ((-1.0, -0.7), (1.0, 0.7), (-0.6, 0.9), (0.7, -1.0))
"""The exposures of an OB go through these in turn, in units of JITTER."""

SKY_OFFSET: Final = (-310.0, 190.0)
"""Arcsec east and north from the target to the empty field of its SKY exposures."""

FLAT_DIT: Final = 2.0
"""Seconds: the twilight flats', and that of the darks for them."""

UNUSED_DIT: Final = 5.0
"""Seconds: the DIT of a master dark that fits no exposure of the default scenario."""

CALIBRATION_RUN: Final = "60.A-9000(A)"
"""The run id of darks and twilight flats (ours)."""

NIGHTS: Final = ("2024-03-10", "2024-03-11")
"""The default scenario's nights; its targets are up from January to May."""


class Kind(StrEnum):
    """What an exposure is of: its DPR TYPE."""

    OBJECT = "OBJECT"
    SKY = "SKY"
    DARK = "DARK"
    FLAT = "FLAT"


class Fault(StrEnum):
    """What can be wrong with a raw file."""

    TRUNCATED = "truncated"
    """The file ends within its third extension."""
    NO_DIT = "no_dit"
    """The keyword ESO DET DIT is missing."""
    ZERO = "zero"
    """All pixels are zero."""


class Category(StrEnum):
    """The masters that come with the simulated archive: their PRO CATG."""

    FLAT = "MASTER_TWILIGHT_FLAT"
    CONFIDENCE = "MASTER_CONF"
    DARK = "MASTER_DARK"


def _aware(_: object, __: object, value: datetime) -> None:
    """Refuse a moment that does not say its time zone."""
    if value.tzinfo is None:
        message = f"the start {value} must be in UTC: datetime(..., tzinfo=UTC)"
        raise SimulationError(message)


def _known_filter(_: object, __: object, value: str) -> None:
    """Refuse a filter that the instrument does not have."""
    if value and value not in FILTERS:
        message = f"no such filter: {value} (there are {', '.join(FILTERS)})"
        raise SimulationError(message)


@frozen
class Setup:
    """How the detector is read: DIT in seconds, pixels are the mean of NDIT reads.

    `filter` by its name; darks have none.
    """

    filter: str = field(validator=_known_filter)
    dit: float = field(converter=float, validator=validators.gt(0))
    ndit: int = field(default=1, validator=validators.ge(1))

    @property
    def seconds(self) -> float:
        """How long an exposure takes."""
        return self.dit * self.ndit


@frozen
class Exposure:
    """One raw file. `start` in UTC, `seeing` the FWHM in arcsec.

    `offset` is commanded, `pointing_error` unknown to the headers (arcsec east and
    north; None draws one by the seed).
    """

    start: datetime = field(validator=_aware)
    kind: Kind
    setup: Setup
    seeing: float = field(default=0.5, validator=validators.gt(0.25))
    offset: tuple[float, float] = (0.0, 0.0)
    pointing_error: tuple[float, float] | None = None
    fault: Fault | None = None

    @property
    def date_obs(self) -> str:
        """The start to the millisecond, as in DATE-OBS."""
        return self.start.isoformat(timespec="milliseconds").removesuffix("+00:00")

    @property
    def raw_name(self) -> str:
        """The raw file's name."""
        return f"HAWKI.{self.date_obs}.fits"

    @property
    def night(self) -> str:
        """The night of the exposure, by the date of its evening."""
        return night_of(self.start)


@frozen
class Target:
    """A field on the sky: the position of the optical axis in degrees."""

    name: str
    ra: float
    dec: float


@frozen
class ObservingBlock:
    """What is executed in one go; an OB that is done again keeps its number.

    Without a target these are calibrations.
    """

    number: int
    name: str
    run_id: str
    template: str
    target: Target | None
    exposures: tuple[Exposure, ...] = field(validator=validators.min_len(1))

    @property
    def night(self) -> str:
        """The night on which it was executed."""
        return self.exposures[0].night


@frozen
class Master:
    """A master calibration of a night, for a filter or a DIT in seconds.

    A poor one is not what the exposures need: its content spoils what is made with it.
    """

    category: Category
    night: str
    filter: str = field(default="", validator=_known_filter)
    dit: float = FLAT_DIT
    poor: bool = False


def _distinct(_: object, __: object, blocks: Sequence[ObservingBlock]) -> None:
    """Refuse two exposures of one start: their files would have one name."""
    starts = Counter(one.date_obs for block in blocks for one in block.exposures)
    doubles = sorted(start for start, count in starts.items() if count > 1)
    if doubles:
        message = f"two exposures start at {', '.join(doubles)}"
        raise SimulationError(message)


@frozen
class Scenario:
    """All that the simulated observatory did, and what its archive has."""

    blocks: tuple[ObservingBlock, ...] = field(
        validator=[validators.min_len(1), _distinct]
    )
    masters: tuple[Master, ...] = ()

    @property
    def nights(self) -> tuple[str, ...]:
        """The nights in order."""
        return tuple(sorted({block.night for block in self.blocks}))

    @property
    def targets(self) -> tuple[Target, ...]:
        """The targets, each once, in the order of observation.

        Raises SimulationError when one name stands for two positions.
        """
        found: dict[str, Target] = {}
        for block in self.blocks:
            if block.target is not None:
                known = found.setdefault(block.target.name, block.target)
                if known != block.target:
                    message = f"there are two targets with the name {known.name}"
                    raise SimulationError(message)
        return tuple(found.values())


def observing_block(
    number: int,
    target: Target,
    start: datetime,
    setup: Setup,
    *,
    pattern: str = "OO",
    run_id: str = "112.25XX.001",
    seeing: float = 0.5,
) -> ObservingBlock:
    """Put exposures of a target one after the other: O is an OBJECT, S a SKY.

    The seeing (arcsec) gets worse by 0.01 an exposure.
    """
    exposures = []
    objects = skies = 0
    for count, letter in enumerate(pattern):
        if letter not in "OS":
            message = f"the pattern {pattern!r} may hold O and S only"
            raise SimulationError(message)
        kind = Kind.OBJECT if letter == "O" else Kind.SKY
        step = objects if kind is Kind.OBJECT else skies
        base = (0.0, 0.0) if kind is Kind.OBJECT else SKY_OFFSET
        jitter = JITTERS[step % len(JITTERS)]
        offset = (base[0] + JITTER * jitter[0], base[1] + JITTER * jitter[1])
        objects += kind is Kind.OBJECT
        skies += kind is Kind.SKY
        exposures.append(
            Exposure(start, kind, setup, round(seeing + 0.01 * count, 3), offset)
        )
        start += timedelta(seconds=setup.seconds) + OVERHEAD
    has_sky = any(one.kind is Kind.SKY for one in exposures)
    template = "AutoJitterOffset" if has_sky else "AutoJitter"
    return ObservingBlock(
        number,
        f"{target.name}_{setup.filter}",
        run_id,
        f"HAWKI_img_obs_{template}",
        target,
        tuple(exposures),
    )


def darks(
    number: int, start: datetime, dit: float, count: int = 3, ndit: int = 1
) -> ObservingBlock:
    """Put darks of one DIT (seconds) one after the other."""
    exposures = _repeated(Kind.DARK, start, Setup("", dit, ndit), count)
    template = "HAWKI_img_cal_Darks"
    return ObservingBlock(number, "DARKS", CALIBRATION_RUN, template, None, exposures)


def twilight_flats(
    number: int, start: datetime, name: str, count: int = 2
) -> ObservingBlock:
    """Put twilight flats through one filter one after the other."""
    exposures = _repeated(Kind.FLAT, start, Setup(name, FLAT_DIT), count)
    template = "HAWKI_img_cal_TwFlats"
    title = f"TWILIGHT_{name}"
    return ObservingBlock(number, title, CALIBRATION_RUN, template, None, exposures)


FIELD_ONE: Final = Target("SIM-FIELD-1", 97.5, -28.3)
FIELD_TWO: Final = Target("SIM-FIELD-2", 112.8, -33.1)
"""The default scenario's targets (ours), up in the evenings of March."""


def default_scenario(nights: Sequence[str] = NIGHTS, jitters: int = 2) -> Scenario:
    """Give nights that a second instrument needs for a demonstration.

    The first night has OB 200100001 (Ks, no SKY) and OB 200100002 (J, with SKY, after
    midnight UT), every other night OB 200100001 again; each has its darks and twilight
    flats. For the filters of the OBs the archive has one good flat and, as traps, an
    old poor one and flats of other filters that are nearer in time; and a dark of a
    DIT that nobody asked for.
    """
    if not nights:
        message = "a scenario needs at least one night"
        raise SimulationError(message)
    if len(set(nights)) < len(nights):
        message = "a night is named twice"
        raise SimulationError(message)
    in_order = sorted(nights, key=evening)
    blocks: list[ObservingBlock] = []
    for index, night in enumerate(in_order):
        blocks += _default_night(night, index, jitters)
    return Scenario(tuple(blocks), _default_masters(in_order[0]))


def without_darks(scenario: Scenario, dit: float) -> Scenario:
    """Leave the raw darks of a DIT (seconds) out.

    Raises SimulationError when there are none.
    """
    kept = [
        block
        for block in scenario.blocks
        if not (
            block.exposures[0].kind is Kind.DARK and block.exposures[0].setup.dit == dit
        )
    ]
    if len(kept) == len(scenario.blocks):
        message = f"there are no darks of {dit:g} s to leave out"
        raise SimulationError(message)
    return evolve(scenario, blocks=tuple(kept))


def without_flat(scenario: Scenario, name: str) -> Scenario:
    """Leave all master flats and confidence maps of a filter out: others remain.

    Raises SimulationError when there are none.
    """
    kept = [one for one in scenario.masters if one.filter != name]
    if len(kept) == len(scenario.masters):
        message = f"there are no masters of filter {name} to leave out"
        raise SimulationError(message)
    return evolve(scenario, masters=tuple(kept))


def with_fault(
    scenario: Scenario,
    block_number: int,
    exposure_number: int,
    fault: Fault,
    night: str | None = None,
) -> Scenario:
    """Spoil an exposure (counted from 1) of an OB, of its first execution or a night's.

    Raises SimulationError when there is no such exposure.
    """
    for place, block in enumerate(scenario.blocks):
        if block.number == block_number and night in {None, block.night}:
            if not 1 <= exposure_number <= len(block.exposures):
                message = f"OB {block_number} has {len(block.exposures)} exposures"
                raise SimulationError(message)
            exposures = list(block.exposures)
            chosen = exposures[exposure_number - 1]
            exposures[exposure_number - 1] = evolve(chosen, fault=fault)
            spoiled = evolve(block, exposures=tuple(exposures))
            blocks = (*scenario.blocks[:place], spoiled, *scenario.blocks[place + 1 :])
            return evolve(scenario, blocks=blocks)
    numbers = ", ".join(sorted({str(block.number) for block in scenario.blocks}))
    message = f"no such OB: {block_number} (there are {numbers})"
    raise SimulationError(message)


def _repeated(
    kind: Kind, start: datetime, setup: Setup, count: int
) -> tuple[Exposure, ...]:
    """Repeat an exposure without a target."""
    step = timedelta(seconds=setup.seconds) + OVERHEAD
    starts = (start + step * repeat for repeat in range(count))
    return tuple(Exposure(one, kind, setup) for one in starts)


def _default_night(night: str, index: int, jitters: int) -> list[ObservingBlock]:
    """Give a night in the order of time; calibrations count from 200000001."""
    noon = evening(night)
    number = 200000001 + 10 * index
    in_ks, in_j = Setup("Ks", 10.0), Setup("J", 20.0)
    blocks = [
        twilight_flats(number, noon + _clock(10, 48, 7.214), "Ks"),
        observing_block(
            200100001,
            FIELD_ONE,
            noon + _clock(11, 41, 23.652),
            in_ks,
            pattern="O" * jitters,
        ),
    ]
    dits = [FLAT_DIT, in_ks.dit]
    if index == 0:
        blocks.append(
            observing_block(
                200100002,
                FIELD_TWO,
                noon + _clock(12, 30, 41.087),
                in_j,
                pattern="OS" * jitters,
                run_id="0112.B-0451(A)",
            )
        )
        dits.append(in_j.dit)
    for place, dit in enumerate(dits):
        start = noon + _clock(22, 5 + 4 * place, 12.508)
        blocks.append(darks(number + 1 + place, start, dit))
    return blocks


def _default_masters(first_night: str) -> tuple[Master, ...]:
    """Give what the archive has, good and poor."""
    masters = []
    for days, name, poor in (
        (2, "Ks", False),
        (1, "J", False),
        (0, "H", False),
        (21, "Ks", True),
        (20, "J", True),
    ):
        night = night_of(evening(first_night) - timedelta(days=days))
        masters += [
            Master(category, night, name, poor=poor)
            for category in (Category.FLAT, Category.CONFIDENCE)
        ]
    masters.append(Master(Category.DARK, first_night, dit=UNUSED_DIT, poor=True))
    return tuple(masters)


def _clock(hours: int, minutes: int, seconds: float) -> timedelta:
    """Give the time since noon."""
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)
