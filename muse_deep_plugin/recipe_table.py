"""The MUSE recipes and their parameters: what an AB may ask for.

Source: ``esorex --recipes`` and ``esorex --create-config`` of muse 2.8.7. A misspelt
name would fail only when the turn of its AB comes, hours later.
"""

from collections.abc import Collection, Iterator
from typing import Final

from phoenix_core.model import AssociationBlock
from phoenix_core.nearest import nearest

_RESAMPLED: Final = (
    *("save", "resample", "dx", "dy", "dlambda", "crtype", "crsigma", "rc"),
    *("pixfrac", "ld", "format", "weight", "filter", "lambdamin", "lambdamax"),
)

PARAMETERS: Final = {
    "muse_scibasic": (
        *("nifu", "overscan", "ovscreject", "ovscsigma", "ovscignore", "crop", "cr"),
        *("xbox", "ybox", "passes", "thres", "combine", "nlow", "nhigh", "nkeep"),
        *("lsigma", "hsigma", "scale", "saveimage", "skylines", "skyhalfwidth"),
        *("skybinsize", "skyreject", "resample", "dlambda", "merge"),
    ),
    "muse_create_sky": (
        *("fraction", "ignore", "sampling", "csampling", "crsigma"),
        *("lambdamin", "lambdamax", "lambdaref"),
    ),
    "muse_scipost": (
        *_RESAMPLED,
        *("autocalib", "raman_width", "skymethod", "lambdaref", "darcheck"),
        *("skymodel_fraction", "skymodel_ignore", "skymodel_sampling"),
        *("skymodel_csampling", "sky_crsigma", "rvcorr", "astrometry"),
    ),
    "muse_exp_align": (
        *("rsearch", "nbins", "weight", "fwhm", "threshold", "bkgignore"),
        *("bkgfraction", "step", "iterations", "srcmin", "srcmax", "roundmin"),
        *("roundmax", "sharpmin", "sharpmax", "expmap", "bpixdistance"),
        "override_detection",
    ),
    "muse_exp_combine": _RESAMPLED,
}
"""Parameters of the recipes of the cascade."""

RECIPES: Final = frozenset(
    {
        *PARAMETERS,
        *("muse_ampl", "muse_astrometry", "muse_bias", "muse_dark", "muse_flat"),
        *("muse_geometry", "muse_illum", "muse_lingain", "muse_lsf", "muse_qi_mask"),
        *("muse_scipost_apply_astrometry", "muse_scipost_calibrate_flux"),
        *("muse_scipost_combine_pixtables", "muse_scipost_correct_dar"),
        *("muse_scipost_correct_rv", "muse_scipost_make_cube", "muse_scipost_raman"),
        *("muse_scipost_subtract_sky", "muse_scipost_subtract_sky_simple"),
        *("muse_standard", "muse_twilight", "muse_wavecal"),
    }
)


def unknown_names(block: AssociationBlock, more: Collection[str] = ()) -> Iterator[str]:
    """Say which recipe or parameter of an AB the pipeline does not have.

    Args:
        block: the AB; recipes that are not called muse_... are let through.
        more: parameters that a newer pipeline has.
    """
    recipe = block.recipe
    if recipe.startswith("muse_") and recipe not in RECIPES:
        guess = nearest(recipe, RECIPES)
        yield f"{block.name}: the MUSE pipeline has no recipe {recipe}{guess}"
    if recipe not in PARAMETERS:
        return
    known = (*PARAMETERS[recipe], *more)
    for param in block.params:
        name = param.partition("=")[0].removeprefix("--")
        if name not in known:
            newer = "one of a newer pipeline goes into more_params"
            guess = nearest(name, known) or f"; {newer}"
            yield f"{block.name}: {recipe} has no parameter --{name}{guess}"
