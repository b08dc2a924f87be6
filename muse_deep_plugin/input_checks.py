"""What can be told of the inputs before hours are spent on them.

The recipes take what they get: these checks stand where their silence begins. They are
made by pgi_preTPL before the call, and again by pgi_phoenix_MUSE_rules when it has
ended, so that a site which swaps the one keeps the other.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from muse_deep_plugin.exposure_time import in_time
from muse_deep_plugin.headers import date_obs, position, primary_header
from muse_deep_plugin.offset_list import check_complete
from muse_deep_plugin.sky import separation
from muse_deep_plugin.steps import EXP_ALIGN, EXP_COMBINE
from muse_deep_plugin.tags import frame_findings
from phoenix_core.errors import ProcessingError
from phoenix_core.model import AssociationBlock

Inputs = Sequence[tuple[Path, str]]

EXPOSURES: Final = {
    EXP_ALIGN.recipe: "IMAGE_FOV",
    EXP_COMBINE.recipe: "PIXTABLE_REDUCED",
}
"""The frames of which a recipe takes one for each exposure."""


def with_tag(inputs: Inputs, tag: str) -> tuple[Path, ...]:
    """Return the files of a tag."""
    return tuple(path for path, its in inputs if its == tag)


def exposures(inputs: Inputs, tag: str) -> dict[str, Path]:
    """Return the files of a tag by their DATE-OBS, in time.

    Raises:
        ProcessingError: a file cannot be read, or two are of one exposure, of which
            the recipe would ignore one.
    """
    found: dict[str, Path] = {}
    for path in sorted(with_tag(inputs, tag), key=lambda path: in_time(path.name)):
        start = date_obs(path)
        if start in found:
            raise ProcessingError(
                f"{path.name} and {found[start].name} are of one exposure ({start}); "
                "the recipe would ignore one: remove it"
            )
        found[start] = path
    return dict(sorted(found.items()))


def check_inputs(
    block: AssociationBlock, inputs: Inputs, max_separation: float
) -> None:
    """Make sure that an AB's recipe gets what it has to have.

    Args:
        block: the AB.
        inputs: path and tag of each frame of its SOF.
        max_separation: degrees between the first exposure and another one.

    Raises:
        ProcessingError: a frame is missing, an exposure is there twice or points
            elsewhere, or the OFFSET_LIST does not serve.
    """
    for finding in frame_findings(block, (tag for _, tag in inputs)):
        raise ProcessingError(finding.message)
    tag = EXPOSURES.get(block.recipe)
    if tag is None:
        return
    files = exposures(inputs, tag)
    _check_together(files, max_separation)
    for path in with_tag(inputs, "OFFSET_LIST"):
        check_complete(path, list(files))


def _check_together(files: dict[str, Path], limit: float) -> None:
    first = None
    for path in files.values():
        here = position(primary_header(path))
        if here is None:
            raise ProcessingError(f"{path.name} has no RA and DEC in its header")
        first = first or here
        if (away := separation(here, first)) > limit:
            raise ProcessingError(
                f"{path.name} points {away:.3f} degrees away from the first exposure; "
                "remove it from the dal and dpc ABs"
            )
