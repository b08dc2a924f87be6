"""Texts of the QC plots, safe to draw whatever a header says.

Names come from elsewhere: a ``$`` would start a formula, and what the font lacks would
be a warning and a box.
"""

import math
from typing import Any, Final

INK: Final = "#1b2733"
PALE: Final = "#66717d"
GREY: Final = "#8d99a6"
LINE: Final = "#c4ccd4"
BLUE: Final = "#1c5d99"
ORANGE: Final = "#d2691e"
GREEN: Final = "#1a7f37"
RED: Final = "#b3261e"

NONE: Final = "n/a"

SMALL: Final = 8.5
NORMAL: Final = 9.5
TITLE: Final = 17.0

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


def style_axes(axes: Any) -> None:
    """Give axes the look that all panels share."""
    axes.tick_params(
        labelsize=SMALL, colors=INK, direction="in", top=True, right=True, length=3
    )
    for spine in axes.spines.values():
        spine.set(color=PALE, linewidth=0.8)


def panel_title(axes: Any, text: str, pad: float = 5.0) -> None:
    """Write what a panel shows above its left corner, `pad` points above the frame."""
    axes.set_title(
        text, loc="left", fontsize=NORMAL, color=INK, pad=pad, parse_math=False
    )


def say_empty(axes: Any, text: str) -> None:
    """Write into a panel why it shows nothing."""
    axes.set(xticks=[], yticks=[])
    axes.text(
        0.5,
        0.5,
        text,
        transform=axes.transAxes,
        ha="center",
        va="center",
        color=PALE,
        fontsize=NORMAL,
    )
