"""What the libraries that everybody reads FITS with say of a file.

Both read headers only. Their sums are not asked for: `fits.file` has them by then, and
a file is read once.
"""

import os
import re
import warnings
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

from phoenix_core.sdp.batch import Batch
from phoenix_core.sdp.product import Product
from phoenix_core.sdp.rule import About, Breach, Rule

_FITS = (About.FITS,)
_FRAME = ("Verification reported errors", "Note: ")
_MOST_HDUS = 1000  # that fitsio looks for
_PLACE = re.compile(r"(HDU|Card) (\d+):")


def has_cfitsio() -> bool:
    """Whether fitsio is installed, which brings cfitsio."""
    return find_spec("fitsio") is not None


def _of_astropy(product: Product, _batch: Batch) -> Iterator[Breach]:
    for hdu, line in told_by_astropy(product.path):
        yield Breach(f"astropy: {line}", hdu=hdu)


def _of_cfitsio(product: Product, _batch: Batch) -> Iterator[Breach]:
    if has_cfitsio():
        for hdu, line in told_by_cfitsio(product.path, len(product.hdus)):
            yield Breach(f"cfitsio: {line}", hdu=hdu)


def told_by_astropy(path: Path) -> list[tuple[str, str]]:
    """What astropy finds wrong with a file: HDU ('' where not told), and what.

    It never raises, whatever a strange file makes astropy do.
    """
    from astropy.io import fits  # noqa: PLC0415, costs start-up

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        failure = []
        try:
            with (
                path.open("rb") as file,
                fits.open(
                    file, lazy_load_hdus=False, disable_image_compression=True
                ) as hdus,
            ):
                hdus.verify("warn")
        except Exception as error:  # noqa: BLE001
            failure = [("", f"{type(error).__name__}: {error}")]
    messages = (str(warning.message) for warning in caught)
    return list(dict.fromkeys([*_placed(messages), *failure]))


def _placed(messages: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The messages of astropy that say something, with the HDU told before them."""
    hdu = ""
    for message in messages:
        text = " ".join(message.split())
        place = _PLACE.fullmatch(text)
        if place and place[1] == "HDU":
            hdu = place[2]
        elif text and not (place or text.startswith(_FRAME)):
            yield hdu, text


def told_by_cfitsio(path: Path, hdus: int) -> list[tuple[str, str]]:
    """What cfitsio finds wrong with a file of so many HDUs: the HDU, and what.

    It never raises. Of its messages the first is told: the others are of a stack that
    earlier files left things on.
    """
    import fitsio  # noqa: PLC0415, an extra

    # cfitsio takes brackets, + and other letters of a name for commands.
    file = os.open(path, os.O_RDONLY)
    name, hdu = f"/dev/fd/{file}", 0
    try:
        with fitsio.FITS(name) as found:
            for one in found:
                one.read_header()
            hdu = len(found)
        if hdu < min(hdus, _MOST_HDUS):  # where it ended, it says why only if asked
            fitsio.read_header(name, ext=hdu)
    except Exception as error:  # noqa: BLE001
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return [(str(hdu), lines[0] if lines else type(error).__name__)]
    finally:
        os.close(file)
    return []


RULES = (
    Rule(
        "fits.astropy",
        "FITS 4",
        "a file that astropy's verification finds nothing in",
        _FITS,
        _of_astropy,
    ),
    Rule(
        "fits.cfitsio",
        "FITS 4",
        "a file that cfitsio opens, HDU by HDU (where the extra fitsio is installed)",
        _FITS,
        _of_cfitsio,
    ),
)
