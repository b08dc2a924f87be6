"""Headers: read once and rightly, and a file that is not whole is never taken."""

import errno
import os
import shutil
import sqlite3

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from phoenix_core.create_ab import fits_header
from phoenix_core.create_ab import headers as database
from phoenix_core.create_ab.fits_header import parse_value, read_header
from phoenix_core.create_ab.headers import headers_below
from phoenix_core.fits.file import check_fits
from phoenix_core.records.ledger import open_ledger

WANTED = (
    *("DATE-OBS", "ESO DET DIT", "ESO DET DITDELAY", "ESO INS FILT1 NAME", "EXPTIME"),
    *("MJD-OBS", "NOT THERE", "CHIP2:ESO DET WIN NX", "OBJECT", "LIVE"),
)
VALUES = {
    "DATE-OBS": "2024-03-10T23:59:59.1234",
    "ESO DET DITDELAY": 3,
    "ESO DET DIT": 10.0,
    "ESO INS FILT1 NAME": "Ks",
    "EXPTIME": 1e-3,
    "MJD-OBS": 60379.99999,
    "OBJECT": 'O\'Neill / # "x"',
    "LIVE": True,
}


def write(path, values=VALUES, cards=200):
    """A file with a long primary header, two images and a table behind it."""
    primary = fits.PrimaryHDU()
    for number in range(cards):
        primary.header[f"HIERARCH ESO TEL SENSOR{number}"] = number / 7
    for keyword, value in values.items():
        name = f"HIERARCH {keyword}" if " " in keyword else keyword
        primary.header[name] = (value, "a comment with = and '")
    chip = fits.ImageHDU(np.arange(1200, dtype=np.uint16).reshape(30, 40), name="CHIP1")
    other = fits.ImageHDU(np.zeros((3, 5), np.float32), name="CHIP2")
    other.header["HIERARCH ESO DET WIN NX"] = 5
    columns = [fits.Column("x", "PJ()", array=np.array([[1], [2, 3]], object))]
    table = fits.BinTableHDU.from_columns(columns)
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.HDUList([primary, chip, other, table]).writeto(path, overwrite=True)
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write(tmp_path_factory.mktemp("whole") / "whole.fits")


def test_what_is_read_is_what_astropy_reads(whole):
    found = read_header(whole, WANTED)
    assert found.problem == ""
    assert found.values == {**VALUES, "CHIP2:ESO DET WIN NX": 5, "hdus": 4}


@settings(max_examples=60)
@given(st.data())
def test_a_file_cut_anywhere_but_between_two_hdus_is_told(whole, data):
    content = whole.read_bytes()
    with fits.open(whole) as hdus:
        ends = {hdu.fileinfo()["datLoc"] + hdu.fileinfo()["datSpan"] for hdu in hdus}
    at = data.draw(st.integers(0, len(content) - 1))
    cut = whole.with_name("cut.fits")
    cut.write_bytes(content[:at])
    found = read_header(cut, WANTED)
    if at in ends:
        assert found.values["hdus"] < 4
    else:
        assert found.problem
        assert "hdus" not in found.values


@settings(max_examples=100)
@given(st.binary(max_size=3000), st.integers(0, 200))
def test_no_bytes_are_too_strange_to_be_told(whole, noise, place):
    content = bytearray(whole.read_bytes())
    content[place * 100 : place * 100 + len(noise)] = noise
    strange = whole.with_name("strange.fits")
    strange.write_bytes(bytes(content))
    found = read_header(strange, WANTED)
    assert found.problem or found.values["hdus"] >= 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"no fits at all", "is no FITS"),
        (b"SIMPLE  =                    T", "is truncated: HDU 0 ends within"),
        (b"SIMPLE  =  \xff".ljust(2880) + b"END".ljust(2880), "is no text"),
        (b"SIMPLE  = T".ljust(80) + b"END".ljust(2800), "HDU 0 has no size"),
    ],
)
def test_what_is_no_fits_file_has_a_problem(tmp_path, content, told):
    path = tmp_path / "x.fits"
    path.write_bytes(content)
    assert told in read_header(path, WANTED).problem
    assert "cannot be read" in read_header(tmp_path / "none.fits", WANTED).problem


def test_other_bytes_behind_the_last_hdu_are_told(whole, tmp_path):
    path = tmp_path / "x.fits"
    path.write_bytes(whole.read_bytes() + b"x" * 2880)
    assert read_header(path, WANTED).problem == "has other bytes behind HDU 3"


def test_a_pipe_or_a_directory_that_is_named_like_a_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.fits")
    (tmp_path / "folder.fits").mkdir()
    for name in ("pipe.fits", "folder.fits"):
        found = read_header(tmp_path / name, WANTED)
        assert found.problem.startswith("cannot be read: ")
        assert not found.values


@pytest.mark.parametrize("axes", [1, 999])
def test_a_size_that_no_file_can_have_is_told(tmp_path, axes):
    path = tmp_path / "x.fits"
    sizes = [f"NAXIS{n + 1:<3}= {'9' * 65}" for n in range(axes)]
    cards = ["SIMPLE  = T", "BITPIX  = 64", f"NAXIS   = {axes}", *sizes, "END"]
    header = "".join(card.ljust(80) for card in cards).encode()
    path.write_bytes(header.ljust(-(-len(header) // 2880) * 2880))
    told = read_header(path, WANTED).problem
    assert told == "has a garbled header: HDU 0 has an impossible size"
    assert "larger than any file" in check_fits(path).problems[0]


def test_what_a_damaged_header_says_is_taken_all_the_same(whole, tmp_path):
    path = tmp_path / "x.fits"
    content = whole.read_bytes()
    at = content.index(b"OBJECT  =")
    path.write_bytes(content[: at + 90])  # within the next card
    found = read_header(path, WANTED)
    assert found.problem == "is truncated: HDU 0 ends within its header"
    assert found.values["OBJECT"] == VALUES["OBJECT"]
    assert found.values["ESO DET DIT"] == 10.0
    garbled = bytearray(content)
    garbled[at + 79] = 0xE9
    path.write_bytes(bytes(garbled))
    found = read_header(path, WANTED)
    assert found.problem == "has a garbled header: HDU 0 is no text"
    assert {k: found.values[k] for k in VALUES} == VALUES


@pytest.mark.parametrize("text", [b"1_0.0", b"1_0", b"NaN", b"inf", b"1e999", b"2\xb2"])
def test_what_is_no_number_in_a_header_is_not_there(text):
    assert parse_value(b" " + text + b" / comment") is None


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.booleans())
def test_a_number_is_read_as_it_was_written(value):
    shown = ("T" if value else "F") if isinstance(value, bool) else f"{value!r}"
    found = parse_value(f" {shown:>20} / comment".encode())
    assert found == value
    assert type(found) is type(value)


# The database -----------------------------------------------------------------------


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(f"sqlite:///{tmp_path}/headers.db") as opened:
        yield opened


@pytest.fixture
def reads(monkeypatch):
    """The files that are opened."""
    opened = []

    def reading(path, wanted):
        opened.append(path.name)
        return read_header(path, wanted)

    monkeypatch.setattr(database, "read_header", reading)
    return opened


def test_a_file_is_read_once_until_it_changes(tmp_path, whole, ledger, reads):
    raw = tmp_path / "raw"
    for name in ("night/a.fits", "night/deep/b.fits", "night/c.txt"):
        (raw / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(whole, raw / name)
    first = headers_below(ledger, raw, WANTED)
    assert sorted(reads) == ["a.fits", "b.fits"]
    assert headers_below(ledger, raw, WANTED) == first
    assert len(reads) == 2
    write(raw / "night/a.fits", {**VALUES, "ESO DET DIT": 2.0})
    again = headers_below(ledger, raw, WANTED)
    assert reads[2:] == ["a.fits"]
    assert [found.header.values["ESO DET DIT"] for found in again] == [2.0, 10.0]


def test_a_file_of_the_same_size_is_read_again_by_its_time(
    tmp_path, whole, ledger, reads
):
    path = tmp_path / "raw" / "a.fits"
    path.parent.mkdir()
    shutil.copy(whole, path)
    headers_below(ledger, path.parent, WANTED)
    os.utime(path, ns=(1, 1))
    headers_below(ledger, path.parent, WANTED)
    assert reads == ["a.fits", "a.fits"]


def test_other_keywords_are_read_anew(tmp_path, whole, ledger, reads):
    raw = tmp_path / "raw"
    raw.mkdir()
    shutil.copy(whole, raw)
    (found,) = headers_below(ledger, raw, ("EXPTIME",))
    assert set(found.header.values) == {"EXPTIME", "hdus"}
    (found,) = headers_below(ledger, raw, WANTED)
    assert found.header.values["ESO DET DIT"] == 10.0
    headers_below(ledger, raw, WANTED)
    assert len(reads) == 2


def test_a_file_that_is_gone_is_not_found_and_one_that_is_back_is(
    tmp_path, whole, ledger
):
    raw = tmp_path / "raw"
    raw.mkdir()
    shutil.copy(whole, raw)
    assert [f.name for f in headers_below(ledger, raw, WANTED)] == ["whole.fits"]
    (raw / "whole.fits").unlink()
    assert headers_below(ledger, raw, WANTED) == ()
    shutil.copy(whole, raw)
    assert len(headers_below(ledger, raw, WANTED)) == 1
    assert headers_below(ledger, tmp_path / "no_directory", WANTED) == ()


def test_a_damaged_file_keeps_its_problem_until_it_is_fetched_again(
    tmp_path, whole, ledger, reads
):
    path = tmp_path / "raw" / "a.fits"
    path.parent.mkdir()
    path.write_bytes(whole.read_bytes()[:-2880])
    for _ in range(2):
        (found,) = headers_below(ledger, path.parent, WANTED)
        assert found.header.problem == "is truncated: 2880 bytes of HDU 3 are missing"
        assert found.header.values["ESO DET DIT"] == 10.0
    assert len(reads) == 1
    shutil.copy(whole, path)
    (found,) = headers_below(ledger, path.parent, WANTED)
    assert found.header.problem == ""


def test_dead_links_and_packed_files_are_told_and_not_read(
    tmp_path, whole, ledger, reads
):
    raw = tmp_path / "raw"
    raw.mkdir()
    shutil.copy(whole, raw)
    (raw / "dead.fits").symlink_to(tmp_path / "nowhere.fits")
    for name in ("a.fits.gz", "b.fits.Z", "notes.txt.gz"):
        (raw / name).write_bytes(b"x")
    for _ in range(2):
        found = {f.name: f.header.problem for f in headers_below(ledger, raw, WANTED)}
        assert found == {
            "a.fits.gz": "is packed (.gz), only .fits and .fits.fz are read",
            "b.fits.Z": "is packed (.Z), only .fits and .fits.fz are read",
            "dead.fits": "is a dead link",
            "whole.fits": "",
        }
    assert reads == ["whole.fits"]


def test_a_file_that_could_not_be_read_once_is_read_again(
    tmp_path, whole, ledger, monkeypatch
):
    raw = tmp_path / "raw"
    raw.mkdir()
    shutil.copy(whole, raw)

    def failing(path):
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    with monkeypatch.context() as broken:
        broken.setattr(fits_header, "open_regular", failing)
        (found,) = headers_below(ledger, raw, WANTED)
    assert found.header.problem == "cannot be read: Input/output error"
    (found,) = headers_below(ledger, raw, WANTED)
    assert found.header.problem == ""


def test_a_copy_that_brings_size_and_time_along_is_noticed(tmp_path, ledger):
    raw = tmp_path / "raw"
    path = write(raw / "a.fits")
    state = path.stat()
    headers_below(ledger, raw, WANTED)
    content = path.read_bytes().replace(b"10.0", b"20.0")
    path.write_bytes(content)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    (found,) = headers_below(ledger, raw, WANTED)
    assert found.header.values["ESO DET DIT"] == 20.0


def test_a_link_to_nowhere_and_one_in_a_circle_are_told(tmp_path, whole, ledger):
    raw = tmp_path / "raw"
    raw.mkdir()
    shutil.copy(whole, raw)
    (raw / "dead.fits").symlink_to("nowhere.fits")
    (raw / "night").symlink_to("/no/disk")
    (raw / "loop").symlink_to("loop")
    found = {one.name: one.header.problem for one in headers_below(ledger, raw, WANTED)}
    assert found == {
        "dead.fits": "is a dead link",
        "loop": "cannot be read: Too many levels of symbolic links",
        "night": "is a dead link",
        "whole.fits": "",
    }


def test_a_directory_that_cannot_be_read_does_not_harm_the_others(
    tmp_path, whole, ledger
):
    shutil.copy(whole, tmp_path)
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(20):  # together longer than a path may be
        os.mkdir("x" * 240, dir_fd=here)
        inner = os.open("x" * 240, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    found = [one.header.problem for one in headers_below(ledger, tmp_path, WANTED)]
    assert sorted(found) == ["", "cannot be read: File name too long"]


def test_a_directory_whose_name_is_no_text_does_not_harm_the_others(
    tmp_path, whole, ledger
):
    folder = tmp_path / os.fsdecode(b"\xff")
    folder.mkdir()
    shutil.copy(whole, folder)
    shutil.copy(whole, tmp_path)
    for _ in range(2):
        assert len(headers_below(ledger, tmp_path, WANTED)) == 2


DAMAGES = {
    "a row that is no JSON": "UPDATE headers SET content = '{'",
    "a row of another shape": "UPDATE headers SET content = '[[1], 2]'",
    "a value that is none": """UPDATE headers SET content = '[{"X": [1]}, ""]'""",
    "a row without content": "UPDATE headers SET content = x'ff'",
    "a row that is no text": "UPDATE headers SET content = CAST(x'ff' AS TEXT)",
    "another shape": "ALTER TABLE headers DROP COLUMN ctime_ns",
    "another column": "ALTER TABLE headers ADD COLUMN more INTEGER",
    "no table": "DROP TABLE headers",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_database_of_headers_is_made_anew(
    tmp_path, whole, ledger, reads, damage
):
    raw = tmp_path / "raw"
    raw.mkdir()
    shutil.copy(whole, raw)
    first = headers_below(ledger, raw, WANTED)
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql(DAMAGES[damage])
    for _ in range(2):
        assert headers_below(ledger, raw, WANTED) == first
    assert len(reads) == 2


def test_a_database_that_is_locked_costs_only_time(tmp_path, whole, ledger):
    raw = tmp_path / "raw"
    raw.mkdir()
    shutil.copy(whole, raw)
    with ledger.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=20")
    other = sqlite3.connect(tmp_path / "headers.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    (found,) = headers_below(ledger, raw, WANTED)
    other.close()
    assert found.header.values["ESO DET DIT"] == 10.0


def test_links_are_followed_once(tmp_path, whole, ledger):
    disk, raw = tmp_path / "disk", tmp_path / "raw"
    disk.mkdir()
    raw.mkdir()
    shutil.copy(whole, disk)
    (raw / "night").symlink_to(disk)
    (disk / "back").symlink_to(raw)
    found = headers_below(ledger, raw, WANTED)
    assert [one.path for one in found] == [str(raw / "night" / "whole.fits")]


def test_a_name_that_is_no_text_does_not_harm_the_others(tmp_path, whole, ledger):
    raw = tmp_path / "raw"
    raw.mkdir()
    shutil.copy(whole, raw)
    shutil.copy(whole, os.fsencode(raw) + b"/\xff.fits")
    for _ in range(2):
        found = headers_below(ledger, raw, WANTED)
        assert [one.header.problem for one in found] == ["", ""]
