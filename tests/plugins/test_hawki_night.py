"""HAWKI: nights from raw frames to certified products, with the real recipes."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from astropy.io import fits
from attrs import evolve, frozen
from phoenix_hawki.certify import _is_green
from phoenix_hawki.move import SCIENCE_PRODUCTS
from phoenix_hawki.post import INTERIM, process_ab_post_plugin
from phoenix_hawki.qc import process_qc_procedure
from phoenix_hawki.rename import rename_products_special_plugin
from phoenix_hawki.rules import process_ab_check_plugin
from phoenix_hawki_sim import default_scenario, simulate, truth_of_block
from phoenix_hawki_sim.measure import measure_stars

from phoenix_core.ab.file import read_block
from phoenix_core.ab.inputs import paths
from phoenix_core.config import ENVIRONMENT, read_config
from phoenix_core.errors import PgiError
from phoenix_core.fits.file import check_fits
from phoenix_core.loader.pgis import load
from phoenix_core.model import Move, Product, QcReport, Run, Score
from phoenix_core.move.plan import products_of
from phoenix_core.run.move_products import move
from phoenix_core.testing import (
    CertifPgiContract,
    CheckPluginContract,
    MoveProductsContract,
    PostPluginContract,
    QcProcedureContract,
    RenameProductsContract,
)
from phoenix_core.testing.outcome import run_parts

CONFIG = Path(__file__).parents[2] / "config" / "hawki.toml"
FIRST, SECOND = "2024-03-10", "2024-03-11"
DARK_20 = "HAWKI.2024-03-11T10:13:12.508_dark.ab"
NOISE = "HAWKI.2024-03-10T22:48:07.214_noise.ab"
IN_KS = "HAWKI.2024-03-10T23:41:23.652_sci.ab"
IN_J = "HAWKI.2024-03-11T00:30:41.087_sci.ab"
KS_AGAIN = "HAWKI.2024-03-11T23:41:23.652_sci.ab"
KS, J = 200100001, 200100002
STACK = "JITTERED_IMAGE_SCI"


@frozen
class Night:
    """A simulated observatory and the configuration that works on it."""

    root: Path
    config: Path

    def run(self, date=FIRST):
        return Run(date=date, config=read_config(self.config))

    def parts(self, letters, date=FIRST):
        return run_parts(self.config, date, letters)

    def block(self, name, date=FIRST):
        active = self.run(date).ab_path(name)
        return read_block(
            active if active.exists() else self.root / "logs" / date / name
        )

    def products(self, name, date=FIRST):
        return products_of(self.run(date), self.block(name, date))

    def product(self, name, category, date=FIRST):
        (found,) = [p for p in self.products(name, date) if p.category == category]
        return found.path

    def reduced(self, name, category, date=FIRST):
        stem = f"r.{name.removesuffix('.ab')}_{category}.fits"
        return self.root / "reduced" / date / stem


def night_in(directory, root=None, **replaced):
    root = root or directory / "data"
    text = CONFIG.read_text("utf-8").replace('"phoenix-nights"', f'"{root}"')
    for old, new in replaced.values():
        assert old in text
        text = text.replace(old, new)
    config = directory / "hawki.toml"
    config.write_text(text, "utf-8")
    return Night(root, config)


def copy_of(night, directory):
    shutil.copytree(night.root, directory / "data")
    return night_in(directory)


@pytest.fixture(scope="module", autouse=True)
def _plain_environment():
    with pytest.MonkeyPatch.context() as patch:
        for variable in ENVIRONMENT.values():
            patch.delenv(variable, raising=False)
        yield


@pytest.fixture(scope="module")
def processed(tmp_path_factory):
    """The first night, processed and not certified."""
    night = night_in(tmp_path_factory.mktemp("night"))
    simulate(night.root, default_scenario((FIRST, SECOND)))
    outcome = night.parts("CP")
    assert outcome.error == ""
    return night


@pytest.fixture(scope="module")
def certified(processed, tmp_path_factory):
    """Both nights, from raw frames to certified products."""
    night = copy_of(processed, tmp_path_factory.mktemp("certified"))
    for date, parts in ((FIRST, "M"), (SECOND, "CPM")):
        outcome = night.parts(parts, date)
        assert outcome.error == ""
    return night


@pytest.fixture
def night(processed, tmp_path):
    """A copy of the processed night, to do anything to."""
    return copy_of(processed, tmp_path)


# The main job -------------------------------------------------------------------


def test_all_abs_of_a_night_succeed_in_part_2(processed):
    blocks = [read_block(path) for path in (processed.root / "ab" / FIRST).glob("*.ab")]
    assert len(blocks) == 6
    assert {block.status.value for block in blocks} == {"SUCCESSFUL"}


@pytest.mark.parametrize(
    ("ob", "date", "name"),
    [(KS, FIRST, IN_KS), (J, FIRST, IN_J), (KS, SECOND, KS_AGAIN)],
)
def test_stars_of_a_certified_stack_are_where_and_what_they_are(
    certified, ob, date, name
):
    truth = truth_of_block(certified.root, ob, date)
    stars = measure_stars(certified.reduced(name, STACK, date), truth)
    assert len(stars) >= 14
    assert np.abs(stars["east"]).max() < 0.1
    assert np.abs(stars["north"]).max() < 0.1
    assert abs(np.median(stars["zero_point"])) < 0.05


def test_certified_files_are_where_they_belong(certified):
    names = {path.name for path in (certified.root / "reduced" / FIRST).iterdir()}
    assert names == {
        certified.reduced(name, category).name
        for name in (IN_KS, IN_J)
        for category in SCIENCE_PRODUCTS
        if not category.startswith("TILED")
    }
    masters = sorted(
        path.name for path in (certified.root / "calib" / FIRST).glob("r.*")
    )
    assert [name[32:] for name in masters] == [
        "noise_MASTER_READGAIN.fits",
        *["dark_MASTER_DARK.fits"] * 3,
    ]
    assert not list((certified.root / "product").rglob("*.fits"))
    assert not list((certified.root / "ab").rglob("*.ab"))
    assert len(list((certified.root / "plots" / FIRST).glob("*.png"))) == 6


def test_the_same_ob_of_another_night_is_another_product(certified):
    first = fits.getheader(certified.reduced(IN_KS, STACK))
    second = fits.getheader(certified.reduced(KS_AGAIN, STACK, SECOND))
    assert first["OBID1"] == second["OBID1"] == KS
    assert first["PROV1"] != second["PROV1"]


def test_green_products_are_certified_by_rule_alone(certified):
    path = certified.root / "monitor" / FIRST / "verdicts.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert {row["by"] for row in rows} == {"rule"}
    assert {row["verdict"] for row in rows} == {"ACCEPT"}
    assert len(rows) == 6


def test_masters_that_were_moved_change_nothing_of_their_night(certified):
    outcome = certified.parts("C")
    assert outcome.error == ""
    assert outcome.cascade.blocks == ()  # all are certified and moved already


def test_an_ob_that_comes_late_takes_the_masters_that_were_moved(tmp_path):
    night = night_in(tmp_path)
    simulate(night.root, default_scenario((FIRST,)))
    raw = night.root / "raw" / FIRST
    late = list(raw.glob("HAWKI.2024-03-11T00:3*"))
    assert late
    for file in late:
        file.rename(tmp_path / file.name)
    assert night.parts("CPM").error == ""
    assert not night.run().moved_path(IN_J).exists()
    masters = {p: p.stat().st_mtime_ns for p in (night.root / "calib").rglob("r.*")}
    assert len(masters) == 4
    for file in late:
        (tmp_path / file.name).rename(file)
    outcome = night.parts("CPM")
    assert outcome.error == ""
    assert [block.name for block in outcome.cascade.blocks] == [IN_J]
    assert night.reduced(IN_J, STACK).exists()
    assert masters == {path: path.stat().st_mtime_ns for path in masters}


# The same as by hand ------------------------------------------------------------


def by_hand(directory, recipe, params, frames):
    """Call a recipe as a person types it; return its products by category."""
    directory.mkdir()
    sof = directory / "in.sof"
    sof.write_text("".join(f"{path} {tag}\n" for path, tag in frames))
    listed = directory / "out.json"
    done = subprocess.run(
        [
            "esorex",
            f"--output-dir={directory}",
            f"--log-dir={directory}",
            f"--products-sof={listed}",
            recipe,
            *params,
            sof,
        ],
        cwd=directory,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    found = {}
    for row in json.loads(listed.read_bytes()):
        found.setdefault(row["category"], []).append(directory / row["name"])
    return found


def data_of(path):
    """The data of a file: images by HDU, columns of tables by HDU and name."""
    found = {}
    with fits.open(path) as hdus:
        for number, hdu in enumerate(hdus):
            if isinstance(hdu, fits.BinTableHDU):
                for name in hdu.columns.names:
                    found[number, name] = np.array(hdu.data[name])
            elif hdu.data is not None:
                found[number] = hdu.data.copy()
    return found


def assert_same_data(path, other):
    ours, theirs = data_of(path), data_of(other)
    assert ours
    assert list(ours) == list(theirs)
    for place, values in ours.items():
        told = f"{path.name} {place}"
        assert values.dtype == theirs[place].dtype, told
        np.testing.assert_array_equal(values, theirs[place], told)


def test_products_are_those_of_esorex_typed_by_hand(processed, tmp_path):
    raw = processed.root / "raw" / FIRST
    calib = processed.root / "calib"
    darks = [raw / f"HAWKI.2024-03-11T10:13:{s}.fits" for s in ("12.508", "46.825")]
    darks.append(raw / "HAWKI.2024-03-11T10:14:21.142.fits")
    dark = by_hand(
        tmp_path / "dark", "hawki_dark_combine", [], [(path, "DARK") for path in darks]
    )["MASTER_DARK"][0]
    assert_same_data(processed.product(DARK_20, "MASTER_DARK"), dark)

    flats = [raw / f"HAWKI.2024-03-10T22:48:{s}.fits" for s in ("07.214", "23.531")]
    pair = [raw / f"HAWKI.2024-03-11T10:05:{s}.fits" for s in ("12.508", "28.825")]
    conf = calib / "2024-03-08" / "HA_CONF_Ks_240308.fits"
    noise = by_hand(
        tmp_path / "noise",
        "hawki_detector_noise",
        [],
        [
            *((path, "FLAT_TWILIGHT") for path in flats),
            *((path, "DARK") for path in pair),
            (conf, "MASTER_CONF"),
        ],
    )["MASTER_READGAIN"][0]
    assert_same_data(processed.product(NOISE, "MASTER_READGAIN"), noise)

    static = calib / "2024-01-10"
    science = by_hand(
        tmp_path / "science",
        "hawki_science_process",
        [
            "--stk_cat_nbsize=64",
            "--psm_nbsize=64",
            "--stk_cat_thresh=5",
            "--stk_cat_rcore=8",
        ],
        [
            (raw / "HAWKI.2024-03-11T00:30:41.087.fits", "OBJECT"),
            (raw / "HAWKI.2024-03-11T00:31:49.721.fits", "OBJECT"),
            (raw / "HAWKI.2024-03-11T00:31:15.404.fits", "SKY"),
            (raw / "HAWKI.2024-03-11T00:32:24.038.fits", "SKY"),
            (dark, "MASTER_DARK"),
            (calib / "2024-03-09" / "HA_MTFL_J_240309.fits", "MASTER_TWILIGHT_FLAT"),
            (calib / "2024-03-09" / "HA_CONF_J_240309.fits", "MASTER_CONF"),
            (noise, "MASTER_READGAIN"),
            (static / "HA_PHOT_240110.fits", "PHOTCAL_TAB"),
            (static / "HA_CATA_240110.fits", "MASTER_LOCAL_CATALOGUE_ASTROM"),
            (static / "HA_CATP_240110.fits", "MASTER_LOCAL_CATALOGUE_PHOTOM"),
            (static / "HA_SCHN_240110.fits", "SCHLEGEL_MAP_NORTH"),
            (static / "HA_SCHS_240110.fits", "SCHLEGEL_MAP_SOUTH"),
        ],
    )
    ours = {}
    for product in processed.products(IN_J):
        ours.setdefault(product.category, []).append(product.path)
    assert {c: len(found) for c, found in ours.items()} == {
        c: len(found) for c, found in science.items()
    }
    for category, found in science.items():
        for mine, typed in zip(ours[category], found, strict=True):
            assert_same_data(mine, typed)


def test_the_cache_of_one_call_is_not_seen_by_the_next(night):
    """With the cache of the call before, a catalogue of elsewhere would not be seen."""
    for path in (night.root / "calib" / "2024-01-10").glob("HA_CAT*"):
        with fits.open(path) as hdus:
            hdus[1].data["Dec"] -= 5.0
            hdus.writeto(path, overwrite=True, checksum=True)
    outcome = night.parts("CP")
    failed = {o.block: o.cause for o in outcome.outcomes if o.cause}
    assert set(failed) == {IN_KS, IN_J}
    assert all("no reference star was found" in cause for cause in failed.values())
    assert not list(night.root.rglob(".catcache"))


# Headers ------------------------------------------------------------------------


@pytest.mark.parametrize("name", [IN_KS, IN_J])
def test_products_name_each_other_as_they_are_published(processed, name):
    published = {product.path.name for product in processed.products(name)}
    raws = {raw.file for raw in processed.block(name).rawfiles}
    named = set()
    for product in processed.products(name):
        header = fits.getheader(product.path)
        assert header["PIPEFILE"] == product.path.name
        for key in header:
            if key.startswith(("ASSON", "PROV")):
                assert header[key] in published | raws
                named.add(header[key])
        assert check_fits(product.path).problems == ()
    stem = f"r.{name.removesuffix('.ab')}"
    assert {
        f"{stem}_CONFIDENCE_MAP_JITTERED.fits",
        f"{stem}_JITTERED_VAR_IMAGE.fits",
        f"{stem}_JITTERED_IMAGE_SCI.fits",
    } <= named


def test_single_exposures_and_skies_are_interim(processed):
    states = {r.category: r.state for r in processed.block(IN_J).products}
    assert {c for c, state in states.items() if state == "INTERIM"} == INTERIM


def test_tiles_come_of_the_single_exposures_which_go_then(processed, tmp_path):
    night = night_in(
        tmp_path,
        shutil.copytree(processed.root, tmp_path / "data"),
        tile=("tile        = false", "tile        = true "),
        far=("difference_max = 0.5", "difference_max = 5.0"),
    )
    (night.root / "ab" / FIRST / IN_KS).unlink()  # one OB is enough
    for raw in (night.root / "raw" / FIRST).glob("*T23:41*"):
        raw.unlink()
    outcome = night.parts("CPM")
    assert outcome.error == ""
    tile = IN_J.replace("_sci", "_tile")
    truth = truth_of_block(night.root, J)
    stars = measure_stars(night.reduced(tile, "TILED_IMAGE"), truth)
    assert len(stars) >= 14
    assert np.abs(stars["east"]).max() < 0.1
    assert abs(np.median(stars["zero_point"])) < 0.05
    header = fits.getheader(night.reduced(tile, "TILED_OBJECT_CATALOGUE"))
    assert header["PROV1"] == night.reduced(tile, "TILED_IMAGE").name
    states = {r.category: r.state for r in night.block(IN_J).products}
    assert {c for c, state in states.items() if state == "DELETED"} == INTERIM
    assert night.reduced(IN_J, STACK).exists()


# QC -----------------------------------------------------------------------------


def report_of(night, name):
    block = night.block(name)
    path = night.run().product_dir(block.raw_type) / f"{block.root}.qc.json"
    return json.loads(path.read_text("utf-8"))


@pytest.mark.parametrize(("ob", "name"), [(KS, IN_KS), (J, IN_J)])
def test_the_qc_finds_the_zero_point_and_the_seeing(processed, ob, name):
    truth = truth_of_block(processed.root, ob)
    found = report_of(processed, name)["parameters"]
    assert found["ZEROPOINT"] == pytest.approx(truth["zero_point"], abs=0.03)
    assert found["ZEROPOINT_RMS"] < 0.03
    assert found["N_STARS"] >= 14
    seeing = [one["seeing"] for one in truth["exposures"] if one["kind"] == "OBJECT"]
    assert found["IMAGE_QUALITY"] == pytest.approx(np.mean(seeing), abs=0.03)
    assert found["POSITION_MAX"] < 0.1
    assert found["WCS_RMS"] < 0.1
    assert found["FILTER"] == truth["filter"]
    # Five times the noise of the sky within the star's core: of that order.
    assert 20 < found["LIMITING_MAG"] < 25


def test_the_qc_finds_read_noise_gain_and_dark_level(processed):
    truth = truth_of_block(processed.root, KS)
    noise = report_of(processed, NOISE)["parameters"]
    assert noise["READ_NOISE"] == pytest.approx(truth["read_noise"], abs=0.4)
    assert noise["GAIN"] == pytest.approx(truth["gain"], abs=0.1)
    dark = report_of(processed, DARK_20)["parameters"]
    assert dark["LEVEL"] == pytest.approx(12 + 20, abs=0.5)
    assert dark["DIT"] == 20.0


def qc_of(night, block, products):
    return process_qc_procedure(run=night.run(), block=block, products=products)


def test_a_product_whose_zero_point_is_not_that_of_its_stars_waits_for_a_person(night):
    products = night.products(IN_J)
    stack = next(p.path for p in products if p.category == "JITTERED_IMAGE_SCI")
    assert _is_green(qc_of(night, night.block(IN_J), products))
    with fits.open(stack, "update") as hdus:
        for hdu in hdus[1:]:
            hdu.header["ESO QC MAGZPT"] += 1.3
    report = qc_of(night, night.block(IN_J), products)
    bad = [score.name for score in report.scores if not score.is_passed]
    assert bad == ["ZEROPOINT_DIFFERENCE"]


def test_a_calibration_that_was_not_the_first_choice_is_said(night):
    block = night.block(IN_J)
    text = block.text.replace("MASTER_TWILIGHT_FLAT  # level 1", "{}", 1)
    assert text != block.text
    far = block.parse(text.format("MASTER_TWILIGHT_FLAT  # level 2"))
    report = qc_of(night, far, night.products(IN_J))
    assert report.comments == ("MASTER_TWILIGHT_FLAT of level 2",)
    assert qc_of(night, block, night.products(IN_J)).comments == ()


class OnTheNight:
    """Contracts on a copy of the processed night."""

    name: ClassVar[str] = IN_J

    @pytest.fixture
    def run(self, night):
        return night.run()

    @pytest.fixture
    def block(self, night):
        return night.block(self.name)

    @pytest.fixture
    def products(self, night):
        return night.products(self.name)


class TestQcOfAnOb(OnTheNight, QcProcedureContract):
    pgi = "pgi_phoenix_HAWKI_QC"


class TestQcOfADark(TestQcOfAnOb):
    name = DARK_20


class TestQcOfTheNoise(TestQcOfAnOb):
    name = NOISE


def test_without_reference_stars_the_zero_point_is_no_value(night):
    """An image that cannot be scored is red, not green."""
    for path in (night.root / "calib" / "2024-01-10").glob("HA_CATP*"):
        with fits.open(path) as hdus:
            hdus[1].data["Dec"] -= 5.0
            hdus.writeto(path, overwrite=True, checksum=True)

    report = process_qc_procedure(night.run(), night.block(IN_J), night.products(IN_J))
    assert report.parameters["N_STARS"] == 0
    scores = {score.name: score for score in report.scores}
    assert scores["ZEROPOINT"].value is None
    assert not report.is_green


# Rules --------------------------------------------------------------------------


class TestRules(OnTheNight, CheckPluginContract):
    pgi = "pgi_phoenix_HAWKI_rules"

    @pytest.fixture
    def spoiled(self, night):
        path = night.product(self.name, STACK)
        with fits.open(path) as hdus:
            hdus[0].header["FLUXCAL"] = "UNCALIBRATED"
            hdus.writeto(path, overwrite=True)
        return night.products(self.name)


class TestRulesOfADark(TestRules):
    name = DARK_20

    @pytest.fixture
    def spoiled(self, night):
        path = night.product(self.name, "MASTER_DARK")
        with fits.open(path) as hdus:
            hdus[2].data = hdus[2].data[:64]
            hdus.writeto(path, overwrite=True)
        return night.products(self.name)


class TestRulesOfTheNoise(TestRules):
    name = NOISE

    @pytest.fixture
    def spoiled(self, night):
        path = night.product(self.name, "MASTER_READGAIN")
        with fits.open(path) as hdus:
            hdus[1].data["GAIN"][2] = -640.0
            hdus.writeto(path, overwrite=True)
        return night.products(self.name)


def change_header(path, hdu, **cards):
    with fits.open(path) as hdus:
        for key, value in cards.items():
            name = key.replace("_", " ") if key.startswith("ESO") else key
            hdus[hdu].header[f"HIERARCH {name}" if " " in name else name] = value
        hdus.writeto(path, overwrite=True, checksum=True)


SILENT = {
    "a default zero point": (STACK, 2, {"ZPFUDGED": True}, "ZPFUDGED"),
    "no star in the zero point": (STACK, 1, {"ESO_QC_MAGNZPT": 0}, "from 0 stars"),
    "a dummy": (STACK, 3, {"ESO_DRS_IMADUMMY": True}, "dummy on CHIP4.INT1"),
    "a lost exposure": (STACK, 0, {"NCOMBINE": 1}, "1 of 2 exposures"),
}


@pytest.mark.parametrize("what", SILENT)
def test_what_a_recipe_does_not_say_is_said(night, what):
    category, hdu, cards, told = SILENT[what]
    change_header(night.product(IN_J, category), hdu, **cards)
    messages = findings_of(night, IN_J, night.products(IN_J))
    assert any(told in message for message in messages), messages


def findings_of(night, name, products):

    found = process_ab_check_plugin(night.run(), night.block(name), products)
    assert all(finding.is_error for finding in found)
    return [finding.message for finding in found]


def test_a_stack_without_light_on_a_chip_is_no_success(night):
    path = night.product(IN_J, STACK)
    with fits.open(path) as hdus:
        hdus[2].data[:] = 0
        hdus.writeto(path, overwrite=True, checksum=True)
    (message,) = findings_of(night, IN_J, night.products(IN_J))
    assert "no light on some chip" in message


def test_a_catalogue_without_extensions_is_no_success(night):
    path = night.product(IN_J, "OBJECT_CATALOGUE_JITTERED")
    with fits.open(path) as hdus:
        fits.HDUList(hdus[:1]).writeto(path, overwrite=True)
    messages = findings_of(night, IN_J, night.products(IN_J))
    assert any("0 tables of stars, not 4" in message for message in messages)


def test_a_product_that_is_not_there_is_no_success(night):
    products = [p for p in night.products(IN_J) if p.category != "JITTERED_VAR_IMAGE"]
    (message,) = findings_of(night, IN_J, products)
    assert "made 0 JITTERED_VAR_IMAGE instead of 1" in message


def test_a_blank_frame_is_told(night):
    (path, _), *_ = paths(night.run(), night.block(IN_J))
    with fits.open(path) as hdus:
        hdus[4].data[:] = 0
        hdus.writeto(path, overwrite=True, checksum=True)
    (message,) = findings_of(night, IN_J, night.products(IN_J))
    assert f"{path.name}[CHIP3.INT1] has one value in all its pixels" in message


# Post, move, rename, certify ----------------------------------------------------


class TestPost(OnTheNight, PostPluginContract):
    pgi = "pgi_phoenix_HAWKI_post"

    @pytest.fixture
    def products(self, night):
        """As the recipe leaves them: under its own names, in the work directory."""
        workdir = night.run().work_dir(self.name)
        workdir.mkdir(parents=True)
        path = workdir / "stack_1.fits"
        shutil.copy(night.product(self.name, STACK), path)
        change_header(path, 0, PIPEFILE="stack_1.fits", ASSON1="stack_var_1.fits")
        other = workdir / "stack_var_1.fits"
        shutil.copy(night.product(self.name, "JITTERED_VAR_IMAGE"), other)
        return [
            Product(path, STACK, self.name),
            Product(other, "JITTERED_VAR_IMAGE", self.name),
        ]

    def test_local_names_become_published_ones(self, block, products):
        process_ab_post_plugin(block, products)
        header = fits.getheader(products[0].path)
        assert header["PIPEFILE"] == f"{block.root}_{STACK}.fits"
        assert header["ASSON1"] == f"{block.root}_JITTERED_VAR_IMAGE.fits"
        assert check_fits(products[0].path).problems == ()


class TestMove(OnTheNight, MoveProductsContract):
    pgi = "pgi_phoenix_HAWKI_move"


class TestRename(OnTheNight, RenameProductsContract):
    pgi = "pgi_phoenix_HAWKI_rename"

    @pytest.fixture
    def moves(self, night):
        return moves_of(night)


def moves_of(night):
    target = night.root / "reduced" / FIRST
    return [
        Move(product.path, target / product.path.name)
        for product in night.products(IN_J)
        if product.category in SCIENCE_PRODUCTS
    ]


def test_a_product_that_another_one_names_has_to_go_along(night):
    moves = [m for m in moves_of(night) if "CONFIDENCE" not in m.source.name]
    with pytest.raises(PgiError, match=r"names r\..*CONFIDENCE_MAP.* in ASSON1"):
        rename_products_special_plugin(moves)


def test_an_unknown_category_does_not_go(night):
    change_header(night.product(IN_J, STACK), 0, ESO_PRO_CATG="STACK")
    with pytest.raises(PgiError, match=r"unknown PRO\.CATG 'STACK'"):
        rename_products_special_plugin(moves_of(night))


class TestCertify(CertifPgiContract):
    pgi = "phoenixCertify_HAWKI"


def make_red(night, name):
    """Have a report with a failed score, as the core would keep it."""
    block = night.block(name)
    path = night.run().product_dir(block.raw_type) / f"{block.root}.qc.json"
    document = json.loads(path.read_text("utf-8"))
    document["scores"][0]["high"] = -1.0
    path.write_text(json.dumps(document), "utf-8")


def test_what_is_red_waits_for_a_person_and_green_goes(night, tmp_path):
    make_red(night, IN_J)
    table = tmp_path / "verdicts.txt"
    run = evolve(night.run(), verdicts=table)
    green = move_with(night, run)
    assert {v.by for v in green.accepted} == {"rule"}
    assert [stays.block for stays in green.undecided] == [IN_J]
    assert night.reduced(IN_KS, STACK).exists()
    assert not night.reduced(IN_J, STACK).exists()
    text = table.read_text("utf-8")
    assert IN_J in text
    assert IN_KS not in text
    filled = text.replace(" TBD ", " ACCEPT ").replace('""', '"looked at"')
    table.write_text(filled, "utf-8")
    rest = move_with(night, run)
    assert IN_J in {v.block for v in rest.accepted if v.by != "rule"}
    assert night.reduced(IN_J, STACK).exists()


def move_with(night, run):

    return move(run, load(run.config))


def test_science_made_with_a_red_dark_is_not_certified_by_rule(night, tmp_path):
    make_red(night, DARK_20)
    table = tmp_path / "verdicts.txt"
    done = move_with(night, evolve(night.run(), verdicts=table))
    assert IN_J not in {verdict.block for verdict in done.accepted}
    assert {IN_J, DARK_20} <= set(table.read_text("utf-8").split())


def test_a_report_without_scores_is_not_green():

    assert not _is_green(QcReport("a.ab"))
    assert _is_green(QcReport("a.ab", scores=(Score("A", 1.0, high=2.0),)))
