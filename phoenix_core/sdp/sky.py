"""Coordinates of the sky, as far as a header's linear transformation goes.

FITS standard 4.0, section 8: intermediate coordinates are CD times the distance from
CRPIX; for TAN they are those of a gnomonic projection about CRVAL.
"""

import math
from collections.abc import Sequence

from phoenix_core.sdp.header import Header
from phoenix_core.sdp.product import Hdu

NEAR = 1e-3  # of a pixel; ours: what may differ where two planes are the same

_NM = {"Angstrom": 0.1, "angstrom": 0.1, "nm": 1.0, "um": 1e3, "m": 1e9}


def matrix(header: Header, axes: int) -> list[list[float]]:
    """The CD matrix; an element that is not there is 0."""
    numbers = range(1, axes + 1)
    return [[header.number(f"CD{i}_{j}") or 0.0 for j in numbers] for i in numbers]


def differences(one: Hdu, other: Hdu, axes: int) -> list[str]:
    """The keywords by which the coordinates of two HDUs differ by more than `NEAR`.

    One that either of them lacks is left out: that is another rule's business.
    """
    found = [
        keyword
        for n in range(1, axes + 1)
        for keyword in (f"CTYPE{n}", f"CUNIT{n}")
        if _differ(one.header.text(keyword), other.header.text(keyword))
    ]
    for n in range(1, axes + 1):
        scale = max(abs(cd) for cd in matrix(one.header, axes)[n - 1])
        for keyword, allowed in (
            (f"CRVAL{n}", scale * NEAR),
            (f"CRPIX{n}", NEAR),
            *((f"CD{n}_{j}", scale * NEAR / _longest(one)) for j in range(1, axes + 1)),
        ):
            a, b = one.header.number(keyword), other.header.number(keyword)
            if a is not None and b is not None and abs(a - b) > allowed:
                found.append(keyword)
    return found


def _differ(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other


def _longest(hdu: Hdu) -> int:
    return max(hdu.axes, default=1)


def is_singular(header: Header) -> bool:
    """Whether the two axes of the sky are parallel, or have no length."""
    (a, b), (c, d) = matrix(header, 2)
    largest = max(abs(a), abs(b), abs(c), abs(d))
    return abs(a * d - b * c) <= 1e-9 * largest * largest


def pixel_of(header: Header, ra: float, dec: float) -> tuple[float, float] | None:
    """Where a place on the sky (deg) lies in an image; None where that is not known.

    Known are images in RA and DEC, in this order, whose projection is TAN.
    """
    types = (header.text("CTYPE1"), header.text("CTYPE2"))
    if types != ("RA---TAN", "DEC--TAN") or is_singular(header):
        return None
    numbers = [header.number(k) for k in ("CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2")]
    if None in numbers:
        return None
    ra0, dec0, x0, y0 = (number or 0.0 for number in numbers)
    projected = _gnomonic(ra, dec, ra0, dec0)
    if projected is None:
        return None
    (a, b), (c, d) = matrix(header, 2)
    xi, eta = projected
    determinant = a * d - b * c
    return (
        x0 + (d * xi - b * eta) / determinant,
        y0 + (a * eta - c * xi) / determinant,
    )


def _gnomonic(
    ra: float, dec: float, ra0: float, dec0: float
) -> tuple[float, float] | None:
    """Project a place on the plane that touches the sky at another (all in deg)."""
    if max(abs(x) for x in (ra, dec, ra0, dec0)) > 360:  # noqa: PLR2004, no angle
        return None
    turn, height, height0 = (math.radians(x) for x in (ra - ra0, dec, dec0))
    depth = math.sin(height0) * math.sin(height) + math.cos(height0) * math.cos(
        height
    ) * math.cos(turn)
    if depth <= 0:
        return None
    east = math.cos(height) * math.sin(turn)
    north = math.cos(height0) * math.sin(height) - math.sin(height0) * math.cos(
        height
    ) * math.cos(turn)
    return math.degrees(east / depth), math.degrees(north / depth)


def is_inside(place: Sequence[float], axes: Sequence[int]) -> bool:
    """Whether a place is on an image: the first pixel's centre is 1."""
    return all(
        0.5 <= at <= length + 0.5  # noqa: PLR2004, half a pixel
        for at, length in zip(place, axes, strict=False)
    )


def wavelengths(hdu: Hdu) -> tuple[float, float, float] | None:
    """First and last plane of a cube, and the step (nm); None where not linear."""
    header = hdu.header
    value, pixel = header.number("CRVAL3"), header.number("CRPIX3")
    step, scale = header.number("CD3_3"), _NM.get(header.text("CUNIT3") or "")
    is_linear = header.text("CTYPE3") in {"AWAV", "WAVE"}
    if value is None or pixel is None or not step or scale is None or not is_linear:
        return None
    ends = [scale * (value + step * (n - pixel)) for n in (1, hdu.axes[2])]
    return min(ends), max(ends), abs(step) * scale
