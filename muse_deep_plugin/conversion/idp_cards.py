"""The cards that make a deep cube and its image products of the archive.

ESO's Science Data Products standard, version 8, for SCIENCE.CUBE.IFS. All keys are
made here and none by the recipe (``--format=sdpCube``): its EXPTIME of a combination is
not to be trusted (measured: 131,948 s for 4 exposures of 600 s), and so cubes that were
made without that parameter can be converted, too. Comments are the pipeline's.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from attrs import frozen

from muse_deep_plugin.conversion.dataset import Dataset
from muse_deep_plugin.score_bit import COMMENT
from phoenix_core.errors import IngestionError
from phoenix_core.fits.cards import CardValue, HeaderEdit
from phoenix_core.run_id import parse_run_id

if TYPE_CHECKING:
    from astropy.io import fits

Cards = dict[str, tuple[CardValue, str]]

RESERVED: Final = ("ARCFILE", "ORIGFILE", "P3ORIG")
"""The archive sets them."""

_UNITS: Final = {
    "10**(-20)*erg/s/cm**2/Angstrom": "10**(-20)erg.s**(-1).cm**(-2).angstrom**(-1)",
    "(10**(-20)*erg/s/cm**2/Angstrom)**2": (
        "10**(-40)erg**2.s**(-2).cm**(-4).angstrom**(-2)"
    ),
}
"""As the pipeline writes them, and as it writes them in products for the archive."""

_RESOLUTION: Final = ((480.0, 1770.0), (930.0, 3590.0))
"""nm, and the resolving power there (MUSE User Manual); a straight line between."""

_LONGEST: Final = 68  # characters of a text


@frozen
class Grade:
    """Grade and comment of an OB's last execution."""

    grade: str
    comment: str = ""


@frozen
class Link:
    """A file that goes with the cube; category and md5 only of one that is not FITS."""

    name: str
    category: str = ""
    md5: str = ""


@frozen
class Measured:
    """What was measured in the cube; arcsec, erg/s/cm2/Angstrom, magnitudes."""

    sky_res: float
    sky_res_from: str  # measured, or default
    pixnoise: float
    abmaglim: float


def wavelength_range(data: "fits.Header") -> tuple[float, float]:
    """Return the wavelengths of the first and the last plane, nm."""
    first = data["CRVAL3"] + (1 - data["CRPIX3"]) * data["CD3_3"]
    last = first + (data["NAXIS3"] - 1) * data["CD3_3"]
    factor = {"angstrom": 0.1, "nm": 1.0, "um": 1e3, "m": 1e9}
    unit = factor[str(data["CUNIT3"]).strip().lower()]
    return float(first * unit), float(last * unit)


def cube_edit(  # noqa: PLR0917, all that a header is made from
    dataset: Dataset,
    primary: "fits.Header",
    data: "fits.Header",
    measured: Measured,
    links: Sequence[Link],
    grades: Mapping[int, Grade],
) -> HeaderEdit:
    """Return what changes in the primary header of a cube.

    Raises:
        IngestionError: the header lacks what cannot be made here.
    """
    cards: Cards = {
        "PRODCATG": ("SCIENCE.CUBE.IFS", "Data product category"),
        **_position(data),
        **_exposure(dataset, primary),
        **_programme(dataset),
        **_instrument(primary, data),
        **_quality(measured),
        **_links(links),
        **_grades(primary, grades),
        **_foreign(primary),
    }
    if flag := dataset.report.parameters.get("QCFLAG"):
        cards["QCFLAG"] = (str(flag), COMMENT)
    dropped = [*RESERVED, *_stale(primary, cards)]
    return HeaderEdit(cards, tuple(key for key in dropped if key in primary))


def image_edit(
    primary: "fits.Header", category: str = "ANCILLARY.IMAGE.WHITELIGHT"
) -> HeaderEdit:
    """Return what changes in the primary header of white-light image, exposure map."""
    cards: Cards = {
        "PRODCATG": (category, "Data product category"),
        **_foreign(primary),
    }
    return HeaderEdit(cards, tuple(key for key in RESERVED if key in primary))


def extension_edit(header: "fits.Header") -> HeaderEdit:
    """Return what changes in the header of an extension with data."""
    cards: Cards = {
        "HDUDOC": ("SDP", "ESO Science Data Products standard"),
        "HDUVERS": ("SDP version 8", "version number"),
    }
    unit = str(header.get("BUNIT", "")).strip()
    if unit in _UNITS:
        cards["BUNIT"] = (_UNITS[unit], "")
    if header.get("NAXIS") == 3:  # noqa: PLR2004, a cube
        # What the pipeline writes: the scatter of its wavelengths, and -1 for unknown.
        cards["CRDER3"] = (0.026, "[angstrom] Random error in spectral coordinate")
        for axis in (1, 2):
            cards[f"CSYER{axis}"] = (-1.0, "[deg] Systematic error in coordinate")
    for key in ("CRDER3", "CSYER1", "CSYER2"):
        if key in header:
            cards.pop(key, None)
    dropped = (*RESERVED, "PRODCATG")
    return HeaderEdit(cards, tuple(key for key in dropped if key in header))


def _position(data: "fits.Header") -> Cards:
    """The centre of the field."""
    from astropy.wcs import WCS  # noqa: PLC0415, costs start-up

    sky = WCS(data, naxis=2)
    at = [(data[f"NAXIS{n}"] + 1) / 2 for n in (1, 2)]
    ra, dec = (float(x) for x in sky.wcs_pix2world([at], 1)[0])
    return {
        "RA": (ra % 360, "[deg] Image center (J2000)"),
        "DEC": (dec, "[deg] Image center (J2000)"),
    }


def _exposure(dataset: Dataset, primary: "fits.Header") -> Cards:
    """Times and numbers as pgi_phoenix_MUSE_postAB wrote them, held to the ABs."""
    lacking = [
        key
        for key in ("EXPTIME", "TEXPTIME", "MJD-OBS", "MJD-END", "NCOMBINE", "OBID1")
        if key not in primary
    ]
    if lacking:
        raise IngestionError(
            f"{dataset.cube} has no {', '.join(lacking)}; process {dataset.block.name} "
            "again with the FINAL_PLUGIN pgi_phoenix_MUSE_postAB"
        )
    if primary["NCOMBINE"] != len(dataset.exposures):
        raise IngestionError(
            f"{dataset.cube} has NCOMBINE = {primary['NCOMBINE']}, and its AB "
            f"{dataset.block.name} names {len(dataset.exposures)} exposures"
        )
    comments = {
        "EXPTIME": "[s] Total integration time per pixel",
        "MJD-OBS": "[d] Start of observations (days)",
    }
    cards: Cards = {key: (primary[key], comment) for key, comment in comments.items()}
    for n, one in enumerate(dict.fromkeys(e.name for e in dataset.exposures), 1):
        cards[f"PROV{n}"] = (one, "Originating raw science file")
    return cards


def _programme(dataset: Dataset) -> Cards:
    runs = dict.fromkeys(parse_run_id(e.run).formal for e in dataset.exposures)
    comment = "ESO programme identification"
    if len(runs) == 1:
        return {"PROG_ID": (next(iter(runs)), comment)}
    cards: Cards = {"PROG_ID": ("MULTI", comment)}
    for n, run in enumerate(runs, 1):
        cards[f"PROGID{n}"] = (run, comment)
    return cards


def _instrument(primary: "fits.Header", data: "fits.Header") -> Cards:
    low, high = wavelength_range(data)
    is_calibrated = "erg" in str(data.get("BUNIT", ""))
    (first, power), (last, highest) = _RESOLUTION
    slope = (highest - power) / (last - first)
    resolution = power + slope * ((low + high) / 2 - first)
    recipes = [n for n in range(1, 100) if f"ESO PRO REC{n} PIPE ID" in primary]
    software = primary[f"ESO PRO REC{recipes[-1]} PIPE ID"] if recipes else ""
    return {
        "PROCSOFT": (str(software), "ESO pipeline version"),
        "OBSTECH": (
            str(primary.get("ESO PRO TECH", "IFU")),
            "Technique for observation",
        ),
        "FLUXCAL": (
            "ABSOLUTE" if is_calibrated else "UNCALIBRATED",
            "Type of flux calibration",
        ),
        "REFERENC": ("", "Reference publication"),
        "WAVELMIN": (low, "[nm] Minimum wavelength"),
        "WAVELMAX": (high, "[nm] Maximum wavelength"),
        "SPEC_RES": (resolution, "Spectral resolving power at central wavelength"),
    }


def _quality(measured: Measured) -> Cards:
    how = f"[arcsec] FWHM spatial resolution ({measured.sky_res_from})"
    return {
        "SKY_RES": (measured.sky_res, how),
        "PIXNOISE": (
            measured.pixnoise,
            "[erg.s**(-1).cm**(-2).angstrom**(-1)] pixel-to-pixel noise",
        ),
        "ABMAGLIM": (measured.abmaglim, "5-sigma magnitude limit for point sources"),
    }


def _links(links: Sequence[Link]) -> Cards:
    cards: Cards = {}
    for n, link in enumerate(links, 1):
        cards[f"ASSON{n}"] = (link.name, "Associated file name")
        if link.category:
            cards[f"ASSOC{n}"] = (link.category, "Associated file category")
            cards[f"ASSOM{n}"] = (link.md5, "Associated file md5sum")
    return cards


def _grades(primary: "fits.Header", grades: Mapping[int, Grade]) -> Cards:
    """OBGRDn and OBCOMn, of OBIDn; the names are ours."""
    cards: Cards = {}
    n = 1
    while f"OBID{n}" in primary:
        found = grades.get(primary[f"OBID{n}"])
        if found and found.grade:
            cards[f"OBGRD{n}"] = (_plain(found.grade), f"Grade of OBID{n}")
        if found and found.comment:
            cards[f"OBCOM{n}"] = (_plain(found.comment), "")
        n += 1
    return cards


def _plain(text: str) -> str:
    """A text that a card can hold: ASCII, a line, and what has no room left out."""
    line = " ".join(text.split()).encode("ascii", "replace").decode("ascii")
    line = "".join(letter if letter.isprintable() else "?" for letter in line)
    while len(line.replace("'", "''")) > _LONGEST:
        line = line[:-1]
    return line


def _foreign(primary: "fits.Header") -> Cards:
    """Simulated data say in the standard's own way that they are none of ESO's."""
    origin = str(primary.get("ORIGIN", ""))
    if origin.startswith("ESO"):
        return {}
    return {"NOESODAT": (True, "Not from an ESO facility: see ORIGIN")}


def _stale(primary: "fits.Header", cards: Cards) -> list[str]:
    """Indexed keys of the recipe or an earlier conversion that are none of these."""
    stems = ("PROV", "PROGID", "ASSON", "ASSOC", "ASSOM", "OBGRD", "OBCOM")
    return [
        key
        for key in primary
        for stem in stems
        if key.startswith(stem) and key[len(stem) :].isdigit() and key not in cards
    ]
