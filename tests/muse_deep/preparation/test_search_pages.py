"""createReport -Q: all that the database knows of a pattern, on a page."""

import datetime as dt
import fnmatch
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import html5lib
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muse_deep_plugin.preparation.search_pages import search_report
from muse_deep_plugin.preparation.search_tables import search
from phoenix_core.errors import ConfigError

NOW = dt.datetime(2026, 11, 27, 12, 0, tzinfo=dt.UTC)
RUN = "094.D-0114(B)"


def totals(history, pattern):
    with history.connect() as connection:
        found = search(connection, pattern)
    return {one.kind: one.total for one in found if one.total}


def parsed(path):
    """Parse a page; a mistake in its HTML is an error."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    return parser.parse(path.read_text("utf-8"))


def cells(path):
    return ["".join(cell.itertext()) for cell in parsed(path).iter("td")]


def test_all_tables_are_searched(history):
    assert totals(history, "NGC300") == {
        "target": 1,
        "final datacube": 4,
        "exposure": 7,
        "raw file": 7,
    }
    assert totals(history, "GTO") == {"scheduled period": 3}
    assert totals(history, "clouds, stopped") == {
        "target": 1,
        "final datacube": 1,
        "exposure": 2,
        "OB execution": 1,
    }


def test_a_name_is_found_as_the_pi_gave_it(history):
    assert totals(history, "ngc-300-f1") == {"raw file": 7}


@pytest.mark.parametrize("pattern", ["094.D-0114(B)", "094.D-0114B"])
def test_a_run_is_found_in_both_spellings(history, pattern):
    assert totals(history, pattern)["scheduled period"] == 1
    assert totals(history, pattern)["target"] == 5


def test_an_ob_is_found_by_its_number(history):
    assert totals(history, "1090003")["final datacube"] == 1


def test_signs_of_sql_are_text_and_wildcards_are_not(history):
    assert totals(history, "%") == {}
    assert totals(history, "N_C300") == {}
    assert totals(history, "'; DROP TABLE sched_rep; --") == {}
    assert totals(history, "N?C300") == totals(history, "NGC300")
    assert totals(history, "abell*70") == totals(history, "Abell 370")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(alphabet="ACG%_!\\'\"*?038 -", min_size=1, max_size=6))
def test_a_pattern_finds_every_name_that_holds_it(history, pattern):
    with history.connect() as connection:
        found = {one.kind: one for one in search(connection, pattern)}
    names = {row[0] for row in found["target"].rows}
    everything = {"NGC300", "Abell 370", "HDFS", "HDF-S", "Lonely", "UDF-10"}
    held = {
        name
        for name in everything
        if fnmatch.fnmatchcase(name.lower(), f"*{pattern.lower()}*")
    }
    assert held <= names


@pytest.mark.parametrize("pattern", ["étoile", "ÉTOILE", "É?OILE d'ÅR", "Étoile D'å*s"])
def test_letters_beyond_ascii_have_no_case_either(history, visit, pattern):
    name = "Étoile d'Årøs"
    history.observe(visit(RUN, name, 1090500, "2015-06-01T01:00:00.5", 1.0, 1.0))
    assert totals(history, pattern)["final datacube"] == 1
    assert totals(history, "øRÅs") == {}


def test_blanks_around_a_pattern_are_no_part_of_it(history):
    first = search_report(history.config, "NGC300", NOW)
    again = search_report(history.config, " NGC300 ", NOW)
    assert (again.path, again.totals) == (first.path, first.totals)
    assert again.totals["final datacube"] == 4


def test_the_page_is_valid_and_tells_where_it_is(history):
    (history.folder).mkdir(parents=True)
    (history.folder / "094.D-0114B.html").write_text("the page of the run")
    report = search_report(history.config, "NGC300", NOW)
    assert report.path == history.folder / "search" / "NGC300.html"
    page = parsed(report.path)
    captions = ["".join(c.itertext()) for c in page.iter("caption")]
    assert captions == ["targets", "final datacubes", "exposures", "raw files"]
    links = {a.get("href") for a in page.iter("a")}
    assert links == {"../overview.html", "../target_search.html", "../094.D-0114B.html"}
    assert (history.folder / "search" / "style.css").is_file()
    assert "NGC300: 1 target, 4 final datacubes" in report.text


def test_all_searches_are_found_behind_one_link(history):
    for pattern in ("NGC300", "Abell*", "../../x", "<b>&'\"", "#?%41", "."):
        report = search_report(history.config, pattern, NOW)
        assert report.path.parent == history.folder / "search"
        assert report.path.is_file()
    index = parsed(report.index)
    shown = {"".join(a.itertext()): a.get("href") for a in index.iter("a")}
    assert {"NGC300", "Abell*", "../../x", "<b>&'\"", "#?%41", "."} <= set(shown)
    for address in shown.values():
        if address.startswith("search/"):
            assert (history.folder / unquote(address)).is_file()


def test_hostile_rows_are_text_on_the_page(history, visit):
    nasty = "<script>alert(1)</script>\x1b[2J\u202e&amp;"
    history.observe(
        visit(RUN, nasty, 1090400, "2015-05-01T01:00:00.5", 1, 1, comment=nasty)
    )
    report = search_report(history.config, "alert(1)", NOW)
    assert [s.get("src") for s in parsed(report.path).iter("script")] == ["table.js"]
    assert any(
        cell.startswith("<script>alert(1)</script>") for cell in cells(report.path)
    )
    assert "\x1b" not in report.path.read_text("utf-8")


def test_a_page_of_a_large_history_stays_small(history, visit):
    history.observe(
        *(
            visit(
                RUN,
                "Large",
                2000000 + n,
                f"2016-01-01T00:{n // 60:02}:{n % 60:02}.5",
                10.0,
                -10.0,
                pattern="O",
                comment="a comment of some length " * 3,
            )
            for n in range(300)
        )
    )
    report = search_report(history.config, "Large", NOW)
    assert report.totals["final datacube"] == 300
    assert "final datacubes; the first 200 of 300" in report.path.read_text("utf-8")
    assert report.path.stat().st_size < 500_000


@pytest.mark.parametrize("pattern", ["", "  ", "a\nb", "x" * 300])
def test_what_is_no_pattern_is_refused(history, pattern):
    with pytest.raises(ConfigError, match="cannot be searched for"):
        search_report(history.config, pattern, NOW)


def test_the_command_says_where_the_page_is(history):
    program = Path(sys.executable).with_name("createReport")
    words = [program, "-Q", "UDF-10", "--config", history.config_path]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    path = history.folder / "search" / "UDF-10.html"
    assert done.stdout.split("\n")[1] == str(path)
    assert path.is_file()
    done = subprocess.run(
        [*words, "--json"], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["found"]["final datacube"] == 2
