"""What is told of a target before anything is made, and what is suggested for it."""

import pytest
from attrs import evolve

from muse_deep_plugin.preparation.collect_abs import Collected
from muse_deep_plugin.preparation.crowded import suggest_crowded
from muse_deep_plugin.preparation.datacubes import Datacube
from muse_deep_plugin.preparation.deep_warnings import (
    Limits,
    exposure_time,
    shared_exposures,
    some,
    warnings_of,
)
from phoenix_core.association_block import AssociationBlock

RUN = "094.D-0114(B)"


def pst(number, ob="1", **more):
    name = f"MUSE.2014-10-23T01:{number:02d}:00.123_pst.ab"
    return AssociationBlock.create(
        {
            "AB_NAME": name,
            "RECIPE": "muse_scipost",
            "OBS_PROG_ID": RUN,
            "OBS_ID": ob,
            "MJD-OBS": "56953.0",
            "MJD-OBS_MOD": f"{56953.0 + 300 / 86400:.9f}",
            "RAW_MATCH_KEY": "INS_MODE=WFM-NOAO-N",
            "COMPLETENESS": "COMPLETE",
            **more,
        }
    )


def target(*exposures, blocks=(), **more):
    return Collected("A", exposures, (*exposures, *blocks), **more)


PAIR = target(pst(1), pst(2, "2"))


def cubes(**by_number):
    """Datacubes of the exposures _1, _2 ... of a target."""
    return {
        name: Datacube(f"r.{name.removesuffix('.ab')}.fits", **values)
        for number, values in by_number.items()
        for name in (pst(int(number[1:])).name,)
    }


def test_nothing_is_said_of_exposures_that_go_together():
    near = {"ra": 13.7, "dec": -37.6, "grd": "A", "texptime": 600.0}
    known = cubes(_1=near, _2=near | {"dec": -37.6 + 9 / 3600, "grd": "b"})
    assert warnings_of(PAIR, known, Limits(runs=(RUN,))) == ()


def test_more_exposures_than_fit_into_memory():
    many = target(*(pst(n, str(n)) for n in range(5)))
    assert warnings_of(many, {}, Limits(max_inputs=5)) == ()
    assert warnings_of(many, {}, Limits(max_inputs=4)) == (
        "5 exposures, more than 4: they may not fit into memory",
    )
    assert Limits().max_inputs == 120


def test_one_ob_has_a_combined_datacube_already():
    (told,) = warnings_of(target(pst(1), pst(2)), {}, Limits())
    assert told == "all exposures are of OB 1: its combined datacube exists already"


def test_different_instrument_modes_are_named_with_their_exposures():
    other = pst(2, "2", RAW_MATCH_KEY="INS_MODE=WFM-AO-E")
    (told,) = warnings_of(target(pst(1), other), {}, Limits())
    assert "WFM-NOAO-N: " in told
    assert f"WFM-AO-E: {other.name}" in told
    # Where an AB does not tell, the database does.
    silent = target(pst(1, RAW_MATCH_KEY=""), pst(2, "2", RAW_MATCH_KEY="X=1"))
    known = cubes(_1={"ins_mode": "NFM-AO-N"}, _2={"ins_mode": "WFM-AO-N"})
    assert "different instrument modes" in warnings_of(silent, known, Limits())[0]


def at(**arcsec):
    """Datacubes of exposures, north of a place on the sky."""
    return cubes(
        **{n: {"ra": 13.7, "dec": -37.6 + away / 3600} for n, away in arcsec.items()}
    )


FOUR = target(*(pst(n, str(n)) for n in (1, 2, 3, 4)))
ONE, TWO, THREE, FOURTH = (block.name for block in FOUR.exposures)


def test_pointings_of_two_exposures_each_that_do_not_overlap_are_told():
    (told,) = warnings_of(FOUR, at(_1=0, _2=240, _3=2, _4=242), Limits())
    assert told == (
        "2 pointings, 240 arcsec apart, do not overlap: "
        f"P1 13.70000 -37.59972 (2 exposures): {ONE}, {THREE}; "
        f"P2 13.70000 -37.53306 (2 exposures): {TWO}, {FOURTH}"
    )


def test_pointings_that_overlap_are_told_more_softly():
    (told,) = warnings_of(FOUR, at(_1=0, _2=40, _3=2, _4=42), Limits())
    assert told.startswith("2 pointings, 40 arcsec apart, overlap in part: P1 ")
    (told,) = warnings_of(FOUR, at(_1=0, _2=80, _3=40, _4=1), Limits())
    assert told.startswith(
        "3 pointings, up to 80 arcsec apart, overlap, each with a next one: P1 "
    )
    (told,) = warnings_of(FOUR, at(_1=0, _2=50, _3=240, _4=290), Limits())
    assert told.startswith("4 pointings, up to 290 arcsec apart, do not all overlap: P")


def test_dithered_exposures_and_places_that_are_not_known_are_no_pointings():
    assert warnings_of(FOUR, at(_1=0, _2=8, _3=16, _4=24), Limits()) == ()
    assert warnings_of(FOUR, at(_1=0, _2=float("nan")), Limits()) == ()


def test_an_exposure_that_is_far_from_the_first_is_told():
    told = warnings_of(PAIR, at(_1=0, _2=540), Limits())
    assert told[0] == (f"{TWO} lies 0.150 degrees away from {ONE}, the first exposure")
    assert told[1].startswith("2 pointings, 540 arcsec apart, do not overlap: ")


@pytest.mark.parametrize("grade", ["C", "D", "d "])
def test_poor_grades_are_told(grade):
    (told,) = warnings_of(PAIR, cubes(_2={"grd": grade}), Limits())
    assert told == f"grade {grade.strip().upper()}: {pst(2).name}"


def test_exposures_that_are_short_beside_others_of_their_ob_are_told():
    of_one_ob = target(pst(1), pst(2), pst(3), pst(4, "2"))
    times = {"_1": 600.0, "_2": 60.0, "_3": 600.0, "_4": 600.0}
    short = cubes(**{number: {"texptime": time} for number, time in times.items()})
    (told,) = warnings_of(of_one_ob, short, Limits())
    assert told == f"{pst(2).name} is short: 60 s of 600 s"
    pair = target(pst(1), pst(2), pst(4, "2"))
    assert warnings_of(pair, short, Limits()) == (told,)
    halted = target(pst(1), pst(2, "2", COMPLETENESS="INCOMPLETE"))
    assert "is INCOMPLETE" in warnings_of(halted, {}, Limits())[0]


def test_an_ob_that_was_designed_with_shorter_exposures_is_not_called_short():
    times = {"_1": 900.0, "_2": 300.0, "_3": 900.0, "_4": 300.0}
    designed = target(pst(1), pst(2, "2"), pst(3), pst(4, "2"))
    known = cubes(**{number: {"texptime": time} for number, time in times.items()})
    assert warnings_of(designed, known, Limits()) == ()


def test_times_of_exposures_come_from_the_database_or_the_ab():
    assert exposure_time(pst(1)) == pytest.approx(600.0, abs=0.1)
    assert exposure_time(pst(1), Datacube("x", texptime=7.0)) == 7.0
    assert str(exposure_time(evolve(pst(1), lines=()))) == "nan"


def test_failed_abs_and_runs_that_are_not_linked_are_told():
    failed = pst(1, PROCESS_STATUS="FAILED")
    foreign = pst(2, "2", OBS_PROG_ID="095.A-0001(A)")
    told = warnings_of(target(failed, foreign), {}, Limits(runs=(RUN,)))
    assert told == (
        f"not processed successfully before: {failed.name}",
        (
            "of run 095.A-0001(A), which RUN_MULTI.txt does not link with this one: "
            f"{foreign.name}"
        ),
    )


def test_exposures_of_two_targets_are_found():
    other = evolve(PAIR, target="B", exposures=(pst(2), pst(4)))
    assert shared_exposures([PAIR, other]) == {pst(2).name: ("A", "B")}


def test_of_many_names_a_few_are_told():
    assert some(list("abcdefg")) == "a, b, c, d, e and 2 more"


# CROWDED ------------------------------------------------------------------------


def sky(number):
    return AssociationBlock.create(
        {"AB_NAME": f"{number}_sky.ab", "RECIPE": "muse_create_sky"}
    )


FULL = {"histo_bkg": -31.0, "num_src": 900}
EMPTY = {"histo_bkg": 1.0, "num_src": 12}


def test_no_is_suggested_where_sky_was_observed():
    with_sky = pst(1, MCALIB="VIRTUAL 9_sky.ab SKY_LINES")
    two = target(with_sky, pst(2, "2"), blocks=(sky(9),))
    said = suggest_crowded(two, cubes(_1=FULL, _2=FULL), "crowded")
    assert not said.crowded
    assert (
        said.why == "1 of 2 exposures have SKY observations; subtracting these is right"
    )


@pytest.mark.parametrize(
    ("first", "second", "run_type", "crowded", "why"),
    [
        (FULL, FULL, "", True, "-20 or less, too much sky"),
        (EMPTY, EMPTY, "", False, "background 1.0 and 12 sources (median)"),
        ({"num_src": 250}, {}, "", True, "200 sources or more"),
        ({"histo_bkg": -25.0}, {"histo_bkg": -20.0}, "", True, "background -22.5"),
        (EMPTY, EMPTY, "Crowded", True, "TYPE of the run"),
        ({}, {}, "deep", False, "says nothing"),
    ],
)
def test_it_is_suggested_by_the_qc(first, second, run_type, crowded, why):
    said = suggest_crowded(PAIR, cubes(_1=first, _2=second), run_type)
    assert said.crowded is crowded
    assert why in said.why


def test_without_a_database_no_is_suggested():
    assert not suggest_crowded(PAIR, {}).crowded
