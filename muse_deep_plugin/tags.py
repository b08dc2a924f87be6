"""pgi_phoenix_MUSE_tags (HDR_PGI): every recipe gets the frames it has to have.

muse_scipost enforces nothing itself: without a response curve, say, it makes a cube
in counts and ends with exit status 0. So the need is stated here, and the rules hold
the actual SOF against the same table. Files are held against their tags, and names of
recipes and parameters against those of the pipeline.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Final

from attrs import field, frozen

from muse_deep_plugin.file_types import file_type_findings
from muse_deep_plugin.headers import primary_header
from muse_deep_plugin.pointing import pointing_findings
from muse_deep_plugin.recipe_params import param_value
from muse_deep_plugin.recipe_table import unknown_names
from muse_deep_plugin.steps import SCIBASIC, SCIPOST, step_of
from phoenix_core import hookimpl
from phoenix_core.model import AssociationBlock, Cascade, Finding, Run
from phoenix_core.nearest import nearest

PGI: Final = "pgi_phoenix_MUSE_tags"

REQUIRED: Final = {
    "muse_scibasic": (
        *("MASTER_BIAS", "MASTER_FLAT", "TRACE_TABLE", "WAVECAL_TABLE"),
        "GEOMETRY_TABLE",
    ),
    "muse_create_sky": (
        *("PIXTABLE_SKY", "EXTINCT_TABLE", "STD_RESPONSE", "SKY_LINES"),
        "LSF_PROFILE",
    ),
    "muse_scipost": (
        *("PIXTABLE_OBJECT", "EXTINCT_TABLE", "STD_RESPONSE", "ASTROMETRY_WCS"),
    ),
    "muse_exp_align": ("IMAGE_FOV",),
    "muse_exp_combine": ("PIXTABLE_REDUCED", "OFFSET_LIST"),
}
"""Frames without which a recipe fails or, worse, makes something else without a word.

Source: the recipes of muse 2.8.7, tried with each frame left out, and what the
cascade of deep cubes takes. STD_TELLURIC, TWILIGHT_CUBE, MASTER_DARK and BADPIX_TABLE
are optional.
"""

SKY_METHOD: Final = {
    "none": (),
    "simple": (),
    "model": ("SKY_LINES", "LSF_PROFILE"),
    "subtract-model": ("SKY_LINES", "SKY_CONTINUUM", "LSF_PROFILE"),
}
"""What --skymethod of muse_scipost takes in addition; its default is model."""

AT_LEAST_TWO: Final = {
    "muse_exp_align": "IMAGE_FOV",
    "muse_exp_combine": "PIXTABLE_REDUCED",
}

WITHOUT: Final = {
    "ASTROMETRY_WCS": "its positions would be those of a default astrometry",
    "EXTINCT_TABLE": "its fluxes would not be corrected for the atmosphere",
    "FILTER_LIST": "its IMAGE_FOV would be left out",
    "LSF_PROFILE": "its sky lines could not be subtracted",
    "OFFSET_LIST": "its exposures would be combined without alignment",
    "SKY_CONTINUUM": "its sky would not be subtracted",
    "SKY_LINES": "its sky lines would not be subtracted",
    "STD_RESPONSE": "its cube would be in counts, not in flux",
}
"""What becomes of the products of a recipe that goes on without a frame."""

_GO_ON: Final = {"muse_scipost", "muse_exp_combine"}

MAKES: Final = {
    "muse_scibasic": {"PIXTABLE_OBJECT", "PIXTABLE_SKY", "OBJECT_RED", "SKY_RED"},
    "muse_create_sky": {
        *("SKY_MASK", "SKY_IMAGE", "SKY_SPECTRUM", "SKY_LINES", "SKY_CONTINUUM"),
    },
    "muse_scipost": {
        *("DATACUBE_FINAL", "IMAGE_FOV", "PIXTABLE_REDUCED", "PIXTABLE_POSITIONED"),
        *("SKY_MASK", "SKY_IMAGE", "SKY_SPECTRUM", "SKY_LINES", "SKY_CONTINUUM"),
        *("AUTOCAL_MASK", "AUTOCAL_FACTORS", "RAMAN_IMAGES", "PIXTABLE_COMBINED"),
    },
    "muse_exp_align": {"OFFSET_LIST", "SOURCE_LIST", "PREVIEW_FOV", "EXPOSURE_MAP"},
    "muse_exp_combine": {
        *("DATACUBE_FINAL", "IMAGE_FOV", "PIXTABLE_COMBINED"),
        *("DATACUBE_DEEP", "IMAGE_FOV_DEEP", "EXPOSURE_MAP_DEEP"),
    },
}
"""Categories that each recipe makes, the three of FINAL_PLUGIN included."""


@frozen
class Options:
    """Options of the PGI.

    Exposures of a target whose headers point further than `max_separation` (degrees)
    from the first are an error; the default is ours: the 0.02 of a neighbouring field
    may be a mosaic, 0.5 make the recipes run out of memory. `more_params` are names of
    recipe parameters that a newer pipeline has.
    """

    max_separation: float = 0.1
    more_params: list[str] = field(factory=list)


@hookimpl
def hdr_pgi(run: Run, cascade: Cascade) -> list[Finding]:
    """Say what the ABs of a cascade lack or take wrongly, and what lies apart."""
    options = run.options(PGI, Options)
    by_name = {block.name: block for block in cascade.blocks}
    findings = []
    for block in cascade.blocks:
        unknown = unknown_names(block, options.more_params)
        findings += [Finding(told, block.name, is_error=True) for told in unknown]
        findings += frame_findings(block, _tags(block))
        findings += _wrong_tags(block)
        for mcalib in block.mcalibs:
            maker = by_name.get(mcalib.file) if mcalib.is_virtual else None
            if maker and not _makes(maker, mcalib.tag):
                message = (
                    f"{block.name} takes {mcalib.tag} of {maker.name}, but "
                    f"{maker.recipe} makes none; correct its MCALIB"
                )
                findings.append(Finding(message, block.name, is_error=True))
    read = cache(primary_header)  # each file once
    findings += file_type_findings(run, cascade, read)
    findings += pointing_findings(run, cascade, options.max_separation, read)
    return findings


def frame_findings(block: AssociationBlock, tags: Iterable[str]) -> list[Finding]:
    """Hold the tags that a recipe gets against those that it has to have.

    Args:
        block: the AB; its recipe and parameters say what is needed.
        tags: of the frames, one each.
    """
    count = Counter(tags)
    silent = WITHOUT if block.recipe in _GO_ON else {}
    messages = list(_unknown_method(block))
    for tag in required_tags(block):
        if not count[tag]:
            so = f": {WITHOUT[tag]}" if tag in silent else ""
            messages.append(f"{block.name} has no {tag}{so}; add it to the AB")
    pair = AT_LEAST_TWO.get(block.recipe)
    if pair and count[pair] == 1:
        messages.append(f"{block.name} has one {pair}; {block.recipe} needs at least 2")
    return [Finding(message, block.name, is_error=True) for message in messages]


def required_tags(block: AssociationBlock) -> tuple[str, ...]:
    """Return the tags that an AB's recipe has to get, with the AB's parameters."""
    required = REQUIRED.get(block.recipe, ())
    if block.recipe == SCIPOST.recipe:
        method = param_value(block.params, "skymethod", "model")
        required = (*required, *SKY_METHOD.get(method, ()))
    if block.recipe in {SCIPOST.recipe, "muse_exp_combine"}:
        names = param_value(block.params, "filter", "white").split(",")
        if set(names) - {"white", ""}:  # white is built in
            required = (*required, "FILTER_LIST")
    return required


def _unknown_method(block: AssociationBlock) -> Iterator[str]:
    """A sky method that is none: the recipe speaks of data that do not match."""
    method = param_value(block.params, "skymethod", "model")
    if block.recipe == SCIPOST.recipe and method not in SKY_METHOD:
        known = f"{', '.join(SKY_METHOD)}{nearest(method, SKY_METHOD)}"
        yield f"{block.name} has --skymethod={method}; expected {known}"


def _tags(block: AssociationBlock) -> list[str]:
    return [*(r.tag for r in block.rawfiles), *(m.tag for m in block.mcalibs)]


def _wrong_tags(block: AssociationBlock) -> Sequence[Finding]:
    """A scibasic AB without an exposure of its type: tags are what counts there."""
    if block.recipe != SCIBASIC.recipe:
        return []
    tags = {raw.tag for raw in block.rawfiles} - {"ILLUM"}
    if tags == {block.raw_type}:
        return []
    said = ", ".join(sorted(tags)) or "no exposure"
    message = (
        f"{block.name} is of RAW_TYPE {block.raw_type} but its RAWFILE has {said}; "
        "make them agree"
    )
    return [Finding(message, block.name, is_error=True)]


def _makes(maker: AssociationBlock, tag: str) -> bool:
    if maker.recipe == SCIBASIC.recipe:
        return tag in {f"PIXTABLE_{maker.raw_type}", f"{maker.raw_type}_RED"}
    return step_of(maker) is None or tag in MAKES[maker.recipe]
