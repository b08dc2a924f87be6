"""An exposure is dropped from a finished run: only the deep cube is made again."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from astropy.io import fits
from astropy.time import Time
from attrs import frozen

from phoenix_core.ab.file import read_block
from phoenix_core.testing.calling import call_program

CONFIG = Path(__file__).parents[2] / "config" / "muse_deep.toml"
BIN = Path(sys.executable).parent
DATE = "2094-04-14"
RUN = "094.D-0114B"


@frozen
class Site:
    """A run at an observatory with the configuration of MUSE_DEEP."""

    root: Path
    deep: str  # the dpc AB

    @property
    def data(self):
        return self.root / "phoenix-data"

    @property
    def align(self):
        return self.deep.replace("_dpc", "_dal")

    def call(self, *words, program="phoenix", code=0):
        env = os.environ | {"PHOENIX_CONFIG": str(CONFIG), "OMP_NUM_THREADS": "1"}
        done = call_program([BIN / program, *words], cwd=self.root, env=env)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def phoenix(self, *words, code=0):
        return self.call("-r", RUN, "-a", self.deep, *words, code=code)

    def block(self, name, place="ab"):
        return read_block(self.data / place / DATE / name)

    def process(self):
        """The ABs that -P processes."""
        told = json.loads(self.phoenix("-P", "--json"))
        return [outcome["block"] for outcome in told["outcomes"]], told


@pytest.fixture
def site(reduced, tmp_path):
    """The reduced run, as a site of its own; reports are made of what is there."""
    shutil.copytree(reduced.run.config.directories.root, tmp_path / "phoenix-data")
    return Site(tmp_path, reduced.name("muse_exp_combine"))


def test_only_alignment_and_combination_run_again_and_the_rest_goes_on(site, reduced):
    first, second, *_ = reduced.names("muse_scipost")
    raw = first.replace("_pst.ab", ".fits")
    before = site.block(site.deep)
    site.phoenix("--drop", raw, "--why", "High_background")
    made, told = site.process()
    assert sorted(made) == [site.align, site.deep]
    deep = site.block(site.deep)
    for name, tag in ((site.align, "IMAGE_FOV"), (site.deep, "PIXTABLE_REDUCED")):
        takes = [entry.file for entry in site.block(name).sof if entry.tag == tag]
        assert len(takes) == 3
        assert not [file for file in takes if file.startswith(f"r.{first[:-3]}")]
    for qualifier in ("TARGET", "PROD_ROOT_NAME", "AB_NAME", "MJD-OBS", "RECIPE_PARAM"):
        assert deep.values(qualifier) == before.values(qualifier) != ()
    report = next(one for one in told["reports"] if one["block"] == site.deep)
    scores = {score["name"]: score for score in report["scores"]}
    assert scores["COMPLETENESS"]["is_passed"]

    # On to the archive: it has the name and the start of the first that is combined.
    review = ("-M", "--verdicts", "review.txt")
    site.phoenix(*review, code=5)
    table = site.root / "review.txt"
    table.write_text(table.read_text().replace(" TBD ", " ACCEPT "))
    site.phoenix(*review)
    for name in (first, second, site.align, site.deep):
        assert site.block(name, "logs").name == name
    assert not list((site.data / "ab" / DATE).glob(f"{first[:20]}*"))
    assert json.loads(site.phoenix("-C", "--json"))["abs"] == []
    site.call("-d", DATE, program="idpConvert_mu_deep")
    start = second.removeprefix("MUSE.").removesuffix("_pst.ab")
    (cube,) = (site.data / "reduced" / DATE / "conv").glob("MU_SCBD_*.fits")
    assert start in cube.name
    header = fits.getheader(cube)
    combined = [m.file for m in deep.mcalibs if m.tag == "PIXTABLE_REDUCED"]
    assert [header[f"PROV{n}"] for n in (1, 2, 3)] == [
        name.removesuffix("_pst.ab") for name in combined
    ]
    assert "PROV4" not in header
    assert header["NCOMBINE"] == 3
    assert header["MJD-OBS"] == pytest.approx(Time(start).mjd, abs=1e-7)


def test_fewer_than_two_exposures_are_refused_with_the_reason(site, reduced):
    first, second, third, _ = reduced.names("muse_scipost")
    before = site.block(site.deep).text
    told = site.phoenix(
        *(w for name in (first, second, third) for w in ("--drop", name)), code=2
    )
    assert "nothing was dropped: " in told
    assert "has 1 exposure; muse_exp_combine and muse_exp_align need at least 2" in told
    assert site.block(site.deep).text == before


def test_a_sky_exposure_is_no_exposure_of_the_deep_cube(site, reduced):
    (sky, *_) = reduced.names("muse_create_sky")
    told = site.phoenix("--drop", sky.replace("_sky.ab", ".fits"), code=2)
    assert "is no exposure of" in told
    assert "name those that are meant" in told
