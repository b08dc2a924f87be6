"""The pixels of an exposure map: an image of two axes, small beside its cube."""

from collections.abc import Iterator

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from phoenix_core.sdp.product import Hdu, Product

_TYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_CHUNK = 1 << 20  # pixels
_LARGEST_MAP = 1 << 26  # pixels: for a median they are needed all at once


@frozen
class MapPixels:
    """How many pixels are no times; the median of those above 0, None without (s)."""

    undefined: int
    negative: int
    median: float | None


def pixels_of(product: Product) -> MapPixels | None:
    """Read the pixels of a map; None where it has none that are read simply.

    Raises:
        OSError: the file cannot be read.
    """
    plane = product.plane
    if plane is None or plane.is_compressed or plane.bitpix not in _TYPES:
        return None
    undefined = negative = exposed = 0
    kept: list[NDArray[np.float32]] = []
    with np.errstate(all="ignore"):
        for times in _chunks(product, plane):
            undefined += int(np.count_nonzero(~np.isfinite(times)))
            negative += int(np.count_nonzero(times < 0))
            above = times[times > 0]
            exposed += above.size
            if exposed <= _LARGEST_MAP:
                kept.append(above.astype(np.float32))
    is_known = 0 < exposed <= _LARGEST_MAP
    median = float(np.median(np.concatenate(kept))) if is_known else None
    return MapPixels(undefined, negative, median)


def _chunks(product: Product, plane: Hdu) -> Iterator[NDArray[np.float64]]:
    kind = np.dtype(_TYPES[plane.bitpix or 0])
    scale = plane.header.number("BSCALE")
    zero = plane.header.number("BZERO") or 0.0
    left = plane.axes[0] * plane.axes[1]
    with product.path.open("rb") as file:
        file.seek(plane.begin)
        while left > 0:
            content = file.read(min(left, _CHUNK) * kind.itemsize)
            count = len(content) // kind.itemsize
            if not count:
                return
            stored = np.frombuffer(content, kind, count)
            yield stored.astype(np.float64) * (1.0 if scale is None else scale) + zero
            left -= count
