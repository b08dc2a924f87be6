"""Pages: nothing in them is believed, and they are written whole."""

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phoenix_core.pages import files
from phoenix_core.pages.table import Cell, Heading
from phoenix_core.pages.templates import address, environment

PAGE = """{% extends "base.html" %}{% import "table.html" as tables %}
{% block content %}{{ tables.table(caption, headings, rows) }}{% endblock %}"""


def rendered(text, fingerprint="0a"):
    """A page with a text in every place that a page has."""
    cell = Cell(text, "bad", "text", link=address(text), sort=text)
    shown = Cell(link=address(text), picture=text)
    return (
        environment("phoenix_core.pages")
        .from_string(PAGE)
        .render(
            title=text,
            fingerprint=fingerprint,
            caption=text,
            headings=[Heading(text, text, is_number=True)],
            rows=[[cell, shown]],
        )
    )


def parsed(page):
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)


def tags(page):
    return [node.tag for node in parsed(page).iter() if isinstance(node.tag, str)]


@settings(deadline=None)
@given(st.text(min_size=1))
def test_a_text_from_elsewhere_is_text_wherever_it_stands(text):
    assert tags(rendered(text)) == tags(rendered("x"))
    shown = parsed(rendered(text)).find(".//td/a").text
    assert len(shown) == len(text)
    assert all(s == t or not t.isprintable() for s, t in zip(shown, text, strict=True))


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '"><img src=x onerror=y>', "</title><b>", "'"]
)
def test_markup_from_elsewhere_is_shown_and_not_obeyed(text):
    assert tags(rendered(text)) == tags(rendered("x"))
    assert parsed(rendered(text)).find(".//td/a").text == text


def test_a_page_asks_nobody_and_runs_nothing_that_stands_in_it():
    page = parsed(rendered("x"))
    policy = page.find(".//meta[@http-equiv='Content-Security-Policy']").get("content")
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "http:" not in policy
    assert [s.get("src") for s in page.iter("script")] == ["table.js"]
    assert [s.text for s in page.iter("script")] == [None]


def test_a_page_tells_what_it_was_made_of(tmp_path):
    path = tmp_path / "x.html"
    assert files.fingerprint_in(path) == ""
    files.write_page(path, rendered("x", files.fingerprint([b"x"])))
    assert files.fingerprint_in(path) == files.fingerprint([b"x"])
    path.write_bytes(b"\xff<html> of somebody else")
    assert files.fingerprint_in(path) == ""


def test_style_and_script_are_written_once(tmp_path):
    files.write_assets(tmp_path / "new")
    first = {p.name: p.stat().st_ino for p in (tmp_path / "new").iterdir()}
    files.write_assets(tmp_path / "new")
    assert set(first) == {"style.css", "table.js"}
    assert first == {p.name: p.stat().st_ino for p in (tmp_path / "new").iterdir()}
    (tmp_path / "new" / "table.js").write_text("old")
    files.write_assets(tmp_path / "new")
    assert (tmp_path / "new" / "table.js").read_text("utf-8") != "old"
