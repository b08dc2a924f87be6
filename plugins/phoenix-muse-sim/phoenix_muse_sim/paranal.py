"""The observatory: time, airmass and refraction at Paranal, the Earth's motion."""

from datetime import UTC, datetime, timedelta
from typing import Final

import erfa
import numpy as np
from attrs import frozen
from numpy.typing import NDArray

LATITUDE: Final = -24.625278
LONGITUDE: Final = -70.402222
HEIGHT: Final = 2648.0
"""UT4: degrees, degrees east, metres (the recipes' own default)."""

TEMPERATURE: Final = 11.5
HUMIDITY: Final = 14.5
PRESSURE: Final = 743.0
"""Degrees Celsius, per cent, hPa (the recipes' own default)."""

EXTINCTION: Final = 0.12
"""Magnitudes an airmass, at all wavelengths (ours)."""

REFERENCE_LAMBDA: Final = 7000.0
"""Angstrom: where muse_scipost corrects the refraction to."""

MJD_EPOCH: Final = datetime(1858, 11, 17, tzinfo=UTC)
_MMHG: Final = 0.750061683
_ARCSEC: Final = 206264.80625
_LIGHT: Final = 299792.458


@frozen
class Pointing:
    """Where the telescope stands at one moment.

    Sidereal time in seconds, parallactic angle in degrees from north to east.
    """

    lst: float
    airmass: float
    parallactic_angle: float


def mjd(moment: datetime) -> float:
    """Give the modified Julian date of an aware moment."""
    return (moment - MJD_EPOCH) / timedelta(days=1)


def civil_date(moment: datetime) -> str:
    """Name the night, noon to noon (UT), by the day on which it began."""
    return (moment - timedelta(hours=12)).strftime("%Y-%m-%d")


def sidereal_time(moment: datetime) -> float:
    """Give the mean sidereal time at Paranal in degrees (IAU 1982, linear)."""
    days = mjd(moment) - 51544.5
    return (280.46061837 + 360.98564736629 * days + LONGITUDE) % 360.0


def pointing(ra: float, dec: float, moment: datetime) -> Pointing:
    """Work out how a position (degrees) is seen at a moment; no refraction."""
    lst = sidereal_time(moment)
    hour_angle = np.radians(lst - ra)
    delta, phi = np.radians(dec), np.radians(LATITUDE)
    sin_altitude = np.sin(phi) * np.sin(delta) + np.cos(phi) * np.cos(delta) * np.cos(
        hour_angle
    )
    angle = np.arctan2(
        np.sin(hour_angle),
        np.tan(phi) * np.cos(delta) - np.sin(delta) * np.cos(hour_angle),
    )
    airmass = 1.0 / sin_altitude if sin_altitude > 0 else np.inf
    return Pointing(lst * 240.0, float(airmass), float(np.degrees(angle)))


def transmission(airmass: float) -> float:
    """Give the share of the light that the atmosphere lets through."""
    return float(10.0 ** (-0.4 * EXTINCTION * airmass))


def refractive_index(wavelength: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give n - 1 of the air above Paranal at wavelengths in Angstrom.

    Filippenko 1982 (PASP 94, 715), equations 1 to 3, as muse_scipost has it.
    """
    wavenumber2 = (1e4 / wavelength) ** 2
    sea_level = 64.328 + 29498.1 / (146.0 - wavenumber2) + 255.4 / (41.0 - wavenumber2)
    pressure = PRESSURE * _MMHG
    expansion = 1.0 + 0.003661 * TEMPERATURE
    dry = (
        sea_level * pressure * (1.0 + (1.049 - 0.0157 * TEMPERATURE) * 1e-6 * pressure)
    )
    saturation = 4.5825 * np.exp(17.27 * TEMPERATURE / (237.3 + TEMPERATURE))
    vapour = saturation * HUMIDITY / 100.0
    wet = (0.0624 - 0.000680 * wavenumber2) / expansion * vapour
    return np.asarray((dry / (720.883 * expansion) - wet) * 1e-6, dtype=np.float64)


def refraction(wavelength: NDArray[np.float64], airmass: float) -> NDArray[np.float64]:
    """Give the shift towards the zenith in arcsec, against REFERENCE_LAMBDA."""
    reference = refractive_index(np.array(REFERENCE_LAMBDA))
    tan_z = np.sqrt(max(airmass**2 - 1.0, 0.0))
    return np.asarray(_ARCSEC * tan_z * (refractive_index(wavelength) - reference))


def barycentric_velocity(ra: float, dec: float, moment: datetime) -> float:
    """Give what to add to a radial velocity measured on Earth, in km/s.

    The Earth's rotation (below 0.5 km/s, a hundredth of an Angstrom) is left out.
    """
    alpha, delta = np.radians(ra), np.radians(dec)
    direction = np.array(
        [np.cos(delta) * np.cos(alpha), np.cos(delta) * np.sin(alpha), np.sin(delta)]
    )
    _, barycentric = erfa.epv00(2400000.5, mjd(moment))
    au_a_day = erfa.DAU / erfa.DAYSEC / 1000.0
    return float(np.dot(np.asarray(barycentric["v"]), direction) * au_a_day)


def doppler(velocity: float) -> float:
    """Give the factor from a wavelength on Earth to a barycentric one."""
    return 1.0 + velocity / _LIGHT
