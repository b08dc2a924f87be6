"""A run through the real recipes is what a careful person would have typed by hand."""

import json
import os
import subprocess
from pathlib import Path
from urllib.parse import unquote

import html5lib
import numpy as np
import pytest
from astropy.io import fits
from phoenix_muse_sim import simulate, truth_of_target
from phoenix_muse_sim.measure import measure_stars

from phoenix_core.testing.calling import call_program

CONFIG = Path(__file__).parents[2] / "config" / "muse_deep.toml"
DATE = "2094-04-14"
TARGETS = ("NGC300", "HDFS", "NGC288")
CROWDED = "NGC288"
ALIGN_CROWDED = (
    *("--threshold=100.", "--iterations=20000", "--srcmax=200", "--srcmin=2"),
    "--step=5.",
)
LAMBDA = ("--lambdamin", "--lambdamax")


def phoenix(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Type a phoenix command where the observatory's data lie."""
    env = os.environ | {"PHOENIX_CONFIG": str(CONFIG), "OMP_NUM_THREADS": "1"}
    return call_program(["phoenix", *words], cwd=site, env=env)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """An observatory whose run went through -C, -P and, with all accepted, -M."""
    site = tmp_path_factory.mktemp("site")
    simulate(site / "phoenix-data", deep=True)
    for part in ("-C", "-P"):
        done = phoenix(site, "-r", "094.D-0114B", part)
        assert done.returncode == 0, done.stdout + done.stderr
    review = ("-r", "094.D-0114B", "-M", "--verdicts", "review.txt")
    assert phoenix(site, *review).returncode == 5
    table = site / "review.txt"
    table.write_text(table.read_text().replace(" TBD ", " ACCEPT "))
    done = phoenix(site, *review)
    assert done.returncode == 0, done.stdout + done.stderr
    return site


def deep_products(site: Path) -> dict[str, Path]:
    """The deep cube of each target."""
    cubes = {}
    for ab in (site / f"phoenix-data/logs/{DATE}").glob("*_dpc.ab"):
        target = next(
            line.split()[1]
            for line in ab.read_text().splitlines()
            if line.startswith("TARGET")
        )
        name = f"r.{ab.name.removesuffix('.ab')}_DATACUBE_DEEP.fits"
        cubes[target] = site / f"phoenix-data/reduced/{DATE}" / name
    return cubes


class ByHand:
    """A person with esorex, an editor and the headers of the raw files."""

    def __init__(self, site: Path, workdir: Path) -> None:
        self.data = site / "phoenix-data"
        self.workdir = workdir
        self.calls = 0
        self.calib = {}
        for path in sorted(self.data.glob("calib/*/*.fits")):
            self.calib.setdefault(fits.getval(path, "ESO PRO CATG"), path)

    def esorex(self, recipe, sof, *params):
        self.calls += 1
        place = self.workdir / f"{self.calls:02d}_{recipe}"
        place.mkdir()
        (place / "sof").write_text("".join(f"{path} {tag}\n" for path, tag in sof))
        subprocess.run(
            ["esorex", "--log-dir=.", recipe, *params, "sof"],
            cwd=place,
            check=True,
            capture_output=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        return place

    def masters(self, *tags):
        return [(self.calib[tag], tag) for tag in tags]

    def exposures(self, target):
        """Raw files of a target by kind, in time, less the aborted one."""
        found = {"OBJECT": [], "SKY": []}
        for path in sorted(self.data.glob("raw/*/MUSE.*.fits")):
            header = fits.getheader(path)
            kind = header["ESO DPR TYPE"]
            is_aborted = kind == "OBJECT" and header["EXPTIME"] < 300
            if header["ESO OBS TARG NAME"] == target and not is_aborted:
                found[kind].append(path)
        return found

    def scibasic(self, raw, kind):
        masters = ("MASTER_BIAS", "MASTER_FLAT", "TRACE_TABLE", "WAVECAL_TABLE")
        others = [tag for tag in ("TWILIGHT_CUBE",) if tag in self.calib]
        sof = [(raw, kind), *self.masters(*masters, "GEOMETRY_TABLE", *others)]
        place = self.esorex(
            "muse_scibasic", sof, "--nifu=1", "--saveimage=false", "--overscan=vpoly:1"
        )
        return place / f"PIXTABLE_{kind}_0001-01.fits"

    def limits(self):
        """The wavelength range, as the history of the run has it."""
        text = next(self.data.glob(f"logs/{DATE}/*_pst.ab")).read_text()
        return [
            line.split()[1]
            for line in text.splitlines()
            if line.startswith("RECIPE_PARAM") and line.split()[1].startswith(LAMBDA)
        ]

    def sky(self, raw):
        table = self.scibasic(raw, "SKY")
        sof = [
            (table, "PIXTABLE_SKY"),
            *self.masters("EXTINCT_TABLE", "STD_RESPONSE", "STD_TELLURIC"),
            *self.masters("SKY_LINES", "LSF_PROFILE"),
        ]
        return self.esorex("muse_create_sky", sof, *self.limits())

    def scipost(self, target, raw, skies):
        table = self.scibasic(raw, "OBJECT")
        sof = [
            (table, "PIXTABLE_OBJECT"),
            *self.masters("EXTINCT_TABLE", "STD_RESPONSE", "STD_TELLURIC"),
            *self.masters("ASTROMETRY_WCS", "LSF_PROFILE", "FILTER_LIST"),
        ]
        if skies:
            nearest = min(skies, key=lambda sky: abs(when(sky) - when(raw)))
            sof += [(skies[nearest] / "SKY_LINES.fits", "SKY_LINES")]
            sof += [(skies[nearest] / "SKY_CONTINUUM.fits", "SKY_CONTINUUM")]
        else:
            sof += self.masters("SKY_LINES")
        method = "subtract-model" if skies else "model"
        method = "none" if target == CROWDED else method
        return self.esorex(
            "muse_scipost",
            sof,
            "--save=cube,individual",
            f"--skymethod={method}",
            "--filter=white",
            *self.limits(),
        )

    def deep(self, target):
        raw = self.exposures(target)
        skies = {path: self.sky(path) for path in raw["SKY"]}
        done = [self.scipost(target, path, skies) for path in raw["OBJECT"]]
        align = self.esorex(
            "muse_exp_align",
            [(place / "IMAGE_FOV_0001.fits", "IMAGE_FOV") for place in done],
            *(ALIGN_CROWDED if target == CROWDED else ()),
        )
        sof = [
            (place / "PIXTABLE_REDUCED_0001.fits", "PIXTABLE_REDUCED") for place in done
        ]
        sof += [(align / "OFFSET_LIST.fits", "OFFSET_LIST")]
        sof += self.masters("FILTER_LIST")
        place = self.esorex("muse_exp_combine", sof, "--filter=white", "--save=cube")
        return place / "DATACUBE_FINAL.fits"


def when(path: Path) -> float:
    return fits.getval(path, "MJD-OBS")


@pytest.mark.parametrize("target", TARGETS)
def test_the_deep_cube_equals_the_one_typed_by_hand_to_the_bit(site, tmp_path, target):
    cube = deep_products(site)[target]
    by_hand = ByHand(site, tmp_path).deep(target)
    with fits.open(cube) as ours, fits.open(by_hand) as theirs:
        for extension in ("DATA", "STAT"):
            mine, other = ours[extension].data, theirs[extension].data
            assert mine.dtype == other.dtype
            assert mine.tobytes() == other.tobytes()
        assert np.isfinite(ours["DATA"].data).any()
        assert ours[0].header["ESO PRO CATG"] == "DATACUBE_DEEP"


@pytest.mark.parametrize("target", TARGETS)
def test_pointing_errors_and_magnitudes_are_recovered(site, target):
    truth = truth_of_target(site / "phoenix-data", target)
    stars = measure_stars(deep_products(site)[target], truth)
    assert np.abs(stars["east"]).max() < 0.1
    assert np.abs(stars["north"]).max() < 0.1
    assert np.abs(stars["magnitude"]).max() < 0.1


def test_the_deep_cubes_carry_what_the_single_exposures_know(site):
    for cube in deep_products(site).values():
        header = fits.getheader(cube)
        assert header["NUM_SAT"] >= 0
        assert 0 <= header["WDEL_MAX"] < 0.5


def test_nothing_is_left_where_products_wait_but_what_nobody_accepted(site):
    left = [p for p in (site / "phoenix-data/product").rglob("*") if p.is_file()]
    assert left == []


def test_moved_targets_are_not_made_again(site):
    done = phoenix(site, "--json", "-r", "094.D-0114B", "-P")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["outcomes"] == []
    assert len(answer["notes"]) == len(TARGETS)


def test_after_the_move_every_link_of_the_pages_leads_somewhere(site):
    """The cover sheet has the exposures, and what MUSE_R made of the same OBs."""
    monitor = site / "phoenix-data" / "monitor"
    for name in ("cover", "status", "history"):
        page = monitor / f"{name}_{DATE}.html"
        parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
        tree = parser.parse(page.read_text("utf-8"))
        links = [
            node.get(key)
            for node in tree.iter()
            for key in ("href", "src")
            if isinstance(node.tag, str) and node.get(key)
        ]
        files = [unquote(link) for link in links if not link.startswith("#")]
        assert all((page.parent / file).is_file() for file in files), name
        text = page.read_text("utf-8")
        assert all(target in text for target in TARGETS)
        assert text.count("_pst.ab</a>") == 12
        assert "Channel for IFU 02 is missing (23 times)" in text
