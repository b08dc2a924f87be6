"""What the cube of one or of several exposures is measured for."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from muse_deep_plugin.qc_cube import CubeMeasures, background, median_of
from muse_deep_plugin.qc_depth import abmaglim, pixnoise
from muse_deep_plugin.qc_history import History
from muse_deep_plugin.qc_image import grid_of
from muse_deep_plugin.qc_keywords import (
    Value,
    carried,
    fwhm,
    qc_parameters,
    seeing,
)
from muse_deep_plugin.qc_scores import number
from muse_deep_plugin.qc_shapes import fit_shapes
from muse_deep_plugin.qc_sky import OI_5577, residuals
from muse_deep_plugin.qc_sources import Source
from phoenix_core.cube.background import mode

_WHOLE: Final = 0.9  # of the planes: such a spaxel is no edge


def cube_parameters(
    measures: CubeMeasures, sources: Sequence[Source], known: History
) -> dict[str, Value]:
    """What any cube is measured for; what is not there is left out."""
    header = measures.header
    level, spread = background(measures.white)
    planes, rows, columns = measures.shape
    pipeline = qc_parameters([header])
    detected = next(
        (pipeline[key] for key in ("EXPCOMB NDET", "SCIPOST NDET") if key in pipeline),
        0,
    )
    values = measures.white[np.isfinite(measures.white)]
    required = number(header, "ESO OBS AMBI FWHM") or known.number("ambi_req")
    found: dict[str, object] = {
        "OB_ID": header.get("ESO OBS ID"),
        "OB_NAME": header.get("ESO OBS NAME"),
        "INS_MODE": header.get("ESO INS MODE"),
        "DATE_OBS": header.get("DATE-OBS"),
        "EXPTIME": header.get("EXPTIME"),
        "TEXPTIME": header.get("TEXPTIME"),
        "AMBI_REQ": required if required and required > 0 else None,
        "SEEING": seeing(header),
        "FWHM": fwhm(pipeline),
        "NUM_SRC": detected or len(sources),
        "N_SOURCES": len(sources),
        "NX": columns,
        "NY": rows,
        "NLAMBDA": planes,
        "NAN_FRACTION": measures.nan_fraction,
        "FILLED_FRACTION": measures.filled_fraction,
        "BKG_MEDIAN": level,
        "BKG_MAD": spread,
        "HISTO_BKG": mode(values),
        "NOISE": median_of(measures.noise_measured),
        "NOISE_PROPAGATED": median_of(measures.noise),
        "NOISE_RATIO": measures.noise_ratio,
        "NUM_SAT": carried(header, "NUM_SAT"),
        "WDEL_MAX": carried(header, "WDEL_MAX"),
    }
    if measures.has_wavelength and planes:
        found["LAMBDA_MIN"] = float(measures.wavelength.min())
        found["LAMBDA_MAX"] = float(measures.wavelength.max())
    return known_ones(found | _edges(measures) | _shapes(measures, sources))


def _edges(measures: CubeMeasures) -> dict[str, object]:
    """Where the field is filled."""
    filled = measures.filled > 0
    if not filled.any():
        return {}
    rows, columns = (
        np.flatnonzero(filled.any(axis=1)),
        np.flatnonzero(filled.any(axis=0)),
    )
    return {
        "WHOLE_FRACTION": float(np.mean(measures.filled >= _WHOLE)),
        "EDGE_LEFT": int(columns[0]) + 1,
        "EDGE_RIGHT": int(columns[-1]) + 1,
        "EDGE_BOTTOM": int(rows[0]) + 1,
        "EDGE_TOP": int(rows[-1]) + 1,
    }


def _shapes(measures: CubeMeasures, sources: Sequence[Source]) -> dict[str, object]:
    """How sharp and round the sources are; arcsec where a pixel's size is known."""
    shapes = fit_shapes(measures.white, sources)
    if not shapes:
        return {}
    _, rows, columns = measures.shape
    grid = grid_of(measures.header, (rows, columns))
    found: dict[str, object] = {
        "ELONGATION": statistics.median(shape.elongation for shape in shapes)
    }
    if grid.cd is not None:
        scale = math.sqrt(abs(float(np.linalg.det(grid.cd))))
        found["FWHM_WHITE"] = scale * statistics.median(s.fwhm for s in shapes)
    return found


def ratios(parameters: Mapping[str, Value]) -> dict[str, Value]:
    """Resolution and sharpness by what the OB asks for."""
    required = number(parameters, "AMBI_REQ")
    if not required:
        return {}
    resolution = number(parameters, "SKY_RES")
    sharp = number(parameters, "FWHM_WHITE") or number(parameters, "FWHM")
    return known_ones(
        {
            "SKY_RES_RATIO": resolution / required if resolution else None,
            "FWHM_RATIO": sharp / required if sharp else None,
        }
    )


def sky(measures: CubeMeasures, *, is_subtracted: bool) -> dict[str, Value]:
    """What is left of the lines of the sky."""
    if not measures.has_wavelength:
        return {}
    left = residuals(measures.wavelength, measures.median)
    found: dict[str, object] = {"SKY_5577": left.get(OI_5577)}
    if left and is_subtracted:
        worst = max(left, key=lambda line: left[line])
        found |= {"SKY_RESIDUAL": left[worst], "SKY_RESIDUAL_AT": worst}
    return known_ones(found)


def depth(measures: CubeMeasures, resolution: float | None) -> dict[str, Value]:
    """What is known of the depth of a cube, given its spatial resolution."""
    return known_ones(
        {
            "PIXNOISE": pixnoise(measures),
            "SKY_RES": resolution,
            "ABMAGLIM": abmaglim(measures, resolution),
        }
    )


def known_ones(found: Mapping[str, object]) -> dict[str, Value]:
    """What is there and plain: not None, no NaN, no FITS keyword without a value."""
    return {
        name: value
        for name, value in found.items()
        if isinstance(value, Value) and (isinstance(value, str) or math.isfinite(value))
    }
