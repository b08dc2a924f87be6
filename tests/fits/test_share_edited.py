"""A certified file and its IDP share their data, and neither is ever lost."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from phoenix_core.errors import ProcessingError
from phoenix_core.files.sums import FileSums, sha256
from phoenix_core.fits import edit
from phoenix_core.fits.as_certified import (
    certified_headers,
    certified_sha256,
    certified_size,
    give_back,
    has_other_headers,
    kept_headers_path,
)
from phoenix_core.fits.edit import HeaderEdit, finish_edit
from phoenix_core.fits.file import check_fits, split_headers
from phoenix_core.fits.header_file import replace_by_header
from phoenix_core.fits.share_edited import copy_certified, share_edited
from phoenix_core.model import Move
from phoenix_core.move.move_files import place
from phoenix_core.testing.killing import kill_at

FEW = {0: HeaderEdit({"OBJECT": ("NGC 1", "target")})}
MANY = {
    0: HeaderEdit({f"ESO QC P{n}": (n, "") for n in range(60)}, dropped=("ORIGIN",)),
    1: HeaderEdit({"HDUCLASS": ("ESO", "class")}),
}


@pytest.fixture(autouse=True)
def no_clones(monkeypatch):
    """File systems that share blocks need none of this."""
    monkeypatch.setattr(edit, "clone", lambda *_: False)


@pytest.fixture
def cube(tmp_path):
    """A certified file, and the sum that it was certified with."""
    path = tmp_path / "cube.fits"
    primary = fits.PrimaryHDU()
    primary.header["ORIGIN"] = "ESO"
    pixels = np.arange(40 * 90, dtype="f4").reshape(40, 90)
    hdus = [primary, fits.ImageHDU(pixels, name="DATA"), fits.ImageHDU(name="STAT")]
    fits.HDUList(hdus).writeto(path, checksum=True)
    return path


@pytest.fixture
def old(cube):
    """The sum that it was certified with."""
    return sha256(cube)


@pytest.fixture
def idp(tmp_path):
    (tmp_path / "conv").mkdir()
    return tmp_path / "conv" / "idp.fits"


@pytest.mark.parametrize("small", [0, 1 << 30], ids=["in place", "replaced"])
@pytest.mark.parametrize("edits", [FEW, MANY], ids=["with room", "without"])
def test_two_names_share_one_file_and_the_certified_one_is_known(
    cube, idp, old, edits, small
):
    before = cube.read_bytes()
    share_edited(cube, idp, edits, old, small=small)
    assert idp.samefile(cube)
    assert check_fits(idp).problems == ()
    assert set(edits[0].cards) <= set(fits.getheader(idp))
    assert certified_sha256(cube, FileSums()) == old
    assert certified_size(cube) == len(before)
    assert b"".join(certified_headers(cube)) == kept_headers_path(cube).read_bytes()
    give_back(cube, old)
    assert cube.read_bytes() == before
    assert not has_other_headers(cube)
    assert not idp.samefile(cube)
    assert set(edits[0].cards) <= set(fits.getheader(idp))


def test_another_edit_begins_from_the_certified_headers(cube, idp, old):
    share_edited(cube, idp, MANY, old, small=0)
    share_edited(cube, idp, FEW, old, small=0)
    header = fits.getheader(idp)
    assert (header["OBJECT"], header["ORIGIN"]) == ("NGC 1", "ESO")
    assert "ESO QC P1" not in header
    assert idp.samefile(cube)
    assert check_fits(idp).problems == ()


def test_a_copy_begins_from_the_certified_headers_too(cube, idp, old):
    share_edited(cube, idp, MANY, old)
    copy_certified(cube, idp, FEW, old)
    header = fits.getheader(idp)
    assert (header["OBJECT"], header["ORIGIN"]) == ("NGC 1", "ESO")
    assert not idp.samefile(cube)
    assert certified_sha256(cube, FileSums()) == old


def test_a_file_that_has_a_name_elsewhere_is_copied(cube, idp, old, tmp_path):
    os.link(cube, tmp_path / "backup.fits")
    before = cube.read_bytes()
    share_edited(cube, idp, MANY, old)
    assert cube.read_bytes() == before
    assert not idp.samefile(cube)
    assert not has_other_headers(cube)


def test_where_a_file_can_have_one_name_only_it_is_copied(cube, idp, old, monkeypatch):
    before = cube.read_bytes()

    def refuse(*_paths):
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    share_edited(cube, idp, MANY, old)
    assert cube.read_bytes() == before
    assert set(MANY[0].cards) <= set(fits.getheader(idp))


def test_what_was_damaged_since_is_not_given_back_as_certified(cube, idp, old):
    share_edited(cube, idp, MANY, old)
    content = bytearray(cube.read_bytes())
    content[-3000] ^= 1
    cube.write_bytes(content)
    with pytest.raises(ProcessingError, match="not what was certified"):
        give_back(cube, old)
    assert cube.read_bytes() == bytes(content)
    assert has_other_headers(cube)


def test_a_sum_is_computed_anew_once_the_file_or_its_kept_headers_change(
    cube, idp, old
):
    sums = FileSums()
    share_edited(cube, idp, MANY, old)
    assert certified_sha256(cube, sums) == old
    kept = kept_headers_path(cube)
    kept.write_bytes(kept.read_bytes().replace(b"'ESO", b"'OSE"))
    assert certified_sha256(cube, sums) != old


@pytest.mark.parametrize(
    ("garbled", "told"),
    [
        (lambda content: content[:-80], "cut short"),
        (lambda content: content + content, "6 HDUs, and cube.fits 3"),
        (lambda _: b"", "cut short"),
    ],
)
def test_kept_headers_of_another_file_are_refused_in_one_line(
    cube, idp, old, garbled, told
):
    share_edited(cube, idp, FEW, old)
    kept = kept_headers_path(cube)
    kept.write_bytes(garbled(kept.read_bytes()))
    with pytest.raises(ProcessingError, match=told):
        certified_headers(cube)
    before = cube.read_bytes()
    with pytest.raises(ProcessingError, match=told):
        share_edited(cube, idp, MANY, old)
    assert cube.read_bytes() == before


def test_headers_that_tell_of_other_data_are_refused(cube, idp, old):
    share_edited(cube, idp, FEW, old)
    kept = kept_headers_path(cube)
    content = kept.read_bytes()
    kept.write_bytes(
        content.replace(b"=                   90", b"=                   10", 1)
    )
    with pytest.raises(ProcessingError, match="data of another size"):
        share_edited(cube, idp, MANY, old)


def test_its_header_file_is_that_of_the_certified_one_and_nothing_else_stays(
    cube, idp, old
):
    share_edited(cube, idp, MANY, old)
    headers = replace_by_header(cube).read_text()
    assert "ORIGIN" in headers
    assert "ESO QC P1" not in headers
    assert sorted(path.name for path in cube.parent.iterdir()) == ["conv", "cube.hdr"]
    assert check_fits(idp).problems == ()


def test_kept_headers_are_parted_where_each_ends(cube):
    headers = certified_headers(cube)
    assert split_headers(b"".join(headers)) == list(headers)


def test_headers_kept_of_a_former_file_are_not_put_into_the_one_that_has_its_name(
    cube, idp, old
):
    """A deep cube was made anew, of the same pixels, and certified again."""
    new = cube.read_bytes().replace(b"'ESO", b"'OSE")
    share_edited(cube, idp, MANY, old)
    cube.unlink()
    cube.write_bytes(new)
    for make in (share_edited, copy_certified):
        with pytest.raises(ProcessingError, match="is not what was certified"):
            make(cube, idp, FEW, sha256(cube))
    assert cube.read_bytes() == new


def test_headers_kept_of_a_former_file_are_set_aside_when_another_gets_its_name(
    cube, idp, old, tmp_path
):
    new = tmp_path / "new.fits"
    new.write_bytes(cube.read_bytes().replace(b"'ESO", b"'OSE"))
    share_edited(cube, idp, MANY, old)
    kept = kept_headers_path(cube)
    headers = kept.read_bytes()
    cube.rename(tmp_path / "former.fits")
    assert place(Move(new, cube), sha256(new))
    assert not has_other_headers(cube)
    assert kept.with_name(f"{kept.name}.1").read_bytes() == headers


def test_a_file_that_was_placed_is_known_though_it_has_other_headers_by_now(
    cube, idp, old, tmp_path
):
    waiting = tmp_path / "waiting.fits"
    waiting.write_bytes(cube.read_bytes())
    share_edited(cube, idp, MANY, old)
    assert not place(Move(waiting, cube), old)
    assert idp.samefile(cube)


def test_headers_kept_of_other_pixels_are_told(cube, idp, old):
    share_edited(cube, idp, MANY, old)
    cube.unlink()
    pixels = np.ones((40, 90), "f4")
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(pixels), fits.ImageHDU()]
    fits.HDUList(hdus).writeto(cube, checksum=True)
    with pytest.raises(ProcessingError, match=r"headers of other data .* HDU 1"):
        certified_size(cube)


def test_an_edited_file_whose_certified_headers_are_gone_is_not_taken_for_certified(
    cube, idp, old
):
    share_edited(cube, idp, FEW, old)
    kept_headers_path(cube).unlink()
    with pytest.raises(ProcessingError, match=r"cube.fits.certified, .* is gone"):
        share_edited(cube, idp, MANY, old)
    assert not has_other_headers(cube)


def test_a_file_that_has_other_headers_is_copied_where_it_cannot_be_linked_any_more(
    cube, idp, old, monkeypatch
):
    """The directory conv was moved to another disk since."""
    share_edited(cube, idp, MANY, old)
    before = cube.read_bytes()
    idp.unlink()

    def refuse(*_paths):
        raise OSError(errno.EXDEV, "another disk")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    share_edited(cube, idp, FEW, old)
    assert cube.read_bytes() == before
    header = fits.getheader(idp)
    assert (header["OBJECT"], header["ORIGIN"]) == ("NGC 1", "ESO")
    assert certified_sha256(cube, FileSums()) == old


def test_where_nothing_may_be_written_beside_the_certified_file_it_is_copied(
    cube, idp, old
):
    cube.parent.chmod(0o555)
    if os.access(cube.parent, os.W_OK):
        pytest.skip("root may write anywhere")
    share_edited(cube, idp, FEW, old)
    cube.parent.chmod(0o755)
    assert sha256(cube) == old
    assert fits.getheader(idp)["OBJECT"] == "NGC 1"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "directory"])
def test_what_is_no_file_of_kept_headers_is_told_in_one_line(cube, make):
    make(kept_headers_path(cube))
    with pytest.raises(ProcessingError, match=r"cube.fits.certified: "):
        certified_size(cube)


@pytest.mark.parametrize("small", [0, 1 << 30], ids=["in place", "replaced"])
@pytest.mark.parametrize("torn", [False, True], ids=["between", "within a write"])
def test_killed_at_any_moment_nothing_is_lost_and_the_next_call_ends_it(
    cube, idp, old, torn, small
):
    before = cube.read_bytes()
    share_edited(cube, idp, MANY, old, small=small)
    wanted = cube.read_bytes()

    def prepare():
        for path in (cube, idp, kept_headers_path(cube), *cube.parent.rglob(".*")):
            path.unlink(missing_ok=True)
        cube.write_bytes(before)

    for moment in range(1, 80):
        prepare()
        is_killed = kill_at(
            lambda: share_edited(cube, idp, MANY, old, small=small), moment, torn=torn
        )
        if is_killed:
            assert not idp.exists() or idp.read_bytes() == wanted
            finish_edit(cube)
            assert check_fits(cube).problems == ()
            assert certified_sha256(cube, FileSums()) == old
            share_edited(cube, idp, MANY, old, small=small)
        assert idp.samefile(cube)
        assert cube.read_bytes() == wanted
        if not is_killed:
            break
    assert 8 < moment < 79
