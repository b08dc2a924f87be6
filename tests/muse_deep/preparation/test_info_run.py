"""The pages of runs: what they show, and that they are written only when due."""

import re
import shutil
from urllib.parse import unquote

import html5lib
import pytest
import sqlalchemy as sa
from attrs import evolve

from muse_deep_plugin.preparation import lists_of_runs
from muse_deep_plugin.preparation.info_run import info_run
from muse_deep_plugin.preparation.offer_targets import update_target_list
from muse_deep_plugin.preparation.run_tables import read_run_data
from muse_deep_plugin.preparation.target_list import read_target_list
from muse_deep_plugin.qc1_tables import COMBINED, DEEP, SINGLE
from phoenix_core.config import read_config
from phoenix_core.errors import ConfigError
from phoenix_core.qc1.database import open_qc1
from phoenix_core.qc1.discovery import declared_tables
from phoenix_core.qc1.observatory import SCHED_REP
from phoenix_core.qc1.schema import as_sql
from phoenix_core.records.ledger import open_ledger
from phoenix_core.run_id import parse_run_id

RUN, MASTER, SLAVE = "094.D-0114(B)", "094.A-0116(B)", "095.A-0118(A)"
LARGEST = 500_000  # bytes
OF_A_RUN = [
    "RUN_ID",
    "run_status",
    "SM_VM",
    "N_dcubes",
    "complete?",
    "N_targets",
    "COMBINE?",
    "STATUS",
    "TYPE",
    "M,S",
    "COMMENT",
]
OF_A_DATACUBE = [
    "civil_date",
    "run_ID",
    "pipefile",
    "texptime",
    "PATTERN",
    "data_type",
    "target",
    "FOV",
    "ob_id",
    "ob_name",
    "AMBI_REQ",
    "SKY_RES",
    "SGS_X_MED",
    "RMS",
    "GRD",
    "COMM",
    "QC_PLOT",
]


@pytest.fixture
def pages(history):
    """A function that brings all up to date, and one that reads a table of a page."""
    return Pages(history)


class Pages:
    """The pages of a site, as a person calls for them and reads them."""

    def __init__(self, history):
        self.history = history

    def update(self, run=""):
        return info_run(self.history.config, run)

    def document(self, name):
        """A page as a tree; what is not valid HTML is an error."""
        content = (self.history.folder / name).read_bytes()
        return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(
            content, transport_encoding="utf-8"
        )

    def rows(self, name):
        """The lines of the table of a page: cells by heading."""
        table = self.document(name).find(".//table")
        heads = ["".join(th.itertext()) for th in table.findall("./thead/tr/th")]
        return [
            {
                head: "".join(cell.itertext())
                for head, cell in zip(heads, row.findall("td"), strict=True)
            }
            for row in table.findall("./tbody/tr")
        ]

    def cell(self, name, line, head):
        """One cell of a page, as an element."""
        table = self.document(name).find(".//table")
        heads = ["".join(th.itertext()) for th in table.findall("./thead/tr/th")]
        return table.findall("./tbody/tr")[line].findall("td")[heads.index(head)]

    def links(self, name):
        """The links of a page: where they lead, by their text."""
        return {
            "".join(a.itertext()): a.get("href") for a in self.document(name).iter("a")
        }

    def names(self):
        return {path.name for path in self.history.folder.glob("*.html")}

    def change(self, pipefile, **values):
        table = as_sql(COMBINED, sa.MetaData())
        with self.history.connect() as connection:
            connection.execute(
                sa.update(table).where(table.c.pipefile == pipefile).values(values)
            )


def test_each_run_has_a_line_on_the_overview_and_on_the_page_of_its_period(pages):
    pages.update()
    overview = pages.rows("overview.html")
    assert [row["RUN_ID"] for row in overview] == [
        "110.23XX.001",
        "096.A-0120(A)",
        SLAVE,
        "095.B-0934(A)",
        MASTER,
        RUN,
    ]
    of_period = [row["RUN_ID"] for row in pages.rows("period_094.html")]
    assert of_period == [MASTER, RUN]
    links = pages.links("overview.html")
    assert links[RUN] == "094.D-0114B.html"
    assert links["P94"] == "period_094.html"
    assert list(pages.rows("period_094.html")[0]) == OF_A_RUN


def test_the_page_of_a_run_has_every_datacube_with_every_column(pages):
    pages.update()
    rows = pages.rows("094.D-0114B.html")
    assert len(rows) == 11
    assert list(rows[0]) == OF_A_DATACUBE
    assert rows[0]["pipefile"] == "r.MUSE.2014-10-22T23:57:32.123_tpl.fits"
    assert [row["pipefile"][7:] for row in rows] == sorted(
        row["pipefile"][7:] for row in rows
    )
    aborted = next(row for row in rows if row["COMM"] == "seeing at the limit")
    assert aborted["texptime"] == "1260"


def test_grades_and_resolution_have_their_colours(pages):
    pages.update()
    name = "094.D-0114B.html"
    shown = {
        (row["GRD"], row["SKY_RES"]): (
            pages.cell(name, line, "GRD").get("class"),
            pages.cell(name, line, "SKY_RES").get("class"),
        )
        for line, row in enumerate(pages.rows(name))
    }
    assert shown["A", "0.60"] == ("good", "number good")
    assert shown["B", "0.90"] == ("good", "number bad")
    assert shown["C", "0.60"] == ("bad", "number good")


def test_sky_is_told_apart_and_left_out_on_a_page_of_objects(pages):
    pages.update()
    tree = pages.document("094.D-0114B.html")
    kinds = [row.get("class") for row in tree.findall(".//tbody/tr")]
    assert kinds.count("sky") == 2
    assert pages.links("094.D-0114B.html")["objects only"] == "094.D-0114B_objects.html"
    objects = pages.rows("094.D-0114B_objects.html")
    assert len(objects) == 9
    assert {row["data_type"] for row in objects}.isdisjoint({"DATACUBE_SKY"})
    assert "095.B-0934A_objects.html" not in pages.names()


def test_what_the_observatory_knows_stands_above_and_is_text(pages):
    pages.update()
    tree = pages.document("095.B-0934A.html")
    text = "".join(tree.itertext())
    assert "Starbursts <z>" in text
    assert "We want Starbursts <z>; and <b>more</b> & more." in text
    assert "Moe" in text
    assert not list(tree.iter("b"))
    assert pages.links("095.B-0934A.html")["target search"] == "target_search.html"


def test_previews_are_shown_where_their_files_are(pages):
    plots = pages.history.config.directories.plots / "2014-10-22"
    plots.mkdir(parents=True)
    (plots / "1090003_fov.png").write_bytes(b"picture")
    (plots / "1090003.png").write_bytes(b"picture")
    pages.update()
    name = "094.D-0114B.html"
    cell = pages.cell(name, 0, "FOV")
    target = "../../../plots/2014-10-22/1090003_fov.png"
    assert cell.find("a").get("href") == cell.find("a/img").get("src") == target
    assert cell.find("a/img").get("alt") == "field of HDFS, 2014-10-22"
    assert pages.cell(name, 0, "QC_PLOT").find("a").get("href").endswith("1090003.png")
    assert pages.cell(name, 1, "FOV").find("a") is None


def test_a_preview_that_appears_later_is_shown_from_then_on(pages):
    pages.update()
    plots = pages.history.config.directories.plots / "2014-10-22"
    plots.mkdir(parents=True)
    (plots / "1090003_fov.png").write_bytes(b"picture")
    assert pages.update().pages.written == [
        "094.D-0114B_objects.html",
        "094.D-0114B.html",
    ]


def test_without_a_decision_there_is_no_target_page(pages):
    done = pages.update()
    assert done.lists == ()
    assert not [name for name in pages.names() if "_targets" in name]
    assert not list(pages.history.folder.glob("09*.txt"))


def test_a_run_to_combine_has_a_target_page_and_its_text(pages):
    pages.history.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n")
    done = pages.update()
    assert [path.name for path in done.lists] == ["094.D-0114B.txt"]
    links = pages.links("094.D-0114B.html")
    assert (links["target"], links["txt"]) == (
        "094.D-0114B_targets.html",
        "094.D-0114B.txt",
    )
    name = "094.D-0114B_targets.html"
    assert pages.links(name)["sortable"] == "094.D-0114B.html"
    bodies = pages.document(name).findall(".//tbody")
    assert [len(body.findall("tr")) for body in bodies] == [4, 2]
    targets = [row["target"] for row in pages.rows(name)]
    assert targets == ["Abell 370"] * 4 + ["NGC300"] * 2


def test_a_hand_edit_of_the_text_is_taken_over_and_stays(pages):
    pages.history.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n")
    path = pages.update().lists[0]
    text = path.read_text("utf-8")
    lines = text.splitlines(keepends=True)
    drop = next(i for i, line in enumerate(lines) if "T01:45:20.702_pst" in line)
    lines[drop] = "#" + lines[drop]
    edited = "".join(lines)
    for night in ("2014-11-20", "2014-11-21"):
        edited = re.sub(
            rf'(r\.MUSE\.{night}\S+_tpl\S+ +)"Abell 370"', r"\1A_P2", edited
        )
    path.write_text(edited, "utf-8")
    done = pages.update()
    assert path.read_text("utf-8") == edited
    rows = pages.rows("094.D-0114B_targets.html")
    assert [row["target"] for row in rows] == (
        ["A_P2"] * 2 + ["Abell 370"] * 2 + ["NGC300"] * 2
    )
    assert [row["exposures"] for row in rows][-2:] == ["2 of 2", "2 of 3"]
    assert "094.D-0114B_targets.html" in done.pages.written
    selected = read_target_list(path).selected()
    assert {name: len(found) for name, found in selected.items()} == {
        "A_P2": 4,
        "Abell 370": 4,
        "NGC300": 4,
    }


def test_a_mistake_in_a_text_is_told_by_line_and_stops_nothing_else(pages):
    pages.history.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n{MASTER} 94 multi YES\n")
    path = pages.update().lists[-1]
    text = path.read_text("utf-8").replace("DATACUBE_COMBINED", "DATACUBE_COMBINDE", 1)
    path.write_text(text, "utf-8")
    done = pages.update()
    assert len(done.mistakes) == 1
    assert re.search(rf"{path}, line \d+: DATA_TYPE is", done.mistakes[0])
    assert path.read_text("utf-8") == text
    assert f"{path}, line" in "".join(pages.document("094.D-0114B.html").itertext())
    assert "094.A-0116B_targets.html" in pages.names()


def test_a_list_that_cannot_be_read_or_written_stops_no_other(pages):
    pages.history.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n{MASTER} 94 multi YES\n")
    (pages.history.folder / "094.D-0114B.txt").mkdir()
    done = pages.update()
    (mistake,) = done.mistakes
    assert mistake.startswith(f"{pages.history.folder / '094.D-0114B.txt'}: ")
    assert "094.A-0116B_targets.html" in pages.names()


def test_an_edit_that_is_saved_during_a_call_is_taken_over_by_the_next(
    pages, monkeypatch
):
    pages.history.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n")
    path = pages.update().lists[0]
    add = "# touched, so that it is read again\n"
    path.write_text(path.read_text("utf-8") + add, "utf-8")

    def read_and_then_save(*words):
        found = update_target_list(*words)
        text = path.read_text("utf-8")
        path.write_text(re.sub(r"(?m)^ (.*NGC300)", r"#\1", text), "utf-8")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(lists_of_runs, "update_target_list", read_and_then_save)
        pages.update()
    pages.update()
    targets = {row["target"] for row in pages.rows("094.D-0114B_targets.html")}
    assert "NGC300" not in targets


def test_a_link_that_leads_nowhere_is_told(pages):
    pages.history.folder.mkdir(parents=True, exist_ok=True)
    (pages.history.folder / "RUN_TYPE.txt").symlink_to("/nonexistent/RUN_TYPE.txt")
    with pytest.raises(ConfigError, match=r"RUN_TYPE\.txt: No such file"):
        pages.update()


def test_master_and_slave_have_one_target_page(pages):
    pages.history.write(
        "RUN_TYPE.txt", f"{MASTER} 94 multi YES\n{SLAVE} 95 multi YES\n"
    )
    pages.history.write("RUN_MULTI.txt", f"{MASTER} M\n{SLAVE} S {MASTER}\n")
    pages.update()
    rows = pages.rows("094.A-0116B_targets.html")
    together = [row["run_ID"] for row in rows if row["target"] == "UDF-10"]
    assert together == [MASTER, SLAVE]
    alone = [row["exposures"] for row in rows if row["target"] == "Q0302"]
    assert alone == ["1", "1"]
    links = pages.links("095.A-0118A.html")
    assert links["target (of the MASTER)"] == "094.A-0116B_targets.html"
    assert links[f"{MASTER} (M, 3 datacubes)"] == "094.A-0116B.html"
    assert "095.A-0118A_targets.html" not in pages.names()
    status = {row["RUN_ID"]: row["STATUS"] for row in pages.rows("overview.html")}
    assert status[MASTER] == status[SLAVE] == "open, 0 of 2"


def test_a_run_is_done_when_all_its_deep_datacubes_are_there(pages):
    pages.history.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n")
    pages.update()
    for count, target in enumerate(("Abell 370", "NGC300"), start=1):
        row = {"pipefile": f"r.MUSE.x{count}_dpc.fits", "run_id": RUN, "target": target}
        pages.history.add(DEEP, [row])
        pages.update()
        data = read_run_data(pages.history.folder)[RUN]
        assert data.status.value == ("open" if count == 1 else "done")


def test_nothing_is_written_again_when_nothing_has_changed(pages):
    pages.history.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n")
    first = pages.update()
    assert first.pages.kept == []
    before = {p: p.stat().st_mtime_ns for p in pages.history.folder.glob("*.html")}
    second = pages.update()
    assert second.pages.written == []
    assert sorted(second.pages.kept) == sorted(first.pages.written)
    assert before == {p: p.stat().st_mtime_ns for p in before}


def test_a_new_datacube_touches_the_pages_that_show_it(pages, visit):
    pages.update()
    new = visit(RUN, "NGC300", 1090010, "2014-12-01T01:00:00.5", 13.7229, -37.6844)
    pages.history.observe(new)
    assert sorted(pages.update().pages.written) == [
        "094.D-0114B.html",
        "094.D-0114B_objects.html",
        "overview.html",
        "period_094.html",
    ]


def test_a_comment_that_changes_in_the_database_touches_its_run_alone(pages):
    pages.update()
    pages.change("r.MUSE.2015-06-17T04:45:00.875_tpl.fits", comm="checked again")
    assert pages.update().pages.written == ["095.B-0934A.html"]


def test_a_page_that_was_deleted_or_damaged_comes_back(pages):
    pages.update()
    (pages.history.folder / "period_095.html").unlink()
    (pages.history.folder / "095.B-0934A.html").write_text("<html>", "utf-8")
    written = pages.update().pages.written
    assert written == ["095.B-0934A.html", "period_095.html"]


def test_a_page_that_is_not_made_any_more_goes_and_no_other_file(pages):
    pages.history.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n")
    path = pages.update().lists[0]
    mine = pages.history.write("notes.html", "<html> of my own")
    copy = pages.history.write("094.D-0114B_old.html", "<html> of my own")
    pages.history.write("RUN_TYPE.txt", f"{RUN} 94 deep TBD\n")
    assert pages.update().pages.removed == ["094.D-0114B_targets.html"]
    assert path.exists()
    assert mine.exists()
    assert copy.exists()


def test_pages_that_a_person_saved_beside_ours_stay(pages):
    pages.update()
    folder = pages.history.folder
    for ours, names in {
        "overview.html": ("overview_2026-11-27_before_meeting", "overview_1"),
        "period_094.html": ("period_094 my notes", "period_94", "period_094_02"),
        "094.D-0114B.html": ("094.D-0114B_1", "094.D-0114B old", "094.D-0114(B)"),
    }.items():
        for name in names:
            shutil.copy(folder / ours, folder / f"{name}.html")
        shutil.copy(folder / ours, folder / ours.replace(".html", "_2.html"))
    (folder / "period_093.html").write_text("<html>a person's")
    there = pages.names()
    removed = pages.update().pages.removed
    assert removed == ["094.D-0114B_2.html", "overview_2.html", "period_094_2.html"]
    assert pages.names() == there - set(removed)


def test_one_run_brings_its_own_pages_up_to_date(pages, visit):
    done = pages.update("094.D-0114B")
    assert set(done.pages.written) >= {"094.D-0114B.html", "overview.html"}
    assert not {"095.B-0934A.html", "094.A-0116B.html"} & pages.names()
    assert done.page.name == "094.D-0114B.html"
    assert (done.runs, len(pages.rows("overview.html"))) == (1, 6)


def test_a_run_without_datacubes_is_told_with_the_nearest(pages):
    with pytest.raises(ConfigError, match=r"no datacubes of 094\.D-0114\(C\); did you"):
        pages.update("094.D-0114(C)")


def test_mistakes_of_the_tables_of_runs_are_told_all_at_once(pages):
    pages.history.write(
        "RUN_TYPE.txt", f"{RUN} 94 deep PERHAPS\n{MASTER} 94 deep YES\n"
    )
    pages.history.write("RUN_MULTI.txt", f"{SLAVE} X\n")
    done = pages.update()
    assert [re.search(r"RUN_\w+\.txt, line \d", line)[0] for line in done.mistakes] == [
        "RUN_TYPE.txt, line 1",
        "RUN_MULTI.txt, line 1",
    ]
    assert "094.A-0116B_targets.html" in pages.names()
    text = "".join(pages.document("overview.html").itertext())
    assert all(line in text for line in done.mistakes)
    shown = {row["RUN_ID"]: row["COMBINE?"] for row in pages.rows("overview.html")}
    assert shown[RUN] == "RUN_TYPE.txt, line 1 is wrong"
    assert shown[SLAVE] == "RUN_MULTI.txt, line 1 is wrong"


@pytest.mark.parametrize(
    "text",
    [
        f"{RUN} 94 deep YSE\n",
        f"{RUN} 94 deep YES\n{RUN} 94 deep NO\n",
        "094.D-0114(B 94 deep YES\n",
    ],
)
def test_a_run_keeps_its_pages_while_its_line_is_wrong(pages, text):
    pages.history.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n")
    pages.update()
    name = "094.D-0114B_targets.html"
    before = (pages.history.folder / name).read_bytes()
    pages.history.write("RUN_TYPE.txt", text)
    done = pages.update()
    assert len(done.mistakes) == 1
    assert (pages.history.folder / name).read_bytes() == before
    pages.history.write("RUN_TYPE.txt", f"{RUN} 94 deep NO\n")
    assert name in pages.update().pages.removed


def test_a_run_whose_line_is_wrong_has_a_page_all_the_same(pages):
    pages.history.write("RUN_TYPE.txt", f"{RUN} 94 deep YSE\n")
    done = pages.update(RUN)
    assert "094.D-0114B.html" in done.pages.written
    assert len(pages.rows("094.D-0114B.html")) == 11


def test_a_datacube_that_the_database_does_not_know_is_refused_by_line(pages):
    pages.history.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n")
    path = pages.update().lists[0]
    text = path.read_text("utf-8")
    for right, wrong in (
        ("2014-10-24T01:30:10.456_pst", "2014-10-24T01:30:10.465_pst"),
        ("2014-10-24T01:30:10.456_tpl", "2014-10-24T01:30:10.446_tpl"),
        ("2014-10-24T01:30:10.456_pst", "2014-10-24T01:30:10.456_pts"),
    ):
        path.write_text(text.replace(f"r.MUSE.{right}", f"r.MUSE.{wrong}"), "utf-8")
        edited = path.read_text("utf-8")
        number = edited[: edited.index(wrong)].count("\n") + 1
        done = pages.update()
        (told,) = done.mistakes
        assert told == (
            f"{path}, line {number}: PIPEFILE is 'r.MUSE.{wrong}.fits'; no such "
            f"datacube in the database; did you mean 'r.MUSE.{right}.fits'?"
        )
        assert path.read_text("utf-8") == edited


def test_a_row_that_was_deleted_is_told_where_its_line_is_not_selected(pages):
    pages.history.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n")
    path = pages.update().lists[0]
    gone = "r.MUSE.2014-11-22T03:00:00.001_pst.fits"  # Lonely, commented out
    with pages.history.connect() as connection:
        for declared in (COMBINED, SINGLE):
            table = as_sql(declared, sa.MetaData())
            connection.execute(sa.delete(table).where(table.c.pipefile == gone))
    done = pages.update()
    assert done.mistakes == ()
    assert len(done.remarks) == 1
    assert f"'{gone}'; no such datacube in the database" in done.remarks[0]
    assert done.remarks[0].startswith(f"{path}, line ")


def test_a_list_with_a_mistake_keeps_its_page_with_a_note(pages):
    pages.history.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n")
    path = pages.update().lists[0]
    name = "094.D-0114B_targets.html"
    before = pages.rows(name)
    text = path.read_text("utf-8")
    path.write_text(text.replace("DATACUBE_COMBINED", "DATACUBE_COMBINDE", 1), "utf-8")
    done = pages.update()
    assert name not in done.pages.removed
    assert pages.rows(name) == before
    shown = "".join(pages.document(name).itertext())
    assert "the target list has mistakes; what it said before is shown" in shown
    assert done.mistakes[0] in shown
    status = {row["RUN_ID"]: row["STATUS"] for row in pages.rows("overview.html")}
    assert status[RUN] == "the target list has mistakes; open, 0 of 2"
    path.write_text(text, "utf-8")
    pages.update()
    assert "mistakes" not in "".join(pages.document(name).itertext())


def test_new_datacubes_are_announced_until_they_are_taken(pages, visit):
    pages.history.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n")
    path = pages.update().lists[0]
    new = visit(RUN, "NGC300", 1090010, "2014-12-01T01:00:00.5", 13.7229, -37.6844)
    pages.history.observe(new)
    for _ in range(2):
        done = pages.update()
        assert done.offered == {RUN: 1}
        assert done.remarks == ("1 new datacube offered in 094.D-0114B.txt",)
    text = "".join(pages.document("094.D-0114B.html").itertext())
    assert "1 new datacube offered in 094.D-0114B.txt" in text
    status = {row["RUN_ID"]: row["STATUS"] for row in pages.rows("overview.html")}
    assert status[RUN] == "open, 0 of 2; 1 new datacube offered"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(li for li in lines if "# new on" not in li), "utf-8")
    assert pages.update().offered == {}


def test_lines_that_only_together_make_a_target_are_all_named(pages):
    pages.history.write("RUN_TYPE.txt", f"{MASTER} 94 multi YES\n")
    path = pages.update().lists[0]
    pages.history.write("RUN_MULTI.txt", f"{MASTER} M\n{SLAVE} S {MASTER}\n")
    (told,) = [one for one in pages.update().remarks if "UDF-10" in one]
    named = re.search(r"select lines ([\d, -]+) to combine them", told)[1]
    lines = path.read_text("utf-8").split("\n")
    for part in named.split(", "):
        first, _, last = part.partition("-")
        for number in range(int(first), int(last or first) + 1):
            lines[number - 1] = lines[number - 1].replace("#", " ", 1)
    path.write_text("\n".join(lines), "utf-8")
    done = pages.update()
    assert done.mistakes == ()
    assert not [one for one in done.remarks if "UDF-10" in one]
    assert len(read_target_list(path).selected()["UDF-10"]) == 4


def test_help_in_the_decision_stands_on_pages(pages):
    pages.update()
    text = "".join(pages.document("094.D-0114B.html").itertext())
    assert "HDF-S: the pointing of HDFS (0.2 arcsec); one name for both?" in text
    pages.history.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n")
    pages.update()
    text = "".join(pages.document("094.D-0114B_targets.html").itertext())
    assert "NGC300: 2 datacubes, 2460 s" in text
    assert "proposal: drop, 60 s of 600 s" in text


def test_targets_that_other_runs_have_too_are_told(pages):
    pages.update()
    text = "".join(pages.document("096.A-0120A.html").itertext())
    assert f"also in {SLAVE} (MACS0416); RUN_MULTI.txt does not link them" in text
    pages.history.write("RUN_MULTI.txt", f"096.A-0120(A) S {SLAVE}\n{SLAVE} M\n")
    pages.update()
    assert "also in" not in "".join(pages.document("096.A-0120A.html").itertext())


def test_a_slave_that_is_decided_on_by_itself_is_pointed_out(pages):
    pages.history.write("RUN_TYPE.txt", f"{SLAVE} 95 multi YES\n")
    pages.update()
    pages.history.write("RUN_MULTI.txt", f"{MASTER} M\n{SLAVE} S {MASTER}\n")
    (told,) = pages.update().warnings
    assert f"COMBINE is YES, of its MASTER {MASTER} TBD" in told
    assert "095.A-0118A.txt is not used" in told
    assert told in "".join(pages.document("095.A-0118A.html").itertext())


def test_a_run_that_the_database_does_not_know_is_told_on_the_overview(pages):
    pages.history.write("RUN_TYPE.txt", "094.D-0115(B) 94 deep YES\n")
    (told,) = pages.update().warnings
    assert "RUN_TYPE.txt, line 1: there is no run 094.D-0115(B)" in told
    assert told in "".join(pages.document("overview.html").itertext())


def test_deep_datacubes_that_were_moved_on_this_site_count(pages):
    pages.history.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n")
    config = pages.history.config
    with open_ledger(config.database) as ledger:
        folder = config.directories.logs / ledger.date_of(parse_run_id(RUN))
    folder.mkdir(parents=True)
    for count, (target, status, expected) in enumerate(
        (
            ("NGC300", "SUCCESSFUL", "open, 1 of 2"),
            ("Abell_370", "FAILED", "open, 1 of 2"),
            ("Abell_370", "SUCCESSFUL", "done"),
        )
    ):
        name = f"MUSE.2014-10-2{count}T01:00:00.000_dpc.ab"
        text = f"AB_NAME {name}\nPROCESS_STATUS {status}\nTARGET {target}\n"
        (folder / name).write_text(text, "utf-8")
        pages.update()
        rows = {row["RUN_ID"]: row["STATUS"] for row in pages.rows("overview.html")}
        assert rows[RUN] == expected


def test_runs_of_the_database_that_are_none_are_on_no_page(pages):
    for name in ("../../evil", "<script>alert(1)</script>", "094.D-0114B"):
        row = {"pipefile": f"r.MUSE.{len(name)}_pst.fits", "run_id": name}
        pages.history.add(COMBINED, [row])
    done = pages.update()
    assert len(done.warnings) == 3
    assert len(pages.rows("overview.html")) == 6


HOSTILE = "<script>alert('x')</script>\" onload=\"y\u202e\x00\x1b[31m"


def test_nothing_from_the_database_is_obeyed_by_a_browser(pages):
    texts = ("civil_date", "target", "ob_name", "data_type", "pattern", "grd", "comm")
    values = dict.fromkeys((*texts, "qc_plot", "fov_plot"), HOSTILE.replace("\0", ""))
    pages.history.add(COMBINED, [{"pipefile": HOSTILE[:9], "run_id": RUN, **values}])
    facts = dict.fromkeys(
        ("obs_mode", "status", "prog_type", "pi_coi", "title", "abstract", "remarks"),
        HOSTILE.replace("\0", ""),
    )
    pages.history.add(SCHED_REP, [{"run_id": RUN, "period": 99, **facts}])
    pages.history.write(
        "RUN_TYPE.txt", f"{RUN} 94 <b>x</b> YES <i>{HOSTILE[:27]}</i>\n"
    )
    pages.update()
    for name in pages.names():
        tree = pages.document(name)
        scripts = [script.get("src") for script in tree.iter("script")]
        assert scripts == ["table.js"]
        assert not [node for node in tree.iter() if node.get("onload")]
        assert not {"b", "i"} & {node.tag for node in tree.iter()}


def test_every_link_of_every_page_leads_to_a_file(pages):
    pages.history.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n{MASTER} 94 multi YES\n")
    pages.history.write("RUN_MULTI.txt", f"{MASTER} M\n{SLAVE} S {MASTER}\n")
    pages.update()
    for name in pages.names():
        for target in pages.links(name).values():
            path = pages.history.folder / unquote(target)
            assert path.exists(), target


def test_a_run_of_very_many_datacubes_has_pages_of_moderate_size(pages, visit):
    many = [
        visit(
            RUN,
            f"Survey field {count}",
            2000000 + count,
            f"2015-{1 + count // 700:02d}-{1 + count // 25 % 28:02d}T{count % 24:02d}:"
            f"{count % 60:02d}:00.{count // 700:03d}",
            10.0 + count / 100,
            -30.0,
            pattern="O",
            comment="a comment of some length, as observers write them " * 3,
        )
        for count in range(1400)
    ]
    pages.history.observe(*many)
    pages.history.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n")
    pages.update()
    names = sorted(
        n for n in pages.names() if re.match(r"094\.D-0114B(_\d+)?\.html", n)
    )
    assert len(names) > 1
    assert sum(len(pages.rows(name)) for name in names) == 1411
    for path in pages.history.folder.glob("*.html"):
        assert path.stat().st_size < LARGEST
    assert pages.links(names[0])["2"] == names[1]


def test_files_are_exchanged_with_the_other_site(pages, tmp_path):
    site = tmp_path / "other"
    site.mkdir()
    with pages.history.config_path.open("a", encoding="utf-8") as file:
        file.write(f'[phoenix_getInfoRun]\nother_site = "{site}"\n')
    config = read_config(pages.history.config_path)
    text = f"{RUN} 94 deep TBD\n"
    pages.history.write("RUN_TYPE.txt", text)
    (site / "DEEP_MODE.txt").write_text(f"{RUN} open 1 2026-02-03\n", "utf-8")
    done = info_run(config, "")
    assert done.warnings == ()
    assert (site / "RUN_TYPE.txt").read_text("utf-8") == text
    status = {row["RUN_ID"]: row["STATUS"] for row in pages.rows("overview.html")}
    assert status[RUN] == "open (open 2026-02-03)"
    (site / "DEEP_MODE.txt").write_text("nonsense\n", "utf-8")
    done = info_run(config, "")
    assert len(done.warnings) == 1
    assert "DEEP_MODE.txt, line 1" in done.warnings[0]


@pytest.mark.parametrize(
    "damage",
    ["", "{", "[]", '{"094.D-0114(B)": []}', '{"094.D-0114(B)": ["x", "y", 3, 4, 5]}'],
)
def test_what_is_remembered_of_lists_may_be_lost_or_damaged(pages, damage):
    pages.history.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n")
    pages.update()
    pages.history.write(".target_lists.json", damage)
    done = pages.update()
    assert (done.pages.written, done.mistakes) == ([], ())
    status = {row["RUN_ID"]: row["STATUS"] for row in pages.rows("overview.html")}
    assert status[RUN] == "open, 0 of 2"


def shown_by(page):
    """What is in a page, without what tells whether the database has changed."""
    return re.sub(rb'data-fingerprint="[^"]*"', b"", page.read_bytes())


def test_what_is_new_is_offered_in_the_text_and_selects_nothing(pages, visit):
    pages.history.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n")
    path = pages.update().lists[0]
    before, selected = path.read_text("utf-8"), read_target_list(path).selected()
    new = visit(RUN, "NGC300", 1090010, "2014-12-01T01:00:00.5", 13.7229, -37.6844)
    pages.history.observe(new)
    pages.update()
    after = path.read_text("utf-8")
    assert after.startswith(before)
    assert "# new on" in after[len(before) :]
    assert "r.MUSE.2014-12-01T01:00:00.500_tpl.fits" in after[len(before) :]
    assert read_target_list(path).selected() == selected
    path.write_text(before, "utf-8")  # an editor that was open saves
    pages.update()
    assert "# new on" in path.read_text("utf-8")


def test_postgresql_gives_the_same_pages(pages, postgresql_url, tmp_path):
    pages.history.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n")
    with (
        open_qc1(postgresql_url) as engine,
        engine.begin() as there,
        pages.history.connect() as here,
    ):
        for declared in declared_tables().values():
            table = as_sql(declared, sa.MetaData())
            rows = [row._asdict() for row in here.execute(sa.select(table))]
            if rows:
                there.execute(sa.insert(table), rows)
    config = pages.history.config
    monitor = tmp_path / "site" / "other"
    other = evolve(
        config,
        database=postgresql_url,
        directories=evolve(config.directories, monitor=monitor),
    )
    folder = monitor / "FINISHED" / "RUN"
    shutil.copytree(pages.history.folder, folder)
    pages.update()
    info_run(other, "")
    names = sorted(path.name for path in pages.history.folder.glob("*.*"))
    assert names == sorted(path.name for path in folder.glob("*.*"))
    for name in names:
        if not name.startswith("."):
            here_too = pages.history.folder / name
            assert shown_by(folder / name) == shown_by(here_too), name
