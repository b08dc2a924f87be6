"""Files that the rules are asked of: FITS files with their headers, not their data."""

from collections.abc import Sequence
from functools import cached_property
from math import prod
from pathlib import Path

from attrs import field, frozen

from phoenix_core.fits.file import HduCheck, check_hdus
from phoenix_core.sdp.header import Header

CUBE = "SCIENCE.CUBE.IFS"
WHITE_LIGHT = "ANCILLARY.IMAGE.WHITELIGHT"
EXPOSURE_MAP = "ANCILLARY.EXPMAP"
ROLES = ("DATA", "ERROR", "QUALITY")
PROVENANCE = "PHASE3PROVENANCE"

_GZIP = b"\x1f\x8b"
_MOST_AXES = 999


@frozen(slots=False)
class Hdu:
    """An HDU: its header, and where its data lie (bytes, `end` with the padding)."""

    number: int
    header: Header = field(repr=False)
    begin: int = 0
    end: int = 0
    wrong_sum: str = ""

    @property
    def label(self) -> str:
        """Its number and name."""
        return f"{self.number} ({self.name})" if self.name else f"{self.number}"

    @property
    def name(self) -> str:
        """EXTNAME, '' without."""
        return self.header.text("EXTNAME") or ""

    @property
    def role(self) -> str:
        """HDUCLAS2, '' where that is none of the roles."""
        role = self.header.text("HDUCLAS2")
        return role if role in ROLES else ""

    @property
    def is_compressed(self) -> bool:
        """Whether it is a tile-compressed image: a table for who does not know."""
        return self.header.is_true("ZIMAGE")

    @property
    def is_image(self) -> bool:
        """Whether it is an image, also one without data."""
        kind = self.header.text("XTENSION")
        return self.is_compressed or kind == "IMAGE" or self.number == 0

    @property
    def bitpix(self) -> int | None:
        """BITPIX of the image, also of a compressed one."""
        return self.header.integer("ZBITPIX" if self.is_compressed else "BITPIX")

    @cached_property
    def axes(self) -> tuple[int, ...]:
        """The lengths of its axes, NAXIS1 first; none without data."""
        stem = "ZNAXIS" if self.is_compressed else "NAXIS"
        number = self.header.integer(stem) or 0
        if not 0 < number <= _MOST_AXES:
            return ()
        found = [self.header.integer(f"{stem}{n + 1}") for n in range(number)]
        axes = tuple(length for length in found if length is not None)
        return axes if len(axes) == number and prod(axes) > 0 else ()


@frozen(slots=False)
class Product:
    """A file that was read, as far as it could be.

    `problem` says why it is no whole FITS file, `unreadable` why it could not be read.
    """

    path: Path
    hdus: tuple[Hdu, ...] = ()
    problem: str = ""
    unreadable: str = ""
    is_gzip: bool = False

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.path.name

    @property
    def is_whole(self) -> bool:
        """Whether it was read to its end as a FITS file."""
        return not (self.problem or self.unreadable)

    @property
    def primary(self) -> Header:
        """The primary header; an empty one where there is none."""
        return self.hdus[0].header if self.hdus else Header()

    @property
    def category(self) -> str:
        """PRODCATG, '' without."""
        return self.primary.text("PRODCATG") or ""

    @property
    def images(self) -> tuple[Hdu, ...]:
        """The HDUs that are images and have data."""
        return tuple(hdu for hdu in self.hdus if hdu.is_image and hdu.axes)

    def having(self, role: str) -> Hdu | None:
        """The one extension of a role; None where there is none, or are several."""
        found = [hdu for hdu in self.hdus[1:] if hdu.role == role]
        return found[0] if len(found) == 1 else None

    @property
    def plane(self) -> Hdu | None:
        """The image whose first two axes are the sky's: the one with the data."""
        images = self.images
        if len(images) == 1:
            return images[0]
        return next((hdu for hdu in images if hdu.role == "DATA"), None)


def place_of(path: Path) -> Path:
    """Where a file lies, however its directory was named; a link to it is another."""
    return path.parent.resolve() / path.name


def read_product(path: Path, *, with_data: bool) -> Product:
    """Read a file once, from end to end, or its headers only; nothing is raised."""
    try:
        with path.open("rb", buffering=0) as file:
            is_gzip = file.read(len(_GZIP)) == _GZIP
        found, problem = check_hdus(path, with_data=with_data)
    except OSError as error:
        return Product(path, unreadable=error.strerror or str(error))
    return Product(path, _hdus(found), problem, is_gzip=is_gzip)


def _hdus(found: Sequence[HduCheck]) -> tuple[Hdu, ...]:
    return tuple(
        Hdu(number, Header.parse(hdu.header), hdu.begin, hdu.end, hdu.wrong_sum)
        for number, hdu in enumerate(found)
    )
