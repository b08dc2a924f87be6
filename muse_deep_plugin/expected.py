"""Which products a MUSE recipe has to make, by its parameters and inputs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from muse_deep_plugin.headers import date_obs
from muse_deep_plugin.input_checks import Inputs, with_tag
from muse_deep_plugin.recipe_params import param_value
from muse_deep_plugin.steps import CREATE_SKY, EXP_ALIGN, EXP_COMBINE, SCIBASIC, SCIPOST
from phoenix_core.errors import ProcessingError
from phoenix_core.model import AssociationBlock

IFUS: Final = range(1, 25)
_OF_SKY: Final = (
    *("SKY_MASK", "SKY_IMAGE", "SKY_SPECTRUM", "SKY_LINES", "SKY_CONTINUUM"),
)


def expected_products(block: AssociationBlock, inputs: Inputs) -> dict[str, int]:
    """Return the number of products of each category that success has to have.

    What a recipe may make in addition is not in it.

    Raises:
        ProcessingError: an input cannot be read.
    """
    params = block.params
    saves = set(param_value(params, "save", "cube").split(","))
    # In an xCube the images are extensions of the cube.
    has_images = "cube" in saves and param_value(params, "format") != "xCube"
    images = len(param_value(params, "filter", "white").split(",")) * has_images
    if block.recipe == SCIBASIC.recipe:
        return _pixel_tables(block, inputs)
    if block.recipe == CREATE_SKY.recipe:
        return dict.fromkeys(_OF_SKY, 1)
    if block.recipe == SCIPOST.recipe:
        starts = {date_obs(path) for path in with_tag(inputs, "PIXTABLE_OBJECT")}
        return {
            "DATACUBE_FINAL": int("cube" in saves),
            "IMAGE_FOV": images,
            "PIXTABLE_REDUCED": len(starts) * ("individual" in saves),
        }
    if block.recipe == EXP_ALIGN.recipe:
        count = len(with_tag(inputs, "IMAGE_FOV"))
        return {"OFFSET_LIST": 1, "SOURCE_LIST": count, "PREVIEW_FOV": 1}
    if block.recipe == EXP_COMBINE.recipe:
        return {"DATACUBE_FINAL": int("cube" in saves), "IMAGE_FOV": images}
    return {}


def live_ifus(block: AssociationBlock, raw: Path) -> tuple[int, ...]:
    """Return the IFUs of an exposure that muse_scibasic has to reduce.

    All that are alive, or the one that --nifu names. An IFU that is not in the file at
    all is expected: only an empty one that says it is dead is not.

    Raises:
        ProcessingError: the exposure cannot be read.
    """
    from astropy.io import fits  # noqa: PLC0415, costs start-up

    wanted = int(param_value(block.params, "nifu", "0"))
    if wanted in IFUS:
        return (wanted,)
    try:
        with fits.open(raw) as hdus:
            dead = {hdu.name for hdu in hdus if _is_dead(hdu.header)}
    except (OSError, ValueError) as error:
        raise ProcessingError(f"{raw} cannot be read: {error}") from error
    return tuple(ifu for ifu in IFUS if f"CHAN{ifu:02d}" not in dead)


def _is_dead(header: Mapping[str, object]) -> bool:
    return header.get("ESO DET CHIP LIVE") is False


def _pixel_tables(block: AssociationBlock, inputs: Inputs) -> dict[str, int]:
    count: dict[str, int] = {}
    for tag in ("OBJECT", "SKY"):
        for raw in with_tag(inputs, tag):
            category = f"PIXTABLE_{tag}"
            count[category] = count.get(category, 0) + len(live_ifus(block, raw))
    return count
