"""What a file is: its tag by its header, its time, and whether it can be taken."""

import functools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import translate

from attrs import frozen

from phoenix_core.association_block import is_safe_name
from phoenix_core.create_ab.headers import FileHeader
from phoenix_core.create_ab.rules import FILE, Condition, Rules, Value

_UNIX_MJD = 40587.0  # of 1970-01-01
_DAY = 86400.0
_UNBOUND = (None, None, None, None)
UNCLASSIFIED = None
"""The tag of a file that no rule names."""


@frozen
class Frame:
    """A file with its tag: '' is ignored, None unclassified.

    `mjd` is when it was begun (UT), None where it does not say. What has a `problem`
    is never taken.
    """

    name: str
    path: str
    tag: str | None
    mjd: float | None
    values: Mapping[str, Value]
    problem: str = ""

    @property
    def order(self) -> tuple[float, str, str]:
        """In time; what has none comes last."""
        return (math.inf if self.mjd is None else self.mjd, self.name, self.path)


def classify(rules: Rules, of: str, found: Sequence[FileHeader]) -> tuple[Frame, ...]:
    """Give each file its tag, in time order; files of elsewhere are left out.

    Args:
        rules: the rules.
        of: "raw" or "calib".
        found: the files.
    """
    frames = []
    for file in found:
        values = {**file.header.values, FILE: file.name}
        if _is_elsewhere(rules, file):
            continue
        frames.append(
            Frame(
                file.name,
                file.path,
                _tag(rules, of, values),
                _mjd(rules, values),
                values,
                file.header.problem or _unusable(file),
            )
        )
    return tuple(sorted(frames, key=lambda frame: frame.order))


def _is_elsewhere(rules: Rules, file: FileHeader) -> bool:
    """Whether a file is of another instrument; one cut short need not say it."""
    values, problem = file.header.values, file.header.problem
    asked = [c for c in rules.only if c.keyword in values or not problem]
    return bool(values) and not meets(values, asked)


def _unusable(file: FileHeader) -> str:
    if not is_safe_name(file.name):
        return "has a name that no AB can hold"
    if not file.path.isprintable():
        return "lies in a directory whose name is no text"
    return ""


def _tag(rules: Rules, of: str, values: Mapping[str, Value]) -> str | None:
    for kind in rules.classes:
        if kind.of == of and meets(values, kind.when):
            return kind.tag
    tag = values.get(rules.calib_tag) if of == "calib" else None
    return tag if isinstance(tag, str) and is_safe_name(tag) else UNCLASSIFIED


def _mjd(rules: Rules, values: Mapping[str, Value]) -> float | None:
    """When it was begun: by MJD-OBS, else by DATE-OBS."""
    mjd = values.get(rules.keywords.mjd)
    if isinstance(mjd, int | float) and not isinstance(mjd, bool):
        return float(mjd)
    date = values.get(rules.keywords.date)
    try:
        moment = datetime.fromisoformat(date) if isinstance(date, str) else None
    except ValueError:
        moment = None
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp() / _DAY + _UNIX_MJD


# Conditions -----------------------------------------------------------------------


def meets(values: Mapping[str, Value], conditions: Iterable[Condition]) -> bool:
    """Whether a header meets all conditions."""
    for one in conditions:  # noqa: SIM110, all() is slower for so many files
        if not _meets(values.get(one.keyword), one):
            return False
    return True


def _meets(value: Value | None, condition: Condition) -> bool:
    if value is None or not condition.present:
        return (value is None) is not condition.present
    if condition.any_of and not _is_one_of(value, condition.any_of):
        return False
    if condition.none_of and _is_one_of(value, condition.none_of):
        return False
    if condition.like and not _pattern(condition.like).fullmatch(str(value)):
        return False
    return _within(value, condition)


def _is_one_of(value: Value, values: tuple[Value, ...]) -> bool:
    return any(same(value, one) for one in values)


def _within(value: Value, condition: Condition) -> bool:
    bounds = (condition.at_least, condition.at_most, condition.above, condition.below)
    if bounds == _UNBOUND:
        return True
    if isinstance(value, bool | str):
        return False
    at_least, at_most, above, below = bounds
    return (
        (at_least is None or value >= at_least)
        and (at_most is None or value <= at_most)
        and (above is None or value > above)
        and (below is None or value < below)
    )


@functools.lru_cache(maxsize=256)
def _pattern(like: str) -> re.Pattern[str]:
    return re.compile(translate(like))


def same(one: Value | None, other: Value | None, tolerance: float = 0.0) -> bool:
    """Whether two values are equal: numbers as numbers, nothing equals what is not.

    >>> same(10, 10.0), same("10", 10), same(True, 1), same(None, None)
    (True, False, False, False)
    """
    if one is None or other is None:
        return False
    if isinstance(one, bool | str) or isinstance(other, bool | str):
        return type(one) is type(other) and one == other
    if tolerance:
        return abs(one - other) <= tolerance
    return one == other


def as_key(value: Value | None) -> Value | tuple[Value] | None:
    """A value by which a dictionary keeps what is equal together: True is not 1."""
    return (value,) if isinstance(value, bool) else value
