"""The rows of QC reports: in the database once, and as calls that can be typed."""

import math
import shlex
import shutil
import subprocess
import threading

import pytest
import sqlalchemy as sa
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import ConfigError
from phoenix_core.model import Qc1Row, QcReport
from phoenix_core.qc1 import database, discovery
from phoenix_core.qc1.ingest_words import read_words, row_of
from phoenix_core.qc1.report_rows import (
    calls_path,
    check_report_rows,
    ingest_calls,
    keep_rows,
)

AB = "one_dpc.ab"
BLOCK = AssociationBlock.create({"AB_NAME": AB, "RAW_TYPE": "MUSE_DEEP"})


@pytest.fixture(autouse=True)
def declared(monkeypatch, stars):
    """The table of stars is the only one; its rows come by the star."""
    stars = evolve(stars, group="name")
    for module in (database, discovery):
        monkeypatch.setattr(module, "declared_tables", lambda: {"stars": stars})


@pytest.fixture
def run(run, database_url):
    return evolve(run, config=evolve(run.config, database=database_url))


def report(*rows, made="f1"):
    return QcReport(AB, fingerprint=made, qc1=tuple(Qc1Row("stars", r) for r in rows))


def star(number=1, name="Vega", **values):
    return {"name": name, "number": number, **values}


def stored(run):
    """What is in the table: name, number, counts."""
    with database.open_qc1(run.config.database) as engine, engine.connect() as c:
        found = c.execute(sa.text("select name, number, counts from stars"))
        return sorted(map(tuple, found))


def written(run):
    path = calls_path(run, BLOCK)
    return path.read_text("utf-8").splitlines() if path.exists() else []


def test_rows_are_in_the_database_and_each_call_stands_in_a_file_once(run):
    told = report(star(1, counts=7), star(2, counts=8))
    assert keep_rows(run, BLOCK, told)
    assert not keep_rows(run, BLOCK, told), "nothing is done twice"
    assert stored(run) == [("Vega", 1, 7), ("Vega", 2, 8)]
    head, *calls = written(run)
    assert calls_path(run, BLOCK) == run.monitor_dir / "qc1_MUSE_DEEP.dat"
    assert head.startswith(f"# {AB} ")
    assert head.endswith(": 2 rows")
    assert calls == [
        "qc1Ingest -table stars -name Vega -number 1 -counts 7",
        "qc1Ingest -table stars -name Vega -number 2 -counts 8",
    ]


def test_a_report_without_rows_leaves_everything_alone(run):
    assert not keep_rows(run, BLOCK, report())
    assert not calls_path(run, BLOCK).exists()


def test_rows_of_a_new_version_replace_all_of_the_former_one(run):
    keep_rows(run, BLOCK, report(star(1, counts=7), star(2), star(1, "Deneb")))
    keep_rows(run, BLOCK, report(star(1, counts=9), made="f2"))
    assert stored(run) == [("Deneb", 1, None), ("Vega", 1, 9)]
    assert sum(line.startswith(f"# {AB}") for line in written(run)) == 2


def test_a_version_that_comes_back_is_put_there_again(run):
    first, second = report(star(counts=1)), report(star(counts=2), made="f2")
    for told in (first, second, first):
        assert keep_rows(run, BLOCK, told)
    assert stored(run) == [("Vega", 1, 1)]


def test_what_a_person_corrected_stays_until_asked_for_again(run):
    told = report(star(counts=1))
    keep_rows(run, BLOCK, told)
    with database.open_qc1(run.config.database) as engine, engine.begin() as c:
        c.execute(sa.text("update stars set counts = 5"))
    assert not keep_rows(run, BLOCK, told)
    assert stored(run) == [("Vega", 1, 5)]
    lines = written(run)
    assert keep_rows(run, BLOCK, told, again=True)
    assert stored(run) == [("Vega", 1, 1)]
    assert written(run) == lines


def test_rows_of_a_lost_database_are_put_there_again(run):
    told = report(star(1), star(2))
    keep_rows(run, BLOCK, told)
    lines = written(run)
    with database.open_qc1(run.config.database) as engine, engine.begin() as c:
        c.execute(sa.text("delete from stars"))
    assert keep_rows(run, BLOCK, told)
    assert len(stored(run)) == 2
    assert written(run) == lines


def test_a_call_that_was_killed_before_the_text_is_completed_by_the_next_one(run):
    told = report(star(counts=1))
    keep_rows(run, BLOCK, told)
    path = calls_path(run, BLOCK)
    path.write_bytes(path.read_bytes()[:-9])  # the last line is half there
    assert keep_rows(run, BLOCK, told)
    assert written(run)[-1:] == list(ingest_calls(told.qc1))
    path.unlink()
    assert keep_rows(run, BLOCK, told)
    assert written(run)[1:] == list(ingest_calls(told.qc1))
    assert stored(run) == [("Vega", 1, 1)]


def test_nothing_is_written_down_that_the_database_did_not_take(run):
    lost = evolve(run.config, database="sqlite:////proc/none/such.db")
    with pytest.raises(ConfigError, match=r"such\.db.* cannot be used"):
        keep_rows(evolve(run, config=lost), BLOCK, report(star()))
    assert written(run) == []
    assert keep_rows(run, BLOCK, report(star()))
    assert stored(run) == [("Vega", 1, None)]


def test_two_at_a_time_write_whole_lines_once(run):
    told = report(*(star(n, comment="x" * 500) for n in range(1, 20)))
    others = [evolve(told, block=f"{n}_dpc.ab") for n in range(3)]
    threads = [
        threading.Thread(target=keep_rows, args=(run, BLOCK, one))
        for one in (told, told, *others)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    heads = [line for line in written(run) if line.startswith("#")]
    assert len(heads) == len(set(heads)) == 4
    assert all(
        line.startswith(("# ", "qc1Ingest -table stars -name Vega"))
        for line in written(run)
    )
    assert len(written(run)) == 4 * 20


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        ([("strs", star())], r"no table 'strs'; did you mean 'stars'"),
        ([("stars", star(colour="red"))], r"table stars has no colour"),
        ([("stars", star(count=1))], r"stars has no count; did you mean 'counts'"),
        ([("stars", star()), ("stars", star(2, ra="x"))], r"stars, row 2, ra: 'x' is"),
        ([("stars", star(counts=1.5))], r"stars, row 1, counts: 1.5 is not a whole"),
        ([("stars", {"name": "Vega"})], r"stars, row 1, number: is missing"),
        ([("stars", star()), ("stars", star())], r"row 2, name Vega, number 1: row 1"),
    ],
)
def test_rows_that_do_not_fit_are_told_with_table_and_column(rows, names):
    with pytest.raises(ConfigError, match=names) as told:
        check_report_rows([Qc1Row(table, values) for table, values in rows])
    assert "\n" not in str(told.value)


TEXTS = st.text(st.characters(exclude_categories=["C", "Z"])) | st.sampled_from(
    ["-1", "--json", "$(ls)", "a'b\\", "'", "a b", ";", "*"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS, st.integers(-(2**40), 2**40), st.floats())
def test_a_call_says_just_what_the_row_says(stars, comment, counts, ra):
    row = Qc1Row("stars", star(comment=comment, counts=counts, ra=ra))
    (call,) = ingest_calls([row])
    assert call.isprintable()
    found = row_of(stars, read_words(shlex.split(call)[1:]).keys)
    assert found.get("comment", "") == comment
    assert found["counts"] == counts
    assert found.get("ra") == (ra if math.isfinite(ra) else None)


@pytest.mark.parametrize(
    "comment", ["a\nb", "tab\t'q' \\n", "\x1b[2J", "\u00a0é", "\U000e0001"]
)
def test_a_shell_reads_what_was_said_whatever_it_is(comment):
    (call,) = ingest_calls([Qc1Row("stars", star(comment=comment))])
    bash = shutil.which("bash")
    script = f"qc1Ingest() {{ printf '%s\\0' \"$@\"; }}; {call}"
    said = subprocess.run(
        [bash, "-c", script],
        check=True,
        capture_output=True,
        env={"LC_ALL": "C.UTF-8"},
    ).stdout.decode()
    assert said.split("\0")[-2] == comment
