"""The QC report of a datacube: parameters, scores, score bit, warnings and the plot.

What the parameters are, and their units: qc_parameters. NOISE is measured in the
planes; NOISE_PROPAGATED is the pipeline's, too low by what resampling correlates;
NOISE_RATIO is the one by the other. HISTO_BKG is ours: the peak of the histogram of the
white-light image, as ESO's HDRL finds it; the median of a clipped image, BKG_MEDIAN, is
drawn up by the wings of stars.
"""

from collections.abc import Sequence

from attrs import frozen

from muse_deep_plugin.qc1_tables import DEEP, SINGLE
from muse_deep_plugin.qc_any_cube import (
    cube_parameters,
    depth,
    known_ones,
    ratios,
    sky,
)
from muse_deep_plugin.qc_compare import Image
from muse_deep_plugin.qc_cube import CubeMeasures, measure_cube
from muse_deep_plugin.qc_deep_cube import (
    alignment_parameters,
    counted,
    deep_parameters,
    deep_sky_res,
    depth_gain,
    is_aligned,
    member_parameters,
    size_ratio,
)
from muse_deep_plugin.qc_depth import sky_res
from muse_deep_plugin.qc_deviations import deep_deviations, single_comments
from muse_deep_plugin.qc_history import History, history
from muse_deep_plugin.qc_keywords import (
    Value,
    offsets,
    qc_parameters,
    read_header,
    target,
)
from muse_deep_plugin.qc_members import (
    Member,
    alignment,
    compared,
    members_of,
    reports_of,
)
from muse_deep_plugin.qc_one_exposure import exposure_parameters, residual_shift
from muse_deep_plugin.qc_origin import origin
from muse_deep_plugin.qc_rows import Cube, pipefile, qc1_rows
from muse_deep_plugin.qc_scores import Options, number, scores
from muse_deep_plugin.qc_sheet import Sheet, draw_sheet
from muse_deep_plugin.qc_sheet_inputs import times_in, unmatched
from muse_deep_plugin.qc_sources import Source, find_sources
from muse_deep_plugin.qc_units import units_of
from muse_deep_plugin.score_bit import deep_flags, single_flags
from muse_deep_plugin.steps import EXP_COMBINE
from phoenix_core.errors import ConfigError
from phoenix_core.model import AssociationBlock, Product, QcReport, Run, Score
from phoenix_core.run_id import parse_run_id


@frozen(eq=False)
class _Measured:
    """A cube that was looked at, before it is judged."""

    run: Run
    block: AssociationBlock
    measures: CubeMeasures
    parameters: dict[str, Value]
    products: Sequence[Product]
    sources: tuple[Source, ...]
    known: History


def measure(
    run: Run,
    block: AssociationBlock,
    products: Sequence[Product],
    cube: Product,
    options: Options,
) -> QcReport:
    """Measure, score and draw the datacube of a pst or dpc AB.

    Raises:
        ProcessingError: a product cannot be read.
    """
    measures = measure_cube(cube.path)
    others = [p.path for p in products if p != cube and p.path.suffix == ".fits"]
    headers = [measures.header, *map(read_header, others)]
    is_deep = block.recipe == EXP_COMBINE.recipe
    sources = find_sources(measures.white, measures.depth)
    known = history(
        run,
        DEEP if is_deep else SINGLE,
        pipefile(block),
        measures.header.get("ESO OBS ID"),
    )
    parameters = qc_parameters(headers) | cube_parameters(measures, sources, known)
    measured = _Measured(run, block, measures, parameters, products, sources, known)
    return _deep(measured, options) if is_deep else _single(measured, cube, options)


def _single(measured: _Measured, cube: Product, options: Options) -> QcReport:
    """The report of an exposure."""
    measures, found = measured.measures, measured.parameters
    found |= exposure_parameters(measures)
    found |= origin(measured.run, measured.block, measures.header)
    found |= depth(measures, sky_res(measures.header))
    found |= ratios(found)
    found |= sky(measures, is_subtracted=found["SKY_METHOD"] != "none")
    shift = residual_shift(measured.run, measured.block, measures, cube)
    found |= known_ones({"LSHIFT_MAX": shift})
    found["QCFLAG"] = single_flags(found)
    judged = scores(found, options.of_single)
    return _report(measured, judged, single_comments(judged))


def _deep(measured: _Measured, options: Options) -> QcReport:
    """The report of a deep cube."""
    run, block, measures = measured.run, measured.block, measured.measures
    found = measured.parameters
    image = Image(measures.white, measures.header)
    members, covered = compared(
        members_of(run, block, measures.header),
        image,
        measured.sources,
        number(found, "FWHM_WHITE"),
    )
    aligned = alignment(run, block)
    reports = reports_of(members)
    found |= deep_parameters(block, measures, members, number(found, "NOISE"))
    found |= depth(measures, deep_sky_res(measures, reports, found))
    found |= ratios(found)
    found |= sky(measures, is_subtracted=block.value("PROC_MODE") != "CROWDED")
    found |= depth_gain(found, reports)
    found |= alignment_parameters(members, aligned)
    found |= member_parameters(members)
    found |= known_ones({"SIZE_RATIO": size_ratio(measures, members, covered)})
    deviations = deep_deviations(found, members, aligned, options)
    found |= counted(found, members, deviations, options)
    found["QCFLAG"] = deep_flags(
        found,
        [report.parameters for report in reports],
        is_aligned=is_aligned(found, members, aligned),
    )
    count = int(number(found, "N_EXPECTED") or 0)
    comments = tuple(one.line(run, block, count) for one in deviations)
    return _report(measured, scores(found, options.of_deep), comments, members)


def _report(
    measured: _Measured,
    judged: tuple[Score, ...],
    comments: tuple[str, ...],
    members: Sequence[Member] = (),
) -> QcReport:
    """Put a report together, with its plot and its rows of the QC1 database."""
    run, block, measures = measured.run, measured.block, measured.measures
    is_deep = block.recipe == EXP_COMBINE.recipe
    name = block.value("TARGET") or target(measures.header)
    sheet = Sheet(
        block=block.name,
        run=_run_name(run, block),
        target=name,
        is_deep=is_deep,
        measures=measures,
        parameters=measured.parameters,
        sources=measured.sources,
        scores=judged,
        comments=comments,
        offsets=offsets(measures.header),
        exposures=tuple(report.parameters for report in reports_of(members)),
        unmatched=unmatched(run, block) if is_deep else (),
        times=times_in(measured.products),
    )
    rows = Cube(
        run=run,
        block=block,
        header=measures.header,
        shape=measures.shape,
        parameters=measured.parameters,
        target=name,
        history=measured.known,
        members=members,
    )
    return QcReport(
        block=block.name,
        recipe=block.recipe,
        target=name,
        parameters=measured.parameters,
        scores=judged,
        comments=comments,
        figures={"": draw_sheet(sheet)},
        qc1=qc1_rows(rows),
        units=units_of(measured.parameters, measures.unit),
    )


def _run_name(run: Run, block: AssociationBlock) -> str:
    """The run in the spelling of the command line, whatever the AB has."""
    if run.run_id:
        return run.run_id.plain
    try:
        return parse_run_id(block.value("RUN_ID")).plain
    except ConfigError:
        return block.value("RUN_ID") or run.label
