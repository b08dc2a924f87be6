"""Rules on the coordinates of images and cubes (SDP 5.4)."""

import re
from collections.abc import Iterator

from phoenix_core.sdp.batch import Batch
from phoenix_core.sdp.extension_keywords import extensions, planes
from phoenix_core.sdp.product import Product
from phoenix_core.sdp.rule import About, Breach, Rule, breach
from phoenix_core.sdp.sky import differences, is_inside, is_singular, pixel_of

_CUBE = (About.CUBE,)
_ALL = (About.CUBE, About.WHITE_LIGHT, About.EXPOSURE_MAP)
_OTHER_SCHEME = re.compile(r"CDELT\d+|CROTA\d+|PC\d+_\d+|PC\d{6}")
_SECOND_SET = re.compile(r"(CRVAL|CRPIX|CTYPE|CUNIT|CDELT)\d+[A-Z]|(CD|PC)\d+_\d+[A-Z]")
_CUBE_AXES = 3


def _other_scheme(product: Product, _batch: Batch) -> Iterator[Breach]:
    for hdu in product.hdus:
        for keyword in hdu.header:
            if _OTHER_SCHEME.fullmatch(keyword):
                yield breach(hdu, keyword, "is there")


def _second_set(product: Product, _batch: Batch) -> Iterator[Breach]:
    for hdu in product.hdus:
        for keyword in hdu.header:
            if _SECOND_SET.fullmatch(keyword):
                yield breach(hdu, keyword, "is there")


def _no_pair(product: Product, _batch: Batch) -> Iterator[Breach]:
    for hdu in planes(product):
        one, other = (hdu.header.text(f"CTYPE{n}") or "" for n in (1, 2))
        is_pair = {one[:4], other[:4]} == {"RA--", "DEC-"} and one[4:] == other[4:]
        is_known = all(len(word) == len("RA---TAN") for word in (one, other))
        if is_known and not is_pair:
            yield breach(hdu, "CTYPE2", f"is no partner of CTYPE1 = '{one}'")


def _parallel(product: Product, _batch: Batch) -> Iterator[Breach]:
    for hdu in planes(product):
        elements = [f"CD{i}_{j}" for i in (1, 2) for j in (1, 2)]
        is_known = all(hdu.header.number(name) is not None for name in elements)
        if is_known and is_singular(hdu.header):
            yield breach(hdu, "CD1_1", "with the others it makes no plane")


def _other_coordinates(product: Product, _batch: Batch) -> Iterator[Breach]:
    data = product.having("DATA")
    for hdu in extensions(product):
        if data and hdu.number != data.number:
            for keyword in differences(data, hdu, _CUBE_AXES):
                card = data.header.card(keyword)
                told = f"the science data have {card.shown}" if card else ""
                yield breach(hdu, keyword, told)


def _outside(product: Product, _batch: Batch) -> Iterator[Breach]:
    data = product.having("DATA")
    ra, dec = product.primary.number("RA"), product.primary.number("DEC")
    if not data or ra is None or dec is None:
        return
    place = pixel_of(data.header, ra, dec)
    if place and not is_inside(place, data.axes):
        at = ", ".join(f"{x:.1f}" for x in place)
        yield breach(product.hdus[0], "RA", f"with DEC it is at pixel {at}")


RULES = (
    Rule(
        "wcs.scheme",
        "SDP 5.4",
        "CDi_j, and neither CDELTn, CROTAn nor PCi_j",
        _ALL,
        _other_scheme,
    ),
    Rule(
        "wcs.one-set",
        "SDP 5.4",
        "one set of coordinates: no CRVAL1A and the like",
        _ALL,
        _second_set,
    ),
    Rule(
        "wcs.pair",
        "FITS 8.3",
        "right ascension and declination in one projection",
        _ALL,
        _no_pair,
    ),
    Rule(
        "wcs.plane",
        "ours",
        "CD1_1 to CD2_2 of two axes that are not parallel",
        _ALL,
        _parallel,
    ),
    Rule(
        "wcs.extensions",
        "SDP 10.2",
        "coordinates of error and quality as of the data, to a thousandth of a pixel",
        _CUBE,
        _other_coordinates,
    ),
    Rule(
        "wcs.position",
        "CHK",
        "RA and DEC within the field (asked where the projection is TAN)",
        _CUBE,
        _outside,
    ),
)
