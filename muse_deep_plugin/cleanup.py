"""pgi_phoenix_MUSE_cleanup (CLEANUP_PLUGIN of ingestProducts): headers of what is gone.

The FITS files of each dataset, and the certified deep cube, images and exposure map
that these were made of, become headers.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from muse_deep_plugin.conversion.dataset import CUBE, IMAGE, MAP
from phoenix_core import hookimpl
from phoenix_core.ab.file import read_block
from phoenix_core.model import Idp, Run

_FITS: Final = ".fits"


@hookimpl
def ingest_products_cleanup_plugin(run: Run, idps: Sequence[Idp]) -> list[Path]:
    """Name all FITS files that still are there."""
    paths = (path for idp in idps for path in _fits_of(run, idp))
    return [path for path in dict.fromkeys(paths) if path.is_file()]


def _fits_of(run: Run, idp: Idp) -> Iterator[Path]:
    yield from (path for path in (idp.path, *idp.files) if path.suffix == _FITS)
    moved = run.moved_path(idp.block)
    if moved.is_file():
        reduced = run.config.directories.reduced / run.date
        for record in read_block(moved).products:
            if record.category in {CUBE, IMAGE, MAP}:
                yield reduced / record.file
