"""The score bit: a word on the quality of a cube for those who will use it, QCFLAG.

Ten flags of a deep cube, nine of a single one, as the file score_bits.txt of MUSE has
them; 0 is good. A flag is 0 only where its criterion was seen to hold: what is not
known is 1. How the flags of exposures add up to those of a deep cube is not public.
Ours: one bad exposure is enough, for the first nine; the sources, and also the
background, are those of the deep cube itself. Flag 11, MODIFIED, has no meaning for
deep cubes.
"""

from collections.abc import Sequence
from typing import Final

from muse_deep_plugin.qc_scores import Parameters, number

FLAGS: Final = (
    "CHECK_BKG",
    "IS_OBJ",
    "HAS_SKY",
    "ARC_CLOSE",
    "SKY_FLAT",
    "NUM_SAT",
    "NUM_SRC",
    "HISTO_BKG",
    "LSHIFT_MAX",
    "ALIGNMENT",
)
"""The flags in their order, the first one is the leftmost."""

COMMENT: Final = "Score bit: 10 flags of quality, 0 is good"

ARC_DAYS: Final = 1.5
NUM_SAT: Final = 300
HISTO_BKG: Final = -20.0  # 1e-20 erg/s/cm2/Angstrom
LSHIFT_MAX: Final = 0.5  # Angstrom
ALIGNMENT: Final = 6e-5 * 3600  # arcsec: the 6e-5 degrees of the definition
SKY_RESIDUAL: Final = 200.0
"""1e-20 erg/s/cm2/Angstrom; ours: where more is left of a line, its fit has failed."""


def single_flags(parameters: Parameters) -> str:
    """Return the nine flags of the cube of one exposure."""
    flags = (
        _is_sky_fitted(parameters),
        parameters.get("DATA_TYPE") == "DATACUBE_SINGLE",
        parameters.get("HAS_SKY") is True,
        _is_below(parameters, "ARC_DAYS", ARC_DAYS, or_equal=True),
        parameters.get("HAS_SKY_FLAT") is True,
        _is_below(parameters, "NUM_SAT", NUM_SAT),
        (number(parameters, "NUM_SRC") or 0) > 0,
        _is_above(parameters, "HISTO_BKG", HISTO_BKG),
        _is_below(parameters, "LSHIFT_MAX", LSHIFT_MAX),
    )
    return _word(flags)


def deep_flags(
    parameters: Parameters, singles: Sequence[Parameters], *, is_aligned: bool
) -> str:
    """Return the ten flags of a deep cube.

    Args:
        parameters: of the deep cube.
        singles: of its exposures.
        is_aligned: whether offsets were applied and all exposures are aligned.
    """
    words = [str(one.get("QCFLAG", "")) for one in singles]
    are_known = len(words) == number(parameters, "N_EXPECTED") and all(
        len(word) == len(FLAGS) - 1 for word in words
    )
    good = [
        are_known and all(word[place] == "0" for word in words)
        for place in range(len(FLAGS) - 1)
    ]
    flags = dict(zip(FLAGS, good, strict=False))
    flags["NUM_SRC"] = (number(parameters, "NUM_SRC") or 0) > 0
    flags["HISTO_BKG"] &= _is_above(parameters, "HISTO_BKG", HISTO_BKG)
    flags["ALIGNMENT"] = is_aligned
    return _word([flags[name] for name in FLAGS])


def told(word: str) -> tuple[str, ...]:
    """Return the names of the flags that are set.

    >>> told("0010000001")
    ('HAS_SKY', 'ALIGNMENT')
    """
    return tuple(name for name, flag in zip(FLAGS, word, strict=False) if flag == "1")


def _word(flags: Sequence[bool]) -> str:
    return "".join("0" if is_good else "1" for is_good in flags)


def _is_sky_fitted(parameters: Parameters) -> bool:
    """No error of a fit; what was not subtracted was not fitted."""
    if parameters.get("SKY_METHOD") == "none":
        return True
    errors = number(parameters, "SKY_FIT_ERRORS")
    left = number(parameters, "SKY_RESIDUAL") or 0.0
    return errors == 0 and left <= SKY_RESIDUAL


def _is_below(
    parameters: Parameters, name: str, limit: float, *, or_equal: bool = False
) -> bool:
    value = number(parameters, name)
    return value is not None and (value < limit or (or_equal and value == limit))


def _is_above(parameters: Parameters, name: str, limit: float) -> bool:
    value = number(parameters, name)
    return value is not None and value > limit
