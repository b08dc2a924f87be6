"""What `fits_edit` promises: cards are set, all else stays, no kill costs a file."""

import os
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phoenix_core.errors import ProcessingError
from phoenix_core.fits import edit as fits_edit
from phoenix_core.fits import in_place, insert_range
from phoenix_core.fits.edit import (
    HeaderEdit,
    copy_edited,
    edit_headers,
    finish_edit,
    set_cards,
)
from phoenix_core.fits.file import check_fits
from phoenix_core.testing.killing import kill_at

SAME_FILE = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_an_edit_keeps_all_else_and_the_checksums_right(signed, number):
    with fits.open(signed, disable_image_compression=True) as hdus:
        before = [(hdu.header.copy(), data_bytes(hdu)) for hdu in hdus]
    cards = {"ESO QC NUM SAT": (5, "saturated pixels"), "OBJECT": ("o'x", "")}
    set_cards(signed, cards, hdu=number)
    assert check_fits(signed).problems == ()
    assert check_fits(signed).unsigned == ()
    with fits.open(signed, checksum=True, disable_image_compression=True) as hdus:
        hdus.verify("exception")
        for place, (hdu, (header, data)) in enumerate(zip(hdus, before, strict=True)):
            new = hdu.header.copy()
            if place == number:
                assert new["ESO QC NUM SAT"] == 5
                assert new.comments["ESO QC NUM SAT"] == "saturated pixels"
                assert new["OBJECT"] == "o'x"
                del new["ESO QC NUM SAT"], new["OBJECT"], new["CHECKSUM"]
                del header["CHECKSUM"]
            assert new.tostring() == header.tostring()
            assert data_bytes(hdu) == data


def data_bytes(hdu):
    return None if hdu.data is None else hdu.data.tobytes()


def test_a_card_that_is_there_is_changed_where_it_stands(signed):
    with fits.open(signed) as hdus:
        keywords = list(hdus[0].header)
    set_cards(signed, {"ESO PRO CATG": ("DEEP", "new")})
    with fits.open(signed) as hdus:
        assert list(hdus[0].header) == keywords
        assert hdus[0].header["ESO PRO CATG"] == "DEEP"


def test_an_edit_twice_is_the_same_as_once(signed):
    set_cards(signed, {"ESO QC X": (1.5, "x")})
    once = signed.read_bytes()
    set_cards(signed, {"HIERARCH ESO QC X": (1.5, "x")})
    assert signed.read_bytes() == once


def test_a_header_may_grow_by_blocks(signed):
    set_cards(signed, {f"ESO QC N{n}": (n, "") for n in range(100)}, hdu=1)
    assert check_fits(signed).problems == ()
    assert fits.getheader(signed, 1)["ESO QC N99"] == 99
    assert fits.getdata(signed, 1)[34, 30] == 35 * 31 - 1


def test_a_file_without_checksums_gets_none(write_fits):
    path = write_fits("bare.fits")
    set_cards(path, {"A": (True, "")})
    assert check_fits(path).problems == ()
    assert fits.getheader(path)["A"] is True
    assert "CHECKSUM" not in fits.getheader(path)


@SAME_FILE
@given(
    st.dictionaries(
        st.from_regex(r"[A-Z]{1,8}|ESO( [A-Z0-9]{1,8}){1,3}", fullmatch=True).filter(
            lambda k: k not in {"END", "COMMENT", "HISTORY", "CONTINUE", "CHECKSUM"}
        ),
        st.tuples(
            st.one_of(
                st.booleans(),
                st.integers(-(10**15), 10**15),
                st.floats(allow_nan=False, allow_infinity=False, width=32),
                st.text(
                    st.characters(codec="ascii", exclude_categories=["C"]), max_size=20
                ),
            ),
            st.text(
                st.characters(codec="ascii", exclude_categories=["C"]), max_size=90
            ),
        ),
        max_size=4,
    )
)
def test_any_card_can_be_set_and_read_back(tmp_path, signed_bytes, cards):
    # Readers take the quote of a comment for the end of a value that is empty.
    cards = {
        k: (v, c if v != "" else c.replace("'", "")) for k, (v, c) in cards.items()
    }
    structure = {"SIMPLE", "BITPIX", "NAXIS", "EXTEND", "GROUPS", "XTENSION", "DATASUM"}
    cards = {k: v for k, v in cards.items() if k not in structure}
    path = tmp_path / "set.fits"
    path.write_bytes(signed_bytes)
    set_cards(path, cards)
    assert check_fits(path).problems == ()
    header = fits.getheader(path)
    for keyword, (value, _) in cards.items():
        expected = value.rstrip() if isinstance(value, str) else value
        assert header[keyword] == pytest.approx(expected)


def test_a_value_without_room_is_refused_and_the_file_as_it_was(signed, signed_bytes):
    signed.write_bytes(signed_bytes)
    with pytest.raises(ProcessingError, match="no room"):
        set_cards(signed, {"ESO QC LONG": ("x" * 80, "")})
    with pytest.raises(ProcessingError, match="there is no HDU 4"):
        set_cards(signed, {"A": (1, "")}, hdu=4)
    assert signed.read_bytes() == signed_bytes
    assert [path.name for path in signed.parent.iterdir()] == [signed.name]


def test_a_broken_file_is_not_edited(signed, signed_bytes):
    signed.write_bytes(signed_bytes[:-1])
    with pytest.raises(ProcessingError, match="truncated"):
        set_cards(signed, {"A": (1, "")}, hdu=3)


def test_an_edit_that_fails_leaves_the_old_file_and_no_other(
    signed, signed_bytes, monkeypatch
):
    signed.write_bytes(signed_bytes)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fits_edit, "_copy", full)
    with pytest.raises(OSError, match="No space"):
        set_cards(signed, {"A": (1, "")})
    assert signed.read_bytes() == signed_bytes
    assert [path.name for path in signed.parent.iterdir()] == [signed.name]


def test_an_edited_file_keeps_its_permissions(signed):
    signed.chmod(0o640)
    set_cards(signed, {"A": (1, "")})
    assert signed.stat().st_mode & 0o777 == 0o640


def test_other_cards_stay_byte_for_byte_however_they_are_written(tmp_path):
    path = tmp_path / "odd.fits"
    cards = [
        "SIMPLE  =                    T",
        "BITPIX  =                    8",
        "NAXIS   =                    0",
        "EXPTIME = 6.0D+2",
        "LST= 5",
        "OBJECT  ='x'/no blanks",
        "HIERARCH  ESO  A  B=1",
        "LONG    = 'a&'",
        "CONTINUE  'b' / more",
        "HISTORY once",
        "",
        "HISTORY twice",
        "END",
    ]
    path.write_bytes("".join(c.ljust(80) for c in cards).ljust(2880).encode())
    edits = {
        0: HeaderEdit({"NEW": (1, ""), "ESO A B": (2, ""), "LONG": ("c", "")}, ("LST",))
    }
    edit_headers(path, edits)
    lines = [
        path.read_bytes()[at : at + 80].decode().rstrip() for at in range(0, 1040, 80)
    ]
    expected = [
        *cards[:6],
        "NEW     =                    1",
        f"HIERARCH ESO A B ={2:>21}",
    ]
    expected += ["LONG    = 'c       '", *cards[9:]]
    assert lines[: len(expected)] == expected
    assert len(path.read_bytes()) == 2880


def test_cards_are_taken_out(signed):
    edit_headers(signed, {0: HeaderEdit({}, ("DATAMD5", "ESO PRO CATG", "NONE"))})
    header = fits.getheader(signed)
    assert not {"DATAMD5", "ESO PRO CATG"} & set(header)
    assert check_fits(signed).problems == ()


def test_what_tells_how_the_data_lie_is_not_edited(signed, signed_bytes):
    for keyword in ("NAXIS1", "BITPIX", "CHECKSUM", "END", "COMMENT"):
        with pytest.raises(ProcessingError, match="not to be edited"):
            set_cards(signed, {keyword: (1, "")}, hdu=1)


def test_an_edit_does_not_hide_damaged_data(signed):
    content = bytearray(signed.read_bytes())
    with fits.open(signed) as hdus:
        content[hdus[1]._data_offset] ^= 1
    signed.write_bytes(content)
    before = check_fits(signed).problems
    set_cards(signed, {"A": (1, "")}, hdu=1)
    assert before
    assert check_fits(signed).problems == before


# In place -------------------------------------------------------------------------

MANY = {f"ESO QC N{n}": (n, "") for n in range(40)}
EDITS = {
    0: HeaderEdit({**MANY, "PRODCATG": ("SCIENCE.CUBE.IFS", "")}, ("DATAMD5",)),
    1: HeaderEdit({f"ESO QC M{n}": (n, "") for n in range(80)}),
    2: HeaderEdit({"OBJECT": ("x", "")}),
}


def content(path):
    """All that a file says: cards without the sum, and data."""
    with fits.open(path, disable_image_compression=True) as hdus:
        return [
            (
                [c.image for c in h.header.cards if c.keyword not in {"CHECKSUM", ""}],
                data_bytes(h),
            )
            for h in hdus
        ]


def can_insert(directory):
    path = directory / "probe"
    path.write_bytes(b"x" * 8192)
    with path.open("rb+") as file:
        try:
            insert_range.insert(file.fileno(), 0)
        except OSError:
            return False
    return True


@pytest.fixture
def inserting(tmp_path):
    if not can_insert(tmp_path):
        pytest.skip("this file system cannot insert ranges")


def test_in_place_and_by_a_copy_the_same_file_comes_out(signed, tmp_path, inserting):
    inode = signed.stat().st_ino
    copied = tmp_path / "copied.fits"
    copy_edited(signed, copied, EDITS)
    edit_headers(signed, {n: EDITS[n] for n in (0, 1, 2)}, small=0)
    assert content(signed) == content(copied)
    assert check_fits(signed).problems == ()
    assert check_fits(signed).unsigned == ()
    assert signed.stat().st_ino == inode
    size = signed.stat().st_size
    edit_headers(
        signed, {0: HeaderEdit({f"ESO X{n}": (n, "") for n in range(900)})}, small=0
    )
    assert signed.stat().st_size == size, "the spare cards were not used"
    assert check_fits(signed).problems == ()
    with fits.open(signed, checksum=True) as hdus:
        hdus.verify("exception")


def test_a_file_with_a_second_name_keeps_its_content_there(
    signed, signed_bytes, tmp_path
):
    other = tmp_path / "other.fits"
    other.hardlink_to(signed)
    edit_headers(signed, EDITS, small=0)
    assert other.read_bytes() == signed_bytes or content(other) != content(signed)
    assert "PRODCATG" not in fits.getheader(other)
    assert fits.getheader(signed)["PRODCATG"] == "SCIENCE.CUBE.IFS"


def test_without_room_from_the_file_system_the_file_is_copied(
    signed, tmp_path, monkeypatch
):
    def cannot(*_):
        raise OSError(95, "Operation not supported")

    expected = tmp_path / "expected.fits"
    copy_edited(signed, expected, EDITS)
    monkeypatch.setattr(in_place, "insert", cannot)
    edit_headers(signed, EDITS, small=0)
    assert signed.read_bytes() == expected.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "expected.fits",
        "signed.fits",
    ]


@pytest.mark.parametrize("place", [0, 1])
def test_on_a_full_disk_the_file_is_as_it_was(signed, monkeypatch, inserting, place):
    before = signed.read_bytes()
    true, calls = insert_range.insert, []

    def full(*words):
        calls.append(words)
        if len(calls) > place:
            raise OSError(28, "No space left on device")
        true(*words)

    monkeypatch.setattr(in_place, "insert", full)
    with pytest.raises(OSError, match="No space"):
        edit_headers(signed, EDITS, small=0)
    assert signed.read_bytes() == before
    assert [p.name for p in signed.parent.iterdir() if p.name != "probe"] == [
        "signed.fits"
    ]


LIMITED = """
import resource, signal, sys
from pathlib import Path
from phoenix_core.fits.edit import HeaderEdit, edit_headers
path, small = Path(sys.argv[1]), int(sys.argv[2])
limit = path.stat().st_size
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
cards = {f"ESO QC N{n}": (n, "") for n in range(40)}
edit_headers(path, {0: HeaderEdit(cards)}, small=small)
"""


@pytest.mark.parametrize("small", [0, 1 << 30], ids=["in place", "copied"])
def test_where_the_system_lets_no_file_grow_the_old_one_is_whole(
    signed, inserting, small
):
    before = signed.read_bytes()
    command = [sys.executable, "-c", LIMITED, signed, str(small)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "File too large" in done.stderr
    assert signed.read_bytes() == before
    left = {path.name for path in signed.parent.iterdir()} - {"probe"}
    assert left == {"signed.fits"}


def test_a_large_file_is_edited_in_place_with_room_to_spare(tmp_path, inserting):
    path = tmp_path / "large.fits"
    pixels = np.arange(3_000_000, dtype="f4").reshape(300, 100, 100)
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(pixels, name="DATA")]
    fits.HDUList(hdus).writeto(path, checksum=True)
    before = path.stat()
    set_cards(path, MANY)
    after = path.stat()
    assert after.st_ino == before.st_ino
    assert after.st_size == before.st_size + insert_range.INSERTED
    set_cards(path, {f"ESO QC P{n}": (n, "") for n in range(40)})
    assert path.stat().st_size == after.st_size
    assert check_fits(path).problems == ()
    assert np.array_equal(fits.getdata(path, 1), pixels)


@pytest.mark.parametrize("small", [0, 1 << 30], ids=["in place", "copied"])
@pytest.mark.parametrize("torn", [False, True], ids=["between", "within a write"])
def test_killed_at_any_moment_the_old_or_the_new_file_is_whole(
    signed, tmp_path, inserting, torn, small
):
    signed_bytes = signed.read_bytes()
    new = tmp_path / "new.fits"
    copy_edited(signed, new, EDITS)
    wanted, old = content(new), content(signed)

    def edit():
        edit_headers(signed, EDITS, small=small)

    for moment in range(1, 80):
        signed.unlink()
        signed.write_bytes(signed_bytes)
        for left in tmp_path.glob(".signed*"):
            left.unlink()
        if not kill_at(edit, moment, torn=torn):
            assert content(signed) == wanted
            break
        finish_edit(signed)
        assert check_fits(signed).problems == ()
        assert content(signed) in (old, wanted)
        edit_headers(signed, EDITS, small=0)
        assert content(signed) == wanted
        assert not list(tmp_path.glob(".*.edit"))
    assert 6 < moment < 79


@pytest.mark.parametrize("text", ["{}", "[1]", '{"inode": "x"}', "[" * 99999, "\0"])
def test_a_damaged_journal_is_told_in_one_line(signed, tmp_path, text):
    (tmp_path / ".signed.fits.edit").write_text(text)
    before = signed.read_bytes()
    with pytest.raises(ProcessingError, match=r"\.signed\.fits\.edit is damaged"):
        finish_edit(signed)
    assert signed.read_bytes() == before


def test_a_pipe_in_place_of_a_journal_is_not_waited_for(signed, tmp_path):
    os.mkfifo(tmp_path / ".signed.fits.edit")
    with pytest.raises(ProcessingError, match="no regular file"):
        finish_edit(signed)


def test_a_journal_of_another_file_is_not_played(signed, tmp_path, inserting):
    journal = tmp_path / ".signed.fits.edit"
    journal.write_text('{"inode": 1, "size": 5, "inserts": [], "headers": []}')
    before = signed.read_bytes()
    with pytest.raises(ProcessingError, match="not the file whose edit was killed"):
        edit_headers(signed, EDITS)
    assert signed.read_bytes() == before


def test_a_copy_that_fails_leaves_the_source_and_nothing_else(
    signed, tmp_path, monkeypatch
):
    before = signed.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fits_edit, "_copy", full)
    with pytest.raises(OSError, match="No space"):
        copy_edited(signed, tmp_path / "to.fits", EDITS)
    assert signed.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["signed.fits"]


def test_a_target_that_is_a_directory_is_named(signed, tmp_path):
    target = tmp_path / "taken.fits"
    target.mkdir()
    with pytest.raises(OSError, match="Is a directory") as told:
        copy_edited(signed, target, EDITS)
    assert told.value.filename == str(target)
    assert [path.name for path in tmp_path.glob(".*")] == []
