"""HAWKI, part 1: ABs out of raw frames by rules, the cascade, jobs, and warnings."""

import doctest
import shutil
from pathlib import Path
from typing import ClassVar

import pytest
from astropy.io import fits
from attrs import evolve
from phoenix_hawki import qc_style, steps
from phoenix_hawki.ab import ab_pgi, tile_of
from phoenix_hawki.input_checks import count_problems, input_problems
from phoenix_hawki.steps import STEPS, step_of
from phoenix_hawki.stream import job_pgi
from phoenix_hawki_sim import default_scenario, simulate
from phoenix_hawki_sim.cli import spoil

from phoenix_core import hookspecs
from phoenix_core.ab.inputs import find_file
from phoenix_core.config import read_config
from phoenix_core.loader.pgis import load
from phoenix_core.model import AssociationBlock, Cascade, Run
from phoenix_core.testing import (
    AbPgiContract,
    AbSourceContract,
    HdrPgiContract,
    JobPgiContract,
    toy_block,
)

CONFIG = Path(__file__).parents[2] / "config" / "hawki.toml"
NIGHT = "2024-03-10"
DARK_10 = "HAWKI.2024-03-11T10:09:12.508_dark.ab"
DARK_20 = "HAWKI.2024-03-11T10:13:12.508_dark.ab"
NOISE = "HAWKI.2024-03-10T22:48:07.214_noise.ab"
IN_KS = "HAWKI.2024-03-10T23:41:23.652_sci.ab"
IN_J = "HAWKI.2024-03-11T00:30:41.087_sci.ab"

STATIC = {
    ("REAL", "HA_PHOT_240110.fits", "PHOTCAL_TAB"),
    ("REAL", "HA_CATA_240110.fits", "MASTER_LOCAL_CATALOGUE_ASTROM"),
    ("REAL", "HA_CATP_240110.fits", "MASTER_LOCAL_CATALOGUE_PHOTOM"),
    ("REAL", "HA_SCHN_240110.fits", "SCHLEGEL_MAP_NORTH"),
    ("REAL", "HA_SCHS_240110.fits", "SCHLEGEL_MAP_SOUTH"),
}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """One night: an OB in Ks, one in J with SKY, and their calibrations."""
    root = tmp_path_factory.mktemp("hawki")
    simulate(root, default_scenario((NIGHT,)))
    return root


@pytest.fixture
def root(simulated, tmp_path):
    return shutil.copytree(simulated, tmp_path / "data")


@pytest.fixture
def run(root, tmp_path, monkeypatch):
    return make_run(root, tmp_path, monkeypatch)


def make_run(root, tmp_path, monkeypatch):
    for name in ("RAW", "CAL", "AB", "SCI", "LOG", "PLT", "LST", "MON", "JOB"):
        monkeypatch.delenv(f"DFO_{name}_DIR", raising=False)
    monkeypatch.delenv("DFS_PRODUCT", raising=False)
    text = CONFIG.read_text("utf-8")
    assert 'root = "phoenix-nights"' in text
    path = tmp_path / "hawki.toml"
    path.write_text(text.replace('"phoenix-nights"', f'"{root}"'), "utf-8")
    return Run(date=NIGHT, config=read_config(path))


def blocks_of(run):
    return load(run.config).call(hookspecs.ab_source, run=run)


@pytest.fixture
def blocks(run):
    return blocks_of(run)


@pytest.fixture
def by_name(blocks):
    return {block.name: block for block in blocks}


def made_of(block):
    raws = [(raw.file[6:-5], raw.tag) for raw in block.rawfiles]
    return raws, {(m.kind, m.file, m.tag) for m in block.mcalibs}


# Rules --------------------------------------------------------------------------


def test_the_configuration_loads_as_it_is():
    load(read_config(CONFIG))


def test_darks_are_grouped_by_dit(by_name):
    darks = [b for b in by_name.values() if b.recipe == "hawki_dark_combine"]
    assert sorted(len(block.rawfiles) for block in darks) == [3, 3, 3]
    assert {block.raw_type for block in darks} == {"DARK"}
    assert made_of(by_name[DARK_10])[0] == [
        ("2024-03-11T10:09:12.508", "DARK"),
        ("2024-03-11T10:09:36.825", "DARK"),
        ("2024-03-11T10:10:01.142", "DARK"),
    ]


def test_noise_comes_from_two_flats_and_two_darks_of_their_dit(by_name):
    raws, calibrations = made_of(by_name[NOISE])
    assert sorted(raws) == [
        ("2024-03-10T22:48:07.214", "FLAT_TWILIGHT"),
        ("2024-03-10T22:48:23.531", "FLAT_TWILIGHT"),
        ("2024-03-11T10:05:12.508", "DARK"),
        ("2024-03-11T10:05:28.825", "DARK"),
    ]
    assert calibrations == {("REAL", "HA_CONF_Ks_240308.fits", "MASTER_CONF")}


def test_an_ob_without_sky_takes_the_masters_of_its_dit_and_filter(by_name):
    raws, calibrations = made_of(by_name[IN_KS])
    assert raws == [
        ("2024-03-10T23:41:23.652", "OBJECT"),
        ("2024-03-10T23:41:47.969", "OBJECT"),
    ]
    assert calibrations == STATIC | {
        ("VIRTUAL", DARK_10, "MASTER_DARK"),
        ("VIRTUAL", NOISE, "MASTER_READGAIN"),
        ("REAL", "HA_MTFL_Ks_240308.fits", "MASTER_TWILIGHT_FLAT"),
        ("REAL", "HA_CONF_Ks_240308.fits", "MASTER_CONF"),
    }


def test_an_ob_with_sky_is_one_ab(by_name):
    raws, calibrations = made_of(by_name[IN_J])
    assert raws == [
        ("2024-03-11T00:30:41.087", "OBJECT"),
        ("2024-03-11T00:31:49.721", "OBJECT"),
        ("2024-03-11T00:31:15.404", "SKY"),
        ("2024-03-11T00:32:24.038", "SKY"),
    ]
    assert calibrations == STATIC | {
        ("VIRTUAL", DARK_20, "MASTER_DARK"),
        ("VIRTUAL", NOISE, "MASTER_READGAIN"),
        ("REAL", "HA_MTFL_J_240309.fits", "MASTER_TWILIGHT_FLAT"),
        ("REAL", "HA_CONF_J_240309.fits", "MASTER_CONF"),
    }
    assert by_name[IN_J].value("TARGET") == "SIM-FIELD-2"
    assert by_name[IN_J].value("OBS_ID") == "200100002"


def test_parameters_of_the_configuration_replace_those_of_the_rules(by_name):
    assert "--stk_cat_rcore=8" in by_name[IN_KS].params


def test_nothing_else_is_made_of_a_night(blocks):
    assert len(blocks) == 6
    assert {block.value("COMPLETENESS") for block in blocks} == {"COMPLETE"}


def test_a_real_dark_of_another_night_serves_where_there_is_none(
    root, tmp_path, monkeypatch
):
    for raw in root.glob(f"raw/{NIGHT}/*T10:09*"):
        remove_and_master(root, raw)
    for raw in root.glob(f"raw/{NIGHT}/*T10:10*"):
        raw.unlink()
    run = make_run(root, tmp_path, monkeypatch)
    block = next(b for b in blocks_of(run) if b.name == IN_KS)
    dark = next(m for m in block.mcalibs if m.tag == "MASTER_DARK")
    assert (dark.kind, dark.file) == ("REAL", "HA_MDRK_10s_240309.fits")


@pytest.mark.parametrize("exposure", [1, 2])
def test_a_frame_without_dit_holds_up_its_own_ob_and_nothing_else(
    exposure, tmp_path, monkeypatch
):
    ob = 200100001  # in Ks
    faults = [f"{ob}:{exposure}:no_dit"]
    simulate(tmp_path / "data", spoil(default_scenario((NIGHT,)), (), (), faults))
    run = make_run(tmp_path / "data", tmp_path, monkeypatch)
    blocks = {block.name: block for block in blocks_of(run)}
    assert len(blocks) == 6
    incomplete = [b for b in blocks.values() if b.value("COMPLETENESS") != "COMPLETE"]
    (block,) = incomplete
    assert block.value("OBS_ID") == str(ob)
    lost = "HAWKI.2024-03-10T23:41:" + ("23.652", "47.969")[exposure - 1]
    assert block.name == IN_KS
    assert f"RAWFILE  {lost}.fits has no ESO DET DIT" in block.values("MISSING")
    assert f"{lost}.fits" not in [raw.file for raw in block.rawfiles]
    assert block.needs  # the rest of it has all that it needs


def remove_and_master(root, raw):
    """Put a master dark of the evening before in place of a raw one."""
    path = root / "calib" / "2024-03-09" / "HA_MDRK_10s_240309.fits"
    with fits.open(raw) as hdus:
        hdus[0].header["MJD-OBS"] -= 1
        hdus[0].header["HIERARCH ESO PRO CATG"] = "MASTER_DARK"
        for key in ("CATG", "TYPE", "TECH"):
            del hdus[0].header[f"ESO DPR {key}"]
        hdus.writeto(path, overwrite=True)
    raw.unlink()


# Contracts ----------------------------------------------------------------------


class TestSource(AbSourceContract):
    pgi = "createAB"
    options: ClassVar = {"rules": "phoenix_hawki:rules.toml"}


class TestAb(AbPgiContract):
    pgi = "pgi_phoenix_HAWKI_AB"

    @pytest.fixture
    def blocks(self, blocks):
        orphan = toy_block("orphan.ab", [DARK_10, "nobody.ab"])
        orphan = orphan.with_value("RECIPE", "hawki_science_process")
        return [*blocks, toy_block("stranger.ab"), orphan]


class TestAbWithTiles(TestAb):
    options: ClassVar = {"tile": True}


class TestTags(HdrPgiContract):
    pgi = "pgi_phoenix_HAWKI_tags"

    @pytest.fixture
    def cascade(self, run, blocks):
        return ab_pgi(run, blocks)

    @pytest.fixture
    def needed(self, run):
        return find_file(run.config.directories.calib, "HA_CATA_240110.fits")


class TestTagsWithoutARawFrame(TestTags):
    @pytest.fixture
    def needed(self, run):
        return next(run.config.directories.raw.rglob("HAWKI.*T00:30*"))


class TestStream(JobPgiContract):
    pgi = "pgi_phoenix_HAWKI_stream"


class TestStreamOfANight(TestStream):
    @pytest.fixture
    def cascade(self, run, blocks):
        return ab_pgi(run, blocks)


# Cascade ------------------------------------------------------------------------


def with_options(run, pgi, **options):
    config = evolve(run.config, options={**run.config.options, pgi: options})
    return evolve(run, config=config)


def test_the_cascade_goes_from_darks_to_science(run, blocks):
    cascade = ab_pgi(run, blocks)
    names = [step_of(block).name for block in cascade.blocks]
    assert names == ["dark"] * 3 + ["noise"] + ["science"] * 2
    assert cascade.findings == ()


def test_tiles_are_an_option_and_come_last(run, blocks):
    tiled = with_options(run, "pgi_phoenix_HAWKI_AB", tile=True, tile_params=["--a=1"])
    cascade = ab_pgi(tiled, blocks)
    tiles = cascade.blocks[-2:]
    assert [tile.needs for tile in tiles] == [(IN_KS,), (IN_J,)]
    assert tiles[1].name == "HAWKI.2024-03-11T00:30:41.087_tile.ab"
    assert tiles[1].params == ("--a=1",)
    assert tiles[1].value("OBS_ID") == "200100002"
    tags = {m.tag for m in tiles[1].mcalibs}
    assert {"BASIC_CALIBRATED_SCI", "BASIC_VAR_MAP", "MASTER_CONF"} < tags
    assert "MASTER_DARK" not in tags


def test_a_tile_that_a_person_made_stays(run, by_name):
    own = tile_of(by_name[IN_KS], ["--mine=1"])
    tiled = with_options(run, "pgi_phoenix_HAWKI_AB", tile=True)
    cascade = ab_pgi(tiled, [*by_name.values(), own])
    kept = next(block for block in cascade.blocks if block.name == own.name)
    assert kept.params == ("--mine=1",)


def test_an_ab_that_needs_what_is_not_there_does_not_stop_the_others(run, by_name):
    del by_name[DARK_20]
    cascade = ab_pgi(run, list(by_name.values()))
    assert IN_KS in {block.name for block in cascade.blocks}
    (finding,) = cascade.findings
    assert not finding.is_error
    assert finding.block == IN_J
    assert DARK_20 in finding.message


def test_an_ab_of_another_recipe_is_told(run, blocks):
    strange = toy_block("a.ab", recipe="hawki_dark_combin")
    cascade = ab_pgi(run, [*blocks, strange])
    (finding,) = cascade.findings
    assert "hawki_dark_combine" in finding.message


# Jobs ---------------------------------------------------------------------------


def test_predictions_meet_what_was_measured(run, tmp_path):
    """On 4 jitters of full chips: 123 s and 1.0 GB; the tile 94 s and 6.7 GB."""
    raw = run.config.directories.raw / NIGHT
    names = [f"full_{n}.fits" for n in range(4)]
    for name in names:
        with (raw / name).open("wb") as file:
            file.truncate(4 * 2 * 1792 * 1792)
    science = AssociationBlock.create(
        {
            "AB_NAME": "full_0_sci.ab",
            "RAW_TYPE": "OBJECT",
            "RECIPE": "hawki_science_process",
            "RAWFILE": [f"{name} OBJECT" for name in names],
        }
    )
    jobs = job_pgi(run, Cascade((science, tile_of(science))))
    assert [job.seconds for job in jobs] == pytest.approx([123, 94], rel=0.1)
    assert [job.memory for job in jobs] == pytest.approx([1.05e9, 6.7e9], rel=0.1)
    assert all(job.disk > 1e8 for job in jobs)


def test_nothing_is_predicted_without_a_file(run):
    block = toy_block("a.ab", recipe=STEPS[0].recipe)
    (job,) = job_pgi(run, Cascade((block,)))
    assert (job.seconds, job.memory, job.stream) == (0.0, 0, "dark")


# Inputs -------------------------------------------------------------------------


def edited(path, change, hdu=0):
    with fits.open(path) as hdus:
        change(hdus[hdu].header)
        hdus.writeto(path, overwrite=True, checksum=True)


def science_inputs(run, block):
    directories = run.config.directories
    raws = [(find_file(directories.raw, r.file), r.tag) for r in block.rawfiles]
    real = [
        (find_file(directories.calib, m.file), m.tag)
        for m in block.mcalibs
        if not m.is_virtual
    ]
    return [*raws, *real]


SPOILT = {
    "ESO DET DIT": (0, lambda h: h.remove("ESO DET DIT"), "has no ESO DET DIT"),
    "DIT as integer": (
        0,
        lambda h: h.set("ESO DET DIT", 20),
        "with a decimal point",
    ),
    "ESO DET NDIT": (0, lambda h: h.remove("ESO DET NDIT"), "no ESO DET NDIT"),
    "NDIT as float": (0, lambda h: h.set("ESO DET NDIT", 1.0), "needs an integer"),
    "MJD-OBS": (0, lambda h: h.remove("MJD-OBS"), "has no MJD-OBS"),
    "filter": (0, lambda h: h.remove("ESO INS FILT1 NAME"), "not tell its filter"),
    "another filter": (0, lambda h: h.set("ESO INS FILT1 NAME", "H"), "of each filter"),
    "another DIT": (0, lambda h: h.set("ESO DET DIT", 7.0), "of each DIT"),
    "airmass": (0, lambda h: h.remove("ESO TEL AIRM START"), "stay uncalibrated"),
    "CRPIX2": (2, lambda h: h.remove("CRPIX2"), "[CHIP2.INT1] has no CRPIX2"),
    "CD1_1": (1, lambda h: h.remove("CD1_1"), "[CHIP1.INT1] has no CD1_1"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_frame_that_the_recipe_would_stumble_over_is_told(run, by_name, what):
    inputs = science_inputs(run, by_name[IN_J])
    hdu, change, told = SPOILT[what]
    edited(inputs[1][0], change, hdu)
    problems = list(input_problems("hawki_science_process", inputs))
    assert any(told in problem for problem in problems), problems
    assert any(inputs[1][0].name in problem for problem in problems)


def test_good_inputs_are_not_told(run, blocks):
    for block in blocks:
        inputs = science_inputs(run, block)
        assert list(input_problems(block.recipe, inputs)) == []


def swapped(run, inputs, tag, name):
    path = find_file(run.config.directories.calib, name)
    return [(path if its == tag else one, its) for one, its in inputs]


@pytest.mark.parametrize("tag", ["MASTER_TWILIGHT_FLAT", "MASTER_CONF"])
def test_a_master_of_another_filter_is_told(run, by_name, tag):
    code = {"MASTER_TWILIGHT_FLAT": "MTFL", "MASTER_CONF": "CONF"}[tag]
    name = f"HA_{code}_H_240310.fits"
    inputs = swapped(run, science_inputs(run, by_name[IN_J]), tag, name)
    (problem,) = input_problems("hawki_science_process", inputs)
    assert f"{name} is of filter H" in problem
    assert "in J" in problem


def test_a_dark_of_another_dit_is_told(run, by_name):
    dark = find_file(run.config.directories.calib, "HA_MDRK_5s_240310.fits")
    inputs = [*science_inputs(run, by_name[IN_J]), (dark, "MASTER_DARK")]
    (problem,) = input_problems("hawki_science_process", inputs)
    assert "DIT 5 s" in problem
    assert "20 s" in problem


def test_a_master_of_another_size_is_told(run, by_name):
    inputs = science_inputs(run, by_name[IN_J])
    path = next(path for path, tag in inputs if tag == "MASTER_CONF")
    with fits.open(path) as hdus:
        hdus[3].data = hdus[3].data[:64, :64]
        hdus.writeto(path, overwrite=True)
    (problem,) = input_problems("hawki_science_process", inputs)
    assert "[CHIP4.INT1] has 64x64 pixels, the frames have 128x128" in problem


def test_an_empty_catalogue_is_told(run, by_name):
    inputs = science_inputs(run, by_name[IN_J])
    path = next(path for path, tag in inputs if tag.endswith("PHOTOM"))
    with fits.open(path) as hdus:
        hdus[1].data = hdus[1].data[:0]
        hdus.writeto(path, overwrite=True)
    (problem,) = input_problems("hawki_science_process", inputs)
    assert f"{path.name} holds no stars" in problem


@pytest.mark.parametrize(
    ("keyword", "text", "told"),
    [
        ("HIERARCH ESO TEL AIRM START =", "NaN", "has no ESO TEL AIRM START"),
        ("MJD-OBS =", "NaN", "has no MJD-OBS"),
        ("HIERARCH ESO DET DIT =", "1_0.0", "has no ESO DET DIT"),
        ("CRVAL1  =", "NaN", "has no CRVAL1"),
    ],
)
def test_a_value_that_is_none_costs_one_ab(run, by_name, keyword, text, told):
    inputs = science_inputs(run, by_name[IN_KS])
    path = inputs[0][0]
    content = path.read_bytes()
    at = content.index(keyword.ljust(9).encode())
    card = f"{keyword} {text}".ljust(80).encode()
    path.write_bytes(content[:at] + card + content[at + 80 :])
    problems = list(input_problems("hawki_science_process", inputs))
    assert any(f"{told}" in problem for problem in problems)


def test_obs_of_two_programmes_are_two_abs(run):
    raw = next(run.config.directories.raw.rglob("HAWKI.*T23:41:47*"))
    edited(raw, lambda h: h.set("ESO OBS PROG ID", "111.A-0001(A)"))
    sizes = [
        len(b.rawfiles) for b in blocks_of(run) if b.value("OBS_ID") == "200100001"
    ]
    assert sizes == [1, 1]


def test_an_edited_ab_that_names_a_frame_that_is_gone_does_not_stop_the_night(
    run, blocks
):
    gone = next(block for block in blocks if block.name == IN_KS)
    edit = gone.with_values("RAWFILE", [*gone.values("RAWFILE"), "gone.fits OBJECT"])
    cascade = ab_pgi(run, [edit if block is gone else block for block in blocks])
    found = [
        finding
        for _, answer in load(run.config).each(
            hookspecs.hdr_pgi, run=run, cascade=cascade
        )
        for finding in answer
    ]
    assert found
    assert not any(finding.is_error for finding in found)
    assert all("gone.fits" in f.message and IN_KS in f.message for f in found)


def test_a_filter_that_photcal_does_not_know_is_told(run, by_name):
    inputs = science_inputs(run, by_name[IN_J])
    path = next(path for path, tag in inputs if tag == "PHOTCAL_TAB")
    with fits.open(path) as hdus:
        hdus[1].data = hdus[1].data[:1]
        hdus.writeto(path, overwrite=True)
    (problem,) = input_problems("hawki_science_process", inputs)
    assert "does not know filter J (it has Ks)" in problem


def test_frames_that_a_recipe_has_to_have_are_counted():
    tags = ["OBJECT", "MASTER_DARK", "MASTER_TWILIGHT_FLAT", "MASTER_CONF"]
    problems = list(count_problems("hawki_science_process", tags))
    assert "it has 1 OBJECT; hawki_science_process needs at least 2" in problems
    assert "it has no MASTER_READGAIN; add one to the AB" in problems
    assert len(problems) == 5


def test_a_warning_in_part_1_names_the_ab_that_will_fail(run, blocks):
    raw = next(run.config.directories.raw.rglob("HAWKI.*T00:30*"))
    edited(raw, lambda h: h.remove("ESO TEL AIRM START"))
    pgis = load(run.config)
    cascade = ab_pgi(run, blocks)
    found = [
        finding
        for _, answer in pgis.each(hookspecs.hdr_pgi, run=run, cascade=cascade)
        for finding in answer
    ]
    assert [f.is_error for f in found] == [False]
    assert found[0].message.startswith(f"{IN_J} will fail: {raw.name} has no ESO TEL")


# Texts --------------------------------------------------------------------------


@pytest.mark.parametrize("module", [steps, qc_style])
def test_the_examples_in_docstrings_are_true(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
