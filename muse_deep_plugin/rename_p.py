"""pgi_phoenix_MUSE_renameP (SPECIAL_PLUGIN of renameProducts): no unknown PRO.CATG.

What is moved under a category that nobody knows would not be converted later. Names
are left as they are.
"""

from collections.abc import Sequence
from typing import Final

from muse_deep_plugin.headers import primary_header
from muse_deep_plugin.move_p import MOVED
from muse_deep_plugin.post_sci import LOGS
from phoenix_core import hookimpl
from phoenix_core.errors import PgiError
from phoenix_core.model import Move
from phoenix_core.nearest import nearest

PGI: Final = "pgi_phoenix_MUSE_renameP"
KNOWN: Final = tuple(sorted(MOVED - {LOGS}))
_KEY: Final = "ESO PRO CATG"
_FITS: Final = (".fits", ".fits.fz", ".fits.gz")


@hookimpl
def rename_products_special_plugin(moves: Sequence[Move]) -> None:
    """Read the PRO.CATG of each FITS file on the list.

    Raises:
        PgiError: an unknown PRO.CATG.
        ProcessingError: a file cannot be read.
    """
    for move in moves:
        if not move.source.name.endswith(_FITS):
            continue
        category = str(primary_header(move.source).get(_KEY, "")).strip()
        if category not in KNOWN:
            known = f"known: {', '.join(KNOWN)}{nearest(category, KNOWN)}"
            said = f"unknown PRO.CATG '{category}'" if category else "no PRO.CATG"
            raise PgiError(f"{PGI}: {move.source} has {said} ({known})")
