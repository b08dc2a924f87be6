"""Where the night sky is bright or dark: lines and bands that QC plots mark.

What of the lines is left in a spectrum of the field is measured, too.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

SKY_LINES: Final = (
    (5577.34, "[O I]"),
    (5889.95, "Na I"),
    (6300.30, "[O I]"),
    (6363.78, ""),
    (6863.96, ""),
    (7276.41, ""),
    (7316.28, ""),
    (7340.89, "OH"),
    (7750.64, ""),
    (7794.11, ""),
    (7821.50, ""),
    (7913.71, ""),
    (7964.65, "OH"),
    (7993.33, ""),
    (8344.60, ""),
    (8399.17, "OH"),
    (8430.17, ""),
    (8465.36, ""),
    (8827.10, ""),
    (8885.85, "OH"),
    (8919.64, ""),
    (8958.10, ""),
)
"""Bright lines, wavelength in air in Angstrom; unnamed ones are OH or neighbours.

Source: the strongest ones of Osterbrock et al. 1996, PASP 108, 277.
"""

TELLURIC_BANDS: Final = ((6860.0, 6960.0, "B"), (7590.0, 7720.0, "A"))
"""Absorption by the air's oxygen, Fraunhofer's names."""

OI_5577: Final = SKY_LINES[0][0]
_CORE: Final = 3.0  # Angstrom: the line, moved by up to 0.6 to the Sun's rest frame
_WINGS: Final = 40.0  # Angstrom: where the continuum beside it is taken from
_FEWEST: Final = 5  # planes of continuum

Floats = NDArray[np.float64]


def residuals(wavelength: Floats, spectrum: Floats) -> dict[float, float]:
    """Return what is left of each bright line that a spectrum covers.

    The largest distance from the continuum beside the line, up or down. What lies in
    another line is no continuum.

    Args:
        wavelength: of the planes, in Angstrom.
        spectrum: of the sky: the median of each plane.
    """
    lines = [wave for wave, _ in SKY_LINES]
    is_there = np.isfinite(spectrum)
    is_line = np.zeros(len(wavelength), bool)
    for wave in lines:
        is_line |= np.abs(wavelength - wave) <= 2 * _CORE
    found = {}
    for wave in lines:
        away = np.abs(wavelength - wave)
        core = spectrum[is_there & (away <= _CORE)]
        beside = spectrum[is_there & ~is_line & (away <= _WINGS)]
        # A line at the edge, of which a wing is all that is seen, tells nothing.
        is_covered = core.size and away.min() < _CORE / 2
        if is_covered and beside.size >= _FEWEST:
            found[wave] = float(np.abs(core - np.median(beside)).max())
    return found


def residual_5577(wavelength: Floats, spectrum: Floats) -> float:
    """Return what is left of the line [O I] 5577 in a spectrum, NaN without it."""
    return residuals(wavelength, spectrum).get(OI_5577, float("nan"))
