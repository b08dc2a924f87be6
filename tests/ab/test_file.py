"""AB files: the same bytes in and out, and nothing in them is trusted unchecked."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phoenix_core.ab.file import (
    check_block,
    parse_block,
    read_block,
    read_blocks,
    write_block,
)
from phoenix_core.errors import ConfigError

pieces = st.one_of(
    st.binary(max_size=12),
    st.sampled_from(
        [
            *(b"AB_NAME  A.ab", b"\tRECIPE   muse_bias  # why", b"#", b"MY_OWN\t x"),
            *(b"RAWFILE a TAG", b"RAWFILE a TAG", b"TARGET  \xe9toile", b"\xff\xfe"),
            *(b"\n", b"\r\n", b"\n\n", b"  ", b"\r", b"\x0c", "µ\u2028ü".encode()),
        ]
    ),
)


@given(st.lists(pieces, max_size=20).map(b"".join))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_ab_that_is_read_and_written_is_the_same_bytes(tmp_path, content):
    path = tmp_path / "A.ab"
    path.write_bytes(content)
    write_block(path, read_block(path))
    assert path.read_bytes() == content


@given(st.lists(pieces, max_size=20).map(b"".join))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_an_ab_or_a_clear_error(tmp_path, content):
    refused = ""
    try:
        check_block(parse_block(content, tmp_path / "A.ab"))
    except ConfigError as error:
        refused = str(error)
    assert not refused or str(tmp_path / "A.ab") in refused


def test_an_edit_leaves_the_bytes_of_all_other_lines(tmp_path):
    path = tmp_path / "A.ab"
    path.write_bytes(b"AB_NAME A.ab\nTARGET  \xe9toile  # \xff\nRECIPE  x\nODD")
    write_block(path, read_block(path).with_value("RECIPE", "y"))
    assert path.read_bytes() == (
        b"AB_NAME A.ab\nTARGET  \xe9toile  # \xff\nRECIPE            y\nODD"
    )


def test_an_ab_under_another_name_is_refused(tmp_path):
    path = tmp_path / "B.ab"
    path.write_text("AB_NAME A.ab\nRECIPE x\nRAW_TYPE y\n")
    with pytest.raises(ConfigError, match=r"line 1: AB_NAME is 'A.ab'; .* B.ab"):
        check_block(read_block(path))


def test_an_ab_that_needs_itself_is_refused(tmp_path):
    path = tmp_path / "A.ab"
    path.write_text("AB_NAME A.ab\nRECIPE x\nRAW_TYPE y\nMCALIB VIRTUAL A.ab T\n")
    with pytest.raises(ConfigError, match="another AB than itself"):
        check_block(read_block(path))


def test_an_ab_that_is_not_there_is_told_with_its_path(tmp_path):
    with pytest.raises(ConfigError, match=r"A\.ab: No such file"):
        read_block(tmp_path / "A.ab")


def test_the_abs_of_a_directory_are_read_by_name_and_temporaries_are_none(tmp_path):
    for name in ("B.ab", "A.ab", ".A.ab.1-1.tmp", "A.txt"):
        (tmp_path / name).write_text(f"AB_NAME {name}\n")
    assert [block.name for block in read_blocks(tmp_path)] == ["A.ab", "B.ab"]
