"""make bench, another part: 40 header cards more in a cube of 4 GB.

With room in the header, and without, on the file system of --directory: the conversion
of a certified cube to an IDP (`share_edited`), phoenix in place, astropy, and cfitsio
by fitsio, each on a copy of its own that is on disk before the clock starts. "phoenix
copy" is what a conversion does where files cannot share data. The yardstick is cat,
from the file in memory to /dev/null; "cat to a file" is for comparison. The figures,
and goals that are missed, are added to bench-results.json.
"""

import argparse
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import fitsio
from astropy.io import fits

from phoenix_core.fits.as_certified import kept_headers_path
from phoenix_core.fits.edit import HeaderEdit, copy_edited, edit_headers
from phoenix_core.fits.share_edited import share_edited

CARDS = {f"ESO QC BENCH{n}": (n * 1.5, "a value") for n in range(40)}
NOT_READ = ""  # the sum of a cube that is converted for the first time
OF_CAT, WITH_ROOM = 1.3, 1.0  # times cat; s
QUICKER = 10.0  # than astropy and fitsio
MEMORY = 200e6  # bytes, with all that is imported (ours)
_BLOCK = 2880
_CHUNK = 1 << 20


def seconds(work: Callable[[], object]) -> float:
    """Time some work."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def make_cube(path: Path, size: int, *, has_room: bool) -> None:
    """Write a cube: a primary header of 10 blocks, full or with room, and pixels."""
    header = fits.PrimaryHDU().header
    number = 355 if not has_room else 300  # 360 cards have room in 10 blocks
    for n in range(number - len(header) - 2):
        header[f"HIERARCH ESO DRS N{n}"] = n
    text = header.tostring(padding=False)
    cards = [text[at : at + 80] for at in range(0, len(text), 80)]
    cards = [card for card in cards if not card.startswith("END ")]
    blanks = [" " * 80] * (359 - len(cards)) if has_room else []
    primary = "".join((*cards, *blanks, "END".ljust(80)))
    planes = size // (4 * 300 * 300)
    image = fits.Header(
        [
            ("XTENSION", "IMAGE"),
            ("BITPIX", -32),
            ("NAXIS", 3),
            ("NAXIS1", 300),
            ("NAXIS2", 300),
            ("NAXIS3", planes),
            ("PCOUNT", 0),
            ("GCOUNT", 1),
            ("EXTNAME", "DATA"),
        ]
    ).tostring()
    left = 4 * 300 * 300 * planes
    noise = os.urandom(_CHUNK).replace(b"\x7f", b"\x3f").replace(b"\xff", b"\x3f")
    with path.open("wb") as file:
        file.write(primary.ljust(-(-len(primary) // _BLOCK) * _BLOCK).encode("ascii"))
        file.write(image.encode("ascii"))
        for _ in range(left // _CHUNK):
            file.write(noise)
        file.write(noise[: left % _CHUNK])
        file.write(b"\0" * (-left % _BLOCK))
        os.fsync(file.fileno())


def in_place(path: Path) -> None:
    """Edit as phoenix does."""
    edit_headers(path, {0: HeaderEdit(CARDS)})


def convert(path: Path) -> None:
    """Make an IDP of a certified cube."""
    conv = path.with_name("conv")
    conv.mkdir(exist_ok=True)
    share_edited(path, conv / "idp.fits", {0: HeaderEdit(CARDS)}, NOT_READ)


def by_copy(path: Path) -> None:
    """Make a converted copy, as phoenix does where no blocks can be shared."""
    copy_edited(path, path.with_name("copy.fits"), {0: HeaderEdit(CARDS)})


def with_astropy(path: Path) -> None:
    """Edit with astropy."""
    with fits.open(path, mode="update", memmap=True) as hdus:
        for key, (value, comment) in CARDS.items():
            hdus[0].header[f"HIERARCH {key}"] = (value, comment)


def with_fitsio(path: Path) -> None:
    """Edit with cfitsio."""
    with fitsio.FITS(str(path), "rw") as file:
        for key, (value, comment) in CARDS.items():
            file[0].write_key(f"HIERARCH {key}", value, comment)


@contextlib.contextmanager
def copied(source: Path, times: list[float]) -> Iterator[Path]:
    """Copy a file with cat, timed; it is on disk, and goes afterwards."""
    path = source.with_name("copy.fits")
    try:
        with path.open("wb") as file:
            cat = ["cat", str(source)]
            times.append(seconds(lambda: subprocess.run(cat, stdout=file, check=True)))
            os.fsync(file.fileno())
        yield path
    finally:
        for left in (path, kept_headers_path(path), path.parent / "conv" / "idp.fits"):
            left.unlink(missing_ok=True)


WAYS = {
    "phoenix conversion": convert,
    "phoenix in place": in_place,
    "astropy": with_astropy,
    "fitsio": with_fitsio,
}


def measured(directory: Path, size: int) -> dict[str, float]:
    """Measure each way with room and without; seconds, and medians of cat."""
    found: dict[str, float] = {}
    times: list[float] = []
    for has_room in (False, True):
        source = directory / "cube.fits"
        room = "with room" if has_room else "no room"
        make_cube(source, size, has_room=has_room)
        for name, work in WAYS.items():
            with copied(source, times) as path:
                found[f"{name}, {room}"] = seconds(partial(work, path))
                found.setdefault("memory", peak())  # of what comes first: conversion
                header = fits.getheader(path)
                assert header["ESO QC BENCH39"] == CARDS["ESO QC BENCH39"][0]
        found[f"phoenix copy, {room}"] = seconds(partial(by_copy, source))
        source.with_name("copy.fits").unlink()
        found[f"cat, {room}"] = statistics.median(reading(source) for _ in range(5))
        source.unlink()
    found["cat to a file"] = statistics.median(times)
    return found


def reading(path: Path) -> float:
    """Time cat, from memory to nowhere."""
    cat = ["/bin/cat", str(path)]
    with Path(os.devnull).open("wb") as null:
        return seconds(lambda: subprocess.run(cat, stdout=null, check=True))


def peak() -> float:
    """Return the most memory that this process had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


def missed(found: dict[str, float]) -> list[str]:
    """Return what is not as it should be."""
    goals = {
        "conversion without room": found["phoenix conversion, no room"]
        <= OF_CAT * found["cat, no room"],
        "conversion with room": found["phoenix conversion, with room"] <= WITH_ROOM,
        "of astropy": QUICKER * found["phoenix conversion, no room"]
        <= found["astropy, no room"],
        "of fitsio": QUICKER * found["phoenix conversion, no room"]
        <= found["fitsio, no room"],
        "memory": found["memory"] <= MEMORY,
    }
    return [goal for goal, is_met in goals.items() if not is_met]


def main() -> None:
    """Print the figures, and add them to bench-results.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gb", type=float, default=4.0)
    parser.add_argument("--directory", type=Path, default=None)
    parser.add_argument("--results", type=Path, default=Path("bench-results.json"))
    words = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=words.directory) as folder:
        found = measured(Path(folder), int(words.gb * 1e9))
    cat = found["cat, no room"]
    memory = found.pop("memory")
    for name, value in found.items():
        sys.stdout.write(f"{name:29} {value:9.3f} s   {value / cat:6.2f} x cat\n")
    found["memory"] = memory
    goals = missed(found)
    told = f"memory of the conversion {memory / 1e6:.0f} MB; goals missed: {goals}"
    sys.stdout.write(f"{told}\n")
    known = json.loads(words.results.read_text()) if words.results.is_file() else {}
    known["header_edit"] = {"gb": words.gb, **found, "missed": goals}
    words.results.write_text(json.dumps(known, indent=1))


if __name__ == "__main__":
    main()
