"""The OFFSET_LIST of muse_exp_align: where each exposure lies beside the first.

muse_exp_combine ignores a list that it cannot read, and combines an exposure that is
not in it where it fell; both with exit status 0.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from phoenix_core.errors import ProcessingError

COLUMNS = ("DATE_OBS", "RA_OFFSET", "DEC_OFFSET")

Offsets = Mapping[str, tuple[float, float]]


def read_offsets(path: Path) -> Offsets:
    """Return the offsets in RA and Dec (degrees, no cos Dec) by DATE-OBS, in order.

    Raises:
        ProcessingError: the file cannot be read, is no OFFSET_LIST, or has an offset
            that is no number.
    """
    from astropy.io import fits  # noqa: PLC0415, costs start-up

    try:
        with fits.open(path) as hdus:
            table = hdus[1].data
            rows = [
                tuple(row) for row in zip(*(table[c] for c in COLUMNS), strict=True)
            ]
    except (OSError, ValueError, IndexError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise ProcessingError(
            f"{path} is no readable OFFSET_LIST ({reason}); the exposures would be "
            "combined without alignment"
        ) from error
    offsets = {str(d).strip(): (float(ra), float(dec)) for d, ra, dec in rows}
    for exposure, offset in offsets.items():
        if not all(map(math.isfinite, offset)):
            raise ProcessingError(f"{path} has no number as the offset of {exposure}")
    if len(offsets) != len(rows):
        raise ProcessingError(f"{path} has an exposure twice")
    return offsets


def check_complete(path: Path, exposures: Sequence[str]) -> None:
    """Make sure that a list has an offset for each exposure (by DATE-OBS).

    Raises:
        ProcessingError: it has not, or cannot be read.
    """
    listed = read_offsets(path)
    lacking = sorted(set(exposures) - set(listed))
    if lacking:
        raise ProcessingError(
            f"{path.name} has no offset for the exposure of {', '.join(lacking)}, "
            "which would be combined without alignment; align all exposures again"
        )
