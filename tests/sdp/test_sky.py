"""Coordinates agree with astropy's, and differences are found to a thousandth."""

import math

import pytest
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st

from phoenix_core.sdp.header import Card, Header
from phoenix_core.sdp.product import Hdu
from phoenix_core.sdp.sky import differences, pixel_of, wavelengths

SCALE = 0.2 / 3600


def cards(turn=0.0, ra=53.1, dec=-27.8):
    sine, cosine = math.sin(turn) * SCALE, math.cos(turn) * SCALE
    return {
        "NAXIS": 3,
        "NAXIS1": 300,
        "NAXIS2": 310,
        "NAXIS3": 3700,
        "CRVAL1": ra,
        "CRVAL2": dec,
        "CRPIX1": 150.5,
        "CRPIX2": 140.0,
        "CTYPE1": "RA---TAN",
        "CTYPE2": "DEC--TAN",
        "CUNIT1": "deg",
        "CUNIT2": "deg",
        "CUNIT3": "Angstrom",
        "CD1_1": -cosine,
        "CD1_2": sine,
        "CD2_1": sine,
        "CD2_2": cosine,
        "CTYPE3": "AWAV",
        "CRVAL3": 4750.0,
        "CRPIX3": 1.0,
        "CD3_3": 1.25,
    }


def hdu(**changes):
    values = {**cards(), **changes}
    return Hdu(1, Header(tuple(Card(k, v) for k, v in values.items())))


@given(
    st.floats(0, 6.28),
    st.floats(0, 359.99),
    st.floats(-89, 89),
    st.floats(-0.02, 0.02),
    st.floats(-0.02, 0.02),
)
def test_places_are_those_of_astropy(turn, ra, dec, east, north):
    values = cards(turn, ra, dec)
    header = Header(tuple(Card(k, v) for k, v in values.items()))
    place = ((ra + east) % 360, min(dec + north, 90.0))
    wcs = WCS(fits.Header([(k, v) for k, v in values.items() if "3" not in k]), naxis=2)
    expected = [float(x) for x in wcs.all_world2pix(*place, 1)]
    assert pixel_of(header, *place) == pytest.approx(expected, abs=1e-3)


def test_a_place_is_known_for_one_projection_only():
    assert pixel_of(hdu(CTYPE1="RA---SIN").header, 53.1, -27.8) is None
    assert pixel_of(hdu(CD1_1=0.0).header, 53.1, -27.8) is None
    assert pixel_of(hdu(CRVAL1="x").header, 53.1, -27.8) is None
    assert pixel_of(hdu().header, 53.1 + 180, 27.8) is None


@pytest.mark.parametrize(
    ("keyword", "shift"),
    [
        ("CRVAL1", SCALE),
        ("CRPIX2", 1.0),
        ("CD1_2", SCALE / 3700),
        ("CRVAL3", 1.25),
        ("CRPIX3", 1.0),
        ("CD3_3", 1.25 / 3700),
    ],
)
def test_a_hundredth_of_a_pixel_is_a_difference_and_rounding_is_none(keyword, shift):
    value = cards()[keyword]
    near, far = value + shift / 5000, value + shift / 100
    assert differences(hdu(), hdu(**{keyword: near}), 3) == []
    assert differences(hdu(), hdu(**{keyword: far}), 3) == [keyword]
    assert differences(hdu(), hdu(**{keyword: None}), 3) == []


@pytest.mark.parametrize(
    ("unit", "factor"), [("nm", 10.0), ("um", 1e4), ("m", 1e10), ("angstrom", 1.0)]
)
def test_wavelengths_are_in_nm_whatever_the_unit(unit, factor):
    scaled = {"CRVAL3": 4750.0 / factor, "CD3_3": 1.25 / factor, "CUNIT3": unit}
    first, last, step = wavelengths(hdu(**scaled))
    assert first == pytest.approx(475.0)
    assert last == pytest.approx(475.0 + 0.125 * 3699)
    assert step == pytest.approx(0.125)


def test_what_is_not_linear_has_no_wavelengths():
    assert wavelengths(hdu(CTYPE3="AWAV-LOG")) is None
    assert wavelengths(hdu(CD3_3=0.0)) is None
