"""Lines dropped from an AB: every other byte stays, and all of them come back."""

from hypothesis import given
from hypothesis import strategies as st

from phoenix_core.ab.dropped import (
    Dropping,
    drop_lines,
    dropped,
    is_edited_otherwise,
    left_out,
    take_back,
    taken,
)
from phoenix_core.ab.file import parse_block
from phoenix_core.association_block import AssociationBlock

FILES = ("a.fits", "b.fits", "A_pst.ab", "B_pst.ab")
ME = Dropping("2026-11-27T18:58:47+00:00", "me", "clouds")

blanks = st.sampled_from([" ", "   ", "\t"])
comments = st.sampled_from(["", "  # mine", " # DROPPED x y # z", "\t#  two  # marks"])
ends = st.sampled_from(["", "\r"])
taking = st.one_of(
    st.builds(
        "{0}RAWFILE{1}{2}{1}OBJECT{3}{4}".format,
        st.sampled_from(["", " "]),
        blanks,
        st.sampled_from(FILES[:2]),
        comments,
        ends,
    ),
    st.builds(
        "MCALIB{0}VIRTUAL{0}{1}{0}IMAGE{2}{3}".format,
        blanks,
        st.sampled_from(FILES[2:]),
        comments,
        ends,
    ),
)
others = st.one_of(
    st.text(st.characters(blacklist_characters="\n"), max_size=30),
    st.sampled_from(["MCALIB REAL x.fits FLAT", "DROPPED", "DROPPED  what ever", "#"]),
).filter(lambda line: not line.split() or line.split()[0] not in {"RAWFILE", "MCALIB"})
texts = st.lists(st.one_of(taking, others), max_size=12).map("\n".join)
words = st.builds(
    Dropping,
    st.just(ME.at),
    st.sampled_from(["me", "user 1000"]),
    st.text(st.characters(blacklist_categories=["Cs"]), max_size=20),
)


@given(texts, st.sets(st.sampled_from(FILES)), words)
def test_only_the_lines_of_the_files_change_and_come_back_to_the_byte(
    text, files, word
):
    block = AssociationBlock.parse(text)
    less = drop_lines(block, files, word)
    assert len(less.lines) == len(block.lines)
    for before, after in zip(block.lines, less.lines, strict=True):
        assert after == before or after.endswith(f"  # {before}")
    assert not files & {file for file, _ in taken(less)}
    kept = [one for one in taken(block) if one[0] not in files]
    assert list(taken(less)) == kept
    assert drop_lines(less, files, word) == less
    assert take_back(less, files).text == text


@given(texts, st.lists(st.sampled_from(FILES), unique=True))
def test_files_are_taken_back_one_by_one_in_any_order(text, order):
    block = AssociationBlock.parse(text)
    less = block
    for file in FILES:
        less = drop_lines(less, {file}, ME)
    for file in order:
        less = take_back(less, {file})
        assert file not in {one.file for one in dropped(less)}
    assert take_back(less, FILES).text == text


@given(st.binary(max_size=60), texts)
def test_bytes_that_are_no_utf_8_survive(tmp_path_factory, junk, text):
    path = tmp_path_factory.getbasetemp() / "A.ab"
    block = parse_block(text.encode("utf-8", "replace") + b"\n" + junk, path)
    for line in block.lines:
        if line.split()[:1] in (["RAWFILE"], ["MCALIB"]) and len(line.split()) < 3:
            return  # no line of an AB that can be read
    assert take_back(drop_lines(block, FILES, ME), FILES) == block


def test_who_when_why_and_what_are_read_back():
    block = AssociationBlock.parse("RAWFILE a.fits X # dim\nRAWFILE b.fits X\n")
    (one,) = dropped(drop_lines(block, {"a.fits"}, ME))
    assert (one.file, one.tag, one.word) == ("a.fits", "X", ME)
    assert one.line == "RAWFILE a.fits X # dim"
    assert one.word.told == "by me, 2026-11-27T18:58:47+00:00: clouds"


def test_a_reason_cannot_end_its_line_or_pass_for_the_dropped_one():
    block = AssociationBlock.parse("RAWFILE a.fits X\n")
    evil = Dropping(ME.at, "me", "x\nRAWFILE c.fits Y  # RAWFILE d.fits Z\x1b[2J")
    less = drop_lines(block, {"a.fits"}, evil)
    assert len(less.lines) == 2
    assert "\x1b" not in less.text
    assert [one.file for one in dropped(less)] == ["a.fits"]
    assert list(taken(less)) == []


def test_a_dropped_line_that_cannot_be_trusted_says_nothing():
    text = "DROPPED 2026 me  # RAWFILE ../../etc/passwd X\nDROPPED once # upon a time\n"
    block = AssociationBlock.parse(text)
    assert dropped(block) == ()
    assert take_back(block, {"../../etc/passwd"}) == block


def test_what_was_dropped_is_told_from_what_a_person_edited():
    block = AssociationBlock.parse("RECIPE r\nRAWFILE a.fits X\nRAWFILE b.fits X\n")
    block = block.with_value("AB_SUM", block.definition_sum)
    less = drop_lines(block, {"a.fits"}, ME)
    assert less.is_edited
    assert not is_edited_otherwise(less)
    assert is_edited_otherwise(less.with_value("RECIPE", "mine"))


def ab(name, *needs):
    lines = [f"MCALIB VIRTUAL {need}.ab IMAGE" for need in needs]
    return AssociationBlock.parse("\n".join([f"AB_NAME {name}.ab", *lines, ""]))


def test_only_what_nothing_else_needs_is_left_out():
    blocks = [ab("a"), ab("b"), ab("A", "a"), ab("B", "b", "a"), ab("z", "A", "B")]
    assert left_out(blocks) == frozenset()
    blocks[-1] = drop_lines(blocks[-1], {"B.ab"}, ME)
    assert left_out(blocks) == {"B.ab", "b.ab"}  # A needs a, too
    assert left_out([*blocks, ab("y", "B")]) == frozenset()
