"""What gets into branch MUSE_deep: a target whole or not at all."""

from pathlib import Path

import fsspec
import pytest

from muse_deep_plugin.preparation.check_deep import problems_of, to_upload
from muse_deep_plugin.preparation.tmp2 import keep_copies
from muse_deep_plugin.preparation.upload_abs import (
    RunStore,
    is_same,
    leftovers,
    plan_upload,
    upload,
    withdraw,
)
from phoenix_core.ab.file import read_block
from phoenix_core.ab.store import ab_folder, put
from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import ConfigError
from phoenix_core.run_id import parse_run_id

RUN = parse_run_id("094.D-0114(B)")
DATE = "2094-04-14"


def ab(name, recipe, *needs, **more):
    return AssociationBlock.create(
        {
            "AB_NAME": name,
            "RAW_TYPE": "X",
            "RECIPE": recipe,
            "MCALIB": [f"VIRTUAL {need}" for need in needs],
            **more,
        }
    )


def exposures(*roots, **more):
    """Scibasic and pst ABs; all of them take the sky of one exposure."""
    blocks = [
        ab("S.ab", "muse_scibasic"),
        ab("S_sky.ab", "muse_create_sky", "S.ab PIXTABLE_SKY"),
    ]
    for root in roots:
        blocks.append(ab(f"{root}.ab", "muse_scibasic"))
        needs = (f"{root}.ab PIXTABLE_OBJECT", "S_sky.ab SKY_LINES")
        blocks.append(ab(f"{root}_pst.ab", "muse_scipost", *needs, **more))
    return blocks


def target(name, *roots, run=RUN.formal, dpc="", mode=""):
    """The ABs of a target, in the order of their upload."""
    needs = [f"{root}_pst.ab PIXTABLE_REDUCED" for root in roots]
    more = {"PROC_MODE": mode} if mode else {}
    last = ab(
        f"{dpc or roots[0]}_dpc.ab",
        "muse_exp_combine",
        *needs,
        TARGET=name,
        RUN_ID=run,
        **more,
    )
    return [*exposures(*roots, **more), last]


@pytest.fixture(params=["disk", "memory"])
def folder(request, tmp_path):
    if request.param == "disk":
        yield ab_folder(str(tmp_path / "store"), "MUSE_deep", DATE)
        return
    yield ab_folder(f"memory://{tmp_path.name}", "MUSE_deep", DATE)
    memory = fsspec.filesystem("memory")
    if memory.exists(f"/{tmp_path.name}"):
        memory.rm(f"/{tmp_path.name}", recursive=True)


@pytest.fixture
def keep(tmp_path):
    return lambda blocks: keep_copies(tmp_path / "kept", blocks)


def read_present(folder, run_id=RUN):
    return RunStore(folder, run_id).present()


def do(folder, keep, name, blocks, coming=()):
    plan = plan_upload(name, blocks, read_present(folder, RUN), coming)
    return plan, upload(folder, plan, keep)


def targets_in(folder):
    """The targets that phoenix would see, each with all that it needs."""
    present = read_present(folder, RUN)
    found = {}
    for block in present.values():
        if block.recipe == "muse_exp_combine":
            todo = [block.name]
            for name in todo:
                todo += present[name].needs
            found[block.value("TARGET")] = sorted(set(todo))
    return found


def test_a_target_that_is_new_gets_there_whole(folder, keep):
    blocks = target("A", "1", "2")
    plan, copies = do(folder, keep, "A", blocks)
    assert plan.written == tuple(blocks)
    assert copies is None
    assert targets_in(folder) == {"A": sorted(b.name for b in blocks)}


def test_what_is_there_already_and_says_the_same_is_left_alone(folder, keep):
    blocks = target("A", "1", "2")
    other = [
        AssociationBlock.parse(f"# by another tool\nTOOL_VERSION  x\n{b.text}")
        for b in blocks
    ]
    put(folder, other)
    plan = plan_upload("A", blocks, read_present(folder, RUN))
    assert plan.is_done
    assert plan.refusal == ""
    assert set(plan.same) == {b.name for b in blocks}


def test_two_targets_share_abs(folder, keep):
    do(folder, keep, "A", target("A", "1", "2"))
    plan, _ = do(folder, keep, "B", target("B", "3", "4"))
    assert plan.refusal == ""
    assert set(plan.same) == {"S.ab", "S_sky.ab"}
    assert set(targets_in(folder)) == {"A", "B"}


def test_another_content_is_refused_with_the_names_and_whose_they_are(folder, keep):
    do(folder, keep, "A", target("A", "1", "2"))
    do(folder, keep, "B", target("B", "3", "4"))
    changed = [
        b.with_value("RECIPE_PARAM", "--x=1") if b.name in {"S.ab", "1.ab"} else b
        for b in target("A", "1", "2")
    ]
    plan = plan_upload("A", changed, read_present(folder, RUN))
    assert plan.refusal == ("the store has other ABs of these names: S.ab (of B), 1.ab")


def test_what_is_replaced_is_kept(folder, keep):
    do(folder, keep, "A", target("A", "1", "2"))
    crowded = target("A", "1", "2", mode="CROWDED")
    plan, copies = do(folder, keep, "A", crowded)
    assert {b.name for b in plan.replaced} == {"1_pst.ab", "2_pst.ab", "1_dpc.ab"}
    assert {p.name for p in copies.iterdir()} == {"1_pst.ab", "2_pst.ab", "1_dpc.ab"}
    assert "CROWDED" not in read_block(copies / "1_dpc.ab").text
    assert folder.read("1_dpc.ab").value("PROC_MODE") == "CROWDED"


def test_a_target_of_fewer_exposures_takes_away_what_only_it_needed(folder, keep):
    do(folder, keep, "A", target("A", "1", "2", "3"))
    do(folder, keep, "B", target("B", "4", "5"))
    plan, copies = do(folder, keep, "A", target("A", "2", "3"))
    assert plan.refusal == "the store has it as 1_dpc.ab already"
    assert {b.name for b in plan.unneeded} == {"1.ab", "1_pst.ab"}
    assert {p.name for p in copies.iterdir()} == {"1.ab", "1_pst.ab", "1_dpc.ab"}
    found = targets_in(folder)
    assert "1_pst.ab" not in folder.names()
    assert "S_sky.ab" in found["A"]
    assert "S_sky.ab" in found["B"]


def test_what_another_target_is_about_to_take_stays(folder, keep):
    do(folder, keep, "A", target("A", "1", "2", "3", "4"))
    first, second = target("A1", "1", "2"), target("A2", "3", "4")
    coming = {b.name for b in (*first, *second)}
    plan, _ = do(folder, keep, "A1", first, coming)
    assert [b.name for b in plan.replaced] == ["1_dpc.ab"]
    assert plan.unneeded == ()
    do(folder, keep, "A2", second, coming)
    assert set(targets_in(folder)) == {"A1", "A2"}


def test_what_no_selected_target_needs_is_found_and_withdrawn(folder, keep):
    do(folder, keep, "A", target("A", "1", "2"))
    do(folder, keep, "B", target("B", "3", "4"))
    present = read_present(folder, RUN)
    rest = leftovers(present, {"A"})
    assert [b.name for b in rest] == [
        "3_dpc.ab",
        "3.ab",
        "3_pst.ab",
        "4.ab",
        "4_pst.ab",
    ]
    assert leftovers(present, {"A", "B"}) == ()
    copies = withdraw(folder, rest, keep)
    assert len(list(copies.iterdir())) == 5
    assert set(targets_in(folder)) == {"A"}


def test_abs_of_another_run_in_the_folder_are_an_error(folder, keep):
    put(folder, target("A", "1", "2", run="095.B-0934(A)"))
    with pytest.raises(ConfigError, match=r"1_dpc\.ab of run 095\.B-0934\(A\)"):
        read_present(folder, RUN)


def test_an_ab_of_the_store_that_is_another_is_an_error(tmp_path):
    folder = ab_folder(str(tmp_path), "MUSE_deep", DATE)
    put(folder, [ab("1.ab", "x")])
    (Path(folder.root) / "2.ab").write_text(ab("1.ab", "x").text)
    with pytest.raises(ConfigError, match=r"AB_NAME is '1\.ab'; expected the name of"):
        read_present(folder, RUN)


def test_abs_are_the_same_by_what_they_say():
    one = AssociationBlock.parse(
        "AB_NAME a.ab # x\nMCALIB  REAL  f   T\nTOOL_VERSION 1\n"
    )
    two = AssociationBlock.parse("TOOL_VERSION 2\nMCALIB REAL f T\n\nAB_NAME   a.ab\n")
    assert is_same(one, two)
    assert not is_same(one, two.with_value("TARGET", "A"))


def test_what_did_not_change_is_not_read_again(folder, keep):
    do(folder, keep, "A", target("A", "1", "2"))
    store = RunStore(folder, RUN)
    first = store.present()
    put(folder, [ab("1.ab", "muse_scibasic", ODD="new")], ["1.ab"])
    put(folder, [ab("9.ab", "muse_scibasic")])
    again = store.present()
    assert again["2.ab"] is first["2.ab"]
    assert again["1.ab"].value("ODD") == "new"
    assert set(again) == {*first, "9.ab"}


# Killed ---------------------------------------------------------------------------


def whole_or_none(folder, before, after):
    """Whoever looks finds each target as it was, as it will be, or not at all."""
    found = targets_in(folder)
    for name, needs in found.items():
        assert needs in (before.get(name), after.get(name)), (name, needs)


@pytest.mark.parametrize("has_former", [False, True])
def test_killed_at_any_moment_a_target_is_whole_or_not_there(
    tmp_path, keep, killed_at_each_change, has_former
):
    former, wanted = target("A", "1", "2", "3"), target("A", "2", "3", "4")
    before = {"A": sorted(b.name for b in former)} if has_former else {}
    after = {"A": sorted(b.name for b in wanted)}
    number = 0

    def site():
        return ab_folder(str(tmp_path / f"{number}"), "MUSE_deep", DATE)

    def work():
        do(site(), keep, "A", wanted)

    def prepare():
        if has_former:
            do(site(), keep, "A", former)

    prepare()
    moments = 0
    for _ in killed_at_each_change(work):
        whole_or_none(site(), before, after)
        do(site(), keep, "A", wanted)
        assert targets_in(site()) == after
        rest = leftovers(read_present(site(), RUN), {"A"})
        assert {b.name for b in rest} <= {"1.ab", "1_pst.ab"}  # and told of, later
        assert not [n for n in Path(site().root).iterdir() if n.suffix == ".tmp"]
        moments += 1
        number += 1
        prepare()
    assert moments > 2 * len(wanted)
    assert targets_in(site()) == after


# What has to be right -------------------------------------------------------------


def told(blocks, name="A"):
    return "\n".join(problems_of(blocks, name, RUN))


def test_abs_as_they_are_made_have_no_problem():
    assert told(target("A", "1", "2")) == ""
    assert told(target("A", "1", "2", mode="CROWDED")) == ""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("TARGET            A", "TARGET B", "expected A (the target list names"),
        ("094.D-0114(B)", "094.D-0114(C)", "RUN_ID is '094.D-0114(C)'"),
        ("094.D-0114(B)", "x", "RUN_ID is 'x'"),
        ("2_pst.ab PIX", "1_pst.ab PIX", "combines 1 exposures; expected 2"),
        (
            "2_pst.ab PIX",
            "2_pts.ab PIX",
            "an AB of the folder; did you mean '2_pst.ab'?",
        ),
        ("2_pst.ab PIX", "../2.ab PIX", "names without directories"),
        ("2_pst.ab PIX", "2.ab PIX", "RECIPE is 'muse_scibasic'"),
        ("RAW_TYPE", "PROC_MODE CROWDED\nRAW_TYPE", "PROC_MODE is missing"),
        ("RAW_TYPE", "PROC_MODE crowdy\nRAW_TYPE", "PROC_MODE is 'crowdy'"),
        ("AB_NAME           1_dpc.ab", "AB_NAME 9_dpc.ab", "the name of the file"),
        ("muse_exp_combine", "muse_exp_align", "has 0 ABs of muse_exp_combine"),
    ],
)
def test_what_a_person_wrote_wrong_is_told(old, new, expected):
    *others, dpc = target("A", "1", "2")
    assert old in dpc.text
    edited = AssociationBlock.parse(dpc.text.replace(old, new, 1), Path("1_dpc.ab"))
    assert expected in told([*others, edited])


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "RAW_TYPE",
            "INSTRUMENT UVES\nRAW_TYPE",
            "2_pst.ab, line 1: INSTRUMENT is 'UVE",
        ),
        (
            "RAW_TYPE",
            "RUN_ID 094.D-0114(C)\nRAW_TYPE",
            "2_pst.ab, line 1: RUN_ID is '094.D-0114(C)",
        ),
        (
            "RAW_TYPE",
            "PROD_ROOT_NAME r.1_pst\nRAW_TYPE",
            "2_pst.ab, line 1: PROD_ROOT_NAME is 'r.1_pst'; expected another name",
        ),
        ("RAW_TYPE", "PROCESS_STATUS DONE\nRAW_TYPE", "line 1: PROCESS_STATUS is 'DON"),
        ("RAW_TYPE          X", "RAW_TYPE", "2_pst.ab, line 1: RAW_TYPE is missing"),
        ("RAW_TYPE", "RECIPE_PARAM skymethod\nRAW_TYPE", "RECIPE_PARAM is 'skymethod'"),
    ],
)
def test_what_phoenix_would_refuse_is_refused_by_its_file(old, new, expected):
    blocks = target("A", "1", "2")
    (place,) = [i for i, block in enumerate(blocks) if block.name == "2_pst.ab"]
    assert old in blocks[place].text
    text = blocks[place].text.replace(old, new, 1)
    blocks[place] = AssociationBlock.parse(text, Path("2_pst.ab"))
    assert expected in told(blocks)
    assert told(blocks).count("\n") == 0


def test_a_dal_ab_that_leaves_exposures_out_is_told():
    dal = ab("1_dal.ab", "muse_exp_align", "1_pst.ab IMAGE_FOV")
    *others, dpc = target("A", "1", "2")
    mcalibs = [*dpc.values("MCALIB"), "VIRTUAL 1_dal.ab OFFSET_LIST"]
    blocks = [*others, dal, dpc.with_values("MCALIB", mcalibs)]
    assert "1_dal.ab does not align 2_pst.ab" in told(blocks)


@pytest.mark.parametrize("status", ["", "SUCCESSFUL", "FAILED"])
def test_what_is_uploaded_is_not_processed_yet_whatever_it_said(status):
    *others, dpc = target("A", "1", "2")
    lines = f"PROCESS_STATUS {status}\nPROCESS_CAUSE mine # x\nFINGERPRINT abc\n"
    edited = AssociationBlock.parse(f"{dpc.text}{lines}", Path("1_dpc.ab"))
    assert told([*others, edited]) == ""
    up = to_upload([*others, edited], [])[-1]
    assert up.values("PROCESS_STATUS") == ("CREATED",)
    assert (up.cause, up.fingerprint, up.log_name) == ("", "", "r.1_dpc.log")


def test_two_dpc_abs_and_a_circle_are_told():
    blocks = target("A", "1", "2")
    second = blocks[-1].with_value("AB_NAME", "2_dpc.ab")
    assert "A has 2 ABs of muse_exp_combine" in told([*blocks, second])
    looped = [
        b.with_values("MCALIB", ["VIRTUAL 1_pst.ab X"]) if b.name == "1.ab" else b
        for b in blocks
    ]
    assert "in a circle" in told(looped)


def test_only_what_the_dpc_ab_needs_is_uploaded_and_what_a_person_added():
    blocks = target("A", "1", "2", "3")
    *others, dpc = blocks
    shorter = dpc.with_values(
        "MCALIB", [f"VIRTUAL {n}_pst.ab PIXTABLE_REDUCED" for n in (1, 2)]
    )
    dal = ab("1_dal.ab", "muse_exp_align", "1_pst.ab IMAGE_FOV", "2_pst.ab IMAGE_FOV")
    chosen = [b.name for b in to_upload([dal, shorter, *others], ["1_dal.ab"])]
    assert chosen[-1] == "1_dpc.ab"
    assert "3_pst.ab" not in chosen
    assert "1_dal.ab" in chosen
    assert chosen.index("S.ab") < chosen.index("S_sky.ab") < chosen.index("1_pst.ab")
