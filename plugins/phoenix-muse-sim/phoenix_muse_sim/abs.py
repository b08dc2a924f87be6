"""Association blocks (ABs): the simulated history, and the input of deep runs."""

from collections.abc import Iterable, Sequence
from datetime import date as calendar_date
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from .calibrations import calibration_name
from .detector import OVERSCAN
from .exposures import INSTRUMENT_MODE
from .paranal import mjd
from .scenario import Exposure, Kind, ObservingBlock, Run, Target
from .sizes import Size

TOOL_VERSION: Final = "phoenix_simulate_MUSE-0.1"
CONFIG_VERSION: Final = "1.0"
_COLUMN: Final = 18
_FILE_COLUMN: Final = 42
_CATEGORIES: Final = "ABCDEFGHIJKL"


class Branch(StrEnum):
    """The branches of the AB store."""

    HISTORY = "MUSE_R"
    DEEP = "MUSE_deep"


@frozen
class Block:
    """What one AB says; files and tags in the order of the SOF."""

    tag: str
    recipe: str
    raw_type: str
    primary: Exposure
    first: ObservingBlock
    exposures: tuple[Exposure, ...]
    parameters: tuple[str, ...] = ()
    raw: tuple[tuple[str, str], ...] = ()
    virtual: tuple[tuple[str, str], ...] = ()
    real: tuple[tuple[str, str], ...] = ()
    extra: tuple[tuple[str, str], ...] = field(default=())
    event: str = "SINGLE"

    @property
    def name(self) -> str:
        """The AB's file name."""
        return ab_name(self.primary, self.tag)


def ab_name(primary: Exposure, tag: str) -> str:
    """Name an AB after its first raw file and what it makes."""
    return f"{primary.root}{tag}.ab"


def pseudo_dates(run_ids: Sequence[str]) -> dict[str, str]:
    """Give each run the label that stands where tools expect a date.

    Our rule: year 2000 + period, month by the category letter (A = 1 .. L = 12),
    day by the number modulo 100; if there is no such day or it is taken, the next
    free one. New-style run ids go from 1 January on.
    """
    taken: dict[str, str] = {}
    for run_id in run_ids:
        year, month, day = _first_choice(run_id)
        while not _is_date(year, month, day) or f"{year:04d}-{month:02d}-{day:02d}" in (
            taken.values()
        ):
            year, month, day = _next_day(year, month, day)
        taken[run_id] = f"{year:04d}-{month:02d}-{day:02d}"
    return taken


def blocks(run: Run, size: Size, branch: Branch) -> list[tuple[str, Block]]:
    """List a run's ABs in the order of the cascade, each with its date.

    The history holds every exposure and what was made of each OB; the deep branch
    what each target's deep cube is made of (aborted exposures and targets with a
    single OBJECT exposure left out). The deep branch's date is the pseudo-date.
    """
    found: list[Block] = []
    for target in run.targets:
        chosen = [
            (block, _chosen(block, branch))
            for block in target.blocks
            if _chosen(block, branch)
        ]
        objects = [
            (block, one)
            for block, exposures in chosen
            for one in exposures
            if one.kind is Kind.OBJECT
        ]
        if branch is Branch.DEEP and len(objects) < 2:  # noqa: PLR2004 - a pair
            continue
        for block, exposures in chosen:
            calibrated = _Calibrated(run.calibration_date(block))
            found += _of_exposures(block, exposures, size, calibrated)
            if branch is Branch.HISTORY:
                found += _of_template(block, exposures, calibrated)
        if branch is Branch.DEEP:
            found.append(_of_target(run, target, objects))
    if branch is Branch.DEEP:
        label = pseudo_dates([run.run_id])[run.run_id]
        return [(label, block) for block in found]
    return [(block.primary.civil_date, block) for block in found]


def ab_text(block: Block, run: Run, date: str, branch: Branch) -> str:
    """Write an AB: one qualifier a line, in the documented order."""
    root = f"r.{block.name.removesuffix('.ab')}"
    start = mjd(block.primary.start)
    last = max(block.exposures, key=lambda exposure: exposure.start)
    end = mjd(last.start) + last.exposure_time / 86400.0
    aborted = any(exposure.aborted for exposure in block.exposures)
    status = "CREATED" if branch is Branch.DEEP else "SUCCESSFUL"
    lines = [
        _line("TOOL_VERSION", TOOL_VERSION),
        _line("CONFIG_VERSION", CONFIG_VERSION),
        _line("INSTRUMENT", "MUSE"),
        _line("DATE", date),
        _line("DPR_CATG", "SCIENCE"),
        _line("RAW_TYPE", block.raw_type),
        _line("RECIPE", block.recipe),
        _line("DRS_TYPE", "CPL"),
        _line("BATCH_ID", f"SCIENCE_{date}"),
        _line("AB_NAME", block.name),
        _line("AB_EVENT", block.event),
        _line("COMPLETENESS", "INCOMPLETE" if aborted else "COMPLETE"),
        _line("PROCESS_STATUS", status),
        _line("OBS_PROG_ID", run.run_id),
        _line("OBS_MODE", run.service_mode),
        _line("OBS_ID", str(block.first.number)),
        _line("MJD-OBS", f"{start:.8f}"),
        _line("MJD-OBS_MOD", f"{(start + end) / 2.0:.8f}"),
        _line("PROD_ROOT_NAME", root),
        _line("LOG_NAME", f"{root}.log"),
    ]
    if branch is Branch.HISTORY:
        lines += [
            "# pipeline product path",
            _line("PROD_PATH", f"$DFS_PRODUCT/{block.raw_type}/{date}"),
        ]
    lines += ["# raw match key", _line("RAW_MATCH_KEY", f"INS_MODE={INSTRUMENT_MODE}")]
    lines += _section("deep", (_line(*pair) for pair in block.extra))
    lines += _section(
        "recipe parameters", (_line("RECIPE_PARAM", one) for one in block.parameters)
    )
    lines += _section(
        "raw files", (_line("RAWFILE", *_columns(pair)) for pair in block.raw)
    )
    lines += _section(
        "calibrations and products of other ABs",
        [
            *(_line("MCALIB", "VIRTUAL ", *_columns(pair)) for pair in block.virtual),
            *(_line("MCALIB", "REAL    ", *_columns(pair)) for pair in block.real),
        ],
    )
    return "\n".join(lines) + "\n"


@frozen
class _Calibrated:
    """The calibrations of one date, as (file, tag) pairs."""

    date: str

    def files(self, *tags: str) -> tuple[tuple[str, str], ...]:
        """Pair the files with the tags asked for."""
        return tuple((calibration_name(tag, self.date), tag) for tag in tags)


def _chosen(block: ObservingBlock, branch: Branch) -> tuple[Exposure, ...]:
    """Pick an OB's exposures for a branch; without an OBJECT there is none."""
    kept = tuple(
        one for one in block.exposures if branch is Branch.HISTORY or not one.aborted
    )
    return kept if any(one.kind is Kind.OBJECT for one in kept) else ()


def _of_exposures(
    block: ObservingBlock,
    exposures: tuple[Exposure, ...],
    size: Size,
    calibrated: _Calibrated,
) -> Iterable[Block]:
    """Give the ABs of an OB's exposures: scibasic, sky, scipost."""
    low, high = size.lambda_range
    cut = (f"--lambdamin={low:g}", f"--lambdamax={high:g}")
    skies = [one for one in exposures if one.kind is Kind.SKY]
    for exposure in exposures:
        yield Block(
            "",
            "muse_scibasic",
            exposure.kind.value,
            exposure,
            block,
            (exposure,),
            parameters=(
                f"--nifu={1 if size.ifus == 1 else 0}",
                "--saveimage=false",
                f"--overscan={OVERSCAN}",
            ),
            raw=((exposure.raw_name, exposure.kind.value),),
            real=calibrated.files(
                "MASTER_BIAS",
                "MASTER_FLAT",
                "TRACE_TABLE",
                "WAVECAL_TABLE",
                "GEOMETRY_TABLE",
            ),
        )
    for sky in skies:
        yield Block(
            "_sky",
            "muse_create_sky",
            "PIXTABLE_SKY",
            sky,
            block,
            (sky,),
            parameters=cut,
            virtual=((ab_name(sky, ""), "PIXTABLE_SKY"),),
            real=calibrated.files(
                "EXTINCT_TABLE",
                "STD_RESPONSE",
                "STD_TELLURIC",
                "SKY_LINES",
                "LSF_PROFILE",
            ),
        )
    for exposure in exposures:
        if exposure.kind is Kind.OBJECT:
            yield _scipost(block, exposure, skies, cut, calibrated)


def _scipost(
    block: ObservingBlock,
    exposure: Exposure,
    skies: Sequence[Exposure],
    cut: tuple[str, ...],
    calibrated: _Calibrated,
) -> Block:
    """Give the scipost AB of an exposure, with the sky nearest in time if any."""
    nearest = sorted(skies, key=lambda sky: abs(sky.start - exposure.start))[:1]
    method = "subtract-model" if nearest else "model"
    from_sky = tuple(
        (ab_name(sky, "_sky"), tag)
        for sky in nearest
        for tag in ("SKY_LINES", "SKY_CONTINUUM")
    )
    static = (
        "EXTINCT_TABLE",
        "STD_RESPONSE",
        "STD_TELLURIC",
        "ASTROMETRY_WCS",
        "LSF_PROFILE",
        "FILTER_LIST",
        *(() if nearest else ("SKY_LINES",)),
    )
    return Block(
        "_pst",
        "muse_scipost",
        "PIXTABLE_OBJECT",
        exposure,
        block,
        (exposure,),
        parameters=(
            "--save=cube,individual",
            f"--skymethod={method}",
            "--filter=white",
            *cut,
        ),
        virtual=((ab_name(exposure, ""), "PIXTABLE_OBJECT"), *from_sky),
        real=calibrated.files(*static),
    )


def _of_template(
    block: ObservingBlock, exposures: tuple[Exposure, ...], calibrated: _Calibrated
) -> Iterable[Block]:
    """Give the ABs of the cube that the history made of an OB; one needs a pair."""
    objects = tuple(one for one in exposures if one.kind is Kind.OBJECT)
    if len(objects) < 2:  # noqa: PLR2004 - a pair
        return
    align = Block(
        "_tal",
        "muse_exp_align",
        "IMAGE_FOV",
        objects[0],
        block,
        objects,
        virtual=tuple((ab_name(one, "_pst"), "IMAGE_FOV") for one in objects),
        event="TPL",
    )
    yield align
    yield Block(
        "_tpl",
        "muse_exp_combine",
        "PIXTABLE_REDUCED",
        objects[0],
        block,
        objects,
        parameters=("--filter=white", "--save=cube"),
        virtual=(
            *((ab_name(one, "_pst"), "PIXTABLE_REDUCED") for one in objects),
            (align.name, "OFFSET_LIST"),
        ),
        real=calibrated.files("FILTER_LIST"),
        event="TPL",
    )


def _of_target(
    run: Run,
    target: Target,
    objects: Sequence[tuple[ObservingBlock, Exposure]],
) -> Block:
    """Give the AB of a target's deep cube; its alignment is the AB PGI's to add."""
    in_time = sorted(objects, key=lambda visit: visit[1].start)
    first, primary = in_time[0]
    calibrated = _Calibrated(run.calibration_date(first))
    exposures = tuple(exposure for _, exposure in in_time)
    mode = (("PROC_MODE", "CROWDED"),) if target.crowded else ()
    return Block(
        "_dpc",
        "muse_exp_combine",
        "MUSE_DEEP",
        primary,
        first,
        exposures,
        parameters=("--filter=white", "--save=cube"),
        virtual=tuple((ab_name(one, "_pst"), "PIXTABLE_REDUCED") for one in exposures),
        real=calibrated.files("FILTER_LIST"),
        extra=(("TARGET", target.name), ("RUN_ID", run.run_id), *mode),
        event="DEEP",
    )


def _line(qualifier: str, *columns: str) -> str:
    """Write a qualifier and its content."""
    return f"{qualifier:<{_COLUMN}}{' '.join(columns)}"


def _columns(pair: tuple[str, str]) -> tuple[str, str]:
    """Align a file name with the tag after it."""
    return f"{pair[0]:<{_FILE_COLUMN}}", pair[1]


def _section(title: str, lines: Iterable[str]) -> list[str]:
    """Head lines with a comment, if there are any."""
    content = list(lines)
    return [f"# {title}", *content] if content else []


def _first_choice(run_id: str) -> tuple[int, int, int]:
    """Give the year, month, day that a run id asks for; the day may not exist."""
    first, second, *_ = run_id.replace("-", ".").split(".")
    if second[:1] in _CATEGORIES and len(second) == 1:
        number = run_id.split("-")[1][:4]
        period = first[-2:] if len(first) == len("094") else first[-3:]
        return 2000 + int(period), _CATEGORIES.index(second) + 1, int(number) % 100
    return 2000 + int(first[-3:]), 1, 1


def _is_date(year: int, month: int, day: int) -> bool:
    """Tell whether the calendar has such a day."""
    try:
        calendar_date(year, month, day)
    except ValueError:
        return False
    return True


def _next_day(year: int, month: int, day: int) -> tuple[int, int, int]:
    """Go on to the next day, which may not exist, and to the next month after 31."""
    if day < 31:  # noqa: PLR2004 - days of a month
        return year, month, day + 1
    return (year, month + 1, 1) if month < 12 else (year + 1, 1, 1)  # noqa: PLR2004
