"""pgi_phoenix_EXAMPLE_DRS: the data reduction, here in Python."""

from pathlib import Path

import numpy as np

from phoenix_core import hookimpl
from phoenix_core.ab.inputs import paths
from phoenix_core.errors import ProcessingError
from phoenix_core.model import AssociationBlock, DrsCall, Product, Run
from phoenix_example.frames import read_frame
from phoenix_example.recipes import COMBINE, RECIPES, VERSION, Image


@hookimpl
def process_ab_drs_call(run: Run, block: AssociationBlock) -> DrsCall:
    """Show the call; finished ABs are redone when the version changes."""
    inputs = [f"{tag}:{path}" for path, tag in paths(run, block)]
    return DrsCall(
        command=(block.recipe, *block.params, *inputs),
        version=f"example {VERSION}, numpy {np.__version__}",
    )


@hookimpl
def process_ab_drs(run: Run, block: AssociationBlock, workdir: Path) -> list[Product]:
    """Call the recipe with the frames of the AB; it makes one product and a log."""
    if block.recipe not in RECIPES:
        raise ProcessingError(f"{block.name}: EXAMPLE has no recipe {block.recipe}")
    category, recipe = RECIPES[block.recipe]
    frames: dict[str, list[Image]] = {}
    for path, tag in paths(run, block):
        frames.setdefault(tag, []).append(_read(path))
    try:
        image = recipe(frames, COMBINE[_combine(block)])
    except KeyError as missing:
        problem = f"{block.name}: {block.recipe} has no {missing.args[0]}"
        raise ProcessingError(problem) from missing
    product = workdir / f"{category}.npy"
    np.save(product, image.astype(np.float32))
    counts = ", ".join(f"{len(images)} {tag}" for tag, images in frames.items())
    log = f"{block.recipe} {VERSION}: {counts} -> {category}\n"
    (workdir / block.log_name).write_text(log, "utf-8")
    return [Product(product, category, block.name)]


def _combine(block: AssociationBlock) -> str:
    params = dict(param.removeprefix("--").split("=") for param in block.params)
    return params.get("combine", "median")


def _read(path: Path) -> Image:
    try:
        return read_frame(path)
    except (OSError, ValueError, EOFError) as error:
        raise ProcessingError(f"{path.name} is no frame: {error}") from error
