"""The steps of the MUSE_DEEP cascade: recipe, AB tag, and place in the sequence.

Source: the table of streams of the MUSE_DEEP instance page, in its order.
"""

from typing import Final

from attrs import frozen

from phoenix_core.association_block import AssociationBlock


@frozen
class Step:
    """One kind of AB.

    `tag` stands behind the exposure in the AB's name. Of a parallel step as many run
    at a time as there are streams, of another one only one.
    """

    name: str
    recipe: str
    tag: str
    is_parallel: bool = False


SCIBASIC_SKY: Final = Step("scibasic_SKY", "muse_scibasic", "")
CREATE_SKY: Final = Step("create_sky", "muse_create_sky", "_sky")
SCIBASIC: Final = Step("scibasic_OBJECT", "muse_scibasic", "", is_parallel=True)
SCIPOST: Final = Step("scipost", "muse_scipost", "_pst", is_parallel=True)
EXP_ALIGN: Final = Step("exp_align", "muse_exp_align", "_dal")
EXP_COMBINE: Final = Step("exp_combine", "muse_exp_combine", "_dpc")
STEPS: Final = (SCIBASIC_SKY, CREATE_SKY, SCIBASIC, SCIPOST, EXP_ALIGN, EXP_COMBINE)

_BY_RECIPE: Final = {step.recipe: step for step in STEPS}


def step_of(block: AssociationBlock) -> Step | None:
    """Return the step that an AB is, or None for a recipe that is none of MUSE_DEEP."""
    if block.recipe == SCIBASIC.recipe and block.raw_type == "SKY":
        return SCIBASIC_SKY
    return _BY_RECIPE.get(block.recipe)


def ab_name(name: str, step: Step) -> str:
    """Return the AB name of the same exposure for another step.

    >>> ab_name("MUSE.2014-10-22T23:57:32.123_dpc.ab", EXP_ALIGN)
    'MUSE.2014-10-22T23:57:32.123_dal.ab'
    """
    exposure = name.removesuffix(".ab").split("_", 1)[0]
    return f"{exposure}{step.tag}.ab"
