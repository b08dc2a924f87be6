"""The history: a line each run, true after each part, whatever lies in the files."""

import json
import subprocess

import pytest
from attrs import evolve

from phoenix_core.config import read_config
from phoenix_core.monitors.update import after_part
from phoenix_core.records.ledger import open_ledger
from phoenix_core.run_id import parse_run_id

RUN = ("-r", "094.A-0001A")
DATE = "2094-01-01"
SVG = "{http://www.w3.org/2000/svg}svg"
MAIN = "FINISHED/histoMonitor.html"
PERIOD = "FINISHED/histoMonitor_P094.html"


def test_each_part_brings_the_line_of_its_run_up_to_date(pages, call):
    assert call(*RUN, "-C").returncode == 0
    assert (pages.line()["state"], pages.line()["ABs"]) == ("to process", "19")
    assert call(*RUN, "-P").returncode == 0
    line = pages.line()
    assert (line["state"], line["scores"]) == ("to certify", "2 green, 1 red")
    assert call(*RUN, "-M").returncode == 0
    line = pages.line()
    assert (line["moved"], line["certified"], line["fits"]) == ("13", "2 of 3", "")
    assert line["products"] == "2"
    (main,) = pages.rows(MAIN)
    assert (main["period"], main["runs"]) == ("P094", "1")


def test_directories_of_a_run_are_linked_where_they_are_there(moved, pages, monitor):
    assert (pages.line()["logs"], pages.line()["monitor"]) == ("logs", "monitor")
    links = {a.text: a.get("href") for a in pages.document(PERIOD).iter("a")}
    assert links["logs"] == f"../../logs/{DATE}"
    assert links["094.A-0001(A)"] == links["monitor"] == f"../status_{DATE}.html"
    assert (pages.folder / "FINISHED" / links["logs"]).is_dir()
    (pages.folder / f"status_{DATE}.html").unlink()
    monitor()
    assert pages.line()["monitor"] == ""


def test_only_what_changed_is_written(pages, call):
    call(*RUN, "-C")
    again = json.loads(call("-P", "--json", program="phoenixMonitor").stdout)
    assert [n for n in again["written"] if n.startswith("histo")] == []
    assert {p.name for p in (pages.folder / "FINISHED").glob("*.html")} == {
        "histoMonitor.html",
        "histoMonitor_P094.html",
    }


def test_a_damaged_ab_costs_the_state_of_its_run_and_no_page(example, pages, call):
    call(*RUN, "-C")
    config = read_config(example.config)
    with open_ledger(config.database) as ledger:
        ledger.date_of(parse_run_id("094.A-0002A"))
    other = example.root / "ab" / "2094-01-02"
    other.mkdir()
    (other / "bad.ab").write_bytes(b"AB_NAME  ../../x.ab\n\xff\xfe")
    (other / "pipe.ab").mkdir()
    done = call("-P", "--json", program="phoenixMonitor")
    states = {row["run"]: row["state"] for row in json.loads(done.stdout)["lines"]}
    assert states == {"094.A-0001(A)": "to process", "094.A-0002(A)": "damaged"}
    text = "".join(pages.document(PERIOD).itertext())
    assert "094.A-0002(A): " in text
    assert "AB_NAME is '../../x.ab'" in text


def test_names_from_elsewhere_are_text_on_every_page(example, pages, call):
    hostile = "<script>alert(1)</script>&\"'"
    call(*RUN, "-C")
    for path in example.root.glob("ab/*/*.ab"):
        block = example.block(path.name)
        if block.name.endswith("_stk.ab"):
            block = block.updated(
                {
                    "TARGET": hostile,
                    "PROCESS_STATUS": "FAILED",
                    "PROCESS_CAUSE": f"{hostile} \x1b[2J\u202e",
                }
            )
        path.write_text(block.text)
    done = call(program="dfoMonitor")
    assert "\x1b[2J" not in done.stdout
    for name in (MAIN, PERIOD, "dfoMonitor.html"):
        scripts = list(pages.document(name).iter("script"))
        assert [script.get("src") for script in scripts] == ["table.js"]
    assert hostile in "".join(pages.document("dfoMonitor.html").itertext())


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"runs": {"2094-01-01": []}}'])
def test_what_was_kept_may_be_lost_or_damaged(pages, call, damage):
    call(*RUN, "-C")
    (pages.folder / "FINISHED" / "monitor.json").write_text(damage, "utf-8")
    assert call("-P", program="phoenixMonitor").returncode == 0
    assert pages.line()["ABs"] == "19"


def test_monitors_that_cannot_be_written_are_a_warning_and_the_part_is_done(
    example, call
):
    (example.root / "monitor").mkdir()
    (example.root / "monitor" / "FINISHED").write_text("in the way", "utf-8")
    done = call(*RUN, "-C")
    assert done.returncode == 0
    told = " ".join(done.stdout.split())
    assert told.count("warning: the monitors are not up to date") == 1


def test_a_wrong_option_of_the_monitors_stops_no_part(example, call):
    with example.config.open("a", encoding="utf-8") as file:
        file.write('[phoenixMonitor]\nPRODUCT_MARKER = "("\n')
    done = call(*RUN, "-C")
    assert done.returncode == 0
    assert "PRODUCT_MARKER is '('" in " ".join(done.stdout.split())
    asked = call("-P", program="phoenixMonitor")
    assert asked.returncode == 2
    assert "expected a pattern as of egrep" in asked.stderr


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('CHECK_CONV = "perhaps"', "CHECK_CONV is 'perhaps'; expected YES or NO"),
        ("SCI_MAX = 0", "SCI_MAX is 0; expected 1 or more"),
        ("SCI_SKALE = 1", "did you mean 'SCI_SCALE'?"),
        ('PROJECT = "muse_deeep"', "no such package is installed"),
    ],
)
def test_an_option_that_makes_no_sense_is_told_with_its_line(example, call, line, told):
    with example.config.open("a", encoding="utf-8") as file:
        file.write(f"[phoenixMonitor]\n{line}\n")
    done = call("-P", program="phoenixMonitor")
    assert done.returncode == 2
    assert told in done.stderr
    assert "phoenix.toml, line " in done.stderr


def test_several_at_a_time_leave_whole_pages(example, pages, call):
    call(*RUN, "-C")
    calls = [
        example.command("-P", program="phoenixMonitor", start=subprocess.Popen)
        for _ in range(2)
    ]
    for one in calls:
        out, error = one.communicate(timeout=120)
        assert (one.returncode, error) == (0, ""), out
    assert pages.line()["state"] == "to process"
    assert list((pages.folder / "FINISHED").glob(".*.tmp")) == []


def test_the_bar_grows_with_the_products_until_it_is_long_enough(moved, pages, monitor):
    with moved.config.open("a", encoding="utf-8") as file:
        file.write("[phoenixMonitor]\nSCI_SCALE = 7\nSCI_MAX = 2\n")
    monitor()
    bars = [svg.get("width") for svg in pages.document(PERIOD).iter(SVG)]
    assert bars == ["14"]
    moved.edit(moved.config, "SCI_MAX = 2", "SCI_MAX = 1")
    monitor()
    assert [svg.get("width") for svg in pages.document(PERIOD).iter(SVG)] == ["7"]


def test_more_files_than_the_limit_are_bold(moved, pages, monitor):
    with moved.config.open("a", encoding="utf-8") as file:
        file.write("[phoenixMonitor]\nMAX_TOTAL_NUMBER = 2\n")
    reduced = moved.root / "reduced" / DATE
    for number in range(3):
        (reduced / f"x{number}.fits").write_bytes(b"")
    monitor()
    cells = [cell.text for cell in pages.document(PERIOD).iter("b")]
    assert cells == ["3"]


def test_a_run_that_was_never_looked_at_is_told(example, pages, call):
    call(*RUN, "-C")
    config = read_config(example.config)
    with open_ledger(config.database) as ledger:
        ledger.date_of(parse_run_id("094.A-0002A"))
    assert after_part(config, DATE) == ""
    told = "".join(pages.document(MAIN).itertext())
    assert "1 more were never looked at: phoenixMonitor -P does it" in told
    assert after_part(evolve(config, mode="DEEP"), DATE) == ""


def test_a_store_that_does_not_answer_stops_no_part_and_no_page(example, pages, call):
    call(*RUN, "-C")
    store = str(example.root / "qcweb")
    example.edit(example.config, "{root}/qcweb", "nosuch://host/qcweb")
    config = read_config(example.config)
    assert store not in config.ab_store
    assert after_part(config, DATE) == ""
    done = call("-P", program="phoenixMonitor")
    assert done.returncode == 0
    assert "warning: " in done.stderr
    assert "ab_store: nosuch://host/qcweb" in done.stderr
    assert pages.line()["state"] == "to process"


def test_a_site_without_anything_has_pages(example, pages, call):
    done = call("-P", program="phoenixMonitor")
    assert done.returncode == 0
    assert pages.rows(MAIN) == []
    assert call(program="dfoMonitor").returncode == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "all runs take a while: confirm it with --yes"),
        (("-m", "2024-03"), "works by run (mode DEEP): give -P, or -d"),
        (("-P", "-d", DATE), "give one of -P, -d, -m, -y"),
        (("-d", "2024-13-40"), "'2024-13-40' is no date"),
        (("-d", "2024-03-10"), "nothing is known of 2024-03-10"),
        (("-P", "--trending"), "PROJECT"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_told(example, call, words, told):
    done = call(*words, program="phoenixMonitor")
    assert done.returncode == 2
    assert told in done.stderr


def test_nights_are_shown_by_month(example, pages, call):
    text = example.config.read_text("utf-8").replace('"DEEP"', '"IDP"')
    example.config.write_text(text, "utf-8")
    for night in ("2024-03-09", "2024-03-10", "2023-12-31", "no night"):
        (example.root / "logs" / night).mkdir(parents=True)
    assert call(program="phoenixMonitor").returncode == 2
    assert call("--yes", program="phoenixMonitor").returncode == 0
    assert pages.rows(MAIN) == []  # a night without ABs is nothing to tell of
    for night in ("2024-03-09", "2024-03-10", "2023-12-31"):
        (example.root / "logs" / night / "x.ab").write_text("damaged", "utf-8")
    done = call("-m", "2024-03", "--json", program="phoenixMonitor")
    states = {row["date"]: row["state"] for row in json.loads(done.stdout)["lines"]}
    assert states == {"2024-03-09": "damaged", "2024-03-10": "damaged"}
    assert call("-y", "2023", program="phoenixMonitor").returncode == 2
    assert call("-y", "2023", "--yes", program="phoenixMonitor").returncode == 0
    assert [row["month"] for row in pages.rows(MAIN)] == ["2024-03", "2023-12"]
    names = {path.name for path in (pages.folder / "FINISHED").glob("*.html")}
    assert "histoMonitor_2024-03.html" in names
