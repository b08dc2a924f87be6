"""Where the night sky is bright or dark: lines and bands that QC plots mark."""

from typing import Final

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
