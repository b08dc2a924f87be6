"""The night sky: its continuum, its lines, and the instrument's line spread."""

from typing import Final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

CONTINUUM: Final = 5.7e-18
"""erg/s/cm2/A/arcsec2: V = 22.0 an arcsec2 (ours)."""

LSF_FWHM: Final = 2.6
"""Angstrom: a Gaussian, the same everywhere (ours, like the real one)."""

LSF_SIGMA: Final = LSF_FWHM / 2.354820045


@frozen
class SkyLine:
    """An emission line: air wavelength (Angstrom), flux (1e-20 erg/s/cm2/arcsec2).

    `group` is the number under which muse_create_sky scales lines together.
    """

    name: str
    group: int
    wavelength: float
    flux: float


LINES: Final = (
    SkyLine("[OI]5577", 1, 5577.339, 1.5e5),
    SkyLine("[OI]6300", 2, 6300.304, 1.2e5),
    SkyLine("[OI]6363", 2, 6363.780, 4.0e4),
    SkyLine("NaI5889", 3, 5889.951, 3.0e4),
    SkyLine("NaI5895", 3, 5895.924, 1.6e4),
    SkyLine("OH6498", 4, 6498.729, 1.2e4),
    SkyLine("OH6533", 4, 6533.044, 1.4e4),
    SkyLine("OH6553", 4, 6553.617, 8.0e3),
    SkyLine("OH6863", 5, 6863.955, 2.0e4),
    SkyLine("OH6923", 5, 6923.220, 2.2e4),
    SkyLine("OH7276", 6, 7276.405, 4.0e4),
    SkyLine("OH7340", 6, 7340.885, 4.4e4),
    SkyLine("OH7750", 7, 7750.640, 5.2e4),
    SkyLine("OH7913", 7, 7913.708, 6.0e4),
    SkyLine("OH8399", 8, 8399.170, 9.0e4),
    SkyLine("OH8430", 8, 8430.174, 8.0e4),
    SkyLine("OH8827", 9, 8827.096, 1.0e5),
    SkyLine("OH8885", 9, 8885.850, 1.0e5),
)
"""Wavelengths of the real sky, fluxes of ours; the first lies in every size."""


def line_profile(wavelength: NDArray[np.float64], centre: float) -> NDArray[np.float64]:
    """Spread a line of unit flux over wavelengths (Angstrom); per Angstrom."""
    normalised = (wavelength - centre) / LSF_SIGMA
    profile = np.exp(-0.5 * normalised**2) / (LSF_SIGMA * np.sqrt(2.0 * np.pi))
    return np.asarray(profile, dtype=np.float64)


def sky_spectrum(wavelength: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the sky's surface brightness in erg/s/cm2/A/arcsec2."""
    brightness = np.full(wavelength.shape, CONTINUUM)
    low, high = wavelength.min() - 10.0, wavelength.max() + 10.0
    for line in LINES:
        if low < line.wavelength < high:
            brightness += 1e-20 * line.flux * line_profile(wavelength, line.wavelength)
    return brightness
