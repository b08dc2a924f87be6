"""Which ABs make a target, out of a store that may hold anything."""

import pytest

from muse_deep_plugin.preparation.collect_abs import (
    Member,
    collect,
    for_deep,
    nights_of,
)
from phoenix_core.ab.file import check_block
from phoenix_core.association_block import AssociationBlock

NIGHT = "2014-10-22"
ONE, TWO, SKY = (f"MUSE.2014-10-23T01:{m}:00.123" for m in (10, 30, 20))


def ab(name, recipe, *needs, raw="", date=NIGHT, **more):
    """An AB of the history, as processing left it."""
    return AssociationBlock.create(
        {
            "DATE": date,
            "RAW_TYPE": raw or "X",
            "RECIPE": recipe,
            "AB_NAME": name,
            "PROCESS_STATUS": "SUCCESSFUL",
            "OBS_ID": "1",
            "MCALIB": [f"VIRTUAL {need}" for need in needs],
            **more,
        }
    )


def exposure(root, *more, **qualifiers):
    needs = (f"{root}.ab PIXTABLE_OBJECT", *more)
    return [
        ab(f"{root}.ab", "muse_scibasic", raw="OBJECT"),
        ab(f"{root}_pst.ab", "muse_scipost", *needs, **qualifiers),
    ]


def template(*roots, params=("--filter=white",), name=ONE):
    tables = [f"{root}_pst.ab PIXTABLE_REDUCED" for root in roots]
    tal = f"{name}_tal.ab OFFSET_LIST"
    return ab(f"{name}_tpl.ab", "muse_exp_combine", *tables, tal, RECIPE_PARAM=params)


class Store:
    """ABs by night and name; it remembers what was asked for."""

    def __init__(self, *blocks, **nights):
        self.blocks = {(NIGHT, block.name): block for block in blocks}
        for night, found in nights.items():
            date = night.removeprefix("n").replace("_", "-")
            self.blocks |= {(date, block.name): block for block in found}
        self.asked = []

    def __call__(self, name, night):
        self.asked.append(name)
        return self.blocks.get((night, name))


def single(root, combined=""):
    return Member(f"r.{root}_pst.fits", NIGHT, combined)


def names(blocks):
    return [block.name for block in blocks]


def test_an_exposure_brings_its_scibasic_and_nothing_that_combined_it():
    store = Store(*exposure(ONE), *exposure(TWO), template(ONE, TWO))
    found = collect("A", [single(TWO), single(ONE)], store)
    assert found.problems == ()
    assert names(found.exposures) == [f"{ONE}_pst.ab", f"{TWO}_pst.ab"]
    assert sorted(names(found.blocks)) == sorted(
        [f"{ONE}.ab", f"{ONE}_pst.ab", f"{TWO}.ab", f"{TWO}_pst.ab"]
    )
    assert found.with_sky == ()


def test_sky_comes_along_with_the_scibasic_of_its_exposure():
    sky = (f"{SKY}_sky.ab SKY_LINES", f"{SKY}_sky.ab SKY_CONTINUUM")
    store = Store(
        *exposure(ONE, *sky),
        *exposure(TWO),
        ab(f"{SKY}_sky.ab", "muse_create_sky", f"{SKY}.ab PIXTABLE_SKY"),
        ab(f"{SKY}.ab", "muse_scibasic", raw="SKY"),
    )
    found = collect("A", [single(ONE), single(TWO)], store)
    assert {f"{SKY}.ab", f"{SKY}_sky.ab"} <= set(names(found.blocks))
    assert names(found.with_sky) == [f"{ONE}_pst.ab"]
    place = names(found.blocks).index
    assert place(f"{SKY}.ab") < place(f"{SKY}_sky.ab") < place(f"{ONE}_pst.ab")


def test_a_combined_datacube_stands_for_the_exposures_of_its_ab():
    store = Store(*exposure(ONE), *exposure(TWO), template(ONE, TWO))
    found = collect("A", [Member(f"r.{ONE}_tpl.fits", NIGHT)], store)
    assert names(found.exposures) == [f"{ONE}_pst.ab", f"{TWO}_pst.ab"]
    assert found.params == ("--filter=white",)


def test_all_that_is_missing_is_named_with_who_needs_it():
    scibasic, pst = exposure(ONE, f"{SKY}_sky.ab SKY_LINES")
    found = collect("A", [single(ONE), single(TWO)], Store(pst))
    assert found.problems == (
        f"{TWO}_pst.ab is not in branch MUSE_R of 2014-10-22 or 2014-10-23",
        (
            f"{scibasic.name}, which {pst.name} needs, is not in branch MUSE_R of "
            "2014-10-22 or 2014-10-23"
        ),
        (
            f"{SKY}_sky.ab, which {pst.name} needs, is not in branch MUSE_R of "
            "2014-10-22 or 2014-10-23"
        ),
    )
    assert found.blocks == ()


def test_an_ab_filed_under_the_day_of_its_exposure_is_found_too():
    store = Store(n2014_10_23=[*exposure(ONE), *exposure(TWO)])
    found = collect("A", [single(ONE), Member(f"r.{TWO}_pst.fits", "")], store)
    assert found.problems == ()
    assert nights_of("nothing.ab") == ()


def test_parameters_of_combination_are_those_of_the_templates():
    store = Store(
        *exposure(ONE),
        *exposure(TWO),
        template(ONE, params=("--filter=white", "--save=cube")),
        template(TWO, params=("--filter=V",), name=TWO),
    )
    members = [single(root, f"r.{root}_tpl.fits") for root in (ONE, TWO)]
    found = collect("A", members, store)
    assert found.problems == ()
    assert found.params == ("--filter=white", "--save=cube")
    assert "have different parameters" in found.notes[0]
    lost = collect("A", members, Store(*exposure(ONE), *exposure(TWO)))
    assert (lost.problems, lost.params) == ((), ())
    assert len(lost.notes) == 2  # what is not known is said, and needed by nobody


def test_fewer_than_two_exposures_make_nothing():
    found = collect("A", [single(ONE)], Store(*exposure(ONE)))
    assert found.problems == ("it has 1 exposure; a deep cube needs 2",)


def test_an_exposure_that_is_there_twice_is_told():
    store = Store(*exposure(ONE), *exposure(TWO), template(ONE, TWO))
    members = [single(ONE), Member(f"r.{ONE}_tpl.fits", NIGHT)]
    assert f"{ONE}_pst.ab is selected twice" in collect("A", members, store).problems


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "a b", "-rf", "..", "x\ny", ""]
)
def test_a_name_that_leaves_the_store_is_never_asked_for(name):
    store = Store(*exposure(ONE), *exposure(TWO))
    found = collect("A", [single(ONE), Member(f"r.{name}.fits", NIGHT)], store)
    assert "is no AB; expected a name" in found.problems[0]
    assert all("/" not in asked and asked.strip(".ab") for asked in store.asked)
    assert f"{name}.ab" not in store.asked


@pytest.mark.parametrize("night", ["../..", "2014-10-22/../..", "", "*"])
def test_a_night_that_is_no_date_is_not_looked_into(night):
    seen = []
    collect("A", [Member(f"r.{ONE}_pst.fits", night)], lambda _, at: seen.append(at))
    assert set(seen) <= {"2014-10-22", "2014-10-23"}


def test_needs_with_directories_are_refused():
    pst = ab(f"{ONE}_pst.ab", "muse_scipost", "../../x.ab PIXTABLE_OBJECT")
    store = Store(pst, *exposure(TWO))
    found = collect("A", [single(ONE), single(TWO)], store)
    assert "without directories" in found.problems[0]
    assert "../../x.ab" not in store.asked


def test_an_ab_that_is_another_is_refused(tmp_path):
    scibasic, pst = exposure(ONE)
    liar = AssociationBlock.parse(pst.text, tmp_path / f"{TWO}_pst.ab")
    store = Store(scibasic, pst)
    store.blocks[NIGHT, f"{TWO}_pst.ab"] = liar
    found = collect("A", [single(ONE), single(TWO)], store)
    assert f"the name of the file, {TWO}_pst.ab" in found.problems[0]


def test_abs_that_need_each_other_are_told():
    circle = [
        ab(f"{ONE}.ab", "muse_scibasic", f"{ONE}_sky.ab X"),
        ab(f"{ONE}_sky.ab", "muse_create_sky", f"{ONE}.ab X"),
        ab(f"{ONE}_pst.ab", "muse_scipost", f"{ONE}.ab X"),
    ]
    found = collect("A", [single(ONE), single(TWO)], Store(*circle, *exposure(TWO)))
    assert "in a circle" in found.problems[0]


def test_what_combines_others_is_no_input_of_an_exposure():
    pst = exposure(ONE, f"{TWO}_tpl.ab X")
    store = Store(*pst, *exposure(TWO), template(TWO, name=TWO))
    found = collect("A", [single(ONE), single(TWO)], store)
    assert f"an exposure needs {TWO}_tpl.ab" in found.problems[0]


def test_an_endless_chain_of_needs_ends():
    def read(name, night):
        number = (
            int(name.removeprefix("n").removesuffix(".ab")) if name[0] == "n" else 0
        )
        if name.startswith("n"):
            return ab(name, "muse_scibasic", f"n{number + 1}.ab X")
        return ab(name, "muse_scipost", "n1.ab X")

    found = collect("A", [single(ONE), single(TWO)], read)
    assert any("more than 5000 ABs" in told for told in found.problems)


def test_an_ab_of_another_recipe_is_told():
    store = Store(ab(f"{ONE}_pst.ab", "muse_scibasic"), *exposure(TWO))
    found = collect("A", [single(ONE), single(TWO)], store)
    assert "RECIPE is 'muse_scibasic'; expected muse_scipost" in found.problems[0]


def test_an_ab_for_a_deep_datacube_is_not_processed_yet():
    text = (
        "# a comment\nDATE  2014-10-22\nBATCH_ID  SCIENCE_2014-10-22\n"
        f"AB_NAME  {ONE}_pst.ab\nRAW_TYPE  X\nRECIPE  muse_scipost # theirs\n"
        "PROCESS_STATUS  FAILED\nPROCESS_CAUSE  it rained\nPROD_PATH  /elsewhere\n"
        "SOF_CONTENT  ../x y\nPRODUCTS  whatever\nLOG_NAME  other.log\nODD  kept\n"
    )
    deep = for_deep(AssociationBlock.parse(text), "2094-04-14", crowded=True)
    assert check_block(deep).value("DATE") == "2094-04-14"
    assert deep.value("BATCH_ID") == "SCIENCE_2094-04-14"
    assert deep.status == "CREATED"
    assert deep.value("PROC_MODE") == "CROWDED"
    assert deep.value("LOG_NAME") == f"r.{ONE}_pst.log"
    for gone in ("PROCESS_CAUSE", "PROD_PATH", "SOF_CONTENT", "PRODUCTS"):
        assert deep.values(gone) == ()
    assert deep.lines[0] == "# a comment"
    assert "RECIPE  muse_scipost # theirs" in deep.lines
    assert deep.value("ODD") == "kept"
    scibasic = exposure(ONE)[0]
    assert for_deep(scibasic, "2094-04-14", crowded=True).values("PROC_MODE") == ()


def test_a_mode_of_before_is_forgotten_where_the_answer_is_no():
    pst = exposure(ONE, PROC_MODE="CROWDED")[1]
    assert for_deep(pst, "2094-04-14").values("PROC_MODE") == ()
