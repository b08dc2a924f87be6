"""The simulated nights keep their promises, with the real recipes as judge."""

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from attrs import evolve, frozen
from phoenix_hawki_sim import (
    Fault,
    Scenario,
    SimulationError,
    Target,
    darks,
    default_scenario,
    observing_block,
    read_truth,
    simulate,
    truth_of_block,
    with_fault,
    without_darks,
    without_flat,
)
from phoenix_hawki_sim.cli import app
from phoenix_hawki_sim.measure import measure_stars
from phoenix_hawki_sim.scenario import Setup
from typer.testing import CliRunner

IN_KS, IN_J = 200100001, 200100002
OBSERVED = (
    (IN_KS, "2024-03-10"),
    (IN_J, "2024-03-10"),
    (IN_KS, "2024-03-11"),
)
SCIENCE = (
    *("--stk_cat_nbsize=64", "--psm_nbsize=64"),
    *("--stk_cat_thresh=5", "--stk_cat_rcore=8"),
)
STATIC = (
    "PHOTCAL_TAB",
    "MASTER_LOCAL_CATALOGUE_ASTROM",
    "MASTER_LOCAL_CATALOGUE_PHOTOM",
    "SCHLEGEL_MAP_NORTH",
    "SCHLEGEL_MAP_SOUTH",
)


@frozen
class Frame:
    file: Path
    tag: str


@frozen
class Call:
    """What a recipe said and left."""

    status: int
    frames: tuple[Frame, ...]

    def of(self, *tags: str) -> list[Frame]:
        return [frame for frame in self.frames if frame.tag in tags]


def call_recipe(workdir: Path, recipe: str, params, sof: list[Frame]) -> Call:
    """Call a recipe in its own directory, with the recipes of HAWKI alone."""
    workdir.mkdir(parents=True)
    (workdir / "in.sof").write_text("".join(f"{f.file} {f.tag}\n" for f in sof))
    (recipes,) = Path("/usr/lib").glob("*/cpl/plugins/hawki-*")
    done = subprocess.run(
        [
            *("esorex", f"--recipe-dir={recipes}", "--log-dir=."),
            *("--products-sof=out.json", recipe, *params, "in.sof"),
        ],
        cwd=workdir,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        timeout=120,
        check=False,
    )
    listed = workdir / "out.json"
    made = json.loads(listed.read_text()) if listed.exists() else []
    frames = tuple(Frame(workdir / one["name"], one["category"]) for one in made)
    return Call(done.returncode, frames)


def files_below(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def raw_frames(outdir: Path, block, tag: str | None = None) -> list[Frame]:
    """An OB's raw files, science with their own tags."""
    return [
        Frame(next(outdir.glob(f"raw/*/{one['file']}")), tag or one["kind"])
        for one in block["exposures"]
    ]


def archive(outdir: Path, *tags: str) -> list[Frame]:
    return [
        Frame(path, fits.getval(path, "ESO PRO CATG"))
        for path in sorted(outdir.glob("calib/*/*.fits"))
        if fits.getval(path, "ESO PRO CATG") in tags
    ]


def masters(outdir: Path, filter_name: str, *, poor: bool = False) -> list[Frame]:
    return [
        Frame(outdir / "calib" / one["night"] / one["file"], one["category"])
        for one in read_truth(outdir)["masters"]
        if (one["filter"], one["poor"]) == (filter_name, poor)
    ]


@frozen
class Reduced:
    """Two nights with their calibrations reduced; science on demand."""

    outdir: Path
    workdir: Path
    calls: dict[str, Call]

    def block(self, number: int, night: str):
        return truth_of_block(self.outdir, number, night)

    def readgain(self, night: str) -> Frame:
        return self.calls[f"noise_{night}"].of("MASTER_READGAIN")[0]

    def inputs(self, number: int, night: str) -> list[Frame]:
        """All that an OB needs but its raw files and its flat."""
        dit = self.block(number, night)["exposures"][0]["dit"]
        dark = self.calls[f"dark_{night}_{dit:g}"].of("MASTER_DARK")
        return [*dark, self.readgain(night), *archive(self.outdir, *STATIC)]

    def science(self, number: int, night: str) -> Call:
        name = f"science_{night}_{number}"
        if name not in self.calls:
            block = self.block(number, night)
            sof = raw_frames(self.outdir, block) + self.inputs(number, night)
            sof += masters(self.outdir, block["filter"])
            self.calls[name] = call_recipe(
                self.workdir / name, "hawki_science_process", SCIENCE, sof
            )
        return self.calls[name]


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    outdir = tmp_path_factory.mktemp("nights") / "default"
    simulate(outdir)
    return outdir


@pytest.fixture(scope="module")
def reduced(nights, tmp_path_factory):
    workdir, calls = tmp_path_factory.mktemp("reduced"), {}
    for block in read_truth(nights)["blocks"]:
        first, night = block["exposures"][0], block["night"]
        if first["kind"] == "DARK":
            name = f"dark_{night}_{first['dit']:g}"
            sof = raw_frames(nights, block)
            calls[name] = call_recipe(workdir / name, "hawki_dark_combine", (), sof)
        if first["kind"] == "FLAT":
            flats = raw_frames(nights, block, "FLAT_TWILIGHT")
            (dark,) = (
                one
                for one in read_truth(nights)["blocks"]
                if one["night"] == night
                and one["exposures"][0]["kind"] == "DARK"
                and one["exposures"][0]["dit"] == first["dit"]
            )
            calls[f"noise_{night}"] = call_recipe(
                workdir / f"noise_{night}",
                "hawki_detector_noise",
                (),
                raw_frames(nights, dark) + flats,
            )
    return Reduced(nights, workdir, calls)


def one_block() -> Scenario:
    """The first OB alone."""
    scenario = default_scenario()
    blocks = [one for one in scenario.blocks if one.number == IN_KS]
    return evolve(scenario, blocks=(blocks[0],))


def test_calibrations_are_reduced_without_an_error(reduced):
    assert len(reduced.calls) >= 7
    for name, call in reduced.calls.items():
        assert call.status == 0, name
        assert call.frames
        assert all(frame.file.is_file() for frame in call.frames)


def test_master_darks_have_the_level_of_their_dit(reduced):
    detector = read_truth(reduced.outdir)["detector"]
    for dit in (2, 10, 20):
        (master,) = reduced.calls[f"dark_2024-03-10_{dit}"].of("MASTER_DARK")
        level = detector["dark_offset"] + detector["dark_current"] * dit
        for extension in range(1, 5):
            pixels = fits.getdata(master.file, extension)
            assert np.median(pixels) == pytest.approx(level, abs=0.5)


def test_read_noise_and_gain_are_the_true_ones(reduced):
    detector = read_truth(reduced.outdir)["detector"]
    for night in ("2024-03-10", "2024-03-11"):
        table = fits.getdata(reduced.readgain(night).file, 1)
        assert set(table["EXTNAME"]) == set(detector["chips"])
        assert table["READNOISE"] == pytest.approx(detector["read_noise"], abs=0.4)
        assert table["GAIN"] == pytest.approx(detector["gain"], abs=0.12)


@pytest.mark.parametrize(("number", "night"), OBSERVED)
def test_science_is_reduced_with_all_products(reduced, number, night):
    call = reduced.science(number, night)
    assert call.status == 0
    assert all(frame.file.is_file() for frame in call.frames)
    with_sky = {"BASIC_CALIBRATED_SKY", "BASIC_VAR_MAP_SKY"}
    tags = {frame.tag for frame in call.frames}
    assert with_sky & tags == (with_sky if number == IN_J else set())
    (stack,) = call.of("JITTERED_IMAGE_SCI")
    header = fits.getheader(stack.file)
    assert header["FLUXCAL"] == "ABSOLUTE"
    assert header["OBID1"] == number
    assert header["FILTER"] == reduced.block(number, night)["filter"]
    seeing = reduced.block(number, night)["exposures"][0]["seeing"]
    for extension in range(1, 5):
        measured = fits.getval(stack.file, "PSF_FWHM", extension)
        assert measured == pytest.approx(seeing, abs=0.05)


@pytest.mark.parametrize(("number", "night"), OBSERVED)
def test_stacks_hold_the_stars_that_were_put_in(reduced, number, night):
    (stack,) = reduced.science(number, night).of("JITTERED_IMAGE_SCI")
    truth = reduced.block(number, night)
    stars = measure_stars(stack.file, truth)
    assert len(stars) == len(truth["stars"]) == 16
    assert np.abs(stars["east"]).max() < 0.1
    assert np.abs(stars["north"]).max() < 0.1
    assert np.abs(np.median(stars["zero_point"])) < 0.03
    assert np.abs(stars["zero_point"]).max() < 0.06


@pytest.mark.parametrize(("number", "night"), OBSERVED)
def test_single_exposures_lie_right_to_milliarcsec(reduced, number, night):
    exposures = reduced.science(number, night).of("BASIC_CALIBRATED_SCI")
    assert len(exposures) == 2
    for exposure in exposures:
        stars = measure_stars(exposure.file, reduced.block(number, night))
        assert len(stars) >= 14
        assert np.abs(stars["east"]).max() < 0.015
        assert np.abs(stars["north"]).max() < 0.015
        assert np.abs(np.median(stars["zero_point"])) < 0.05


def test_an_old_flat_of_the_right_filter_spoils_the_photometry(reduced, tmp_path):
    number, night = OBSERVED[0]
    block = reduced.block(number, night)
    sof = raw_frames(reduced.outdir, block) + reduced.inputs(number, night)
    sof += masters(reduced.outdir, "Ks", poor=True)
    call = call_recipe(tmp_path / "poor", "hawki_science_process", SCIENCE, sof)
    assert call.status == 0  # the recipe does not mind
    (stack,) = call.of("JITTERED_IMAGE_SCI")
    assert np.abs(measure_stars(stack.file, block)["zero_point"]).max() > 0.1


@frozen
class Outcome:
    """What a fault makes of hawki_science_process (measured)."""

    status: int
    missing: frozenset[str] = frozenset()
    flux: str | None = None
    dits: tuple[float, ...] = ()


WITHOUT_CATALOGUE = frozenset({"stack_cat_1.fits"})


@pytest.mark.parametrize(
    ("number", "fault", "outcome"),
    [
        (2, Fault.TRUNCATED, Outcome(255)),
        (1, Fault.NO_DIT, Outcome(0, WITHOUT_CATALOGUE, "ABSOLUTE", (0.0, 10.0))),
        (2, Fault.NO_DIT, Outcome(0, frozenset(), "ABSOLUTE", (10.0, 0.0))),
        (2, Fault.ZERO, Outcome(0, frozenset(), "UNCALIBRATED", (10.0, 10.0))),
    ],
)
def test_faults_do_to_the_recipe_what_is_known(
    reduced, tmp_path, number, fault, outcome
):
    made = simulate(tmp_path / "sim", with_fault(one_block(), IN_KS, number, fault))
    sof = [Frame(path, "OBJECT") for path in made.raw]
    sof += reduced.inputs(IN_KS, "2024-03-10") + masters(made.outdir, "Ks")
    call = call_recipe(tmp_path / "work", "hawki_science_process", SCIENCE, sof)
    missing = {one.file.name for one in call.frames if not one.file.exists()}
    exposures = call.of("BASIC_CALIBRATED_SCI")
    found = Outcome(
        call.status,
        frozenset(missing),
        *(fits.getval(f.file, "FLUXCAL") for f in call.of("JITTERED_IMAGE_SCI")),
        dits=tuple(fits.getval(one.file, "DIT") for one in exposures),
    )
    assert found == outcome
    known = [one["fault"] for one in truth_of_block(made.outdir, IN_KS)["exposures"]]
    assert known == [fault if place == number else None for place in (1, 2)]


def test_a_spoilt_exposure_leaves_the_others_as_they_were(nights, tmp_path):
    for fault in Fault:
        made = simulate(tmp_path / fault, with_fault(one_block(), IN_KS, 2, fault))
        sound, spoilt = made.raw
        assert sound.read_bytes() == next(nights.rglob(sound.name)).read_bytes()
        assert spoilt.read_bytes() != next(nights.rglob(spoilt.name)).read_bytes()
    assert "ESO DET DIT" not in fits.getheader(tmp_path / "no_dit" / spoilt_name(made))
    with fits.open(tmp_path / "zero" / spoilt_name(made)) as hdus:
        assert not any(hdu.data.any() for hdu in hdus[1:])


def spoilt_name(made) -> Path:
    return made.raw[1].relative_to(made.outdir)


def test_same_seed_gives_the_same_bytes(tmp_path):
    for name, seed in (("first", 3), ("again", 3), ("other", 4)):
        simulate(tmp_path / name, one_block(), seed=seed)
    first, again, other = (
        files_below(tmp_path / name) for name in ("first", "again", "other")
    )
    assert first == again
    raw = [name for name in first if name.startswith("raw/")]
    assert raw
    assert all(first[name] != other[name] for name in (*raw, "truth.json"))


def test_an_exposure_is_the_same_in_any_scenario(nights, tmp_path):
    everything = files_below(nights)
    alone = files_below(simulate(tmp_path, default_scenario(["2024-03-10"])).outdir)
    shared = [name for name in alone if name != "truth.json"]
    assert len(shared) == 33
    assert all(everything[name] == alone[name] for name in shared)


def test_every_hdu_carries_a_checksum_that_holds(nights):
    paths = sorted(nights.rglob("*.fits"))
    assert len({path.name for path in paths}) == len(paths) == 43
    for path in paths:
        with fits.open(path, checksum=True) as hdus:  # a wrong one is a warning
            for hdu in hdus:
                assert {"CHECKSUM", "DATASUM"} <= set(hdu.header)
                hdu.verify("exception")


def test_raw_frames_say_what_was_observed(nights):
    paths = {path.name: path for path in (nights / "raw").rglob("*.fits")}
    for block in read_truth(nights)["blocks"]:
        began = set()
        for number, exposure in enumerate(block["exposures"], 1):
            path = paths.pop(exposure["file"])
            header = fits.getheader(path)
            start = datetime.fromisoformat(header["DATE-OBS"]).replace(tzinfo=UTC)
            evening = (start - timedelta(hours=12)).date().isoformat()
            assert path.parent.name == evening == exposure["night"] == block["night"]
            assert path.name == f"HAWKI.{header['DATE-OBS']}.fits" == header["ARCFILE"]
            days = (start - datetime(1858, 11, 17, tzinfo=UTC)) / timedelta(days=1)
            assert header["MJD-OBS"] == pytest.approx(days, abs=1e-7)
            assert header["ESO OBS ID"] == block["ob_id"]
            assert header["ESO TPL EXPNO"] == number
            assert header["ESO TPL NEXP"] == len(block["exposures"])
            assert header["ESO DPR TYPE"] == exposure["kind"]
            science = exposure["kind"] in {"OBJECT", "SKY"}
            assert header["ESO DPR CATG"] == ("SCIENCE" if science else "CALIB")
            in_beam = {header[f"ESO INS FILT{n} NAME"] for n in (1, 2)} - {"OPEN"}
            assert in_beam == {block["filter"] or "CLOSED"}
            assert isinstance(header["ESO DET DIT"], float)
            assert isinstance(header["EXPTIME"], float)
            assert isinstance(header["ESO DET NDIT"], int)
            assert 1.0 <= header["ESO TEL AIRM START"] < 1.3
            began.add((header["ESO OBS START"], header["ESO TPL START"]))
        assert len(began) == 1
    assert not paths


def test_sidereal_time_and_airmass_agree(nights):
    for exposure in truth_of_block(nights, IN_J)["exposures"]:
        header = fits.getheader(next(nights.glob(f"raw/*/{exposure['file']}")))
        hour_angle = np.radians(header["LST"] / 240.0 - header["RA"])
        here, dec = np.radians([header["ESO TEL GEOLAT"], header["DEC"]])
        height = np.sin(here) * np.sin(dec)
        height += np.cos(here) * np.cos(dec) * np.cos(hour_angle)
        assert header["ESO TEL AIRM START"] == pytest.approx(1 / height, abs=2e-4)


def test_the_night_goes_on_after_midnight(nights):
    starts = [one["date_obs"] for one in truth_of_block(nights, IN_J)["exposures"]]
    assert all(start.startswith("2024-03-11T00:3") for start in starts)
    assert len(list((nights / "raw/2024-03-10").iterdir())) == 17


@pytest.mark.parametrize(("number", "night"), OBSERVED)
def test_the_nearest_flat_is_a_trap(nights, number, night):
    block = truth_of_block(nights, number, night)
    flats = []
    for frame in archive(nights, "MASTER_TWILIGHT_FLAT"):
        header = fits.getheader(frame.file)
        names = {header["ESO INS FILT1 NAME"], header["ESO INS FILT2 NAME"]}
        flats.append((header["MJD-OBS"], names - {"OPEN"}, frame.file.name))
    start = fits.getval(raw_frames(nights, block)[0].file, "MJD-OBS")
    flats.sort(key=lambda flat: abs(flat[0] - start))
    assert flats[0][1] != {block["filter"]}
    good, poor = (name for _, names, name in flats if names == {block["filter"]})
    known = {one["file"]: one["poor"] for one in read_truth(nights)["masters"]}
    assert (known[good], known[poor]) == (False, True)


def test_the_archives_dark_fits_no_exposure(nights):
    (dark,) = archive(nights, "MASTER_DARK")
    dits = {
        exposure["dit"]
        for block in read_truth(nights)["blocks"]
        for exposure in block["exposures"]
    }
    assert fits.getval(dark.file, "ESO DET DIT") not in dits


def test_darks_of_a_dit_can_be_left_out():
    scenario = without_darks(default_scenario(), 20)
    dits = {block.exposures[0].setup.dit for block in scenario.blocks[3:]}
    assert dits == {2.0, 10.0}
    with pytest.raises(SimulationError, match="no darks of 20 s"):
        without_darks(scenario, 20)


def test_flats_of_other_filters_remain_when_one_is_left_out():
    scenario = without_flat(default_scenario(), "J")
    assert {one.filter for one in scenario.masters} == {"Ks", "H", ""}
    with pytest.raises(SimulationError, match="no masters of filter J"):
        without_flat(scenario, "J")


def test_a_scenario_of_ones_own_is_observed(tmp_path):
    start = datetime(2024, 3, 12, 1, tzinfo=UTC)
    field = Target("MINE", 120.0, -30.0)
    block = observing_block(7, field, start, Setup("H", 4), pattern="OOS")
    other = darks(8, start + timedelta(hours=9), 4, count=5, ndit=2)
    made = simulate(tmp_path, Scenario((block, other)))
    kinds = [fits.getval(path, "ESO DPR TYPE") for path in made.raw]
    assert kinds == ["OBJECT", "OBJECT", "SKY"] + ["DARK"] * 5
    header = fits.getheader(made.raw[0])
    assert header["ESO INS FILT1 NAME"] == "OPEN"
    assert header["ESO INS FILT2 NAME"] == "H"
    noise = np.std(fits.getdata(made.raw[3], 1).astype(float))
    pair = np.subtract(*(fits.getdata(p, 1).astype(float) for p in made.raw[3:5]))
    assert np.std(pair) == pytest.approx(5.0, abs=0.3)  # two frames, two reads each
    assert noise > 0


@pytest.mark.parametrize(
    ("nights_asked", "message"),
    [
        (["2024-08-10"], "SIM-FIELD-1 is not up at 2024-08-10T23"),
        (["2024-02-30"], "'2024-02-30' is no night"),
        (["2024-03-10", "2024-03-10"], "a night is named twice"),
    ],
)
def test_a_night_that_cannot_be_is_refused(tmp_path, nights_asked, message):
    with pytest.raises(SimulationError, match=message):
        simulate(tmp_path / "sim", default_scenario(nights_asked))
    assert not (tmp_path / "sim").exists()


def test_exposures_of_one_start_are_refused():
    (block,) = one_block().blocks
    with pytest.raises(SimulationError, match="two exposures start at 2024-03-10T23"):
        Scenario((block, block))


def test_a_directory_with_other_data_is_refused(tmp_path):
    precious = tmp_path / "thesis.tex"
    precious.write_text("do not touch")
    with pytest.raises(SimulationError, match="holds other data"):
        simulate(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_another_simulation_is_not_mixed_in(tmp_path):
    before = files_below(simulate(tmp_path, one_block(), seed=1).outdir)
    with pytest.raises(SimulationError, match="holds another simulation"):
        simulate(tmp_path, one_block(), seed=2)
    assert files_below(tmp_path) == before


def test_an_interrupted_simulation_is_completed(tmp_path):
    made = simulate(tmp_path, one_block())
    before = files_below(tmp_path)
    made.raw[1].unlink()
    made.calib[0].unlink()
    simulate(tmp_path, one_block())
    assert files_below(tmp_path) == before


def test_a_file_that_differs_is_never_overwritten(tmp_path):
    made = simulate(tmp_path, one_block())
    made.raw[0].write_bytes(b"edited")
    with pytest.raises(SimulationError, match="exists and differs"):
        simulate(tmp_path, one_block())
    assert made.raw[0].read_bytes() == b"edited"


def test_command_spoils_what_it_is_told_to(tmp_path):
    options = ["--night", "2024-03-10", "--no-darks", "20", "--no-flat", "J"]
    options += ["--fault", f"{IN_KS}:1:zero", "--json"]
    done = CliRunner().invoke(app, [str(tmp_path / "sim"), *options])
    assert done.exit_code == 0
    printed = json.loads(done.stdout)
    assert (printed["raw"], printed["calib"]) == (14, 12)
    assert printed["nights"] == ["2024-03-10"]
    truth = truth_of_block(Path(printed["outdir"]), IN_KS)
    assert [one["fault"] for one in truth["exposures"]] == ["zero", None]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--no-darks", "3"], "there are no darks of 3 s"),
        (["--no-flat", "L"], "there are no masters of filter L"),
        (["--fault", "200100001:1:fire"], "'200100001:1:fire' names no fault"),
        (["--fault", "200100001:9:zero"], "OB 200100001 has 2 exposures"),
        (["--fault", "17:1:zero"], "no such OB: 17"),
        (["--night", "yesterday"], "'yesterday' is no night"),
    ],
)
def test_command_refuses_in_one_line(tmp_path, options, message):
    done = CliRunner().invoke(app, [str(tmp_path / "sim"), *options])
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "sim").exists()


def test_command_lists_the_blocks_and_shows_examples(tmp_path):
    shown = CliRunner().invoke(app, ["--help"]).stdout
    assert "phoenix_simulate_HAWKI demo" in shown
    assert "list[" not in shown
    call = [str(tmp_path / "sim"), "--fault", f"{IN_J}:2:truncated"]
    done = CliRunner().invoke(app, call)
    assert done.exit_code == 0
    assert "OsOS" in done.stdout


def test_help_and_version_have_short_options():
    assert CliRunner().invoke(app, ["-h"]).output.startswith("Usage: ")
    told = CliRunner().invoke(app, ["-v"])
    assert told.exit_code == 0
    assert told.output.startswith("phoenix_simulate_HAWKI 0.")
