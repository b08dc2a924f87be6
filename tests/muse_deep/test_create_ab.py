"""ABs made from raw frames by the rules of the MUSE package: those of an AB store."""

from pathlib import Path

import attrs
import pytest
from phoenix_muse_sim import TINY, default_scenario, simulate

from phoenix_core.ab_file import check_block, read_blocks
from phoenix_core.config import ENVIRONMENT, read_config
from phoenix_core.create_ab import create_abs, read_rules
from phoenix_core.create_ab.classify import classify
from phoenix_core.create_ab.headers import headers_below
from phoenix_core.create_ab.read_rules import find_rules
from phoenix_core.ledger import open_ledger
from phoenix_core.model import Run
from phoenix_core.run_id import parse_run_id

RULES = "muse_deep_plugin:rules.toml"
CONFIG = """
instrument = "MUSE"
mode = "{mode}"
[directories]
root = "{root}"
[phoenix]
AB_SOURCE = "createAB"
AB_PGI = "pgi_phoenix_MUSE_AB_deep"
JOB_PGI = "pgi_phoenix_MUSE_stream"
[processAB]
DRS = "pgi_phoenix_GEN_esorex"
[createAB]
rules = "muse_deep_plugin:rules.toml"
"""
# What the raw frames do not say: who wrote the AB and what became of it; that the run
# is of service mode, and that an exposure was aborted.
OF_THE_TOOL = {
    *("TOOL_VERSION", "CONFIG_VERSION", "PROCESS_STATUS", "OBS_MODE", "COMPLETENESS"),
}
LOW, HIGH = TINY.lambda_range
CUT = [f"--lambdamin={LOW:g}", f"--lambdamax={HIGH:g}"]
# The simulated chips are a part of a real one.
PARAMETERS = {
    "muse_scibasic": ["--nifu=1"],
    "muse_create_sky": CUT,
    "muse_scipost": CUT,
}


@pytest.fixture(scope="module")
def observatory(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("observatory"), default_scenario())


def run_of(observatory, mode, date, monkeypatch):
    for variable in ENVIRONMENT.values():
        monkeypatch.delenv(variable, raising=False)
    path = observatory.outdir / f"{mode}.toml"
    path.write_text(CONFIG.format(root=observatory.outdir, mode=mode))
    return Run(date, read_config(path))


def rules():
    name, text = find_rules(RULES)
    return read_rules(text, name)


def said(block):
    """What an AB says, its parameters in any order; times are compared as numbers."""
    told = {
        name: [" ".join(text.split()) for text in block.values(name)]
        for name in block.qualifiers
        if name not in OF_THE_TOOL | {"MJD-OBS_MOD"}
    }
    return told | {"RECIPE_PARAM": sorted(block.values("RECIPE_PARAM"))}


def nights(observatory):
    return sorted(path.name for path in (observatory.outdir / "raw").iterdir())


def test_the_abs_of_each_night_are_those_of_the_store(observatory, monkeypatch):
    store = observatory.outdir / "qcweb" / "MUSE_R"
    recipes = set()
    for date in nights(observatory):
        run = run_of(observatory, "IDP", date, monkeypatch)
        made = {b.name: b for b in create_abs(run, rules(), PARAMETERS)}
        wanted = {b.name: b for b in read_blocks(store / date)}
        assert set(made) == set(wanted)
        for name, block in made.items():
            assert said(check_block(block)) == said(wanted[name])
            middles = [float(b.value("MJD-OBS_MOD")) for b in (block, wanted[name])]
            assert middles[0] == pytest.approx(middles[1], abs=1.1e-8)
            assert block.value("COMPLETENESS") == "COMPLETE"
            recipes.add(block.recipe)
    assert len(recipes) == 5


def test_the_abs_of_a_run_are_those_of_its_nights(observatory, monkeypatch):
    run = run_of(observatory, "DEEP", "2094-04-14", monkeypatch)
    run = attrs.evolve(run, run_id=parse_run_id("094.D-0114B"))
    made = {b.name: b.value("DATE") for b in create_abs(run, rules())}
    wanted = [
        block.name
        for date in nights(observatory)
        for block in read_blocks(observatory.outdir / "qcweb" / "MUSE_R" / date)
        if block.value("OBS_PROG_ID") == "094.D-0114(B)"
    ]
    assert made == dict.fromkeys(wanted, "2094-04-14")


def test_a_sky_of_the_ob_gives_the_lines_and_else_they_are_modelled(
    observatory, monkeypatch
):
    found = {}
    for date in nights(observatory):
        run = run_of(observatory, "IDP", date, monkeypatch)
        for block in create_abs(run, rules()):
            if block.recipe == "muse_scipost":
                lines = [m for m in block.mcalibs if m.tag == "SKY_LINES"]
                found.setdefault(lines[0].kind, set()).update(block.params)
    assert "--skymethod=subtract-model" in found["VIRTUAL"]
    assert "--skymethod=model" in found["REAL"]
    assert not {"--skymethod=model"} & found["VIRTUAL"]


def test_every_simulated_file_has_a_class(observatory):
    the_rules = rules()
    with open_ledger(f"sqlite:///{observatory.outdir}/classes.db") as ledger:
        for of, folder in (("raw", "raw"), ("calib", "calib")):
            found = headers_below(ledger, observatory.outdir / folder, the_rules.wanted)
            frames = classify(the_rules, of, found)
            assert frames
            assert all(frame.tag and not frame.problem for frame in frames)


def test_the_rules_are_in_the_package():
    name, text = find_rules(RULES)
    assert (
        text == (Path(__file__).parents[2] / "muse_deep_plugin/rules.toml").read_text()
    )
    assert name == RULES
