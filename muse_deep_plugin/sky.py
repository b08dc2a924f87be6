"""Places on the sky."""

import math

Position = tuple[float, float]  # RA, Dec in degrees


def separation(one: Position, other: Position) -> float:
    """Return the angle between two positions (RA, Dec), all in degrees.

    >>> round(separation((10.0, -60.0), (10.02, -60.0)), 4)
    0.01
    """
    ra1, dec1, ra2, dec2 = map(math.radians, (*one, *other))
    half = math.sin((dec2 - dec1) / 2) ** 2
    half += math.cos(dec1) * math.cos(dec2) * math.sin((ra2 - ra1) / 2) ** 2
    return math.degrees(2 * math.asin(math.sqrt(min(1.0, half))))
