"""Measure the stars of a deep cube and compare them with the truth."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from astropy.io import fits
from astropy.table import Table
from attrs import frozen
from numpy.typing import NDArray

from .sources import Star, offset_position

CUBE_UNIT: Final = 1e-20
"""erg/s/cm2/A: the unit of the recipes' cubes."""

BORDER: Final = 2.0
"""Spaxels: a star closer to the edge of the cube is not measured."""

FULL_PLANE: Final = 0.95
"""A plane with less of the field than this is left out: the range's two ends."""

APERTURE: Final = 3.5
"""Sigma: how far from a star its light beyond the fitted Gaussian is looked for."""

LINE_REACH: Final = 5.0
"""Angstrom on either side of an emission line that count as the line."""

COLUMNS: Final = ("name", "east", "north", "magnitude", "line", "line_flux")

_START_SIGMA: Final = 1.8
_STEPS: Final = 15

Image = NDArray[np.float64]


@frozen
class _Cube:
    """A cube with its grid: flux density in erg/s/cm2/A, Angstrom, and its WCS."""

    flux: Image
    wavelength: Image
    header: fits.Header
    date_obs: str


@frozen
class _Fit:
    """The stars' places in pixels (from 0) and the width of all of them."""

    x: Image
    y: Image
    sigma: float


def measure_stars(cube_path: Path, truth_target: Mapping[str, Any]) -> Table:
    """Fit a target's stars in a cube; `truth_target` is from truth_of_target.

    All stars are fitted at once, with round Gaussians of a common width on a flat
    background, so that a crowded field is measured like any other; what a sum of
    exposures of different seeing has beyond the Gaussian, within APERTURE, is added
    to all stars in proportion. There is no zero point to choose: the cube is in
    1e-20 erg/s/cm2/A, and ZERO_POINT is what a star of magnitude 0 has. Positions
    are compared in the frame of the cube's first exposure (its DATE-OBS), since its
    pointing error is what no tool can know.

    Columns: `name`; `east`, `north` (arcsec, measured minus true); `magnitude`
    (measured minus true); `line` (Angstrom, measured minus true) and `line_flux`
    (measured over true). Stars beyond the cube's edge are left out.
    """
    cube = _read_cube(cube_path)
    error_east, error_north = _reference_error(cube.date_obs, truth_target)
    stars, expected = [], []
    for entry in truth_target["stars"]:
        star = Star(**entry)
        seen = offset_position(star.ra, star.dec, -error_east, -error_north)
        place = sky_to_pixel(cube.header, *seen)
        if _is_inside(cube, *place):
            stars.append(star)
            expected.append(place)
    if not stars:
        return Table(names=COLUMNS, dtype=["U40"] + ["f8"] * (len(COLUMNS) - 1))
    start = np.array(expected)
    fit = _fit_image(_image(cube.flux), start)
    spectra = _extract(cube.flux, fit) * _unfitted_light(cube.flux, fit)
    scale = _pixel_scale(cube.header)
    shift = (np.column_stack([fit.x, fit.y]) - start) @ scale.T
    true = np.array([star.spectrum(cube.wavelength, 1.0) for star in stars])
    lines = [
        _line(star, cube.wavelength, spectrum)
        for star, spectrum in zip(stars, spectra, strict=True)
    ]
    magnitudes = -2.5 * np.log10(spectra.mean(axis=1) / true.mean(axis=1))
    names = [star.name for star in stars]
    return Table([names, *shift.T, magnitudes, *np.transpose(lines)], names=COLUMNS)


def sky_to_pixel(header: fits.Header, ra: float, dec: float) -> tuple[float, float]:
    """Project a position (degrees) onto a TAN image; pixels count from 0."""
    ra0, dec0 = np.radians(header["CRVAL1"]), np.radians(header["CRVAL2"])
    alpha, delta = np.radians(ra) - ra0, np.radians(dec)
    cosine = np.sin(dec0) * np.sin(delta) + np.cos(dec0) * np.cos(delta) * np.cos(alpha)
    xi = np.cos(delta) * np.sin(alpha) / cosine
    eta = (
        np.cos(dec0) * np.sin(delta) - np.sin(dec0) * np.cos(delta) * np.cos(alpha)
    ) / cosine
    offset = np.linalg.solve(_pixel_scale(header), np.degrees([xi, eta]) * 3600.0)
    x = header["CRPIX1"] - 1.0 + offset[0]
    y = header["CRPIX2"] - 1.0 + offset[1]
    return float(x), float(y)


def _is_inside(cube: _Cube, x: float, y: float) -> bool:
    """Tell whether a place is in the cube, off its border and seen in every plane."""
    height, width = cube.flux.shape[1:]
    in_x = BORDER <= x <= width - 1 - BORDER
    in_y = BORDER <= y <= height - 1 - BORDER
    return in_x and in_y and bool(np.isfinite(cube.flux[:, round(y), round(x)]).all())


def _pixel_scale(header: fits.Header) -> Image:
    """Give the CD matrix in arcsec a pixel."""
    names = (("CD1_1", "CD1_2"), ("CD2_1", "CD2_2"))
    return 3600.0 * np.array([[float(header[name]) for name in row] for row in names])


def _read_cube(path: Path) -> _Cube:
    """Read a DATACUBE_FINAL."""
    with fits.open(path) as hdus:
        header = hdus["DATA"].header.copy()
        flux = np.asarray(hdus["DATA"].data, dtype=np.float64) * CUBE_UNIT
        date_obs = str(hdus[0].header["DATE-OBS"])
    planes = np.arange(flux.shape[0]) + 1.0 - header["CRPIX3"]
    wavelength = header["CRVAL3"] + planes * header["CD3_3"]
    covered = np.isfinite(flux).mean(axis=(1, 2))
    full = covered >= FULL_PLANE * covered.max()
    return _Cube(flux[full], np.asarray(wavelength[full]), header, date_obs)


def _reference_error(
    date_obs: str, truth_target: Mapping[str, Any]
) -> tuple[float, float]:
    """Look up the pointing error of the exposure that the cube's frame is of."""
    for exposure in truth_target["exposures"]:
        if exposure["date_obs"] == date_obs:
            east, north = exposure["pointing_error"]
            return float(east), float(north)
    message = f"no exposure of {truth_target['name']} started at {date_obs}"
    raise KeyError(message)


def _image(flux: Image) -> Image:
    """Collapse a cube; a spaxel that misses a plane is none."""
    return np.asarray(np.mean(flux, axis=0))


def _fit_image(image: Image, places: Image) -> _Fit:
    """Fit places, common width, fluxes and background, by Gauss and Newton."""
    count = len(places)
    good = np.isfinite(image)
    x, y = _pixels(good)
    fit = _Fit(places[:, 0].copy(), places[:, 1].copy(), _START_SIGMA)
    for _ in range(_STEPS):
        profiles = _profiles(x, y, fit)
        basis = np.column_stack([profiles, np.ones(len(x))])
        fluxes = np.linalg.lstsq(basis, image[good], rcond=None)[0]
        bright = profiles * fluxes[:count]
        dx, dy = x[:, None] - fit.x, y[:, None] - fit.y
        variance = fit.sigma**2
        wider = (bright * ((dx**2 + dy**2) / variance - 2.0) / fit.sigma).sum(axis=1)
        slopes = np.column_stack(
            [basis, bright * dx / variance, bright * dy / variance, wider]
        )
        unit = np.sqrt((slopes**2).sum(axis=0))
        residual = image[good] - basis @ fluxes
        step = np.linalg.lstsq(slopes / unit, residual, rcond=None)[0] / unit
        step = np.clip(step[count + 1 :], -0.5, 0.5)
        sigma = max(fit.sigma + float(step[-1]), 0.5)
        fit = _Fit(fit.x + step[:count], fit.y + step[count:-1], sigma)
    return fit


def _unfitted_light(flux: Image, fit: _Fit) -> float:
    """Give the stars' light in APERTURE over that which the Gaussians have there."""
    image = _image(flux)
    good = np.isfinite(image)
    x, y = _pixels(good)
    profiles = _profiles(x, y, fit)
    basis = np.column_stack([profiles, np.ones(len(x))])
    fluxes = np.linalg.lstsq(basis, image[good], rcond=None)[0]
    radius = np.hypot(x[:, None] - fit.x, y[:, None] - fit.y).min(axis=1)
    inside = radius <= APERTURE * fit.sigma
    residual = image[good] - basis @ fluxes
    surplus = residual[inside].sum() - np.median(residual[~inside]) * inside.sum()
    return float(1.0 + surplus / fluxes[:-1].sum())


def _extract(flux: Image, fit: _Fit) -> Image:
    """Give each star's spectrum: fluxes and background fitted plane by plane."""
    good = np.isfinite(_image(flux))
    x, y = _pixels(good)
    basis = np.column_stack([_profiles(x, y, fit), np.ones(len(x))])
    spectra = np.linalg.lstsq(basis, flux[:, good].T, rcond=None)[0]
    return np.asarray(spectra[:-1])


def _pixels(good: NDArray[np.bool_]) -> tuple[Image, Image]:
    """List x and y of the pixels to use."""
    rows, columns = np.nonzero(good)
    return columns.astype(np.float64), rows.astype(np.float64)


def _profiles(x: Image, y: Image, fit: _Fit) -> Image:
    """Give every star's light of unit flux in each pixel: (pixels, stars)."""
    radius2 = (x[:, None] - fit.x) ** 2 + (y[:, None] - fit.y) ** 2
    profile = np.exp(-0.5 * radius2 / fit.sigma**2) / (2.0 * np.pi * fit.sigma**2)
    return np.asarray(profile)


def _line(star: Star, wavelength: Image, spectrum: Image) -> tuple[float, float]:
    """Give an emission line's wavelength offset and its flux over the true one."""
    near = np.abs(wavelength - star.line_wavelength) <= LINE_REACH
    excess = spectrum[near] - star.continuum
    centre = (excess * wavelength[near]).sum() / excess.sum()
    true = star.spectrum(wavelength[near], 1.0) - star.continuum
    return float(centre - star.line_wavelength), float(excess.sum() / true.sum())
