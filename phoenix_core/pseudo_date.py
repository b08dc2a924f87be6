"""Pseudo-dates: a run id in the shape of a date, since DFOS tools think in days.

One example of the original is documented: 094.A-0116B is 2094-01-16. The rule is
ours: year 2000 + period, month = category letter (A=1 .. L=12), day = running number
mod 100. Where that is no day, or another run has it, the next free day is taken, so
the registry in the database is what makes the label unambiguous and reversible.
New-style run ids have no letter and count from 1 January.
"""

import datetime as dt
import re
from collections.abc import Container
from contextlib import suppress

from phoenix_core.errors import ConfigError
from phoenix_core.run_id import RunId

_LABEL = re.compile(r"[23]\d{3}-\d{2}-\d{2}", re.ASCII)
_MONTH_OF_A = ord("A") - 1


def is_date_label(text: str) -> bool:
    """Whether a text has the shape of a (pseudo-)date."""
    return _LABEL.fullmatch(text) is not None


def check_date_label(text: str) -> str:
    """Return the text if it is a civil date or pseudo-date.

    Raises:
        ConfigError: it is not; it names directories, so nothing else is let through.
    """
    if is_date_label(text):
        with suppress(ValueError):
            return dt.date.fromisoformat(text).isoformat()
    raise ConfigError(f"'{text}' is no date; expected for example 2024-03-10")


def pseudo_date(run_id: RunId, taken: Container[str] = ()) -> str:
    """Return the first free pseudo-date for a run.

    Args:
        run_id: the run.
        taken: pseudo-dates that other runs have.

    >>> from phoenix_core.run_id import parse_run_id
    >>> pseudo_date(parse_run_id("094.A-0116B"))
    '2094-01-16'
    >>> pseudo_date(parse_run_id("094.D-0114B"))
    '2094-04-14'
    """
    year = 2000 + run_id.period
    month = ord(run_id.category) - _MONTH_OF_A if run_id.is_old_style else 1
    wanted = run_id.number % 100 if run_id.is_old_style else 1
    day = _first_day_from(year, month, wanted)
    while (label := day.isoformat()) in taken:
        day += dt.timedelta(days=1)
    return label


def _first_day_from(year: int, month: int, day: int) -> dt.date:
    """Return that day, or where the month has no such day, the first of the next."""
    with suppress(ValueError):
        return dt.date(year, month, day)
    if day == 0:
        return dt.date(year, month, 1)
    return dt.date(year + month // 12, month % 12 + 1, 1)
