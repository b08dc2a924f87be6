"""What the headers of MUSE products say for the QC: keywords, sources, offsets."""

import re
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from astropy.io import fits
from attrs import frozen

from phoenix_core.errors import ProcessingError

Value = str | int | float | bool

_QC: Final = "ESO QC "
_OFFSET: Final = re.compile(r"ESO DRS MUSE OFFSET(\d+) DATE-OBS")
_FWHM: Final = re.compile(r"(SCIPOST|EXPCOMB) FWHM\d+ [XY]")


@frozen
class Offset:
    """What an exposure was moved by before it was combined, in degrees.

    `dra` is a difference of right ascensions, without the cosine of the declination.
    """

    exposure: str  # DATE-OBS
    dra: float
    ddec: float


def read_header(path: Path) -> fits.Header:
    """Read the primary header of a product.

    Raises:
        ProcessingError: the file is no FITS file.
    """
    try:
        return fits.getheader(path)
    except OSError as error:
        raise ProcessingError(f"{path}: no FITS header: {error}") from error


def qc_parameters(headers: Iterable[fits.Header]) -> dict[str, Value]:
    """Return all QC keywords without their ``ESO QC``; the first header wins."""
    found: dict[str, Value] = {}
    for header in headers:
        for card in header.cards:
            if card.keyword.startswith(_QC) and isinstance(card.value, Value):
                found.setdefault(card.keyword.removeprefix(_QC), card.value)
    return found


def carried(header: fits.Header, name: str) -> int | float | None:
    """Return a number that another recipe measured and POST_PLUGIN carried on.

    Args:
        header: of the product.
        name: such as NUM_SAT; taken with blanks for underscores, too.
    """
    for card in header.cards:
        words = card.keyword.replace(" ", "_")
        is_it = words == name or words.endswith(f"_{name}")
        if is_it and isinstance(card.value, int | float):
            return card.value
    return None


def fitted(parameters: dict[str, Value]) -> int:
    """Return how many sources scipost or exp_combine could fit for their FWHM."""
    return sum(
        isinstance(value, int | float) and value > 0
        for name, value in parameters.items()
        if _FWHM.fullmatch(name) and name.endswith("X")
    )


def fwhm(parameters: dict[str, Value]) -> float | None:
    """Return the median FWHM of the sources in arcsec, None where none was fitted.

    The pipeline writes a median of 0.0 where it has fitted fewer than three sources,
    and FWHMs of 0.0 where a fit failed: those are no measurements.
    """
    for recipe in ("SCIPOST", "EXPCOMB"):
        median = parameters.get(f"{recipe} FWHM MEDIAN")
        if isinstance(median, int | float) and median > 0:
            return float(median)
    each = [
        float(value)
        for name, value in parameters.items()
        if _FWHM.fullmatch(name) and isinstance(value, int | float) and value > 0
    ]
    return statistics.median(each) if each else None


def seeing(header: fits.Header) -> float | None:
    """Return the seeing in arcsec as the telescope saw it: autoguider, else monitor."""
    guider = [header.get(f"ESO OCS SGS AG FWHM{axis} MED") for axis in "XY"]
    monitor = [header.get(f"ESO TEL AMBI FWHM {time}") for time in ("START", "END")]
    for pair in (guider, [header.get("ESO TEL IA FWHMLIN")], monitor):
        values = [v for v in pair if isinstance(v, int | float) and v > 0]
        if values:
            return sum(values) / len(values)
    return None


def offsets(header: fits.Header) -> tuple[Offset, ...]:
    """Return one offset for each exposure that was really combined."""
    found = []
    for keyword, exposure in header.items():
        if match := _OFFSET.fullmatch(keyword):
            stem = f"ESO DRS MUSE OFFSET{match[1]}"
            dra, ddec = header.get(f"{stem} DRA"), header.get(f"{stem} DDEC")
            if isinstance(dra, int | float) and isinstance(ddec, int | float):
                found.append(Offset(str(exposure), float(dra), float(ddec)))
    return tuple(found)


def target(header: fits.Header) -> str:
    """Return what was observed, as the OB or the observer calls it."""
    name = header.get("ESO OBS TARG NAME") or header.get("OBJECT") or ""
    return str(name).removesuffix(" (DATA)").strip()
