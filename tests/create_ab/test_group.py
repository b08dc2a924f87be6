"""Grouping: every frame is in just one AB, or it is said why not."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_core.create_ab import read_rules
from phoenix_core.create_ab.classify import Frame, classify
from phoenix_core.create_ab.create import associate
from phoenix_core.create_ab.doubles import mark_doubles
from phoenix_core.create_ab.findings import findings_of
from phoenix_core.create_ab.fits_header import Header
from phoenix_core.create_ab.headers import FileHeader

RULES = read_rules(
    "".join(
        f'[[classify]]\ntag = "{tag}"\nwhen = {{ TYPE = "{tag}" }}\n'
        for tag in ("FLAT", "DARK", "OBJECT", "SKY")
    )
    + """
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


def lacks(group, frame):
    keys = [key for key in group.keys if key not in frame.values]
    return keys + (["MJD-OBS"] if group.gap and frame.mjd is None else [])


@given(FRAMES)
def test_every_frame_is_in_one_ab_or_reported(frames):
    found = drafts_of(frames)
    counts = Counter(one.frame.name for one in found.loose)
    groups = {}
    for draft in found.drafts:
        if not draft.group.shared:
            counts.update(frame.name for frame in draft.frames)
            groups |= {frame.name: draft.group for frame in draft.frames}
    assert set(counts) == {frame.name for frame in frames}
    for frame in frames:
        is_lacking = frame.name in groups and lacks(groups[frame.name], frame)
        assert counts[frame.name] == 1 or is_lacking


@given(FRAMES)
def test_an_ab_holds_only_what_belongs_together(frames):
    for draft in drafts_of(frames).drafts:
        group = draft.group
        for key in group.keys:
            values = [f.values[key] for f in draft.frames if key in f.values]
            numbers = [v for v in values if isinstance(v, int | float)]
            if key == "DIT" and numbers and not any(v is True for v in values):
                assert max(numbers) - min(numbers) <= 0.1 * 2
                assert len(numbers) == len(values)
            else:
                assert len({(type(v), v) for v in values}) <= 1
        whole = [f for f in draft.frames if not lacks(group, f)]
        assert not whole or draft.primary in whole
        assert all(f.problem for f in draft.frames if whole and lacks(group, f))
        assert all(
            frame.tag in group.tags for frame in draft.frames if not group.members
        )
        assert group.maximum is None or len(whole) <= group.maximum
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
        keys = [f for f in draft.frames if lacks(draft.group, f)]
        few = len(good) < draft.group.minimum or (
            draft.group.name == "science" and objects < 1
        )
        if draft.group.members:
            few = len(draft.members) < draft.group.minimum
            few = few or any(member.missing for member in draft.members)
            keys = [one for one in draft.missing if one.what == "KEYWORD"]
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


def lacking(found):
    """What each AB says of frames without a keyword."""
    return {
        draft.name: [one.why for one in draft.missing if " has no " in one.why]
        for draft in found.drafts
    }


def pair(name, mjd, dit, **more):
    return [
        plain_frame(f"{name}{n}.fits", "DARK", mjd + n / 1000, DIT=dit, **more)
        for n in range(2)
    ]


def test_a_frame_without_a_key_makes_the_ab_it_belongs_to_incomplete():
    lost = plain_frame("B9.fits", "DARK", 60000.2, FILTER="J")
    other = pair("C", 60000.3, 2.0, FILTER="H")
    found = drafts_of([*pair("B", 60000.1, 2.0, FILTER="J"), lost, *other])
    assert lacking(found) == {"B0_dark.ab": ["B9.fits has no DIT"], "C0_dark.ab": []}
    assert [frame.problem for frame in found.drafts[0].frames] == ["", "", "has no DIT"]
    assert not found.drafts[1].missing
    assert not found.loose


def test_a_frame_without_a_key_makes_every_ab_incomplete_that_it_could_belong_to():
    lost = plain_frame("A9.fits", "DARK", 60000.0, FILTER="J")
    frames = [*pair("B", 60000.1, 2.0, FILTER="J"), *pair("C", 60000.3, 10, FILTER="J")]
    told = ["A9.fits has no DIT"]
    found = drafts_of([lost, *frames])
    assert lacking(found) == {"B0_dark.ab": told, "C0_dark.ab": told}
    assert [draft.primary.name for draft in found.drafts] == ["B0.fits", "C0.fits"]


def test_a_first_frame_without_a_key_names_its_ab_as_when_it_is_mended():
    lost = plain_frame("A9.fits", "DARK", 60000.0, FILTER="J")
    (draft,) = drafts_of([lost, *pair("B", 60000.1, 2.0, FILTER="J")]).drafts
    assert draft.name == "A9_dark.ab"
    assert draft.primary.values["DIT"] == 2.0
    assert [one.why for one in draft.missing] == ["A9.fits has no DIT"]


def test_a_frame_without_a_key_that_no_other_is_like_is_alone_and_says_so():
    lost = plain_frame("A9.fits", "DARK", 60000.0, FILTER="K")
    found = drafts_of([lost, *pair("B", 60000.1, 2.0, FILTER="J")])
    assert lacking(found) == {"A9_dark.ab": ["A9.fits has no DIT"], "B0_dark.ab": []}


def test_a_frame_without_a_key_is_with_those_of_its_time_where_there_are_too_many():
    darks = [
        plain_frame(f"D{n}.fits", "DARK", 60000 + n / 100, DIT=2.0, FILTER="J")
        for n in range(6)
    ]
    lost = plain_frame("E.fits", "DARK", 60000.045, FILTER="J")
    found = lacking(drafts_of([*darks, lost]))
    told = ["E.fits has no DIT"]
    assert found == {"D0_dark.ab": [], "D3_dark.ab": [], "E_dark.ab": told}
    longer = [
        plain_frame(f"L{n}.fits", "DARK", 60000 + n / 100, DIT=10.0, FILTER="J")
        for n in range(6)
    ]
    found = lacking(drafts_of([*darks, *longer, lost]))
    assert found == {
        "D0_dark.ab": [],
        "D3_dark.ab": told,
        "L0_dark.ab": [],
        "L3_dark.ab": told,
    }


@pytest.mark.parametrize(
    ("mjd", "told"),
    [
        (60000.3, ["E.fits has no FILTER"]),
        (60000.6, []),
        (None, ["E.fits has no FILTER and no MJD-OBS"]),
    ],
)
def test_a_frame_without_a_key_is_not_of_an_ab_of_another_time(mjd, told):
    flats = [
        plain_frame(f"F{n}.fits", "FLAT", 60000.1 + n / 100, FILTER="J")
        for n in range(2)
    ]
    found = lacking(drafts_of([*flats, plain_frame("E.fits", "FLAT", mjd)]))
    assert found["F0_flat.ab"] == told


def test_a_frame_without_a_time_is_not_forgotten_where_pauses_count():
    flats = [
        plain_frame(f"F{n}.fits", "FLAT", 60000.1 + n / 100, FILTER="J")
        for n in range(2)
    ]
    lost = plain_frame("E.fits", "FLAT", None, FILTER="J")
    assert lacking(drafts_of([*flats, lost]))["F0_flat.ab"] == ["E.fits has no MJD-OBS"]


def test_a_frame_without_a_key_is_named_where_nothing_needs_it():
    flats = [
        plain_frame(f"F{n}.fits", "FLAT", 60000.1 + n / 100, FILTER="J")
        for n in range(2)
    ]
    found = drafts_of([*flats, plain_frame("E.fits", "FLAT", 60000.2)])
    (noise,) = [draft for draft in found.drafts if draft.group.name == "pair"]
    assert not noise.missing


def test_an_ab_whose_first_frame_lacks_a_key_makes_the_ab_of_abs_incomplete():
    objects = [
        plain_frame("A.fits", "OBJECT", 60000.1, OB=1, DIT=1.0, FILTER="J"),
        plain_frame("B.fits", "OBJECT", 60000.2, OB=2, DIT=1.0, FILTER="J"),
        plain_frame("C.fits", "OBJECT", 60000.3, OB=3, DIT=1.0),
    ]
    found = drafts_of(objects)
    assert lacking(found)["A_all.ab"] == ["C.fits has no FILTER"]
    last = found.drafts[-1]
    assert [member.name for member, _ in last.inputs] == ["A.ab", "B.ab", "C.ab"]


# More than an AB takes --------------------------------------------------------------

MOST = """
[[classify]]
tag = "OBJECT"
when = {{ TYPE = "OBJECT" }}
[[classify]]
tag = "SKY"
when = {{ TYPE = "SKY" }}
[[group]]
name = "all"
tags = ["OBJECT", "SKY"]
keys = []
recipe = "x"
{limits}
"""


def split(limits, tags):
    """The tags of each AB's frames, and of those left over with the reason."""
    kinds = {"O": "OBJECT", "S": "SKY"}
    frames = [
        plain_frame(f"F{n:02d}.fits", kinds[tag], 60000 + n / 100)
        for n, tag in enumerate(tags)
    ]
    found = associate(read_rules(MOST.format(limits=limits)), frames, frames, ())
    abs_ = ["".join(f.tag[0] for f in draft.frames) for draft in found.drafts]
    return abs_, [(one.frame.name, one.why, one.is_known) for one in found.loose]


@pytest.mark.parametrize(
    ("limits", "tags", "abs_", "left"),
    [
        ("minimum = 3\nmaximum = 4", 5 * "O", ["OOOO"], 1),
        ("minimum = 3\nmaximum = 4", 6 * "O", ["OOO", "OOO"], 0),
        ("minimum = 4\nmaximum = 4", 11 * "O", ["OOOO", "OOOO"], 3),
        ("minimum = 4\nmaximum = 6", 9 * "O", ["OOOOO", "OOOO"], 0),
        ("minimum = { SKY = 1 }\nmaximum = 3", "OOOOSS", ["OOS", "OOS"], 0),
        ("minimum = { SKY = 1 }\nmaximum = 3", "OOOOS", ["OOS"], 2),
        ("minimum = { SKY = 1, OBJECT = 2 }\nmaximum = 4", "OOSOSOOS", None, 0),
    ],
)
def test_no_ab_is_below_the_minimum_only_since_frames_were_split(
    limits, tags, abs_, left
):
    found, over = split(limits, tags)
    assert found == (abs_ or ["OOOS", "OOSS"])
    assert len(over) == left
    for _, why, is_known in over:
        assert why == "left over by all: too few for another AB"
        assert not is_known


def test_what_an_ab_leaves_out_is_not_what_it_has_to_have():
    abs_, left = split('minimum = { SKY = 1 }\nmaximum = 3\nsurplus = "leave"', "OOOS")
    assert abs_ == ["OOS"]
    assert left == [("F02.fits", "more than all takes", True)]


def test_abs_that_a_group_of_abs_leaves_over_are_named():
    more = MOST.format(limits='products = ["IMAGE"]').replace(
        "keys = []", 'keys = ["file"]'
    )
    more += """
[[group]]
name = "mosaic"
from = ["all"]
takes = ["IMAGE"]
keys = []
raw_type = "IMAGE"
ab_tag = "_mos"
recipe = "x"
minimum = 3
maximum = 4
"""
    frames = [
        plain_frame(f"F{n}.fits", "OBJECT", 60000 + n / 100, TYPE="OBJECT")
        for n in range(5)
    ]
    found = associate(read_rules(more), frames, frames, ())
    assert [len(draft.members) for draft in found.drafts if draft.members] == [4]
    (finding,) = findings_of(found)
    assert finding.message == (
        "1 AB is not taken (left over by mosaic: too few for another AB): F4.ab"
    )


@given(
    st.integers(1, 5),
    st.integers(0, 3),
    st.integers(0, 4),
    st.text("OS", min_size=1, max_size=20),
)
def test_frames_are_split_so_that_every_ab_has_enough_if_that_can_be(
    minimum, objects, more, tags
):
    most = max(minimum, objects) + more
    least = f"minimum = {minimum}" if not objects else ""
    least = least or f"minimum = {{ OBJECT = {objects} }}"
    abs_, left = split(f"{least}\nmaximum = {most}", tags)
    assert sum(map(len, abs_)) + len(left) == len(tags)
    assert max(map(len, abs_)) <= most
    enough = (lambda t: t.count("O") >= objects) if objects else lambda t: True
    if len(tags) >= minimum and enough(tags):
        for some in abs_:
            assert len(some) >= minimum or objects
            assert enough(some)
    if left:
        assert all(len(some) == most for some in abs_)


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
    frames = mark_doubles(CLASSES, "raw", classify(CLASSES, "raw", files), {})
    assert [frame.problem for frame in frames] == [
        "has a name that no AB can hold",
        "is there more than once: /x/c.fits and /y/c.fits; keep one",
        "is there more than once: /x/c.fits and /y/c.fits; keep one",
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
