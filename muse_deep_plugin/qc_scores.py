"""Scores of the QC: parameters held against the limits of the configuration.

These are the first ones; the full set of MUSE_DEEP is seven for a single and three for
a deep datacube.
"""

import math
from collections.abc import Mapping
from typing import Final

from attrs import frozen

from phoenix_core.model import Score

Parameters = Mapping[str, str | int | float | bool]

HIGH_BACKGROUND: Final = "High_background"
"""Comment on a cube that is above `background_max`; its spelling is the page's."""


@frozen
class Options:
    """Limits, all bounds included.

    Backgrounds are of the white-light image, in 1e-20 erg/s/cm2/Angstrom a spaxel.
    The score bit of MUSE names -20 as the lower one; the dark night sky has about 20,
    the moon adds up to 150, so above 300 a CROWDED exposure has seen the dawn. The
    other limits are ours.
    """

    fwhm_max: float = 1.5  # arcsec
    background_min: float = -20.0
    background_max: float = 300.0
    filled_min: float = 0.4  # of the spaxels of a deep cube; half is a field at 45 deg
    noise_gain_min: float = 0.7  # of what sqrt(N) promises


def single_scores(parameters: Parameters, options: Options) -> tuple[Score, ...]:
    """Score the cube of one exposure."""
    return (
        Score("FWHM", number(parameters, "FWHM"), high=options.fwhm_max),
        _background(parameters, options),
    )


def deep_scores(parameters: Parameters, options: Options) -> tuple[Score, ...]:
    """Score a deep cube: all exposures in it, its size, its depth."""
    combined = number(parameters, "N_EXPOSURES")
    expected = number(parameters, "N_EXPECTED")
    fraction = combined / expected if combined and expected else None
    filled = number(parameters, "FILLED_FRACTION")
    gain = number(parameters, "NOISE_GAIN")
    return (
        Score("COMBINED", fraction, low=1.0, high=1.0),
        Score("FILLED", filled, low=options.filled_min),
        Score("NOISE_GAIN", gain, low=options.noise_gain_min),
    )


def comments(parameters: Parameters, options: Options) -> tuple[str, ...]:
    """Say in a word what a person should look at."""
    level = number(parameters, "BKG_MEDIAN")
    is_high = level is not None and level > options.background_max
    return (HIGH_BACKGROUND,) if is_high else ()


def number(parameters: Parameters, name: str) -> float | None:
    """Return a parameter if it is there and finite."""
    value = parameters.get(name)
    is_number = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if is_number and value is not None else None


def _background(parameters: Parameters, options: Options) -> Score:
    level = number(parameters, "BKG_MEDIAN")
    return Score("BACKGROUND", level, options.background_min, options.background_max)
