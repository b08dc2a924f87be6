"""Rows for the QC1 database: of a datacube, and of the sources in it.

A row replaces the one that the history has: what is not measured here (the combined
datacube that an exposure is part of, the picture of the field) is kept.
"""

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

import numpy as np
from astropy.io import fits
from attrs import frozen

from muse_deep_plugin.exposure_time import time_stamp
from muse_deep_plugin.qc1_tables import DEEP, SINGLE, SOURCES
from muse_deep_plugin.qc_history import History
from muse_deep_plugin.qc_members import Member
from muse_deep_plugin.qc_scores import Parameters, number
from muse_deep_plugin.steps import EXP_COMBINE
from phoenix_core.errors import ConfigError
from phoenix_core.model import AssociationBlock, Qc1Row, Run
from phoenix_core.run_id import parse_run_id

_NOON: Final = dt.timedelta(hours=12)
_DAY: Final = 86400.0  # seconds
_NEAR: Final = 0.6  # arcsec: a source of an exposure is the deep cube's
_PAIR: Final = 2
_PREFIX: Final = {True: "EXPCOMB", False: "SCIPOST"}

Row = dict[str, Any]


@frozen(eq=False)
class Cube:
    """A datacube of which rows are made."""

    run: Run
    block: AssociationBlock
    header: fits.Header
    shape: tuple[int, int, int]
    parameters: Parameters
    target: str
    history: History
    members: Sequence[Member] = ()

    @property
    def is_deep(self) -> bool:
        """Whether it is of several exposures."""
        return self.block.recipe == EXP_COMBINE.recipe


def pipefile(block: AssociationBlock) -> str:
    """Return the name that a datacube has in the QC1 database."""
    return f"{block.root}.fits"


def qc1_rows(cube: Cube) -> tuple[Qc1Row, ...]:
    """Return the row of a datacube, and those of its sources."""
    own = _deep(cube) if cube.is_deep else _single(cube)
    table = DEEP if cube.is_deep else SINGLE
    sources = (Qc1Row(SOURCES.name, row) for row in _sources(cube))
    return (Qc1Row(table.name, own), *sources)


def civil_date(start: str) -> str:
    """Return the night of an exposure, noon to noon UT, '' where it is not known.

    >>> civil_date("2014-10-23T01:10:54.193")
    '2014-10-22'
    """
    with suppress(ValueError, OverflowError):
        return (dt.datetime.fromisoformat(time_stamp(start)) - _NOON).date().isoformat()
    return ""


def degrees(sexagesimal: object, hours: float = 1.0) -> float | None:
    """Return an angle that the telescope writes as DDMMSS.sss; 15 for HHMMSS.sss.

    >>> degrees(-374103.84), degrees(5453.5, 15.0)
    (-37.6844, 13.722916666666666)
    """
    if not isinstance(sexagesimal, int | float) or isinstance(sexagesimal, bool):
        return None
    if not math.isfinite(sexagesimal):
        return None
    rest, seconds = divmod(abs(float(sexagesimal)), 100.0)
    whole, minutes = divmod(rest, 100.0)
    angle = hours * (whole + minutes / 60.0 + seconds / 3600.0)
    return round(math.copysign(angle, sexagesimal), 9 if hours == 1.0 else 15)


def _common(cube: Cube) -> Row:
    header, found, known = cube.header, cube.parameters, cube.history
    centre = _sky(cube, *(_middle(cube)))
    start = header.get("MJD-OBS")
    row: Row = {
        "pipefile": pipefile(cube.block),
        "civil_date": civil_date(str(found.get("DATE_OBS", ""))),
        "run_id": _run_id(cube),
        "target": cube.target or known.text("target"),
        "ob_id": _integer(found.get("OB_ID")),
        "ob_name": _text(found.get("OB_NAME")),
        "data_type": _text(found.get("DATA_TYPE")),
        "ins_mode": _text(found.get("INS_MODE")),
        "mjd_obs": _real(start),
        "n_frames": _integer(found.get("N_EXPOSURES")),
        "texptime": number(found, "TEXPTIME"),
        "ra": centre[0] if centre else None,
        "dec": centre[1] if centre else None,
        "tel_targ_alpha": degrees(header.get("ESO TEL TARG ALPHA"), 15.0),
        "tel_targ_delta": degrees(header.get("ESO TEL TARG DELTA")),
        "ambi_req": number(found, "AMBI_REQ"),
        "sky_res": number(found, "SKY_RES"),
        "sgs_x_med": _real(header.get("ESO OCS SGS AG FWHMX MED")),
        "abmaglim": number(found, "ABMAGLIM"),
        "pixnoise": number(found, "PIXNOISE"),
        "num_sat": _integer(found.get("NUM_SAT")),
        "wdel_max": number(found, "WDEL_MAX"),
        "num_src": _integer(found.get("NUM_SRC")),
        "histo_bkg": number(found, "HISTO_BKG"),
        "lshift_max": number(found, "LSHIFT_MAX"),
        "grd": known.grade or known.text("grd"),
        "comm": known.comment or known.text("comm"),
        "qc_plot": f"{cube.run.date}/{cube.block.root}.png",
        "fov_plot": known.text("fov_plot"),
        "score_bit": _text(found.get("QCFLAG")),
    }
    return row


def _single(cube: Cube) -> Row:
    exposure, start = (
        number(cube.parameters, "EXPTIME"),
        _real(cube.header.get("MJD-OBS")),
    )
    is_sky = cube.parameters.get("DATA_TYPE") == "DATACUBE_SKY"
    raw = cube.block.name.removesuffix(".ab").split("_", 1)[0]
    ends = start is not None and exposure is not None
    return {
        **_common(cube),
        "pattern": "S" if is_sky else "O",
        "mjd_end": start + exposure / _DAY if ends and start and exposure else None,
        "exptime": exposure,
        "raw_file": raw,
        "combined": cube.history.text("combined"),
    }


def _deep(cube: Cube) -> Row:
    found = cube.parameters
    times = [time for one in cube.members if (time := one.number("EXPTIME"))]
    obs = str(found.get("OB_IDS", "")).split()
    return {
        **_common(cube),
        "pattern": _text(found.get("PATTERN")),
        "mjd_end": _real(cube.header.get("MJD-END")),
        "exptime": float(np.median(times)) if times else number(found, "EXPTIME"),
        "rms": number(found, "SHIFT_RMS"),
        "n_match": _integer(found.get("N_MATCH_MIN")),
        "n_obs": len(obs) or None,
        "proc_mode": cube.block.value("PROC_MODE"),
        "depth_gain": number(found, "DEPTH_GAIN"),
    }


# Sources ------------------------------------------------------------------------


def _sources(cube: Cube) -> Iterator[Row]:
    """What the pipeline identified: its positions and widths, on the sky."""
    prefix = _PREFIX[cube.is_deep]
    places = pipeline_places(cube.parameters, prefix)
    others = [_source_places(one) for one in cube.members]
    for count, (x, y) in places.items():
        sky = _sky(cube, x, y)
        yield {
            "pipefile": pipefile(cube.block),
            "number": count,
            "x": x,
            "y": y,
            "ra": sky[0] if sky else None,
            "dec": sky[1] if sky else None,
            "fwhm_x": _positive(cube.parameters, f"{prefix} FWHM{count} X"),
            "fwhm_y": _positive(cube.parameters, f"{prefix} FWHM{count} Y"),
            "rms": _scatter(sky, others) if sky and cube.is_deep else None,
            "lambda": number(cube.parameters, f"{prefix} LAMBDA"),
        }


def pipeline_places(
    parameters: Parameters, prefix: str
) -> dict[int, tuple[float, float]]:
    """Return where the sources of the pipeline are, in pixels, by their number."""
    found = {}
    for count in range(1, int(number(parameters, f"{prefix} NDET") or 0) + 1):
        x = number(parameters, f"{prefix} POS{count} X")
        y = number(parameters, f"{prefix} POS{count} Y")
        if x is not None and y is not None:
            found[count] = (x, y)
    return found


def _source_places(member: Member) -> list[tuple[float, float]]:
    """The sources of an exposure on the sky, moved as the exposure was."""
    if not (member.report and member.image and member.offset):
        return []
    places = pipeline_places(member.report.parameters, "SCIPOST")
    found = []
    for x, y in places.values():
        sky = _to_sky(member.image.header, x, y)
        if sky:
            ra, dec = sky
            found.append((ra - member.offset.dra, dec - member.offset.ddec))
    return found


def _scatter(
    sky: tuple[float, float], others: Sequence[Sequence[tuple[float, float]]]
) -> float | None:
    """How far the same source is in the exposures, root mean square in arcsec."""
    squares = []
    cosine = math.cos(math.radians(sky[1]))
    for places in others:
        away = [
            3600 * math.hypot((ra - sky[0]) * cosine, dec - sky[1])
            for ra, dec in places
        ]
        if away and min(away) <= _NEAR:
            squares.append(min(away) ** 2)
    return (
        math.sqrt(math.fsum(squares) / len(squares)) if len(squares) >= _PAIR else None
    )


# Values -------------------------------------------------------------------------


def _middle(cube: Cube) -> tuple[float, float]:
    _, rows, columns = cube.shape
    return (columns + 1) / 2, (rows + 1) / 2


def _sky(cube: Cube, x: float, y: float) -> tuple[float, float] | None:
    return _to_sky(cube.header, x, y)


def _to_sky(header: fits.Header, x: float, y: float) -> tuple[float, float] | None:
    """RA and Dec of a pixel, counted from 1; None without coordinates."""
    from astropy.wcs import WCS  # noqa: PLC0415, costs start-up

    if "CTYPE1" not in header or "CD1_1" not in header:
        return None
    with suppress(ValueError):  # coordinates that are none
        ra, dec = WCS(header, naxis=2).wcs_pix2world([[x, y]], 1)[0]
        return (float(ra % 360), float(dec)) if math.isfinite(ra + dec) else None
    return None


def _run_id(cube: Cube) -> str:
    for text in (
        cube.block.value("RUN_ID") if cube.is_deep else "",
        cube.block.value("OBS_PROG_ID"),
        str(cube.header.get("ESO OBS PROG ID", "")),
        cube.run.run_id.formal if cube.run.run_id else "",
    ):
        with suppress(ConfigError):
            return parse_run_id(text).formal
    return ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _real(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if math.isfinite(value) else None


def _positive(parameters: Parameters, name: str) -> float | None:
    value = number(parameters, name)
    return value if value and value > 0 else None
