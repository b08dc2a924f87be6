"""What a rule is, and what it says of a file."""

from collections.abc import Callable, Iterable
from enum import StrEnum

from attrs import frozen

from phoenix_core.sdp import product
from phoenix_core.sdp.batch import Batch
from phoenix_core.sdp.product import Hdu, Product


class Severity(StrEnum):
    """Whether the standard demands it, or recommends it, or a person should look."""

    ERROR = "error"
    WARNING = "warning"


class About(StrEnum):
    """Which files a rule is asked of."""

    FILE = "any file"  # also a broken one
    FITS = "any FITS file"
    CUBE = product.CUBE
    WHITE_LIGHT = product.WHITE_LIGHT
    EXPOSURE_MAP = product.EXPOSURE_MAP


@frozen
class Breach:
    """What a check found: where (HDU, '' for the file), which key, and what of it."""

    what: str
    key: str = ""
    hdu: str = ""
    value: str = ""


def breach(hdu: Hdu, keyword: str, what: str) -> Breach:
    """Say what is wrong with a keyword of an HDU."""
    card = hdu.header.card(keyword)
    return Breach(what, keyword, hdu.label, card.shown if card else "")


Check = Callable[[Product, Batch], Iterable[Breach]]


@frozen
class Rule:
    """A rule: where it comes from, which files it is for, what it expects.

    `section` is that of the Science Data Products standard (SDP 5.1) or of the FITS
    standard 4.0 (FITS 4.4); CHK is the summary of the Phase 3 validator's checks; ours
    is what we decided where both are silent. A rule that `needs_data` is not asked
    where the data are not to be read.
    """

    id: str
    section: str
    expects: str
    about: tuple[About, ...]
    check: Check
    severity: Severity = Severity.ERROR
    needs_data: bool = False


@frozen
class Finding:
    """A breach of a rule by a file, with all that a person needs to mend it."""

    rule: str
    section: str
    severity: Severity
    hdu: str
    key: str
    value: str
    what: str
    expects: str
