"""A raw exposure: the light that falls on the detectors, and its headers."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import numpy as np
from astropy.io import fits
from attrs import frozen
from numpy.typing import NDArray

from .detector import (
    Detector,
    chip_keywords,
    field_coordinates,
    read_out,
    spread_slices,
    wavelengths,
)
from .fits_files import header
from .paranal import (
    HEIGHT,
    HUMIDITY,
    LATITUDE,
    LONGITUDE,
    PRESSURE,
    TEMPERATURE,
    barycentric_velocity,
    doppler,
    mjd,
    pointing,
    refraction,
    transmission,
)
from .scenario import Exposure, Kind, ObservingBlock, Run, Target
from .sizes import IFUS, LAMBDA_STEP, SPAXEL, Size
from .sky import sky_spectrum
from .sources import Star, generator, offset_between, offset_position

RESPONSE: Final = 41.5
"""STD_RESPONSE: 2.5 log10 of (count/s/A) per (erg/s/cm2/A), at all wavelengths."""

POINTING_ERROR: Final = 0.5
"""Arcsec: an unknown pointing error is drawn from within (ours; real ones are such)."""

READ_MODE: Final = (1, "SCI1.0")
"""DET READ CURID and CURNAME: raw frames and MASTER_BIAS must agree in them."""

INSTRUMENT_MODE: Final = "WFM-NOAO-N"

_FWHM_PER_SIGMA: Final = 2.354820045
_PSF_REACH: Final = 6.0


@frozen
class Visit:
    """An exposure with all that it belongs to, and its place in its template."""

    run: Run
    target: Target
    block: ObservingBlock
    exposure: Exposure

    @property
    def commanded(self) -> tuple[float, float]:
        """RA and Dec of the header, in degrees."""
        return offset_position(self.target.ra, self.target.dec, *self.exposure.dither)


def pointing_error(exposure: Exposure, seed: int) -> tuple[float, float]:
    """Give the telescope's error in arcsec east and north; not in any header."""
    if exposure.pointing_error is not None:
        return exposure.pointing_error
    if exposure.kind is Kind.SKY:
        return 0.0, 0.0
    random = generator(seed, "pointing", exposure.date_obs)
    east, north = np.round(random.uniform(-POINTING_ERROR, POINTING_ERROR, 2), 4)
    return float(east), float(north)


def raw_frame(
    visit: Visit, stars: Sequence[Star], detectors: Sequence[Detector], seed: int
) -> fits.HDUList:
    """Expose: a primary HDU with the keywords, and one uint16 HDU for each IFU.

    With more than one live IFU all 24 are there, the others as dead chips, which
    muse_scibasic --nifu=0 wants.
    """
    exposure = visit.exposure
    hdus = fits.HDUList([fits.PrimaryHDU(header=header(primary_keywords(visit)))])
    random = generator(seed, "exposure", exposure.date_obs)
    for chip in detectors:
        light = expected_electrons(visit, stars, chip.size, chip.ifu, seed)
        pixels = read_out(light, chip, exposure.exposure_time, random)
        keywords = header(chip_keywords(chip))
        hdus.append(fits.ImageHDU(pixels, keywords, name=f"CHAN{chip.ifu:02d}"))
    if len(detectors) > 1:
        for ifu in range(len(detectors) + 1, IFUS + 1):
            hdus.append(_dead_chip(ifu))
    return hdus


def expected_electrons(
    visit: Visit, stars: Sequence[Star], size: Size, ifu: int, seed: int
) -> NDArray[np.float64]:
    """Give the electrons that fall on each pixel of an IFU's chip on average."""
    exposure, target = visit.exposure, visit.target
    error = pointing_error(exposure, seed)
    true_ra, true_dec = offset_position(*visit.commanded, *error)
    middle = exposure.start + timedelta(seconds=exposure.exposure_time / 2.0)
    seen = pointing(true_ra, true_dec, middle)
    factor = doppler(barycentric_velocity(target.ra, target.dec, middle))
    lambdas = wavelengths(size)
    columns, slices = field_coordinates(size, ifu)
    zenith = refraction(lambdas, seen.airmass)
    angle = np.radians(seen.parallactic_angle)
    sigma = exposure.seeing / _FWHM_PER_SIGMA / SPAXEL
    flux = np.repeat(
        sky_spectrum(lambdas)[:, :, None] * SPAXEL**2, size.slice_width, axis=2
    )
    for star in stars:
        east, north = offset_between(true_ra, true_dec, star.ra, star.dec)
        x, y = _on_detector(
            east + zenith * np.sin(angle),
            north + zenith * np.cos(angle),
            exposure.position_angle,
        )
        near = np.abs(slices - y.mean(axis=1)) < _PSF_REACH * sigma
        across = _gauss(slices[near, None] - y[near], sigma)
        along = _gauss(columns[None, None, :] - x[near, :, None], sigma)
        spectrum = star.spectrum(lambdas[near], factor)
        flux[near] += (spectrum * across)[:, :, None] * along
    sensitivity = (
        10.0 ** (0.4 * RESPONSE)
        * exposure.exposure_time
        * transmission(seen.airmass)
        * LAMBDA_STEP
    )
    return spread_slices(flux * sensitivity, size)


def primary_keywords(visit: Visit) -> dict[str, object]:
    """List the primary header of a raw frame (MUSE's own keywords)."""
    run, target, block, exposure = (
        visit.run,
        visit.target,
        visit.block,
        visit.exposure,
    )
    ra, dec = visit.commanded
    start = pointing(ra, dec, exposure.start)
    shutter = timedelta(seconds=exposure.exposure_time)
    end = pointing(ra, dec, exposure.start + shutter)
    midnight = exposure.start.replace(hour=0, minute=0, second=0, microsecond=0)
    template = block.exposures[0].date_obs[:-4]
    return {
        "ORIGIN": "SIMULATION",
        "TELESCOP": "ESO-VLT-U4",
        "INSTRUME": "MUSE",
        "OBJECT": exposure.kind.value if exposure.kind is Kind.SKY else target.name,
        "RA": ra,
        "DEC": dec,
        "EQUINOX": 2000.0,
        "RADECSYS": "FK5",
        "EXPTIME": exposure.exposure_time,
        "MJD-OBS": round(mjd(exposure.start), 8),
        "DATE-OBS": exposure.date_obs,
        "UTC": round((exposure.start - midnight).total_seconds(), 3),
        "LST": round(start.lst, 3),
        "PI-COI": "SIMULATED",
        "OBSERVER": "SIMULATED",
        "ARCFILE": exposure.raw_name,
        "ORIGFILE": f"MUSE_WFM_{exposure.kind}_{block.number}.fits",
        "AIRM": round(start.airmass, 4),
        "ESO DPR CATG": "SCIENCE",
        "ESO DPR TYPE": exposure.kind.value,
        "ESO DPR TECH": "IFU",
        "ESO INS MODE": INSTRUMENT_MODE,
        "ESO INS OPTI1 NAME": "WFM",
        "ESO INS OPTI2 NAME": "Blue",
        "ESO INS TEMP7 VAL": TEMPERATURE,
        "ESO INS DROT MODE": "SKY",
        "ESO INS DROT POSANG": exposure.position_angle,
        "ESO DET READ CURID": READ_MODE[0],
        "ESO DET READ CURNAME": READ_MODE[1],
        "ESO OBS ID": block.number,
        "ESO OBS NAME": block.name,
        "ESO OBS PROG ID": run.run_id,
        "ESO OBS TARG NAME": target.name,
        "ESO OBS START": template,
        "ESO OBS CONTAINER ID": 0,
        "ESO OBS AMBI FWHM": block.seeing_limit,
        "ESO OBS EXECTIME": int(sum(one.exposure_time for one in block.exposures)),
        "ESO TPL ID": "MUSE_wfm-noao_obs_genericoffset",
        "ESO TPL NAME": "MUSE Generic Offset",
        "ESO TPL START": template,
        "ESO TPL NEXP": len(block.exposures),
        "ESO TPL EXPNO": block.exposures.index(exposure) + 1,
        "ESO TEL ID": "v 1.0",
        "ESO TEL GEOLAT": LATITUDE,
        "ESO TEL GEOLON": LONGITUDE,
        "ESO TEL GEOELEV": HEIGHT,
        "ESO TEL TARG ALPHA": sexagesimal(target.ra / 15.0),
        "ESO TEL TARG DELTA": sexagesimal(target.dec),
        "ESO TEL TARG EQUINOX": 2000.0,
        "ESO TEL AIRM START": round(start.airmass, 4),
        "ESO TEL AIRM END": round(end.airmass, 4),
        "ESO TEL PARANG START": round(start.parallactic_angle, 4),
        "ESO TEL PARANG END": round(end.parallactic_angle, 4),
        "ESO TEL AMBI FWHM START": exposure.seeing,
        "ESO TEL AMBI FWHM END": exposure.seeing,
        "ESO TEL AMBI TEMP": TEMPERATURE,
        "ESO TEL AMBI RHUM": HUMIDITY,
        "ESO TEL AMBI PRES START": PRESSURE,
        "ESO TEL AMBI PRES END": PRESSURE,
        "ESO TEL IA FWHM": exposure.seeing,
        "ESO TEL IA FWHMLIN": exposure.seeing,
        "ESO OCS SGS AG FWHMX MED": exposure.seeing,
        "ESO OCS SGS AG FWHMX RMS": 0.05,
        "ESO OCS SGS AG FWHMY MED": exposure.seeing,
        "ESO OCS SGS AG FWHMY RMS": 0.05,
    }


def sexagesimal(value: float) -> float:
    """Write hours or degrees in the telescope's way: DDMMSS.sss."""
    thousandths = round(abs(value) * 3600e3)
    minutes, rest = divmod(thousandths, 60_000)
    number = minutes // 60 * 10000 + minutes % 60 * 100 + rest / 1e3
    return round(-number if value < 0 else number, 3)


def _on_detector(
    east: NDArray[np.float64], north: NDArray[np.float64], position_angle: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Turn arcsec on the sky into the field's x and y in spaxels."""
    angle = np.radians(position_angle)
    x = -(east * np.cos(angle) - north * np.sin(angle)) / SPAXEL
    y = (north * np.cos(angle) + east * np.sin(angle)) / SPAXEL
    return x, y


def _gauss(distance: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Give the light in a unit pixel at a distance from a star, along one axis."""
    profile = np.exp(-0.5 * (distance / sigma) ** 2) / (sigma * np.sqrt(2.0 * np.pi))
    return np.asarray(profile, dtype=np.float64)


def _dead_chip(ifu: int) -> fits.ImageHDU:
    """Make the empty HDU by which a raw frame says that a chip does not work."""
    keywords = header(
        {
            "ESO DET CHIP NAME": f"SIM{ifu:02d}",
            "ESO DET CHIP ID": f"phoenix chip {ifu:02d}",
            "ESO DET CHIP LIVE": False,
        }
    )
    return fits.ImageHDU(header=keywords, name=f"CHAN{ifu:02d}")
