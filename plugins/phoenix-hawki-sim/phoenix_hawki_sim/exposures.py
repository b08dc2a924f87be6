"""A raw exposure: the light that falls on the chips, and its headers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from astropy.io import fits
from attrs import frozen
from numpy.typing import NDArray

from .chips import CHIPS, SCALE, true_projection, world_coordinates
from .detector import Detector, read_out
from .errors import SimulationError
from .filters import FILTERS, OPEN, Filter
from .fits_files import fits_bytes, header
from .paranal import (
    HEIGHT,
    LATITUDE,
    LONGITUDE,
    airmass,
    mjd,
    sidereal_time,
)
from .scenario import Exposure, Fault, Kind, ObservingBlock
from .sources import Star, generator, offset_position

POINTING_ERROR: Final = 0.25
"""Arcsec: an unknown pointing error is drawn from within (ours)."""

FLAT_LEVEL: Final = 18000.0
"""Adu of the first twilight flat; each next one has 3 per cent less."""

CLOSED: Final = "CLOSED"
"""The first wheel's name in darks (ours)."""

NCORRS: Final = (2, "DOUBLE")
"""DET NCORRS and its NAME: double correlated reads."""

HIGHEST_AIRMASS: Final = 2.5
"""Beyond this an observation is refused: the target is not up in that season."""

SEEING_MONITOR: Final = 1.6
"""The seeing monitor's FWHM in visible light relative to the image's (ours)."""

_FWHM_PER_SIGMA: Final = 2.354820045
_PSF_REACH: Final = 7.0


@frozen
class Visit:
    """An exposure with the OB that it belongs to."""

    block: ObservingBlock
    exposure: Exposure

    @property
    def commanded(self) -> tuple[float, float]:
        """RA and Dec of the header in degrees; without a target the zenith."""
        target = self.block.target
        if target is None:
            return round(sidereal_time(self.exposure.start), 6), LATITUDE
        return offset_position(target.ra, target.dec, *self.exposure.offset)

    @property
    def filter(self) -> Filter | None:
        """The filter in the beam; darks have none."""
        return FILTERS.get(self.exposure.setup.filter)

    @property
    def end(self) -> datetime:
        """When the shutter closed."""
        seconds = timedelta(seconds=self.exposure.setup.seconds)
        return self.exposure.start + seconds


def pointing_error(exposure: Exposure, seed: int) -> tuple[float, float]:
    """Give the telescope's error in arcsec east and north; not in any header."""
    if exposure.pointing_error is not None:
        return exposure.pointing_error
    if exposure.kind is not Kind.OBJECT:
        return 0.0, 0.0
    random = generator(seed, "pointing", exposure.date_obs)
    east, north = np.round(random.uniform(-POINTING_ERROR, POINTING_ERROR, 2), 4)
    return float(east), float(north)


def sky_level(visit: Visit, seed: int) -> float:
    """Give the sky's light in adu a second and pixel; it drifts by some per cent."""
    if visit.filter is None:
        return 0.0
    random = generator(seed, "sky", visit.exposure.date_obs)
    steady = 10.0 ** (0.4 * (visit.filter.zero_point - visit.filter.sky)) * SCALE**2
    return float(round(steady * random.uniform(0.98, 1.02), 3))


def star_flux(star: Star, visit: Visit) -> float:
    """Give the adu a read that a star has in an exposure."""
    through = visit.filter
    if through is None:
        return 0.0
    dimming = through.extinction * (airmass(*visit.commanded, visit.exposure.start) - 1)
    brightness = through.zero_point - star.magnitude(through) - dimming
    return float(10.0 ** (0.4 * brightness) * visit.exposure.setup.dit)


def check_visible(visit: Visit) -> None:
    """Refuse an exposure of a target that is too low or below the horizon.

    Raises SimulationError.
    """
    target = visit.block.target
    height = airmass(*visit.commanded, visit.exposure.start)
    if target is not None and height > HIGHEST_AIRMASS:
        moment = visit.exposure.date_obs
        message = f"{target.name} is not up at {moment}: airmass {height:.1f}"
        raise SimulationError(message)


def raw_file(
    visit: Visit, stars: Sequence[Star], detectors: Sequence[Detector], seed: int
) -> bytes:
    """Expose, and give the bytes of the raw file with the fault that it has."""
    exposure = visit.exposure
    keywords = primary_keywords(visit)
    if exposure.fault is Fault.NO_DIT:
        del keywords["ESO DET DIT"]
    hdus = fits.HDUList([fits.PrimaryHDU(header=header(keywords))])
    random = generator(seed, "exposure", exposure.date_obs)
    for number, chip in enumerate(detectors, 1):
        light = expected_light(visit, stars, chip, seed)
        setup = exposure.setup
        pixels = read_out(light, chip, setup.dit, setup.ndit, random)
        if exposure.fault is Fault.ZERO:
            pixels = np.zeros_like(pixels)
        cards = header(chip_keywords(visit, chip, number))
        hdus.append(fits.ImageHDU(pixels, cards, name=chip.chip.extension))
    content = fits_bytes(hdus, exposure.date_obs[:-4])
    if exposure.fault is Fault.TRUNCATED:
        return content[: int(0.6 * len(content))]
    return content


def expected_light(
    visit: Visit, stars: Sequence[Star], chip: Detector, seed: int
) -> NDArray[np.float64]:
    """Give the adu of a read that fall on each pixel of a chip on average."""
    exposure, through = visit.exposure, visit.filter
    shape = (chip.size.pixels, chip.size.pixels)
    if through is None:
        return np.zeros(shape)
    sensitivity = chip.flat(through.name) * chip.chip.sensitivity
    if exposure.kind is Kind.FLAT:
        decline = 0.97 ** visit.block.exposures.index(exposure)
        return np.asarray(FLAT_LEVEL * decline * sensitivity)
    light = np.full(shape, sky_level(visit, seed) * exposure.setup.dit)
    error = pointing_error(exposure, seed)
    true_ra, true_dec = offset_position(*visit.commanded, *error)
    projection = true_projection(world_coordinates(chip.chip, true_ra, true_dec))
    own = [star for star in stars if star.chip == chip.chip.number]
    if exposure.kind is Kind.OBJECT and own:
        places = projection.wcs_world2pix([(star.ra, star.dec) for star in own], 0)
        sigma = exposure.seeing / _FWHM_PER_SIGMA / SCALE
        for star, (x, y) in zip(own, places, strict=True):
            _add_star(light, star_flux(star, visit), float(x), float(y), sigma)
    return np.asarray(light * sensitivity)


def primary_keywords(visit: Visit) -> dict[str, object]:
    """List the primary header of a raw frame (HAWKI's own keywords)."""
    block, exposure, setup = visit.block, visit.exposure, visit.exposure.setup
    ra, dec = visit.commanded
    start, end = exposure.start, visit.end
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    began = block.exposures[0].start
    template = began.isoformat(timespec="seconds").removesuffix("+00:00")
    acquired = began - timedelta(seconds=71)
    number = block.exposures.index(exposure) + 1
    science = exposure.kind in {Kind.OBJECT, Kind.SKY}
    through = visit.filter
    wheels = (CLOSED, OPEN) if through is None else through.wheels
    name = block.target.name if block.target else exposure.kind.value
    east, north = exposure.offset
    return {
        "ORIGIN": "SIMULATION",
        "TELESCOP": "ESO-VLT-U4",
        "INSTRUME": "HAWKI",
        "OBJECT": name if exposure.kind is Kind.OBJECT else exposure.kind.value,
        "RA": ra,
        "DEC": dec,
        "EQUINOX": 2000.0,
        "RADECSYS": "FK5",
        "EXPTIME": setup.dit,
        "MJD-OBS": round(mjd(start), 8),
        "DATE-OBS": exposure.date_obs,
        "UTC": round((start - midnight).total_seconds(), 3),
        "LST": round(sidereal_time(start) * 240.0, 3),
        "PI-COI": "SIMULATED",
        "OBSERVER": "SIMULATED",
        "ARCFILE": exposure.raw_name,
        "ORIGFILE": f"HAWKI_{exposure.kind}_{block.number}_{number:04d}.fits",
        "ESO DPR CATG": "SCIENCE" if science else "CALIB",
        "ESO DPR TYPE": exposure.kind.value,
        "ESO DPR TECH": "IMAGE",
        "ESO INS FILT1 NAME": wheels[0],
        "ESO INS FILT2 NAME": wheels[1],
        "ESO DET DIT": setup.dit,
        "ESO DET NDIT": setup.ndit,
        "ESO DET NCORRS": NCORRS[0],
        "ESO DET NCORRS NAME": NCORRS[1],
        "ESO DET NDSAMPLES": 2,
        "ESO DET CHIPS": len(CHIPS),
        "ESO OBS ID": block.number,
        "ESO OBS NAME": block.name,
        "ESO OBS PROG ID": block.run_id,
        "ESO OBS START": acquired.isoformat(timespec="seconds").removesuffix("+00:00"),
        "ESO OBS TARG NAME": block.target.name if block.target else "CALIBRATION",
        "ESO OBS CONTAINER ID": 0,
        "ESO TPL ID": block.template,
        "ESO TPL NAME": block.template.removeprefix("HAWKI_"),
        "ESO TPL START": template,
        "ESO TPL NEXP": len(block.exposures),
        "ESO TPL EXPNO": number,
        "ESO SEQ CUMOFFSETX": round(-east / SCALE, 3),
        "ESO SEQ CUMOFFSETY": round(north / SCALE, 3),
        "ESO ADA POSANG": 0.0,
        "ESO TEL GEOLAT": LATITUDE,
        "ESO TEL GEOLON": LONGITUDE,
        "ESO TEL GEOELEV": HEIGHT,
        "ESO TEL AIRM START": round(airmass(ra, dec, start), 4),
        "ESO TEL AIRM END": round(airmass(ra, dec, end), 4),
        "ESO TEL AMBI FWHM START": round(SEEING_MONITOR * exposure.seeing, 3),
        "ESO TEL AMBI FWHM END": round(SEEING_MONITOR * exposure.seeing, 3),
        "ESO TEL IA FWHM": exposure.seeing,
    }


def chip_keywords(visit: Visit, chip: Detector, number: int) -> dict[str, object]:
    """List the header of a chip's extension."""
    return world_coordinates(chip.chip, *visit.commanded) | {
        "ESO DET CHIP NAME": f"SIM{chip.chip.number}",
        "ESO DET CHIP ID": f"phoenix chip {chip.chip.number}",
        "ESO DET CHIP NO": number,
        "ESO DET CHIP LIVE": True,
        "ESO DET WIN NX": chip.size.pixels,
        "ESO DET WIN NY": chip.size.pixels,
    }


def _add_star(
    light: NDArray[np.float64], flux: float, x: float, y: float, sigma: float
) -> None:
    """Put a round Gaussian of a total flux on an image, as far as it reaches."""
    rows, columns = (np.arange(length, dtype=np.float64) for length in light.shape)
    near_rows = np.abs(rows - y) <= _PSF_REACH * sigma
    near_columns = np.abs(columns - x) <= _PSF_REACH * sigma
    along = _gauss(columns[near_columns] - x, sigma)
    across = _gauss(rows[near_rows] - y, sigma)
    light[np.ix_(near_rows, near_columns)] += flux * across[:, None] * along[None, :]


def _gauss(distance: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Give the light in a unit pixel at a distance from a star, along one axis."""
    profile = np.exp(-0.5 * (distance / sigma) ** 2) / (sigma * np.sqrt(2.0 * np.pi))
    return np.asarray(profile, dtype=np.float64)
