"""The pages of the monitors, as a person reads them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import html5lib
import pytest
from attrs import frozen

BIN = Path(sys.executable).parent
CONFIG = Path(__file__).parents[2] / "config" / "example.toml"
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


@pytest.fixture(scope="session")
def done_once(simulated, tmp_path_factory):
    """The simulated run after -P and after -M; each part is done once for all."""
    base = tmp_path_factory.mktemp("monitors")
    root, config = base / "data", base / "phoenix.toml"
    shutil.copytree(simulated, root)
    text = CONFIG.read_text("utf-8").replace("phoenix-data/example", str(root))
    config.write_text(text, "utf-8")
    found = {}
    for part in ("-P", "-M"):
        command = [BIN / "phoenix", "--config", config, *RUN, part]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("DF")}
        subprocess.run(command, check=True, capture_output=True, env=environment)
        found[part] = shutil.copytree(root, base / part)
    return found


@pytest.fixture
def processed(example, done_once):
    """The run after -P."""
    shutil.rmtree(example.root)
    shutil.copytree(done_once["-P"], example.root)
    return example


@pytest.fixture
def moved(example, done_once):
    """The run after -M."""
    shutil.rmtree(example.root)
    shutil.copytree(done_once["-M"], example.root)
    return example


@pytest.fixture
def monitor(call):
    """A function that calls phoenixMonitor -P."""

    def monitor():
        done = call("-P", program="phoenixMonitor")
        assert done.returncode == 0, done.stderr
        return done

    return monitor


@pytest.fixture
def pages(example):
    return Pages(example)
