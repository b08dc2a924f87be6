"""The simulated observatory keeps its promises, with the real recipes as judge."""

import json
import os
import subprocess
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from attrs import evolve, frozen
from phoenix_muse_sim import (
    SMALL,
    TINY,
    Exposure,
    ObservingBlock,
    Run,
    Scenario,
    SimulationError,
    Target,
    default_scenario,
    observing_block,
    read_truth,
    select,
    simulate,
    truth_of_target,
)
from phoenix_muse_sim.abs import pseudo_dates
from phoenix_muse_sim.cli import app
from phoenix_muse_sim.measure import measure_stars
from typer.testing import CliRunner

from phoenix_core.ab.file import check_block, read_block
from phoenix_core.association_block import AssociationBlock
from phoenix_core.pseudo_date import pseudo_date
from phoenix_core.run_id import parse_run_id

NIGHT = datetime(2014, 10, 23, 2, tzinfo=UTC)
CROWDED = (
    *("--threshold=100.", "--iterations=20000", "--srcmax=200", "--srcmin=2"),
    "--step=5.",
)
DEEP_TARGETS = ("NGC300", "HDFS", "NGC288")


def field(*blocks: ObservingBlock, name: str = "FIELD") -> Target:
    return Target(name, 13.7, -37.7, blocks)


def scenario_of(target: Target) -> Scenario:
    return Scenario((Run("094.D-0114(B)", (target,)),))


def files_below(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def observatory(tmp_path_factory):
    outdir = tmp_path_factory.mktemp("observatory") / "default"
    simulate(outdir, deep=True)
    return outdir


@frozen
class Frame:
    file: Path
    tag: str


@frozen
class Deep:
    """What the cascade of a target's deep cube left."""

    cube: Path
    offsets: Path
    aligned: int


def run_recipe(workdir: Path, recipe: str, params, sof: list[Frame]) -> list[Frame]:
    """Call a recipe in its own directory; check what exit status 0 does not say."""
    workdir.mkdir(parents=True)
    (workdir / "in.sof").write_text("".join(f"{f.file} {f.tag}\n" for f in sof))
    call = ["esorex", "--log-dir=.", "--products-sof=out.json", recipe]
    done = subprocess.run(
        [*call, *params, "in.sof"],
        cwd=workdir,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "[ ERROR ]" not in done.stdout + done.stderr
    made = json.loads((workdir / "out.json").read_text())
    frames = [Frame(workdir / entry["name"], entry["category"]) for entry in made]
    for frame in frames:
        with fits.open(frame.file) as hdus:
            assert hdus[0].header["DATAMD5"] != "Not computed"
            assert all("CHECKSUM" in hdu.header for hdu in hdus)
    return frames


def run_block(name: str, outdir: Path, made: dict, workdir: Path) -> list[Frame]:
    """Run an AB of MUSE_deep and all that it needs, each once."""
    if name in made:
        return made[name]
    block = read_block(next((outdir / "qcweb/MUSE_deep").glob(f"*/{name}")))
    sof = [
        Frame(next(outdir.glob(f"raw/*/{raw.file}")), raw.tag) for raw in block.rawfiles
    ]
    for entry in block.mcalibs:
        if entry.is_virtual:
            frames = run_block(entry.file, outdir, made, workdir)
            sof += [frame for frame in frames if frame.tag == entry.tag]
        else:
            sof.append(Frame(next(outdir.glob(f"calib/*/{entry.file}")), entry.tag))
    params = block.params
    if "crowded" in made and block.recipe == "muse_scipost":
        params = [one for one in params if "skymethod" not in one]
        params.append("--skymethod=none")
    made[name] = run_recipe(workdir / name, block.recipe, params, sof)
    return made[name]


def deep_block(outdir: Path, target: str) -> AssociationBlock:
    blocks = map(read_block, (outdir / "qcweb/MUSE_deep").glob("*/*_dpc.ab"))
    return next(block for block in blocks if block.value("TARGET") == target)


def deep_cube(outdir: Path, target: str, workdir: Path) -> Deep:
    """Make a target's deep cube as the AB_PGI has it, crowded fields their own way."""
    block = deep_block(outdir, target)
    crowded = block.value("PROC_MODE") == "CROWDED"
    made: dict = {"crowded": []} if crowded else {}
    posts = [run_block(name, outdir, made, workdir) for name in block.needs]
    frames = [frame for post in posts for frame in post]
    images = [frame for frame in frames if frame.tag == "IMAGE_FOV"]
    (offsets,) = (
        frame
        for frame in run_recipe(
            workdir / "dal", "muse_exp_align", CROWDED if crowded else (), images
        )
        if frame.tag == "OFFSET_LIST"
    )
    tables = [frame for frame in frames if frame.tag == "PIXTABLE_REDUCED"]
    made_cube = run_recipe(
        workdir / "dpc", "muse_exp_combine", block.params, [*tables, offsets]
    )
    cube = next(frame.file for frame in made_cube if frame.tag == "DATACUBE_FINAL")
    header = fits.getheader(cube)
    aligned = sum(
        key.startswith("ESO DRS MUSE OFFSET") and key.endswith("DATE-OBS")
        for key in header
    )
    return Deep(cube, offsets.file, aligned)


@pytest.fixture(scope="module", params=DEEP_TARGETS)
def deep(request, observatory, tmp_path_factory):
    workdir = tmp_path_factory.mktemp(request.param)
    return request.param, deep_cube(observatory, request.param, workdir)


def relative_offsets(offsets: Path, dec: float) -> dict[str, tuple[float, float]]:
    """Arcsec east and north of each exposure, against the first one."""
    rows = fits.getdata(offsets)
    first = min(rows, key=lambda row: row["DATE_OBS"])
    scale = 3600.0 * np.array([np.cos(np.radians(dec)), 1.0])
    return {
        row["DATE_OBS"].strip(): scale
        * (
            row["RA_OFFSET"] - first["RA_OFFSET"],
            row["DEC_OFFSET"] - first["DEC_OFFSET"],
        )
        for row in rows
    }


def test_recipes_recover_the_pointing_errors(deep, observatory):
    name, made = deep
    truth = truth_of_target(observatory, name)
    errors = {
        one["date_obs"]: np.array(one["pointing_error"])
        for one in truth["exposures"]
        if one["kind"] == "OBJECT" and not one["aborted"]
    }
    found = relative_offsets(made.offsets, truth["dec"])
    assert found.keys() == errors.keys()
    assert fits.getheader(made.offsets)["ESO QC EXPALIGN NOMATCH"] == 0
    first = errors[min(errors)]
    for date_obs, offset in found.items():
        assert offset == pytest.approx(first - errors[date_obs], abs=0.05)


def test_deep_cubes_hold_the_stars_that_were_put_in(deep, observatory):
    name, made = deep
    truth = truth_of_target(observatory, name)
    stars = measure_stars(made.cube, truth)
    assert made.aligned == 4
    assert len(stars) == len(truth["stars"])
    assert np.abs(stars["east"]).max() < 0.05
    assert np.abs(stars["north"]).max() < 0.05
    assert np.abs(stars["magnitude"]).max() < 0.05
    assert np.abs(stars["line"]).max() < 0.2
    assert np.abs(stars["line_flux"] - 1.0).max() < 0.15


def test_a_rotated_exposure_lies_right_on_the_sky(tmp_path):
    block = observing_block(1, "FIELD_1", NIGHT, pattern="OO")
    first, second = block.exposures
    turned = evolve(second, position_angle=90.0)
    target = field(evolve(block, exposures=(first, turned)))
    simulate(tmp_path / "sim", scenario_of(target), SMALL, deep=True)
    made = deep_cube(tmp_path / "sim", "FIELD", tmp_path / "work")
    stars = measure_stars(made.cube, truth_of_target(tmp_path / "sim", "FIELD"))
    assert len(stars) >= 7
    assert np.abs(stars["east"]).max() < 0.1
    assert np.abs(stars["north"]).max() < 0.1


def test_a_foreign_field_matches_no_star(tmp_path):
    block = observing_block(1, "FIELD_1", NIGHT, pattern="OOO")
    away = evolve(block.exposures[2], dither=(0.0, 72.0))
    target = field(evolve(block, exposures=(*block.exposures[:2], away)))
    simulate(tmp_path / "sim", scenario_of(target), deep=True)
    made = deep_cube(tmp_path / "sim", "FIELD", tmp_path / "work")
    header = fits.getheader(made.offsets)
    assert header["ESO QC EXPALIGN NOMATCH"] == 1
    assert header["ESO QC EXPALIGN NMATCH3"] == 0


def test_each_live_ifu_gives_a_pixel_table(tmp_path):
    target = field(observing_block(1, "FIELD_1", NIGHT, pattern="OO"))
    simulate(tmp_path / "sim", scenario_of(target), evolve(TINY, ifus=2), deep=True)
    block = deep_block(tmp_path / "sim", "FIELD")
    name = block.name.replace("_dpc", "")
    path = next((tmp_path / "sim/qcweb/MUSE_deep").glob(f"*/{name}"))
    block = read_block(path)
    sof = [Frame(next(tmp_path.glob(f"sim/raw/*/{block.rawfiles[0].file}")), "OBJECT")]
    sof += [
        Frame(next(tmp_path.glob(f"sim/calib/*/{one.file}")), one.tag)
        for one in block.mcalibs
    ]
    # Each dead chip is two [ERROR] lines with exit status 0, so no run_recipe here.
    (tmp_path / "in.sof").write_text("".join(f"{f.file} {f.tag}\n" for f in sof))
    subprocess.run(
        ["esorex", "--log-dir=.", block.recipe, *block.params, "in.sof"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
        timeout=120,
    )
    tables = sorted(path.name for path in tmp_path.glob("PIXTABLE_OBJECT_*"))
    assert tables == ["PIXTABLE_OBJECT_0001-01.fits", "PIXTABLE_OBJECT_0001-02.fits"]


def test_same_seed_gives_the_same_bytes(tmp_path):
    one_target = select(default_scenario(), targets=["NGC300"])
    for name, seed in (("first", 3), ("again", 3), ("other", 4)):
        simulate(tmp_path / name, one_target, seed=seed, deep=True)
    first, again, other = (
        files_below(tmp_path / name) for name in ("first", "again", "other")
    )
    assert first == again
    assert all(
        first[name] != other[name]
        for name in first
        if name.startswith("raw/") or name == "truth.json"
    )


def test_an_exposure_is_the_same_in_any_scenario(tmp_path):
    everything = files_below(simulate(tmp_path / "all").outdir)
    one_target = select(default_scenario(), ["095.B-0934A"])
    alone = files_below(simulate(tmp_path / "one", one_target).outdir)
    shared = [name for name in alone if name.startswith(("raw/", "calib/", "qcweb/"))]
    assert shared
    assert all(everything[name] == alone[name] for name in shared)


def test_every_hdu_carries_a_checksum_that_holds(observatory):
    paths = sorted(observatory.rglob("*.fits"))
    assert paths
    for path in paths:
        with fits.open(path, checksum=True) as hdus:  # a wrong one is a warning
            for hdu in hdus:
                assert {"CHECKSUM", "DATASUM"} <= set(hdu.header)
                hdu.verify("exception")


def test_every_name_of_a_file_is_there_once(observatory):
    for branch in ("raw", "calib"):
        names = Counter(path.name for path in (observatory / branch).rglob("*.fits"))
        assert set(names.values()) == {1}


def test_raw_frames_say_what_was_observed(observatory):
    truth = read_truth(observatory)
    paths = {path.name: path for path in (observatory / "raw").rglob("*.fits")}
    starts = set()
    for run in truth["runs"]:
        for target in run["targets"]:
            for exposure in target["exposures"]:
                path = paths.pop(exposure["file"])
                header = fits.getheader(path)
                assert path.parent.name == exposure["civil_date"]
                assert path.name == f"MUSE.{header['DATE-OBS']}.fits"
                start = datetime.fromisoformat(header["DATE-OBS"]).replace(tzinfo=UTC)
                days = (start - datetime(1858, 11, 17, tzinfo=UTC)) / timedelta(days=1)
                assert header["MJD-OBS"] == pytest.approx(days, abs=1e-7)
                assert header["RA"] == pytest.approx(exposure["ra"])
                assert header["ESO OBS PROG ID"] == run["run_id"]
                assert header["ESO OBS TARG NAME"] == target["name"]
                assert header["ESO DPR TYPE"] == exposure["kind"]
                assert 1.0 <= header["ESO TEL AIRM START"] < 1.6
                starts.add(header["DATE-OBS"])
    assert not paths
    assert len(starts) == 33


def test_the_schedule_tells_the_grades(observatory):
    schedule = json.loads((observatory / "schedule.json").read_text())
    grades = {
        block["ob_name"]: block["grade"]
        for run in schedule["runs"]
        for block in run["blocks"]
    }
    assert len(grades) == 15  # both OBs of NGC3201 have one name
    assert set(grades.values()) == {"A", "B", "C", "D"}


def test_phoenix_reads_the_abs(observatory):
    paths = sorted((observatory / "qcweb").rglob("*.ab"))
    assert len(paths) == 130
    for path in paths:
        block = check_block(read_block(path))
        assert block.text == path.read_text()
        assert block.value("PROCESS_STATUS") == (
            "SUCCESSFUL" if "MUSE_R" in path.parts else "CREATED"
        )
        assert block.value("DATE") == path.parent.name


def test_abs_name_only_files_that_are_there(observatory):
    files = {path.name for path in observatory.rglob("*.fits")}
    for branch in ("MUSE_R", "MUSE_deep"):
        paths = sorted((observatory / "qcweb" / branch).rglob("*.ab"))
        names = {path.name for path in paths}
        for block in map(read_block, paths):
            assert {raw.file for raw in block.rawfiles} <= files
            assert set(block.needs) <= names
            real = {one.file for one in block.mcalibs if not one.is_virtual}
            assert real <= files


def test_deep_runs_stand_below_the_cores_pseudo_date(observatory):
    directories = {path.name for path in (observatory / "qcweb/MUSE_deep").iterdir()}
    run_ids = ["094.D-0114(B)", "095.B-0934(A)"]
    assert directories == {pseudo_date(parse_run_id(run_id)) for run_id in run_ids}
    assert pseudo_dates(["094.A-0116(B)", "194.A-0116(C)", "110.23XX.001"]) == {
        "094.A-0116(B)": "2094-01-16",
        "194.A-0116(C)": "2094-01-17",
        "110.23XX.001": "2110-01-01",
    }


def test_deep_branch_leaves_the_alignment_to_the_ab_pgi(observatory):
    names = [path.name for path in (observatory / "qcweb/MUSE_deep").rglob("*.ab")]
    assert not [name for name in names if name.endswith(("_dal.ab", "_tal.ab"))]
    for target in DEEP_TARGETS:
        block = deep_block(observatory, target)
        tags = Counter(one.tag for one in block.mcalibs)
        assert tags == {"PIXTABLE_REDUCED": 4, "FILTER_LIST": 1}
        crowded = "CROWDED" if target == "NGC288" else ""
        assert block.value("PROC_MODE") == crowded
        assert block.value("RUN_ID") == "094.D-0114(B)"


def test_aborted_exposures_are_history_but_not_deep(observatory):
    aborted = next(
        exposure
        for exposure in truth_of_target(observatory, "HDFS")["exposures"]
        if exposure["aborted"]
    )
    name = aborted["file"].replace(".fits", "_pst.ab")
    assert list((observatory / "qcweb/MUSE_R").rglob(name))
    assert not list((observatory / "qcweb/MUSE_deep").rglob(name))


def test_a_single_exposure_has_no_combined_cube(tmp_path):
    target = field(observing_block(1, "FIELD_1", NIGHT, pattern="O"))
    made = simulate(tmp_path / "sim", scenario_of(target), deep=True)
    assert [path.name.rpartition("000")[2] for path in made.history] == [
        ".ab",
        "_pst.ab",
    ]
    assert not made.deep


def test_exposures_of_one_start_are_refused():
    twice = ObservingBlock(1, "FIELD_1", (Exposure(NIGHT), Exposure(NIGHT)))
    with pytest.raises(SimulationError, match="two exposures start at 2014-10-23T02"):
        scenario_of(field(twice))


def test_a_directory_with_other_data_is_refused(tmp_path):
    precious = tmp_path / "thesis.tex"
    precious.write_text("do not touch")
    with pytest.raises(SimulationError, match="holds other data"):
        simulate(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_another_simulation_is_not_mixed_in(tmp_path):
    one_target = select(default_scenario(), targets=["HDFS"])
    before = files_below(simulate(tmp_path, one_target, seed=1).outdir)
    with pytest.raises(SimulationError, match="holds another simulation"):
        simulate(tmp_path, one_target, seed=2)
    assert files_below(tmp_path) == before


def test_an_interrupted_simulation_is_completed(tmp_path):
    one_target = select(default_scenario(), targets=["HDFS"])
    made = simulate(tmp_path, one_target)
    before = files_below(tmp_path)
    made.raw[2].unlink()
    made.calib[0].unlink()
    simulate(tmp_path, one_target)
    assert files_below(tmp_path) == before


def test_a_file_that_differs_is_never_overwritten(tmp_path):
    one_target = select(default_scenario(), targets=["HDFS"])
    made = simulate(tmp_path, one_target)
    made.raw[0].write_bytes(b"edited")
    with pytest.raises(SimulationError, match="exists and differs"):
        simulate(tmp_path, one_target)
    assert made.raw[0].read_bytes() == b"edited"


def test_command_prints_a_summary_as_json(tmp_path):
    call = [str(tmp_path / "sim"), "--run", "094.D-0114B", "--target", "NGC300"]
    done = CliRunner().invoke(app, [*call, "--no-sky", "--exposures", "1", "--json"])
    assert done.exit_code == 0
    printed = json.loads(done.stdout)
    assert (printed["raw"], printed["calib"], printed["deep_abs"]) == (2, 12, 0)
    assert Path(printed["truth"]).is_file()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--target", "M31"], "no such target: M31"),
        (["--run", "094.D-0115(B)"], "no such run: 094.D-0115B"),
        (["--run", "095.B-0934A", "--target", "HDFS"], "none of the runs chosen"),
    ],
)
def test_command_refuses_in_one_line(tmp_path, options, message):
    done = CliRunner().invoke(app, [str(tmp_path / "sim"), *options])
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "sim").exists()


def test_command_help_shows_examples():
    done = CliRunner().invoke(app, ["--help"])
    assert "phoenix_simulate_MUSE demo --deep" in done.stdout


def test_help_and_version_have_short_options():
    assert CliRunner().invoke(app, ["-h"]).output.startswith("Usage: ")
    told = CliRunner().invoke(app, ["-v"])
    assert told.exit_code == 0
    assert told.output.startswith("phoenix_simulate_MUSE 0.")
