"""The time in a file's or AB's name: what exposures are told apart and ordered by."""

import re
from functools import lru_cache
from typing import Final

_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?")
_ASKED: Final = 10_000  # names, again and again


@lru_cache(_ASKED)
def time_stamp(name: str) -> str:
    """Return the time in a name, '' where there is none.

    >>> time_stamp("r.MUSE.2014-10-22T23:57:32.123_pst_PIXTABLE_REDUCED.fits")
    '2014-10-22T23:57:32.123'
    """
    match = _STAMP.search(name)
    return match[0] if match else ""


def in_time(name: str) -> tuple[str, str]:
    """Return a key that sorts names by their time; equal times by name."""
    return time_stamp(name), name
