"""Scores of the QC: parameters held against the limits of the configuration.

The documented set of MUSE_DEEP is seven for a single and three for a deep datacube;
these are ours.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Final

from attrs import field, frozen, validators

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
    other limits are ours. A deep cube is sharp to `fwhm_growth_max` times the median of
    its exposures (aligned ones measured 1.00 to 1.05), and to `fwhm_max`. The residual
    of the sky line at 5577 Angstrom is a score where `sky_5577_max` is finite: what is
    usual depends on how the sky was subtracted, if at all.
    """

    fwhm_max: float = field(default=1.5, validator=validators.gt(0))  # arcsec
    background_min: float = -20.0
    background_max: float = 300.0
    filled_min: float = 0.4  # of the spaxels of a deep cube; half is a field at 45 deg
    noise_gain_min: float = 0.7  # of what sqrt(N) promises
    fwhm_growth_max: float = 1.2  # of a deep cube, times the median of its exposures
    sky_5577_max: float = math.inf  # 1e-20 erg/s/cm2/Angstrom a spaxel


def single_scores(parameters: Parameters, options: Options) -> tuple[Score, ...]:
    """Score the cube of one exposure."""
    return (
        Score("FWHM", number(parameters, "FWHM"), high=options.fwhm_max),
        *_sky(parameters, options),
    )


def deep_scores(parameters: Parameters, options: Options) -> tuple[Score, ...]:
    """Score a deep cube: all exposures in it, its size, depth, sharpness and sky."""
    combined = number(parameters, "N_EXPOSURES")
    expected = number(parameters, "N_EXPECTED")
    fraction = combined / expected if combined and expected else None
    filled = number(parameters, "FILLED_FRACTION")
    gain = number(parameters, "NOISE_GAIN")
    singles = number(parameters, "FWHM_SINGLES") or math.inf
    sharp = min(options.fwhm_max, options.fwhm_growth_max * singles)
    return (
        Score("COMBINED", fraction, low=1.0, high=1.0),
        Score("FILLED", filled, low=options.filled_min),
        Score("NOISE_GAIN", gain, low=options.noise_gain_min),
        Score("FWHM", number(parameters, "FWHM"), high=sharp),
        *_sky(parameters, options),
    )


def comments(
    parameters: Parameters, options: Options, singles: Iterable[Parameters] = ()
) -> tuple[str, ...]:
    """Say in a word what a person should look at: in the cube, or in its exposures."""
    levels = [number(one, "BKG_MEDIAN") for one in (parameters, *singles)]
    is_high = any(level and level > options.background_max for level in levels)
    return (HIGH_BACKGROUND,) if is_high else ()


def number(parameters: Parameters, name: str) -> float | None:
    """Return a parameter if it is there and finite."""
    value = parameters.get(name)
    is_number = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if is_number and value is not None else None


def _sky(parameters: Parameters, options: Options) -> tuple[Score, ...]:
    """What is left of the sky, or never was subtracted."""
    level = number(parameters, "BKG_MEDIAN")
    low, high = options.background_min, options.background_max
    background = Score("BACKGROUND", level, low, high)
    if not math.isfinite(options.sky_5577_max):
        return (background,)
    residual = number(parameters, "SKY_5577")
    return background, Score("SKY_5577", residual, high=options.sky_5577_max)
