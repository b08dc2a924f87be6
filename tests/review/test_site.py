"""The pages of a review: what they show, and what becomes of what is said."""

import html
import json
import struct

import html5lib
import numpy as np
import pytest

from phoenix_core.ab.file import read_block, write_block
from phoenix_core.records.comments import read_comments


def test_what_a_product_was_made_without_is_told(shop, guest, served):
    first = served.site.sitting.reviews[0]
    assert first.notes == ("without in3.ab, dropped by me: <b>clouds",)
    assert "<li>without in3.ab, dropped by me: &lt;b&gt;clouds</li>" in guest.page("1/")


def test_the_first_page_is_the_first_product_that_waits(served, guest):
    status, headers, _ = guest.get()
    assert (status, headers["Location"]) == (303, f"{guest.base}1/")
    assert guest.decide(1, "accept")[0] == 303
    assert guest.get()[1]["Location"] == f"{guest.base}2/"


def test_verdicts_are_kept_as_they_are_given_and_the_last_one_ends_it(served, guest):
    assert guest.decide(1, "accept", "fine")[0] == 303
    verdict = served.given["one.ab"]
    assert (verdict.is_accepted, verdict.comment) == (True, "fine")
    assert not served.over.is_set()
    status, _, body = guest.decide(2, "reject", "half empty")
    assert (status, served.over.wait(5)) == (200, True)
    assert "All is decided" in body.decode()
    assert not served.given["two.ab"].is_accepted
    assert served.lines[0] == "NGC300 accepted: fine"
    assert served.lines[1].endswith("rejected: half empty")
    assert "\x07" not in served.lines[1]


def test_a_verdict_is_changed_by_going_back(served, guest):
    guest.decide(1, "accept", "fine")
    assert 'value="accept" required checked' in guest.page("1/")
    guest.decide(1, "reject", "no, look at the edge")
    assert not served.given["one.ab"].is_accepted
    assert not served.over.is_set()


@pytest.mark.parametrize(
    ("place", "word", "said"),
    [(1, "reject", "needs a COMMENT"), (2, "accept", "scores failed"), (1, "x", "say")],
)
def test_what_needs_a_reason_is_not_taken_without_one(served, guest, place, word, said):
    status, _, body = guest.decide(place, word)
    assert status == 409
    assert said in body.decode()
    assert served.given == {}


def test_a_reason_of_thousands_of_letters_is_not_taken(served, guest):
    status, _, body = guest.decide(1, "reject", "x" * 4001)
    assert status == 409
    assert "4001 letters are too many" in body.decode()
    assert served.given == {}


def test_products_that_were_made_again_meanwhile_are_not_judged(served, guest):
    path = served.run.ab_path("one.ab")
    made = [f"r.one.ab.fits CUBE {'2' * 64} 7 KEPT"]
    write_block(path, read_block(path).with_values("PRODUCTS", made))
    status, _, body = guest.decide(1, "accept")
    assert status == 409
    assert "was made again since it was shown" in body.decode()
    assert served.given == {}


def test_the_review_is_ended_before_all_is_decided(served, guest):
    form = guest.form("1/")
    status, _, body = guest.post("finish", {"key": form["key"]})
    assert (status, served.over.wait(5)) == (200, True)
    assert "2 still to decide" in body.decode()


def test_a_review_that_is_served_again_knows_what_was_said(served, guest, serve):
    guest.decide(1, "accept", "fine")
    again = serve()
    other = type(guest)(again.door.port)
    other.enter(again.door.url)
    assert other.get()[1]["Location"].endswith("/2/")
    assert "1 of 2 to decide" in other.page("2/")
    assert "fine" in other.page("1/")


def test_where_nothing_was_open_verdicts_are_changed_until_one_ends_it(
    served, guest, serve
):
    guest.decide(1, "accept", "fine")
    guest.decide(2, "reject", "no")
    again = serve()
    other = type(guest)(again.door.port)
    other.enter(again.door.url)
    assert other.decide(2, "accept", "it will do")[0] == 303
    assert other.decide(1, "reject", "but not this one")[0] == 303
    assert not again.over.is_set()
    other.post("finish", {"key": other.form("1/")["key"]})
    assert again.over.wait(5)
    words = {name: verdict.is_accepted for name, verdict in again.given.items()}
    assert words == {"one.ab": False, "two.ab": True}


def test_comments_are_kept_by_ab(served, guest):
    key = guest.form("1/")["key"]
    said = "clouds <b>at the end</b>\nof the night"
    assert guest.post("1/1/comment", {"key": key, "comment": said})[0] == 303
    assert read_comments(served.run)["in1.ab"].text == said
    page = guest.page("1/")
    assert html.escape(said) in page
    assert "<b>at" not in page


def test_images_come_with_their_place_on_the_product(guest):
    for member, shift in ((0, (0, 0)), (1, (-3, 2)), (2, (0, 0))):
        status, headers, body = guest.get(f"1/{member}/image")
        assert (status, headers["Content-Type"]) == (200, "application/octet-stream")
        columns, rows, low, high, *place = struct.unpack_from("<2I8d", body)
        assert (columns, rows) == (16, 12)
        assert low < high
        assert place == pytest.approx([1, 0, 0, 1, *shift], abs=1e-3)
        pixels = np.frombuffer(body, "<f4", offset=72).reshape(rows, columns)
        assert pixels[4, 6] - pixels[0, 0] == pytest.approx(406)
    assert guest.get("2/0/image")[0] == 404


def test_a_spectrum_is_that_of_the_spaxel(guest):
    status, headers, body = guest.get("1/0/spectrum?x=7&y=5")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    found = json.loads(body)
    assert found["flux"][:2] == [10507, 20507]
    assert found["wave"][:2] == [4750, 4751.25]
    assert found["noise"][0] == 2
    assert (found["wave_unit"], found["unit"][:7]) == ("Angstrom", "10**(-2")
    assert json.loads(guest.get("1/2/spectrum?x=7&y=5")[2])["flux"][3] is None


@pytest.mark.parametrize("query", ["x=0&y=1", "x=17&y=1", "x=1&y=13"])
def test_there_is_no_spectrum_outside(guest, query):
    status, _, body = guest.get(f"1/0/spectrum?{query}")
    assert status == 409
    assert "x goes to 16, y to 12" in body.decode()


def test_a_file_that_is_gone_or_no_cube_is_one_line(guest, shop):
    cube = shop.exhibits["one.ab"].cube
    cube.write_bytes(b"no FITS")
    status, _, body = guest.get("1/0/spectrum?x=1&y=1")
    assert (status, body.count(b"\n")) == (409, 1)
    assert b"cube.fits cannot be read" in body
    assert str(cube.parent).encode() not in body
    cube.unlink()
    assert guest.get("1/0/spectrum?x=1&y=1")[0] == 409
    shop.exhibits["one.ab"].report.plots[0].unlink()
    assert guest.get("1/0/plot/0")[0] == 404


def test_pages_are_html_that_no_name_breaks(guest):
    for address in ("1/", "2/"):
        page = guest.page(address)
        parser = html5lib.HTMLParser(strict=True)
        tree = parser.parse(page)
        scripts = tree.findall(".//{http://www.w3.org/1999/xhtml}script")
        assert [one.get("src") for one in scripts] == ["../review.js"]
        names = [name for element in tree.iter() for name in element.attrib]
        assert not [name for name in names if name.startswith("on")]
        assert "\u202e" not in page
        assert "\x07" not in page
