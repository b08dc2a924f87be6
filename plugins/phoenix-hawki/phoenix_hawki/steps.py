"""The steps of a night's cascade: recipe, kind of raw frames, tag of the AB's name.

Recipes and frames are those of the pipeline hawki 2.4.11.
"""

from typing import Final

from attrs import frozen

from phoenix_core.model import AssociationBlock


@frozen
class Step:
    """One kind of AB: `tag` stands behind the first frame in the AB's name."""

    name: str
    recipe: str
    raw_type: str
    tag: str


DARK: Final = Step("dark", "hawki_dark_combine", "DARK", "_dark")
NOISE: Final = Step("noise", "hawki_detector_noise", "NOISE", "_noise")
SCIENCE: Final = Step("science", "hawki_science_process", "OBJECT", "_sci")
TILE: Final = Step("tile", "hawki_science_postprocess", "TILE", "_tile")
STEPS: Final = (DARK, NOISE, SCIENCE, TILE)

_BY_RECIPE: Final = {step.recipe: step for step in STEPS}


def step_of(block: AssociationBlock) -> Step | None:
    """Return the step that an AB is, or None for a recipe that is none of a night's."""
    return _BY_RECIPE.get(block.recipe)


def ab_name(name: str, step: Step) -> str:
    """Return the AB name of the same frames for another step.

    >>> ab_name("HAWKI.2024-03-10T23:41:23.652_sci.ab", TILE)
    'HAWKI.2024-03-10T23:41:23.652_tile.ab'
    """
    frame = name.removesuffix(".ab").rsplit("_", 1)[0]
    return f"{frame}{step.tag}.ab"
