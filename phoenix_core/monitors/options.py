"""The table [phoenixMonitor] of a configuration."""

import re
from typing import Any

from attrs import field, frozen, validators

NAME = "phoenixMonitor"


def _is_pattern(_kind: object, attribute: Any, value: str) -> None:
    try:
        re.compile(value)
    except re.error as error:
        told = f"{attribute.name} is '{value}'; expected a pattern as of egrep"
        raise ValueError(f"{told} ({error})") from error


def _yes_or_no(default: str) -> str:
    is_word = validators.in_(("YES", "NO"))

    def check(_kind: object, attribute: Any, value: str) -> None:
        try:
            is_word(_kind, attribute, value)
        except ValueError:
            told = f"{attribute.name} is '{value}'; expected YES or NO"
            raise ValueError(told) from None

    word: str = field(default=default, validator=check)
    return word


def _positive(default: int) -> int:
    def check(_kind: object, attribute: Any, value: int) -> None:
        if value < 1:
            raise ValueError(f"{attribute.name} is {value}; expected 1 or more")

    number: int = field(default=default, validator=check)
    return number


@frozen
class Options:
    """Options of the history; the names are those of config.phoenixMonitor.

    `SCI_SCALE` is the width of a product in the bar, in pixels; from `SCI_MAX` products
    on the bar grows no more. `SCI_CLASS` is the RAW_TYPE of the ABs that it counts, ''
    counts all final ones. `CHECK_CONV` looks for the log CONVERTED of the conversion,
    `MARK_VIRTUAL` marks runs with ABs whose input is not made. More FITS files a month
    or period than `MAX_TOTAL_NUMBER` are set in bold. `PRODUCT_MARKER` is a pattern, as
    of egrep, of the names of primary products. `PROJECT` (ours) is an installed package
    that knows which runs are expected, by its name in the group ``phoenix.monitor``.
    """

    SCI_SCALE: int = _positive(5)
    SCI_MAX: int = _positive(20)
    SCI_CLASS: str = ""
    CHECK_CONV: str = _yes_or_no("YES")
    MARK_VIRTUAL: str = _yes_or_no("YES")
    MAX_TOTAL_NUMBER: int = _positive(1000)
    PRODUCT_MARKER: str = field(default="", validator=_is_pattern)
    PROJECT: str = ""
