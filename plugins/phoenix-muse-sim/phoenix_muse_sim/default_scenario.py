"""The default scenario: runs as an operator of deep datacubes meets them."""

from datetime import UTC, datetime

from .errors import SimulationError
from .scenario import Run, Scenario, Target, observing_block


def default_scenario(exposures: int = 2, *, sky: bool = True) -> Scenario:
    """Give five runs of several periods and modes, with the cases that need care.

    `exposures` is the number of OBJECT exposures an OB; without `sky` no target has
    SKY exposures of its own.
    """
    if exposures < 1:
        message = "an OB needs at least one exposure"
        raise SimulationError(message)
    objects = "O" * exposures
    with_sky = f"OS{objects[1:]}" if sky else objects
    return Scenario(
        (
            _galaxies(objects, with_sky),
            _starburst(with_sky),
            *_cluster_of_two_runs(objects),
            _deep_fields("OS" if sky else "O"),
        )
    )


def _galaxies(objects: str, with_sky: str) -> Run:
    """A run in service mode: with SKY, without, crowded; an OB was aborted."""
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
                first_dither=len(objects),
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
                first_dither=len(objects),
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
                first_dither=len(objects),
            ),
        ),
        crowded=True,
    )
    return Run(
        "094.D-0114(B)",
        (ngc300, hdfs, ngc288),
        pi_coi="Simmons, S.; Deckel, P.",
        title="Stars and gas of three nearby fields",
        abstract="A simulated run: two fields with gas, and a globular cluster.",
    )


def _starburst(with_sky: str) -> Run:
    """A run in visitor mode."""
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
                first_dither=with_sky.count("O"),
            ),
        ),
    )
    return Run(
        "095.B-0934(A)",
        (eso338,),
        service_mode="VM",
        pi_coi="Visser, V.",
        title="The halo of a starburst",
        abstract="A simulated run in visitor mode.",
    )


def _cluster_of_two_runs(objects: str) -> tuple[Run, Run]:
    """Two runs of guaranteed time: one OB of the same target in each."""
    visits = (
        ("096.D-0175(A)", 1130001, _utc(2016, 2, 10, 6, 10), 0, "A"),
        ("097.D-0107(A)", 1140001, _utc(2016, 4, 12, 2, 20), len(objects), "B"),
    )
    first, second = (
        Run(
            run_id,
            (
                Target(
                    "NGC3201",
                    154.4034,
                    -46.4125,
                    (
                        observing_block(
                            number,
                            "NGC3201_GTO",
                            start,
                            pattern=objects,
                            seeing=0.7,
                            grade=grade,
                            first_dither=dither,
                        ),
                    ),
                    crowded=True,
                ),
            ),
            service_mode="VM",
            prepared=False,
            prog_type="GTO",
            pi_coi="Gruber, G.; Tauber, O.",
            title="The centres of globular clusters",
            abstract="A simulated programme of guaranteed time, in two periods.",
        )
        for run_id, number, start, dither, grade in visits
    )
    return first, second


def _deep_fields(pattern: str) -> Run:
    """A run that was carried over: a field of two names, a name of two pointings."""
    udf = (53.1625, -27.7914)
    ngc1068 = (40.6696, -0.0133)
    north = 40.0 / 3600.0
    return Run(
        "098.A-0317(A)",
        (
            Target(
                "UDF-10",
                *udf,
                (
                    observing_block(
                        1150001,
                        "UDF10_1",
                        _utc(2016, 10, 25, 6, 5),
                        pattern=pattern,
                        seeing=0.75,
                    ),
                ),
            ),
            Target(
                "HUDF10",
                *udf,
                (
                    observing_block(
                        1150002,
                        "HUDF10_2",
                        _utc(2017, 9, 20, 8, 0),
                        pattern=pattern,
                        grade="B",
                        comment="moon rises",
                        first_dither=1,
                    ),
                ),
                place="UDF-10",
            ),
            Target(
                "NGC1068",
                *ngc1068,
                (
                    observing_block(
                        1150003, "NGC1068_a", _utc(2016, 10, 26, 4, 30), pattern="O"
                    ),
                    observing_block(
                        1150004,
                        "NGC1068_b",
                        _utc(2016, 11, 20, 3, 30),
                        pattern="O",
                        seeing=0.9,
                        first_dither=1,
                    ),
                ),
            ),
            Target(
                "NGC1068",
                ngc1068[0],
                ngc1068[1] + north,
                (
                    observing_block(
                        1150005, "NGC1068_c", _utc(2016, 10, 26, 5, 0), pattern="O"
                    ),
                    observing_block(
                        1150006,
                        "NGC1068_d",
                        _utc(2016, 11, 20, 4, 0),
                        pattern="O",
                        seeing=1.35,
                        grade="D",
                        comment="seeing, to be repeated",
                        first_dither=1,
                    ),
                ),
                place="NGC1068 north",
            ),
        ),
        status="CARRY-OVER",
        later=((99, "COMPLETE"),),
        prepared=False,
        pi_coi="Tiefer, T.; Langer, L.",
        title="Deeper into two fields",
        abstract="A simulated run that went on in the next period.",
        remarks="carried over to P99",
    )


def _utc(year: int, month: int, day: int, hour: int, minute: int) -> datetime:
    """Give a moment, with seconds that look like a real start."""
    second = (day * 7 + hour * 3 + minute) % 60
    microsecond = (minute * 17 + day) % 1000 * 1000
    return datetime(year, month, day, hour, minute, second, microsecond, tzinfo=UTC)
