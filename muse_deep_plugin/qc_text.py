"""Texts of the QC plots, safe to draw whatever a header says.

Names come from elsewhere: a ``$`` would start a formula, and what the font lacks would
be a warning and a box.
"""

import math
from typing import Final

NONE: Final = "n/a"

_LAST_LATIN: Final = 0x24F
_UNITS: Final = {
    "10**(-20)*erg/s/cm**2/angstrom",  # the pipeline, its SDP format and mpdaf
    "10**(-20)erg.s**(-1).cm**(-2).angstrom**(-1)",
    "10**-20angstrom-1cm-2ergs-1",
}


def plain(text: object, limit: int = 60) -> str:
    """Return a text that any font can draw in one line, cut at a limit."""
    shown = "".join(
        c if c.isprintable() and ord(c) <= _LAST_LATIN else "?"
        for c in " ".join(str(text).split())
    )
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"


def flux_unit(unit: str) -> str:
    """Return the unit of MUSE cubes as it is printed, any other as it is.

    >>> flux_unit("10**(-20)*erg/s/cm**2/Angstrom")
    '10⁻²⁰ erg s⁻¹ cm⁻² Å⁻¹'
    """
    if unit.lower().replace(" ", "") in _UNITS:
        return "10⁻²⁰ erg s⁻¹ cm⁻² Å⁻¹"
    return plain(unit, 24)


def in_digits(value: float | None, digits: int = 3, unit: str = "") -> str:
    """Return a number in so many digits, n/a where there is none.

    >>> in_digits(1234567.0), in_digits(0.0123), in_digits(None)
    ('1.23e+06', '0.0123', 'n/a')
    """
    if value is None or not math.isfinite(value):
        return NONE
    text = f"{value:.{digits}g}"
    if "e" in text and abs(value) < 10**6:
        text = f"{value:.0f}" if abs(value) >= 1 else text
    return f"{text}{unit}"


def in_all_digits(value: float | None) -> str:
    """Return a number in three digits, also where the last ones are 0.

    >>> in_all_digits(1.0), in_all_digits(21.59), in_all_digits(1830.1)
    ('1.00', '21.6', '1830')
    """
    if value is None:
        return NONE
    text = f"{value:#.3g}".removesuffix(".")
    return in_digits(value) if "e" in text else text


def in_arcsec(value: float | None) -> str:
    """Return an angle as seeing is written.

    >>> in_arcsec(0.9091), in_arcsec(None)
    ('0.91″', 'n/a')
    """
    return NONE if value is None else f"{value:.2f}″"


def duration(seconds: float | None) -> str:
    """Return a time as astronomers write it.

    >>> duration(600.0), duration(36000.0)
    ('600 s', '36000 s (10.0 h)')
    """
    if seconds is None or not math.isfinite(seconds):
        return NONE
    hours = f" ({seconds / 3600:.1f} h)" if seconds >= 3600 else ""  # noqa: PLR2004
    return f"{seconds:.0f} s{hours}"
