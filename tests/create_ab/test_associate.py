"""Association: never against its keys or window; the nearest is the nearest."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_core.create_ab import read_rules
from phoenix_core.create_ab.associate import Candidates, choose, distance
from phoenix_core.create_ab.classify import Frame, same
from phoenix_core.create_ab.create import associate
from phoenix_core.create_ab.drafts import Candidate, Draft
from phoenix_core.create_ab.rules import Source, Time
from phoenix_core.create_ab.why import account

RANK = {Source.VIRTUAL: 0, Source.CALIB: 1, Source.RAW: 2}
CLASSES = "".join(
    f'[[classify]]\ntag = "{tag}"\nwhen = {{ TYPE = "{tag}" }}\n'
    for tag in ("OBJECT", "DARK", "LAMP", "OTHER")
)
TEMPLATE = """
[tolerance]
DIT = 0.1
[[group]]
name = "all"
tags = ["OBJECT"]
keys = ["file"]
recipe = "x"
  [[group.associate]]
  tag = "DARK"
  keys = {keys}
  minimum = {minimum}
  maximum = {maximum}
  levels = [{levels}]
[[group]]
name = "maker"
tags = ["OTHER"]
keys = ["DIT"]
recipe = "x"
ab_tag = "_made"
products = ["DARK", "OTHER"]
"""
LEVELS = (
    "{}",
    '{ window = "12 h" }',
    '{ window = "1 d", time = "before" }',
    '{ window = "2 d", time = "after", sources = ["calib"] }',
    '{ sources = ["virtual"] }',
    '{ sources = ["raw"], time = "after" }',
    '{ window = "3 d", keys = [] }',
    '{ tag = "OTHER" }',
)
MJDS = st.none() | st.integers(0, 100).map(lambda n: 60000 + n / 10)
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "DIT": st.sampled_from([1, 1.05, 2.0, "1", True]),
        "FILTER": st.sampled_from(["J", "H", 1, 1.0, True]),
    },
)


@st.composite
def rules(draw):
    minimum = draw(st.integers(1, 2))
    return read_rules(
        CLASSES
        + TEMPLATE.format(
            keys=draw(st.sampled_from(['["DIT"]', '["FILTER", "DIT"]', '["FILTER"]'])),
            minimum=minimum,
            maximum=draw(st.integers(minimum, 3)),
            levels=", ".join(draw(st.lists(st.sampled_from(LEVELS), max_size=3))),
        )
    )


@st.composite
def candidate(draw, number):
    source = draw(st.sampled_from(list(Source)))
    return Candidate(
        f"C{number}.{'ab' if source is Source.VIRTUAL else 'fits'}",
        draw(st.sampled_from(["DARK", "DARK", "OTHER"])),
        draw(MJDS),
        draw(VALUES),
        source,
        draw(st.sampled_from(["", "", "", "is truncated"])),
    )


CANDIDATES = st.integers(0, 12).flatmap(
    lambda size: st.tuples(*(candidate(number) for number in range(size)))
)


def draft_of(the_rules, mjd, values):
    frame = Frame("A.fits", "/raw/A.fits", "OBJECT", mjd, {**values, "file": "A.fits"})
    return Draft(the_rules.groups[0], frame, frames=(frame,))


def fits_level(the_rules, draft, level, one):
    """What the documentation says of keys, windows and times, one by one."""
    if one.problem or one.source not in level.sources or one.tag != level.tag:
        return False
    for key in level.keys:
        tolerance = the_rules.tolerance.get(key, 0.0)
        if not same(draft.primary.values.get(key), one.values.get(key), tolerance):
            return False
    if level.time is Time.NEAREST and level.window is None:
        return True
    days = distance(draft, one)
    return (
        days is not None
        and abs(days) <= (math.inf if level.window is None else level.window)
        and (level.time is not Time.BEFORE or days <= 0)
        and (level.time is not Time.AFTER or days >= 0)
    )


def near(draft, one):
    """The nearest first; what has no time comes last, in the order of names."""
    days = distance(draft, one)
    return math.inf if days is None else abs(days), RANK[one.source], one.name


@given(rules(), MJDS, VALUES, CANDIDATES)
def test_the_first_level_that_has_enough_gives_its_nearest(
    the_rules, mjd, values, candidates
):
    draft = draft_of(the_rules, mjd, values)
    (association,) = the_rules.groups[0].associations
    pool = Candidates(the_rules)
    pool.add(candidates)
    found = choose(draft, association, pool)
    level_wanted, wanted = None, ()
    for level in association.levels:
        fitting = [c for c in candidates if fits_level(the_rules, draft, level, c)]
        if len(fitting) >= association.minimum:
            ordered = sorted(fitting, key=lambda one: near(draft, one))
            level_wanted, wanted = level, tuple(ordered[: association.maximum])
            break
    assert found.level == level_wanted
    if mjd is None:  # then nothing is nearer than another
        assert len(found.taken) == len(wanted)
    else:
        assert found.taken == wanted


@given(rules(), MJDS, VALUES, CANDIDATES, st.randoms(use_true_random=False))
def test_the_order_of_candidates_does_not_matter(
    the_rules, mjd, values, candidates, random
):
    draft = draft_of(the_rules, mjd, values)
    (association,) = the_rules.groups[0].associations
    shuffled = list(candidates)
    random.shuffle(shuffled)
    found = []
    for some in (candidates, shuffled):
        pool = Candidates(the_rules)
        pool.add(some)
        found.append(
            (choose(draft, association, pool), account(draft, association, pool))
        )
    assert found[0] == found[1]


@given(rules(), MJDS, VALUES, CANDIDATES)
def test_the_account_of_an_association_leaves_nobody_out(
    the_rules, mjd, values, candidates
):
    draft = draft_of(the_rules, mjd, values)
    (association,) = the_rules.groups[0].associations
    pool = Candidates(the_rules)
    pool.add(candidates)
    told = account(draft, association, pool)
    looked_at = {
        one.name
        for one in candidates
        for level in association.levels
        if one.tag == level.tag and one.source in level.sources
    }
    named = [one.name for one in (*told.taken, *told.runners_up, *told.misses)]
    assert len(named) == len(set(named))
    assert set(named) <= looked_at
    assert told.candidates == len(looked_at)
    for miss in told.misses:
        assert miss.failures
        (one,) = [c for c in candidates if c.name == miss.name]
        assert not any(
            fits_level(the_rules, draft, level, one) for level in association.levels
        )
    for fit in told.runners_up:
        (one,) = [c for c in candidates if c.name == fit.name]
        assert any(
            fits_level(the_rules, draft, level, one) for level in association.levels
        )


NIGHT = """
[[group]]
name = "dark"
tags = ["DARK"]
keys = ["DIT"]
recipe = "dark"
ab_tag = "_dark"
minimum = 2
products = ["MASTER_DARK"]
[[group]]
name = "science"
tags = ["OBJECT"]
keys = ["file"]
recipe = "science"
products = ["IMAGE"]
  [[group.associate]]
  tag = "MASTER_DARK"
  keys = ["DIT"]
  window = "7 d"
  [[group.associate]]
  tag = "LAMP"
  sources = ["raw"]
  time = "before"
  optional = true
[[group]]
name = "stack"
from = ["science"]
keys = ["OB"]
takes = ["IMAGE"]
raw_type = "IMAGE"
ab_tag = "_stack"
recipe = "stack"
"""


def frame(name, tag, mjd, problem="", **values):
    return Frame(name, f"/{name}", tag, mjd, {**values, "file": name}, problem)


def night(*raw, calib=()):
    found = associate(read_rules(CLASSES + NIGHT), raw, raw, calib)
    return {draft.name: draft for draft in found.drafts}


SCIENCE = frame("S.fits", "OBJECT", 60000.5, DIT=10.0, OB=1)
DARKS = tuple(frame(f"D{n}.fits", "DARK", 60000.4 + n / 1000, DIT=10) for n in range(2))


def test_a_master_of_the_same_night_is_taken_from_the_ab_that_will_make_it():
    old = frame("M.fits", "MASTER_DARK", 59999.0, DIT=10.0)
    made = night(SCIENCE, *DARKS, calib=[old])
    (one,) = made["S.ab"].choices[0].taken
    assert (one.source, one.name) == (Source.VIRTUAL, "D0_dark.ab")


def test_a_master_that_will_not_be_made_is_not_taken():
    old = frame("M.fits", "MASTER_DARK", 59999.0, DIT=10.0)
    made = night(SCIENCE, DARKS[0], calib=[old])
    assert made["D0_dark.ab"].missing
    (one,) = made["S.ab"].choices[0].taken
    assert (one.source, one.name) == (Source.CALIB, "M.fits")


@pytest.mark.parametrize(
    ("calib", "told"),
    [
        ((), "there is none at all (calib, virtual)"),
        (
            (frame("M.fits", "MASTER_DARK", 60000.25, DIT=2.0),),
            "none of 1 fits; nearest: M.fits, 6 h before: DIT = 2.0, wanted 10.0",
        ),
        (
            (frame("M.fits", "MASTER_DARK", 59990.5, DIT=10.0),),
            "none of 1 fits; nearest: M.fits, 10 d before: more than 7 d away",
        ),
        (
            (frame("M.fits", "MASTER_DARK", 60000.25),),
            "none of 1 fits; nearest: M.fits, 6 h before: has no DIT, wanted 10.0",
        ),
        (
            (frame("M.fits", "MASTER_DARK", 60000.25, "is truncated", DIT=10.0),),
            "none of 1 fits; nearest: M.fits, 6 h before: is truncated",
        ),
        (
            (frame("M.fits", "MASTER_DARK", None, DIT=10.0),),
            "none of 1 fits; nearest: M.fits, at an unknown time: the time between",
        ),
    ],
)
def test_what_lacks_a_calibration_says_what_came_nearest(calib, told):
    (missing,) = night(SCIENCE, calib=calib)["S.ab"].missing
    assert missing.what == "MASTER_DARK"
    assert missing.why.startswith(told)


def test_what_takes_an_incomplete_ab_is_incomplete_and_the_rest_is_not():
    other = frame("T.fits", "OBJECT", 60000.6, DIT=2.0, OB=2)
    made = night(SCIENCE, other, *DARKS)
    assert not made["S.ab"].missing
    assert not made["S_stack.ab"].missing
    (missing,) = made["T_stack.ab"].missing
    assert missing.what == "T.ab"
    assert missing.why.startswith("is INCOMPLETE: MASTER_DARK none of 1 fits")


def test_a_raw_frame_can_go_with_another_one():
    lamps = [frame(f"L{n}.fits", "LAMP", 60000.3 + n / 10) for n in range(4)]
    made = night(SCIENCE, *DARKS, *lamps)
    (one,) = made["S.ab"].choices[1].taken
    assert one.name == "L2.fits"


def test_what_would_fit_but_for_its_own_problem_comes_first():
    near = frame("M.fits", "MASTER_DARK", 60000.45, DIT=2.0)
    made = night(SCIENCE, DARKS[0], calib=[near])
    (missing,) = made["S.ab"].missing
    assert missing.why.startswith("none of 2 fits; nearest: D0_dark.ab, 2.4 h before")
    broken = frame("N.fits", "MASTER_DARK", 59999.0, "is truncated", DIT=10.0)
    (missing,) = night(SCIENCE, calib=[near, broken])["S.ab"].missing
    assert "nearest: N.fits" in missing.why


def test_a_chain_of_incomplete_abs_names_the_first_cause_and_no_link():
    long = "is truncated: 24768 bytes of HDU 2 are missing"
    dark = frame("D1.fits", "DARK", 60000.401, long, DIT=10)
    made = night(SCIENCE, DARKS[0], dark)
    first = f"D0_dark.ab: RAWFILE D1.fits {long}"
    (missing,) = made["S_stack.ab"].missing
    assert (missing.what, missing.root) == ("S.ab", first)
    assert missing.why == f"is INCOMPLETE, because of {first}"
    (missing,) = made["S.ab"].missing
    assert missing.root == first
    told = f"2.4 h before: is INCOMPLETE: RAWFILE D1.fits {long} (and 1 more)"
    assert missing.why == f"none of 1 fits; nearest: D0_dark.ab, {told}"


def test_what_several_abs_lack_is_told_once():
    others = [
        frame(f"S{n}.fits", "OBJECT", 60000.5 + n / 100, DIT=10.0, OB=1)
        for n in range(3)
    ]
    (first, *rest) = night(*others, DARKS[0])["S0_stack.ab"].missing
    assert first.why == (
        "is INCOMPLETE, because of D0_dark.ab: FRAMES there are 1 of 2 DARK"
    )
    assert {one.why for one in rest} == {"is INCOMPLETE for the same reason"}


def test_a_frame_that_is_there_twice_is_told_once_with_both_places():
    why = "is there more than once, in /x and in /y"
    twice = [frame("D1.fits", "DARK", 60000.401, why, DIT=10) for _ in range(2)]
    found = night(DARKS[0], *twice)["D0_dark.ab"].missing
    assert [one.why for one in found if one.what == "RAWFILE"] == [f"D1.fits {why}"]
