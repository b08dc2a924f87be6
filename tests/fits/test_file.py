"""What `fits_file` promises: damage is found."""

import hashlib
import struct

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phoenix_core.files.sums import sha256
from phoenix_core.fits import file
from phoenix_core.fits.file import check_fits

SAME_FILE = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def ends(content):
    """Where a cut leaves a whole file: at the ends of HDUs."""
    with fits.HDUList.fromstring(content) as hdus:
        infos = [hdu._data_offset + hdu._data_size for hdu in hdus]
    return {-(-end // 2880) * 2880 for end in infos}


# Checking -------------------------------------------------------------------------


def test_a_whole_file_has_no_problem_and_its_sums_are_told(signed):
    check = check_fits(signed)
    assert check.is_whole
    assert check.hdus == ("0", "1 (DATA)", "2 (TABLE)", "3 (PACKED)")
    assert check.unsigned == ()
    assert check.size == signed.stat().st_size
    assert check.sha256 == hashlib.sha256(signed.read_bytes()).hexdigest()
    assert check.sha256 == sha256(signed)
    assert check.primary["DATAMD5"] == "0123"


def test_what_nothing_vouches_for_is_told_apart_from_damage(write_fits):
    bare = check_fits(write_fits("bare.fits"))
    assert bare.is_whole
    assert bare.unsigned == bare.hdus
    half = write_fits("half.fits", checksum="datasum")
    assert check_fits(half).unsigned == check_fits(half).hdus


def test_a_file_that_astropy_and_recipes_wrote_is_whole_however_large_its_parts(
    tmp_path,
):
    for size in (1, 719, 720, 721, 65519, 65520, 65521, 131041):
        path = tmp_path / f"{size}.fits"
        values = np.arange(size, dtype="u4") * np.uint32(2654435761)
        fits.PrimaryHDU(values.view("i4")).writeto(path, checksum=True)
        assert check_fits(path).problems == ()


@SAME_FILE
@given(st.data())
def test_every_cut_is_found_but_one_between_two_hdus(tmp_path, signed_bytes, data):
    length = data.draw(st.integers(0, len(signed_bytes) - 1))
    path = tmp_path / "cut.fits"
    path.write_bytes(signed_bytes[:length])
    assert check_fits(path).is_whole == (length in ends(signed_bytes))


@SAME_FILE
@given(st.data())
def test_every_flipped_bit_is_found_or_leaves_an_hdu_unsigned(
    tmp_path, signed_bytes, data
):
    place = data.draw(st.integers(0, len(signed_bytes) - 1))
    damaged = bytearray(signed_bytes)
    damaged[place] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path / "flipped.fits"
    path.write_bytes(damaged)
    check = check_fits(path)
    assert check.problems or check.unsigned


@SAME_FILE
@given(st.binary(max_size=9000), st.sampled_from([b"", b"SIMPLE  =", "signed"]))
def test_garbage_is_told_and_never_a_crash(tmp_path, signed_bytes, garbage, start):
    path = tmp_path / "garbage.fits"
    path.write_bytes((signed_bytes if start == "signed" else start) + garbage)
    check = check_fits(path)
    assert check.problems or not garbage
    assert check.sha256 == sha256(path)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            (b"NAXIS1  =                   31", b"NAXIS1  =                  31x"),
            "garb",
        ),
        (
            (b"BITPIX  =                  -32", b"BITPIX  =                  -31"),
            "garb",
        ),
        (
            (b"NAXIS2  =                   35", b"NAXIS2  =                   -5"),
            "garb",
        ),
        (
            (b"NAXIS2  =                   35", b"NAXIS2  =             99999935"),
            "trunc",
        ),
        ((b"XTENSION= 'IMAGE", b"XTENTION= 'IMAGE"), "no HDU follows HDU 0"),
    ],
)
def test_a_header_that_cannot_be_believed_is_named(
    signed, signed_bytes, change, problem
):
    assert signed_bytes.count(change[0]) == 1
    signed.write_bytes(signed_bytes.replace(*change))
    assert any(problem in told for told in check_fits(signed).problems)


def test_damage_names_the_hdu_and_what_is_wrong(signed, signed_bytes):
    at = signed_bytes.index(struct.pack(">f", 700))
    signed.write_bytes(signed_bytes[:at] + b"?" + signed_bytes[at + 1 :])
    (problem,) = check_fits(signed).problems
    assert problem == "DATASUM of HDU 1 (DATA) is wrong: its data were changed"
    signed.write_bytes(signed_bytes.replace(b"MASTER_BIAS", b"MASTER_DARK"))
    (problem,) = check_fits(signed).problems
    assert problem == "CHECKSUM of HDU 0 is wrong: its bytes were changed"


def test_a_file_that_is_not_there_is_the_systems_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        check_fits(tmp_path / "none.fits")


@pytest.mark.parametrize("byte", range(256))
def test_a_checksum_is_letters_and_digits_only(byte):
    letters = file._letters(byte)
    assert bytes(letters).isalnum()
    assert sum(letter - ord("0") for letter in letters) == byte
