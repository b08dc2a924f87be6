"""The QC report of a datacube: parameters, scores and the plot.

Names of parameters: those of the pipeline as in ``ESO QC ...`` with blanks, our own
with underscores. Times in seconds, FWHM in arcsec, fluxes and noise in the unit of the
cube, wavelengths in Angstrom. NOISE is measured in the planes; NOISE_PROPAGATED is the
pipeline's, too low by what resampling correlates; NOISE_RATIO is the one by the other.
PIXNOISE (erg/s/cm2/Angstrom), SKY_RES (arcsec) and ABMAGLIM (magnitudes) are those of
ESO's Science Data Products standard.
"""

import math
import statistics
from collections.abc import Mapping, Sequence

from muse_deep_plugin.qc_cube import (
    CubeMeasures,
    background,
    measure_cube,
    median_of,
)
from muse_deep_plugin.qc_depth import abmaglim, pixnoise, sky_res
from muse_deep_plugin.qc_keywords import (
    Offset,
    Value,
    carried,
    fwhm,
    offsets,
    qc_parameters,
    read_header,
    seeing,
    target,
)
from muse_deep_plugin.qc_scores import (
    Options,
    comments,
    deep_scores,
    number,
    single_scores,
)
from muse_deep_plugin.qc_sheet import Sheet, draw_sheet
from muse_deep_plugin.qc_sheet_inputs import times_in, unmatched
from muse_deep_plugin.qc_sky import residual_5577
from muse_deep_plugin.qc_units import units_of
from muse_deep_plugin.steps import EXP_COMBINE
from phoenix_core.ab_file import read_block
from phoenix_core.errors import ConfigError
from phoenix_core.model import AssociationBlock, Product, QcReport, Run
from phoenix_core.qc_report import read_report, report_path
from phoenix_core.run_id import parse_run_id


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
    parameters = qc_parameters(headers) | _cube_parameters(measures)
    is_deep = block.recipe == EXP_COMBINE.recipe
    singles = _single_reports(run, block) if is_deep else ()
    moved = offsets(measures.header)
    if is_deep:
        parameters |= _deep_parameters(block, parameters, moved, singles)
        parameters |= _depth(measures, _deep_sky_res(block, measures, singles))
        scores = deep_scores(parameters, options)
    else:
        parameters |= _single_parameters(measures)
        parameters |= _depth(measures, sky_res(measures.header))
        scores = single_scores(parameters, options)
    remarks = comments(parameters, options, [one.parameters for one in singles])
    name = block.value("TARGET") or target(measures.header)
    sheet = Sheet(
        block=block.name,
        run=_run_name(run, block),
        target=name,
        is_deep=is_deep,
        measures=measures,
        parameters=parameters,
        scores=scores,
        comments=remarks,
        offsets=moved,
        exposures=tuple(one.parameters for one in singles),
        unmatched=unmatched(run, block) if is_deep else (),
        times=times_in(products),
    )
    return QcReport(
        block=block.name,
        recipe=block.recipe,
        target=name,
        parameters=parameters,
        scores=scores,
        comments=remarks,
        figures={"": draw_sheet(sheet)},
        units=units_of(parameters, measures.unit),
    )


def _run_name(run: Run, block: AssociationBlock) -> str:
    """The run in the spelling of the command line, whatever the AB has."""
    if run.run_id:
        return run.run_id.plain
    try:
        return parse_run_id(block.value("RUN_ID")).plain
    except ConfigError:
        return block.value("RUN_ID") or run.label


def _cube_parameters(measures: CubeMeasures) -> dict[str, Value]:
    """What any cube is measured for; what is not there is left out."""
    header = measures.header
    level, spread = background(measures.white)
    planes, rows, columns = measures.shape
    found: dict[str, object] = {
        "OB_ID": header.get("ESO OBS ID"),
        "OB_NAME": header.get("ESO OBS NAME"),
        "INS_MODE": header.get("ESO INS MODE"),
        "DATE_OBS": header.get("DATE-OBS"),
        "EXPTIME": header.get("EXPTIME"),
        "TEXPTIME": header.get("TEXPTIME"),
        "SEEING": seeing(header),
        "FWHM": fwhm(qc_parameters([header])),
        "NX": columns,
        "NY": rows,
        "NLAMBDA": planes,
        "NAN_FRACTION": measures.nan_fraction,
        "FILLED_FRACTION": measures.filled_fraction,
        "BKG_MEDIAN": level,
        "BKG_MAD": spread,
        "SKY_5577": residual_5577(measures.wavelength, measures.median),
        "NOISE": median_of(measures.noise_measured),
        "NOISE_PROPAGATED": median_of(measures.noise),
        "NOISE_RATIO": measures.noise_ratio,
        "NUM_SAT": carried(header, "NUM_SAT"),
        "WDEL_MAX": carried(header, "WDEL_MAX"),
    }
    if measures.has_wavelength and planes:
        found["LAMBDA_MIN"] = float(measures.wavelength.min())
        found["LAMBDA_MAX"] = float(measures.wavelength.max())
    return _known(found)


def _single_parameters(measures: CubeMeasures) -> dict[str, Value]:
    exposure = measures.header.get("EXPTIME")
    is_number = isinstance(exposure, int | float)
    total = {"TEXPTIME": float(exposure)} if is_number else {}
    return {"N_EXPOSURES": 1, **total}


def _deep_parameters(
    block: AssociationBlock,
    parameters: dict[str, Value],
    moved: Sequence[Offset],
    singles: Sequence[QcReport],
) -> dict[str, Value]:
    """What only the cube of several exposures has."""
    expected = _expected(block)
    combined = len(moved)
    found: dict[str, Value] = {"N_EXPECTED": expected, "N_SINGLE_QC": len(singles)}
    if combined:  # one OFFSETi each; the recipe writes none without an OFFSET_LIST
        found |= {"N_EXPOSURES": combined, "PATTERN": f"DEEP_{combined}"}
    times = [number(report.parameters, "EXPTIME") for report in singles]
    if times and len(times) == expected and None not in times:
        found["TEXPTIME"] = math.fsum(time for time in times if time is not None)
    obs = dict.fromkeys(report.parameters.get("OB_ID") for report in singles)
    sharp = [number(report.parameters, "FWHM") for report in singles]
    if seen := [fwhm for fwhm in sharp if fwhm]:
        found["FWHM_SINGLES"] = statistics.median(seen)
    found["OB_IDS"] = " ".join(str(ob) for ob in obs if ob is not None)
    noises = [number(report.parameters, "NOISE") for report in singles]
    known = [noise for noise in noises if noise]
    deep = number(parameters, "NOISE")
    if known and combined:
        promised = statistics.median(known) / math.sqrt(combined)
        found["NOISE_EXPECTED"] = promised
        if deep:
            found["NOISE_GAIN"] = promised / deep
    return found


def _depth(measures: CubeMeasures, resolution: float | None) -> dict[str, Value]:
    """What is known of the depth of a cube, given its spatial resolution."""
    return _known(
        {
            "PIXNOISE": pixnoise(measures),
            "SKY_RES": resolution,
            "ABMAGLIM": abmaglim(measures, resolution),
        }
    )


def _deep_sky_res(
    block: AssociationBlock, measures: CubeMeasures, singles: Sequence[QcReport]
) -> float | None:
    """The mean of the exposures, of which the deep cube's header has the first alone.

    None where that of one is not known, unless the recipe has written it.
    """
    if "SKY_RES" in measures.header:
        return sky_res(measures.header)
    each = [number(report.parameters, "SKY_RES") for report in singles]
    known = [one for one in each if one]
    is_complete = known and len(known) == _expected(block)
    return statistics.fmean(known) if is_complete else None


def _expected(block: AssociationBlock) -> int:
    """How many exposures a deep cube is made of."""
    return sum(entry.tag == "PIXTABLE_REDUCED" for entry in block.sof)


def _single_reports(run: Run, block: AssociationBlock) -> tuple[QcReport, ...]:
    """The reports of the exposures that went into a deep cube, as far as done."""
    found = []
    for mcalib in block.mcalibs:
        if not (mcalib.is_virtual and mcalib.tag == "PIXTABLE_REDUCED"):
            continue
        try:
            maker = read_block(run.ab_path(mcalib.file))
            report = read_report(report_path(run, maker))
        except ConfigError:
            continue
        if (report.block, report.fingerprint) == (maker.name, maker.fingerprint):
            found.append(report)
    return tuple(found)


def _known(found: Mapping[str, object]) -> dict[str, Value]:
    """What is there and plain: not None, no NaN, no FITS keyword without a value."""
    return {
        name: value
        for name, value in found.items()
        if isinstance(value, Value) and (isinstance(value, str) or math.isfinite(value))
    }
