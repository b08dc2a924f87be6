"""kill -9 at any moment: the same products in the end, no finished recipe run twice."""

import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from astropy.io import fits
from phoenix_muse_sim import default_scenario, select, simulate

CONFIG = Path(__file__).parents[2] / "config" / "muse_deep.toml"
KILLS = 20
# Says when a recipe has ended, which esorex's own log does not tell from outside.
ESOREX = """#!/bin/sh
{esorex} "$@"
status=$?
echo "$status $*" >> {calls}
exit $status
"""


def site_of(folder: Path) -> Path:
    """One target with SKY, and an esorex that keeps a book of what it ended."""
    folder.mkdir()
    simulate(
        folder / "phoenix-data",
        select(default_scenario(), targets=["NGC300"]),
        deep=True,
    )
    esorex = folder / "esorex"
    calls = folder / "calls.log"
    esorex.write_text(ESOREX.format(esorex=shutil.which("esorex"), calls=calls))
    esorex.chmod(0o755)
    text = CONFIG.read_text()
    head = "[pgi_phoenix_GEN_esorex]\n"
    assert head in text
    swapped = text.replace(head, f'{head}esorex = "{esorex}" # ')
    (folder / "phoenix.toml").write_text(swapped)
    return folder


def start(site: Path) -> subprocess.Popen[bytes]:
    command = [str(Path(sys.executable).parent / "phoenix"), "-r", "094.D-0114B", "-P"]
    environment = {k: v for k, v in os.environ.items() if k != "PHOENIX_CONFIG"}
    return subprocess.Popen(
        command,
        cwd=site,
        env=environment | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def ended_recipes(site: Path) -> Counter[str]:
    """How often the recipe of each AB has ended with status 0, by the AB's log."""
    book = site / "calls.log"
    lines = book.read_text().splitlines() if book.exists() else []
    return Counter(
        word.removeprefix("--log-file=")
        for line in lines
        if line.startswith("0 ")
        for word in line.split()
        if word.startswith("--log-file=")
    )


def deep_sums(site: Path) -> dict[str, tuple[str, str]]:
    """DATASUM of the deep products' extensions: what they hold, headers aside."""
    sums = {}
    for path in site.glob("phoenix-data/product/MUSE_DEEP/*/*.fits"):
        with fits.open(path) as hdus:
            sums[path.name] = tuple(hdu.header.get("DATASUM", "") for hdu in hdus[1:])
    return sums


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    site = site_of(tmp_path_factory.mktemp("undisturbed") / "site")
    running = start(site)
    output, _ = running.communicate(timeout=120)
    assert running.returncode == 0, output.decode()
    return site


def test_killed_at_random_it_ends_as_if_nothing_had_happened(undisturbed, tmp_path):
    site = site_of(tmp_path / "site")
    chance = random.Random(20)  # noqa: S311, no secret
    killed = 0
    while killed < KILLS:
        running = start(site)
        try:
            running.wait(timeout=chance.uniform(0.6, 1.6))
            assert running.returncode == 0, running.stdout.read().decode()
            # Done before the kills are used up: open it again at its end.
            shutil.rmtree(site / "phoenix-data/ab")
            shutil.rmtree(site / "phoenix-data/product")
            (site / "calls.log").unlink()
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
            killed += 1
        running.stdout.close()
        twice = [name for name, times in ended_recipes(site).items() if times > 1]
        assert twice == []
    running = start(site)
    output, _ = running.communicate(timeout=120)
    assert running.returncode == 0, output.decode()
    assert ended_recipes(site) == ended_recipes(undisturbed)
    assert set(ended_recipes(site).values()) == {1}
    assert deep_sums(site) == deep_sums(undisturbed)
    assert deep_sums(site)


def test_after_a_clean_end_nothing_temporary_is_left(undisturbed):
    product = undisturbed / "phoenix-data/product"
    assert [p for p in product.rglob(".*") if p.is_file()] == []
