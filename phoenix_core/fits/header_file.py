"""Headers in place of FITS files that an archive has: ``X.hdr`` of ``X.fits``.

A text: each card as a line of 80 letters, the header of each HDU closed by its END, in
their order. ``astropy.io.fits.Header.fromtextfile`` reads the first one of them.
"""

import os
from pathlib import Path
from typing import Final

from phoenix_core.errors import IngestionError
from phoenix_core.files.on_disk import set_aside, sync, write_on_disk
from phoenix_core.fits.as_certified import (
    certified_headers,
    has_other_headers,
    kept_headers_path,
)

SUFFIX: Final = ".hdr"
_FITS: Final = (".fits.fz", ".fits")
_CARD: Final = 80
_END: Final = b"END".ljust(_CARD)


def header_path(path: Path) -> Path:
    """Return where the headers of a FITS file go.

    >>> str(header_path(Path("a/b.fits"))), str(header_path(Path("b.c.fits.fz")))
    ('a/b.hdr', 'b.c.hdr')
    """
    for suffix in _FITS:
        if path.name.endswith(suffix):
            return path.with_name(path.name.removesuffix(suffix) + SUFFIX)
    return path.with_name(path.name + SUFFIX)


def header_text(path: Path) -> str:
    """Return the headers of a FITS file as text, those it was certified with.

    Raises:
        IngestionError: it is no whole FITS file.
        OSError: it cannot be read.
    """
    from phoenix_core.fits.file import check_hdus  # noqa: PLC0415, costs start-up

    hdus, problem = check_hdus(path, with_data=False)
    if problem:
        raise IngestionError(f"{path} is damaged: {problem}")
    if has_other_headers(path):
        return "".join(map(_lines, certified_headers(path)))
    return "".join(_lines(hdu.header) for hdu in hdus)


def read_headers(path: Path) -> tuple[tuple[str, ...], ...]:
    """Read the cards of each HDU from a header file; END is none of them.

    Raises:
        OSError: it cannot be read.
    """
    end = _END.decode()
    headers = path.read_text("ascii").split(f"{end}\n")[:-1]
    return tuple(tuple(header.splitlines()) for header in headers)


def replace_by_header(path: Path) -> Path:
    """Put the headers of a FITS file in its place; they are on disk before it goes.

    An older file of that name, with other headers, gets a number.

    Raises:
        IngestionError: it is no whole FITS file.
        OSError: the disk fails; the FITS file is still there.
    """
    target = header_path(path)
    text = header_text(path)
    if os.path.lexists(target) and not _has(target, text):
        set_aside(target)
    write_on_disk(target, text)
    path.unlink()
    kept_headers_path(path).unlink(missing_ok=True)
    sync([path.parent])
    return target


def _has(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode("ascii")


def _lines(header: bytes) -> str:
    cards = [header[at : at + _CARD] for at in range(0, len(header), _CARD)]
    cards = cards[: cards.index(_END) + 1]
    return "".join(f"{card.decode('ascii')}\n" for card in cards)
