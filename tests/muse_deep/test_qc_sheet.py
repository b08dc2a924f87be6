"""The QC plot: drawn whatever the cube and its names are, by several threads."""

import io
import subprocess
import sys
import threading

import attrs
import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from muse_deep_plugin.qc_cube import CubeMeasures
from muse_deep_plugin.qc_facts import facts
from muse_deep_plugin.qc_image import _rounded, grid_of, limits
from muse_deep_plugin.qc_keywords import Offset
from muse_deep_plugin.qc_panels import Depths, depths, draw_depths
from muse_deep_plugin.qc_sheet import HEIGHT, WIDTH, Sheet, draw_sheet
from muse_deep_plugin.qc_sources import find_sources
from muse_deep_plugin.qc_text import flux_unit, plain
from phoenix_core.model import Score

WCS = {
    "CTYPE1": "RA---TAN",
    "CTYPE2": "DEC--TAN",
    "CD1_1": -0.2 / 3600,
    "CD1_2": 0.0,
    "CD2_1": 0.0,
    "CD2_2": 0.2 / 3600,
    "CRVAL2": -37.7,
    "CD3_3": 1.25,
    "BUNIT": "10**(-20)*erg/s/cm**2/Angstrom",
}


def measures(planes=300, rows=30, columns=40, **header):
    rng = np.random.default_rng(1)
    white = rng.normal(0, 1, (rows, columns))
    if white.size:
        white[rows // 2, columns // 2] = 100
    return CubeMeasures(
        header=fits.Header(WCS | header),
        shape=(planes, rows, columns),
        wavelength=4750 + 1.25 * np.arange(planes),
        white=white,
        mean=rng.normal(1, 1, planes),
        median=rng.normal(0, 1, planes),
        noise=rng.normal(10, 1, planes),
        noise_measured=rng.normal(10, 1, planes),
        valid=planes * rows * columns,
        filled=np.ones((rows, columns)),
        depth=np.ones((rows, columns)),
    )


@pytest.mark.parametrize(
    "found",
    [
        Depths("NOISE", "", (17.3, 17.5, 18.6, 18.9), 8.4, 9.0),
        Depths("NOISE", "", (17.3, 17.5, 18.6, 52.0), 11.5, 9.0),
        Depths("NOISE", "", (52.0, 17.5, 18.6, 17.3), 11.5, 9.0),
        Depths("ABMAGLIM", "mag", (24.1, 24.1, 22.0, 24.6), 24.9, 25.0),
    ],
)
def test_the_legend_of_the_depths_hides_no_exposure(found):
    figure = Figure(figsize=(3.7, 2.15), dpi=100)  # the panel
    axes = figure.add_axes((0, 0, 1, 1))
    draw_depths(axes, found)
    figure.canvas.draw()
    box = axes.get_legend().get_window_extent()
    points = enumerate(found.exposures, start=1)
    assert not [xy for xy in points if box.contains(*axes.transData.transform(xy))]


def test_the_largest_shift_is_the_one_that_is_scored():
    """What is left, as on the cover sheet; WDEL_MAX was corrected."""
    parameters = {"WDEL_MAX": 0.3, "LSHIFT_MAX": 0.02}
    shown = dict(facts(parameters, measures(), is_deep=True))
    assert shown["Largest λ shift"].split()[0].startswith("0.02")


def sheet(cube=None, *, is_deep=True, **changes):
    parameters = {
        "EXPCOMB FWHM1 X": 0.8,
        "FWHM": 0.8,
        "BKG_MEDIAN": 0.0,
        "BKG_MAD": 0.67,
        "N_EXPOSURES": 2,
        "N_EXPECTED": 2,
        "NOISE_EXPECTED": 10.0,
    }
    cube = cube or measures()
    made = Sheet(
        block="MUSE.2014-10-23T01:10:54.193_dpc.ab",
        run="094.D-0114(B)",
        target="NGC300",
        is_deep=is_deep,
        measures=cube,
        parameters=parameters,
        sources=find_sources(cube.white, cube.depth),
        scores=(Score("FILLED", 0.9, low=0.4), Score("NOISE_GAIN", None, low=0.7)),
        offsets=(Offset("a", 0.0, 0.0), Offset("b", 1e-4, -2e-4)),
        exposures=(
            {"DATE_OBS": "a", "NOISE": 14.0, "ABMAGLIM": 23.0},
            {"DATE_OBS": "b", "NOISE": 15.0},
        ),
        unmatched=("b",),
        times=np.full((30, 40), 1200, np.float32),
    )
    return attrs.evolve(made, **changes)


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def has(image, colour, fewest=200):
    """Whether a part of a picture has that colour, in more than a few pixels."""
    return (image == colour).all(axis=2).sum() > fewest


RED, GREEN, ORANGE, GREY = (213, 94, 0), (0, 112, 79), (230, 159, 0), (91, 102, 114)
PASSED = (213, 240, 229)


@pytest.mark.parametrize("is_deep", [True, False])
def test_the_plot_is_wide_enough_to_read_and_dark_on_white(is_deep):
    image = pixels(draw_sheet(sheet(is_deep=is_deep)))
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert 1600 <= WIDTH <= 2000
    assert (image[[0, 0, -1, -1], [0, -1, 0, -1]] == 255).all()
    assert (image.sum(axis=2) < 200).sum() > 2000, "there is dark ink"


def test_a_failed_score_is_dark_a_passed_one_light_and_no_score_grey():
    def colours(*scores):
        boxes = pixels(draw_sheet(sheet(scores=scores)))[120:190]
        return has(boxes, RED), has(boxes, PASSED), has(boxes, (238, 241, 244))

    assert colours(Score("GOOD", 1.0, low=0.5)) == (False, True, False)
    assert colours(Score("BAD", 0.1, low=0.5)) == (True, False, False)
    assert colours(Score("BLIND", None, low=0.5)) == (True, False, False)
    assert colours(Score("NOT", 1.0, is_scored=False)) == (False, False, True)


def test_a_warning_is_never_beside_an_all_green_badge():
    def badge(*scores, comments=()):
        image = pixels(draw_sheet(sheet(scores=scores, comments=comments)))
        corner = image[10:75, 1200:]
        return [c for c in (GREEN, ORANGE, RED, GREY) if has(corner, c, 1500)]

    good, bad = Score("GOOD", 1.0, low=0.5), Score("BAD", 0.1, low=0.5)
    assert badge(good) == [GREEN]
    assert badge(good, comments=("High_background",)) == [ORANGE]
    assert badge(bad, comments=("High_background",)) == [RED]
    assert badge(good, bad) == [RED]
    assert badge(Score("NOT", 1.0, is_scored=False)) == [GREY]


def test_warnings_are_written_in_words_and_leave_room_for_the_panels():
    many = tuple(
        f"WARNING x{n}: " + "look at it and take it out " * 9 for n in range(9)
    )
    said = pixels(draw_sheet(sheet(comments=many)))[214:340]
    assert has(said, (138, 47, 0), 1000)


def test_an_exposure_that_was_not_matched_is_marked():
    def lower_left(*unmatched):
        return pixels(draw_sheet(sheet(unmatched=unmatched)))[820:1080, :380]

    assert has(lower_left("b"), RED, 40)
    assert not has(lower_left(), RED, 40)


def test_depth_is_told_by_the_noise_where_it_is_known_else_by_magnitudes():
    each = [
        {"DATE_OBS": "2", "NOISE": 15.0, "ABMAGLIM": 23.5},
        {"DATE_OBS": "1", "NOISE": 14.0, "ABMAGLIM": 24.0},
        {"DATE_OBS": "3"},
    ]
    found = depths(each, {"NOISE": 8.0, "N_EXPOSURES": 4})
    assert found.quantity == "NOISE"
    assert found.exposures[:2] == (14.0, 15.0), "in time"
    assert np.isnan(found.exposures[2])
    assert found.expected == pytest.approx(14.5 / 2)
    found = depths(each, {"ABMAGLIM": 24.4, "N_EXPOSURES": 4})
    assert found.expected == pytest.approx(23.75 + 0.7526, abs=1e-4)
    told = {"ABMAGLIM": 24.4, "DEPTH_GAIN_EXPECTED": 0.5}
    assert depths(each, told).expected == pytest.approx(24.25)
    assert depths([], {"NOISE": 8.0}) is None
    assert depths(each, {}) is None


@pytest.mark.parametrize(
    "name",
    [
        "$x_{1}$ and \\frac{1}{",
        "100 $ a_b $",
        "日本 \u0007\udc80",
        "",
        "x" * 500,
        "a\nb",
    ],
)
def test_names_are_drawn_as_they_are_not_as_formulas(name):
    parameters = dict.fromkeys(
        ("OB_NAME", "INS_MODE", "DATE_OBS", "OB_IDS", "QCFLAG", "PATTERN"), name
    )
    cube = measures(BUNIT="$\\frac{1}_")
    made = sheet(
        cube,
        is_deep=len(name) > 10,
        target=name,
        run=name,
        block=name,
        parameters=parameters,
        comments=(name,),
        unmatched=(name,),
        scores=(Score(name or "-", 1.0),),
    )
    assert pixels(draw_sheet(made)).shape == (HEIGHT, WIDTH, 3)


@given(st.text())
def test_a_plain_text_is_one_printable_line_of_latin_letters(text):
    shown = plain(text, 30)
    assert len(shown) <= 30
    assert shown.isprintable()
    assert all(ord(c) < 0x250 or c == "…" for c in shown)


@pytest.mark.parametrize(
    "cube",
    [
        measures(planes=0),
        measures(rows=0),
        measures(rows=1, columns=1),
        measures(planes=1),
        attrs.evolve(measures(), white=np.full((30, 40), np.nan)),
        attrs.evolve(measures(), white=np.full((30, 40), 3.0)),
        attrs.evolve(measures(), white=np.full((30, 40), 1e30)),
        attrs.evolve(measures(), mean=np.full(300, np.nan), median=np.zeros(300)),
        attrs.evolve(measures(), noise=np.full(300, np.nan)),
        attrs.evolve(
            measures(),
            noise=np.full(300, np.nan),
            noise_measured=np.full(300, np.nan),
        ),
        attrs.evolve(measures(), header=fits.Header()),
        measures(CD1_1=0.0, CD2_2=0.0),
        measures(CD1_1=1e-4, CD1_2=1e-4, CD2_1=-1e-4, CD2_2=1e-4),
    ],
)
def test_a_broken_cube_is_drawn_as_far_as_it_goes(cube):
    assert pixels(draw_sheet(sheet(cube))).shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("is_deep", [True, False])
def test_a_sheet_of_which_nothing_is_known_is_drawn(is_deep):
    empty = {"parameters": {}, "scores": (), "offsets": (), "exposures": ()}
    bare = sheet(measures(), is_deep=is_deep, times=None, **empty)
    assert pixels(draw_sheet(bare)).shape == (HEIGHT, WIDTH, 3)


def test_threads_draw_the_same_as_one_after_the_other():
    sheets = [sheet(is_deep=n % 2 == 0, target=f"field {n}") for n in range(3)]
    alone = [draw_sheet(one) for one in sheets]
    together = [b""] * 3

    def draw(n):
        together[n] = draw_sheet(sheets[n])

    threads = [threading.Thread(target=draw, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


def test_loading_the_pgi_is_light_and_nothing_is_drawn_through_pyplot():
    code = """
import sys
import muse_deep_plugin.qc_procedure
assert not {"matplotlib", "numpy", "astropy"} & set(sys.modules)
from muse_deep_plugin.qc_sheet import draw_sheet
sys.path.insert(0, sys.argv[1])
import test_qc_sheet
test_qc_sheet.draw_sheet(test_qc_sheet.sheet())
assert "matplotlib.figure" in sys.modules
assert "matplotlib.pyplot" not in sys.modules
"""
    directory = __file__.rsplit("/", 1)[0]
    subprocess.run([sys.executable, "-c", code, directory], check=True)


def test_offsets_grow_to_the_east_and_north_of_the_centre():
    grid = grid_of(fits.Header(WCS), (30, 41))
    assert grid.is_aligned
    assert grid.offsets(21, 15.5) == (0, 0)
    east, north = grid.offsets(20, 16.5)
    assert (east, north) == (pytest.approx(0.2), pytest.approx(0.2))
    left, right, bottom, top = grid.extent
    assert (left, right) == (pytest.approx(4.1), pytest.approx(-4.1))
    assert (bottom, top) == (pytest.approx(-3), pytest.approx(3))


def test_a_turned_field_is_not_labelled_as_ra_and_dec():
    turned = {"CD1_1": 3e-5, "CD1_2": 4e-5, "CD2_1": 4e-5, "CD2_2": -3e-5}
    grid = grid_of(fits.Header(WCS | turned), (30, 41))
    assert not grid.is_aligned
    assert grid.scale == (pytest.approx(0.18), pytest.approx(0.18))


def test_the_matrix_may_be_pc_and_cdelt():
    header = fits.Header({k: v for k, v in WCS.items() if not k.startswith("CD")})
    header.update({"PC1_1": -1.0, "CDELT1": 5e-5, "CDELT2": 5e-5})
    assert grid_of(header, (3, 3)).scale == (pytest.approx(-0.18), pytest.approx(0.18))


def test_the_stretch_reaches_from_below_the_sky_to_the_sources():
    image = np.random.default_rng(1).normal(5, 1, (50, 50))
    image[20:24, 20:24] = 500
    low, high = limits(image)
    assert 1 < low < 4
    assert high > 400
    assert limits(np.full((3, 3), np.nan)) == (0, 1)


def test_a_colour_bar_has_no_minus_zero():
    ticks = _rounded(np.array([-0.2, 30.0]), 600)
    assert [f"{tick:.3g}" for tick in ticks] == ["0", "30"]


@pytest.mark.parametrize(
    "unit",
    [
        "10**(-20)*erg/s/cm**2/Angstrom",
        "10**(-20)erg.s**(-1).cm**(-2).angstrom**(-1)",
        "10**-20 Angstrom-1 cm-2 erg s-1",
    ],
)
def test_every_spelling_of_the_unit_is_printed_alike(unit):
    assert flux_unit(unit) == "10⁻²⁰ erg s⁻¹ cm⁻² Å⁻¹"
    assert flux_unit("count") == "count"
