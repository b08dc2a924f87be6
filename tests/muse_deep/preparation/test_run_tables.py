"""The text tables of runs: what a person decided is understood, or refused by line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muse_deep_plugin.preparation.run_tables import (
    Combine,
    DeepMode,
    DeepStatus,
    RunData,
    linked_runs,
    read_deep_modes,
    read_known_targets,
    read_multi_runs,
    read_run_data,
    read_run_types,
    unknown_runs,
    write_deep_modes,
    write_missing_tables,
    write_run_data,
)
from phoenix_core.errors import ConfigError

RUN = "094.D-0114(B)"


def refused(read, folder):
    with pytest.raises(ConfigError) as error:
        read(folder)
    return str(error.value).replace(f"{folder}/", "")


def mistakes(read, folder):
    try:
        read(folder)
    except ConfigError as error:
        return str(error).split("\n")
    return []


def test_what_a_person_decided_is_read_in_both_spellings_of_a_run(tmp_path):
    (tmp_path / "RUN_TYPE.txt").write_text(
        "# RUN_ID PERIOD TYPE COMBINE COMMENT\n"
        "094.D-0114B  94 deep     YES\n"
        "095.B-0934(A)\t95 "
        '  "" tbd  wait for the carry-over, see #3\n'
        '110.23XX.001 110 crowded NO "a dynamic \\"sequence\\""  # his word\n'
        "#096.A-0120(A) 96 deep maybe\n"
    )
    types = read_run_types(tmp_path)
    assert list(types) == [RUN, "095.B-0934(A)", "110.23XX.001"]
    assert [t.combine for t in types.values()] == [
        Combine.YES,
        Combine.TBD,
        Combine.NO,
    ]
    assert types["095.B-0934(A)"].comment == "wait for the carry-over, see #3"
    assert types["110.23XX.001"].comment == 'a dynamic "sequence"'
    assert types[RUN].period == 94


def test_a_table_that_is_not_there_says_nothing(tmp_path):
    assert read_run_types(tmp_path) == {}
    assert read_multi_runs(tmp_path) == {}
    assert read_run_data(tmp_path) == {}
    assert read_deep_modes(tmp_path) == ({}, ())
    assert read_known_targets(tmp_path) == ()


def test_every_mistake_in_decisions_is_told_with_its_line(tmp_path):
    (tmp_path / "RUN_TYPE.txt").write_text(
        "094.D-0114(B) 94 deep YSE\n"
        "094.D-114(B) 94 deep YES\n"
        "095.B-0934(A) deep YES\n"
        "095.B-0934(A) 95 deep NO\n"
        "095.B-0934A 95 deep YES\n"
    )
    told = [line.split(": ", 1) for line in mistakes(read_run_types, tmp_path)]
    path = tmp_path / "RUN_TYPE.txt"
    assert [where for where, _ in told] == [f"{path}, line {n}" for n in (1, 2, 3, 5)]
    parts = (
        "COMBINE is 'YSE'; expected YES, NO, TBD; did you mean 'YES'?",
        "RUN_ID: '094.D-114(B)' is no run id; expected for example 094.D-0114B",
        "COMBINE is missing; expected RUN_ID PERIOD TYPE COMBINE COMMENT",
        "095.B-0934(A) stands on line 4 already",
    )
    for part, (_, said) in zip(parts, told, strict=True):
        assert said.startswith(part)


def test_runs_that_belong_together_are_found_from_each_of_them(tmp_path):
    (tmp_path / "RUN_MULTI.txt").write_text(
        "094.A-0116(B) M\n095.A-0118(A) S 094.A-0116B\n096.A-0120A SLAVE 094.A-0116B\n"
    )
    multi = read_multi_runs(tmp_path)
    together = ("094.A-0116(B)", "095.A-0118(A)", "096.A-0120(A)")
    assert {linked_runs(multi, run) for run in together} == {together}
    assert linked_runs(multi, RUN) == (RUN,)
    assert [run.is_master for run in multi.values()] == [True, False, False]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("094.A-0116(B) S", "line 1: 094.A-0116(B) is a SLAVE; its MASTER is missing"),
        (
            "094.A-0116(B) S 095.A-0118(A)",
            "line 1: the MASTER 095.A-0118(A) has no line of its own (M)",
        ),
        (
            "094.A-0116(B) S 095.A-0118(A)\n095.A-0118(A) S 094.A-0116(B)",
            "line 1: the MASTER 095.A-0118(A) is a SLAVE itself (line 2)",
        ),
        ("094.A-0116(B) S 094.A-0116B", "names itself as its MASTER"),
        ("094.A-0116(B) M 095.A-0118(A)", "is M and names 095.A-0118(A)"),
        (
            "094.A-0116(B) SLAV 095.A-0118(A)",
            "M_S is 'SLAV'; expected M or S; did you mean 'SLAVE'?",
        ),
        (
            "094.A-0116(B) M\n095.A-0118(A) S 094.A-0116(C)",
            "has no line of its own (M); did you mean '094.A-0116(B)'?",
        ),
    ],
)
def test_a_slave_without_master_is_refused(tmp_path, text, told):
    (tmp_path / "RUN_MULTI.txt").write_text(text)
    assert told in refused(read_multi_runs, tmp_path)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_by_line_and_never_changed(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("tables")
    content = text.encode("utf-8", "surrogatepass")
    for name, read in (
        ("RUN_TYPE.txt", read_run_types),
        ("RUN_MULTI.txt", read_multi_runs),
        ("phoenix_checkMulti.txt", read_known_targets),
    ):
        (folder / name).write_bytes(content)
        for told in mistakes(read, folder):
            assert told.startswith(f"{folder / name}")
        assert (folder / name).read_bytes() == content


def test_runs_that_the_database_does_not_know_are_told(tmp_path):
    path = tmp_path / "RUN_TYPE.txt"
    path.write_text("094.D-0114(C) 94 deep YES\n")
    (told,) = unknown_runs(path, read_run_types(tmp_path), {RUN})
    assert told.startswith(f"{path}, line 1: there is no run 094.D-0114(C)")
    assert told.endswith("did you mean '094.D-0114(B)'?")


def test_what_the_tools_write_is_what_they_read(tmp_path):
    runs = (
        RunData(RUN, "SM", 9, is_complete=True, status=DeepStatus.DONE),
        RunData("110.23XX.001", "", 1, is_complete=False, status=DeepStatus.OPEN),
    )
    write_run_data(tmp_path, runs)
    assert tuple(read_run_data(tmp_path).values()) == runs
    modes = (DeepMode(RUN, DeepStatus.OPEN, 3, "2026-11-27"),)
    write_deep_modes(tmp_path, modes)
    assert tuple(read_deep_modes(tmp_path)[0].values()) == modes


def test_tables_are_laid_out_once_for_a_person(tmp_path):
    write_missing_tables(tmp_path)
    assert read_run_types(tmp_path) == {}
    assert read_multi_runs(tmp_path) == {}
    assert read_known_targets(tmp_path) == ()
    path = tmp_path / "phoenix_checkMulti.txt"
    path.write_text("UDF-10 a mosaic\n\n")
    write_missing_tables(tmp_path)
    assert path.read_text() == "UDF-10 a mosaic\n\n"
    assert [(t.target, t.comment) for t in read_known_targets(tmp_path)] == [
        ("UDF-10", "a mosaic")
    ]


def test_a_line_of_deep_modes_that_is_wrong_leaves_the_others(tmp_path):
    text = "094.D-0114(B) done 2\n095.B-0934(A) dnoe 1\n"
    (tmp_path / "DEEP_MODE.txt").write_text(text, "utf-8")
    modes, wrong = read_deep_modes(tmp_path)
    assert list(modes) == ["094.D-0114(B)"]
    assert len(wrong) == 1
    assert "DEEP_MODE.txt, line 2: STATUS is 'dnoe'" in wrong[0]
