"""The cascade of deep cubes: complete, in order, with the right parameters."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muse_deep_plugin.ab_deep import (
    CROWDED_EXP_ALIGN,
    CROWDED_SCIPOST,
    Options,
    deep_cascade,
)
from muse_deep_plugin.create_deep import deep_block
from muse_deep_plugin.recipe_params import param_value
from phoenix_core.ab.cascade import check_cascade
from phoenix_core.errors import ConfigError
from phoenix_core.model import AssociationBlock
from phoenix_core.run_id import parse_run_id
from phoenix_core.testing import AbPgiContract

RUN = "094.D-0114(B)"
COMMON = {"INSTRUMENT": "MUSE", "DPR_CATG": "SCIENCE", "OBS_PROG_ID": RUN}


def scibasic(start, kind="OBJECT"):
    return AssociationBlock.create(
        {
            **COMMON,
            "AB_NAME": f"MUSE.{start}.ab",
            "RECIPE": "muse_scibasic",
            "RAW_TYPE": kind,
            "RAWFILE": f"MUSE.{start}.fits {kind}",
        }
    )


def sky(start):
    return AssociationBlock.create(
        {
            **COMMON,
            "AB_NAME": f"MUSE.{start}_sky.ab",
            "RECIPE": "muse_create_sky",
            "RAW_TYPE": "PIXTABLE_SKY",
            "MCALIB": f"VIRTUAL MUSE.{start}.ab PIXTABLE_SKY",
        }
    )


def pst(start, sky_start="", ob="1", **more):
    lines = [f"VIRTUAL MUSE.{start}.ab PIXTABLE_OBJECT"]
    if sky_start:
        lines += [
            f"VIRTUAL MUSE.{sky_start}_sky.ab SKY_LINES",
            f"VIRTUAL MUSE.{sky_start}_sky.ab SKY_CONTINUUM",
        ]
    method = "subtract-model" if sky_start else "model"
    return AssociationBlock.create(
        {
            **COMMON,
            "AB_NAME": f"MUSE.{start}_pst.ab",
            "RECIPE": "muse_scipost",
            "RAW_TYPE": "PIXTABLE_OBJECT",
            "OBS_ID": ob,
            "RECIPE_PARAM": ["--save=cube,individual", f"--skymethod={method}"],
            "MCALIB": lines,
            **more,
        }
    )


def start_of(night, number):
    return f"2014-10-{night + 1:02d}T{number // 60:02d}:{number % 60:02d}:00.123"


def target(night, exposures, skies=0, *, crowded=False, name=""):
    """The ABs of a target as the AB store has them, one OB an exposure."""
    starts = [start_of(night, number) for number in range(exposures)]
    sky_starts = [start_of(night, 600 + number) for number in range(skies)]
    psts = [
        pst(s, sky_starts[n % skies] if skies else "", ob=f"{n}")
        for n, s in enumerate(starts)
    ]
    dpc = deep_block(name or f"FIELD{night}", psts, RUN, crowded=crowded)
    return [
        *(scibasic(s, "SKY") for s in sky_starts),
        *map(sky, sky_starts),
        *map(scibasic, starts),
        *psts,
        dpc,
    ]


def by_recipe(cascade, recipe):
    return [b for b in cascade.blocks if b.recipe == recipe]


def errors(cascade):
    return [f.message for f in cascade.findings if f.is_error]


def warnings(cascade):
    return [f.message for f in cascade.findings if not f.is_error]


TARGETS = st.lists(
    st.tuples(st.integers(2, 6), st.integers(0, 2), st.booleans()),
    min_size=1,
    max_size=4,
)


def run_of(shape):
    return [
        block
        for night, (exposures, skies, crowded) in enumerate(shape)
        for block in target(night, exposures, skies, crowded=crowded)
    ]


@settings(max_examples=40, deadline=None)
@given(shape=TARGETS, data=st.data())
def test_the_cascade_is_complete_and_the_same_for_any_order_of_its_abs(shape, data):
    blocks = run_of(shape)
    shuffled = data.draw(st.permutations(blocks))
    cascade = deep_cascade(shuffled)
    assert cascade == deep_cascade(blocks)
    check_cascade(cascade, "test")
    assert {b.name for b in blocks} <= {b.name for b in cascade.blocks}
    assert len(cascade.blocks) == len(blocks) + len(shape), "one dal AB a target"
    assert errors(cascade) == []


@settings(max_examples=20, deadline=None)
@given(shape=TARGETS)
def test_a_cascade_put_back_into_the_ab_store_stays_as_it_is(shape):
    once = deep_cascade(run_of(shape))
    assert deep_cascade(once.blocks).blocks == once.blocks


@pytest.mark.parametrize("skies", [0, 2])
def test_both_schemes_have_the_documented_sequence(skies):
    cascade = deep_cascade(target(0, 3, skies))
    assert [(b.recipe, b.raw_type) for b in cascade.blocks] == [
        *[("muse_scibasic", "SKY")] * skies,
        *[("muse_create_sky", "PIXTABLE_SKY")] * skies,
        *[("muse_scibasic", "OBJECT")] * 3,
        *[("muse_scipost", "PIXTABLE_OBJECT")] * 3,
        ("muse_exp_align", "IMAGE_FOV"),
        ("muse_exp_combine", "MUSE_DEEP"),
    ]


def test_targets_follow_one_another():
    cascade = deep_cascade(run_of([(2, 0, False), (2, 1, False)]))
    nights = [block.name[13:15] for block in cascade.blocks]
    assert nights == sorted(nights)


def test_the_dal_ab_is_made_from_the_dpc_ab():
    cascade = deep_cascade(target(0, 3))
    (dal,), (dpc,) = (
        by_recipe(cascade, recipe) for recipe in ("muse_exp_align", "muse_exp_combine")
    )
    assert dal.name == dpc.name.replace("_dpc", "_dal")
    assert [m.tag for m in dal.mcalibs] == ["IMAGE_FOV"] * 3
    assert [m.file for m in dal.mcalibs] == list(dpc.needs[:3])
    assert dpc.mcalibs[-1].file == dal.name
    assert dpc.mcalibs[-1].tag == "OFFSET_LIST"
    assert dal.root == f"r.{dal.name.removesuffix('.ab')}"
    assert dal.value("TARGET") == dpc.value("TARGET")
    assert dal.value("RUN_ID") == RUN
    assert dal.params == ()


def test_a_dpc_ab_gets_its_exposures_in_time():
    *others, dpc = target(0, 4)
    backwards = dpc.with_values("MCALIB", reversed(dpc.values("MCALIB")))
    (combined,) = by_recipe(deep_cascade([*others, backwards]), "muse_exp_combine")
    starts = [m.file for m in combined.mcalibs if m.tag == "PIXTABLE_REDUCED"]
    assert starts == sorted(starts)


def test_crowded_fields_have_their_documented_parameters():
    cascade = deep_cascade(target(0, 3, crowded=True))
    for block in by_recipe(cascade, "muse_scipost"):
        assert param_value(block.params, "skymethod") == "none"
        assert sum(p.startswith("--skymethod") for p in block.params) == 1
        assert param_value(block.params, "save") == "cube,individual"
        assert block.value("PROC_MODE") == "CROWDED"
    (dal,) = by_recipe(cascade, "muse_exp_align")
    assert dal.params == CROWDED_EXP_ALIGN
    assert CROWDED_SCIPOST == ("--skymethod=none",)


def test_the_crowded_set_wins_over_configured_parameters_and_drops_rsearch():
    normal = ["--rsearch=5.", "--srcmin=3", "--fwhm=4."]
    cascade = deep_cascade(
        run_of([(2, 0, True), (2, 0, False)]), options=Options(exp_align=normal)
    )
    crowded, plain = by_recipe(cascade, "muse_exp_align")
    assert plain.params == tuple(normal)
    assert param_value(crowded.params, "rsearch") == ""
    assert param_value(crowded.params, "srcmin") == "2"
    assert param_value(crowded.params, "fwhm") == "4."


def test_normal_fields_keep_their_parameters():
    blocks = target(0, 2)
    cascade = deep_cascade(blocks)
    assert by_recipe(cascade, "muse_scipost") == [
        b for b in blocks if b.recipe == "muse_scipost"
    ]


def test_a_scipost_that_saves_no_pixel_table_is_made_to():
    blocks = [
        b.with_values("RECIPE_PARAM", ["--filter=white"])
        if b.recipe == "muse_scipost"
        else b
        for b in target(0, 2)
    ]
    (first, _) = by_recipe(deep_cascade(blocks), "muse_scipost")
    assert param_value(first.params, "save") == "cube,skymodel,individual"


def test_a_dal_ab_of_the_store_is_taken_as_it_is():
    blocks = target(0, 3, crowded=True)
    (made,) = by_recipe(deep_cascade(blocks), "muse_exp_align")
    edited = made.with_values("RECIPE_PARAM", ["--threshold=20."])
    (dal,) = by_recipe(deep_cascade([*blocks, edited]), "muse_exp_align")
    assert dal == edited


def test_an_offset_list_of_the_user_needs_no_dal_ab():
    *others, dpc = target(0, 2)
    own = [*dpc.values("MCALIB"), "REAL my_offsets.fits OFFSET_LIST"]
    cascade = deep_cascade([*others, dpc.with_values("MCALIB", own)])
    assert by_recipe(cascade, "muse_exp_align") == []
    assert errors(cascade) == []


def test_a_pst_of_two_targets_is_in_the_cascade_once():
    blocks = target(0, 3)
    psts = [b for b in blocks if b.recipe == "muse_scipost"]
    second = deep_block("PART", psts[1:], RUN)
    cascade = deep_cascade([*blocks, second])
    assert len(by_recipe(cascade, "muse_scipost")) == 3
    assert len(by_recipe(cascade, "muse_exp_combine")) == 2
    assert errors(cascade) == []


# Findings -------------------------------------------------------------------------


def test_a_pst_of_a_crowded_and_a_normal_target_is_an_error():
    blocks = target(0, 3)
    psts = [b for b in blocks if b.recipe == "muse_scipost"]
    cascade = deep_cascade([*blocks, deep_block("CORE", psts[1:], RUN, crowded=True)])
    assert len(errors(cascade)) == 2
    assert f"{psts[1].name} is CROWDED for" in errors(cascade)[0]
    assert "one set of parameters" in errors(cascade)[0]


def test_a_crowded_target_with_sky_is_warned_of():
    cascade = deep_cascade(target(0, 2, skies=1, crowded=True))
    assert errors(cascade) == []
    assert "is CROWDED but has SKY observations" in warnings(cascade)[0]


def test_more_exposures_than_fit_are_warned_of():
    cascade = deep_cascade(target(0, 5), options=Options(max_inputs=4))
    assert "has 5 exposures, more than 4" in warnings(cascade)[0]
    assert Options().max_inputs == 120


def test_a_target_of_one_ob_is_warned_of():
    starts = [start_of(0, n) for n in range(2)]
    psts = [pst(s, ob="77") for s in starts]
    blocks = [*map(scibasic, starts), *psts, deep_block("F", psts, RUN)]
    assert "are of OB 77" in warnings(deep_cascade(blocks))[0]


def test_a_target_of_one_exposure_is_an_error():
    *others, dpc = target(0, 2)
    one = dpc.with_values("MCALIB", dpc.values("MCALIB")[:1])
    assert "has 1 exposure; " in errors(deep_cascade([*others, one]))[0]


def test_a_dpc_ab_that_names_a_missing_ab_is_an_error():
    blocks = target(0, 3)
    gone = next(b for b in blocks if b.recipe == "muse_scipost")
    told = errors(deep_cascade([b for b in blocks if b is not gone]))
    assert f"_dpc.ab needs {gone.name}, which is not among" in " ".join(told)


def test_abs_that_nothing_needs_are_kept_and_told():
    lonely = scibasic(start_of(9, 0))
    cascade = deep_cascade([lonely, *target(0, 2)])
    assert cascade.blocks[-1] == lonely
    assert f"no dpc AB needs {lonely.name}" in warnings(cascade)[0]


def test_abs_without_any_dpc_ab_are_an_error():
    cascade = deep_cascade(target(0, 2)[:-1])
    assert "none of the 4 ABs combines" in errors(cascade)[0]
    assert len(cascade.blocks) == 4


def test_abs_of_another_run_are_an_error_that_speaks_of_the_pseudo_date():
    *others, dpc = target(0, 2)
    foreign = dpc.with_value("RUN_ID", "094.D-0214(A)")
    cascade = deep_cascade([*others, foreign], parse_run_id("094.D-0114B"))
    (told,) = errors(cascade)
    assert "094.D-0214(A)" in told
    assert "pseudo-date" in told
    assert errors(deep_cascade([*others, dpc], parse_run_id("094.D-0114B"))) == []


def test_an_ab_of_another_instrument_is_an_error():
    first, *others = target(0, 2)
    (told,) = errors(deep_cascade([first.with_value("INSTRUMENT", "UVES"), *others]))
    assert told.startswith(f"{first.name} is of INSTRUMENT UVES, not MUSE; ")
    assert errors(deep_cascade([first.updated({"INSTRUMENT": ""}), *others])) == []


def test_a_slave_runs_exposures_belong_to_the_master():
    blocks = [
        b
        if b.recipe == "muse_exp_combine"
        else b.with_value("OBS_PROG_ID", "095.D-0003(A)")
        for b in target(0, 2)
    ]
    assert errors(deep_cascade(blocks, parse_run_id(RUN))) == []


def test_a_dpc_ab_without_target_is_warned_of():
    *others, dpc = target(0, 2)
    cascade = deep_cascade([*others, dpc.updated({"TARGET": ""})])
    assert "has no TARGET" in warnings(cascade)[0]


def test_an_exposure_that_the_stores_dal_leaves_out_is_an_error():
    blocks = target(0, 3)
    (dal,) = by_recipe(deep_cascade(blocks), "muse_exp_align")
    short = dal.with_values("MCALIB", dal.values("MCALIB")[:2])
    (told,) = errors(deep_cascade([*blocks, short]))
    assert f"{dal.name} does not align" in told


def test_an_exposure_named_twice_is_an_error():
    *others, dpc = target(0, 2)
    lines = dpc.values("MCALIB")
    twice = dpc.with_values("MCALIB", [*lines, lines[0]])
    assert (
        "twice; the recipe would ignore one"
        in errors(deep_cascade([*others, twice]))[0]
    )


def test_abs_that_need_each_other_in_a_circle_are_refused():
    first = sky("2014-10-01T00:00:00.000")
    second = first.updated(
        {
            "AB_NAME": "MUSE.2014-10-01T00:00:00.000.ab",
            "MCALIB": f"VIRTUAL {first.name} PIXTABLE_SKY",
        }
    )
    with pytest.raises(ConfigError, match="in a circle"):
        deep_cascade([first, second])


def test_two_different_abs_of_one_name_are_an_error():
    blocks = target(0, 2)
    other = blocks[0].with_value("RAW_TYPE", "SKY")
    assert "is there twice" in errors(deep_cascade([*blocks, other]))[0]


class TestAbDeep(AbPgiContract):
    pgi = "pgi_phoenix_MUSE_AB_deep"

    @pytest.fixture
    def blocks(self):
        return run_of([(2, 1, False), (3, 0, True), (2, 0, False)])
