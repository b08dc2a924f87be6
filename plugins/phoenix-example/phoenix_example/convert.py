"""pgi_phoenix_EXAMPLE_convert: stacks as FITS files, each with its history."""

import io
from collections.abc import Sequence
from pathlib import Path

from phoenix_core import hookimpl
from phoenix_core.files.atomic import write_bytes
from phoenix_core.model import Idp, Product, Run
from phoenix_example.frames import read_frame


@hookimpl
def ingest_products_conversion_tool(run: Run, products: Sequence[Product]) -> list[Idp]:
    """Make a dataset of each stack; written again, its bytes are the same."""
    conv = run.config.directories.reduced / run.date / "conv"
    conv.mkdir(parents=True, exist_ok=True)
    histories = {p.block: p.path for p in products if p.category == "HISTORY"}
    idps = []
    for stack in (p for p in products if p.category == "STACK"):
        history = histories[stack.block]
        target = conv / f"{stack.path.stem}.fits"
        missing = [f"{p} is missing" for p in (stack.path, history) if not p.is_file()]
        if not missing:
            write_bytes(conv / history.name, history.read_bytes())
            write_bytes(target, as_fits(stack.path))
        files = (conv / history.name,)
        idps.append(Idp(stack.block, target, files, missing=tuple(missing)))
    return idps


def as_fits(path: Path) -> bytes:
    """Return a frame as a FITS file."""
    from astropy.io import fits  # noqa: PLC0415, costs start-up

    hdu = fits.PrimaryHDU(read_frame(path).astype(">f4"))
    hdu.header["PRODCATG"] = ("SCIENCE.IMAGE", "Data product category")
    hdu.header["BUNIT"] = "adu"
    hdu.add_checksum(when=f"of {path.name}"[:40])
    content = io.BytesIO()
    hdu.writeto(content)
    return content.getvalue()
