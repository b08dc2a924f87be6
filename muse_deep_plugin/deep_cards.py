"""What the header of a deep cube has to say of the exposures in it.

muse_exp_combine copies the header of the first exposure: EXPTIME of one of many.
Definitions: ESO SDP standard, version 8, for SCIENCE.CUBE.IFS.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from muse_deep_plugin.headers import position, primary_header
from muse_deep_plugin.pointing import FIELD
from muse_deep_plugin.sky import separation

Cards = dict[str, tuple[str | int | float, str]]

_DAY: Final = 86400.0  # seconds


def exposure_cards(tables: Sequence[Path]) -> Cards:
    """Return the cards on exposure and time, from the pixel tables that are combined.

    TEXPTIME is the sum of all exposures, EXPTIME that of an aligned stack the same; a
    mosaic, of which no spaxel sees all, keeps the recipe's EXPTIME: that of one
    exposure, where no exposure map tells it (`exptime_card`). MJD-END is the end of the
    latest exposure. What a table without EXPTIME or MJD-OBS leaves open is left out;
    ESO OBS ID stays that of the first.

    Raises:
        ProcessingError: a table cannot be read.
    """
    headers = [primary_header(path) for path in tables]
    cards: Cards = {
        "NCOMBINE": (len(headers), "No. of combined raw science data files")
    }
    times = [_number(header, "EXPTIME") for header in headers]
    starts = [_number(header, "MJD-OBS") for header in headers]
    obs = dict.fromkeys(header.get("ESO OBS ID") for header in headers)
    for n, number in enumerate((ob for ob in obs if ob is not None), start=1):
        cards[f"OBID{n}"] = (number, "Observation block ID")
    if not headers or None in times:
        return cards
    known = [time for time in times if time is not None]
    total = math.fsum(known)
    cards["TEXPTIME"] = (total, "[s] Total integration time of all exposures")
    if _is_stack(headers):
        cards |= exptime_card(total)
    if None not in starts:
        ends = [s + t / _DAY for s, t in zip(starts, known, strict=True) if s]
        cards["MJD-END"] = (max(ends), "[d] End of observations (days)")
    return cards


def exptime_card(seconds: float) -> Cards:
    """Return the card on how long a spaxel was exposed.

    The median of the exposure map above 0, where there is one.
    """
    return {"EXPTIME": (seconds, "[s] Total integration time per pixel")}


def _is_stack(headers: Sequence[Mapping[str, object]]) -> bool:
    """Whether all exposures cover the centre of the first."""
    places = [position(header) for header in headers]
    first = places[0]
    return all(
        here and first and separation(here, first) < FIELD / 2 for here in places
    )


def _number(header: Mapping[str, object], name: str) -> float | None:
    value = header.get(name)
    return float(value) if isinstance(value, int | float) else None
