"""What EXAMPLE does to its frames; nothing here knows of phoenix."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

VERSION = "1.0"

Image = npt.NDArray[np.floating]
Frames = Mapping[str, Sequence[Image]]  # by tag
Combine = Callable[..., Image]

COMBINE: Mapping[str, Combine] = {"median": np.nanmedian, "mean": np.nanmean}


def dark(frames: Frames, combine: Combine) -> Image:
    """Combine the darks of a night [adu]."""
    return combine(frames["DARK"], axis=0)


def flat(frames: Frames, combine: Combine) -> Image:
    """Combine the flats of a night, without dark, to a mean of 1."""
    level = combine(frames["FLAT"], axis=0) - frames["MASTER_DARK"][0]
    return level / np.mean(level)


def science(frames: Frames, _: Combine) -> Image:
    """Calibrate one exposure [adu]; bad pixels become NaN."""
    image = (frames["OBJECT"][0] - frames["MASTER_DARK"][0]) / frames["MASTER_FLAT"][0]
    return np.where(frames["BADPIX_MASK"][0] > 0, np.nan, image)


def stack(frames: Frames, combine: Combine) -> Image:
    """Combine calibrated exposures [adu]; NaN where no exposure has a good pixel."""
    images = np.stack(frames["REDUCED"])
    seen = np.isfinite(images).any(axis=0)
    stacked = np.full(seen.shape, np.nan)
    stacked[seen] = combine(images[:, seen], axis=0)
    return stacked


# recipe: the category of its product, and how it is made
RECIPES: Mapping[str, tuple[str, Callable[[Frames, Combine], Image]]] = {
    "example_dark": ("MASTER_DARK", dark),
    "example_flat": ("MASTER_FLAT", flat),
    "example_science": ("REDUCED", science),
    "example_stack": ("STACK", stack),
}
