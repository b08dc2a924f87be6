"""How large a simulated exposure is: from a thumbnail to a whole IFU."""

from typing import Final

from attrs import field, frozen, validators

LAMBDA_STEP: Final = 1.25
"""Angstrom a detector row (the real MUSE's sampling)."""

LAMBDA_EDGE: Final = 3.0
"""Angstrom to cut at both ends: the recipes extrapolate there (measured)."""

CROP: Final = (4750.0, 9350.0)
"""Angstrom: what muse_scibasic keeps in the mode WFM-NOAO-N."""

SPAXEL: Final = 0.2
"""Arcsec: a spaxel's side in the wide field mode."""

SLICES: Final = 48
"""Slices an IFU; the recipes want exactly these."""

IFUS: Final = 24
"""IFUs of the instrument; a simulated exposure has the first few of them."""


@frozen
class Size:
    """The detector's and the field's extent; the sky is SLICES spaxels high an IFU.

    `slice_width` in spaxels (= columns), `rows` in detector rows a quadrant, so
    there are 2 * rows wavelengths from `lambda0` (Angstrom) on. `stars` and
    `crowded_stars` are how many point sources a field of this size takes.
    """

    name: str
    slice_width: int = field(validator=[validators.ge(12), validators.le(99)])
    rows: int = field(validator=validators.ge(8))
    lambda0: float
    stars: int
    crowded_stars: int
    ifus: int = field(default=1, validator=[validators.ge(1), validators.le(IFUS)])

    @property
    def wavelengths(self) -> int:
        """The number of detector rows that light falls on."""
        return 2 * self.rows

    @property
    def lambda_range(self) -> tuple[float, float]:
        """First and last trustworthy wavelength in Angstrom, for --lambdamin/max."""
        last = self.lambda0 + LAMBDA_STEP * (self.wavelengths - 1)
        low, high = max(self.lambda0, CROP[0]), min(last, CROP[1])
        return low + LAMBDA_EDGE, high - LAMBDA_EDGE

    @property
    def extent(self) -> tuple[int, int]:
        """Width and height of the field in spaxels."""
        return self.slice_width, SLICES * self.ifus


TINY: Final = Size("tiny", 24, 12, 5565.0, stars=6, crowded_stars=10)
SMALL: Final = Size("small", 48, 32, 5540.0, stars=9, crowded_stars=20)
IFU: Final = Size("ifu", 77, 2056, 4600.0, stars=10, crowded_stars=30)

SIZES: Final = {size.name: size for size in (TINY, SMALL, IFU)}
"""The sizes by the word that the command line knows them by."""
