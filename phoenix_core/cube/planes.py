"""The planes of a cube in a FITS file, read some at a time.

A real cube has gigabytes in each of its extensions: it is never held as a whole.
"""

import math
import mmap
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from phoenix_core.errors import ProcessingError

Plane = NDArray[np.floating[Any]]
Block = NDArray[np.floating[Any]]
"""Some planes, one after the other: planes, rows, columns."""

_CUBE: Final = 3  # axes
_PIECE: Final = 2**21  # bytes read at once: what was read is still in a near cache
_PLAIN: Final = {-32: ">f4", -64: ">f8"}  # by BITPIX
_SCALED: Final = ("BSCALE", "BZERO", "ZCMPTYPE")


@frozen(eq=False)
class Cube:
    """A cube in an extension of a file that astropy holds open meanwhile."""

    path: Path
    hdu: Any

    @property
    def shape(self) -> tuple[int, int, int]:
        """Planes, rows, columns."""
        planes, rows, columns = self.hdu.shape
        return int(planes), int(rows), int(columns)

    @property
    def kind(self) -> np.dtype[Any]:
        """What its planes are read as: doubles stay doubles, all else is float32."""
        return np.dtype(_PLAIN.get(self.hdu.header["BITPIX"], ">f4"))

    @property
    def size(self) -> int:
        """Bytes of its planes as they are read."""
        return math.prod(self.shape) * self.kind.itemsize

    @property
    def is_plain(self) -> bool:
        """Whether its values lie in the file as they are, not scaled or compressed."""
        from astropy.io import fits  # noqa: PLC0415, costs start-up

        is_image = type(self.hdu) in {fits.ImageHDU, fits.PrimaryHDU}
        is_scaled = any(key in self.hdu.header for key in _SCALED)
        return is_image and not is_scaled and self.hdu.header["BITPIX"] in _PLAIN


def find_cube(path: Path, hdus: Any, name: str, *, or_unnamed: bool = False) -> Cube:
    """Return the cube of that name among the HDUs of a file.

    Args:
        path: of the file.
        hdus: of the file, as astropy has opened it.
        name: EXTNAME.
        or_unnamed: whether the first cube without a name will do, too.

    Raises:
        ProcessingError: there is none, or what has the name is no cube.
    """
    images = [hdu for hdu in hdus if hdu.is_image]
    cubes = [hdu for hdu in images if len(hdu.shape) == _CUBE]
    unnamed = {"", "PRIMARY"} if or_unnamed else set()
    for names in ({name}, unnamed):
        for hdu in cubes:
            if hdu.name in names:
                return Cube(path, hdu)
    for hdu in images:
        if hdu.name == name:
            raise ProcessingError(
                f"{path}: no cube; extension {name} has {len(hdu.shape)} axes, not 3"
            )
    raise ProcessingError(f"{path}: no cube; it has no 3D extension {name}")


def read_blocks(cube: Cube, within: range, kept: int = 0) -> Iterator[Block]:
    """Yield planes of a cube, some at a time, each block to be used before the next.

    Those that lie in the file as they are come in the file's byte order, and may be
    written over.

    Args:
        cube: the cube.
        within: numbers of the planes, from 0, without gaps.
        kept: number of blocks that are left as they are while the next is used.

    Raises:
        ProcessingError: the file ends too early.
    """
    _, rows, columns = cube.shape
    size = rows * columns * cube.kind.itemsize
    if not size or not within:
        return
    at_once = max(1, _PIECE // size)
    pieces = [within[k : k + at_once] for k in range(0, len(within), at_once)]
    if not cube.is_plain:
        for piece in pieces:
            yield np.asarray(cube.hdu.section[piece[0] : piece.stop], cube.kind)
        return
    # Memory that starts at a page: reading into it is several times faster.
    buffers = [mmap.mmap(-1, at_once * size) for _ in range(kept + 1)]
    with cube.path.open("rb", buffering=0) as file:
        file.seek(cube.hdu.fileinfo()["datLoc"] + within[0] * size)
        for piece, buffer in zip(pieces, cycle(buffers), strict=False):
            _fill(cube.path, file, memoryview(buffer)[: len(piece) * size])
            values = np.frombuffer(buffer, cube.kind, len(piece) * rows * columns)
            yield values.reshape(len(piece), rows, columns)


def _fill(path: Path, file: Any, view: memoryview) -> None:
    while view:
        read = file.readinto(view)
        if not read:
            raise ProcessingError(f"{path}: the cube ends too early; process it again")
        view = view[read:]
