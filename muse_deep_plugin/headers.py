"""What headers of MUSE files say, read with one line where they cannot be read."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from muse_deep_plugin.sky import Position
from phoenix_core.errors import ProcessingError

if TYPE_CHECKING:
    from astropy.io import fits

ReadHeader = Callable[[Path], "fits.Header"]


def primary_header(path: Path) -> "fits.Header":
    """Return the primary header of a FITS file.

    Raises:
        ProcessingError: the file is not there, or is no FITS file.
    """
    from astropy.io import fits  # noqa: PLC0415, costs start-up

    try:
        header = fits.getheader(path)
        len(header)  # parses it
    except (OSError, ValueError, IndexError, fits.VerifyError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ProcessingError(f"{path} cannot be read: {reason}") from error
    return header


def date_obs(path: Path) -> str:
    """Return DATE-OBS, by which the recipes tell exposures apart.

    Raises:
        ProcessingError: the file cannot be read, or does not have it.
    """
    found = str(primary_header(path).get("DATE-OBS", "")).strip()
    if not found:
        raise ProcessingError(f"{path} has no DATE-OBS in its header")
    return found


def position(header: Mapping[str, object]) -> Position | None:
    """Return RA and DEC (degrees) of a header, None where it lacks them."""
    try:
        return float(str(header["RA"])), float(str(header["DEC"]))
    except (KeyError, ValueError):
        return None
