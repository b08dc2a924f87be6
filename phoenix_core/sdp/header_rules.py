"""Rules on PRODCATG, and on what the archive writes itself."""

import re
from collections.abc import Iterator

from phoenix_core.nearest import nearest
from phoenix_core.sdp.batch import Batch
from phoenix_core.sdp.product import Product
from phoenix_core.sdp.rule import About, Breach, Rule, Severity, breach

# CHK, "Recognised categories", 2025-03-27; the words behind ANCILLARY. one by one.
_SCIENCE = (
    "IMAGE",
    "MEFIMAGE",
    "SPECTRUM",
    "SRCTBL",
    "CUBE.IFS",
    "CUBE",
    "IMAGE.FLUXMAP",
    "VISIBILITY",
    "VISIBILITY.UNCALIBRATED",
    "CATALOG",
    "MCATALOG",
    "CATALOGTILE",
)
_ANCILLARY = (
    "PREVIEW",
    "WEIGHTMAP",
    "GAINMAP",
    "MASK",
    "SPECTRUM",
    "2DSPECTRUM",
    "IMAGE",
    "MOSSPECTRA",
    "MOSSPECTRA.CALSIM",
    "MOSSPECTRA.SKY",
    "MOSSPECTRA.PREVIEW",
    "RMSMAP",
    "SNRMAP",
    "RESMAP",
    "SRCMASK",
    "FILTERED",
    "SPECTRUM.TELLURIC",
    "SPECTRUM.CONTINUUM",
    "EXPMAP",
    "VARMAP",
    "PIXELCOUNTMAP",
    "IMAGE.WHITELIGHT",
    "CUBE.IFS.NO_TELLCORR",
    "CUBE.IFS.SKY",
    "CCF",
    "DRIFT",
    "PIXELCOUNT3D",
    "CUBE.IFS",
    "IMAGE.COL_DENSITY",
)
CATEGORIES = (
    *(f"SCIENCE.{word}" for word in _SCIENCE),
    *(f"ANCILLARY.{word}" for word in _ANCILLARY),
)
# Those of single instruments are ANCILLARY.<instrument>.<what it is>.
_GENERAL = frozenset(word.partition(".")[0] for word in _ANCILLARY)
_OF_INSTRUMENT = re.compile(r"ANCILLARY\.([A-Z0-9]+)\.[A-Z0-9_.]+")

_FITS = (About.FITS,)


def _category(product: Product, _batch: Batch) -> Iterator[Breach]:
    if not product.hdus or product.category in CATEGORIES:
        return
    match = _OF_INSTRUMENT.fullmatch(product.category)
    if match and match[1] not in _GENERAL:
        return
    hint = nearest(product.category, CATEGORIES)
    what = f"is not known{hint}" if product.category else "is missing or no text"
    yield breach(product.hdus[0], "PRODCATG", what)


def _in_extensions(product: Product, keyword: str) -> Iterator[Breach]:
    for hdu in product.hdus[1:]:
        if keyword in hdu.header:
            yield breach(hdu, keyword, "is in an extension")


def _category_elsewhere(product: Product, _batch: Batch) -> Iterator[Breach]:
    return _in_extensions(product, "PRODCATG")


def _origfile_elsewhere(product: Product, _batch: Batch) -> Iterator[Breach]:
    return _in_extensions(product, "ORIGFILE")


def _reserved(product: Product, _batch: Batch) -> Iterator[Breach]:
    for hdu in product.hdus:
        reserved = ("ARCFILE", "P3ORIG", *(() if hdu.number else ("ORIGFILE",)))
        for keyword in reserved:
            if keyword in hdu.header:
                yield breach(hdu, keyword, "will be overwritten by the archive")


RULES = (
    Rule(
        "header.PRODCATG",
        "SDP 4",
        "a product category that the archive knows, in the primary header",
        _FITS,
        _category,
    ),
    Rule(
        "header.prodcatg-elsewhere",
        "CHK",
        "PRODCATG in the primary header only",
        _FITS,
        _category_elsewhere,
    ),
    Rule(
        "header.origfile-elsewhere",
        "SDP 5.12",
        "no ORIGFILE in an extension",
        _FITS,
        _origfile_elsewhere,
    ),
    Rule(
        "header.reserved",
        "SDP 5.12",
        "no ARCFILE, ORIGFILE, P3ORIG: the archive sets them",
        _FITS,
        _reserved,
        Severity.WARNING,
    ),
)
