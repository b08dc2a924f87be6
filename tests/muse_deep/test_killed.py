"""kill -9 at any moment: the same products in the end, no finished recipe run twice."""

import os
import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from astropy.io import fits
from attrs import frozen

from phoenix_core.ab.file import read_blocks
from phoenix_core.testing.calling import call_program, start_program

CONFIG = Path(__file__).parents[2] / "config" / "muse_deep.toml"
RUN = "094.D-0114B"
KILLS = 20
# Says when a recipe has ended, which esorex's own log does not tell from outside.
ESOREX = """#!/bin/sh
{esorex} "$@"
status=$?
echo "$status $*" >> {calls}
exit $status
"""


@pytest.fixture
def site(observatory, tmp_path):
    """An observatory with an esorex that keeps a book of what it ended."""
    shutil.copytree(observatory, tmp_path / "phoenix-data")
    esorex = tmp_path / "esorex"
    calls = tmp_path / "calls.log"
    esorex.write_text(ESOREX.format(esorex=shutil.which("esorex"), calls=calls))
    esorex.chmod(0o755)
    text = CONFIG.read_text()
    head = "[pgi_phoenix_GEN_esorex]\n"
    assert head in text
    swapped = text.replace(head, f'{head}esorex = "{esorex}" # ')
    (tmp_path / "phoenix.toml").write_text(swapped)
    return tmp_path


@frozen
class Running:
    """A phoenix that processes a target, of which nobody knows how long it lives."""

    site: Path
    process: int
    book: int  # lines in the book before

    def killed(self, seconds: float) -> bool:
        """Kill it some time after its first call of esorex, if it lives then."""
        while len(book_of(self.site)) == self.book:
            if self.ended(0.01):
                return False
        if self.ended(seconds):
            return False
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        return True

    def ended(self, seconds: float) -> bool:
        """Whether it ended within some time; it has to end well."""
        until = time.monotonic() + seconds
        while not (ended := os.waitpid(self.process, os.WNOHANG))[0]:
            if time.monotonic() > until:
                return False
            time.sleep(0.01)
        assert ended[1] == 0, (self.site / "told").read_text()
        return True


def environment() -> dict[str, str]:
    others = {k: v for k, v in os.environ.items() if k != "PHOENIX_CONFIG"}
    return others | {"OMP_NUM_THREADS": "1"}


def start(site: Path, deep: str) -> Running:
    book = len(book_of(site))
    words = ["phoenix", "-r", RUN, "-a", deep, "-P"]
    told = site / "told"
    process = start_program(words, cwd=site, env=environment(), out=told)
    return Running(site, process, book)


def book_of(site: Path) -> list[str]:
    book = site / "calls.log"
    return book.read_text().splitlines() if book.exists() else []


def ended_recipes(site: Path) -> Counter[str]:
    """How often the recipe of each AB has ended with status 0, by the AB's log."""
    return Counter(
        word.removeprefix("--log-file=")
        for line in book_of(site)
        if line.startswith("0 ")
        for word in line.split()
        if word.startswith("--log-file=")
    )


def deep_sums(data: Path) -> dict[str, tuple[str, str]]:
    """DATASUM of the deep products' extensions: what they hold, headers aside."""
    sums = {}
    for path in data.glob("product/MUSE_DEEP/*/*.fits"):
        with fits.open(path) as hdus:
            sums[path.name] = tuple(hdu.header.get("DATASUM", "") for hdu in hdus[1:])
    return sums


def test_killed_at_random_it_ends_as_if_nothing_had_happened(site, reduced):
    deep = reduced.name("muse_exp_combine")
    part_1 = ["phoenix", "-r", RUN, "-a", deep, "-C"]  # and what is imported for it
    assert call_program(part_1, cwd=site, env=environment()).returncode == 0
    chance = random.Random(20)  # noqa: S311, no secret
    killed = 0
    while killed < KILLS:
        running = start(site, deep)
        if running.killed(chance.uniform(0.0, 1.0)):
            killed += 1
        else:
            # Done before the kills are used up: open it again at its end.
            shutil.rmtree(site / "phoenix-data/ab")
            shutil.rmtree(site / "phoenix-data/product")
            (site / "calls.log").unlink()
        twice = [name for name, times in ended_recipes(site).items() if times > 1]
        assert twice == []
    assert start(site, deep).ended(120)
    blocks = read_blocks(reduced.run.ab_dir)
    assert ended_recipes(site) == Counter(block.log_name for block in blocks)
    undisturbed = deep_sums(reduced.run.config.directories.root)
    assert undisturbed
    assert deep_sums(site / "phoenix-data") == undisturbed
    product = site / "phoenix-data/product"
    assert [p for p in product.rglob(".*") if p.is_file()] == []
