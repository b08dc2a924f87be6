"""Each rule has a file that breaks it, and that it alone reports."""

import gzip
import shutil
import struct
import sys
from importlib.util import find_spec

import pytest
from astropy.io import fits

from phoenix_core.sdp import primary_keywords
from phoenix_core.sdp.extension_keywords import RULES as EXTENSION_RULES
from phoenix_core.sdp.rule import About, Severity
from phoenix_core.sdp.rules import RULES
from phoenix_core.sdp.validate import validate

DATA, STAT = 1, 2
PNG = 3  # the index of the plot among the associated files
MAP = 4

BREAKERS = {}


def breaks(rule):
    """Mark a function that makes a dataset break a rule; it may return paths."""

    def mark(spoil):
        assert rule not in BREAKERS
        BREAKERS[rule] = spoil
        return spoil

    return mark


def setting(rule, file, number, **values):
    """The breaker that sets keywords, None deletes them."""
    BREAKERS[rule] = lambda d: getattr(d, file).set(number, **values)


for keyword in primary_keywords.KEYWORDS:
    spoilt = None if keyword.is_mandatory else "?"
    name = keyword.name.replace("-", "__")
    setting(f"primary.{keyword.name}", "cube", 0, **{name: spoilt})
for rule in EXTENSION_RULES:
    name = rule.id.rpartition(".")[2]
    role = STAT if rule.id == "extension.error.HDUCLAS3" else DATA
    spoilt = "?" if name.startswith("CRDER") else None
    if rule.id != "extension.quality.HDUCLAS3":
        setting(rule.id, "cube", role, **{name: spoilt})


@breaks("extension.quality.HDUCLAS3")
def _(d):
    quality = d.cube.copy(d.cube.path).hdus[STAT]
    quality.set("EXTNAME", "QUAL")
    quality.set("HDUCLAS2", "QUALITY")
    quality.set("ERRDATA", "STAT")
    d.cube.hdus.append(quality)
    d.cube.set(DATA, QUALDATA="QUAL")
    d.cube.set(STAT, QUALDATA="QUAL")


# Files ----------------------------------------------------------------------------


@breaks("file.readable")
def _(d):
    (d.directory / "gone.fits").symlink_to(d.directory / "nowhere")


def renamed_map(d, name):
    d.map.path = d.map.path.rename(d.directory / name)
    d.relink(**{f"ASSON{MAP}": name})


@breaks("file.name-length")
def _(d):
    # A card has no room for a name that is longer: nothing can link to it.
    path = d.map.path.rename(d.directory / f"{'x' * 64}.fits")
    return [path]


@breaks("file.name-letters")
def _(d):
    return [d.map.path.rename(d.directory / "a map.fits")]


@breaks("file.suffix")
def _(d):
    return [d.map.path.rename(d.directory / "map.fit")]


@breaks("file.gzip")
def _(d):
    path = d.directory / "map.fits.gz"
    path.write_bytes(gzip.compress(d.map.path.read_bytes()))


@breaks("file.name-unique")
def _(d):
    other = d.directory / "other"
    other.mkdir()
    d.map.copy(other / d.map.path.name)
    return [d.directory, other]


@breaks("fits.whole")
def _(d):
    content = d.map.path.read_bytes()
    d.map.path.write_bytes(content[:-1])


@breaks("fits.tile-compression")
def _(d):
    renamed_map(d, "map.fits.fz")


def compressed_map(d, **options):
    """Make the map a tile-compressed one of another name."""
    with fits.open(d.map.path) as hdus:
        plain = hdus[0]
        keep = [k for k in plain.header if k[:5] in {"CRVAL", "CRPIX", "CTYPE"}]
        keep += [k for k in plain.header if k[:2] == "CD" or k[:5] == "CUNIT"]
        cards = [(k, plain.header[k]) for k in [*keep, "BUNIT"]]
        packed = fits.CompImageHDU(plain.data, fits.Header(cards), **options)
        first = fits.PrimaryHDU()
        first.header["PRODCATG"] = "ANCILLARY.EXPMAP"
        name = d.directory / "map.fits.fz"
        fits.HDUList([first, packed]).writeto(name, checksum=True)
    d.map.path.unlink()
    d.relink(**{f"ASSON{MAP}": name.name})


@breaks("fits.lossy")
def _(d):
    compressed_map(d, quantize_level=16)


@breaks("fits.CHECKSUM")
def _(d):
    d.image.hdus[DATA].unsigned.add("CHECKSUM")
    d.write()


@breaks("fits.DATASUM")
def _(d):
    d.image.hdus[DATA].unsigned.add("DATASUM")
    d.write()


@breaks("fits.checksum-right")
def _(d):
    content = d.cube.path.read_bytes()
    d.cube.path.write_bytes(content.replace(b"NGC 300 ", b"NGC 301 "))


@breaks("fits.datasum-right")
def _(d):
    content = d.cube.path.read_bytes()
    at = content.index(struct.pack(">f", 77))
    d.cube.path.write_bytes(content[:at] + b"?" + content[at + 1 :])


@breaks("fits.repeated")
def _(d):
    first = d.cube.hdus[0]
    first.cards.append(next(c for c in first.cards if c.startswith("OBJECT")))
    d.write()


setting("fits.long-text", "cube", 0, LONGSTRN="OGIP 1.0")


setting("fits.astropy", "cube", DATA, BLANK=-1)


PROVENANCE = (
    ("XTENSION", "BINTABLE"),
    ("BITPIX", 8),
    ("NAXIS", 2),
    ("NAXIS1", 68),
    ("NAXIS2", 3),
    ("PCOUNT", 0),
    ("GCOUNT", 1),
    ("TFIELDS", 1),
    ("TTYPE1", "PROV"),
    ("TFORM1", "68A"),
    ("EXTNAME", "PHASE3PROVENANCE"),
)


def with_table(d, **changes):
    """Give the cube a table of provenance instead of keywords."""
    table = type(d.cube.hdus[0])([], b"x" * 68 * 3)
    for keyword, value in PROVENANCE:
        table.set(keyword, changes.get(keyword, value))
    d.cube.hdus.append(table)
    d.cube.set(0, PROV1=None, PROV2=None, PROV3=None, PROVXTN=True)
    return table


@breaks("fits.cfitsio")
def _(d):
    with_table(d, TFORM1="70A")


# Headers --------------------------------------------------------------------------

setting("header.PRODCATG", "cube", 0, PRODCATG=None)
setting("header.prodcatg-elsewhere", "cube", DATA, PRODCATG="SCIENCE.CUBE.IFS")
setting("header.origfile-elsewhere", "cube", DATA, ORIGFILE="a.fits")
setting("header.reserved", "cube", 0, ARCFILE="ADP.2019-02-03T04:05:06.789.fits")

# Indices --------------------------------------------------------------------------

RUNS = {"PROG_ID": "MULTI", "PROGID1": "094.D-0114(B)", "PROGID2": "110.23XX.001"}
TELESCOPES = {"TELESCOP": "MULTI", "TELESC1": "UT1", "TELESC2": "UT4"}
INSTRUMENTS = {"INSTRUME": "MULTI", "INSTR1": "ONE", "INSTR2": "TWO"}

setting("index.PROV-sequence", "cube", 0, PROV3=None, PROV4="MUSE.2014-10-23T00:00:00")
setting("index.PROV-distinct", "cube", 0, PROV2="MUSE.2014-10-22T23:51:00.123")
setting("index.PROV-value", "cube", 0, PROV2="raw.dat")
setting("index.PROV-suffix", "cube", 0, PROV2="MUSE.2014-10-22T23:52:00.123.fits")
setting("index.OBID-present", "cube", 0, OBID1=None, OBID2=None)
setting("index.OBID-sequence", "cube", 0, OBID2=None, OBID02=201)
setting("index.OBID-distinct", "cube", 0, OBID2=200)
setting("index.OBID-value", "cube", 0, OBID2=0)
for stem, several in (("PROGID", RUNS), ("TELESC", TELESCOPES), ("INSTR", INSTRUMENTS)):
    one, two = (several[f"{stem}{n}"] for n in (1, 2))
    gap = {**several, f"{stem}2": None, f"{stem}3": two}
    setting(f"index.{stem}-sequence", "cube", 0, **gap)
    setting(f"index.{stem}-distinct", "cube", 0, **{**several, f"{stem}2": one})
    setting(f"index.{stem}-value", "cube", 0, **{**several, f"{stem}2": ""})


@breaks("index.ASSON-present")
def _(d):
    for n in range(1, MAP + 1):
        d.relink(**{f"{stem}{n}": None for stem in ("ASSON", "ASSOC", "ASSOM")})
    return [d.cube.path]


@breaks("index.ASSON-sequence")
def _(d):
    d.relink(**{f"ASSON{MAP}": None, "ASSON9": d.map.path.name})


setting("index.ASSON-value", "cube", 0, ASSON9=None, ASSON3=5)


@breaks("index.ASSON-distinct")
def _(d):
    d.relink(ASSON5=d.map.path.name)


@breaks("provenance.one-way")
def _(d):
    d.relink(PROV1=None, PROV2=None, PROV3=None)


@breaks("provenance.column")
def _(d):
    with_table(d, TTYPE1="FILE")


# Relations ------------------------------------------------------------------------

setting("relation.equinox", "cube", 0, EQUINOX=1950.0)
setting("relation.exptime", "cube", 0, EXPTIME=1801.0)
setting("relation.texptime", "cube", 0, TEXPTIME=90000.0)
setting("relation.mjd", "cube", 0, MJD__END=56900.5)
setting("relation.past", "cube", 0, MJD__END=99999.0)
setting("relation.date-obs", "cube", 0, DATE__OBS="2014-10-22T23:57:30.323")
setting("relation.wavelengths", "cube", 0, WAVELMIN=475.6)
setting("relation.wavelengths-wcs", "cube", 0, WAVELMAX=4756.0)
setting("relation.ncombine-prov", "cube", 0, NCOMBINE=2)
setting("relation.ncombine-obid", "cube", 0, NCOMBINE=1, PROV2=None, PROV3=None)
setting("relation.TELESCOP", "cube", 0, TELESC1="UT4")
setting("relation.INSTRUME", "cube", 0, INSTRUME="MULTI")
setting("relation.PROG_ID", "cube", 0, PROG_ID="MULTI", PROGID1="094.D-0114(B)")
setting("relation.noesodat", "cube", 0, ORIGIN="NGTS")
setting("relation.obstech", "cube", 0, OBSTECH="SPECTRUM")
setting("relation.object", "cube", DATA, OBJECT="NGC 301 (DATA)")
for keyword in ("SPEC_BIN", "RA_ERR", "DEC_ERR"):
    setting(f"forbidden.{keyword}", "cube", 0, **{keyword: 0.1})
setting("forbidden.FILTER", "cube", 0, FILTER="V")

# The cube and its extensions ------------------------------------------------------


@breaks("cube.primary-empty")
def _(d):
    first = d.cube.hdus[0]
    first.set("NAXIS", 1)
    first.cards.insert(3, "NAXIS1  =                    4".ljust(80))
    first.data = b"data"
    d.write()


@breaks("cube.data-there")
def _(d):
    del d.cube.hdus[DATA]
    d.cube.set(DATA, SCIDATA=None)


@breaks("cube.error-there")
def _(d):
    del d.cube.hdus[STAT]
    d.cube.set(DATA, ERRDATA=None)


@breaks("cube.once")
def _(d):
    d.cube.hdus.append(d.cube.copy(d.cube.path).hdus[STAT])
    d.cube.set(3, EXTNAME="STAT2")


@breaks("cube.other-extension")
def _(d):
    table = with_table(d, EXTNAME="SOURCES")
    d.cube.hdus.remove(table)
    d.cube.set(0, PROVXTN=None, PROV1="MUSE.2014-10-22T23:51:00.123")
    d.cube.hdus.append(table)
    d.write()


@breaks("cube.axes")
def _(d):
    d.cube.hdus[STAT].cards.insert(6, "NAXIS4  =                    1".ljust(80))
    d.cube.set(STAT, NAXIS=4)


@breaks("cube.size")
def _(d):
    stat = d.cube.hdus[STAT]
    stat.data = stat.data[: 5 * 4 * 5 * 4]
    d.cube.set(STAT, NAXIS3=5)


@breaks("cube.extname-unique")
def _(d):
    d.cube.set(STAT, EXTNAME="DATA")
    d.cube.set(DATA, ERRDATA="DATA")


setting("cube.floating-point", "cube", DATA, BSCALE=1.0)
setting(
    "cube.error-unit",
    "cube",
    STAT,
    BUNIT="10**(-20)erg.s**(-1).cm**(-2).angstrom**(-1)",
)
setting("cube.SCIDATA", "cube", STAT, SCIDATA=None)
setting("cube.ERRDATA", "cube", DATA, ERRDATA="ERROR")
setting("cube.QUALDATA", "cube", DATA, QUALDATA="QUAL")

# Coordinates ----------------------------------------------------------------------

setting("wcs.scheme", "cube", DATA, CDELT1=1.0)
setting("wcs.one-set", "cube", DATA, CRVAL1A=1.0)


@breaks("wcs.pair")
def _(d):
    for hdu in d.planes:
        hdu.set("CTYPE2", "DEC--SIN")
    d.write()


@breaks("wcs.plane")
def _(d):
    for hdu in d.planes:
        for i in (1, 2):
            for j in (1, 2):
                hdu.set(f"CD{i}_{j}", 1e-4)
    d.write()


setting("wcs.extensions", "cube", STAT, CRPIX3=2.0)
setting("wcs.position", "cube", 0, RA=54.1)

# Ancillary files ------------------------------------------------------------------


@breaks("ancillary.plane")
def _(d):
    d.map.hdus[0].cards.insert(5, "NAXIS3  =                    1".ljust(80))
    d.map.set(0, NAXIS=3)


setting("ancillary.nested", "image", 0, ASSON1="a.png")


@breaks("ancillary.orphan")
def _(d):
    d.map.copy(d.directory / "map.fits")


@breaks("white-light.shared")
def _(d):
    d.cube.copy(d.directory / "cube.fits")


setting("white-light.BUNIT", "image", DATA, BUNIT=None)
setting("exposure-map.BUNIT", "map", 0, BUNIT="min")


@breaks("exposure-map.BITPIX")
def _(d):
    d.map.hdus[0].data = struct.pack(">20i", *[1800] * 20)
    d.map.set(0, BITPIX=32)


@breaks("exposure-map.BLANK")
def _(d):
    d.map.hdus[0].data = struct.pack(">20h", *[1800] * 20)
    d.map.set(0, BITPIX=16, BLANK=-1)


@breaks("exposure-map.pixels")
def _(d):
    map_of(d, [1800.0] * 19 + [float("nan")])


def map_of(d, times):
    d.map.hdus[0].data = struct.pack(">20f", *times)
    d.map.write()


# Links ----------------------------------------------------------------------------

setting("link.name", "cube", 0, ASSON3="../plot.png")
setting("link.stray", "cube", 0, ASSOC9="ANCILLARY.README")
setting("link.ASSOC", "cube", 0, ASSOC3=None)
setting("link.ASSOM", "cube", 0, ASSOM3=None)
setting("link.white-light", "image", 0, PRODCATG="ANCILLARY.IMAGE")


@breaks("link.name-unique")
def _(d):
    other = d.directory / "other"
    other.mkdir()
    d.image.copy(other / "image.fits")
    shutil.copy(d.log, other)
    cube = d.cube.copy(other / "cube.fits")
    cube.set(0, ASSON1="image.fits", **{f"ASSON{MAP}": None})
    cube.set(0, ASSON3=None, ASSOC3=None, ASSOM3=None)
    return [d.directory, other]


@breaks("link.there")
def _(d):
    d.plot.unlink()


@breaks("link.whole")
def _(d):
    d.map.path.write_bytes(d.map.path.read_bytes()[:-1])
    return [d.cube.path]


@breaks("link.science")
def _(d):
    d.cube.copy(d.directory / "other.fits")
    d.relink(ASSON5="other.fits")
    return [d.cube.path]


@breaks("link.md5")
def _(d):
    d.plot.write_bytes(b"another plot")


def smaller(file):
    for hdu in file.hdus:
        if hdu.data:
            hdu.set("NAXIS2", 3)
            hdu.data = hdu.data[: 5 * 3 * 4]
    file.write()


@breaks("link.white-light-size")
def _(d):
    smaller(d.image)


@breaks("link.exposure-map-size")
def _(d):
    smaller(d.map)


setting("link.white-light-wcs", "image", DATA, CRVAL1=53.101)
setting("link.exposure-map-wcs", "map", 0, CRPIX1=3.5)


@breaks("link.exposure-map")
def _(d):
    d.relink(EXPTIME=900.0, **{f"ASSON{MAP}": None})
    return [d.cube.path]


@breaks("link.exposure-map-median")
def _(d):
    map_of(d, [900.0] * 20)


# The tests ------------------------------------------------------------------------


def found_in(dataset, paths=None):
    report = validate(paths or [dataset.directory])
    return [
        (finding, file.path.name) for file in report.files for finding in file.findings
    ]


def test_a_valid_dataset_is_found_valid(dataset):
    report = validate([dataset.directory])
    assert [file.findings for file in report.files] == [(), (), ()]
    assert [file.category for file in report.files] == [
        "SCIENCE.CUBE.IFS",
        "ANCILLARY.IMAGE.WHITELIGHT",
        "ANCILLARY.EXPMAP",
    ]
    assert (report.errors, report.warnings) == (0, 0)


def test_every_rule_has_a_file_that_breaks_it():
    assert [rule.id for rule in RULES if rule.id not in BREAKERS] == []
    assert set(BREAKERS) == {rule.id for rule in RULES}


def test_ids_are_unique():
    ids = [rule.id for rule in RULES]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_what_breaks_a_rule_is_reported_by_that_rule_alone(dataset, rule):
    if rule.id == "fits.cfitsio" and not find_spec("fitsio"):
        pytest.skip("the extra fitsio is not installed")
    found = found_in(dataset, BREAKERS[rule.id](dataset))
    assert {finding.rule for finding, _ in found} == {rule.id}
    for finding, _ in found:
        assert finding.severity is rule.severity
        assert finding.section == rule.section
        assert finding.expects == rule.expects
        assert finding.what


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_that_needs_data_is_not_asked_without(dataset, rule):
    if rule.id == "fits.cfitsio" and not find_spec("fitsio"):
        pytest.skip("the extra fitsio is not installed")
    paths = BREAKERS[rule.id](dataset) or [dataset.directory]
    report = validate(paths, with_data=False)
    found = {finding.rule for file in report.files for finding in file.findings}
    assert found == (set() if rule.needs_data else {rule.id})
    if rule.needs_data:
        assert any(rule.id in told for told in report.not_checked)


WRONG = {
    "RA": (-1.0, 360.5, "53.1"),
    "DEC": (90.5, True),
    "RADESYS": ("FK4", 5),
    "TIMESYS": ("TT",),
    "EXPTIME": (0.0, -1.0, "1800"),
    "MJD__OBS": (40000.0,),
    "DATE": ("03/02/19", "2019-02-30", 2019),
    "DATE__OBS": ("2014-10-22 23:57:32", ""),
    "PROG_ID": ("094.D-0114B", "94", "094.D-0114", ""),
    "NCOMBINE": (0, 3.0, True),
    "FLUXCAL": ("RELATIVE", "absolute"),
    "REFERENC": ("2014A&A", "10.1051/0004-6361/201730605"),
    "SPECSYS": ("BARYCENTRIC",),
    "WAVELMIN": (0.0,),
    "ABMAGLIM": (99.5, -1.0),
    "PIXNOISE": (-1e-20,),
    "SKY_RES": (-0.1,),
    "SKY_RERR": (100.0,),
    "STREHL": (0.0, 1.5),
    "NOESODAT": ("T",),
    "OBJECT": ("", 300),
    "INSTRUME": ("MUSE/2.8",),
}
RIGHT = {
    "RA": (0, 360),
    "RADESYS": ("ICRS",),
    "TIMESYS": ("UTC",),
    "DATE": ("2019-02-03T04:05:06.789", "2019-02-03T04:05:06.1"),
    "PROG_ID": ("1104.A-0026(C)", "110.23XX.001"),
    "REFERENC": ("1924MNRAS..84..308E", "doi:10.1051/0004-6361/201730605"),
    "STREHL": (1,),
    "NOESODAT": (True,),
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in WRONG for value in WRONG[name]]
)
def test_a_wrong_value_is_reported_with_its_key_and_as_it_stands(dataset, name, value):
    dataset.relink(**{name: value})
    found = found_in(dataset)
    key = name.replace("__", "-")
    (finding,) = [f for f, _ in found if f.rule == f"primary.{key}"]
    assert (finding.key, finding.hdu) == (key, "0")
    assert str(value) in finding.value or value in {True, False}
    others = {f.rule for f, _ in found} - {finding.rule}
    assert all(
        rule.startswith("relation.") or rule == "wcs.position" for rule in others
    )


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in RIGHT for value in RIGHT[name]]
)
def test_a_value_that_the_standard_allows_is_not_reported(dataset, name, value):
    dataset.relink(**{name: value})
    rules = {finding.rule for finding, _ in found_in(dataset)}
    assert f"primary.{name}" not in rules


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("HDUDOC", "DICD"),
        ("HDUVERS", "DICD version 6"),
        ("HDUCLAS1", "TABLE"),
        ("HDUCLAS2", "DATEN"),
        ("BUNIT", "adu"),
        ("BUNIT", ""),
        ("CTYPE1", "GLON-TAN"),
        ("CUNIT1", "arcsec"),
        ("CUNIT3", "Hz"),
        ("CD3_3", 0.0),
        ("CSYER1", "small"),
    ],
)
def test_a_wrong_value_of_an_extension_is_reported(dataset, name, wrong):
    dataset.cube.set(DATA, **{name: wrong})
    found = [finding for finding, _ in found_in(dataset)]
    assert any(f.key == name and f.hdu == "1 (DATA)" for f in found)


def test_a_value_that_is_none_is_told_so(dataset, written):
    dataset.relink(EXPTIME=written("1800 s"), TEXPTIME=written(""))
    found = {f.key: f for f, _ in found_in(dataset) if f.rule.startswith("primary")}
    assert found["EXPTIME"].what == "is no number"
    assert found["EXPTIME"].value == "1800 s"
    assert found["TEXPTIME"].what == "has no value"


def test_a_lossless_tile_compressed_map_is_fine(dataset):
    compressed_map(dataset, compression_type="GZIP_2", quantize_level=0)
    assert found_in(dataset) == []


def test_provenance_may_be_a_table(dataset):
    with_table(dataset)
    assert found_in(dataset) == []


@pytest.mark.parametrize(
    "change",
    [
        {"PROVXTN": None},
        {"PROV1": "MUSE.2014-10-22T23:51:00.123"},
    ],
)
def test_provenance_is_told_in_one_way(dataset, change):
    with_table(dataset)
    dataset.relink(**change)
    assert {f.rule for f, _ in found_in(dataset)} == {"provenance.one-way"}


def test_two_white_light_images_are_one_too_many(dataset):
    dataset.image.copy(dataset.directory / "second.fits")
    dataset.relink(ASSON5="second.fits")
    (found,) = [finding for finding, _ in found_in(dataset)]
    assert found.rule == "link.white-light"
    assert "second.fits" in found.what


def test_several_runs_and_icrs_are_fine(dataset):
    dataset.relink(**RUNS, RADESYS="ICRS", EQUINOX=None)
    assert found_in(dataset) == []


def test_an_image_in_the_primary_hdu_needs_no_scheme(dataset):
    plain = dataset.map.copy(dataset.image.path)
    plain.set(0, PRODCATG="ANCILLARY.IMAGE.WHITELIGHT", BUNIT="Jy")
    assert found_in(dataset) == []


def test_associated_files_may_be_in_another_directory_that_is_given(dataset):
    other = dataset.directory / "images"
    other.mkdir()
    dataset.image.path.rename(other / dataset.image.path.name)
    assert {f.rule for f, _ in found_in(dataset)} == {"link.there"}
    assert found_in(dataset, [dataset.directory, other]) == []


def test_a_file_given_twice_is_read_once(dataset):
    around = dataset.directory / ".." / dataset.directory.name
    report = validate([dataset.directory, dataset.cube.path, around])
    assert len(report.files) == 3
    assert report.files[0].path == dataset.cube.path


def test_other_categories_get_the_rules_for_any_fits_file(dataset):
    dataset.image.copy(dataset.directory / "more.fits")
    more = dataset.image.copy(dataset.directory / "more.fits")
    more.set(0, PRODCATG="ANCILLARY.MUSE.PIXTABLE_REDUCED", ASSON1="x")
    report = validate([more.path])
    assert report.files[0].findings == ()
    assert any("more.fits" in told for told in report.not_checked)


def test_that_cfitsio_is_not_installed_is_said(dataset, monkeypatch):
    monkeypatch.setitem(sys.modules, "fitsio", None)
    with_table(dataset, TFORM1="70A")
    report = validate([dataset.directory])
    assert report.errors == 0
    assert any("cfitsio is not installed" in told for told in report.not_checked)


def test_the_nearest_category_is_offered(dataset):
    dataset.image.set(0, PRODCATG="ANCILLARY.IMAGE.WHITELIGTH")
    report = validate([dataset.image.path])
    (finding,) = report.files[0].findings
    assert "did you mean 'ANCILLARY.IMAGE.WHITELIGHT'?" in finding.what


def test_severities_and_sections_are_of_the_known_kinds():
    for rule in RULES:
        assert rule.section.split()[0] in {"SDP", "CHK", "FITS", "ours"}
        assert rule.severity in Severity
        assert rule.about
        assert all(about in About for about in rule.about)
