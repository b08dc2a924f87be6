"""What the files of a dataset are: PRODCATG of FITS files, ASSOCn of others."""

from pathlib import Path
from typing import Final

from phoenix_core.model import Idp
from phoenix_core.sdp.product import read_product

UNKNOWN: Final = "-"
_FITS: Final = (".fits", ".fits.fz")


def is_fits_name(name: str) -> bool:
    """Whether a file's name says that it is FITS."""
    return name.endswith(_FITS)


def category_of(idp: Idp, path: Path) -> str:
    """Return the category of a file of a dataset, ``-`` where nothing tells it.

    Raises:
        OSError: a FITS file cannot be read.
    """
    if is_fits_name(path.name):
        return read_product(path, with_data=False).category or UNKNOWN
    if not is_fits_name(idp.path.name):
        return UNKNOWN
    header = read_product(idp.path, with_data=False).primary
    names = {index: card.value for index, card in header.indexed("ASSON").items()}
    for index, card in header.indexed("ASSOC").items():
        if names.get(index) == path.name:
            return str(card.value)
    return UNKNOWN
