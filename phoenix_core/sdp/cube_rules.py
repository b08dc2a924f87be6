"""Rules on how a cube is built of HDUs (SDP 10.2), and on how they name each other."""

from collections.abc import Iterator

from phoenix_core.sdp.batch import Batch
from phoenix_core.sdp.extension_keywords import extensions
from phoenix_core.sdp.product import PROVENANCE, ROLES, Hdu, Product
from phoenix_core.sdp.rule import About, Breach, Check, Rule, Severity, breach

POINTERS = {"SCIDATA": "DATA", "ERRDATA": "ERROR", "QUALDATA": "QUALITY"}

_CUBE = (About.CUBE,)
_SCHEME = (About.CUBE, About.WHITE_LIGHT)
_AXES = 3
_FLOATS = (-32, -64)


def _full_primary(product: Product, _batch: Batch) -> Iterator[Breach]:
    primary = product.hdus[0]
    if primary.header.integer("NAXIS") != 0:
        yield breach(primary, "NAXIS", "says that there are data")


def _has_roles(product: Product) -> bool:
    """Whether each image says what it is; else nothing is missed for sure."""
    return all(hdu.role for hdu in extensions(product))


def _no_data(product: Product, _batch: Batch) -> Iterator[Breach]:
    if _has_roles(product) and not any(h.role == "DATA" for h in product.hdus[1:]):
        yield Breach("no extension has HDUCLAS2 = 'DATA'")


def _no_error(product: Product, _batch: Batch) -> Iterator[Breach]:
    if _has_roles(product) and not any(h.role == "ERROR" for h in product.hdus[1:]):
        yield Breach("no extension has HDUCLAS2 = 'ERROR'")


def _twice(product: Product, _batch: Batch) -> Iterator[Breach]:
    for role in ROLES:
        for hdu in [h for h in extensions(product) if h.role == role][1:]:
            yield breach(hdu, "HDUCLAS2", "an extension before says the same")


def _other(product: Product, _batch: Batch) -> Iterator[Breach]:
    for hdu in product.hdus[1:]:
        if not hdu.is_image and hdu.name != PROVENANCE:
            yield breach(hdu, "XTENSION", "is no image")


def _other_axes(product: Product, _batch: Batch) -> Iterator[Breach]:
    for hdu in extensions(product):
        if len(hdu.axes) != _AXES:
            yield breach(hdu, "NAXIS", f"the image has {len(hdu.axes)} axes")


def _other_size(product: Product, _batch: Batch) -> Iterator[Breach]:
    data = product.having("DATA")
    for hdu in extensions(product):
        if data and len(hdu.axes) == len(data.axes) == _AXES and hdu.axes != data.axes:
            told = f"{_size(hdu)} pixels, the science data {_size(data)}"
            yield Breach(told, "NAXISn", hdu.label)


def _size(hdu: Hdu) -> str:
    return " x ".join(map(str, hdu.axes))


def _same_name(product: Product, _batch: Batch) -> Iterator[Breach]:
    seen: set[str] = set()
    for hdu in product.hdus[1:]:
        if hdu.name and hdu.name in seen:
            yield breach(hdu, "EXTNAME", "an extension before has the same name")
        seen.add(hdu.name)


def _scaled(product: Product, _batch: Batch) -> Iterator[Breach]:
    for hdu in extensions(product):
        if hdu.role in {"DATA", "ERROR"}:
            if hdu.bitpix not in _FLOATS:
                yield breach(hdu, "BITPIX", "pixels are whole numbers")
            for keyword in ("BSCALE", "BZERO"):
                if keyword in hdu.header:
                    yield breach(hdu, keyword, "pixels are scaled")


def _same_unit(product: Product, _batch: Batch) -> Iterator[Breach]:
    data, error = product.having("DATA"), product.having("ERROR")
    if not (data and error):
        return
    unit = error.header.text("BUNIT")
    is_squared = error.header.text("HDUCLAS3") in {"MSE", "INVMSE"}
    if is_squared and unit and unit == data.header.text("BUNIT"):
        yield breach(error, "BUNIT", "is the unit of the data, not of their square")


def _pointer(keyword: str) -> Check:
    """Make the check of a keyword that names the extension of a role."""
    role = POINTERS[keyword]

    def check(product: Product, _batch: Batch) -> Iterator[Breach]:
        found = [hdu for hdu in extensions(product) if hdu.role == role]
        target = found[0] if found else None
        is_clear = len(found) <= 1 and (target is None or bool(target.name))
        if not (is_clear and _has_roles(product)):
            return
        for hdu in extensions(product):
            what = _wrong_pointer(hdu, keyword, target)
            if what:
                yield breach(hdu, keyword, what)

    return check


def _wrong_pointer(hdu: Hdu, keyword: str, target: Hdu | None) -> str:
    told = hdu.header.text(keyword)
    if target is None:
        return "there is no such extension" if keyword in hdu.header else ""
    if hdu.number == target.number:
        return "names its own extension" if keyword in hdu.header else ""
    if told == target.name:
        return ""
    return f"should be '{target.name}'" if keyword in hdu.header else "is missing"


RULES = (
    Rule(
        "cube.primary-empty",
        "SDP 10.2",
        "a primary HDU without data: NAXIS = 0",
        _CUBE,
        _full_primary,
    ),
    Rule(
        "cube.data-there",
        "SDP 10.2",
        "the cube in an extension with HDUCLAS2 = 'DATA'",
        _CUBE,
        _no_data,
    ),
    Rule(
        "cube.error-there",
        "SDP 10.2",
        "the errors of the pixels in an extension, which is recommended",
        _CUBE,
        _no_error,
        Severity.WARNING,
    ),
    Rule(
        "cube.once",
        "SDP 10.2",
        "at most one extension each for data, error and quality",
        _CUBE,
        _twice,
    ),
    Rule(
        "cube.other-extension",
        "SDP 10.2",
        f"images, and no table but {PROVENANCE}",
        _CUBE,
        _other,
    ),
    Rule("cube.axes", "CHK", "NAXIS = 3 in each extension", _CUBE, _other_axes),
    Rule(
        "cube.size",
        "SDP 10.2",
        "error and quality of the size of the data",
        _CUBE,
        _other_size,
    ),
    Rule(
        "cube.extname-unique",
        "SDP 10.2",
        "extensions that EXTNAME tells apart",
        _SCHEME,
        _same_name,
    ),
    Rule(
        "cube.floating-point",
        "SDP 10.2",
        "BITPIX = -32 or -64, and neither BSCALE nor BZERO",
        _CUBE,
        _scaled,
        Severity.WARNING,
    ),
    Rule(
        "cube.error-unit",
        "ours",
        "the square of the data's unit for the mean square of their error",
        _CUBE,
        _same_unit,
        Severity.WARNING,
    ),
    *(
        Rule(
            f"cube.{keyword}",
            "SDP 5.10",
            f"EXTNAME of the {role} extension, in all others and if there is one",
            _SCHEME,
            _pointer(keyword),
        )
        for keyword, role in POINTERS.items()
    ),
)
