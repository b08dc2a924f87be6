"""The example from its raw frames to certified stacks, by run and by night."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from phoenix_example.qc import noise_of
from phoenix_example.simulate import NOISE, SKY, STAR, main, simulate, truth

from phoenix_core.model import AbStatus
from phoenix_core.testing.contract import files_below

CONFIG = Path(__file__).parents[3] / "config"


@pytest.fixture
def root(tmp_path):
    """A simulated observatory."""
    simulate(tmp_path / "root")
    return tmp_path / "root"


@pytest.fixture
def configured(root):
    """A configuration of the example, at home in that observatory."""

    def write(name):
        text = (CONFIG / name).read_text("utf-8")
        file = root.parent / name
        file.write_text(text.replace("phoenix-data/example", str(root)), "utf-8")
        return file

    return write


@pytest.fixture
def by_run(phoenix, configured):
    return phoenix(configured("example.toml"), "094.A-0001A")


def test_each_target_of_a_run_becomes_one_stack(by_run):
    stacks = [b for b in by_run.cascade.blocks if b.recipe == "example_stack"]
    exposures = {block.value("TARGET"): len(block.needs) for block in stacks}
    assert exposures == {"ALPHA": 6, "BETA": 3, "GAMMA": 3}
    assert by_run.error == ""
    assert {outcome.status for outcome in by_run.outcomes} == {AbStatus.SUCCESSFUL}


def test_what_is_green_is_accepted_and_the_cloudy_target_waits(by_run):
    targets = {report.block: report.target for report in by_run.reports}
    accepted = {targets[v.block] for v in by_run.verdicts if v.is_accepted}
    assert accepted == {"ALPHA", "BETA"}
    assert by_run.exit_code == 0
    (cloudy,) = (r for r in by_run.reports if r.target == "GAMMA")
    assert cloudy.comments == (
        f"NOISE is {cloudy.scores[0].value}, more than 12.0: cloudy?",
    )


def test_stars_are_recovered_and_the_stack_is_deeper_than_an_exposure(by_run):
    stacks = [m.target for m in by_run.moves if m.target.suffix == ".npy"]
    for stack in stacks:
        image = np.load(stack) - SKY
        assert np.unravel_index(np.nanargmax(image), image.shape) == (16, 16)
        assert image[16, 16] == pytest.approx(STAR, rel=0.05)
        assert noise_of(image - truth()) < 0.8 * NOISE


def test_certified_products_go_where_the_pgis_say(by_run, root):
    date = by_run.run.date
    assert len(list((root / "reduced" / date).glob("094.A-0001A_*_STACK.npy"))) == 2
    assert len(list((root / "logs" / date).glob("094.A-0001A_*_HISTORY.txt"))) == 2
    assert len(list((root / "product/STACK" / date).glob("*_STACK.npy"))) == 1


def test_calibrated_exposures_are_gone_once_they_are_stacked(by_run, root):
    assert not list(root.rglob("*_REDUCED.npy"))


def test_the_cover_sheet_names_every_target(by_run):
    sheet = (by_run.run.monitor_dir / "cover.txt").read_text("utf-8")
    assert [line.split()[:2] for line in sheet.splitlines()[2:]] == [
        ["green", "ALPHA"],
        ["green", "BETA"],
        ["RED", "GAMMA"],
    ]


def test_a_night_makes_a_stack_of_each_ob(phoenix, configured):
    done = phoenix(configured("example_night.toml"), "2014-10-22")
    stacks = [b for b in done.cascade.blocks if b.recipe == "example_stack"]
    assert sorted(b.values("OBS_ID") for b in stacks) == [("1001",), ("1002",)]
    assert len([v for v in done.verdicts if v.is_accepted]) == 2
    assert len([m for m in done.moves if m.target.suffix == ".npy"]) == 2


def test_a_missing_frame_stops_part_1_before_anything_is_executed(
    phoenix, configured, root
):
    frame = root / "raw/2014-10-22/EXAMPLE.2014-10-22T21:00:00.npy"
    frame.unlink()
    done = phoenix(configured("example.toml"), "094.A-0001A")
    assert done.error == f"{frame.name} is not below {root / 'raw'}; put it there"
    assert done.exit_code == 4
    assert done.outcomes == ()


def test_a_damaged_frame_costs_its_own_target_alone(phoenix, configured, root):
    frame = root / "raw/2014-10-22/EXAMPLE.2014-10-22T21:00:00.npy"
    frame.write_bytes(frame.read_bytes()[:1000])
    done = phoenix(configured("example.toml"), "094.A-0001A", "P")
    assert done.exit_code == 4
    failed = {o.block: o.status for o in done.outcomes if o.status != "SUCCESSFUL"}
    assert failed == {
        "EXAMPLE.2014-10-22T21:00:00.ab": AbStatus.FAILED,
        "EXAMPLE.2014-10-22T21:00:00_stk.ab": AbStatus.SKIPPED,
    }
    assert "EXAMPLE.2014-10-22T21:00:00.npy is no frame" in done.error


@pytest.fixture
def command(monkeypatch, capsys):
    """A function that calls phoenix_simulate_example: code, stdout and stderr."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["phoenix_simulate_example", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            main()
        return left.value.code, *capsys.readouterr()

    return call


def test_the_simulator_says_what_it_made(command, tmp_path):
    code, out, err = command(tmp_path)
    assert (code, err) == (0, "")
    assert out == (
        f"{tmp_path}: 24 raw frames and 16 ABs of 2014-10-22 and 2014-10-23\n"
        "run 094.A-0001A (2094-01-01): ALPHA, BETA, GAMMA\n"
    )
    assert len(list((tmp_path / "raw").rglob("*.npy"))) == 24
    assert len(list((tmp_path / "qcweb/EXAMPLE_deep").rglob("*.ab"))) == 16


def test_the_simulator_says_it_to_programs_as_well(command, tmp_path):
    code, out, _ = command(tmp_path, "--json")
    assert code == 0
    assert json.loads(out) == {
        "directory": str(tmp_path),
        "run": "094.A-0001A",
        "date": "2094-01-01",
        "nights": ["2014-10-22", "2014-10-23"],
        "targets": ["ALPHA", "BETA", "GAMMA"],
        "raw": 24,
        "abs": 16,
    }


@pytest.mark.parametrize("kept", ["raw/mine.fits", "qcweb/EXAMPLE_R/night/a.ab"])
def test_the_simulator_keeps_what_is_there(command, tmp_path, kept):
    (tmp_path / kept).parent.mkdir(parents=True)
    (tmp_path / kept).write_text("mine")
    before = files_below(tmp_path)
    code, out, err = command(tmp_path, "--seed", 2, "--json")
    told = (
        f"{tmp_path}: has frames or ABs already; they are kept, so name a new directory"
    )
    assert code == 2
    assert json.loads(out) == {"error": told, "exit_code": 2}
    assert err == f"phoenix_simulate_example: {told}\n"
    assert files_below(tmp_path) == before


def test_the_simulator_explains_itself(command):
    code, out, _ = command("--help")
    assert code == 0
    assert "phoenix_simulate_example phoenix-data/example" in out
    assert "--json" in out
    assert "Args:" not in out
