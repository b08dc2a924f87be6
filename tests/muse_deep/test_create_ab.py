"""ABs made from raw frames by the rules of the MUSE package: those of an AB store."""

from pathlib import Path

import attrs
import pytest
from phoenix_muse_sim import TINY, default_scenario, simulate

from muse_deep_plugin.create_deep import deep_block
from phoenix_core.ab.file import check_block, read_blocks
from phoenix_core.config import ENVIRONMENT, read_config
from phoenix_core.create_ab import create_abs, read_rules
from phoenix_core.create_ab.classify import classify
from phoenix_core.create_ab.headers import headers_below
from phoenix_core.create_ab.read_rules import find_rules
from phoenix_core.loader.session import Wishes, open_session
from phoenix_core.model import Run
from phoenix_core.records.ledger import open_ledger
from phoenix_core.run.create import create
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


# From raw frames to deep datacubes, outside ESO --------------------------------------

TARGET_OBS = {"1090001", "1090002"}  # of NGC300
CONFIGS = Path(__file__).parents[2] / "config"


def configured(name, observatory, tmp_path, monkeypatch):
    """A configuration of the repository; what it makes lies below tmp_path."""
    for variable in ENVIRONMENT.values():
        monkeypatch.delenv(variable, raising=False)
    text = (CONFIGS / name).read_text("utf-8")
    path = tmp_path / name
    path.write_text(text.replace('"phoenix-data"', f'"{tmp_path}"'))
    for folder in ("raw", "calib"):
        link = tmp_path / folder
        if not link.exists():
            link.symlink_to(observatory.outdir / folder)
    return read_config(path)


def with_all_they_need(blocks, store):
    """The ABs, and those whose products they take."""
    found = {}
    todo = list(blocks)
    while todo:
        block = todo.pop()
        if block.name not in found:
            found[block.name] = block
            todo += [store[need] for need in block.needs]
    return tuple(found.values())


def test_the_abs_of_nights_are_written_into_the_store_and_deep_ones_made_of_them(
    observatory, tmp_path, monkeypatch
):
    config = configured("muse_r.toml", observatory, tmp_path, monkeypatch)
    for date in nights(observatory):
        with open_session(config, Wishes(date=date)) as session:
            plan = create(session)
        assert not plan.findings
        made = {block.name for block in read_blocks(tmp_path / "qcweb/MUSE_R" / date)}
        theirs = read_blocks(observatory.outdir / "qcweb" / "MUSE_R" / date)
        assert made == {block.name for block in theirs}
    # What phoenix_createDeep does: the ABs of a target go to branch MUSE_deep.
    store = {
        block.name: block
        for date in nights(observatory)
        for block in read_blocks(tmp_path / "qcweb" / "MUSE_R" / date)
    }
    psts = [
        block
        for block in store.values()
        if block.recipe == "muse_scipost" and block.value("OBS_ID") in TARGET_OBS
    ]
    deep = deep_block("NGC300", psts, "094.D-0114B")
    place = tmp_path / "qcweb" / "MUSE_deep" / "2094-04-14"
    place.mkdir(parents=True)
    for block in (deep, *with_all_they_need(psts, store)):
        (place / block.name).write_text(block.text)
    config = configured("muse_deep.toml", observatory, tmp_path, monkeypatch)
    with open_session(config, Wishes("094.D-0114B")) as session:
        plan = create(session)
    assert not plan.findings
    assert plan.jobs[-1].block == deep.name
    assert {"muse_scibasic", "muse_scipost", "muse_exp_align", "muse_exp_combine"} <= {
        block.recipe for block in plan.cascade.blocks
    }


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
