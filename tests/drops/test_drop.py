"""--drop: an exposure goes from what combines it, and only that is made again."""

import json
import re

import pytest
from attrs import evolve

from phoenix_core.ab.dropped import dropped
from phoenix_core.ab.file import write_block
from phoenix_core.association_block import AssociationBlock
from phoenix_core.drops.drop import drop, undrop
from phoenix_core.errors import CertificationError, ConfigError, ProcessingError
from phoenix_core.files.run_lock import holding
from phoenix_core.processing.process_ab import LOCK
from phoenix_core.processing.process_qc import read_reports
from phoenix_core.questions.status import state_of
from phoenix_core.records.drop_record import record_path
from phoenix_core.records.lines import read_records
from phoenix_core.review.certify import review
from phoenix_core.run.create import create
from phoenix_core.run.move_products import move
from phoenix_core.run.process import process
from phoenix_core.testing.killing import kill_at

RUN = ("-r", "094.A-0001A")
NIGHT = "EXAMPLE.2014-10-22T"
STACK = f"{NIGHT}21:00:00_stk.ab"
FIRST, SECOND, THIRD = (f"{NIGHT}21:{m}:00" for m in ("00", "10", "20"))
OTHER = f"{NIGHT}20:00:00_stk.ab"


# Each stack takes what an alignment of the same exposures makes, and needs two of them.
ALIGNING = """
from attrs import evolve
from phoenix_core import hookimpl
from phoenix_core.model import Cascade, Finding
from phoenix_core.ab.cascade import in_order
from phoenix_example import ab

@hookimpl
def ab_pgi(run, blocks):
    made = ab.ab_pgi(run, [b for b in blocks if b.recipe != "example_stack"])
    new, short = [], []
    for block in made.blocks:
        if block.recipe == "example_stack":
            name = block.name.replace("_stk", "_aln")
            new.append(block.updated({"AB_NAME": name, "RAW_TYPE": "ALIGN"}))
            lines = (*block.values("MCALIB"), f"VIRTUAL {name} STACK")
            block = block.updated({"MCALIB": lines})
        new.append(block)
    for block in blocks:
        count = sum(m.tag == "REDUCED" for m in block.mcalibs)
        if block.recipe == "example_stack" and count < 2:
            short.append(Finding(f"{block.name} needs 2", block.name, is_error=True))
    return Cascade(in_order(new), tuple(short))
"""
ALIGN = STACK.replace("_stk", "_aln")


@pytest.fixture
def aligned(example, pgi_package):
    """The run, its ABs made, with an alignment of each stack."""
    pgi_package("aligning", ALIGNING)
    example.edit(example.config, '"pgi_phoenix_EXAMPLE_AB"', '"aligning"')
    example.create()
    return example


def taken(example):
    return [m.file for m in example.block(STACK).mcalibs]


def dropping(example, *words, why="", back=False, **wishes):
    with example.session(**{"select": STACK, **wishes}) as session:
        return (undrop if back else drop)(session, words, why)


def statuses(example):
    with example.session() as session:
        return {ab.name: ab for ab in state_of(session.run).abs}


def record(example):
    with example.session() as session:
        return [row for _, row in read_records(record_path(session.run))]


# What is edited, and what is made again ---------------------------------------------


def keep_products(example):
    """Nothing is interim: without the plug-in that says so."""
    text = example.config.read_text()
    lines = [line for line in text.splitlines() if not line.startswith("POST_PLUGIN")]
    example.config.write_text("\n".join(lines))


def test_only_what_takes_the_exposure_is_processed_again(example):
    keep_products(example)
    example.process()
    before = example.products()
    done = dropping(example, SECOND)
    assert list(done.due) == [STACK]
    again = example.process()
    assert [outcome.block for outcome in again.outcomes] == [STACK]
    changed = {p for p, content in example.products().items() if content != before[p]}
    assert {path.parts[1] for path in changed} == {"STACK"}
    sof = [entry.file for entry in example.block(STACK).sof]
    assert not [file for file in sof if SECOND in file]
    assert len(sof) == len(taken(example)) == 2
    assert example.process().outcomes == ()


def test_exposures_whose_products_are_deleted_are_made_again_and_it_is_said(example):
    example.process()
    due = dropping(example, SECOND).due
    assert set(due) == {STACK, f"{FIRST}.ab", f"{THIRD}.ab"}
    assert due[f"{FIRST}.ab"] == (f"{STACK} needs its REDUCED, deleted meanwhile",)
    again = example.process()
    assert {outcome.block for outcome in again.outcomes} == set(due)
    assert not again.failures


def test_dropped_and_taken_back_the_ab_is_the_same_and_nothing_is_processed(example):
    example.process()
    before = example.ab(STACK).read_bytes()
    dropping(example, FIRST, THIRD)
    assert len(taken(example)) == 1
    back = dropping(example, THIRD, FIRST, back=True)
    assert example.ab(STACK).read_bytes() == before
    assert back.due == {}
    assert example.process().outcomes == ()


def test_every_ab_that_goes_with_the_named_one_is_edited(aligned):
    for name in (STACK, ALIGN):
        done = dropping(aligned, SECOND, select=name)
        assert [change.block for change in done.changes] == [ALIGN, STACK]
        for one in (STACK, ALIGN):
            (gone,) = dropped(aligned.block(one))
            assert gone.file == f"{SECOND}.ab"
        dropping(aligned, SECOND, back=True, select=name)
    assert dropped(aligned.block(OTHER)) == ()


def test_a_raw_file_that_the_ab_takes_itself_is_dropped_from_it(example):
    example.create()
    dark = f"{NIGHT}18:00:00.ab"
    raws = [raw.file for raw in example.block(dark).rawfiles]
    dropping(example, raws[1], select=dark)
    assert [r.file for r in example.block(dark).rawfiles] == [raws[0], *raws[2:]]


@pytest.mark.parametrize("word", [SECOND, f"{SECOND}.npy", f"{SECOND}.ab"])
def test_an_exposure_is_named_by_its_raw_file_or_its_ab(example, word):
    example.create()
    assert dropping(example, word).changes[0].files == (f"{SECOND}.ab",)


def test_all_exposures_of_an_ob_are_dropped_at_once(example):
    example.create()
    example.edit(example.ab(f"{SECOND}.ab"), "OBS_ID            1002", "OBS_ID  7")
    assert dropping(example, "ob:7").changes[0].files == (f"{SECOND}.ab",)
    assert len(dropping(example, "OB:1002", back=True).nothing_to_do) == 2


def test_what_a_person_edited_stays(example):
    example.create()
    line = next(
        text for text in example.ab(STACK).read_text().splitlines() if SECOND in text
    )
    example.edit(example.ab(STACK), line, f"# keep?\n {line}   # doubtful")
    example.edit(example.ab(STACK), "--combine=median", "--combine=mean")
    edited = example.ab(STACK).read_text()
    dropping(example, SECOND)
    assert f"  #  {line}   # doubtful\n" in example.ab(STACK).read_text()
    notes = example.create().notes
    assert f"{STACK} was edited by hand and is taken as it is" in notes
    dropping(example, SECOND, back=True)
    assert example.ab(STACK).read_text() == edited


# -C, --fresh, -M ---------------------------------------------------------------------


def test_part_1_keeps_what_was_dropped_and_says_so(example):
    example.create()
    dropping(example, SECOND)
    text = example.ab(STACK).read_bytes()
    plan = example.create()
    assert plan.notes == (f"{STACK} is made without {SECOND}.ab",)
    assert example.ab(STACK).read_bytes() == text
    assert f"{SECOND}.ab" not in {job.block for job in plan.jobs}
    asked = example.create(select=f"{SECOND}.ab")  # by name it can be had
    assert f"{SECOND}.ab" in {job.block for job in asked.jobs}


def test_an_ab_that_changed_in_the_source_since_the_drop_is_told(example):
    example.create()
    dropping(example, SECOND)
    example.edit(example.store(f"{FIRST}.ab"), "1002", "1009")
    notes = example.create().notes
    told = f"{STACK} has changed in the source since; --fresh takes the new one"
    assert notes == (told, f"{STACK} is made without {SECOND}.ab")
    example.create(fresh=True)
    assert example.create().notes == ()


def test_fresh_makes_the_ab_anew_with_it_and_says_so(example):
    example.create()
    before = example.ab(STACK).read_bytes()
    dropping(example, SECOND)
    plan = example.create(fresh=True)
    told = f"{STACK} is made anew and takes again what was dropped: {SECOND}.ab"
    assert plan.notes == (told,)
    assert example.ab(STACK).read_bytes() == before
    assert record(example)[-1]["action"] == "FRESH"
    assert example.create().notes == ()


def test_what_was_dropped_leaves_with_the_ab_and_is_not_made_again(example):
    """A failed exposure that was dropped keeps nothing from being certified."""
    example.raw(f"{SECOND}.npy").write_text("no frame")
    assert example.process(select=STACK).failures
    dropping(example, SECOND, why="no frame")
    with example.session(select=STACK) as session:
        assert not process(session).failures
        done = move(session.run, session.pgis)
        done.raise_for_failed()
        assert session.run.moved_path(STACK).exists()
        assert session.run.moved_path(f"{SECOND}.ab").exists()
    assert not example.ab(STACK).exists()
    assert not example.ab(f"{SECOND}.ab").exists()
    assert example.create(select=STACK).jobs == ()
    with pytest.raises(ConfigError, match=r"is certified and moved: .* --fresh -a"):
        dropping(example, THIRD)
    assert example.create(select=STACK, fresh=True).jobs
    assert dropping(example, THIRD).changes


def test_what_was_made_before_a_drop_is_not_certified(example):
    example.process(select=STACK)
    dropping(example, SECOND)
    with example.session(select=STACK) as session:
        done = move(session.run, session.pgis)
    (stays,) = done.failed
    told = f"{SECOND}.ab was dropped from {STACK} since it was made"
    assert stays.why.startswith(f"{told}; run phoenix -P")


# Refusals ---------------------------------------------------------------------------


def test_what_is_no_exposure_of_the_ab_is_refused_with_the_nearest_one(example):
    example.create()
    before = example.ab(STACK).read_bytes()
    slip = SECOND.replace("T21:10", "T21:11")
    cases = {
        slip: f"{STACK} takes no exposure {slip}; did you mean '",
        "OB:1": f"{STACK} takes no exposure OB:1",
        f"{NIGHT}18:00:00": "is no exposure of",
    }
    for word, told in cases.items():
        with pytest.raises(ConfigError) as error:
            dropping(example, SECOND, word)
        assert told in str(error.value)
    with pytest.raises(ConfigError, match=r"has no AB x\.ab"):
        dropping(example, SECOND, select="x.ab")
    assert example.ab(STACK).read_bytes() == before
    assert record(example) == []


def test_the_last_exposure_is_not_dropped(example):
    example.create()
    with pytest.raises(ConfigError, match=f"{STACK} would have no REDUCED left"):
        dropping(example, *taken(example))
    assert dropped(example.block(STACK)) == ()


def test_the_ab_pgi_is_asked_whether_enough_is_left(aligned):
    dropping(aligned, SECOND)
    with pytest.raises(ConfigError, match=f"nothing was dropped: {ALIGN} needs 2"):
        dropping(aligned, THIRD)
    assert len(dropped(aligned.block(STACK))) == 1


def test_an_alignment_is_no_exposure(aligned):
    with pytest.raises(ConfigError, match=f"takes no exposure {ALIGN}"):
        dropping(aligned, ALIGN)


def test_an_ab_that_is_being_processed_is_not_edited(example):
    example.create()
    with example.session() as session:
        lock = session.run.work_dir(STACK) / LOCK
    with (
        holding(lock, STACK),
        pytest.raises(ProcessingError, match=f"{STACK} is held by"),
    ):
        dropping(example, SECOND)
    assert dropped(example.block(STACK)) == ()
    dropping(example, SECOND)
    assert not lock.parent.exists()


def test_a_run_without_abs_is_told_how_to_make_them(example):
    with pytest.raises(ConfigError, match=r"make them first, with phoenix -r \S+ -C"):
        dropping(example, SECOND)


# Killed -----------------------------------------------------------------------------


def test_killed_at_any_moment_all_abs_are_edited_by_the_next_call_or_none(aligned):
    before = {name: aligned.ab(name).read_bytes() for name in (STACK, ALIGN)}
    seen = set()
    with aligned.session(select=STACK) as session:
        for moment in range(1, 100):
            if not kill_at(lambda: drop(session, [SECOND]), moment):
                break
            create(session)  # the next call, whichever
            count = [len(dropped(aligned.block(name))) for name in before]
            assert count in ([0, 0], [1, 1]), f"killed before change {moment}"
            seen.add(count[0])
            undrop(session, [SECOND])
            assert {n: aligned.ab(n).read_bytes() for n in before} == before
    assert seen == {0, 1}
    assert moment > 8


def test_an_edit_of_a_person_meanwhile_is_kept_by_the_call_that_completes(example):
    example.create()
    with example.session(select=STACK) as session:
        drop(session, [SECOND])
        path = record_path(session.run)
        rows = path.read_text().splitlines(keepends=True)
        path.write_text("".join(rows[:-1]))  # as if it had been killed before the end
        block = example.block(STACK)
        kept = AssociationBlock(
            tuple(line.rpartition("  # ")[2] for line in block.lines)
        ).with_value("RECIPE_PARAM", "--combine=mean")
        write_block(example.ab(STACK), kept)
        create(session)
    assert example.block(STACK).params == ("--combine=mean",)
    assert [one.file for one in dropped(example.block(STACK))] == [f"{SECOND}.ab"]


def test_a_damaged_end_of_the_record_is_told_with_its_line(example):
    example.create()
    dropping(example, SECOND)
    with example.session() as session:
        path = record_path(session.run)
    path.write_text(path.read_text() + "nonsense\n")
    with pytest.raises(ConfigError, match=r"drops\.jsonl, line 3: damaged; mend or"):
        example.create()


# What is told -----------------------------------------------------------------------


def test_the_record_says_who_when_which_from_which_ab_and_why(example):
    example.create()
    dropping(example, SECOND, why="high background")
    dropping(example, SECOND, back=True)
    down, _, up, _ = record(example)
    assert (down["action"], up["action"]) == ("DROP", "UNDROP")
    assert (down["ab"], down["blocks"]) == (STACK, [STACK])
    assert (down["exposures"], down["files"]) == ([SECOND], [f"{SECOND}.ab"])
    assert down["why"] == "high background"
    assert down["by"]
    assert down["at"].endswith("+00:00")


def test_status_and_explain_tell_what_was_dropped_by_whom_and_why(example, call):
    example.process()
    dropping(example, SECOND, why="high \x1b[2Jbackground")
    told = statuses(example)
    assert told[f"{SECOND}.ab"].status == "DROPPED"
    (line,) = told[STACK].dropped
    assert line.startswith(f"without {SECOND}.ab, dropped by ")
    assert line.endswith(
        ": high ?[2Jbackground (not made anew yet: phoenix -P does it)"
    )
    example.process()
    shown = call("status", *RUN).stdout
    assert "not made anew yet" not in shown
    assert "18 SUCCESSFUL, 1 DROPPED" in shown
    assert "dropped: " in call("explain", *RUN, STACK).stdout
    shown = call("explain", *RUN, f"{SECOND}.ab").stdout
    assert "nothing needs it" in shown
    assert f"dropped from:     {STACK} by " in shown


def test_whoever_reviews_is_told_what_it_was_made_without(example, tmp_path):
    example.create()
    dropping(example, SECOND, why="high \x1b[2Jbackground")
    example.process()
    table = tmp_path / "review.txt"
    with example.session() as session:
        run = evolve(session.run, verdicts=table)
        reports = tuple(r for r in read_reports(run) if r.block == STACK)
        with pytest.raises(CertificationError, match="1 product to review"):
            review(run, reports)
    assert re.search(
        rf"^#   without {SECOND}.ab, dropped by .*: high \?\[2Jbackground$",
        table.read_text("utf-8"),
        re.MULTILINE,
    )


def test_the_command_tells_what_follows_and_how_to_take_it_back(example, call):
    keep_products(example)
    example.process()
    done = call(*RUN, "--drop", SECOND, "-a", STACK, "--why", "dawn")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"{SECOND}.ab dropped from {STACK} (2 REDUCED left)"
    assert lines[1] == f"phoenix -r 094.A-0001A -P -a {STACK} processes 1 AB:"
    assert lines[2].startswith(f"  {STACK}: the input ")
    back = f"phoenix -r 094.A-0001A --undrop {SECOND}.ab -a {STACK}"
    assert lines[3] == f"to take it back: {back}"
    again = call(*RUN, "--drop", SECOND, "-a", STACK)
    assert again.stdout == f"{SECOND}.ab was dropped already\n"
    back = json.loads(call(*RUN, "--undrop", SECOND, "-a", STACK, "--json").stdout)
    assert (back["part"], back["ok"], back["due"]) == ("undrop", True, {})
    assert back["changes"][0]["files"] == [f"{SECOND}.ab"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--drop", SECOND), "name the AB with -a"),
        (("--drop", SECOND, "-a", STACK, "-P"), "go alone; call -P afterwards"),
        (("--drop", SECOND, "--undrop", SECOND, "-a", STACK), "one at a time"),
        (("--why", "x", "-a", STACK), "--why goes with --drop"),
        (
            ("--drop", SECOND, "-a", STACK, "--why", "x" * 4001),
            "--why has 4001 le",
        ),
        (
            ("--drop", SECOND, "-a", "/etc/passwd"),
            "-a is '/etc/passwd', expected",
        ),
        (
            ("-M", "-a", "../../etc/x\ny.ab"),
            "-a is '../../etc/x y.ab', exp",
        ),
    ],
)
def test_words_that_do_not_go_together_are_told(example, call, words, told):
    example.create()
    done = call(*RUN, *words)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert told in line
