"""Whatever a file holds, it is told of, and nothing is raised."""

import gzip
import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from phoenix_core.errors import ConfigError
from phoenix_core.sdp.header import Card, Header
from phoenix_core.sdp.rules import RULES
from phoenix_core.sdp.validate import validate

SAME_FILE = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
PRINTABLE = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
KEYWORDS = sorted(
    {
        rule.id.rpartition(".")[2]
        for rule in RULES
        if rule.id.rpartition(".")[2].isupper()
    }
    | {"NAXIS", "NAXIS1", "NAXIS3", "BITPIX", "PCOUNT", "GCOUNT", "XTENSION", "BSCALE"}
    | {"BZERO", "BLANK", "ZIMAGE", "ZNAXIS", "ZBITPIX", "PRODCATG", "EQUINOX", "PROV1"}
    | {"PROV01", "ASSON1", "ASSOC2", "ASSOM2", "OBID1", "PROGID1", "CDELT1", "PROVXTN"}
)
VALUES = st.one_of(
    st.sampled_from(["T", "F", "''", "", "'ERROR'", "1E999", "-1D308", "1E308", "0"]),
    st.integers(-(10**60), 10**60).map(str),
    st.floats(allow_nan=False).map(repr),
    st.text(PRINTABLE, max_size=60).map(lambda text: f"'{text[:60]}'"),
    st.text(PRINTABLE, max_size=70),
)
CARDS = st.one_of(
    st.builds(
        lambda keyword, value: f"{keyword:<8}= {value}"[:80].ljust(80),
        st.sampled_from(KEYWORDS),
        VALUES,
    ),
    st.text(PRINTABLE, max_size=80).map(lambda text: text.ljust(80)),
)


def told(path):
    (file,) = validate([path]).files
    return file.findings


def test_no_fits_file_is_told_in_one_finding(dataset):
    for content in (b"", b"hello\n", b"SIMPLE  =", b"\x89PNG\r\n" * 1000, bytes(5760)):
        path = dataset.directory / "text.fits"
        path.write_bytes(content)
        (finding,) = told(path)
        assert finding.rule == "fits.whole"


@pytest.mark.parametrize("length", [0, 1, 80, 2879, 2880, 5000, 5760, 11520, -1, -2880])
def test_a_truncated_cube_is_told_once_and_not_what_follows_from_it(dataset, length):
    content = dataset.cube.path.read_bytes()
    dataset.cube.path.write_bytes(content[:length])
    report = validate([dataset.directory])
    found = {f.rule for file in report.files for f in file.findings}
    # Cut between two HDUs it is a whole file with fewer of them.
    assert "fits.whole" in found or "cube.error-there" in found or found
    if "fits.whole" in found:
        assert found == {"fits.whole"}


@pytest.mark.parametrize("name", ["cube.fits.gz", "cube.fits", "cube.fits.fz"])
def test_gzip_is_told_as_such_whatever_the_name(dataset, name):
    path = dataset.directory / "elsewhere" / name
    path.parent.mkdir()
    path.write_bytes(gzip.compress(dataset.cube.path.read_bytes()))
    (finding,) = told(path)
    assert finding.rule == "file.gzip"


def test_what_is_no_file_is_wrong_use(tmp_path):
    os.mkfifo(tmp_path / "pipe.fits")
    for path in (tmp_path, tmp_path / "none.fits", tmp_path / "pipe.fits"):
        with pytest.raises(ConfigError, match=str(path)):
            validate([path])


def test_a_pipe_in_a_dataset_is_not_waited_for(dataset):
    os.mkfifo(dataset.directory / "pipe.fits")
    assert len(validate([dataset.directory]).files) == 3


def test_links_never_leave_the_directory(dataset):
    secret = dataset.directory.parent / "secret.txt"
    secret.write_text("x")
    for name in ("../secret.txt", "/etc/hostname", "a/b.png", "..", "-x.png"):
        dataset.relink(ASSON3=name)
        report = validate([dataset.cube.path])
        (finding,) = report.files[0].findings
        assert finding.rule == "link.name"


@SAME_FILE
@given(st.binary(max_size=9000), st.sampled_from([b"", b"SIMPLE  =", "cube"]))
def test_random_bytes_are_told_and_never_raised(dataset, garbage, start):
    path = dataset.directory / "garbage.fits"
    head = dataset.cube.path.read_bytes() if start == "cube" else start
    path.write_bytes(head + garbage)
    assert told(path) or not garbage


@SAME_FILE
@given(st.data())
def test_a_flipped_byte_is_told_and_never_raised(dataset, data):
    content = bytearray(dataset.cube.path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))
    path = dataset.directory / dataset.cube.path.name
    before = path.read_bytes()
    path.write_bytes(content)
    try:
        findings = told(path)
        assert findings or bytes(content) == before
    finally:
        path.write_bytes(before)


@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    cards=st.lists(st.tuples(st.integers(0, 2), CARDS), min_size=1, max_size=12),
    which=st.sampled_from(["cube", "image", "map"]),
    replace=st.booleans(),
)
@example(
    cards=[(0, "RA      =               1E308".ljust(80))], which="cube", replace=True
)
@example(
    cards=[(1, "CRVAL1  =              -1E308".ljust(80))], which="cube", replace=True
)
@example(
    cards=[(0, "BSCALE  =               1E308".ljust(80))], which="map", replace=True
)
def test_random_cards_are_judged_and_never_raised(dataset, cards, which, replace):
    file = getattr(dataset, which)
    path = dataset.directory / "strange" / file.path.name
    path.parent.mkdir(exist_ok=True)
    copy = file.copy(path)
    for number, image in cards:
        hdu = copy.hdus[number % len(copy.hdus)]
        keyword = image[:8].rstrip()
        if replace and any(c[:8].rstrip() == keyword for c in hdu.cards):
            hdu.cards = [image if c[:8].rstrip() == keyword else c for c in hdu.cards]
        else:
            hdu.cards.append(image)
    path.write_bytes(b"".join(hdu.content() for hdu in copy.hdus))
    dataset.cube.copy(path.parent / "with_links.fits")
    report = validate([path.parent, dataset.directory])
    assert len(report.files) >= 5


@given(st.text(PRINTABLE, min_size=80, max_size=80))
def test_any_card_can_be_read_and_shown(image):
    card = Card.parse(image)
    assert isinstance(card.shown, str)
    assert "\n" not in card.shown


@given(st.lists(CARDS, max_size=40))
def test_a_header_has_the_cards_before_its_end(images):
    images = [image for image in images if image.rstrip() != "END"]
    content = "".join([*images, "END".ljust(80), "AFTER   = 1".ljust(80)])
    header = Header.parse(content.encode("ascii"))
    assert len(header.cards) == len(images)
    assert "AFTER" not in header


def bytes_read():
    """What this process has asked the system for until now."""
    for line in Path("/proc/self/io").read_text().splitlines():
        if line.startswith("rchar: "):
            return int(line.split()[1])
    raise AssertionError


def test_a_large_cube_is_read_once_and_in_little_memory(dataset):
    """300 MB of zeros, as holes of the file."""
    validate([dataset.directory])  # what is imported is read as well
    for number in (1, 2):
        dataset.cube.set(number, NAXIS1=2000, NAXIS2=2000, NAXIS3=9)
    size = 2000 * 2000 * 9 * 4
    contents = []
    for hdu in dataset.cube.hdus:
        hdu.data = b""
        contents.append(hdu.content())
    with dataset.cube.path.open("wb") as file:
        for content in contents:
            file.write(content)
            if content is not contents[0]:
                file.truncate(file.tell() + size + -size % 2880)
                file.seek(0, os.SEEK_END)
    tracemalloc.start()
    try:
        begin = bytes_read()
        findings = told(dataset.cube.path)
        middle = bytes_read()
        validate([dataset.cube.path], with_data=False)
        end = bytes_read()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20e6
    assert 2 * size < middle - begin < 2 * size + 1e6
    assert end - middle < 1e6
    assert {finding.rule for finding in findings} <= {
        "link.white-light-size",
        "link.exposure-map-size",
    }
