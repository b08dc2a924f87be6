"""pgi_phoenix_HAWKI_AB (AB_PGI): the cascade of a night.

Darks, detector noise, then the science of each OB, with its sky where it has one; a
tile of each OB where that is wanted. What cannot be done for one OB is a warning: the
rest of the night goes on.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from attrs import frozen

from phoenix_core import hookimpl
from phoenix_core.model import AssociationBlock, Cascade, Finding, Run
from phoenix_core.nearest import nearest
from phoenix_hawki.steps import SCIENCE, STEPS, TILE, ab_name, step_of

PGI: Final = "pgi_phoenix_HAWKI_AB"

TILED: Final = ("BASIC_CALIBRATED_SCI", "BASIC_VAR_MAP")
"""What a tile is made of; without BASIC_VAR_MAP the recipe crashes."""

_CALIBRATIONS: Final = frozenset(
    {
        *("MASTER_CONF", "PHOTCAL_TAB"),
        *("MASTER_LOCAL_CATALOGUE_ASTROM", "MASTER_LOCAL_CATALOGUE_PHOTOM"),
        *("MASTER_2MASS_CATALOGUE_ASTROM", "MASTER_2MASS_CATALOGUE_PHOTOM"),
        *("MASTER_PPMXL_CATALOGUE_ASTROM", "MASTER_PPMXL_CATALOGUE_PHOTOM"),
        *("SCHLEGEL_MAP_NORTH", "SCHLEGEL_MAP_SOUTH"),
    }
)
_COPIED: Final = (
    *("TOOL_VERSION", "CONFIG_VERSION", "INSTRUMENT", "DATE", "DPR_CATG"),
    *("DRS_TYPE", "BATCH_ID", "COMPLETENESS", "OBS_PROG_ID", "OBS_MODE", "OBS_ID"),
    *("MJD-OBS", "MJD-OBS_MOD", "RAW_MATCH_KEY", "TARGET", "RUN_ID"),
)


@frozen
class Options:
    """Options of the PGI.

    A `tile` joins the four chips of an OB into one image. The defaults of its recipe
    serve full chips; `tile_params` are those that differ.
    """

    tile: bool = False
    tile_params: tuple[str, ...] = ()


@hookimpl
def ab_pgi(run: Run, blocks: Sequence[AssociationBlock]) -> Cascade:
    """Order the ABs of a night, add the tiles, and tell what cannot be done."""
    options = run.options(PGI, Options)
    known, findings = _known(blocks)
    if options.tile:
        known |= _tiles(known, options)
    rank = {step: place for place, step in enumerate(STEPS)}

    def place(block: AssociationBlock) -> tuple[int, str]:
        step = step_of(block)
        return rank[step] if step else len(STEPS), block.name

    kept: dict[str, AssociationBlock] = {}
    for block in sorted(known.values(), key=place):
        if lacking := [need for need in block.needs if need not in kept]:
            findings.append(_left_out(block, lacking[0], known))
            continue
        kept[block.name] = block
    return Cascade(tuple(kept.values()), tuple(findings))


def tile_of(science: AssociationBlock, params: Sequence[str] = ()) -> AssociationBlock:
    """Make the AB of an OB's tile out of its science AB."""
    copied = {q: science.values(q) for q in _COPIED if science.values(q)}
    kept = [m for m in science.mcalibs if m.tag in _CALIBRATIONS]
    return AssociationBlock.create(
        {
            **copied,
            "RAW_TYPE": TILE.raw_type,
            "RECIPE": TILE.recipe,
            "AB_NAME": ab_name(science.name, TILE),
            "RECIPE_PARAM": tuple(params),
            "MCALIB": [
                *(f"VIRTUAL {science.name} {tag}" for tag in TILED),
                *(f"{m.kind} {m.file} {m.tag}" for m in kept),
            ],
        }
    )


def _known(
    blocks: Sequence[AssociationBlock],
) -> tuple[dict[str, AssociationBlock], list[Finding]]:
    """The ABs of the steps, and a word on those of no step."""
    known, findings = {}, []
    recipes = {step.recipe for step in STEPS}
    for block in sorted(blocks, key=lambda block: block.name):
        if step_of(block):
            known[block.name] = block
            continue
        hint = nearest(block.recipe, recipes) or f" (known: {', '.join(recipes)})"
        message = f"{block.name} is left out: no step has recipe {block.recipe}{hint}"
        findings.append(Finding(message, block.name))
    return known, findings


def _tiles(
    known: Mapping[str, AssociationBlock], options: Options
) -> dict[str, AssociationBlock]:
    """A tile for each science AB that has none."""
    science = [block for block in known.values() if block.recipe == SCIENCE.recipe]
    tiles = (tile_of(block, options.tile_params) for block in science)
    return {tile.name: tile for tile in tiles if tile.name not in known}


def _left_out(
    block: AssociationBlock, lacking: str, known: Mapping[str, AssociationBlock]
) -> Finding:
    why = "comes after it" if lacking in known else "is not there"
    message = (
        f"{block.name} is left out: it needs {lacking}, which {why}; correct its MCALIB"
    )
    return Finding(message, block.name)
