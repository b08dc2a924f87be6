"""LSHIFT_MAX: how far sky lines are from where they belong, anywhere in the field.

The field is cut into blocks, and in each the bright lines are fitted with a line spread
function and its derivative: a line that is shifted a little is the line itself plus so
much of its derivative. That holds where the sky was subtracted, too: there the
derivative is all that is left, and the flux of the line is that of the sky model. Only
the planes around the lines are read. Method and numbers are ours; what MUSE_R does is
not public, but its limit is: 0.5 Angstrom.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from phoenix_core.cube.planes import find_cube, read_blocks
from phoenix_core.errors import ProcessingError

Floats = NDArray[np.float64]

LINES: Final = (5577.339, 6300.304, 7276.405, 7750.640, 8399.170, 8885.850)
"""Bright lines that have no bright neighbour, wavelength in air in Angstrom."""

_SIGMA: Final = 2.6 / 2.3548  # Angstrom: the line spread function of MUSE
_REACH: Final = 7.5  # Angstrom on either side of a line
_BLOCKS: Final = 4  # along rows and along columns
_FEWEST: Final = 20  # spaxels of a block
_FAINT: Final = 5.0  # standard deviations: a shift of a fainter line is none
_LIGHT: Final = 299792.458  # km/s
_SAME: Final = 0.5  # Angstrom within which a table's line is the one meant
_FITTED: Final = "ESO QC SKY LINE1 FLUX"
_ARCSEC2: Final = 0.04  # of a spaxel in the wide field


def largest_shift(
    path: Path,
    wavelength: Floats,
    fluxes: Mapping[float, float] | None,
    velocity: float,
) -> float | None:
    """Return the largest shift of a block of the field, in Angstrom.

    None where no bright line is covered, or none is bright enough to tell.

    Args:
        path: of the cube.
        wavelength: of its planes, in Angstrom.
        fluxes: of the lines that were subtracted, by LINES, in the cube's unit times
            Angstrom a spaxel; None where nothing was subtracted.
        velocity: of the observer to the frame of the cube, in km/s.

    Raises:
        ProcessingError: the cube cannot be read.
    """
    shifts = []
    for line in LINES:
        known = None if fluxes is None else fluxes.get(line)
        if fluxes is not None and not known:
            continue
        centre = line * (1 + velocity / _LIGHT)
        near = np.flatnonzero(np.abs(wavelength - centre) <= _REACH)
        step = abs(float(wavelength[1] - wavelength[0])) if len(wavelength) > 1 else 0.0
        if not step or len(near) * step < 2 * _REACH - 2 * step:
            continue
        spectra = _block_spectra(path, near)
        shifts.append(
            [_shift(wavelength[near] - centre, each, known) for each in spectra]
        )
    if not shifts:
        return None
    with np.errstate(all="ignore"):
        table = np.array(shifts, dtype=np.float64)
        blocks = [column[np.isfinite(column)] for column in table.T]
    of_blocks = [abs(float(np.median(block))) for block in blocks if block.size]
    return max(of_blocks) if of_blocks else None


def line_fluxes(path: Path) -> dict[float, float]:
    """Return the fluxes of LINES from a table SKY_LINES, a spaxel of 0.2 arcsec.

    Args:
        path: of the table; lines that it does not have are left out, and all of them
            where it cannot be read.
    """
    try:
        with fits.open(path) as hdus:
            table = hdus["LINES"].data
            # What muse_create_sky has fitted is of a spaxel, whatever its unit says.
            is_fitted = _FITTED in hdus[0].header
            waves = np.asarray(table["lambda"], np.float64)
            flux = np.asarray(table["flux"], np.float64)
    except (OSError, KeyError, ValueError, TypeError, fits.VerifyError):
        return {}
    found = {}
    for line in LINES:
        total = flux[np.abs(waves - line) <= _SAME]
        if total.size and np.isfinite(total).all() and total.sum() > 0:
            found[line] = float(total.sum()) * (1.0 if is_fitted else _ARCSEC2)
    return found


def barycentric_velocity(header: fits.Header) -> float | None:
    """Return by how much wavelengths were stretched to the Sun's rest frame, in km/s.

    None where the header does not say where and when the telescope looked.
    """
    from astropy import units  # noqa: PLC0415, costs start-up
    from astropy.coordinates import EarthLocation, SkyCoord  # noqa: PLC0415
    from astropy.time import Time  # noqa: PLC0415
    from astropy.utils import iers  # noqa: PLC0415

    try:
        ra, dec, mjd = (float(header[key]) for key in ("RA", "DEC", "MJD-OBS"))
        latitude = float(header.get("ESO TEL GEOLAT", -24.627))
        longitude = float(header.get("ESO TEL GEOLON", -70.404))
        # Nothing is asked of the network: a second of time more or less is nothing.
        with iers.conf.set_temp("auto_download", value=False):
            place = EarthLocation.from_geodetic(longitude, latitude, 2648.0)
            when = Time(mjd, format="mjd", scale="utc")
            found = SkyCoord(ra, dec, unit="deg").radial_velocity_correction(
                "barycentric", obstime=when, location=place
            )
    except (KeyError, ValueError, TypeError):
        return None
    return float(found.to_value(units.km / units.s))


def _block_spectra(path: Path, near: NDArray[np.intp]) -> Floats:
    """The median of each block in each plane: blocks, planes."""
    try:
        with fits.open(path) as hdus:
            cube = find_cube(path, hdus, "DATA", or_unnamed=True)
            _, rows, columns = cube.shape
            within = range(int(near[0]), int(near[-1]) + 1)
            planes = [np.array(p) for block in read_blocks(cube, within) for p in block]
    except (OSError, fits.VerifyError) as error:
        raise ProcessingError(f"{path}: the cube cannot be read: {error}") from error
    found = []
    for block_rows in np.array_split(np.arange(rows), _BLOCKS):
        for block_columns in np.array_split(np.arange(columns), _BLOCKS):
            if not (block_rows.size and block_columns.size):
                continue
            part = np.s_[
                block_rows[0] : block_rows[-1] + 1,
                block_columns[0] : block_columns[-1] + 1,
            ]
            found.append([_median(plane[part]) for plane in planes])
    return np.array(found, dtype=np.float64)


def _median(part: NDArray[np.floating]) -> float:
    values = part[np.isfinite(part)]
    return float(np.median(values)) if values.size >= _FEWEST else float("nan")


def _shift(away: Floats, spectrum: Floats, known: float | None) -> float:
    """The shift of a line in one spectrum, NaN where it does not tell."""
    is_there = np.isfinite(spectrum)
    if is_there.sum() < len(away) - 1:
        return float("nan")
    away, spectrum = away[is_there], spectrum[is_there]
    line = np.exp(-0.5 * (away / _SIGMA) ** 2) / (_SIGMA * np.sqrt(2 * np.pi))
    slope = -away / _SIGMA**2 * line
    design = np.stack([line, slope, np.ones_like(away), away], axis=1)
    solution, *_ = np.linalg.lstsq(design, spectrum, rcond=None)
    left = spectrum - design @ solution
    freedom = max(len(away) - design.shape[1], 1)
    covariance = np.linalg.inv(design.T @ design)
    noise = np.sqrt(float(left @ left) / freedom * np.diag(covariance))
    flux = float(known if known is not None else solution[0])
    if known is None and not flux > _FAINT * noise[0]:
        return float("nan")
    return float(-solution[1] / flux)
