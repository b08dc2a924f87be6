"""How large a simulated exposure is."""

from typing import Final

from attrs import field, frozen, validators


@frozen
class Size:
    """Chips of `pixels` x `pixels` (the lower left corners of the real ones).

    `stars` on each chip, `jitters` OBJECT exposures an OB.
    """

    name: str
    pixels: int = field(validator=[validators.ge(96), validators.le(2048)])
    stars: int = field(validator=validators.ge(1))
    jitters: int = field(validator=validators.ge(2))


TINY: Final = Size("tiny", 128, stars=4, jitters=2)
SMALL: Final = Size("small", 256, stars=9, jitters=4)

SIZES: Final = {size.name: size for size in (TINY, SMALL)}
"""The sizes by the word that the command line knows them by."""
