"""From the history of observations to deep datacubes of just the selected exposures."""

import os
import re
from pathlib import Path

import pytest
from astropy.io import fits
from phoenix_muse_sim import default_scenario, simulate
from phoenix_muse_sim.scenario import select

from muse_deep_plugin.qc_keywords import offsets
from phoenix_core.testing.calling import call_program

CONFIG = Path(__file__).parents[3] / "config" / "muse_deep.toml"
RUNS = Path("phoenix-data/monitor/FINISHED/RUN")
GTO = ("096.D-0175(A)", "097.D-0107(A)")
ABORTED = "r.MUSE.2014-10-24T00:29:03.355_pst.fits"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """An observatory with a target in two OBs, one of a GTO pair, and its history."""
    site = tmp_path_factory.mktemp("way")
    wanted = select(default_scenario(), ("094.D-0114B", *GTO), ("HDFS", "NGC3201"))
    simulate(site / "phoenix-data", wanted)
    tables = sorted(map(str, (site / "phoenix-data/history").glob("*.ecsv")))
    typed(site, "phoenix", "qc1", "import", *tables)
    typed(site, "phoenix_getInfoRun", "-A")
    return site


def typed(site, *words, code=0):
    """Type a command where the observatory's data lie."""
    env = os.environ | {"PHOENIX_CONFIG": str(CONFIG), "OMP_NUM_THREADS": "1"}
    done = call_program(words, cwd=site, env=env)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def add(file, *lines):
    with file.open("a", encoding="utf-8") as text:
        text.writelines(f"{line}\n" for line in lines)


def process_and_accept(site, run):
    """Do all three parts of a run; return its deep datacubes."""
    for part in ("-C", "-P"):
        typed(site, "phoenix", "-r", run, part)
    review = ("phoenix", "-r", run, "-M", "--verdicts", f"{run}.txt")
    typed(site, *review, code=5)
    table = site / f"{run}.txt"
    text = table.read_text("utf-8").replace(" TBD ", " ACCEPT ")
    table.write_text(re.sub('""$', '"seen"', text, flags=re.MULTILINE), "utf-8")
    typed(site, *review)
    return sorted((site / "phoenix-data/reduced").rglob("*_DATACUBE_DEEP.fits"))


def exposures_in(cube):
    """The raw files that a datacube was really combined from."""
    found = {one.exposure for one in offsets(fits.getheader(cube))}
    return sorted(f"r.MUSE.{start}_pst.fits" for start in found)


def test_the_deep_datacube_is_of_just_the_exposures_that_were_selected(site):
    add(site / RUNS / "RUN_TYPE.txt", "094.D-0114B 94 deep YES")
    typed(site, "phoenix_getInfoRun", "-r", "094.D-0114(B)")
    file = site / RUNS / "094.D-0114B.txt"
    lines = file.read_text("utf-8").splitlines()
    edited = [f"#{line}" if ABORTED in line else line for line in lines]
    assert edited != lines
    file.write_text("\n".join(edited) + "\n", "utf-8")
    typed(site, "phoenix_createDeep", "-r", "094.D-0114(B)", "--yes")
    (cube,) = process_and_accept(site, "094.D-0114B")
    kept = [line.split()[2] for line in edited if line.strip() and line[0] != "#"]
    assert exposures_in(cube) == [name for name in kept if name.endswith("_pst.fits")]
    assert len(exposures_in(cube)) == 4


def test_two_runs_with_one_ob_each_make_one_deep_datacube(site):
    master, slave = GTO
    add(site / RUNS / "RUN_TYPE.txt", f"{master} 96 multi YES")
    add(site / RUNS / "RUN_MULTI.txt", f"{master} M", f"{slave} S {master}")
    typed(site, "phoenix_getInfoRun", "-r", master)
    typed(site, "phoenix_createDeep", "-r", master, "--crowded", "--yes")
    before = set((site / "phoenix-data/reduced").rglob("*_DATACUBE_DEEP.fits"))
    (cube,) = set(process_and_accept(site, "096.D-0175A")) - before
    assert len(exposures_in(cube)) == 4
    header = fits.getheader(cube)
    assert header["ESO OBS TARG NAME"] == "NGC3201"
