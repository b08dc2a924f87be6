"""The pages of the monitors, as a person reads them."""

import html5lib
import pytest
from attrs import frozen

RUN = ("-r", "094.A-0001A")


@frozen
class Pages:
    """What a site shows: rows of tables by page, and what waits as JSON."""

    example: object

    @property
    def folder(self):
        return self.example.root / "monitor"

    def document(self, name):
        """A page as a tree; what is not valid HTML is an error."""
        content = (self.folder / name).read_bytes()
        return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(
            content, transport_encoding="utf-8"
        )

    def rows(self, name):
        """The lines of the first table of a page: cells by heading."""
        table = self.document(name).find(".//table")
        heads = ["".join(th.itertext()) for th in table.findall("./thead/tr/th")]
        return [
            {
                head: "".join(cell.itertext()).strip()
                for head, cell in zip(heads, row.findall("td"), strict=True)
            }
            for row in table.findall("./tbody/tr")
        ]

    def line(self):
        """The line of the one run, on the page of its period."""
        (line,) = self.rows("FINISHED/histoMonitor_P094.html")
        return line


@pytest.fixture
def pages(example):
    return Pages(example)
