"""Help in the decision: what combining gains, what stands out; it decides nothing."""

import math

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from muse_deep_plugin.preparation.datacubes import (
    Datacube,
    final_datacubes,
    single_datacubes,
)
from muse_deep_plugin.preparation.offer_targets import candidates
from muse_deep_plugin.preparation.proposals import (
    advise,
    depth_gain,
    outlook,
    pointings,
    told,
    twins,
)

ARCSEC = 1 / 3600
TIMES = st.floats(1.0, 1e5)


def cube(number, **values):
    """A datacube of one exposure at one place, unless said otherwise."""
    usual = Datacube(
        f"r.MUSE.2014-10-23T01:{number:02}:00.000_pst.fits",
        data_type="DATACUBE_SINGLE",
        texptime=600.0,
        ra=13.7,
        dec=-37.7,
        ambi_req=0.8,
        sky_res=0.6,
        histo_bkg=2.0,
        grd="A",
    )
    return evolve(usual, **values)


def usual(count):
    return [cube(number) for number in range(count)]


def proposed(one, others=()):
    advice = advise("T", [*others, one], [])
    found = advice.proposals.get(one.pipefile)
    return found.text if found else ""


def advised(history, run):
    with history.connect() as connection:
        cubes = final_datacubes(connection, [run])
        exposures = single_datacubes(connection, [run])
    return {one.name: one.advice for one in candidates(cubes, exposures)}


@given(st.integers(1, 100), TIMES)
def test_equal_exposures_gain_by_the_root_of_their_number(count, time):
    assert depth_gain([time] * count) == pytest.approx(2.5 * math.log10(count**0.5))


@given(st.lists(TIMES, min_size=1, max_size=20), TIMES)
def test_more_never_means_less_deep_than_the_deepest_alone(times, further):
    assert depth_gain(times) >= -1e-9
    shorter = min(further, *times)
    assert depth_gain([*times, shorter]) >= depth_gain(times)


def test_times_that_are_not_known_gain_nothing():
    assert depth_gain([None, 0.0, -1.0, math.nan]) is None
    assert depth_gain([None, 600.0]) == 0.0


def test_a_short_exposure_is_proposed_to_be_dropped(history):
    advice = advised(history, "094.D-0114(B)")["NGC300"]
    (aborted,) = [p for p in advice.proposals.values() if not p.is_keep]
    assert aborted.pipefile == "r.MUSE.2014-10-24T01:45:20.702_pst.fits"
    assert aborted.text.startswith("proposal: drop, 60 s of 600 s")
    assert f"{advice.gain:.2f}" == "0.36"


def test_an_ob_designed_with_shorter_exposures_is_kept():
    short = [cube(n, texptime=120.0, ob_id=7) for n in range(5, 8)]
    others = [cube(n, ob_id=n) for n in range(4)]
    proposed = advise("T", [*others, *short], []).proposals
    told = "proposal: keep, shorter than the others, 120 s of 600 s"
    assert {name: one.text for name, one in proposed.items()} == {
        one.pipefile: told for one in short
    }


def test_an_exposure_aborted_in_its_ob_is_proposed_to_be_dropped():
    ob = [cube(n, texptime=120.0, ob_id=7) for n in range(3)]
    aborted = cube(9, texptime=30.0, ob_id=7)
    others = [cube(n, ob_id=n) for n in range(10, 20)]
    found = advise("T", [*others, *ob, aborted], []).proposals
    assert found[aborted.pipefile].text == "proposal: drop, 30 s of 120 s"


def test_targets_are_told_of_before_a_run_is_to_be_combined(history):
    with history.connect() as connection:
        lines = outlook(final_datacubes(connection, ["094.D-0114(B)"]))
    text = "\n".join(lines)
    assert "NGC300: 2 datacubes, 2460 s; combining gains 0.36 mag" in text
    assert "Abell 370: 2 pointings, up to 45 arcsec apart" in text
    assert "HDFS: the pointing of HDF-S (0.2 arcsec); one name for both?" in text
    assert "Lonely" not in text


def test_seeing_beyond_the_constraint_is_told_and_only_extremes_are_dropped():
    others = usual(3)
    assert proposed(cube(9, sky_res=0.8), others) == ""
    moderate = proposed(cube(9, sky_res=1.0), others)
    assert moderate == "proposal: keep, seeing 1.00 of 0.80 arcsec"
    extreme = proposed(cube(9, sky_res=1.6), others)
    assert extreme == "proposal: drop, seeing 1.60 of 0.80 arcsec"
    guided = cube(9, sky_res=None, sgs_x_med=1.6)
    assert proposed(guided, others) == extreme


def test_where_all_have_bad_seeing_none_stands_out():
    bad = [cube(number, sky_res=1.6) for number in range(4)]
    advice = advise("T", bad, [])
    assert {p.is_keep for p in advice.proposals.values()} == {True}


def test_a_bad_grade_alone_is_no_reason_to_drop():
    assert proposed(cube(9, grd="C"), usual(3)) == "proposal: keep, grade C"
    assert proposed(cube(9, grd="B"), usual(3)) == ""


def test_a_background_far_from_the_others_is_proposed_to_be_dropped():
    others = [cube(number, histo_bkg=2.0 + number) for number in range(4)]
    far = proposed(cube(9, histo_bkg=60.0), others)
    assert far == "proposal: drop, background 60, the others 4"
    low = proposed(cube(9, histo_bkg=-25.0))
    assert low == "proposal: keep, background -25, below -20"
    assert proposed(cube(9, histo_bkg=9.0), others) == ""


def test_a_datacube_whose_exposures_all_stand_out_is_told_of():
    bad = [cube(n, sky_res=1.6, combined="r.tpl.fits") for n in (1, 2)]
    whole = cube(0, pipefile="r.tpl.fits", data_type="DATACUBE_COMBINED")
    others = [cube(number) for number in range(3, 9)]
    advice = advise("T", [whole, *others], bad)
    assert advice.proposals["r.tpl.fits"].text == (
        "proposal: drop, as all of its exposures"
    )


def test_two_pointings_of_one_name_are_found_by_their_centres(history):
    advice = advised(history, "094.D-0114(B)")["Abell 370"]
    assert [len(point.pipefiles) for point in advice.pointings] == [2, 2]
    assert advice.largest_separation == pytest.approx(45.0, abs=0.1)
    lines = told(advice)
    assert "2 pointings, up to 45 arcsec apart, overlapping" in lines[1]


def test_one_pointing_of_two_names_is_found(history):
    advices = advised(history, "094.D-0114(B)")
    (twin,) = twins(list(advices.values()))
    assert twin.targets == ("HDF-S", "HDFS")
    assert "the pointing of HDF-S (0.2 arcsec)" in told(advices["HDFS"], [twin])[0]


@given(
    st.lists(st.tuples(st.floats(0, 400), st.floats(0, 400)), max_size=12),
    st.floats(0, 359.999),
    st.sampled_from([-80.0, 0.0, 45.0]),
    st.randoms(use_true_random=False),
)
def test_pointings_do_not_depend_on_the_order_of_datacubes(shifts, ra, dec, random):
    cubes = [
        cube(
            number,
            ra=(ra + east * ARCSEC / math.cos(math.radians(dec))) % 360,
            dec=dec + north * ARCSEC,
        )
        for number, (east, north) in enumerate(shifts)
    ]
    found = {frozenset(point.pipefiles) for point in pointings(cubes)}
    shuffled = random.sample(cubes, len(cubes))
    assert {frozenset(point.pipefiles) for point in pointings(shuffled)} == found
    assert sorted(name for names in found for name in names) == [
        one.pipefile for one in cubes
    ]


def test_a_pointing_across_the_zero_of_right_ascension_is_one():
    both = [cube(0, ra=359.9999, dec=0.0), cube(1, ra=0.0001, dec=0.0)]
    (point,) = pointings(both)
    assert min(point.ra, 360 - point.ra) < 1e-3


def test_datacubes_without_a_place_have_no_pointing():
    assert pointings([cube(0, ra=None)]) == ()
