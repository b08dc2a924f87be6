"""The AB monitor: every AB of a run on a page whose links lead somewhere."""

import json
from pathlib import Path
from urllib.parse import unquote

import html5lib
import pytest
from attrs import evolve

from phoenix_core.ab.file import write_block
from phoenix_core.ab_monitor.page import AbMonitor, page_path
from phoenix_core.ab_monitor.rows import total_cell
from phoenix_core.ab_monitor.watch import MonitorWatch, watched
from phoenix_core.files.run_lock import holding
from phoenix_core.model import AbStatus, Outcome, QcReport, Score
from phoenix_core.processing.process_ab import LOCK
from phoenix_core.records.comments import keep_comment
from phoenix_core.run.pages import all_reports, write_run_pages
from phoenix_core.run.process import process

NIGHT = "EXAMPLE.2014-10-22T"
DARK, BETA = f"{NIGHT}18:00:00.ab", f"{NIGHT}21:00:00_stk.ab"
RUN, DATE = ("-r", "094.A-0001A"), "2094-01-01"
EVIL = "<script>alert(1)</script>'\"&\x1b[2J"


def parsed(path):
    """The page as a browser has it; nothing in it is wrong HTML."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    return parser.parse(path.read_text("utf-8"))


def lines(path):
    """The lines of the table: the texts of the cells by the AB's name."""
    found = {}
    for row in parsed(path).findall(".//tbody/tr"):
        cells = [" ".join("".join(cell.itertext()).split()) for cell in row]
        found[cells[0]] = cells
    return found


def links(path):
    """Every file that a page leads to or shows."""
    for node in parsed(path).iter():
        for key in ("href", "src"):
            if isinstance(node.tag, str) and node.get(key):
                yield path.parent / unquote(node.get(key))


@pytest.fixture
def page(example):
    with example.session() as session:
        return page_path(session.run)


def test_after_each_part_every_ab_is_there_and_every_link_leads_somewhere(
    example, call, page
):
    done = call(*RUN, "-C")
    assert done.returncode == 0, done.stderr
    assert {cells[3] for cells in lines(page).values()} == {"CREATED"}
    done = call(*RUN, "-P")
    assert f"AB monitor: {page}" in done.stdout
    assert len(lines(page)) == 19
    assert {cells[3] for cells in lines(page).values()} == {"SUCCESSFUL"}
    before = set(links(page))
    assert all(link.is_file() for link in before)
    assert {link.suffix for link in before} >= {".ab", ".log", ".sof", ".json", ".png"}
    done = call(*RUN, "-M")
    assert done.returncode == 0, done.stderr
    assert lines(page)[BETA][3] == "MOVED"
    after = set(links(page))
    assert all(link.is_file() for link in after)
    new = after - before - {page.with_name(f"history_{DATE}.html")}
    assert {link.parent.name for link in new} == {DATE}
    assert {link.suffix for link in new} == {".ab", ".log", ".json", ".png"}


def test_scores_are_marks_with_a_total(example, page):
    example.edit(example.config, "max_noise = 12.0", "max_noise = 0.001")
    example.process()
    (row,) = (
        r
        for r in parsed(page).findall(".//tbody/tr")
        if BETA in "".join(r[0].itertext())
    )
    total, marks = row[11], row[12]
    assert (total.text, total.get("class")) == ("1", "number bad")
    (mark,) = marks
    assert (mark.text, mark.get("class")) == ("1", "mark bad")
    assert "NOISE" in mark.get("title")
    assert "FAILED (at most 0.001)" in mark.get("title")


@pytest.mark.parametrize(
    ("scores", "total", "state"),
    [
        ((), "", ""),
        ((Score("SKY", None, is_scored=False),), "-", ""),
        ((Score("SKY", None, is_scored=False), Score("N", 1.0, 0.0)), "0", "good"),
        ((Score("SKY", None, is_scored=False), Score("N", None, 0.0)), "1", "bad"),
    ],
)
def test_the_total_is_not_good_where_nothing_is_scored(scores, total, state):
    cell = total_cell(QcReport("a.ab", scores=scores))
    assert (cell.text, cell.state) == (total, state)


def test_what_failed_says_why_and_what_the_log_warns_of_is_told(example, page):
    example.raw(f"{NIGHT}21:10:00.npy").write_text("no frame")
    example.process()
    failed = lines(page)[f"{NIGHT}21:10:00.ab"]
    assert failed[3] == "FAILED"
    assert "is no frame" in failed[-1]
    with example.session() as session:
        monitor = AbMonitor(session.run)
        monitor.write()
        log = (
            example.root / "product" / "DARK" / session.run.date / f"r.{DARK[:-3]}.log"
        )
        with log.open("a") as file:
            for chip in range(30):
                file.write(f"18:00:00 [WARNING] dark: [tid=000] chip {chip} <b>dead\n")
        monitor.write()
    assert lines(page)[DARK][-1] == "WARNING chip 0 <b>dead (30 times)"


def test_comments_verdicts_and_running_abs_are_shown(example, page):
    example.process()
    with example.session() as session:
        keep_comment(session.run, BETA, "two\nlines <i>")
        with holding(session.run.work_dir(DARK) / LOCK, DARK):
            AbMonitor(session.run).write()
    assert lines(page)[DARK][3] == "RUNNING"
    assert lines(page)[BETA][-2] == "two lines <i>"


def test_nothing_that_stands_in_an_ab_is_obeyed(example, page):
    example.create()
    with example.session() as session:
        AbMonitor(session.run).write()
    tags = sorted(str(node.tag) for node in parsed(page).iter())
    evil = {"TARGET": EVIL, "RAW_MATCH_KEY": [EVIL], "PROCESS_START": EVIL}
    for name in (DARK, BETA):
        block = example.block(name).updated({**evil, "RECIPE": EVIL})
        write_block(example.ab(name), block)
    with example.session() as session:
        AbMonitor(session.run).write()
    assert sorted(str(node.tag) for node in parsed(page).iter()) == tags
    assert "alert(1)" in lines(page)[DARK][2]
    assert "\x1b" not in page.read_text("utf-8")


def test_the_set_of_frames_is_as_in_the_ab_and_written_once(example):
    example.process()
    with example.session() as session:
        (one,) = (o for o in AbMonitor(session.run).read() if o.state.name == BETA)
        first = one.papers.sof.stat().st_ino
        AbMonitor(session.run).write()
    expected = [f"{entry.file} {entry.tag}" for entry in example.block(BETA).sof]
    assert one.papers.sof.read_text().splitlines() == expected
    assert one.papers.sof.stat().st_ino == first


def test_get_status_ab_writes_the_page_the_history_and_a_document(example, call, page):
    call(*RUN, "-P")
    page.unlink()
    assert call(*RUN, program="getStatusAB").stdout == f"{page}\n"
    assert len(lines(page)) == 19
    history = page.with_name(page.name.replace("status", "history"))
    assert call(*RUN, "-H", program="getStatusAB").stdout == f"{history}\n"
    assert lines(history) == {}
    call(*RUN, "-M")
    moved = {name for name, cells in lines(page).items() if cells[3] == "MOVED"}
    assert BETA in moved
    assert lines(history).keys() == moved
    told = json.loads(call(*RUN, "-H", "--json", program="getStatusAB").stdout)
    beta = {ab["name"]: ab for ab in told["abs"]}[BETA]
    assert (beta["status"], beta["total_score"], beta["raw_type"]) == (
        "MOVED",
        0,
        "STACK",
    )
    assert [score["colour"] for score in beta["scores"]] == ["green"]
    assert all(Path(plot).is_file() for plot in beta["papers"]["plots"])
    unknown = call("-r", "095.A-0001A", program="getStatusAB")
    assert unknown.returncode == 2
    assert "has not seen run" in unknown.stderr


def test_a_monitor_that_cannot_be_written_stops_nothing_and_is_told(example, page):
    page.mkdir(parents=True)
    facts = []
    with example.session() as session:
        told = evolve(session, events=evolve(session.events, show=facts.append))
        done = process(told)
    assert not done.failures
    assert done.monitor is None
    assert any("the AB monitor could not be written" in fact for fact in facts)
    page.rmdir()
    assert example.process().monitor == page


def test_while_jobs_run_the_page_is_not_written_for_each_of_them(example, page):
    example.create()
    with example.session() as session:
        watch = watched(session)
        assert isinstance(watch, MonitorWatch)
        watch.planned("processAB", ())
        assert not page.exists(), "what is over in a moment has its page afterwards"
        watch.due = 0.0
        watch.started(DARK)
        first = page.stat().st_ino
        for _ in range(50):
            watch.started(DARK)
            watch.ended(Outcome(DARK, AbStatus.SUCCESSFUL))
        watch.finished()
    assert page.stat().st_ino == first


def test_the_cover_sheet_gets_all_reports_those_that_moved_as_well(example, call):
    call(*RUN, "-P")
    with example.session() as session:
        before = all_reports(session.run)
    call(*RUN, "-M", "-a", BETA)
    with example.session() as session:
        after = all_reports(session.run)
        pages = write_run_pages(session.run, session.pgis, session.events)
    assert [r.block for r in after] == [r.block for r in before]
    assert all(plot.is_file() for report in after for plot in report.plots)
    assert pages.cover.read_text().count("_stk.ab") == len(after)
