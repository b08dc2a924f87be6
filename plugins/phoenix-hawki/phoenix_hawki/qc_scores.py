"""Scores of the QC: parameters held against the limits of the configuration."""

import math
from collections.abc import Mapping

from attrs import field, frozen, validators

from phoenix_core.model import Score

Parameters = Mapping[str, str | int | float | bool]


@frozen
class Options:
    """Limits, all bounds included; those without another source are ours.

    `zero_points`: the Vega magnitude of 1 adu/s at airmass 1, by filter; where a filter
    has none, its zero point is told but not scored. `zero_point_difference_max`:
    magnitudes between the zero point of the aperture and that of the pipeline, which
    products carry. The pipeline's is 0.05 to 0.12 mag high where its aperture
    correction comes from few stars, and up to 0.8 on tiles that are mostly empty: those
    a person has to see. Levels and noise in adu, gain in electrons per adu, sizes in
    arcsec.
    """

    zero_points: Mapping[str, float] = field(factory=dict)
    zero_point_tolerance: float = field(default=0.3, validator=validators.gt(0))
    zero_point_rms_max: float = 0.1
    zero_point_difference_max: float = 0.5
    stars_min: int = 3
    image_quality_max: float = 1.5
    ellipticity_max: float = 0.3
    limiting_mag_min: float = 18.0
    wcs_rms_max: float = 0.2
    dark_level_min: float = -50.0
    dark_level_max: float = 500.0
    bad_fraction_max: float = 0.03
    read_noise_max: float = 15.0
    gain_min: float = 1.2
    gain_max: float = 2.5


def science_scores(parameters: Parameters, options: Options) -> tuple[Score, ...]:
    """Score the image of an OB: photometry, sharpness, depth, positions."""
    expected = options.zero_points.get(str(parameters.get("FILTER", "")))
    found = []
    if expected is not None:
        tolerance = options.zero_point_tolerance
        low, high = expected - tolerance, expected + tolerance
        found.append(Score("ZEROPOINT", number(parameters, "ZEROPOINT"), low, high))
    return (
        *found,
        _at_most("ZEROPOINT_RMS", parameters, options.zero_point_rms_max),
        _at_most("ZEROPOINT_DIFFERENCE", parameters, options.zero_point_difference_max),
        _at_least("N_STARS", parameters, options.stars_min),
        _at_most("IMAGE_QUALITY", parameters, options.image_quality_max),
        _at_most("ELLIPTICITY", parameters, options.ellipticity_max),
        _at_least("LIMITING_MAG", parameters, options.limiting_mag_min),
        _at_most("WCS_RMS", parameters, options.wcs_rms_max),
    )


def dark_scores(parameters: Parameters, options: Options) -> tuple[Score, ...]:
    """Score a master dark: level, noise, bad pixels."""
    level = number(parameters, "LEVEL")
    return (
        Score("LEVEL", level, options.dark_level_min, options.dark_level_max),
        _at_most("READ_NOISE", parameters, options.read_noise_max),
        _at_most("BAD_FRACTION", parameters, options.bad_fraction_max),
    )


def noise_scores(parameters: Parameters, options: Options) -> tuple[Score, ...]:
    """Score read noise and gain, by the worst chip on either side."""
    return (
        _at_most("READ_NOISE_MAX", parameters, options.read_noise_max),
        _at_least("GAIN_MIN", parameters, options.gain_min),
        _at_most("GAIN_MAX", parameters, options.gain_max),
    )


def number(parameters: Parameters, name: str) -> float | None:
    """Return a parameter if it is there and finite."""
    value = parameters.get(name)
    is_number = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if is_number and value is not None else None


def _at_most(name: str, parameters: Parameters, high: float) -> Score:
    return Score(name, number(parameters, name), high=high)


def _at_least(name: str, parameters: Parameters, low: float) -> Score:
    return Score(name, number(parameters, name), low=low)
