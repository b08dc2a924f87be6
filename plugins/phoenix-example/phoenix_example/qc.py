"""pgi_phoenix_EXAMPLE_QC: how deep a stack is."""

from collections.abc import Sequence

import numpy as np
from attrs import field, frozen, validators

from phoenix_core import hookimpl
from phoenix_core.model import AssociationBlock, Product, QcReport, Run, Score
from phoenix_example.frames import read_frame
from phoenix_example.png import picture
from phoenix_example.recipes import Image


@frozen
class Options:
    """The largest noise [adu] of a stack that scores green."""

    max_noise: float = field(default=12.0, validator=validators.gt(0))


@hookimpl
def process_qc_procedure(
    run: Run, block: AssociationBlock, products: Sequence[Product]
) -> QcReport | None:
    """Measure the stacks; other ABs get no report from this procedure."""
    stacks = [product for product in products if product.category == "STACK"]
    if not stacks:
        return None
    options = run.options("pgi_phoenix_EXAMPLE_QC", Options)
    image = read_frame(stacks[0].path)
    noise = noise_of(image)
    return QcReport(
        block=block.name,
        recipe=block.recipe,
        target=block.value("TARGET"),
        parameters={
            "NCOMBINE": len(block.needs),
            "SKY": round(float(np.nanmedian(image)), 3),
            "NOISE": round(noise, 3),
            "NBAD": int(np.isnan(image).sum()),
        },
        scores=(Score("NOISE", round(noise, 3), high=options.max_noise),),
        figures={"": picture(image)},
    )


def noise_of(image: Image) -> float:
    """Measure the noise [adu] from the spread of the pixels, whatever the stars."""
    spread = np.nanmedian(np.abs(image - np.nanmedian(image)))
    return 1.4826 * float(spread)  # of a normal distribution
