"""The archive's calibrations: masters that small chips cannot make, static tables."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from astropy.io import fits
from attrs import frozen
from numpy.typing import NDArray

from .detector import DARK_OFFSET, Detector, spoilt
from .exposures import NCORRS
from .filters import FILTERS, OPEN
from .fits_files import header
from .paranal import evening, mjd
from .scenario import FLAT_DIT, Category, Master
from .sources import Star

CATALOGUE: Final = "simcat"
"""The catalogue's name: CATNAME and EXTNAME of the files that must agree in it."""

FLAT_LEVEL: Final = 1.0
"""The mean of the chips' medians (ESO DRS MEDFLAT) before normalisation."""

MAGNITUDE_ERROR: Final = 0.01

_CODES: Final = {
    Category.FLAT: "MTFL",
    Category.CONFIDENCE: "CONF",
    Category.DARK: "MDRK",
}
_STATIC: Final = {
    "PHOTCAL_TAB": "PHOT",
    "MASTER_LOCAL_CATALOGUE_ASTROM": "CATA",
    "MASTER_LOCAL_CATALOGUE_PHOTOM": "CATP",
    "SCHLEGEL_MAP_NORTH": "SCHN",
    "SCHLEGEL_MAP_SOUTH": "SCHS",
}
"""How each category is written in a file name."""


@frozen
class Calibration:
    """A calibration file: its name, its night, what it is (PRO CATG) and holds."""

    name: str
    night: str
    category: str
    hdus: fits.HDUList

    @property
    def date(self) -> str:
        """When it was made, for its headers."""
        return _made_at(self.night).isoformat(timespec="seconds")[:19]


def master_name(master: Master) -> str:
    """Name a master's file: category, filter or DIT, night."""
    what = master.filter or f"{master.dit:g}s"
    return f"HA_{_CODES[master.category]}_{what}_{_short(master.night)}.fits"


def master_calibration(master: Master, detectors: Sequence[Detector]) -> Calibration:
    """Make a master: four extensions, as the recipes would write it."""
    name = master_name(master)
    wheels = FILTERS[master.filter].wheels if master.filter else ("CLOSED", OPEN)
    keywords = _primary(master.category.value, name, master.night) | {
        "ESO INS FILT1 NAME": wheels[0],
        "ESO INS FILT2 NAME": wheels[1],
        "ESO DET DIT": master.dit,
        "ESO DET NDIT": 1,
        "ESO DET NCORRS": NCORRS[0],
        "ESO DET NCORRS NAME": NCORRS[1],
    }
    hdus = fits.HDUList([fits.PrimaryHDU(header=header(keywords))])
    for chip in detectors:
        median = FLAT_LEVEL * chip.chip.sensitivity
        cards = {"ESO DRS MEDFLAT": median} if master.category is Category.FLAT else {}
        pixels = _pixels(master, chip)
        hdus.append(fits.ImageHDU(pixels, header(cards), name=chip.chip.extension))
    return Calibration(name, master.night, master.category.value, hdus)


def static_calibrations(night: str, stars: Sequence[Star]) -> list[Calibration]:
    """Make the tables and maps that do not change, with the date of a night."""
    made = []
    for category, code in _STATIC.items():
        name = f"HA_{code}_{_short(night)}.fits"
        keywords = _primary(category, name, night)
        if category.startswith("MASTER_LOCAL"):
            keywords["CATNAME"] = CATALOGUE
        primary = fits.PrimaryHDU(header=header(keywords))
        hdus = fits.HDUList([primary])
        if category == "PHOTCAL_TAB":
            hdus.append(photometric_table())
        elif category.startswith("MASTER_LOCAL"):
            hdus.append(star_catalogue(stars))
        else:
            # No dust: the recipes only report the colour excess.
            primary.data = np.full((16, 16), 0.05, np.float32)
        made.append(Calibration(name, night, category, hdus))
    return made


def photometric_table() -> fits.BinTableHDU:
    """Say how the catalogue's J and K give the magnitude in each filter."""
    through = list(FILTERS.values())
    coefficients = [f"{one.weights[0]:.1f},{one.weights[1]:.1f}" for one in through]
    count = len(through)
    columns = [
        fits.Column("filter_name", "16A", array=[one.name for one in through]),
        fits.Column("atm_extcoef", "E", array=[one.extinction for one in through]),
        fits.Column("mag_offset", "E", array=np.zeros(count)),
        fits.Column("coleq_columns", "16A", array=["J_m,K_m"] * count),
        fits.Column("coleq_errcols", "16A", array=["J_msig,K_msig"] * count),
        fits.Column("coleq_coefs", "16A", array=coefficients),
        fits.Column("gal_extcoef", "E", array=np.zeros(count)),
        fits.Column("default_zp", "E", array=np.full(count, 25.0)),
        fits.Column("default_zp_err", "E", array=np.full(count, 0.1)),
    ]
    table = fits.BinTableHDU.from_columns(columns, name=CATALOGUE)
    table.header["EXTNAME"] = CATALOGUE
    table.header["PHOTOSYS"] = "VEGA"
    return table


def star_catalogue(stars: Sequence[Star]) -> fits.BinTableHDU:
    """List the true positions (degrees) and magnitudes of all stars."""
    errors = np.full(len(stars), MAGNITUDE_ERROR)
    columns = [
        fits.Column("RA", "D", unit="deg", array=[star.ra for star in stars]),
        fits.Column("Dec", "D", unit="deg", array=[star.dec for star in stars]),
        fits.Column("J_m", "E", unit="mag", array=[star.j for star in stars]),
        fits.Column("J_msig", "E", unit="mag", array=errors),
        fits.Column("K_m", "E", unit="mag", array=[star.k for star in stars]),
        fits.Column("K_msig", "E", unit="mag", array=errors),
    ]
    table = fits.BinTableHDU.from_columns(columns, name=CATALOGUE)
    table.header["EXTNAME"] = CATALOGUE
    return table


def _pixels(master: Master, chip: Detector) -> NDArray[np.float32] | NDArray[np.int32]:
    """Give one chip's pixels of a master."""
    if master.category is Category.CONFIDENCE:
        confidence = np.where(chip.bad, 0, 100)
        if master.poor:
            confidence[: chip.size.pixels // 3] = 0
        return confidence.astype(np.int32)
    if master.category is Category.DARK:
        dark = chip.dark(master.dit) + (40.0 * DARK_OFFSET if master.poor else 0.0)
        return dark.astype(np.float32)
    flat = chip.flat(master.filter)
    if master.poor:
        flat = spoilt(flat, chip.size)
    return np.where(chip.dead, 1.0, flat / np.median(flat)).astype(np.float32)


def _primary(category: str, name: str, night: str) -> dict[str, object]:
    """List the primary header of a calibration."""
    made = _made_at(night)
    return {
        "ORIGIN": "SIMULATION",
        "TELESCOP": "ESO-VLT-U4",
        "INSTRUME": "HAWKI",
        "MJD-OBS": round(mjd(made), 8),
        "DATE-OBS": made.isoformat(timespec="milliseconds").removesuffix("+00:00"),
        "ARCFILE": name,
        "ESO PRO CATG": category,
        "ESO PRO TYPE": "REDUCED",
    }


def _made_at(night: str) -> datetime:
    """Give the moment of a night's twilight."""
    return evening(night) + timedelta(hours=10, minutes=48, seconds=FLAT_DIT)


def _short(night: str) -> str:
    """Write a date as YYMMDD."""
    return night.replace("-", "")[2:]
