"""Facts: what the files of a run tell, and what comes next."""

import json
import os

import pytest
from attrs import asdict, evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from phoenix_core.drops.drop import drop
from phoenix_core.monitors.facts import Facts, Failure, State, restored, state_of
from phoenix_core.monitors.options import Options
from phoenix_core.monitors.read_facts import facts_of, mark_of
from phoenix_core.run.move_products import move
from phoenix_core.run.process import process

MOVED = Facts("2094-01-01", "094.A-0001(A)", moved=9, finals=3, finals_moved=3)


def came(facts, **options):
    return state_of(facts, **{"is_ingested": True, **options})


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (Facts("d"), State.EXPECTED),
        (Facts("d", in_store=7, unfetched=7), State.TO_PROCESS),
        (Facts("d", created=7), State.TO_PROCESS),
        (Facts("d", created=7, failed=1), State.FAILED),
        (Facts("d", successful=7, waiting=("a.ab",)), State.TO_CERTIFY),
        (Facts("d", successful=7, rejected=("a.ab",)), State.REJECTED),
        (evolve(MOVED, unfetched=2), State.TO_PROCESS),
        (evolve(MOVED, problems=("damaged",)), State.DAMAGED),
        (MOVED, State.TO_CONVERT),
        (evolve(MOVED, is_converted=True), State.TO_INGEST),
        (evolve(MOVED, is_converted=True, ingested=2), State.TO_INGEST),
        (evolve(MOVED, is_converted=True, ingested=3, cleaned=2), State.TO_CLEAN),
        (evolve(MOVED, is_converted=True, ingested=3, cleaned=3), State.DONE),
    ],
)
def test_the_first_thing_that_is_to_be_done_comes_next(facts, state):
    assert came(facts) is state


def test_nothing_comes_after_the_move_where_nothing_is_converted():
    assert came(MOVED, is_ingested=False) is State.CERTIFIED


def test_the_log_of_the_conversion_is_only_looked_for_where_that_is_asked():
    assert came(MOVED, has_log=False) is State.TO_INGEST


@settings(max_examples=50, deadline=None)  # it fails by what is wrong, not by load
@given(
    st.builds(
        Facts,
        date=st.text(),
        run=st.text(),
        waiting=st.lists(st.text()).map(tuple),
        failures=st.lists(
            st.builds(Failure, st.text(), st.text(), st.text(), st.text(), st.text())
        ).map(tuple),
    )
)
def test_facts_that_were_kept_are_the_same_again(facts):
    assert restored(json.loads(json.dumps(asdict(facts)))) == facts


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {"date": 3},
        {"date": "d", "moved": "3"},
        {"date": "d", "moved": True},
        {"date": "d", "waiting": "abc"},
        {"date": "d", "waiting": [3]},
        {"date": "d", "failures": [{"ab": "x"}]},
        {"date": "d", "unknown": 1},
    ],
)
def test_a_document_of_another_kind_is_not_believed(document):
    with pytest.raises(TypeError):
        restored(document)


def test_a_processed_run_is_counted_from_its_files(processed):
    example = processed
    with example.session() as session:
        facts = facts_of(session.run, Options())
    assert (facts.abs, facts.successful, facts.moved) == (19, 19, 0)
    assert (facts.finals, len(facts.waiting), facts.waiting_red) == (3, 3, 1)
    assert (facts.green, facts.red, facts.virtual) == (2, 1, 0)
    assert facts.waiting_bytes == sum(
        p.size
        for n in example.root.glob("ab/*/*.ab")
        for p in example.block(n.name).products
        if not p.is_deleted
    )
    assert facts.waiting_since
    assert facts.problems == ()


def test_abs_that_take_what_is_not_made_are_virtual(example):
    example.create()
    with example.session() as session:
        facts = facts_of(session.run, Options())
    needy = [
        path.name
        for path in example.root.glob("ab/*/*.ab")
        if example.block(path.name).needs
    ]
    assert facts.virtual == len(needy) > 0


def test_a_dropped_exposure_waits_for_nobody_and_is_no_product(example):
    """Else a run of which one was dropped is never done."""
    stack, lost = (f"EXAMPLE.2014-10-22T21:{m}.ab" for m in ("00:00_stk", "10:00"))
    example.raw(lost.replace(".ab", ".npy")).write_text("no frame")
    assert example.process(select=stack).failures
    with example.session(select=stack) as session:
        run = session.run
        before = facts_of(run, Options())
        assert (before.failed, before.skipped, before.finals) == (1, 1, 1)
        drop(session, [lost], "no frame")
        assert not process(session).failures
        facts = facts_of(run, Options())
        assert facts.abs == before.abs
        assert (facts.dropped, facts.failed, facts.failures) == (1, 0, ())
        assert (facts.finals, facts.virtual, facts.waiting) == (1, 0, (stack,))
        move(run, session.pgis).raise_for_failed()
    facts = facts_of(run, Options())
    assert (facts.abs, facts.moved, facts.finals_moved) == (before.abs, before.abs, 1)
    assert facts.is_certified


def test_the_mark_changes_with_each_file_that_is_read(processed):
    example = processed
    with example.session() as session:
        run = session.run
    seen = {mark_of(run, Options())}
    ab = next(run.ab_dir.glob("*.ab"))
    report = next(example.root.rglob("*.qc.json"))
    verdicts, receipts = (
        run.monitor_dir / f"{n}.jsonl" for n in ("verdicts", "receipts")
    )
    conv = example.root / "reduced" / run.date / "conv" / "CONVERTED"
    conv.parent.mkdir(parents=True)
    for path in (ab, report, verdicts, receipts, conv):
        with path.open("a", encoding="utf-8") as file:
            file.write("\n")
        seen.add(mark_of(run, Options()))
    seen.add(mark_of(run, Options(SCI_CLASS="STACK")))
    assert len(seen) == 7
    assert mark_of(run, Options()) == mark_of(run, Options())


def test_a_cube_and_its_idp_that_are_one_file_take_its_size_once(moved):
    with moved.session() as session:
        run = session.run
    before = facts_of(run, Options()).reduced_bytes
    reduced = moved.root / "reduced" / run.date
    (reduced / "conv").mkdir()
    cube = next(path for path in reduced.iterdir() if path.is_file())
    os.link(cube, reduced / "conv" / "MU.fits")
    assert facts_of(run, Options()).reduced_bytes == before > 0


def test_receipts_of_the_archive_tell_what_is_ingested(moved):
    example = moved
    with example.session() as session:
        run = session.run
    names = [p.name for p in run.moved_path("x").parent.glob("*_stk.ab")]
    path = run.monitor_dir / "receipts.jsonl"
    conv = example.root / "reduced" / run.date / "conv"
    conv.mkdir(parents=True)
    (conv / "A.fits").write_bytes(b"")
    files = [{"stored": {"name": "A.fits"}}]
    row = {"block": names[0], "at": "2026-11-27T19:00:00+00:00", "files": files}
    path.write_text(f'{json.dumps(row)}\nnonsense\n{{"block": "cut sh', "utf-8")
    facts = facts_of(run, Options())
    assert (facts.finals_moved, facts.ingested, facts.cleaned) == (2, 1, 0)
    (conv / "A.fits").rename(conv / "A.hdr")
    assert facts_of(run, Options()).cleaned == 1
    assert facts.ingested_at == row["at"]
    assert facts.problems == (f"{path}, line 2: no receipt",)
