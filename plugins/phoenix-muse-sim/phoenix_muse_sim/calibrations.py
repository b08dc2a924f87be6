"""Master and static calibrations that fit the simulated detectors and sky."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from astropy.io import fits
from attrs import frozen
from numpy.typing import NDArray

from .detector import (
    BIAS_LEVELS,
    GAIN,
    OVERSCAN,
    READ_NOISE,
    Detector,
    chip_keywords,
    field_coordinates,
    first_columns,
    slice_lambda0,
)
from .exposures import INSTRUMENT_MODE, READ_MODE, RESPONSE
from .fits_files import header
from .paranal import EXTINCTION
from .sizes import IFUS, LAMBDA_STEP, SLICES, SPAXEL, Size
from .sky import LINES, LSF_SIGMA

PIPELINE: Final = "muse/2.8.7"
"""The pipeline that the calibrations claim; MASTER_BIAS is useless without it."""

FLAT_LEVEL: Final = 1.0e4
"""Counts: QC FLAT MASTER INTFLUX."""

_GRID: Final = (4000.0, 10000.0)


@frozen
class Calibration:
    """A calibration file: its name, its PRO CATG (= its tag in a SOF), its HDUs."""

    name: str
    tag: str
    hdus: fits.HDUList


def calibration_name(tag: str, date: str) -> str:
    """Name a calibration after its kind and its civil date: MU_MBIA_141022A.fits."""
    return f"MU_{FOUR_LETTERS[tag]}_{date[2:].replace('-', '')}A.fits"


def calibrations(detectors: Sequence[Detector], date: str) -> list[Calibration]:
    """Make every calibration that the recipes of the cascade need, of one date."""
    size = detectors[0].size
    extensions: dict[str, Callable[[], list[fits.hdu.base.ExtensionHDU]]] = {
        "MASTER_BIAS": lambda: [hdu for one in detectors for hdu in master_bias(one)],
        "MASTER_FLAT": lambda: [hdu for one in detectors for hdu in master_flat(one)],
        "TRACE_TABLE": lambda: [trace_table(one) for one in detectors],
        "WAVECAL_TABLE": lambda: [wavecal_table(one) for one in detectors],
        "GEOMETRY_TABLE": lambda: [geometry_table(size)],
        "LSF_PROFILE": lambda: [lsf_profile(one) for one in detectors],
        "STD_RESPONSE": lambda: [response_table()],
        "STD_TELLURIC": lambda: [telluric_table()],
        "EXTINCT_TABLE": lambda: [extinction_table()],
        "SKY_LINES": lambda: [sky_lines()],
        "ASTROMETRY_WCS": list,
        "FILTER_LIST": lambda: [filter_table("Johnson_V", 5070.0, 5940.0)],
    }
    made = []
    for tag, build in extensions.items():
        name = calibration_name(tag, date)
        primary = fits.PrimaryHDU(header=header(_primary_keywords(tag, name, date)))
        made.append(Calibration(name, tag, fits.HDUList([primary, *build()])))
    return made


FOUR_LETTERS: Final[Mapping[str, str]] = {
    "MASTER_BIAS": "MBIA",
    "MASTER_FLAT": "MFLA",
    "TRACE_TABLE": "TRAC",
    "WAVECAL_TABLE": "WAVE",
    "GEOMETRY_TABLE": "GEOM",
    "LSF_PROFILE": "LSFP",
    "STD_RESPONSE": "SRES",
    "STD_TELLURIC": "STEL",
    "EXTINCT_TABLE": "EXTI",
    "SKY_LINES": "SKYL",
    "ASTROMETRY_WCS": "AWCS",
    "FILTER_LIST": "FILT",
}
"""How each tag is written in a file name."""


def master_bias(chip: Detector) -> list[fits.ImageHDU]:
    """Make the bias of one chip: zero, as the overscan has been subtracted."""
    keywords = dict(chip_keywords(chip))
    for number, level in enumerate(BIAS_LEVELS, 1):
        keywords[f"ESO DRS MUSE OVSC{number} MEAN"] = level
        keywords[f"ESO DRS MUSE OVSC{number} STDEV"] = READ_NOISE / GAIN
        keywords[f"ESO QC BIAS MASTER{number} RON"] = READ_NOISE
    shape = chip.flat.shape
    return _image_triplet(chip, np.zeros(shape), "adu", keywords, variance=0.01)


def master_flat(chip: Detector) -> list[fits.ImageHDU]:
    """Make the flat of one chip: the true sensitivity, a lamp without features."""
    keywords = dict(chip_keywords(chip)) | {"ESO QC FLAT MASTER INTFLUX": FLAT_LEVEL}
    return _image_triplet(chip, chip.flat, "count", keywords, variance=1e-6)


def trace_table(chip: Detector) -> fits.BinTableHDU:
    """Say where the slices lie: centre, left and right edge, straight lines."""
    width = chip.size.slice_width
    left = first_columns(chip.size) - 0.5 + 0.001
    right = left + width - 0.002
    columns = [fits.Column("SliceNo", "J", array=np.arange(1, SLICES + 1))]
    for number, edge in enumerate(((left + right) / 2.0, left, right)):
        columns += [
            fits.Column(f"tc{number}_00", "D", array=edge),
            fits.Column(f"tc{number}_01", "D", array=np.zeros(SLICES)),
            fits.Column(f"MSE{number}", "D", array=np.full(SLICES, 1e-4)),
        ]
    return _channel_table(chip, columns)


def wavecal_table(chip: Detector) -> fits.BinTableHDU:
    """Say which wavelength each row of a slice has: a plane without a tilt."""
    zero = np.zeros(SLICES)
    columns = [
        fits.Column("SliceNo", "J", array=np.arange(1, SLICES + 1)),
        fits.Column("wlc00", "D", array=slice_lambda0(chip.size) - LAMBDA_STEP),
        fits.Column("wlc01", "D", array=zero + LAMBDA_STEP),
        fits.Column("wlc10", "D", array=zero),
        fits.Column("wlc11", "D", array=zero),
        fits.Column("MSE", "D", array=zero + 1e-4),
    ]
    return _channel_table(chip, columns)


def geometry_table(size: Size) -> fits.BinTableHDU:
    """Say where each slice of all 24 IFUs lies on the sky, in spaxels and degrees."""
    count = IFUS * SLICES
    slices = np.tile(np.arange(1, SLICES + 1), IFUS)
    heights = [field_coordinates(size, ifu)[1] for ifu in range(1, IFUS + 1)]
    columns = [
        fits.Column("SubField", "J", array=np.repeat(np.arange(1, IFUS + 1), SLICES)),
        fits.Column("SliceCCD", "J", array=slices),
        fits.Column("SliceSky", "J", array=slices),
        fits.Column("x", "D", unit="pix", array=np.zeros(count)),
        fits.Column("y", "D", unit="pix", array=np.concatenate(heights)),
        fits.Column("angle", "D", unit="deg", array=np.zeros(count)),
        fits.Column("width", "D", unit="pix", array=np.full(count, size.slice_width)),
    ]
    return fits.BinTableHDU.from_columns(columns)


def lsf_profile(chip: Detector) -> fits.ImageHDU:
    """Tabulate the line spread of one chip: (slice, wavelength, offset), area 1."""
    step = 0.05
    offsets = np.arange(-150, 151) * step
    profile = np.exp(-0.5 * (offsets / LSF_SIGMA) ** 2)
    profile /= profile.sum() * step
    nodes = 3
    low = chip.size.lambda0 - 50.0
    span = LAMBDA_STEP * chip.size.wavelengths + 100.0
    keywords = header(
        {
            "CRPIX1": 1.0,
            "CRVAL1": float(offsets[0]),
            "CD1_1": step,
            "CTYPE1": "PARAM",
            "CUNIT1": "Angstrom",
            "CRPIX2": 1.0,
            "CRVAL2": low,
            "CD2_2": span / (nodes - 1),
            "CTYPE2": "AWAV",
            "CUNIT2": "Angstrom",
            "CD1_2": 0.0,
            "CD2_1": 0.0,
        }
    )
    cube = np.broadcast_to(profile, (SLICES, nodes, len(offsets))).astype(np.float32)
    return fits.ImageHDU(cube, keywords, name=f"CHAN{chip.ifu:02d}.LSF_PROFILE")


def response_table() -> fits.BinTableHDU:
    """Tabulate the response: RESPONSE magnitudes at all wavelengths."""
    return _curve(response=RESPONSE, resperr=1e-3)


def telluric_table() -> fits.BinTableHDU:
    """Tabulate the telluric transmission: the simulated air has no bands."""
    return _curve(ftelluric=1.0, ftellerr=1e-4)


def extinction_table() -> fits.BinTableHDU:
    """Tabulate the extinction in magnitudes an airmass."""
    return _curve(extinction=EXTINCTION)


def sky_lines() -> fits.BinTableHDU:
    """List the sky's lines, with the fluxes that the simulation has."""
    count = len(LINES)
    unit = "10**(-20)*erg/(s cm^2 arcsec^2)"
    columns = [
        fits.Column("name", "16A", array=[line.name for line in LINES]),
        fits.Column("group", "J", array=[line.group for line in LINES]),
        fits.Column(
            "lambda", "D", unit="Angstrom", array=[line.wavelength for line in LINES]
        ),
        fits.Column("flux", "D", unit=unit, array=[line.flux for line in LINES]),
        fits.Column("dq", "J", array=np.zeros(count, dtype=int)),
    ]
    return fits.BinTableHDU.from_columns(columns, name="LINES")


def filter_table(name: str, low: float, high: float) -> fits.BinTableHDU:
    """Tabulate a box between two wavelengths in Angstrom under a filter's name."""
    wavelength = np.array([low - 1.0, low, high, high + 1.0])
    columns = [
        fits.Column("lambda", "D", unit="Angstrom", array=wavelength),
        fits.Column("throughput", "D", array=np.array([0.0, 1.0, 1.0, 0.0])),
    ]
    table = fits.BinTableHDU.from_columns(columns)
    table.header["EXTNAME"] = name
    table.header["ZP_VEGA"] = 0.0
    table.header["ZP_AB"] = 0.0
    return table


def _primary_keywords(tag: str, name: str, date: str) -> dict[str, object]:
    """List the primary header of a calibration."""
    keywords: dict[str, object] = {
        "ORIGIN": "SIMULATION",
        "TELESCOP": "ESO-VLT-U4",
        "INSTRUME": "MUSE",
        "ARCFILE": name,
        "DATE-OBS": f"{date}T20:00:00.000",
        "ESO PRO CATG": tag,
        "ESO PRO TYPE": "REDUCED",
        "ESO INS MODE": INSTRUMENT_MODE,
        "ESO DET READ CURID": READ_MODE[0],
        "ESO DET READ CURNAME": READ_MODE[1],
    }
    if tag == "MASTER_BIAS":
        keywords |= {
            "ESO PRO REC1 ID": "muse_bias",
            "ESO PRO REC1 DRS ID": "cpl-7.2.3",
            "ESO PRO REC1 PIPE ID": PIPELINE,
        }
        for number, (option, value) in enumerate(_OVERSCAN.items(), 1):
            keywords[f"ESO PRO REC1 PARAM{number} NAME"] = option
            keywords[f"ESO PRO REC1 PARAM{number} VALUE"] = value
    if tag == "LSF_PROFILE":
        keywords["PIPEFILE"] = name
    if tag in {"STD_RESPONSE", "STD_TELLURIC"}:
        keywords["ESO DRS MUSE FLUX FFCORR"] = True
    if tag == "ASTROMETRY_WCS":
        keywords |= {
            "CRPIX1": 0.0,
            "CRPIX2": 0.0,
            "CRVAL1": 0.0,
            "CRVAL2": 0.0,
            "CD1_1": -SPAXEL / 3600.0,
            "CD1_2": 0.0,
            "CD2_1": 0.0,
            "CD2_2": SPAXEL / 3600.0,
            "CTYPE1": "RA---TAN",
            "CTYPE2": "DEC--TAN",
            "CUNIT1": "deg",
            "CUNIT2": "deg",
        }
    return keywords


_OVERSCAN: Final = {
    "overscan": OVERSCAN,
    "ovscreject": "dcr",
    "ovscsigma": "30.",
    "ovscignore": "3",
}
"""How muse_bias treated the overscan: muse_scibasic must do the same."""


def _image_triplet(
    chip: Detector,
    pixels: NDArray[np.float64],
    unit: str,
    keywords: Mapping[str, object],
    variance: float,
) -> list[fits.ImageHDU]:
    """Make the DATA, DQ and STAT extensions of a merged master frame."""
    channel = f"CHAN{chip.ifu:02d}"
    data = fits.ImageHDU(
        pixels.astype(np.float32), header(keywords), name=f"{channel}.DATA"
    )
    data.header["BUNIT"] = unit
    quality = fits.ImageHDU(np.zeros(pixels.shape, np.int32), name=f"{channel}.DQ")
    scatter = np.full(pixels.shape, variance, np.float32)
    stat = fits.ImageHDU(scatter, name=f"{channel}.STAT")
    stat.header["BUNIT"] = f"({unit})**2"
    return [data, quality, stat]


def _channel_table(chip: Detector, columns: Sequence[fits.Column]) -> fits.BinTableHDU:
    """Make the table of one channel of a merged calibration."""
    return fits.BinTableHDU.from_columns(columns, name=f"CHAN{chip.ifu:02d}")


def _curve(**levels: float) -> fits.BinTableHDU:
    """Make a table of constants over wavelength (Angstrom)."""
    wavelength = np.linspace(*_GRID, 61)
    columns = [fits.Column("lambda", "D", unit="Angstrom", array=wavelength)]
    for name, level in levels.items():
        columns.append(fits.Column(name, "D", array=np.full(wavelength.size, level)))
    return fits.BinTableHDU.from_columns(columns)
