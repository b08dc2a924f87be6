"""What a QC plot shows and no report has: the exposure map, and who was not matched.

Both are pictures only: where they are not there, the plot says so or is without.
"""

from collections.abc import Sequence

from muse_deep_plugin.exposure_map import CATEGORY, Seconds, read_map
from muse_deep_plugin.headers import primary_header
from muse_deep_plugin.offset_list import read_offsets
from phoenix_core.ab.inputs import makers, where_made
from phoenix_core.errors import PhoenixError
from phoenix_core.model import AssociationBlock, Product, Run


def times_in(products: Sequence[Product]) -> Seconds | None:
    """Return the exposure map among products (seconds), None without."""
    maps = [p.path for p in products if p.category.startswith(CATEGORY)]
    try:
        return read_map(maps[0]) if maps else None
    except PhoenixError:
        return None


def unmatched(run: Run, block: AssociationBlock) -> tuple[str, ...]:
    """Return the exposures (DATE-OBS) that exp_align could match with no other.

    Their offset means nothing. The rules of success refuse such an OFFSET_LIST, where
    a site has not left them out.
    """
    try:
        for maker in makers(run, block).values():
            for product in maker.products:
                if product.category == "OFFSET_LIST":
                    path = where_made(run, maker, product.file)
                    header = primary_header(path)
                    return tuple(
                        exposure
                        for n, exposure in enumerate(read_offsets(path), start=1)
                        if _matches(header.get(f"ESO QC EXPALIGN NMATCH{n}")) < 1
                    )
    except PhoenixError:
        pass
    return ()


def _matches(value: object) -> float:
    """A number of matches; what is not told counts as one."""
    return value if isinstance(value, int | float) else 1
