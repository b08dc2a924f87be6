"""The observatory: nights, sidereal time and airmass at Paranal."""

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from .errors import SimulationError

LATITUDE: Final = -24.6258
LONGITUDE: Final = -70.4032
HEIGHT: Final = 2635.0
"""Degrees, degrees east, metres (the VLT's platform)."""

MJD_EPOCH: Final = datetime(1858, 11, 17, tzinfo=UTC)


def mjd(moment: datetime) -> float:
    """Give the modified Julian date of an aware moment."""
    return (moment - MJD_EPOCH) / timedelta(days=1)


def night_of(moment: datetime) -> str:
    """Name the night, noon to noon (UT), by the date of its evening."""
    return (moment - timedelta(hours=12)).strftime("%Y-%m-%d")


def evening(night: str) -> datetime:
    """Give noon UT at the begin of a night.

    Raises SimulationError for what is no date.
    """
    try:
        day = datetime.strptime(night, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        message = f"'{night}' is no night: write the evening's date as 2024-03-10"
        raise SimulationError(message) from None
    return day + timedelta(hours=12)


def sidereal_time(moment: datetime) -> float:
    """Give the mean sidereal time at Paranal in degrees (IAU 1982, linear)."""
    days = mjd(moment) - 51544.5
    return (280.46061837 + 360.98564736629 * days + LONGITUDE) % 360.0


def airmass(ra: float, dec: float, moment: datetime) -> float:
    """Give the airmass (secant of the zenith distance) of a position in degrees.

    It is infinite below the horizon.
    """
    hour_angle = np.radians(sidereal_time(moment) - ra)
    delta, phi = np.radians(dec), np.radians(LATITUDE)
    height = np.sin(phi) * np.sin(delta)
    height += np.cos(phi) * np.cos(delta) * np.cos(hour_angle)
    return float(1.0 / height) if height > 0 else np.inf
