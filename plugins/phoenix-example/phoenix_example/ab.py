"""pgi_phoenix_EXAMPLE_AB: the ABs of a run, and a stack of each target's exposures."""

from collections.abc import Sequence

from attrs import field, frozen, validators

from phoenix_core import hookimpl
from phoenix_core.ab.cascade import in_order
from phoenix_core.model import AssociationBlock, Cascade, Finding, Run
from phoenix_example.recipes import RECIPES


@frozen
class Options:
    """What the exposures of one stack share: the target, or the OB."""

    stack_by: str = field(
        default="TARGET", validator=validators.in_(("TARGET", "OBS_ID"))
    )


@hookimpl
def ab_pgi(run: Run, blocks: Sequence[AssociationBlock]) -> Cascade:
    """Add the stacks; each AB comes after those whose products it takes."""
    options = run.options("pgi_phoenix_EXAMPLE_AB", Options)
    known = [block for block in blocks if block.recipe in RECIPES]
    groups: dict[str, list[AssociationBlock]] = {}
    for block in sorted(known, key=lambda block: block.name):
        if block.recipe == "example_science":
            groups.setdefault(block.value(options.stack_by), []).append(block)
    stacks = [stack_of(exposures) for exposures in groups.values()]
    return Cascade(
        blocks=in_order([*known, *stacks]),
        findings=tuple(
            Finding(f"EXAMPLE has no recipe {block.recipe}", block.name, is_error=True)
            for block in blocks
            if block not in known
        ),
    )


def stack_of(exposures: Sequence[AssociationBlock]) -> AssociationBlock:
    """Make the AB that stacks some exposures; it is named after the first."""
    first = exposures[0]
    return AssociationBlock.create(
        {
            "INSTRUMENT": "EXAMPLE",
            "DATE": first.value("DATE"),
            "RAW_TYPE": "STACK",
            "RECIPE": "example_stack",
            "AB_NAME": f"{first.name.removesuffix('.ab')}_stk.ab",
            "OBS_PROG_ID": first.value("OBS_PROG_ID"),
            "OBS_ID": list(dict.fromkeys(b.value("OBS_ID") for b in exposures)),
            "TARGET": first.value("TARGET"),
            "RUN_ID": first.value("RUN_ID"),
            "RECIPE_PARAM": "--combine=median",
            "MCALIB": [f"VIRTUAL {block.name} REDUCED" for block in exposures],
        }
    )
