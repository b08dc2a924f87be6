"""Rules on how the values of a cube's primary header go together."""

from collections.abc import Iterator

from phoenix_core.sdp.batch import Batch
from phoenix_core.sdp.primary_keywords import MULTI, UNIX_EPOCH, time_of
from phoenix_core.sdp.product import Product
from phoenix_core.sdp.rule import About, Breach, Check, Rule, Severity, breach
from phoenix_core.sdp.sky import wavelengths

_CUBE = (About.CUBE,)
_DAY = 86400.0  # s
_TIME_TOLERANCE = 0.01  # s (CHK)
_START_TOLERANCE = 1.0  # s, ours: DATE-OBS is often without a fraction
_EQUINOX = 2000.0
_CUBE_AXES = 3
MULTIS = {"TELESCOP": "TELESC", "INSTRUME": "INSTR", "PROG_ID": "PROGID"}


def _equinox(product: Product, _batch: Batch) -> Iterator[Breach]:
    header = product.primary
    is_needed = header.text("RADESYS") == "FK5"
    if "EQUINOX" not in header:
        if is_needed:
            yield breach(product.hdus[0], "EQUINOX", "is missing, and RADESYS is FK5")
    elif header.number("EQUINOX") != _EQUINOX:
        yield breach(product.hdus[0], "EQUINOX", "is another one")


def _long_exposure(product: Product, _batch: Batch) -> Iterator[Breach]:
    one, total = (product.primary.number(k) for k in ("EXPTIME", "TEXPTIME"))
    if one is not None and total is not None and one > total + _TIME_TOLERANCE:
        yield breach(product.hdus[0], "EXPTIME", f"is more than TEXPTIME = {total}")


def _span(product: Product) -> float | None:
    """The time from the begin to the end of observation (s)."""
    begin, end = (product.primary.number(k) for k in ("MJD-OBS", "MJD-END"))
    return None if begin is None or end is None else (end - begin) * _DAY


def _short_span(product: Product, _batch: Batch) -> Iterator[Breach]:
    span, total = _span(product), product.primary.number("TEXPTIME")
    if span is not None and total is not None and 0 <= span < total - _TIME_TOLERANCE:
        what = f"is more than MJD-END - MJD-OBS, which is {span:.2f} s"
        yield breach(product.hdus[0], "TEXPTIME", what)


def _end_first(product: Product, _batch: Batch) -> Iterator[Breach]:
    span = _span(product)
    if span is not None and span < 0:
        yield breach(product.hdus[0], "MJD-END", "is before MJD-OBS")


def _in_future(product: Product, batch: Batch) -> Iterator[Breach]:
    end = product.primary.number("MJD-END")
    if end is not None and end > batch.now:
        yield breach(product.hdus[0], "MJD-END", f"now it is {batch.now:.5f}")


def _other_start(product: Product, _batch: Batch) -> Iterator[Breach]:
    begin = product.primary.number("MJD-OBS")
    told = product.primary.text("DATE-OBS") or ""
    time = time_of(told) if "T" in told else None
    if begin is None or time is None:
        return
    difference = abs(time.timestamp() - (begin - UNIX_EPOCH) * _DAY)
    if difference > _START_TOLERANCE:
        what = f"is {difference:.0f} s from MJD-OBS = {begin}"
        yield breach(product.hdus[0], "DATE-OBS", what)


def _no_range(product: Product, _batch: Batch) -> Iterator[Breach]:
    low, high = (product.primary.number(k) for k in ("WAVELMIN", "WAVELMAX"))
    if low is not None and high is not None and low >= high:
        yield breach(product.hdus[0], "WAVELMIN", f"WAVELMAX is {high}")


def _other_range(product: Product, _batch: Batch) -> Iterator[Breach]:
    data = product.having("DATA")
    ends = wavelengths(data) if data and len(data.axes) == _CUBE_AXES else None
    low, high = (product.primary.number(k) for k in ("WAVELMIN", "WAVELMAX"))
    if ends is None or low is None or high is None or low >= high:
        return
    first, last, step = ends
    for keyword, value in (("WAVELMIN", low), ("WAVELMAX", high)):
        if not first - step <= value <= last + step:
            what = f"the planes go from {first:.2f} to {last:.2f} nm"
            yield breach(product.hdus[0], keyword, what)


def _few_files(product: Product, _batch: Batch) -> Iterator[Breach]:
    yield from _fewer(product, "PROV")


def _few_blocks(product: Product, _batch: Batch) -> Iterator[Breach]:
    yield from _fewer(product, "OBID")


def _fewer(product: Product, stem: str) -> Iterator[Breach]:
    number = product.primary.integer("NCOMBINE")
    named = {card.value for card in product.primary.indexed(stem).values()}
    if number is not None and 0 < number < len(named):
        what = f"there are {len(named)} {stem}i"
        yield breach(product.hdus[0], "NCOMBINE", what)


def _multi(keyword: str) -> Check:
    """Make the check that a keyword is MULTI where, and only where, several are."""
    stem = MULTIS[keyword]

    def check(product: Product, _batch: Batch) -> Iterator[Breach]:
        told = product.primary.text(keyword)
        number = len(product.primary.indexed(stem))
        if told == MULTI and number < 2:  # noqa: PLR2004, several
            yield breach(product.hdus[0], keyword, f"there are {number} {stem}i")
        elif told is not None and told != MULTI and number:
            yield breach(product.hdus[0], keyword, f"there is {stem}i")

    return check


def _foreign(product: Product, _batch: Batch) -> Iterator[Breach]:
    origin = product.primary.text("ORIGIN")
    is_foreign = origin is not None and not origin.startswith("ESO")
    if is_foreign and origin and not product.primary.is_true("NOESODAT"):
        yield breach(product.hdus[0], "NOESODAT", f"ORIGIN is '{origin}'")


def _no_field(product: Product, _batch: Batch) -> Iterator[Breach]:
    technique = product.primary.text("OBSTECH")
    if technique and "IFU" not in technique.upper().replace(" ", "").split(","):
        yield breach(product.hdus[0], "OBSTECH", "does not say IFU")


def _other_object(product: Product, _batch: Batch) -> Iterator[Breach]:
    target = product.primary.text("OBJECT")
    for hdu in product.hdus[1:]:
        told = hdu.header.text("OBJECT")
        if target and told is not None and not told.startswith(target):
            yield breach(hdu, "OBJECT", f"the primary header has '{target}'")


_FORBIDDEN = {
    "SPEC_BIN": ("SDP 10.3", "no SPEC_BIN: CD3_3 tells it"),
    "RA_ERR": ("SDP 13", "no RA_ERR: CSYERi and CRDERi tell it"),
    "DEC_ERR": ("SDP 13", "no DEC_ERR: CSYERi and CRDERi tell it"),
    "FILTER": ("CHK", "no FILTER: a cube has none"),
}


def _forbidden(keyword: str) -> Check:
    def check(product: Product, _batch: Batch) -> Iterator[Breach]:
        for hdu in product.hdus:
            if keyword in hdu.header:
                yield breach(hdu, keyword, "is there")

    return check


RULES = (
    Rule(
        "relation.equinox",
        "SDP 5.1",
        "EQUINOX = 2000, mandatory where RADESYS is FK5",
        _CUBE,
        _equinox,
    ),
    Rule(
        "relation.exptime",
        "CHK",
        "at most TEXPTIME, to 0.01 s",
        _CUBE,
        _long_exposure,
    ),
    Rule(
        "relation.texptime",
        "SDP 5.1",
        "at most the time from MJD-OBS to MJD-END, to 0.01 s",
        _CUBE,
        _short_span,
    ),
    Rule("relation.mjd", "CHK", "MJD-END not before MJD-OBS", _CUBE, _end_first),
    Rule("relation.past", "CHK", "MJD-END not in the future", _CUBE, _in_future),
    Rule(
        "relation.date-obs",
        "ours",
        "the time of MJD-OBS, to 1 s",
        _CUBE,
        _other_start,
        Severity.WARNING,
    ),
    Rule("relation.wavelengths", "SDP 5.6", "WAVELMIN < WAVELMAX", _CUBE, _no_range),
    Rule(
        "relation.wavelengths-wcs",
        "SDP 5.6",
        "nm, within the third axis of the data, to one plane",
        _CUBE,
        _other_range,
    ),
    Rule(
        "relation.ncombine-prov",
        "ours",
        "as many raw files as PROVi, or more",
        _CUBE,
        _few_files,
    ),
    Rule(
        "relation.ncombine-obid",
        "ours",
        "as many raw files as OBIDi, or more",
        _CUBE,
        _few_blocks,
    ),
    *(
        Rule(
            f"relation.{keyword}",
            "SDP 5.1",
            f"MULTI where there are several {stem}i, and only there",
            _CUBE,
            _multi(keyword),
        )
        for keyword, stem in MULTIS.items()
    ),
    Rule(
        "relation.noesodat",
        "CHK",
        "NOESODAT = T where ORIGIN does not begin with ESO",
        _CUBE,
        _foreign,
    ),
    Rule(
        "relation.obstech",
        "ours",
        "IFU among the words of the technique",
        _CUBE,
        _no_field,
        Severity.WARNING,
    ),
    Rule(
        "relation.object",
        "SDP 5.1",
        "OBJECT of an extension: that of the primary header and a suffix",
        _CUBE,
        _other_object,
        Severity.WARNING,
    ),
    *(
        Rule(f"forbidden.{keyword}", section, expects, _CUBE, _forbidden(keyword))
        for keyword, (section, expects) in _FORBIDDEN.items()
    ),
)
