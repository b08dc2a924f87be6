"""The exposure map among the products of a dpc AB."""

from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from muse_deep_plugin.exposure_map import (
    CATEGORY,
    exposure_map,
    median_time,
    write_map,
)
from muse_deep_plugin.headers import primary_header
from muse_deep_plugin.steps import SCIPOST
from phoenix_core.ab.inputs import makers, where_made
from phoenix_core.errors import PhoenixError
from phoenix_core.model import AssociationBlock, Product, Run


@frozen
class DeepMap:
    """An exposure map that was made, and the median of what it has above 0 (s)."""

    product: Product
    median: float


def deep_map(
    run: Run, block: AssociationBlock, products: Sequence[Product]
) -> DeepMap | None:
    """Make the exposure map of a dpc AB's cube, in its working directory.

    None where it cannot be told: an exposure's image is gone, or has no EXPTIME; the
    cube has no white-light image. That is no reason to give up hours of combining.
    """
    images = [p.path for p in products if p.category == "IMAGE_FOV"]
    try:
        white = white_image(images)
        exposures = _images_of_exposures(run, block)
        times = exposure_map(white, exposures) if white and exposures else None
    except PhoenixError:
        return None
    if white is None or times is None:
        return None
    path = white.with_name(f"{CATEGORY}.fits")
    path.unlink(missing_ok=True)  # of a call that was killed
    write_map(path, times, white)
    return DeepMap(Product(path, CATEGORY, block.name), median_time(times))


def white_image(images: Sequence[Path]) -> Path | None:
    """Return the white-light one of field-of-view images, None where none can be told.

    Raises:
        ProcessingError: one cannot be read.
    """
    white = [
        path
        for path in images
        if "(white)" in str(primary_header(path).get("OBJECT", ""))
    ]
    if not white and len(images) == 1:
        return images[0]
    return white[0] if len(white) == 1 else None


def _images_of_exposures(run: Run, block: AssociationBlock) -> list[Path]:
    """The white-light image of each exposure; none where one has none.

    Raises:
        ProcessingError: one cannot be read.
        ConfigError: an AB is not there.
    """
    found = []
    for maker in makers(run, block).values():
        if maker.recipe != SCIPOST.recipe:
            continue
        images = [p.file for p in maker.products if p.category == "IMAGE_FOV"]
        white = white_image([where_made(run, maker, file) for file in images])
        if white is None:
            return []
        found.append(white)
    return found
