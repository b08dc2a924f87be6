"""pgi_postSCI (POST_PLUGIN): what is collected from the way to a datacube.

All pipeline logs as one text beside each pst and dpc cube; NUM_SAT and WDEL_MAX from
the scibasic products into the cube of the exposure, and from there into the deep cube;
and the word to the core that pixel tables and scibasic products may go once nothing
needs them. The reduced pixel tables of exposures stay until -M, so that combining again
without an exposure is combining alone. Headers are edited, pixels are not touched.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from attrs import evolve, frozen

from muse_deep_plugin.get_logs import ab_path, collected_logs
from muse_deep_plugin.headers import primary_header
from muse_deep_plugin.input_checks import with_tag
from muse_deep_plugin.steps import EXP_COMBINE, SCIBASIC, SCIPOST
from phoenix_core import hookimpl
from phoenix_core.ab.file import read_block
from phoenix_core.ab.inputs import paths
from phoenix_core.errors import PhoenixError
from phoenix_core.files.atomic import write_text
from phoenix_core.fits.edit import set_cards
from phoenix_core.model import AssociationBlock, Product, Run

PGI: Final = "pgi_postSCI"
LOGS: Final = "PIPELINE_LOG"
REDUCED: Final = "PIXTABLE_REDUCED"
COMMENTS: Final = {
    "NUM_SAT": "Saturated pixels of the (worst) exposure",
    "WDEL_MAX": "[Angstrom] Largest wavelength shift of an IFU",
}
"""The two keywords, named on the MUSE_DEEP page, with comments of ours.

NUM_SAT of an exposure is the sum of QC SCIBASIC NSATURATED over its IFUs, WDEL_MAX the
largest absolute QC SCIBASIC LAMBDA SHIFT. A deep cube has the largest of its exposures:
their limits (300 pixels, 0.5 Angstrom) are those of one raw file.
"""

Cards = Mapping[str, int | float]

_SATURATED: Final = "ESO QC SCIBASIC NSATURATED"
_SHIFT: Final = "ESO QC SCIBASIC LAMBDA SHIFT"


@frozen
class Options:
    """Options of the PGI.

    Without `keep_reduced` the reduced pixel tables (340 million rows of 28 bytes, some
    10 GB an exposure) are deleted once they are combined: less disk, and combining
    again makes the exposures again, too.
    """

    keep_reduced: bool = True


@hookimpl
def process_ab_post_plugin(
    run: Run, block: AssociationBlock, products: Sequence[Product]
) -> list[Product] | None:
    """Complete the products of an AB, and mark those that are needed for a time."""
    kept = REDUCED if run.options(PGI, Options).keep_reduced else ""
    marked = [
        evolve(p, interim=p.interim or _is_interim(p, block, kept)) for p in products
    ]
    if block.recipe not in {SCIPOST.recipe, EXP_COMBINE.recipe}:
        return marked
    cards = _cards(run, block)
    for product in products:
        if product.category == "DATACUBE_FINAL" and cards:
            set_cards(product.path, {key: (cards[key], COMMENTS[key]) for key in cards})
    return [*marked, _log_product(run, block, products[0].path.parent)]


def exposure_cards(tables: Iterable[Path]) -> Cards:
    """Sum up what the pixel tables of one exposure say, one table an IFU.

    Raises:
        ProcessingError: one cannot be read.
    """
    headers = [primary_header(path) for path in tables]
    saturated = [int(h[_SATURATED]) for h in headers if _SATURATED in h]
    shifts = [abs(float(h[k])) for h in headers for k in h if k.startswith(_SHIFT)]
    cards: dict[str, int | float] = {}
    if saturated:
        cards["NUM_SAT"] = sum(saturated)
    if shifts:
        cards["WDEL_MAX"] = max(shifts)
    return cards


def _cards(run: Run, block: AssociationBlock) -> Cards:
    if block.recipe == SCIPOST.recipe:
        return exposure_cards(with_tag(paths(run, block), "PIXTABLE_OBJECT"))
    of_exposures = [_cube_cards(run, name) for name in block.needs]
    return {
        key: max(values)
        for key in COMMENTS
        if (values := [cards[key] for cards in of_exposures if key in cards])
    }


def _cube_cards(run: Run, name: str) -> Cards:
    """The keywords of an exposure's cube, wherever it is by now.

    A cube that cannot be read takes its two numbers with it; it is no reason to give
    up hours of combining.
    """
    try:
        maker = read_block(ab_path(run, name))
        cube = next(p.file for p in maker.products if p.category == "DATACUBE_FINAL")
        waiting = run.product_dir(maker.raw_type) / cube
        moved = run.config.directories.reduced / run.date / cube
        header = primary_header(waiting if waiting.exists() else moved)
    except (PhoenixError, StopIteration):
        return {}
    return {key: header[key] for key in COMMENTS if key in header}


def _is_interim(product: Product, block: AssociationBlock, kept: str) -> bool:
    category = product.category
    is_table = category.startswith("PIXTABLE_") and category != kept
    return is_table or block.recipe == SCIBASIC.recipe


def _log_product(run: Run, block: AssociationBlock, workdir: Path) -> Product:
    path = workdir / f"{block.root}_all.log"
    write_text(path, collected_logs(run, block, workdir / block.log_name))
    return Product(path, LOGS, block.name)
