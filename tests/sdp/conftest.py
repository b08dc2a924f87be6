"""A small dataset that meets the standard, and a way to spoil it card by card."""

import hashlib
import shutil
import struct

import numpy as np
import pytest
from attrs import define, field

from phoenix_core.fits import cards as fits_cards
from phoenix_core.fits import file as fits_file

STEM = "200_2014-10-22T23:57:32.123_WFM-NOAO-N_OBJ.fits"
NX, NY, NZ = 5, 4, 6
SCALE = 0.2 / 3600
EXPTIME = 1800.0


class Written(str):
    """A value that is written as it is."""

    __slots__ = ()


def card(keyword, value):
    if isinstance(value, Written):
        text = f"{keyword:<8}= {value}"
    elif isinstance(value, bool):
        text = f"{keyword:<8}= {'T' if value else 'F':>20}"
    elif isinstance(value, str):
        text = f"{keyword:<8}= '{value:<8}'"
    else:
        text = f"{keyword:<8}= {value!r:>20}".replace("e-", "E-")
    assert len(text) <= 80, text
    return text.ljust(80)


@define(repr=False)
class RawHdu:
    """An HDU as its cards, without sums and END, and the bytes of its data."""

    cards: list[str]
    data: bytes = b""
    unsigned: set[str] = field(factory=set)

    def set(self, keyword, value):
        """Set, add or (None) delete a keyword."""
        places = [n for n, c in enumerate(self.cards) if c[:8].rstrip() == keyword]
        if value is None:
            self.cards = [c for n, c in enumerate(self.cards) if n not in places]
        elif places:
            self.cards[places[0]] = card(keyword, value)
        else:
            self.cards.append(card(keyword, value))

    def content(self):
        """Its bytes, with the sums that it is to have."""
        data = self.data + bytes(-len(self.data) % 2880)
        words = int(np.frombuffer(data, ">u4").sum(dtype=np.uint64))
        cards = list(self.cards)
        if "DATASUM" not in self.unsigned:
            cards.append(card("DATASUM", str(fits_file.fold(words))))
        if "CHECKSUM" not in self.unsigned:
            cards.append(card("CHECKSUM", "0" * 16))
        header = "".join([*cards, "END".ljust(80)]).encode("latin-1")
        header += b" " * (-len(header) % 2880)
        if "CHECKSUM" not in self.unsigned:
            header = fits_cards._signed(header, fits_file.fold(words))
        return header + data


@define(repr=False)
class RawFile:
    """A FITS file that is written anew at each change."""

    path: object
    hdus: list[RawHdu]

    def __attrs_post_init__(self):
        self.write()

    def write(self):
        self.path.write_bytes(b"".join(hdu.content() for hdu in self.hdus))

    def set(self, number, **values):
        for keyword, value in values.items():
            self.hdus[number].set(keyword.replace("__", "-"), value)
        self.write()

    def copy(self, path):
        hdus = [RawHdu(list(h.cards), h.data, set(h.unsigned)) for h in self.hdus]
        return RawFile(path, hdus)


@define(repr=False)
class Dataset:
    """The files of a dataset: a cube and all that belongs to it."""

    directory: object
    cube: RawFile
    image: RawFile
    map: RawFile
    log: object
    plot: object

    @property
    def planes(self):
        """All HDUs that have coordinates."""
        image = self.image.hdus[1:]
        return [*self.cube.hdus[1:], *image, *self.map.hdus]

    def write(self):
        for file in (self.cube, self.image, self.map):
            file.write()

    def relink(self, **values):
        self.cube.set(0, **values)


def header(*pairs):
    return [card(keyword, value) for keyword, value in pairs]


def primary(*pairs):
    start = (("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", True))
    return RawHdu(header(*start, *pairs))


def image_start(bitpix, axes):
    yield from (("XTENSION", "IMAGE"), ("BITPIX", bitpix), ("NAXIS", len(axes)))
    yield from ((f"NAXIS{n + 1}", length) for n, length in enumerate(axes))
    yield from (("PCOUNT", 0), ("GCOUNT", 1))


def sky():
    yield from (("CRVAL1", 53.1), ("CRVAL2", -27.8), ("CRPIX1", 3.0), ("CRPIX2", 2.5))
    yield from (("CTYPE1", "RA---TAN"), ("CTYPE2", "DEC--TAN"))
    yield from (("CUNIT1", "deg"), ("CUNIT2", "deg"))
    yield from (("CD1_1", -SCALE), ("CD1_2", 0.0), ("CD2_1", 0.0), ("CD2_2", SCALE))


def spectral():
    yield from (("CRVAL3", 4750.0), ("CRPIX3", 1.0), ("CD3_3", 1.25))
    yield from (("CTYPE3", "AWAV"), ("CUNIT3", "Angstrom"))
    yield from (("CSYER1", 1e-4), ("CSYER2", 1e-4))


def scheme(name, role):
    yield from (("EXTNAME", name), ("HDUCLASS", "ESO"), ("HDUDOC", "SDP"))
    yield from (("HDUVERS", "SDP version 8"), ("HDUCLAS1", "IMAGE"))
    yield ("HDUCLAS2", role)
    if role == "ERROR":
        yield from (("HDUCLAS3", "MSE"), ("SCIDATA", "DATA"))
    else:
        yield ("ERRDATA", "STAT")


def extensions(axes, third):
    pixels = np.arange(np.prod(axes), dtype=">f4").tobytes()
    for name, role, unit in (
        ("DATA", "DATA", "10**(-20)erg.s**(-1).cm**(-2).angstrom**(-1)"),
        ("STAT", "ERROR", "10**(-40)erg**2.s**(-2).cm**(-4).angstrom**(-2)"),
    ):
        pairs = [*image_start(-32, axes), *scheme(name, role), ("BUNIT", unit)]
        yield RawHdu(header(*pairs, ("OBJECT", f"NGC 300 ({name})"), *third), pixels)


def science(names):
    """The primary header of the cube."""
    start = 56952.99829078
    yield from (("PRODCATG", "SCIENCE.CUBE.IFS"), ("ORIGIN", "ESO-PARANAL"))
    yield from (("TELESCOP", "ESO-VLT-U4"), ("INSTRUME", "MUSE"))
    yield from (("OBJECT", "NGC 300"), ("RA", 53.1), ("DEC", -27.8))
    yield from (("RADESYS", "FK5"), ("EQUINOX", 2000.0), ("SPECSYS", "BARYCENT"))
    yield from (("EXPTIME", EXPTIME), ("TEXPTIME", EXPTIME), ("NCOMBINE", 3))
    yield from (("MJD-OBS", start), ("MJD-END", start + 1))
    yield from (("DATE", "2019-02-03"), ("DATE-OBS", "2014-10-22T23:57:32.323"))
    yield from (("PROG_ID", "094.D-0114(B)"), ("OBID1", 200), ("OBID2", 201))
    yield from (("OBSTECH", "IFU"), ("FLUXCAL", "ABSOLUTE"), ("REFERENC", ""))
    yield from (("PROCSOFT", "muse/2.8.7"), ("WAVELMIN", 475.0), ("WAVELMAX", 475.6))
    yield from (("ABMAGLIM", 24.5), ("PIXNOISE", 1e-20), ("SPEC_RES", 2989.5))
    yield from (("SKY_RES", 0.7), ("SKY_RERR", 0.1))
    for n in (1, 2, 3):
        yield (f"PROV{n}", f"MUSE.2014-10-22T23:5{n}:00.123")
    for n, path in enumerate(names, start=1):
        yield (f"ASSON{n}", path.name)
        if not path.name.endswith(".fits"):
            kind = "README" if path.suffix == ".log" else "PREVIEW"
            yield (f"ASSOC{n}", f"ANCILLARY.{kind}")
            md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False)
            yield (f"ASSOM{n}", md5.hexdigest())


def make_dataset(directory):
    directory.mkdir()
    plane = list(sky())
    cube_path, image_path, map_path = (
        directory / f"MU_{code}_{STEM}" for code in ("SCBD", "SIMD", "SXPM")
    )
    log, plot = (directory / f"r.MUSE.2014-10-22_dpc{s}" for s in (".log", ".png"))
    log.write_text("all is well\n")
    plot.write_bytes(b"\x89PNG\r\n")
    image = RawFile(
        image_path,
        [
            primary(("PRODCATG", "ANCILLARY.IMAGE.WHITELIGHT")),
            *extensions((NX, NY), plane),
        ],
    )
    times = struct.pack(f">{NX * NY}f", *[EXPTIME] * (NX * NY - 1), 0.0)
    start = (("SIMPLE", True), ("BITPIX", -32), ("NAXIS", 2))
    size = (("NAXIS1", NX), ("NAXIS2", NY), ("PRODCATG", "ANCILLARY.EXPMAP"))
    pairs = (*start, *size, ("BUNIT", "s"), *plane)
    exposure_map = RawFile(map_path, [RawHdu(header(*pairs), times)])
    cube = RawFile(
        cube_path,
        [
            primary(*science([image_path, log, plot, map_path])),
            *extensions((NX, NY, NZ), [*plane, *spectral()]),
        ],
    )
    return Dataset(directory, cube, image, exposure_map, log, plot)


@pytest.fixture
def dataset(tmp_path):
    """A valid dataset in a directory of its own."""
    made = make_dataset(tmp_path / "dataset")
    yield made
    shutil.rmtree(made.directory, ignore_errors=True)


@pytest.fixture
def written():
    """For values that are no values."""
    return Written
