"""What the row of a run says: the states of the tables, and nothing is guessed."""

import pytest
from attrs import evolve

from muse_deep_plugin.preparation.run_history import (
    Decided,
    Known,
    RunRow,
    Schedule,
    is_better,
    run_row,
)
from muse_deep_plugin.preparation.run_table import HEADINGS, cells
from muse_deep_plugin.preparation.run_tables import (
    Combine,
    DeepMode,
    DeepStatus,
    RunMulti,
    RunType,
)
from muse_deep_plugin.preparation.runs_in_brief import CubeBrief, brief_of
from phoenix_core.run_id import parse_run_id

RUN = parse_run_id("094.D-0114B")
OTHER = "095.A-0118(A)"
SCHEDULE = Schedule(RUN.formal, 94, "SM", "COMPLETE", "Normal")
CUBES = (
    CubeBrief("r.1.fits", RUN.formal, "A", "DATACUBE_COMBINED", 3, "", ""),
    CubeBrief("r.2.fits", RUN.formal, "A", "DATACUBE_SINGLE", 1, "", ""),
    CubeBrief("r.3.fits", RUN.formal, "B", "DATACUBE_SINGLE", None, "", ""),
    CubeBrief("r.4.fits", RUN.formal, "A", "DATACUBE_SKY", 1, "", ""),
)
KNOWN = Known(
    schedules=(SCHEDULE,),
    brief=brief_of("", CUBES),
    raw_files=6,
    deep=frozenset(),
)
NOTHING = Decided({}, {}, {}, {})


def row(known=KNOWN, decided=NOTHING):
    return run_row(RUN, known, decided)


def shown(found: RunRow):
    """The cells of a run by their headings: text and state."""
    made = cells(found, {RUN.formal, OTHER})
    names = [heading.name for heading in HEADINGS]
    return {n: (c.text, c.state) for n, c in zip(names, made, strict=True)}


def decided(combine, selected=(), **multi):
    types = {RUN.formal: RunType(RUN.formal, 1, 94, "deep", combine, "why")}
    return Decided(types, multi, {}, {RUN.formal: frozenset(selected)})


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        ("COMPLETE", "Normal", ("COMPLETE", "good")),
        ("terminated ", "GTO", ("TERMINATED, GTO", "good")),
        ("CARRY-OVER", "Large", ("CARRY-OVER", "warn")),
        ("OPEN", "gto", ("OPEN, GTO", "open")),
        ("", "Normal", ("no status", "open")),
    ],
)
def test_the_state_of_observations_is_that_of_sched_rep(status, kind, expected):
    schedule = evolve(SCHEDULE, status=status, prog_type=kind)
    found = row(evolve(KNOWN, schedules=(schedule,)))
    assert shown(found)["run_status"] == expected


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (("CARRY-OVER", "OPEN"), ("CARRY-OVER", "warn")),
        (("CARRY-OVER", "COMPLETE"), ("COMPLETE", "good")),
        (("COMPLETE", "OPEN"), ("OPEN", "open")),
    ],
)
def test_what_was_carried_over_is_told_until_it_is_finished(statuses, expected):
    schedules = tuple(
        evolve(SCHEDULE, period=94 + n, status=status)
        for n, status in enumerate(statuses)
    )
    found = shown(row(evolve(KNOWN, schedules=schedules)))
    assert found["run_status"] == expected


def test_a_run_that_nobody_scheduled_says_so():
    found = shown(row(evolve(KNOWN, schedules=())))
    assert found["run_status"] == ("no entry", "open")
    assert found["SM_VM"] == ("", "")


def test_the_newest_period_tells_how_it_stands():
    carried = evolve(SCHEDULE, status="CARRY-OVER")
    later = evolve(SCHEDULE, period=95)
    found = row(evolve(KNOWN, schedules=(carried, later)))
    assert found.run_status == "COMPLETE"
    assert found.sm_vm == "SM (P94, P95)"


@pytest.mark.parametrize(
    ("raw_files", "expected"),
    [(6, ("yes", "good")), (8, ("no, 6 of 8", "warn")), (0, ("unknown", "open"))],
)
def test_a_run_is_complete_when_all_that_exists_is_processed(raw_files, expected):
    found = row(evolve(KNOWN, raw_files=raw_files))
    assert shown(found)["complete?"] == expected
    assert found.data.is_complete == (expected[0] == "yes")


def test_sky_is_a_datacube_but_no_target():
    found = row()
    assert (found.n_dcubes, found.candidates) == (4, 1)


@pytest.mark.parametrize(
    ("combine", "selected", "made", "expected"),
    [
        (None, (), (), ("open", "open")),
        (Combine.TBD, (), (), ("open", "open")),
        (Combine.NO, (), ("A",), ("none", "")),
        (Combine.YES, ("A", "B"), ("A", "C"), ("open, 1 of 2", "open")),
        (Combine.YES, ("A", "B"), ("A", "B"), ("done", "good")),
        (Combine.YES, (), (), ("open", "open")),
    ],
)
def test_the_status_is_that_of_the_deep_datacubes(combine, selected, made, expected):
    known = evolve(KNOWN, deep=frozenset(made))
    found = row(known, decided(combine, selected) if combine else NOTHING)
    assert shown(found)["STATUS"] == expected
    assert found.data.status.value == expected[0].partition(",")[0]


def test_what_the_processing_site_says_is_told():
    mode = DeepMode(RUN.formal, DeepStatus.OPEN, 1, "2026-02-03")
    found = row(decided=Decided({}, {}, {RUN.formal: mode}, {}))
    assert shown(found)["STATUS"][0] == "open (open 2026-02-03)"


def test_decisions_of_a_person_are_shown_as_they_are():
    found = shown(row(decided=decided(Combine.TBD)))
    assert found["COMBINE?"] == ("TBD", "warn")
    assert (found["TYPE"][0], found["COMMENT"][0]) == ("deep", "why")


def test_a_slave_leads_to_its_master():
    multi = {RUN.formal: RunMulti(RUN.formal, 1, OTHER)}
    found = row(decided=Decided({}, multi, {}, {}))
    index = [heading.name for heading in HEADINGS].index("M,S")
    assert cells(found, {OTHER})[index].link == "095.A-0118A.html"
    assert cells(found, {OTHER})[index].text == f"S of {OTHER}"
    assert cells(found, set())[index].link == ""
    master = {RUN.formal: RunMulti(RUN.formal, 1, RUN.formal)}
    assert shown(row(decided=Decided({}, master, {}, {})))["M,S"][0] == "M"


@pytest.mark.parametrize(
    ("measured", "asked", "expected"),
    [
        (0.7, 0.8, True),
        (0.8, 0.8, False),
        (0.9, 0.8, False),
        (None, 0.8, None),
        (0.7, None, None),
        (float("nan"), 0.8, None),
    ],
)
def test_a_resolution_is_better_or_not_or_not_known(measured, asked, expected):
    assert is_better(measured, asked) is expected
