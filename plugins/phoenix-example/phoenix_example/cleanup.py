"""pgi_phoenix_EXAMPLE_cleanup: the FITS files of what is archived become headers."""

from collections.abc import Sequence
from pathlib import Path

from phoenix_core import hookimpl
from phoenix_core.model import Idp


@hookimpl
def ingest_products_cleanup_plugin(idps: Sequence[Idp]) -> list[Path]:
    """Name the science files; the stacks that they were made of are small, and stay."""
    return [idp.path for idp in idps if idp.path.is_file()]
