"""Trending: how deep datacubes are for their exposure time, whatever their names."""

import html5lib
import pytest
import sqlalchemy as sa

from muse_deep_plugin.monitor.depth_figures import (
    DARK,
    depth_figure,
    in_the_dark,
    time_figure,
)
from muse_deep_plugin.monitor.depths import (
    Depth,
    Kind,
    compared,
    gain,
    read_depths,
)
from muse_deep_plugin.monitor.trending_page import write_trending
from muse_deep_plugin.qc1_tables import COMBINED, DEEP
from phoenix_core.qc1.schema import as_sql

RUN = "094.D-0114(B)"


def depth(kind, texptime, abmaglim, name="x", **values):
    return Depth(
        kind,
        name,
        "2014-10-22",
        RUN,
        values.pop("target", "NGC300"),
        "WFM-NOAO-N",
        4,
        56953.0,
        texptime,
        abmaglim,
        **values,
    )


def deep_row(name, abmaglim, **values):
    return {
        "pipefile": f"r.MUSE.{name}_dpc.fits",
        "civil_date": "2014-10-22",
        "run_id": RUN,
        "target": name,
        "data_type": "DATACUBE_DEEP",
        "mjd_obs": 56953.1,
        "n_frames": 8,
        "texptime": 4800.0,
        "abmaglim": abmaglim,
        "score_bit": "0010000000",
        **values,
    }


def document(path):
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(
        path.read_bytes(), transport_encoding="utf-8"
    )


def test_the_line_grows_as_the_square_root_of_the_time_promises():
    times = (600.0, 1200.0, 2400.0, 4800.0, 9600.0)
    depths = compared([depth(Kind.COMBINED, t, 19.5 + gain(t)) for t in times])
    assert depths.zero == pytest.approx(19.5)
    assert all(abs(row.residual) < 1e-9 for row in depths.rows)
    assert gain(4 * 600.0) - gain(600.0) == pytest.approx(0.7526, abs=1e-4)


def test_deep_datacubes_do_not_move_the_line_that_they_are_held_against():
    shallow = [depth(Kind.SINGLE, 600.0, 23.0, f"s{n}") for n in range(5)]
    deep = [depth(Kind.DEEP, 9600.0, 20.0, f"d{n}") for n in range(9)]
    assert compared([*shallow, *deep]).zero == compared(shallow).zero


def test_an_outlier_is_far_from_the_line_on_either_side():
    rows = [
        depth(Kind.SINGLE, 600.0, 23.0 + 0.05 * (n % 3), f"s{n}") for n in range(20)
    ]
    odd = [
        depth(Kind.DEEP, 2400.0, 22.0, "shallow"),
        depth(Kind.DEEP, 2400.0, 26.0, "deep"),
    ]
    depths = compared([*rows, *odd])
    named = [row.pipefile for row in depths.rows if depths.is_outlier(row)]
    assert named == ["shallow", "deep"]
    few = compared(odd)
    assert not any(few.is_outlier(row) for row in few.rows)


@pytest.mark.parametrize(
    ("bits", "flags"),
    [("0010000000", 0), ("0110000100", 1), ("1001111111", 8), ("", None), ("x1", None)],
)
def test_flags_count_what_tells_how_well_a_datacube_was_made(bits, flags):
    assert depth(Kind.DEEP, 600.0, 23.0, score_bit=bits).flags == flags


def test_the_page_has_the_deep_datacubes_and_names_those_far_off(history):
    history.add(DEEP, [deep_row("GOOD", 24.9), deep_row("SHALLOW", 21.0)])
    path = write_trending(history.config)
    page = document(path)
    cells = [["".join(c.itertext()) for c in row] for row in page.find(".//tbody")]
    assert [row[2] for row in cells if row[3] == "deep"] == ["GOOD", "SHALLOW"]
    state = {row[2].text: row[8].get("class") for row in page.find(".//tbody")}
    assert "bad" in state["SHALLOW"]
    assert state["GOOD"] == "number"
    images = [i.get("src") for i in page.iter("img")]
    for name in (*images, *(i.get("srcset") for i in page.iter("source"))):
        assert (path.parent / name).read_bytes().startswith(b"<?xml")
    assert all(image.get("alt") for image in page.iter("img"))


def test_what_did_not_change_is_not_drawn_again(history):
    path = write_trending(history.config)
    before = {p.name: p.stat().st_ino for p in path.parent.iterdir() if p.is_file()}
    write_trending(history.config)
    after = {p.name: p.stat().st_ino for p in path.parent.iterdir() if p.is_file()}
    assert after == before
    (path.parent / "trending_depth_dark.svg").unlink()
    write_trending(history.config)
    assert (path.parent / "trending_depth_dark.svg").is_file()


def test_a_site_without_a_depth_says_so(empty_history):
    page = document(write_trending(empty_history.config))
    text = "".join(page.itertext())
    assert "The QC1 database knows no depth of any datacube yet." in text


HOSTILE = (
    "<script>alert(1)</script>",
    "$x^2",
    r"\frac{",
    "a\x1b[2J\nb\u202e",
    "x" * 999,
)


def test_names_from_elsewhere_are_text_on_the_page_and_in_the_figures(history):
    rows = [
        deep_row(f"T{n}", 20.0, target=name, qc_plot="../../etc/passwd")
        for n, name in enumerate(HOSTILE)
    ]
    history.add(DEEP, rows)
    path = write_trending(history.config)
    assert [s.get("src") for s in document(path).iter("script")] == ["table.js"]
    links = [a.get("href") for a in document(path).iter("a")]
    assert not any("passwd" in link for link in links)
    for figure in path.parent.glob("*.svg"):
        assert b"<script" not in figure.read_bytes()


def test_strange_values_are_no_depths(history):
    table = as_sql(COMBINED, sa.MetaData())
    with history.connect() as connection:
        count = len(read_depths(connection).of(Kind.COMBINED))
        connection.execute(sa.update(table).values(texptime=0.0))
        assert len(read_depths(connection).of(Kind.COMBINED)) == 0 < count
        connection.execute(sa.text("UPDATE muse_sci_combined SET abmaglim = 'deep'"))
        assert read_depths(connection).of(Kind.COMBINED) == ()


def test_the_same_datacubes_are_the_same_picture():
    rows = [depth(Kind.SINGLE, 600.0 + n, 23.0, f"s{n}") for n in range(1200)]
    picture = depth_figure(compared(rows))
    assert picture == depth_figure(compared(rows))
    assert len(picture) < 300_000  # so many markers are pixels


def test_a_figure_for_the_dark_has_the_same_lines_in_other_colours():
    picture = time_figure(compared([depth(Kind.DEEP, 600.0, 23.0)]))
    dark = in_the_dark(picture)
    assert len(dark) == len(picture)
    for light, colour in DARK.items():
        assert light.encode() in picture
        assert light.encode() not in dark
        assert colour.encode() in dark
