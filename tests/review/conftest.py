"""A review of two products with images and cubes, served as the command serves it."""

import contextlib
import html
import http.client
import re
import struct
import zlib
from threading import Event
from urllib.parse import urlencode

import numpy as np
import pytest
from astropy.io import fits
from attrs import define, evolve, field, frozen

from phoenix_core.ab.file import write_block
from phoenix_core.association_block import AssociationBlock
from phoenix_core.model import QcReport, Run, Score
from phoenix_core.records.comments import keep_comment, read_comments
from phoenix_core.records.verdicts import keep_verdict, read_verdicts, reviewed
from phoenix_core.review.door import Door
from phoenix_core.review.exhibit import Exhibit
from phoenix_core.review.http_server import listening, serving
from phoenix_core.review.site import Shown, Site
from phoenix_core.review.sitting import Sitting
from phoenix_core.review.verdict_file import ToReview

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202e\x07"
PIXEL = 0.2 / 3600
ROWS, COLUMNS, PLANES = 12, 16, 20


def png():
    """A picture of one grey pixel."""

    def chunk(kind, content):
        total = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + total

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    data = zlib.compress(b"\0\x80")
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def header(x0=0.0, y0=0.0):
    """A field whose pixels are shifted against another one's."""
    return fits.Header(
        {
            "CTYPE1": "RA---TAN",
            "CTYPE2": "DEC--TAN",
            "CUNIT1": "deg",
            "CUNIT2": "deg",
            "CRVAL1": 13.7,
            "CRVAL2": -37.7,
            "CRPIX1": 8.0 + x0,
            "CRPIX2": 6.0 + y0,
            "CD1_1": -PIXEL,
            "CD1_2": 0.0,
            "CD2_1": 0.0,
            "CD2_2": PIXEL,
        }
    )


def values():
    """A cube whose value tells plane, row and column, from 1."""
    z, y, x = np.mgrid[1 : PLANES + 1, 1 : ROWS + 1, 1 : COLUMNS + 1]
    return (10000 * z + 100 * y + x).astype("f4")


@pytest.fixture(name="header")
def header_of_a_field():
    """A function that makes the header of a field."""
    return header


@pytest.fixture(name="values")
def values_of_a_cube():
    """A function that makes the values of a cube."""
    return values


def write_cube(path, *, is_nan=False):
    cube = values()
    if is_nan:
        cube[3] = np.nan
    spectral = {
        "CTYPE3": "AWAV",
        "CUNIT3": "Angstrom",
        "CRVAL3": 4750.0,
        "CRPIX3": 1.0,
        "CD3_3": 1.25,
        "BUNIT": "10**(-20)*erg/s/cm**2/Angstrom",
    }
    head = header()
    head.update(spectral)
    stat = fits.ImageHDU(np.full_like(cube, 4.0), head, name="STAT")
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(cube, head, name="DATA"), stat]
    fits.HDUList(hdus).writeto(path)
    return path


def write_image(path, x0=0.0, y0=0.0):
    image = values()[0] - 10000
    hdu = fits.ImageHDU(image, header(x0, y0), name="DATA")
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    return path


def make_report(run, name, target="", scores=(), comments=()):
    """A report on an AB that is there, with a plot."""
    block = AssociationBlock.create(
        {
            "RAW_TYPE": "DEEP",
            "RECIPE": "toy",
            "AB_NAME": name,
            "PROCESS_STATUS": "SUCCESSFUL",
            "FINGERPRINT": f"f-{name}",
            "PRODUCTS": [f"r.{name}.fits CUBE {'1' * 64} 7 KEPT"],
        }
    )
    run.ab_dir.mkdir(parents=True, exist_ok=True)
    write_block(run.ab_path(name), block)
    plot = run.product_dir("DEEP") / f"r.{name}.png"
    plot.parent.mkdir(parents=True, exist_ok=True)
    plot.write_bytes(png())
    return QcReport(
        name,
        recipe="toy",
        target=target,
        parameters={"FWHM": 0.8, EVIL: EVIL},
        scores=scores,
        comments=comments,
        plots=(plot,),
        fingerprint=block.fingerprint,
    )


@frozen
class Shop:
    """Two products of a run, and what is shown of them."""

    run: Run
    exhibits: dict


@pytest.fixture
def shop(run, tmp_path):
    """A green product with two members, and a red one whose names an enemy made up."""
    fwhm = Score("FWHM", 0.8, high=1.5)
    green = make_report(run, "one.ab", "NGC300", (fwhm,))
    bad = (fwhm, Score("<b>FILLED", 0.1, low=0.4))
    warning = f"WARNING {EVIL}"
    red = make_report(run, "two.ab", EVIL, bad, (warning,))
    first, second = (make_report(run, f"in{n}.ab", scores=(fwhm,)) for n in (1, 2))
    cube = write_cube(tmp_path / "cube.fits")
    image = write_image(tmp_path / "image.fits")
    moved = write_image(tmp_path / "moved.fits", x0=3, y0=-2)
    members = (
        Exhibit(first, moved, cube),
        Exhibit(second, None, write_cube(tmp_path / "in2.fits", is_nan=True)),
    )
    shown = (Exhibit(green, image, cube, members=members), Exhibit(red))
    return Shop(run, {one.report.block: one for one in shown})


NOTES = {"one.ab": ("without in3.ab, dropped by me: <b>clouds",)}


@define
class Served:
    """A review that is served: its parts, and what was told at the terminal."""

    site: Site
    run: Run
    lines: list = field(factory=list)

    @property
    def door(self):
        return self.site.door

    @property
    def given(self):
        return {v.block: v for v in read_verdicts(self.run).values()}

    @property
    def over(self) -> Event:
        return self.site.over


def open_sitting(run, reports):
    """The sitting that the command makes of reports."""
    given = read_verdicts(run)
    keys = [(report, reviewed(run, report)) for report in reports]
    return Sitting(
        tuple(
            ToReview(report, key.report, given.get(key), notes=NOTES.get(key.block, ()))
            for report, key in keys
        ),
        lambda one, verdict: keep_verdict(run, one.report, verdict, seen=one.id),
    )


@pytest.fixture
def serve(shop):
    """A function that serves the review anew."""
    with contextlib.ExitStack() as stack:

        def start():
            run, lines = shop.run, []
            server = stack.enter_context(listening(0))
            shown = Shown(
                label=run.label,
                exhibit=lambda report: evolve(shop.exhibits[report.block]),
                shown=("FWHM",),
                comments=lambda: read_comments(run),
                comment=lambda block, text: keep_comment(run, block, text),
                tell=lines.append,
            )
            reports = [one.report for one in shop.exhibits.values()]
            site = Site(Door(server.server_port), open_sitting(run, reports), shown)
            stack.enter_context(serving(server, site))
            return Served(site, run, lines)

        yield start


@pytest.fixture
def served(serve):
    return serve()


@define
class Visitor:
    """Somebody who asks the server: with headers of his own, if he likes."""

    port: int
    base: str = "/"
    cookie: str = ""

    def ask(self, method, path, body=None, **headers):
        """Status, headers and text of an answer; a header that is None is left out."""
        sent = {"Host": f"127.0.0.1:{self.port}", "Cookie": self.cookie, **headers}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.putrequest(method, path, skip_host=True)
            for name, value in sent.items():
                if value:
                    connection.putheader(name.replace("_", "-"), value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def enter(self, url):
        """Open the address that was told, as a browser does."""
        path = url.partition(f":{self.port}")[2]
        status, headers, _ = self.ask("GET", path)
        if status == 303 and headers["Set-Cookie"]:
            self.cookie = headers["Set-Cookie"].partition(";")[0]
            self.base = path.partition("?")[0]
        return status

    def get(self, address=""):
        return self.ask("GET", f"{self.base}{address}")

    def page(self, address):
        status, _, body = self.get(address)
        assert status == 200, body
        return body.decode()

    def post(self, address, form, **headers):
        body = urlencode(form).encode()
        own = {
            "Origin": f"http://127.0.0.1:{self.port}",
            "Content_Type": "application/x-www-form-urlencoded",
            "Content_Length": str(len(body)),
        }
        return self.ask("POST", f"{self.base}{address}", body, **{**own, **headers})

    def form(self, address):
        """The hidden fields of the verdict's form on a page."""
        page = self.page(address)
        form = page.partition('class="verdict"')[2].partition("</form>")[0]
        found = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
        return {name: html.unescape(value) for name, value in found}

    def decide(self, place, verdict, comment="", **headers):
        form = {**self.form(f"{place}/"), "verdict": verdict, "comment": comment}
        return self.post(f"{place}/verdict", form, **headers)


@pytest.fixture
def visitor():
    """Somebody who asks a server: a function of its port."""
    return Visitor


@pytest.fixture
def guest(served):
    """A browser that came with the token."""
    found = Visitor(served.door.port)
    assert found.enter(served.door.url) == 303
    return found
