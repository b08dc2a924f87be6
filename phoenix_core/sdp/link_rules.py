"""Rules on what a cube links to: its white-light image, maps, logs, plots (SDP 4.2)."""

import re
from collections.abc import Iterator
from pathlib import Path

from phoenix_core.association_block import is_safe_name
from phoenix_core.nearest import nearest
from phoenix_core.sdp.batch import Batch, md5_of
from phoenix_core.sdp.file_rules import LONGEST_NAME
from phoenix_core.sdp.map_pixels import pixels_of
from phoenix_core.sdp.product import EXPOSURE_MAP, WHITE_LIGHT, Product, place_of
from phoenix_core.sdp.rule import About, Breach, Check, Rule, Severity, breach
from phoenix_core.sdp.sky import differences

# CHK, ASSOC*, 2025-03-27; those of single instruments (ANCILLARY.<X>TAR) as well.
CATEGORIES = tuple(
    f"ANCILLARY.{word}"
    for word in (
        "PREVIEW",
        "README",
        "TAR",
        "MOSSPECTRA.PREVIEW",
        "SRCTBL",
        "2DECHELLE.TAR",
        "CUBE.LMV",
    )
)

_CUBE = (About.CUBE,)
_TAR = re.compile(r"ANCILLARY\.[A-Z0-9]+TAR")
_MD5 = re.compile(r"[0-9a-f]{32}")
_MEDIAN_TOLERANCE = 0.05  # ours: pixels at the edge of a dithered stack see less


def _strange_name(product: Product, _batch: Batch) -> Iterator[Breach]:
    for index, card in product.primary.indexed("ASSON").items():
        name = card.value
        is_name = isinstance(name, str) and is_safe_name(name)
        if isinstance(name, str) and name and not is_name:
            yield breach(product.hdus[0], f"ASSON{index}", "is no plain file name")
        elif isinstance(name, str) and len(name) > LONGEST_NAME:
            what = f"has {len(name)} characters"
            yield breach(product.hdus[0], f"ASSON{index}", what)


def _same_name(product: Product, batch: Batch) -> Iterator[Breach]:
    """What was named before has the name: the file that comes later has to change."""
    before: dict[str, Path] = {}
    for other in batch.products:
        if other.path == product.path:
            break
        for link in batch.links_of(other):
            if link.path:
                before.setdefault(link.name, link.path)
    for link in batch.links_of(product):
        first = before.get(link.name)
        if first and link.path and place_of(first) != place_of(link.path):
            what = f"{first} is another file of that name"
            yield breach(product.hdus[0], f"ASSON{link.index}", what)


def _missing(product: Product, batch: Batch) -> Iterator[Breach]:
    for link in batch.links_of(product):
        if link.path is None:
            what = f"there is no such file in {product.path.parent}"
            yield breach(product.hdus[0], f"ASSON{link.index}", what)


def _broken(product: Product, batch: Batch) -> Iterator[Breach]:
    given = {place_of(other.path) for other in batch.products}
    for link in batch.links_of(product):
        linked = link.product
        if linked and not linked.is_whole and place_of(linked.path) not in given:
            what = f"is broken: {linked.problem or linked.unreadable}"
            yield breach(product.hdus[0], f"ASSON{link.index}", what)


def _science(product: Product, batch: Batch) -> Iterator[Breach]:
    for link in batch.links_of(product):
        if link.product and link.product.category.startswith("SCIENCE."):
            what = f"is a science file, {link.product.category}"
            yield breach(product.hdus[0], f"ASSON{link.index}", what)


def _wrong_category(product: Product, batch: Batch) -> Iterator[Breach]:
    first, header = product.hdus[0], product.primary
    for link in batch.links_of(product):
        keyword = f"ASSOC{link.index}"
        category = header.text(keyword) or ""
        if link.is_fits:
            if keyword in header:
                yield breach(first, keyword, f"{link.name} is FITS: PRODCATG tells it")
        elif keyword not in header:
            yield breach(first, keyword, f"is missing, and {link.name} is not FITS")
        elif category not in CATEGORIES and not _TAR.fullmatch(category):
            what = f"is not known{nearest(category, CATEGORIES)}"
            yield breach(first, keyword, what)


def _no_sum(product: Product, batch: Batch) -> Iterator[Breach]:
    first, header = product.hdus[0], product.primary
    for link in batch.links_of(product):
        keyword = f"ASSOM{link.index}"
        if link.is_fits:
            if keyword in header:
                yield breach(first, keyword, f"{link.name} is FITS: CHECKSUM tells it")
        elif keyword not in header:
            yield breach(first, keyword, f"is missing, and {link.name} is not FITS")
        elif not _MD5.fullmatch(header.text(keyword) or ""):
            yield breach(first, keyword, "is no md5: 32 digits 0-9 a-f")


def _other_sum(product: Product, batch: Batch) -> Iterator[Breach]:
    for link in batch.links_of(product):
        keyword = f"ASSOM{link.index}"
        told = product.primary.text(keyword) or ""
        if link.path is None or link.is_fits or not _MD5.fullmatch(told):
            continue
        try:
            found = md5_of(link.path)
        except OSError as error:
            what = f"{link.name} cannot be read: {error.strerror}"
            yield breach(product.hdus[0], keyword, what)
            continue
        if found != told:
            yield breach(product.hdus[0], keyword, f"{link.name} has {found}")


def _stray(product: Product, _batch: Batch) -> Iterator[Breach]:
    known = product.primary.indexed("ASSON")
    for stem in ("ASSOC", "ASSOM"):
        for index in product.primary.indexed(stem):
            if index not in known:
                what = f"there is no ASSON{index}"
                yield breach(product.hdus[0], stem + index, what)


def _not_one_image(product: Product, batch: Batch) -> Iterator[Breach]:
    links = batch.links_of(product)
    unknown = [
        link
        for link in links
        if link.path is None or (link.product and not _says_what(link.product))
    ]
    found = batch.linked(product, WHITE_LIGHT)
    if len(found) > 1:
        yield Breach(f"{', '.join(p.name for p in found)} are all {WHITE_LIGHT}")
    elif links and not found and not unknown:
        yield Breach(f"no ASSONi names one with PRODCATG = {WHITE_LIGHT}")


def _says_what(product: Product) -> bool:
    return product.is_whole and bool(product.category)


def _other_size(category: str) -> Check:
    def check(product: Product, batch: Batch) -> Iterator[Breach]:
        data = product.having("DATA")
        for linked in batch.linked(product, category):
            plane = linked.plane
            if data and plane and plane.axes[:2] != data.axes[:2]:
                sizes = [" x ".join(map(str, h.axes[:2])) for h in (plane, data)]
                what = f"{linked.name} has {sizes[0]} pixels, the cube {sizes[1]}"
                yield Breach(what, "NAXISn", data.label)

    return check


def _other_plane(category: str) -> Check:
    def check(product: Product, batch: Batch) -> Iterator[Breach]:
        data = product.having("DATA")
        for linked in batch.linked(product, category):
            plane = linked.plane
            for keyword in differences(data, plane, 2) if data and plane else ():
                card = plane.header.card(keyword) if plane else None
                told = f"{linked.name} has {card.shown}" if card else ""
                yield breach(data, keyword, told) if data else Breach(told)

    return check


def _no_map(product: Product, batch: Batch) -> Iterator[Breach]:
    one, total = (product.primary.number(k) for k in ("EXPTIME", "TEXPTIME"))
    links = batch.links_of(product)
    if one is None or total is None or not one < total or not links:
        return
    if all(link.path for link in links) and not batch.linked(product, EXPOSURE_MAP):
        what = f"is less than TEXPTIME = {total}, and no exposure map is associated"
        yield breach(product.hdus[0], "EXPTIME", what)


def _other_median(product: Product, batch: Batch) -> Iterator[Breach]:
    told = product.primary.number("EXPTIME")
    for linked in batch.linked(product, EXPOSURE_MAP):
        try:
            pixels = pixels_of(linked)
        except OSError:
            continue
        median = pixels.median if pixels else None
        if (
            told
            and told > 0
            and median
            and abs(median - told) > _MEDIAN_TOLERANCE * told
        ):
            what = f"the median of {linked.name} is {median:.2f} s"
            yield breach(product.hdus[0], "EXPTIME", what)


RULES = (
    Rule(
        "link.name",
        "SDP 3.4.1",
        "a file name: no directory, no blank, at most 68 characters",
        _CUBE,
        _strange_name,
    ),
    Rule(
        "link.name-unique",
        "SDP 3.4.2",
        "a name that no other associated file has, in whatever directory",
        _CUBE,
        _same_name,
    ),
    Rule(
        "link.there",
        "SDP 4.2",
        "the associated file beside the cube, or among the files given",
        _CUBE,
        _missing,
    ),
    Rule("link.whole", "FITS 3", "a whole FITS file", _CUBE, _broken),
    Rule(
        "link.science",
        "SDP 4.2",
        "an ancillary file: a science file is no companion of another",
        _CUBE,
        _science,
    ),
    Rule(
        "link.ASSOC",
        "SDP 4.2",
        "the category of a file that is not FITS, and of no other",
        _CUBE,
        _wrong_category,
    ),
    Rule(
        "link.ASSOM",
        "SDP 4.2",
        "the md5 of a file that is not FITS, and of no other",
        _CUBE,
        _no_sum,
    ),
    Rule(
        "link.md5",
        "SDP 4.2",
        "the md5 of the file as it is",
        _CUBE,
        _other_sum,
        needs_data=True,
    ),
    Rule("link.stray", "SDP 4.2", "ASSOCi and ASSOMi of an ASSONi", _CUBE, _stray),
    Rule(
        "link.white-light",
        "SDP 4.3.5",
        "exactly one white-light image",
        _CUBE,
        _not_one_image,
    ),
    Rule(
        "link.white-light-size",
        "SDP 4.3.5",
        "a white-light image of NAXIS1 and NAXIS2 of the cube",
        _CUBE,
        _other_size(WHITE_LIGHT),
    ),
    Rule(
        "link.white-light-wcs",
        "SDP 4.3.5",
        "a white-light image with the coordinates of the cube",
        _CUBE,
        _other_plane(WHITE_LIGHT),
    ),
    Rule(
        "link.exposure-map-size",
        "SDP 4.3.1",
        "an exposure map of NAXIS1 and NAXIS2 of the cube",
        _CUBE,
        _other_size(EXPOSURE_MAP),
    ),
    Rule(
        "link.exposure-map-wcs",
        "SDP 4.3.1",
        "an exposure map with the coordinates of the cube",
        _CUBE,
        _other_plane(EXPOSURE_MAP),
    ),
    Rule(
        "link.exposure-map",
        "SDP 5.1",
        "an exposure map of a mosaic, whose pixels see different times",
        _CUBE,
        _no_map,
        Severity.WARNING,
    ),
    Rule(
        "link.exposure-map-median",
        "SDP 4.3.1",
        "EXPTIME as the median of the exposure map above 0, to 5 % (ours)",
        _CUBE,
        _other_median,
        Severity.WARNING,
        needs_data=True,
    ),
)
