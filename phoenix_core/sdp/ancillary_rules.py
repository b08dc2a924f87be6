"""Rules on white-light images and exposure maps (SDP 4.2, 4.3.1, 4.3.5)."""

from collections.abc import Iterator

from phoenix_core.sdp.batch import Batch
from phoenix_core.sdp.map_pixels import pixels_of
from phoenix_core.sdp.product import Product
from phoenix_core.sdp.rule import About, Breach, Rule, Severity, breach

_MAP = (About.EXPOSURE_MAP,)
_IMAGE = (About.WHITE_LIGHT,)
_BOTH = (About.WHITE_LIGHT, About.EXPOSURE_MAP)
_AXES = 2
_BITPIX = (-32, 16)


def _no_plane(product: Product, _batch: Batch) -> Iterator[Breach]:
    images = product.images
    if not images:
        yield Breach("no HDU has an image")
        return
    for hdu in images:
        if len(hdu.axes) != _AXES:
            yield breach(hdu, "NAXIS", f"the image has {len(hdu.axes)} axes")
    if not product.plane:
        yield Breach(f"none of {len(images)} images has HDUCLAS2 = 'DATA'")


def _nested(product: Product, _batch: Batch) -> Iterator[Breach]:
    for stem in ("ASSON", "ASSOC", "ASSOM"):
        for index in product.primary.indexed(stem):
            yield breach(product.hdus[0], stem + index, "is there")


def _orphan(product: Product, batch: Batch) -> Iterator[Breach]:
    others = [p for p in batch.products if p.category.startswith("SCIENCE.")]
    named = {link.name for other in others for link in batch.links_of(other)}
    if others and product.name not in named:
        yield Breach("no science file given names it as ASSONi")


def _shared(product: Product, batch: Batch) -> Iterator[Breach]:
    users = [
        other.name
        for other in batch.products
        if product.name in {link.name for link in batch.links_of(other)}
    ]
    if len(users) > 1:
        yield Breach(f"{len(users)} files name it: {', '.join(sorted(users))}")


def _no_unit(product: Product, _batch: Batch) -> Iterator[Breach]:
    plane = product.plane
    if plane and not plane.header.text("BUNIT"):
        yield breach(plane, "BUNIT", "is missing or empty")


def _no_seconds(product: Product, _batch: Batch) -> Iterator[Breach]:
    plane = product.plane
    if plane and plane.header.text("BUNIT") != "s":
        yield breach(plane, "BUNIT", "is not 's'")


def _other_pixels(product: Product, _batch: Batch) -> Iterator[Breach]:
    plane = product.plane
    if plane and plane.bitpix not in _BITPIX:
        yield breach(plane, "BITPIX", "is another type")


def _blank(product: Product, _batch: Batch) -> Iterator[Breach]:
    plane = product.plane
    for keyword in ("BLANK", "ZBLANK"):
        if plane and keyword in plane.header:
            yield breach(plane, keyword, "is there")


def _no_times(product: Product, _batch: Batch) -> Iterator[Breach]:
    pixels = pixels_of(product)
    plane = product.plane
    if pixels is None or plane is None:
        return
    if pixels.undefined:
        told = f"{pixels.undefined} pixels are NaN or infinite"
        yield Breach(told, hdu=plane.label)
    if pixels.negative:
        yield Breach(f"{pixels.negative} pixels are negative", hdu=plane.label)


RULES = (
    Rule("ancillary.plane", "SDP 4.3", "an image of two axes", _BOTH, _no_plane),
    Rule(
        "ancillary.nested",
        "SDP 4.2",
        "no ASSONi, ASSOCi, ASSOMi in what is associated itself",
        _BOTH,
        _nested,
    ),
    Rule(
        "ancillary.orphan",
        "SDP 4.2",
        "at least one science file that it is associated with",
        _BOTH,
        _orphan,
    ),
    Rule(
        "white-light.shared",
        "SDP 4.3.5",
        "a white-light image of one cube only",
        _IMAGE,
        _shared,
    ),
    Rule(
        "white-light.BUNIT",
        "ours",
        "the unit of the pixels",
        _IMAGE,
        _no_unit,
        Severity.WARNING,
    ),
    Rule("exposure-map.BUNIT", "SDP 4.3.1", "seconds, 's'", _MAP, _no_seconds),
    Rule(
        "exposure-map.BITPIX",
        "SDP 4.3.1",
        "pixels of 32 bits floating-point or of 16 bits",
        _MAP,
        _other_pixels,
    ),
    Rule("exposure-map.BLANK", "SDP 4.3.1", "no BLANK", _MAP, _blank),
    Rule(
        "exposure-map.pixels",
        "SDP 4.3.1",
        "times of 0 or more in all pixels (not asked of tile-compressed maps)",
        _MAP,
        _no_times,
        needs_data=True,
    ),
)
