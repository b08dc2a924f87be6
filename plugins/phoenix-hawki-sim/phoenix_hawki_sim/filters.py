"""The filters: where they sit in the wheels, and what they do to the light."""

from typing import Final

from attrs import field, frozen, validators

OPEN: Final = "OPEN"
"""The name of a wheel's empty place."""


@frozen
class Filter:
    """One filter and the night sky through it (numbers are ours).

    `wheel` 1 or 2: INS FILTn NAME has the name, the other wheel is OPEN.
    `zero_point` is the Vega magnitude of 1 adu a second at airmass 1, `extinction`
    in magnitudes an airmass, `sky` in magnitudes a square arcsec. `weights` make a
    star's magnitude from its J and its K (the colour equation of PHOTCAL_TAB).
    """

    name: str
    wheel: int = field(validator=validators.in_((1, 2)))
    zero_point: float
    extinction: float
    sky: float
    weights: tuple[float, float]

    @property
    def wheels(self) -> tuple[str, str]:
        """INS FILT1 NAME and INS FILT2 NAME."""
        return (self.name, OPEN) if self.wheel == 1 else (OPEN, self.name)


FILTERS: Final = {
    one.name: one
    for one in (
        Filter("Ks", 1, 26.0, 0.07, 15.0, (0.0, 1.0)),
        Filter("J", 1, 25.8, 0.11, 15.4, (1.0, 0.0)),
        Filter("H", 2, 25.8, 0.06, 14.5, (0.5, 0.5)),
        Filter("Y", 2, 25.4, 0.02, 16.5, (1.3, -0.3)),
    )
}
"""The filters by the name in the headers.

J and Ks are in the first wheel: where hawki_science_process (2.4.11) finds too few
stars for the image quality it looks up the wavelength of FILT1 alone, and writes a
stack without pixels if that is OPEN, with exit status 0.
"""
