"""What the headers of image extensions have to say (SDP 5.3, 5.4, 5.10)."""

import re
from collections.abc import Iterable

from phoenix_core.sdp.keyword import Keyword, Kind, Where, rule_of
from phoenix_core.sdp.primary_keywords import is_filled
from phoenix_core.sdp.product import CUBE, ROLES, Hdu, Product
from phoenix_core.sdp.rule import About

TYPES = {
    "ERROR": ("MSE", "RMSE", "INVMSE", "INVRMSE"),
    "QUALITY": ("MASKZERO", "MASKONE", "FLAG32BIT", "FLAG16BIT"),
}

_VERSION = re.compile(r"SDP version \d+")
_SKY_AXIS = re.compile(r"(RA---|DEC--)[A-Z]{3}")
_SPECTRAL_AXIS = re.compile(r"(AWAV|WAVE)(-[A-Z0-9]{3})?")
# No physical units of a flux density: a zero-point may not be needed (SDP 10.2).
_COUNTS = frozenset({"adu", "count", "counts", "ct", "electron", "electrons"})
_WAVELENGTHS = ("Angstrom", "angstrom", "nm", "um", "m")


def extensions(product: Product) -> Iterable[Hdu]:
    """The images of a cube, or of an image with several: those that need a scheme."""
    images = product.images
    if product.category == CUBE:
        return [hdu for hdu in product.hdus[1:] if hdu.is_image]
    return images if len(images) > 1 else ()


def _named(product: Product) -> Iterable[Hdu]:
    return product.hdus[1:] if product.category == CUBE else extensions(product)


def _typed(role: str) -> Where:
    def found(product: Product) -> Iterable[Hdu]:
        return [hdu for hdu in extensions(product) if hdu.role == role]

    return found


def _with_unit(product: Product) -> Iterable[Hdu]:
    return [hdu for hdu in extensions(product) if hdu.role != "QUALITY"]


def planes(product: Product) -> Iterable[Hdu]:
    """The HDUs that have the sky's coordinates."""
    if product.category == CUBE:
        return extensions(product)
    return [product.plane] if product.plane else ()


_CUBE = (About.CUBE,)
_SCHEME = (About.CUBE, About.WHITE_LIGHT)
_ALL = (About.CUBE, About.WHITE_LIGHT, About.EXPOSURE_MAP)

_CLASSES = (
    Keyword("HDUCLASS", "SDP 5.10", words=("ESO",)),
    Keyword("HDUDOC", "SDP 5.10", words=("SDP",)),
    Keyword(
        "HDUVERS",
        "SDP 5.10",
        expects="SDP version 8",
        is_right=lambda value: _VERSION.fullmatch(value) is not None,
    ),
    Keyword("HDUCLAS1", "SDP 5.10", words=("IMAGE",)),
    Keyword("HDUCLAS2", "SDP 5.10", words=ROLES),
)
_SKY = (
    *(Keyword(f"CRVAL{n}", "SDP 5.4", Kind.REAL, "deg") for n in (1, 2)),
    *(Keyword(f"CRPIX{n}", "SDP 5.4", Kind.REAL) for n in (1, 2)),
    *(
        Keyword(
            f"CTYPE{n}",
            "SDP 5.4",
            expects="RA---TAN or DEC--TAN, or another projection",
            is_right=lambda value: _SKY_AXIS.fullmatch(value) is not None,
        )
        for n in (1, 2)
    ),
    *(Keyword(f"CUNIT{n}", "SDP 5.4", words=("deg",)) for n in (1, 2)),
    *(
        Keyword(f"CD{i}_{j}", "SDP 5.4", Kind.REAL, "deg/pixel")
        for i in (1, 2)
        for j in (1, 2)
    ),
)
_SPECTRAL = (
    Keyword("CRVAL3", "SDP 5.4", Kind.REAL),
    Keyword("CRPIX3", "SDP 5.4", Kind.REAL),
    Keyword(
        "CTYPE3",
        "SDP 5.4",
        expects="AWAV or WAVE",
        is_right=lambda value: _SPECTRAL_AXIS.fullmatch(value) is not None,
    ),
    Keyword("CUNIT3", "SDP 5.4", words=_WAVELENGTHS),
    Keyword("CD3_3", "SDP 5.4", Kind.REAL, "not 0", is_right=lambda value: value != 0),
    # -1 is what pipelines write where they do not know it.
    *(Keyword(f"CSYER{n}", "CHK", Kind.REAL, "deg") for n in (1, 2)),
    *(
        Keyword(f"CRDER{n}", "SDP 5.4", Kind.REAL, is_mandatory=False)
        for n in (1, 2, 3)
    ),
)
_NAME = Keyword("EXTNAME", "SDP 10.2", expects="not empty", is_right=is_filled)
_UNIT = Keyword(
    "BUNIT",
    "SDP 5.3",
    expects="a physical unit, neither adu nor counts",
    is_right=lambda value: is_filled(value) and value.lower() not in _COUNTS,
)

RULES = (
    rule_of(_NAME, "extension", _SCHEME, _named),
    *(rule_of(keyword, "extension", _SCHEME, extensions) for keyword in _CLASSES),
    *(
        rule_of(
            Keyword("HDUCLAS3", "SDP 5.10", words=words),
            f"extension.{role.lower()}",
            _SCHEME,
            _typed(role),
        )
        for role, words in TYPES.items()
    ),
    rule_of(_UNIT, "extension", _CUBE, _with_unit),
    *(rule_of(keyword, "wcs", _ALL, planes) for keyword in _SKY),
    *(rule_of(keyword, "wcs", _CUBE, extensions) for keyword in _SPECTRAL),
)
