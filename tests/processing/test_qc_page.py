"""The page of a QC report: all of the report, of one file, and nothing believed."""

import base64
import hashlib
import re
from pathlib import Path

import html5lib
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from phoenix_core.model import QcReport, Score
from phoenix_core.processing.qc_page import write_qc_page
from phoenix_core.processing.qc_report import page_path

REPORT = QcReport(
    "MUSE.2014-10-22T23:57:32.123_dpc.ab",
    recipe="muse_exp_combine",
    target="NGC300",
    parameters={"EXPCOMB FWHM1 X": 0.8, "FWHM": 0.83123456789, "N": 4, "BAD": False},
    units={"FWHM": "arcsec"},
    scores=(
        Score("FWHM", 0.8, high=1.5),
        Score("BKG", 400.0, -20.0, 300.0),
        Score("DEPTH", None, low=0.7),
        Score("SHOWN", 3.0),
    ),
    comments=("WARNING High_background: one is at 400", "ERROR no offsets"),
    plots=(Path("r.MUSE.2014-10-22T23:57:32.123_dpc.png"),),
)


def written(report, folder):
    """The page of a report: its text, and its elements."""
    path = folder / "report.qc.html"
    write_qc_page(path, report)
    text = path.read_text("utf-8")
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    return text, parser.parse(text)


def texts(page, path):
    return ["".join(found.itertext()) for found in page.findall(path)]


def test_scores_comments_plots_and_parameters_are_all_there(tmp_path):
    _, page = written(REPORT, tmp_path)
    assert texts(page, ".//h1") == ["QC of NGC300"]
    assert texts(page, ".//strong") == ["failed: BKG, DEPTH, 1 error, 1 warning"]
    lines = [texts(row, "./*") for row in page.findall(".//tbody/tr")]
    assert lines == [
        ["FWHM", "0.8", "≤ 1.5", "passed"],
        ["BKG", "400", "-20 to 300", "failed"],
        ["DEPTH", "", "≥ 0.7", "failed: no value"],
        ["SHOWN", "3", "", "not scored"],
        ["FWHM", "0.8312346", "arcsec"],
        ["N", "4", ""],
        ["BAD", "no", ""],
        ["EXPCOMB FWHM1 X", "0.8", ""],
    ]
    assert texts(page, ".//li") == list(REPORT.comments)
    assert [image.get("src") for image in page.findall(".//img")] == [
        "r.MUSE.2014-10-22T23%3A57%3A32.123_dpc.png"
    ]


@pytest.mark.parametrize(
    ("scores", "comments", "said"),
    [
        ((Score("A", 1.0, low=0.5),), (), "all 1 score passed"),
        ((Score("A", 1.0, low=0.5),), ("look",), "1 score passed, 1 warning"),
        ((Score("A", 1.0),), (), "not scored"),
        ((), ("look",), "not scored, 1 warning"),
        ((Score("A", 1.0, low=0.5),), ("ERROR x",), "1 score passed, 1 error"),
    ],
)
def test_the_verdict_says_what_there_is_to_look_at(tmp_path, scores, comments, said):
    report = evolve(REPORT, scores=scores, comments=comments)
    assert texts(written(report, tmp_path)[1], ".//strong") == [said]


def test_the_page_needs_no_other_file_but_its_plots_and_no_network(tmp_path):
    text, page = written(REPORT, tmp_path)
    assert not page.findall(".//script")
    assert not page.findall(".//link")
    assert "http:" not in text
    assert "https:" not in text
    (style,) = texts(page, ".//style")
    total = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = page.find(".//meta[@http-equiv]").get("content")
    assert f"style-src 'sha256-{total}'" in policy
    assert "default-src 'none'" in policy
    assert "prefers-color-scheme: dark" in style


@given(st.text())
def test_no_text_of_a_report_becomes_markup(tmp_path_factory, text):
    folder = tmp_path_factory.getbasetemp()
    hostile = f"</style></title><script>{text}"
    report = QcReport(
        hostile,
        recipe=hostile,
        target=hostile,
        parameters={hostile: hostile},
        units={hostile: hostile},
        scores=(Score(hostile, 1.0, low=2.0),),
        comments=(hostile,),
    )
    _, page = written(report, folder)
    assert not page.findall(".//script")
    assert len(page.findall(".//style")) == 1


def test_a_page_is_written_again_only_where_it_would_differ(tmp_path):
    path = tmp_path / "report.qc.html"
    write_qc_page(path, REPORT)
    before = path.stat()
    write_qc_page(path, REPORT)
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert path.stat().st_ino == before.st_ino
    write_qc_page(path, evolve(REPORT, comments=()))
    assert "High_background" not in path.read_text("utf-8")
    path.write_text(re.sub('fingerprint="[^"]*"', "", path.read_text("utf-8")))
    write_qc_page(path, REPORT)
    assert "High_background" in path.read_text("utf-8")


def test_a_page_is_named_as_its_report():
    report = Path("product/r.MUSE_dpc.qc.json")
    assert page_path(report) == Path("product/r.MUSE_dpc.qc.html")
