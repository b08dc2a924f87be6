"""The working folder: whatever a person writes there stays."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muse_deep_plugin.preparation import tmp2
from muse_deep_plugin.preparation.tmp2 import (
    keep_copies,
    lay_down,
    look,
    mark_uploaded,
    read_record,
    target_folder,
)
from phoenix_core.association_block import AssociationBlock
from phoenix_core.config import read_config
from phoenix_core.errors import ConfigError

PSTS = ("a_pst.ab", "b_pst.ab")


def ab(name, recipe="muse_scipost", **more):
    return AssociationBlock.create({"AB_NAME": name, "RECIPE": recipe, **more})


def dpc(*psts, name="a_dpc.ab"):
    needs = [f"VIRTUAL {pst} PIXTABLE_REDUCED" for pst in psts]
    return ab(name, "muse_exp_combine", MCALIB=needs)


BLOCKS = (*(ab(name) for name in PSTS), dpc(*PSTS))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "TMP2" / "2094-04-14" / "NGC300"


@pytest.fixture
def laid(folder):
    return lay_down(folder, BLOCKS, PSTS, crowded=False, overview="# all\n")


def append(path, text):
    path.write_text(path.read_text() + text)


def test_all_abs_and_the_table_are_laid_down(laid, folder):
    assert sorted(p.name for p in folder.iterdir()) == [
        ".collected.json",
        "a_dpc.ab",
        "a_pst.ab",
        "b_pst.ab",
        "overview.txt",
    ]
    assert (laid.edited, laid.added, laid.restored) == ((), (), ())
    assert laid.dpc.name == "a_dpc.ab"
    assert read_record(folder).crowded is False


def test_what_a_person_edited_is_kept_and_named(laid, folder):
    append(folder / "a_dpc.ab", "RECIPE_PARAM  --weight=fwhm\n")
    text = (folder / "a_dpc.ab").read_text()
    again = lay_down(folder, BLOCKS, PSTS, crowded=False)
    assert again.edited == ("a_dpc.ab",)
    assert (folder / "a_dpc.ab").read_text() == text
    assert look(folder).edited == ("a_dpc.ab",)
    # And again: what is kept is not forgotten to be a person's.
    assert lay_down(folder, BLOCKS, PSTS, crowded=True).edited == ("a_dpc.ab",)


def test_what_nobody_edited_is_made_anew(laid, folder):
    changed = [b.with_value("PROC_MODE", "CROWDED") for b in BLOCKS]
    again = lay_down(folder, changed, PSTS, crowded=True)
    assert again.edited == ()
    assert "CROWDED" in (folder / "b_pst.ab").read_text()
    assert read_record(folder).crowded is True


def test_what_a_person_added_is_kept_and_what_was_deleted_is_made_again(laid, folder):
    (folder / "a_dal.ab").write_text(ab("a_dal.ab", "muse_exp_align").text)
    (folder / "b_pst.ab").unlink()
    again = lay_down(folder, BLOCKS, PSTS, crowded=False)
    assert again.added == ("a_dal.ab",)
    assert again.restored == ("b_pst.ab",)
    assert (folder / "b_pst.ab").exists()


def test_fresh_makes_anew_and_keeps_the_former_ones_beside(laid, folder):
    append(folder / "a_dpc.ab", "# mine\n")
    texts = []
    for _ in range(3):
        again = lay_down(folder, BLOCKS, PSTS, crowded=False, fresh=True)
        assert again.edited == ()
        texts.append((again.moved_to / "a_dpc.ab").read_text())
    assert "# mine" in texts[0]
    assert "# mine" not in (folder / "a_dpc.ab").read_text()
    assert len(list(folder.parent.iterdir())) == 4  # none of the old ones is lost


def test_abs_that_are_not_selected_any_more_go(laid, folder):
    blocks = (
        ab("b_pst.ab"),
        ab("c_pst.ab"),
        dpc("b_pst.ab", "c_pst.ab", name="b_dpc.ab"),
    )
    again = lay_down(folder, blocks, ("b_pst.ab", "c_pst.ab"), crowded=False)
    assert [b.name for b in again.blocks] == ["b_dpc.ab", "b_pst.ab", "c_pst.ab"]


@pytest.mark.parametrize("edited", ["a_dpc.ab", "a_pst.ab"])
def test_an_edit_that_fits_no_more_is_refused_and_kept(laid, folder, edited):
    append(folder / edited, "# mine\n")
    blocks = (
        ab("b_pst.ab"),
        ab("c_pst.ab"),
        dpc("b_pst.ab", "c_pst.ab", name="b_dpc.ab"),
    )
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    with pytest.raises(ConfigError, match=rf"{edited} edited by hand.*--fresh"):
        lay_down(folder, blocks, ("b_pst.ab", "c_pst.ab"), crowded=False)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_an_edit_of_an_exposure_that_stays_is_no_hindrance(laid, folder):
    append(folder / "b_pst.ab", "# mine\n")
    blocks = (
        ab("b_pst.ab"),
        ab("c_pst.ab"),
        dpc("b_pst.ab", "c_pst.ab", name="b_dpc.ab"),
    )
    again = lay_down(folder, blocks, ("b_pst.ab", "c_pst.ab"), crowded=False)
    assert again.edited == ("b_pst.ab",)


def saving_meanwhile(monkeypatch, path, text):
    """A person saves a file while the record is written, before the ABs are."""
    write = tmp2._write_record

    def write_and_save(folder, record):
        write(folder, record)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)

    monkeypatch.setattr(tmp2, "_write_record", write_and_save)


@pytest.mark.parametrize("name", [*PSTS, "a_dpc.ab"])
@pytest.mark.parametrize("first", [True, False])
def test_an_edit_that_is_saved_meanwhile_is_kept(folder, monkeypatch, name, first):
    if not first:
        lay_down(folder, BLOCKS, PSTS, crowded=False)
    changed = [b.with_value("PROC_MODE", "CROWDED") for b in BLOCKS]
    mine = next(b for b in BLOCKS if b.name == name).text + "# mine\n"
    saving_meanwhile(monkeypatch, folder / name, mine)
    again = lay_down(folder, changed, PSTS, crowded=True)
    assert again.edited == (name,)
    assert (folder / name).read_text() == mine
    assert look(folder).edited == (name,)


def test_an_edit_saved_meanwhile_that_fits_no_more_is_refused_and_kept(
    laid, folder, monkeypatch
):
    blocks = (ab("b_pst.ab"), ab("c_pst.ab"), dpc("b_pst.ab", "c_pst.ab", name="b.ab"))
    mine = (folder / "a_dpc.ab").read_text() + "# mine\n"
    saving_meanwhile(monkeypatch, folder / "a_dpc.ab", mine)
    for _ in range(2):
        with pytest.raises(ConfigError, match=r"a_dpc.ab edited by hand.*--fresh"):
            lay_down(folder, blocks, ("b_pst.ab", "c_pst.ab"), crowded=False)
    assert (folder / "a_dpc.ab").read_text() == mine


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"sums": 3}', "[" * 100_000, None])
def test_without_its_record_nothing_of_a_folder_is_overwritten(laid, folder, damage):
    append(folder / "a_dpc.ab", "# mine\n")
    if damage is None:
        (folder / ".collected.json").unlink()
    else:
        (folder / ".collected.json").write_text(damage)
    again = lay_down(folder, BLOCKS, PSTS, crowded=False)
    assert "# mine" in (folder / "a_dpc.ab").read_text()
    assert again.edited == ("a_dpc.ab",)


def test_a_folder_stays_after_the_upload(laid, folder):
    mark_uploaded(folder)
    assert read_record(folder).uploaded
    lay_down(folder, BLOCKS, PSTS, crowded=False)
    assert read_record(folder).uploaded


def test_copies_are_kept_each_time_in_a_folder_of_its_own(tmp_path):
    assert keep_copies(tmp_path, []) is None
    first, second = keep_copies(tmp_path, BLOCKS), keep_copies(tmp_path, BLOCKS[:1])
    assert first != second
    assert len(list(first.iterdir())) == 3


@pytest.mark.parametrize("target", ["..", ".", "a/b", "../x", "-x", "", "a b", ".x"])
def test_a_name_that_leads_out_names_no_folder(site, target):
    with pytest.raises(ConfigError, match="names no folder"):
        target_folder(read_config(site.config_path).directories, "2094-04-14", target)


EDITS = st.lists(
    st.tuples(
        st.sampled_from(("a_pst.ab", "b_pst.ab", "a_dpc.ab", "new.ab")),
        st.sampled_from(("edit", "delete", "same", "crowded", "call")),
    ),
    max_size=8,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(EDITS)
def test_no_edit_is_ever_lost(tmp_path_factory, edits):
    folder = tmp_path_factory.mktemp("edits") / "A"
    lay_down(folder, BLOCKS, PSTS, crowded=False)
    mine = {}
    for count, (name, what) in enumerate(edits):
        path = folder / name
        if what == "edit":
            mine[name] = ab(name).text + f"# {count}\n"
            path.write_text(mine[name])
        elif what == "delete":
            path.unlink(missing_ok=True)
            mine.pop(name, None)
        elif what == "crowded":
            changed = [b.with_value("PROC_MODE", "CROWDED") for b in BLOCKS]
            lay_down(folder, changed, PSTS, crowded=True)
        elif what == "call":
            lay_down(folder, BLOCKS, PSTS, crowded=False)
        for edited, text in mine.items():
            assert (folder / edited).read_text() == text


def test_a_call_that_is_killed_leaves_nothing_that_looks_edited(
    folder, killed_at_each_change
):
    """The record is written first: what a dead call left is known as the tool's."""
    changed = tuple(b.with_value("PROC_MODE", "CROWDED") for b in BLOCKS)

    def work():
        lay_down(folder, changed, PSTS, crowded=True)

    moments = 0
    for _ in killed_at_each_change(work):
        moments += 1
        again = lay_down(folder, BLOCKS, PSTS, crowded=False)
        assert again.edited == again.added == ()
        assert [b.text for b in again.blocks] == sorted(
            (b.text for b in BLOCKS), key=lambda text: text.split("AB_NAME")[1]
        )
    assert moments > len(BLOCKS)
