"""pgi_phoenix_EXAMPLE_check: when a recipe of EXAMPLE has succeeded."""

from collections.abc import Sequence

import numpy as np
from attrs import frozen

from phoenix_core import hookimpl
from phoenix_core.model import AssociationBlock, Finding, Product, Run
from phoenix_example.frames import read_frame


@frozen
class Options:
    """The largest part of an image's pixels that may be bad."""

    max_bad: float = 0.05


@hookimpl
def process_ab_check_plugin(
    run: Run, block: AssociationBlock, products: Sequence[Product]
) -> list[Finding]:
    """Find images with too few good pixels."""
    options = run.options("pgi_phoenix_EXAMPLE_check", Options)
    findings = []
    for product in products:
        bad = 1 - np.isfinite(read_frame(product.path)).mean()
        if bad > options.max_bad:
            message = f"{product.path.name}: {bad:.0%} of the pixels are bad"
            findings.append(Finding(message, block.name, is_error=True))
    return findings
