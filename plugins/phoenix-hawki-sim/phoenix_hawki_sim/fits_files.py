"""FITS files that are the same bytes each time and appear whole or not at all."""

import io
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile

from astropy.io import fits

from .errors import SimulationError


def header(keywords: Mapping[str, object]) -> fits.Header:
    """Make a header; names with blanks become HIERARCH keywords."""
    cards = fits.Header()
    for name, value in keywords.items():
        cards[f"HIERARCH {name}" if " " in name else name] = value
    return cards


def fits_bytes(hdus: fits.HDUList, date: str) -> bytes:
    """Write HDUs with CHECKSUM and DATASUM in each; `date` is their only date."""
    hdus[0].header["DATE"] = (date, "when this file was made")
    for hdu in hdus:
        hdu.add_checksum(when=date)
    content = io.BytesIO()
    hdus.writeto(content, output_verify="exception")
    return content.getvalue()


def write_bytes(path: Path, content: bytes) -> None:
    """Put a whole file in its place at once, never over one that differs.

    Raises SimulationError when the file is there already and differs.
    """
    if path.exists():
        if path.read_bytes() != content:
            message = f"{path} exists and differs from what would be written"
            raise SimulationError(message)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as half_done:
        part = Path(half_done.name)
        try:
            half_done.write(content)
            half_done.flush()
            part.chmod(0o644)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
