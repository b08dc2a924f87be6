"""What the primary header of a cube has to say (SDP, table 8 and sections 5.1 to 5.17).

Mandatory is what table 8 has as MM, or as ME: mandatory for files from ESO; DATE and
DATE-OBS are asked for by the validator alone (CHK).
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime

from phoenix_core.errors import ConfigError
from phoenix_core.run_id import parse_run_id
from phoenix_core.sdp.keyword import Keyword, Kind, rule_of
from phoenix_core.sdp.product import Hdu, Product
from phoenix_core.sdp.rule import About

MULTI = "MULTI"
UNIX_EPOCH = 40587.0  # MJD of 1970-01-01; nothing of the archive is older (CHK)

_LARGEST = 99.0  # of magnitudes and arcseconds (CHK)
_LONGEST_TIME = 1e15  # s (CHK)
_SHORTEST_TIME = 1e-15  # s (CHK)
_BIBCODE = re.compile(r"\d{4}[A-Za-z&.]\S{13}[A-Z.:]")
_DOI = re.compile(r"doi:10\.\d{4,9}/\S+")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?)?")


def is_filled(value: str) -> bool:
    """Whether a text says something."""
    return bool(value.strip())


def is_date(value: str) -> bool:
    """Whether a text is a date, or a date with the time of day, as FITS has them."""
    return _DATE.fullmatch(value) is not None and time_of(value) is not None


def time_of(value: str) -> datetime | None:
    """The time that a FITS date tells."""
    try:
        return datetime.fromisoformat(f"{value[:26]}+00:00" if "T" in value else value)
    except ValueError:
        return None


def is_run_id(value: str) -> bool:
    """Whether a text is the formal spelling of a run id."""
    try:
        run = parse_run_id(value)
    except ConfigError:
        return False
    return run.formal == value and (bool(run.letter) or not run.is_old_style)


def _between(low: float, high: float) -> Callable[[float], bool]:
    return lambda value: low <= value <= high


def _is_reference(value: str) -> bool:
    known = _BIBCODE.fullmatch(value) or _DOI.fullmatch(value)
    return value == "" or known is not None


def _is_time(value: float) -> bool:
    return _SHORTEST_TIME < value < _LONGEST_TIME


def _is_day(value: float) -> bool:
    return value >= UNIX_EPOCH


_NOT_EMPTY = "not empty"
_FRAMES = (  # SDP, table 2
    "TOPOCENT",
    "GEOCENTR",
    "BARYCENT",
    "HELIOCEN",
    "LSRK",
    "LSRD",
    "GALACTOC",
    "LOCALGRP",
    "CMBDIPOL",
    "SOURCE",
)
_MAGNITUDE = "0 to 99"
_NUMBER, _WHOLE, _LOGICAL = Kind.REAL, Kind.INTEGER, Kind.LOGICAL

KEYWORDS = (
    Keyword("ORIGIN", "SDP 5.1", expects="ESO or ESO-PARANAL", is_right=is_filled),
    Keyword("TELESCOP", "SDP 5.1", expects=_NOT_EMPTY, is_right=is_filled),
    Keyword(
        "INSTRUME",
        "SDP 5.1",
        expects="the name of the instrument alone",
        is_right=lambda value: is_filled(value) and "/" not in value,
    ),
    Keyword("OBJECT", "SDP 5.1", expects="the target", is_right=is_filled),
    Keyword("RA", "SDP 5.1", _NUMBER, "0 to 360 deg", is_right=_between(0, 360)),
    Keyword("DEC", "SDP 5.1", _NUMBER, "-90 to 90 deg", is_right=_between(-90, 90)),
    Keyword("RADESYS", "SDP 5.1", words=("ICRS", "FK5")),
    Keyword("TIMESYS", "SDP 5.1", words=("UTC", "TAI"), is_mandatory=False),
    Keyword(
        "EXPTIME", "SDP 5.1", _NUMBER, "seconds, greater than 0", is_right=_is_time
    ),
    Keyword(
        "TEXPTIME", "SDP 5.1", _NUMBER, "seconds, greater than 0", is_right=_is_time
    ),
    Keyword("MJD-OBS", "SDP 5.1", _NUMBER, "at least 40587 d", is_right=_is_day),
    Keyword("MJD-END", "SDP 5.1", _NUMBER, "at least 40587 d", is_right=_is_day),
    Keyword(
        "DATE", "CHK", expects="yyyy-mm-dd, with the time or without", is_right=is_date
    ),
    Keyword(
        "DATE-OBS",
        "CHK",
        expects="yyyy-mm-dd, with the time or without",
        is_right=is_date,
    ),
    Keyword(
        "PROG_ID",
        "SDP 5.1",
        expects="a run, TP.C-NNNN(R) or PPP.AAAA.nnn, or MULTI",
        is_right=lambda value: value == MULTI or is_run_id(value),
    ),
    Keyword(
        "NCOMBINE",
        "SDP 5.1",
        _WHOLE,
        "raw science files, at least 1",
        is_right=lambda value: value > 0,
    ),
    Keyword("OBSTECH", "SDP 5.1", expects=_NOT_EMPTY, is_right=is_filled),
    Keyword("FLUXCAL", "SDP 5.1", words=("ABSOLUTE", "UNCALIBRATED")),
    Keyword("PROCSOFT", "SDP 5.1", expects="software/version", is_right=is_filled),
    Keyword(
        "REFERENC",
        "SDP 5.1",
        expects="19 characters of a bibcode, doi:10..., or empty",
        is_right=_is_reference,
    ),
    Keyword("SPECSYS", "SDP 5.6", words=_FRAMES),
    Keyword(
        "WAVELMIN",
        "SDP 5.6",
        _NUMBER,
        "nm, greater than 0",
        is_right=lambda value: value > 0,
    ),
    Keyword(
        "WAVELMAX",
        "SDP 5.6",
        _NUMBER,
        "nm, greater than 0",
        is_right=lambda value: value > 0,
    ),
    Keyword(
        "ABMAGLIM", "SDP 5.11", _NUMBER, _MAGNITUDE, is_right=_between(0, _LARGEST)
    ),
    Keyword(
        "PIXNOISE",
        "SDP 5.11",
        _NUMBER,
        "erg/s/cm2/A, not negative",
        is_right=lambda value: value >= 0,
    ),
    Keyword(
        "SPEC_RES",
        "SDP 5.11",
        _NUMBER,
        "greater than 0",
        is_right=lambda value: value > 0,
    ),
    Keyword(
        "SKY_RES", "SDP 5.11", _NUMBER, "arcsec, 0 to 99", is_right=_between(0, 99)
    ),
    Keyword(
        "SKY_RERR",
        "SDP 5.11",
        _NUMBER,
        "arcsec, 0 to 99",
        is_right=_between(0, 99),
        is_mandatory=False,
    ),
    Keyword(
        "STREHL",
        "SDP 5.11",
        _NUMBER,
        "greater than 0, at most 1",
        is_right=lambda value: 0 < value <= 1,
        is_mandatory=False,
    ),
    Keyword(
        "ELLIPTIC",
        "SDP 5.11",
        _NUMBER,
        "0 to 1",
        is_right=_between(0, 1),
        is_mandatory=False,
    ),
    Keyword("NOESODAT", "SDP 5.17", _LOGICAL, is_mandatory=False),
)


def _primary(product: Product) -> Iterable[Hdu]:
    return product.hdus[:1]


RULES = tuple(
    rule_of(keyword, "primary", (About.CUBE,), _primary) for keyword in KEYWORDS
)
