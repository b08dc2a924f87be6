"""Grouping: every frame is in just one AB, or it is said why not."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from phoenix_core.create_ab import read_rules
from phoenix_core.create_ab.classify import Frame, classify
from phoenix_core.create_ab.create import associate
from phoenix_core.create_ab.fits_header import Header
from phoenix_core.create_ab.headers import FileHeader

RULES = read_rules(
    """
[tolerance]
DIT = 0.1

[[group]]
name = "pair"
tags = ["FLAT"]
keys = ["FILTER"]
maximum = 2
surplus = "leave"
shared = true
recipe = "noise"
ab_tag = "_noise"
minimum = 2
if_fewer = "none"

[[group]]
name = "flat"
tags = ["FLAT"]
keys = ["FILTER"]
gap = "6 h"
recipe = "flat"
ab_tag = "_flat"
minimum = 2

[[group]]
name = "dark"
tags = ["DARK"]
keys = ["DIT", "FILTER"]
maximum = 3
recipe = "dark"
ab_tag = "_dark"
minimum = 2
products = ["MASTER_DARK"]

[[group]]
name = "faint"
tags = ["OBJECT"]
when = { DIT = { above = 5 } }
keys = ["file"]
recipe = "single"

[[group]]
name = "science"
tags = ["OBJECT", "SKY"]
keys = ["OB"]
recipe = "science"
minimum = { OBJECT = 1 }
products = ["STACK"]

[[group]]
name = "pairs"
from = ["science"]
keys = ["FILTER"]
takes = ["STACK"]
raw_type = "STACK"
ab_tag = "_all"
recipe = "combine"
minimum = 2
if_fewer = "none"
"""
)
GROUPS = {group.name: group for group in RULES.groups}
TAGS = ("FLAT", "DARK", "OBJECT", "SKY", "ELSE", "", None)
MJDS = st.none() | st.integers(0, 40).map(lambda n: 60000 + n / 20)


@st.composite
def frame(draw, number):
    values = {
        "DIT": draw(st.sampled_from([1, 1.0, 1.05, 1.15, 10.0, "1", True, None])),
        "FILTER": draw(st.sampled_from(["J", "H", None])),
        "OB": draw(st.sampled_from([1, 2])),
    }
    values = {key: value for key, value in values.items() if value is not None}
    name = f"F{number}.fits"
    return Frame(
        name,
        f"/raw/{name}",
        draw(st.sampled_from(TAGS)),
        draw(MJDS),
        {**values, "file": name},
        draw(st.sampled_from(["", "", "", "is truncated"])),
    )


FRAMES = st.integers(0, 14).flatmap(
    lambda size: st.tuples(*(frame(number) for number in range(size)))
)


def drafts_of(frames):
    return associate(RULES, frames, frames, ())


@given(FRAMES)
def test_every_frame_is_in_one_ab_or_reported(frames):
    found = drafts_of(frames)
    counts = Counter(one.frame.name for one in found.loose)
    for draft in found.drafts:
        if not draft.group.shared:
            counts.update(frame.name for frame in draft.frames)
    assert counts == Counter(frame.name for frame in frames)


@given(FRAMES)
def test_an_ab_holds_only_what_belongs_together(frames):
    for draft in drafts_of(frames).drafts:
        group = draft.group
        for key in group.keys:
            values = [frame.values.get(key) for frame in draft.frames]
            numbers = [v for v in values if isinstance(v, int | float)]
            if key == "DIT" and numbers and not any(v is True for v in values):
                assert max(numbers) - min(numbers) <= 0.1
                assert len(numbers) == len(values)
            else:
                assert len({(type(v), v) for v in values}) <= 1
        assert all(
            frame.tag in group.tags for frame in draft.frames if not group.members
        )
        assert group.maximum is None or len(draft.frames) <= group.maximum
        if group.gap:
            times = sorted(f.mjd for f in draft.frames if f.mjd is not None)
            pauses = [after - before for before, after in pairwise(times)]
            assert max(pauses, default=0) <= group.gap


@given(FRAMES, st.randoms(use_true_random=False))
def test_the_order_of_files_does_not_matter(frames, random):
    shuffled = list(frames)
    random.shuffle(shuffled)
    one, other = drafts_of(frames), drafts_of(shuffled)
    assert one.drafts == other.drafts
    assert one.loose == other.loose


@given(FRAMES)
def test_an_ab_is_incomplete_for_a_reason_and_only_then(frames):
    for draft in drafts_of(frames).drafts:
        good = [f for f in draft.frames if not f.problem]
        objects = sum(f.tag == "OBJECT" for f in good)
        keys = [k for k in draft.group.keys if k not in draft.primary.values]
        few = len(good) < draft.group.minimum or (
            draft.group.name == "science" and objects < 1
        )
        if draft.group.members:
            few = any(member.missing for member in draft.members)
        broken = len(good) < len(draft.frames)
        assert bool(draft.missing) is bool(few or broken or keys)


@given(FRAMES)
def test_names_of_abs_are_unique(frames):
    names = [draft.name for draft in drafts_of(frames).drafts]
    assert len(set(names)) == len(names)


def plain_frame(name, tag, mjd, problem="", **values):
    return Frame(name, f"/raw/{name}", tag, mjd, {**values, "file": name}, problem)


def test_more_frames_than_the_maximum_make_abs_of_nearly_equal_size():
    darks = [
        plain_frame(f"D{n:02d}.fits", "DARK", 60000 + n / 100, DIT=2.0, FILTER="J")
        for n in range(10)
    ]
    sizes = [len(draft.frames) for draft in drafts_of(darks).drafts]
    assert sizes == [3, 3, 2, 2]


def test_a_truncated_frame_leaves_its_place_to_a_whole_one_where_some_are_left_over():
    flats = [
        plain_frame(f"F{n}.fits", "FLAT", 60000 + n / 100, problem, FILTER="J")
        for n, problem in enumerate(["is truncated", "", ""])
    ]
    pair = next(d for d in drafts_of(flats).drafts if d.group.name == "pair")
    assert [frame.name for frame in pair.frames] == ["F1.fits", "F2.fits"]
    assert not pair.missing


def test_the_first_frame_of_the_first_tag_names_the_ab():
    frames = [
        plain_frame("A.fits", "SKY", 60000.0, OB=1),
        plain_frame("B.fits", "OBJECT", 60000.1, OB=1, DIT=1.0),
        plain_frame("C.fits", "OBJECT", 60000.2, OB=1, DIT=1.0),
    ]
    (draft,) = drafts_of(frames).drafts
    assert draft.name == "B.ab"
    assert [frame.name for frame in draft.frames] == ["B.fits", "C.fits", "A.fits"]


def test_a_frame_without_a_key_of_its_group_is_alone_and_says_so():
    darks = [
        plain_frame("A.fits", "DARK", 60000.0, FILTER="J"),
        *(
            plain_frame(f"B{n}.fits", "DARK", 60000.1, DIT=2.0, FILTER="J")
            for n in range(2)
        ),
    ]
    first, second = drafts_of(darks).drafts
    assert [one.why for one in first.missing if one.what == "KEYWORD"] == [
        "A.fits has no DIT"
    ]
    assert not second.missing


CLASSES = read_rules(
    """
only = { INSTRUME = "TOY" }
[[classify]]
ignore = true
when = { TYPE = { like = "TEST*" } }
[[classify]]
tag = "LONG"
when = { TYPE = ["A", "B"], DIT = { at_least = 2, below = 10 } }
[[classify]]
tag = "OTHER"
when = { TYPE = { not = ["C", "D"] } }
[[classify]]
tag = "BARE"
when = { TYPE = { present = false } }
[[group]]
name = "all"
tags = ["LONG", "OTHER", "BARE"]
keys = ["file"]
recipe = "x"
"""
)


def tag_of(of="raw", **values):
    header = Header({"INSTRUME": "TOY", **values})
    (found,) = classify(CLASSES, of, [FileHeader("/x/f.fits", "f.fits", header)])
    return found.tag


def test_the_first_class_whose_conditions_are_met_is_taken():
    assert tag_of(TYPE="A", DIT=2) == "LONG"
    assert tag_of(TYPE="B", DIT=9.99) == "LONG"
    assert tag_of(TYPE="A", DIT=10) == "OTHER"
    assert tag_of(TYPE="A", DIT="5") == "OTHER"
    assert tag_of(TYPE="TEST,A", DIT=5) == ""
    assert tag_of(TYPE="C", DIT=5) is None
    assert tag_of(DIT=5) == "BARE"


def test_a_calibration_has_its_category_for_a_tag():
    assert tag_of("calib", **{"ESO PRO CATG": "MASTER_DARK"}) == "MASTER_DARK"
    assert tag_of("calib", **{"ESO PRO CATG": "no name"}) is None


def test_files_of_another_instrument_are_not_looked_at():
    header = Header({"INSTRUME": "OTHER", "TYPE": "A"})
    assert not classify(CLASSES, "raw", [FileHeader("/x/f.fits", "f.fits", header)])


def test_a_name_that_no_ab_can_hold_and_one_that_is_there_twice_are_problems():
    header = Header({"INSTRUME": "TOY", "TYPE": "E"})
    files = [
        FileHeader("/x/a b.fits", "a b.fits", header),
        FileHeader("/x/c.fits", "c.fits", header),
        FileHeader("/y/c.fits", "c.fits", header),
        FileHeader("/y/d.fits", "d.fits", header),
    ]
    problems = [frame.problem for frame in classify(CLASSES, "raw", files)]
    assert problems == [
        "has a name that no AB can hold",
        "is there twice, in two directories",
        "is there twice, in two directories",
        "",
    ]


def test_the_time_of_a_frame_is_mjd_obs_or_else_date_obs():
    for values, mjd in (
        ({"MJD-OBS": 60000.5, "DATE-OBS": "2000-01-01"}, 60000.5),
        ({"DATE-OBS": "2023-02-25T12:00:00.000"}, 60000.5),
        ({"MJD-OBS": "x", "DATE-OBS": "y"}, None),
    ):
        header = Header({"INSTRUME": "TOY", **values})
        (found,) = classify(CLASSES, "raw", [FileHeader("/f.fits", "f.fits", header)])
        assert found.mjd == mjd
