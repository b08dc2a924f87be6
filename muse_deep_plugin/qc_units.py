"""Units of the parameters in a QC report, for whoever reads it."""

from collections.abc import Iterable
from typing import Final

from muse_deep_plugin.qc1_tables import DEEP
from muse_deep_plugin.qc_text import flux_unit

_FLUX: Final = {
    *("BKG_MEDIAN", "BKG_MAD", "HISTO_BKG", "SKY_5577"),
    *("NOISE", "NOISE_PROPAGATED", "NOISE_EXPECTED"),
}
"""Those in the unit of the cube."""

_OWN: Final = {
    "LAMBDA_MIN": "Angstrom",
    "LAMBDA_MAX": "Angstrom",
    "FWHM": "arcsec",
    "FWHM_SINGLES": "arcsec",
    "SEEING": "arcsec",
    "DEPTH_GAIN": "mag",
    "DEPTH_GAIN_EXPECTED": "mag",
    "PIXNOISE": "erg s⁻¹ cm⁻² Å⁻¹",
}
_OF_TABLE: Final = {c.name.upper(): c.unit for c in DEEP.columns if c.unit}


def units_of(names: Iterable[str], cube: str) -> dict[str, str]:
    """Return the units of those parameters that have one.

    Args:
        names: of parameters.
        cube: the unit of the cube.
    """
    of_cube = dict.fromkeys(_FLUX, flux_unit(cube)) if cube else {}
    known = _OF_TABLE | _OWN | of_cube
    return {name: known[name] for name in names if name in known}
