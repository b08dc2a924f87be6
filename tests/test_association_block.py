"""The association block: a text that a person may edit."""

import re

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_core.association_block import (
    HEADER,
    AbStatus,
    AssociationBlock,
    Mcalib,
    RawFile,
    SofEntry,
    is_safe_name,
)
from phoenix_core.errors import ConfigError

BLOCK = """\
# of the night of 22 October
INSTRUMENT        MUSE
RAW_TYPE          OBJECT
RECIPE            muse_scibasic
AB_NAME           MUSE.2014-10-22T23:57:32.123.ab
MY_OWN            kept   as it is
RECIPE_PARAM      --saveimage=false
RECIPE_PARAM      --crop=true    # no edges
RAWFILE           MUSE.2014-10-22T23:57:32.123.fits OBJECT
RAWFILE           MUSE.2014-10-22T20:00:00.000.fits ILLUM
MCALIB            REAL     MU_MFLA_141022A.fits  MASTER_FLAT
MCALIB            VIRTUAL  MUSE.2014-10-22T23:57:32.123_pst.ab  PIXTABLE_REDUCED
"""

blanks = st.text(" \t", min_size=1, max_size=6)
words = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1
)
qualifiers = st.sampled_from([*HEADER, "MY_OWN", "PRODUCTS", "mcalib", "X-1"])
ab_lines = st.one_of(
    st.text(" \t", max_size=3),
    st.builds("{}#{}".format, st.text(" ", max_size=2), words),
    st.builds("{}{}{}".format, qualifiers, blanks, words),
    st.builds("{}{}{}{}# {}".format, qualifiers, blanks, words, blanks, words),
    st.builds("{}{}{}".format, st.text(" ", max_size=3), qualifiers, blanks),
)
texts = st.builds(
    lambda lines, end, last: end.join(lines) + (end if last else ""),
    st.lists(ab_lines, max_size=12),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)


@pytest.fixture
def block(tmp_path):
    return AssociationBlock.parse(BLOCK, tmp_path / "MUSE.2014-10-22T23:57:32.123.ab")


def changed(block, old, new):
    assert old in block.text
    return AssociationBlock.parse(block.text.replace(old, new), block.source)


@given(texts)
def test_a_text_that_is_read_is_written_back_as_it_was(text):
    assert AssociationBlock.parse(text).text == text


@given(texts, qualifiers, st.lists(words.filter(lambda w: w[0] != "#"), max_size=3))
def test_an_edit_touches_the_lines_of_one_qualifier_only(text, qualifier, contents):
    before = AssociationBlock.parse(text)
    after = before.with_values(qualifier, contents)
    assert after.values(qualifier) == tuple(contents)

    def others(block):
        return [
            line
            for line in block.lines
            if not re.match(rf"\s*{qualifier}(\s|$)", line.split("#")[0])
        ]

    assert others(after) == others(before)
    assert {q: after.values(q) for q in after.qualifiers if q != qualifier} == {
        q: before.values(q) for q in before.qualifiers if q != qualifier
    }


@given(texts, qualifiers, words.filter(lambda w: w[0] != "#"))
def test_an_edit_made_twice_is_the_same_as_made_once(text, qualifier, content):
    once = AssociationBlock.parse(text).with_value(qualifier, content)
    assert once.with_value(qualifier, content) == once


def test_an_edit_keeps_the_line_ends_of_the_file():
    block = AssociationBlock.parse("AB_NAME  A.ab\r\nRECIPE  old\r\nTARGET  X\r\n")
    edited = block.with_value("RECIPE", "new").with_value("RAW_TYPE", "OBJECT")
    assert edited.text == (
        "RAW_TYPE          OBJECT\r\n"
        "AB_NAME  A.ab\r\n"
        "RECIPE            new\r\n"
        "TARGET  X\r\n"
    )


def test_a_new_qualifier_goes_to_its_documented_place(block):
    edited = block.updated(
        {
            "PROCESS_STATUS": "CREATED",
            "TOOL_VERSION": "1",
            "TARGET": "NGC300",
            "PRODUCTS": ["a.fits IMAGE 0 1 KEPT", "b.fits IMAGE 0 1 KEPT"],
            "PROD_ROOT_NAME": "r.X",
        }
    )
    order = [line.split()[0] for line in edited.lines if line and line[0] != "#"]
    assert order == [
        *("TOOL_VERSION", "INSTRUMENT", "RAW_TYPE", "RECIPE", "AB_NAME"),
        *("PROCESS_STATUS", "PROD_ROOT_NAME", "TARGET"),
        *("MY_OWN", "RECIPE_PARAM", "RECIPE_PARAM", "RAWFILE", "RAWFILE"),
        *("MCALIB", "MCALIB", "PRODUCTS", "PRODUCTS"),
    ]


def test_a_qualifier_that_is_there_stays_where_a_person_put_it():
    block = AssociationBlock.parse("RECIPE  a\n# mine\nINSTRUMENT  MUSE\nAB_NAME  x\n")
    edited = block.with_value("INSTRUMENT", "EXAMPLE")
    assert edited.text == ("RECIPE  a\n# mine\nINSTRUMENT        EXAMPLE\nAB_NAME  x\n")


def test_a_new_ab_is_written_in_the_documented_order():
    contents = {name: f"{name.lower()}" for name in reversed(HEADER)}
    block = AssociationBlock.create({"MY_OWN": "1", **contents, "MCALIB": ["a", "b"]})
    assert block.qualifiers == (*HEADER, "MY_OWN")
    assert block.values("MCALIB") == ("a", "b")
    assert block.text.endswith("\n")


def test_an_empty_text_takes_a_qualifier_out(block):
    assert "RECIPE_PARAM" not in block.updated({"RECIPE_PARAM": ""}).qualifiers


def test_what_an_ab_says_is_read(block):
    assert block.name == "MUSE.2014-10-22T23:57:32.123.ab"
    assert block.root == "r.MUSE.2014-10-22T23:57:32.123"
    assert block.log_name == "r.MUSE.2014-10-22T23:57:32.123.log"
    assert (block.recipe, block.raw_type) == ("muse_scibasic", "OBJECT")
    assert block.status is AbStatus.CREATED
    assert block.params == ("--saveimage=false", "--crop=true")
    assert block.rawfiles == (
        RawFile("MUSE.2014-10-22T23:57:32.123.fits", "OBJECT"),
        RawFile("MUSE.2014-10-22T20:00:00.000.fits", "ILLUM"),
    )
    flat, table = block.mcalibs
    assert flat == Mcalib("REAL", "MU_MFLA_141022A.fits", "MASTER_FLAT")
    assert table.is_virtual
    assert block.needs == ("MUSE.2014-10-22T23:57:32.123_pst.ab",)
    assert block.value("MY_OWN") == "kept   as it is"
    assert block.value("NOT_THERE") == ""


def test_what_cannot_stand_in_one_line_is_made_to():
    cause = "HDU #2 is damaged:\n\tno END  # really"
    block = AssociationBlock.parse("AB_NAME  A.ab\n").with_value("PROCESS_CAUSE", cause)
    assert len(block.lines) == 3
    for part in ("HDU", "2 is damaged: no END", "really"):
        assert part in block.cause


@pytest.mark.parametrize(
    "name",
    [
        *("../a.fits", "..", ".", ".hidden", "a/b.fits", "/etc/passwd", "-rf", ""),
        *("a b", "a\tb", "a\nb", "a;b", "a'b", "$(a)", "~a", "ä.fits", "a\0", "a\\b"),
    ],
)
def test_only_plain_names_are_safe(name):
    assert not is_safe_name(name)


@pytest.mark.parametrize("bad", ["../x", "/etc/x", "..", "-x", ".x", "x;y"])
@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("MUSE.2014-10-22T23:57:32.123.ab\n", "BAD.ab\n", "line 5: AB_NAME"),
        ("muse_scibasic", "BAD", "line 4: RECIPE"),
        ("RAW_TYPE          OBJECT", "RAW_TYPE  BAD", "line 3: RAW_TYPE"),
        ("MUSE.2014-10-22T20:00:00.000.fits", "BAD", "line 10: RAWFILE"),
        ("MU_MFLA_141022A.fits", "BAD", "line 11: MCALIB"),
        ("MASTER_FLAT", "BAD", "line 11: MCALIB"),
        ("MUSE.2014-10-22T23:57:32.123_pst.ab", "BAD.ab", "line 12: MCALIB"),
        ("MY_OWN            kept   as it is", "LOG_NAME  BAD", "line 6: LOG_NAME"),
        ("MY_OWN            kept   as it is", "PROD_ROOT_NAME  BAD", "line 6: PROD_"),
    ],
)
def test_a_name_that_leaves_its_directory_is_refused_with_file_and_line(
    block, bad, old, new, where
):
    strange = changed(block, old, new.replace("BAD", bad))
    with pytest.raises(ConfigError) as refused:
        read_all(strange)
    message = str(refused.value)
    assert message.startswith(f"{block.source}, {where}")
    assert bad in message


def read_all(block):
    return (
        *(block.name, block.root, block.log_name, block.recipe, block.raw_type),
        *(block.status, block.params, block.rawfiles, block.mcalibs, block.sof),
        block.products,
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("  OBJECT\n", "  OBJECT\nPROCESS_STATUS  SUCESSFUL\n", "'SUCCESSFUL'"),
        ("  OBJECT\n", "  OBJECT\nPROCESS_STATUS  skiped\n", "'SKIPPED'"),
        ("--crop=true", "crop=true", "--name=value"),
        (" OBJECT\nRAWFILE", "\nRAWFILE", "<file> <tag>"),
        ("fits ILLUM", "fits ILLUM 3", "<file> <tag>"),
        ("MCALIB            REAL", "MCALIB  REEL", "REAL|VIRTUAL <file> <tag>"),
        ("_pst.ab", "_pst.fits", "VIRTUAL <name of an AB> <tag>"),
        ("MY_OWN ", "SOF_CONTENT  a.fits", "<file> <tag>"),
        ("MY_OWN  ", "SOF_CONTENT  ../a.fits TAG #", "a file name"),
        ("MY_OWN  ", "PRODUCTS  a.fits IMAGE 00 many KEPT #", "<bytes>"),
        ("MY_OWN  ", "PRODUCTS  ../a.fits IMAGE 00 3 KEPT #", "a file name"),
        ("MY_OWN  ", "PRODUCTS  a.fits IMAGE 00 3 LOST #", "KEPT|INTERIM|DELETED"),
        ("123.ab\n", "123.txt\n", "a name ending in .ab"),
        ("AB_NAME ", "AB_NAMES", "is missing"),
    ],
)
def test_a_mistake_is_told_with_file_and_what_was_expected(block, old, new, told):
    with pytest.raises(ConfigError) as refused:
        read_all(changed(block, old, new))
    message = str(refused.value)
    assert message.startswith(str(block.source))
    assert told in message
    assert "\n" not in message


def test_a_sof_entry_knows_what_its_content_was(block):
    sof = block.updated({"SOF_CONTENT": ["a.fits FLAT 0abc", "b.fits FLAT"]}).sof
    assert sof == (SofEntry("a.fits", "FLAT", "0abc"), SofEntry("b.fits", "FLAT"))


def test_only_an_edit_of_what_to_do_counts_as_a_persons_edit(block):
    written = block.with_value("AB_SUM", block.definition_sum)
    assert not written.is_edited
    assert not written.updated(
        {"PROCESS_STATUS": "FAILED", "SOF_CONTENT": "x"}
    ).is_edited
    respaced = changed(written, "muse_scibasic\n", "muse_scibasic   # the first\n")
    assert not respaced.is_edited
    for old, new in (
        ("--crop=true", "--crop=false"),
        ("MY_OWN", "MY_OTHER"),
        ("RAWFILE           MUSE.2014-10-22T20:00:00.000.fits ILLUM\n", ""),
    ):
        assert changed(written, old, new).is_edited


def test_an_ab_is_equal_to_one_of_the_same_lines_elsewhere(block, tmp_path):
    assert attrs.evolve(block, source=tmp_path / "other.ab") == block
