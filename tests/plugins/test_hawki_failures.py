"""HAWKI: nights with a fault. The right AB is left or fails, and the others go on."""

import subprocess
import sys
from pathlib import Path

import pytest
from astropy.io import fits
from phoenix_hawki_sim import (
    Fault,
    default_scenario,
    simulate,
    with_fault,
    without_darks,
    without_flat,
)

from phoenix_core.ab.file import read_blocks
from phoenix_core.config import ENVIRONMENT
from phoenix_core.testing.outcome import run_parts

CONFIG = Path(__file__).parents[2] / "config" / "hawki.toml"
NIGHT = "2024-03-10"
IN_KS = "HAWKI.2024-03-10T23:41:23.652_sci.ab"
IN_J = "HAWKI.2024-03-11T00:30:41.087_sci.ab"
J = 200100002


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    for variable in ENVIRONMENT.values():
        monkeypatch.delenv(variable, raising=False)


def simulated(directory, scenario):
    simulate(directory / "data", scenario)
    text = CONFIG.read_text("utf-8").replace('"phoenix-nights"', f'"{directory}/data"')
    config = directory / "hawki.toml"
    config.write_text(text, "utf-8")
    return config


def abs_after(config):
    found = read_blocks(config.parent / "data" / "ab" / NIGHT)
    return {block.name: block for block in found}


def why(config, name):
    command = Path(sys.executable).with_name("phoenix")
    words = ["--config", config, "-d", NIGHT]
    told = subprocess.run(
        [command, "why", name, *words], capture_output=True, text=True, check=False
    )
    return told.stdout + told.stderr


INCOMPLETE = {
    "a missing dark": (
        lambda night: without_darks(night, 20.0),
        ("MASTER_DARK", "ESO DET DIT = 5.0, wanted 20.0"),
    ),
    "flats of other filters only": (
        lambda night: without_flat(night, "J"),
        ("MASTER_TWILIGHT_FLAT", "ESO INS FILT1 NAME = 'Ks', wanted 'J'"),
    ),
    "a truncated exposure": (
        lambda night: with_fault(night, J, 3, Fault.TRUNCATED),
        ("HAWKI.2024-03-11T00:31:49.721.fits is truncated",),
    ),
    "an exposure without DIT": (
        lambda night: with_fault(night, J, 1, Fault.NO_DIT),
        ("HAWKI.2024-03-11T00:30:41.087.fits has no ESO DET DIT",),
    ),
}


@pytest.mark.parametrize("what", INCOMPLETE)
def test_the_ab_that_lacks_something_is_left_and_the_night_goes_on(tmp_path, what):
    spoil, reasons = INCOMPLETE[what]
    config = simulated(tmp_path, spoil(default_scenario((NIGHT,))))
    outcome = run_parts(config, NIGHT, "CP")
    assert outcome.error == ""
    blocks = abs_after(config)
    bad = {n: b for n, b in blocks.items() if b.value("COMPLETENESS") == "INCOMPLETE"}
    assert IN_J in bad
    assert {block.value("OBS_ID") for block in bad.values()} == {str(J)}
    told = " ".join(bad[IN_J].values("MISSING"))
    assert all(reason in told for reason in reasons)
    good = [block for name, block in blocks.items() if name not in bad]
    assert {block.status.value for block in good} == {"SUCCESSFUL"}
    assert IN_KS in {block.name for block in good}
    named = why(config, IN_J)
    assert all(reason.split(" is ")[0] in named for reason in reasons)


def test_a_truncated_dark_leaves_the_ob_that_needs_it(tmp_path):
    config = simulated(tmp_path, default_scenario((NIGHT,)))
    raw = next((tmp_path / "data" / "raw").rglob("HAWKI.*T10:13:46*"))
    raw.write_bytes(raw.read_bytes()[:70_000])
    run_parts(config, NIGHT, "CP")
    blocks = abs_after(config)
    assert blocks[IN_KS].status.value == "SUCCESSFUL"
    assert blocks[IN_J].status.value != "SUCCESSFUL"
    assert blocks["HAWKI.2024-03-11T10:13:12.508_dark.ab"].status.value != "SUCCESSFUL"


def test_an_empty_exposure_fails_its_ob_alone(tmp_path):
    night = with_fault(default_scenario((NIGHT,)), J, 2, Fault.ZERO)
    config = simulated(tmp_path, night)
    outcome = run_parts(config, NIGHT, "CP")
    assert outcome.exit_code == 4
    failed = {o.block: o.cause for o in outcome.outcomes if o.cause}
    assert set(failed) == {IN_J}
    assert "T00:31:15.404.fits[CHIP1.INT1] has one value" in failed[IN_J]


def test_an_exposure_that_was_damaged_since_is_never_reduced(tmp_path):
    """Its size is right, its checksum is not: only reading it tells."""
    config = simulated(tmp_path, default_scenario((NIGHT,)))
    raw = next((tmp_path / "data" / "raw").rglob("HAWKI.*T00:30*"))
    content = bytearray(raw.read_bytes())
    content[-5000] ^= 1
    raw.write_bytes(content)
    outcome = run_parts(config, NIGHT, "CP")
    failed = {o.block: o.cause for o in outcome.outcomes if o.cause}
    assert set(failed) == {IN_J}
    assert raw.name in failed[IN_J]
    assert "damaged" in failed[IN_J]


def test_a_dark_of_another_size_is_told_in_words(tmp_path):
    """The recipe takes a dummy in its place, and says 0."""
    config = simulated(tmp_path, without_darks(default_scenario((NIGHT,)), 20.0))
    path = tmp_path / "data" / "calib" / NIGHT / "HA_MDRK_5s_240310.fits"
    with fits.open(path) as hdus:
        hdus[0].header["ESO DET DIT"] = 20.0
        for hdu in hdus[1:]:
            hdu.data = hdu.data[:64, :64]
        hdus.writeto(path, overwrite=True, checksum=True)
    outcome = run_parts(config, NIGHT, "CP")
    failed = {o.block: o.cause for o in outcome.outcomes if o.cause}
    assert set(failed) == {IN_J}
    assert "HA_MDRK_5s_240310.fits[CHIP1.INT1] has 64x64 pixels" in failed[IN_J]
    assert "take one of their size" in failed[IN_J]
