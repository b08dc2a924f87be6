"""PIXNOISE, SKY_RES and ABMAGLIM: as the real recipe writes them for SDP."""

import math
import statistics

import numpy as np
import pytest
from astropy.io import fits

from muse_deep_plugin.qc_cube import measure_cube
from muse_deep_plugin.qc_depth import abmaglim, is_calibrated, pixnoise, sky_res

UNIT = "10**(-20)*erg/s/cm**2/Angstrom"
WCS = {
    "CTYPE1": "RA---TAN",
    "CTYPE2": "DEC--TAN",
    "CD1_1": -0.2 / 3600,
    "CD1_2": 0.0,
    "CD2_1": 0.0,
    "CD2_2": 0.2 / 3600,
    "CRVAL3": 4750.0,
    "CRPIX3": 1.0,
    "CD3_3": 1.25,
    "BUNIT": UNIT,
}


@pytest.fixture(params=["reduced", "crowded"])
def sdp(request, call_recipe):
    """The SDP cube of a target, as the recipe makes it, and the deep cube's AB."""
    bench = request.getfixturevalue(request.param)
    name = bench.name("muse_exp_combine")
    block = bench.block(name)
    params = [p for p in block.params if not p.startswith("--format")]
    ended = call_recipe(block, bench.inputs(name), [*params, "--format=sdpCube"])
    assert ended.status == 0
    cube = next(p for p in ended.call.products if p.category == "DATACUBE_FINAL")
    return bench, name, cube.path


def test_all_three_are_those_that_the_recipe_writes(sdp):
    _, _, path = sdp
    measures, header = measure_cube(path), fits.getheader(path)
    assert pixnoise(measures) == pytest.approx(header["PIXNOISE"], rel=1e-12)
    assert sky_res(measures.header) == header["SKY_RES"]
    found = abmaglim(measures, header["SKY_RES"])
    assert found == pytest.approx(header["ABMAGLIM"], abs=1e-4)


def test_a_deep_cube_as_phoenix_makes_it_has_them_to_a_percent(sdp):
    bench, name, path = sdp
    header = fits.getheader(path)
    measures = measure_cube(bench.product(name, "DATACUBE_DEEP"))
    exposures = [
        fits.getheader(bench.product(single, "DATACUBE_FINAL"))
        for single in bench.names("muse_scipost")
    ]
    resolution = statistics.fmean(sky_res(exposure) for exposure in exposures)
    assert resolution == pytest.approx(header["SKY_RES"], rel=1e-4)
    assert pixnoise(measures) == pytest.approx(header["PIXNOISE"], rel=0.01)
    found = abmaglim(measures, resolution)
    assert found == pytest.approx(header["ABMAGLIM"], rel=0.01)


SEEN = {"TEL IA FWHMLIN": 0.8, "TEL AIRM START": 1.0, "TEL AIRM END": 1.0}
# What muse_exp_combine 2.8.7 wrote for exposures whose headers were edited.
WRITTEN = [
    (0.3, 1.0, 0.187238572043016),
    (0.5, 1.0, 0.342820674417959),
    (0.8, 1.0, 0.583695694253221),
    (2.0, 1.0, 1.58424949098536),
    (0.5, 1.5, 0.452559485715438),
    (2.0, 1.5, 2.05326927914003),
]


def primary(keywords):
    header = fits.Header()
    for name, value in keywords.items():
        header[f"HIERARCH ESO {name}"] = value
    return header


@pytest.mark.parametrize(("seeing", "airmass", "written"), WRITTEN)
def test_the_resolution_is_that_of_the_recipe(seeing, airmass, written):
    ends = {f"TEL AIRM {end}": airmass for end in ("START", "END")}
    assert sky_res(primary({"TEL IA FWHMLIN": seeing} | ends)) == pytest.approx(
        written, rel=1e-4
    )


def test_the_narrow_field_has_the_recipes_default():
    assert sky_res(primary(SEEN | {"INS MODE": "NFM-AO-N"})) == 0.15


@pytest.mark.parametrize("keyword", SEEN)
@pytest.mark.parametrize("value", [None, 0.0, -1.0, "bad"])
def test_without_seeing_or_airmass_there_is_no_resolution(keyword, value):
    given = {name: other for name, other in SEEN.items() if name != keyword}
    if value is not None:
        given[keyword] = value
    assert sky_res(primary(given)) is None


def cube(path, data=None, stat=None, **header):
    if data is None:
        data = np.random.default_rng(1).normal(0, 3, (20, 60, 60))
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(data.astype(np.float32), name="DATA")]
    hdus[1].header.update(WCS | header)
    if stat is not None:
        hdus.append(fits.ImageHDU(stat.astype(np.float32), name="STAT"))
    fits.HDUList(hdus).writeto(path)
    return measure_cube(path)


def test_noise_that_is_known_gives_the_limit_that_it_promises(tmp_path):
    data = np.random.default_rng(1).normal(0, 3, (20, 300, 300))
    measures = cube(tmp_path / "c.fits", data, np.full_like(data, 9.0))
    assert pixnoise(measures) == pytest.approx(3e-20, rel=0.01)
    sigma = 0.8 / 0.2 / math.sqrt(8 * math.log(2))
    # White noise, averaged with the weights of a Gaussian.
    smoothed = 3 / math.sqrt(20) / (2 * math.sqrt(math.pi) * sigma)
    flux = 5 * smoothed * 4 * math.pi * sigma**2 * 1e-20
    jansky = 3.34e4 * flux * 4750 * (4750 + 19 * 1.25)
    expected = -2.5 * math.log10(jansky / 3631)
    # Half a Gaussian's MAD is not quite what the recipe takes it for.
    assert abmaglim(measures, 0.8) == pytest.approx(expected, abs=0.5)


def test_a_deeper_cube_has_a_fainter_limit_by_as_much(tmp_path):
    data = np.random.default_rng(1).normal(0, 3, (20, 200, 200))
    one = cube(tmp_path / "1.fits", data)
    other = cube(tmp_path / "2.fits", data / 2)
    gain = abmaglim(other, 0.8) - abmaglim(one, 0.8)
    assert gain == pytest.approx(2.5 * math.log10(2), abs=1e-4)


@pytest.mark.parametrize(
    "change",
    [
        {"BUNIT": "count"},
        {"CD3_3": 0.0},
        {"CD1_1": 0.0},
        {"CRVAL3": -9000.0},
    ],
)
def test_without_what_it_needs_there_is_no_limit(tmp_path, change):
    assert abmaglim(cube(tmp_path / "c.fits", **change), 0.8) is None


def test_without_resolution_there_is_no_limit(tmp_path):
    assert abmaglim(cube(tmp_path / "c.fits"), None) is None


@pytest.mark.parametrize("value", [np.nan, 4.0])
def test_a_cube_of_nan_or_without_noise_has_no_limit(tmp_path, value):
    data = np.full((5, 30, 30), value)
    measures = cube(tmp_path / "c.fits", data, np.full_like(data, np.nan))
    assert abmaglim(measures, 0.8) is None
    assert pixnoise(measures) is None


def test_without_stat_there_is_no_noise_of_a_pixel(tmp_path):
    assert pixnoise(cube(tmp_path / "c.fits")) is None


def test_an_uncalibrated_cube_has_no_noise_of_a_pixel(tmp_path):
    data = np.ones((5, 30, 30))
    assert pixnoise(cube(tmp_path / "c.fits", data, data, BUNIT="count")) is None


@pytest.mark.parametrize(
    "unit",
    [
        UNIT,
        "10**(-20)erg.s**(-1).cm**(-2).angstrom**(-1)",
        "1e-20 erg / (Angstrom cm2 s)",
        "10**-20 Angstrom-1 cm-2 erg s-1",
    ],
)
def test_a_calibrated_unit_is_known_in_any_spelling(unit):
    assert is_calibrated(unit)


@pytest.mark.parametrize(
    "unit", ["", "count", "erg/s/cm**2/Angstrom", "1e-200 erg/Angstrom"]
)
def test_another_unit_is_no_calibrated_one(unit):
    assert not is_calibrated(unit)


def test_the_edge_and_holes_of_a_field_do_not_make_it_shallower(tmp_path):
    data = np.random.default_rng(2).normal(0, 3, (20, 120, 120))
    whole = abmaglim(cube(tmp_path / "1.fits", data), 0.8)
    data[:, :20] = np.nan
    data[:, 50, 50] = np.nan
    holes = cube(tmp_path / "2.fits", data)
    assert abmaglim(holes, 0.8) == pytest.approx(whole, abs=0.1)
