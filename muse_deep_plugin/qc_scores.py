"""Scores of the QC: parameters held against the limits of the configuration.

The page of MUSE_DEEP has seven scores for a single datacube and three for a deep one;
what they are is not public: these are ours, of the parameters that it names. They are
arrays of tables in the configuration, and an empty one keeps what is written here.
"""

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from attrs import Attribute, field, frozen, validators

from muse_deep_plugin.qc_parameters import OF_PIPELINE, PARAMETERS
from phoenix_core.model import Score
from phoenix_core.nearest import nearest

Parameters = Mapping[str, str | int | float | bool]
Rows = list[dict[str, Any]]

BACKGROUND: Final = "HISTO_BKG"

SINGLE: Final[tuple[dict[str, Any], ...]] = (
    {
        "name": "NUM_SAT",
        "parameter": "NUM_SAT",
        "high": 299,
        "comment": "saturated pixels of the raw exposure",
    },
    {
        "name": "WDEL_MAX",
        "parameter": "WDEL_MAX",
        "high": 0.5,
        "comment": "Angstrom: the largest shift that scibasic corrected",
    },
    {
        "name": "NUM_SRC",
        "parameter": "NUM_SRC",
        "low": 1,
        "comment": "sources: none, and nothing can be aligned",
    },
    {
        "name": "HISTO_BKG",
        "parameter": BACKGROUND,
        "low": -20.0,
        "high": 300.0,
        "comment": "1e-20 erg/s/cm2/Angstrom: below, too much sky was subtracted",
    },
    {
        "name": "LSHIFT_MAX",
        "parameter": "LSHIFT_MAX",
        "high": 0.5,
        "comment": "Angstrom: the largest shift that is left; grey without sky lines",
        "may_lack": True,
    },
    {
        "name": "SKY_LINES",
        "parameter": "SKY_RESIDUAL",
        "high": 200.0,
        "comment": "what is left of the brightest line; grey where none is subtracted",
        "may_lack": True,
    },
    {
        "name": "FWHM",
        "parameter": "FWHM_RATIO",
        "high": 1.2,
        "comment": "sharpness by what the OB asks for; grey where neither is known",
        "may_lack": True,
    },
)
"""Limits of NUM_SAT, HISTO_BKG (the lower one) and LSHIFT_MAX are those of the score
bit. The dark night sky has about 20, the moon adds up to 150: above 300 an exposure of
which no sky was subtracted has seen the dawn. The others are ours."""

DEEP: Final[tuple[dict[str, Any], ...]] = (
    {
        "name": "COMPLETENESS",
        "parameter": "COMPLETENESS",
        "low": 1.0,
        "high": 1.0,
        "comment": "exposures that are combined and not cut short, of all of the AB",
    },
    {
        "name": "SIZE",
        "parameter": "SIZE_RATIO",
        "low": 0.9,
        "high": 1.3,
        "comment": "voxels of the cube by those that its exposures cover",
    },
    {
        "name": "CONSISTENCY",
        "parameter": "N_DEVIATIONS",
        "high": 0,
        "comment": "what does not fit: see the warnings, each is one",
    },
)
"""The hint of the page: the size of the cube, and complete processing. The third one
counts what a person would find in the plots: alignment, fluxes, backgrounds, depth."""

_KEYS: Final = ("name", "parameter", "low", "high", "comment", "may_lack")


@frozen
class Definition:
    """A score as it is configured.

    A parameter that is not there is red, for nothing is known to be good; one that
    `may_lack` is grey then.
    """

    name: str
    parameter: str
    low: float | None = None
    high: float | None = None
    comment: str = ""
    may_lack: bool = False

    def score(self, parameters: Parameters) -> Score:
        """Hold the parameters of a product against it."""
        value = number(parameters, self.parameter)
        is_scored = value is not None or not self.may_lack
        return Score(self.name, value, self.low, self.high, self.comment, is_scored)


def definition(row: Mapping[str, Any], where: str) -> Definition:
    """Make a score of a table of the configuration.

    Raises:
        ValueError: a line that says what is wrong with it, and where.
    """
    told = f"{where} {row['name']!r}" if isinstance(row.get("name"), str) else where
    for key, value in row.items():
        if key not in _KEYS:
            hint = nearest(key, _KEYS)
            raise ValueError(f"{told}: unknown key '{key}'{hint}")
        expected = _expected(key, value)
        if expected:
            raise ValueError(f"{told}: {key} is {value!r}; expected {expected}")
    for key in ("name", "parameter"):
        if not row.get(key):
            raise ValueError(f"{told}: {key} is missing")
    parameter, low, high = row["parameter"], row.get("low"), row.get("high")
    if parameter not in PARAMETERS and not parameter.startswith(OF_PIPELINE):
        hint = nearest(parameter, PARAMETERS)
        raise ValueError(f"{told}: there is no parameter '{parameter}'{hint}")
    if low is None and high is None:
        raise ValueError(f"{told}: it has no limit; say low, high, or both")
    if low is not None and high is not None and low > high:
        raise ValueError(f"{told}: low is {low:g}, above high, {high:g}")
    return Definition(**row)


def _expected(key: str, value: object) -> str:
    """What a value should be, where it is not."""
    if key == "may_lack":
        return "" if isinstance(value, bool) else "true or false"
    if key in {"low", "high"}:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return "a number"
        return "" if abs(value) <= sys.float_info.max else "a finite number"
    return "" if isinstance(value, str) else "a text"


def _check(_: object, attribute: "Attribute[Rows]", rows: Rows) -> None:
    """Refuse a table of scores that cannot be meant."""
    seen: set[str] = set()
    for place, row in enumerate(rows, start=1):
        one = definition(row, f"{attribute.name}, score {place}")
        if one.name in seen:
            raise ValueError(f"{attribute.name}: the score '{one.name}' is there twice")
        seen.add(one.name)


def _rows(defaults: Sequence[Mapping[str, Any]]) -> Rows:
    return [dict(row) for row in defaults]


@frozen
class Options:
    """Scores, and when exposures of a deep cube do not fit each other; all are ours.

    An exposure has another flux where it is fainter than `flux_ratio_min` or brighter
    than `flux_ratio_max` times the others (three quarters of a magnitude of clouds are
    borne), is misaligned beyond `shift_max` (the 0.2 arcsec of the score bit), short
    below `short_max` times the median exposure time. A deep cube is shallow below
    `noise_gain_min` of what the square root of N promises, and blurred beyond
    `fwhm_growth_max` times the median of its exposures (aligned ones measured 1.00 to
    1.05).
    """

    single: Rows = field(factory=lambda: _rows(SINGLE), validator=_check)
    deep: Rows = field(factory=lambda: _rows(DEEP), validator=_check)
    flux_ratio_min: float = field(default=0.5, validator=validators.gt(0))
    flux_ratio_max: float = field(default=2.0, validator=validators.gt(0))
    shift_max: float = field(default=0.2, validator=validators.gt(0))  # arcsec
    short_max: float = field(default=0.5, validator=validators.ge(0))
    noise_gain_min: float = field(default=0.7, validator=validators.ge(0))
    fwhm_growth_max: float = field(default=1.2, validator=validators.gt(0))

    @flux_ratio_max.validator
    def _above_the_lowest(self, _: object, highest: float) -> None:
        if highest < self.flux_ratio_min:
            raise ValueError(
                f"'flux_ratio_max' is {highest:g}, below flux_ratio_min, "
                f"{self.flux_ratio_min:g}"
            )

    @property
    def of_single(self) -> tuple[Definition, ...]:
        """The scores of the cube of one exposure."""
        return tuple(definition(row, "single") for row in self.single)

    @property
    def of_deep(self) -> tuple[Definition, ...]:
        """The scores of a deep cube."""
        return tuple(definition(row, "deep") for row in self.deep)

    @property
    def background(self) -> tuple[float, float]:
        """Lowest and highest background of an exposure, as its score has them."""
        for one in self.of_single:
            if one.parameter == BACKGROUND:
                low = -math.inf if one.low is None else one.low
                return low, math.inf if one.high is None else one.high
        return -math.inf, math.inf


def scores(
    parameters: Parameters, definitions: Sequence[Definition]
) -> tuple[Score, ...]:
    """Score a cube."""
    return tuple(one.score(parameters) for one in definitions)


def number(parameters: Parameters, name: str) -> float | None:
    """Return a parameter if it is there and finite."""
    value = parameters.get(name)
    is_number = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if is_number and value is not None else None
