"""The small tools: overlap of runs, names in common, pointings, target search."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from muse_deep_plugin.preparation.datacubes import final_datacubes, single_datacubes
from muse_deep_plugin.preparation.info_target import info_target
from muse_deep_plugin.preparation.multi_targets import multi_targets
from muse_deep_plugin.preparation.offer_targets import update_target_list
from muse_deep_plugin.preparation.pointing_plot import png_plot, terminal_plot
from muse_deep_plugin.preparation.target_list import list_path
from muse_deep_plugin.preparation.target_pointings import target_pointings
from phoenix_core.errors import ConfigError
from phoenix_core.run_id import parse_run_id
from phoenix_core.testing.calling import call_program

RUN = "094.D-0114(B)"
MASTER, SLAVE, THIRD = "094.A-0116(B)", "095.A-0118(A)", "096.A-0120(A)"
COMMANDS = (
    "phoenix_getInfoTarget",
    "phoenix_checkMulti",
    "phoenix_PrepareDeep",
    "createReport",
)
HEAVY = ("astropy", "attrs", "jinja2", "matplotlib", "numpy", "sqlalchemy")


def call(history, program, *words):
    """Call a command as a person does."""
    command = [program, *words, "--config", history.config_path]
    return call_program(command, cwd=Path.cwd(), env=os.environ)


@pytest.mark.parametrize("program", COMMANDS)
def test_help_and_version_are_quick(program):
    path = Path(sys.executable).with_name(program)
    code = (
        "import runpy, sys\n"
        "try:\n"
        f"    runpy.run_path({str(path)!r}, run_name='__main__')\n"
        "except SystemExit:\n"
        "    pass\n"
        f"heavy = [name for name in {HEAVY} if name in sys.modules]\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)\n"
    )
    for word in ("-h", "-v"):
        done = subprocess.run(
            [sys.executable, "-c", code, word],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert program in done.stdout


# phoenix_getInfoTarget ----------------------------------------------------------------


def test_runs_are_followed_until_nothing_is_new(history):
    found = info_target(history.config, parse_run_id(MASTER)).found
    steps = {run.run_id: (run.step, run.via) for run in found.runs}
    assert steps == {
        MASTER: (0, ()),
        SLAVE: (1, ("UDF-10",)),
        THIRD: (2, ("MACS0416",)),
    }
    names = [
        (group[0].target, [one.run_id for one in group]) for group in found.targets
    ]
    assert names == [
        ("MACS0416", [SLAVE, THIRD]),
        ("UDF-10", [MASTER, SLAVE]),
        ("J1206", [THIRD]),
        ("Q0302", [MASTER]),
    ]


def test_every_run_of_an_overlap_finds_the_same_targets(history):
    texts = [
        info_target(history.config, parse_run_id(run)).found.targets
        for run in (MASTER, SLAVE, THIRD)
    ]
    assert texts[0] == texts[1] == texts[2]


def test_the_name_is_the_databases_where_a_datacube_has_one(history, visit):
    history.observe(
        visit(
            RUN,
            "any",
            1090077,
            "2015-02-01T01:00:00.5",
            10.0,
            -10.0,
            pi_name="my field",
            is_processed=False,
        )
    )
    found = info_target(history.config, parse_run_id(RUN)).found
    (ngc300,) = (g for g in found.targets if g[0].target == "NGC300")
    assert ngc300[0].pi_names == ("NGC-300-F1",)
    assert (ngc300[0].n_obs, ngc300[0].n_exposures, ngc300[0].n_dcubes) == (2, 5, 2)
    assert ngc300[0].exptime == 2460
    (new,) = (g for g in found.targets if g[0].target == "my field")
    assert (new[0].n_obs, new[0].n_dcubes) == (1, 0)


def test_the_overlap_goes_to_the_terminal_and_to_a_file(history):
    done = call(history, "phoenix_getInfoTarget", "-r", MASTER)
    assert (done.returncode, done.stderr) == (0, "")
    path = history.folder / "getInfoTarget_094.A-0116B.txt"
    assert done.stdout == f"{path.read_text('utf-8')}written to {path}\n"
    assert "step 2  MACS0416" in done.stdout
    as_json = call(history, "phoenix_getInfoTarget", "-r", "094.A-0116B", "--json")
    document = json.loads(as_json.stdout)
    assert [run["run_id"] for run in document["runs"]] == [MASTER, SLAVE, THIRD]
    assert document["path"] == str(path)


def test_a_run_that_nobody_observed_is_told_with_the_nearest(history):
    done = call(history, "phoenix_getInfoTarget", "-r", "094.A-0116(C)")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "phoenix_getInfoTarget: no observation of a run 094.A-0116(C) is in the "
        "database; did you mean '094.A-0116(B)'?\n"
    )


# phoenix_checkMulti -------------------------------------------------------------------


def common(history, **options):
    return {
        one.target: [run.run_id for run in one.runs]
        for one in multi_targets(history.config, "", is_all=False, **options).targets
    }


def test_names_in_common_are_found_across_runs(history):
    assert common(history) == {"MACS0416": [SLAVE, THIRD], "UDF-10": [MASTER, SLAVE]}


def test_known_cases_and_linked_runs_are_not_told_again(history):
    history.write("RUN_MULTI.txt", f"{MASTER} M\n{SLAVE} S {MASTER}\n")
    assert common(history) == {"MACS0416": [SLAVE, THIRD]}
    history.write("phoenix_checkMulti.txt", "macs-0416  several pointings\n")
    assert common(history) == {}
    found = multi_targets(history.config, "", is_all=True)
    assert [one.known for one in found.targets] == [
        "several pointings",
        "linked in RUN_MULTI.txt",
    ]


def test_other_spellings_of_a_name_are_the_same_target(history, visit):
    history.observe(
        visit("110.23XX.001", "udf 10", 1100099, "2022-12-05T01:00:00.5", 53.2, -27.8)
    )
    assert common(history)["UDF-10"] == [MASTER, SLAVE, "110.23XX.001"]


def test_names_in_common_are_told_to_people_and_programs(history):
    done = call(history, "phoenix_checkMulti", "-r", THIRD)
    assert (done.returncode, done.stderr) == (0, "")
    assert "MACS0416" in done.stdout
    assert "UDF-10" not in done.stdout
    assert "1 name in common, 0 known cases" in done.stdout
    document = json.loads(call(history, "phoenix_checkMulti", "--json").stdout)
    assert [one["target"] for one in document["targets"]] == ["MACS0416", "UDF-10"]
    history.write("phoenix_checkMulti.txt", 'UDF-10 "seen\n')
    done = call(history, "phoenix_checkMulti")
    assert done.returncode == 2
    assert "phoenix_checkMulti.txt, line 1: COMMENT has a quote" in done.stderr


# phoenix_PrepareDeep ------------------------------------------------------------------


def pointings_of(history, target, run=RUN):
    return target_pointings(history.config, run, target)


def test_pointings_are_told_apart_by_real_centres(history):
    found = pointings_of(history, "Abell 370")
    assert [len(point.pipefiles) for point in found.pointings] == [4, 4]
    assert [spot.pointing for spot in found.spots] == [1] * 4 + [2] * 4
    assert found.spots[-1].offset[1] == pytest.approx(45.0, abs=0.2)
    assert found.spots[-1].header[1] == pytest.approx(44.9, abs=0.2)


def test_a_target_of_the_list_is_what_a_person_made_it(history):
    path = list_path(history.folder, RUN)
    with history.connect() as connection:
        known = final_datacubes(connection, [RUN]), single_datacubes(connection, [RUN])
    update_target_list(path, RUN, *known, "2026-11-27")
    lines = [
        line.replace('"Abell 370"', "P2", 1) if "2014-11-2" in line else line
        for line in path.read_text("utf-8").split("\n")
    ]
    path.write_text("\n".join(lines), "utf-8")
    found = pointings_of(history, "P2")
    assert len(found.spots) == 4
    assert len(found.pointings) == 1


def test_the_runs_of_a_master_are_taken_together(history):
    history.write("RUN_MULTI.txt", f"{MASTER} M\n{SLAVE} S {MASTER}\n")
    found = pointings_of(history, "UDF-10", MASTER)
    assert {spot.run_id for spot in found.spots} == {MASTER, SLAVE}


def test_a_target_that_is_not_there_is_told_with_the_nearest(history):
    with pytest.raises(ConfigError, match="has no target NGC30; did you mean 'NGC300'"):
        pointings_of(history, "NGC30")
    with pytest.raises(ConfigError, match="no datacube of a run"):
        pointings_of(history, "NGC300", "094.D-0999(A)")


def test_the_plot_shows_north_up_and_east_left(history, visit):
    for number, (ra, dec) in enumerate([(10.0, 0.0), (10.01, 0.0), (10.0, 0.02)]):
        history.observe(
            visit(
                RUN,
                "Field",
                1090200 + number,
                f"2015-03-0{number + 1}T01:00:00.5",
                ra,
                dec,
                pattern="O",
            )
        )
    lines = terminal_plot(pointings_of(history, "Field")).split("\n")
    (one,) = (i for i, line in enumerate(lines[:-2]) if "1" in line)
    (two,) = (i for i, line in enumerate(lines[:-2]) if "2" in line)
    (three,) = (i for i, line in enumerate(lines[:-2]) if "3" in line)
    assert three < one == two
    assert lines[two].index("2") < lines[one].index("1")


def test_a_header_that_is_plainly_wrong_does_not_hide_the_pointings(history):
    with history.connect() as connection:
        connection.execute(sa.text("UPDATE muse_sci_single SET tel_targ_alpha = 1"))
    plot = terminal_plot(pointings_of(history, "Abell 370"))
    assert "49.7" in plot.split("\n")[-2]
    assert {"1", "2"} <= set(plot)


def test_pointings_are_told_and_drawn(history, tmp_path):
    done = call(history, "phoenix_PrepareDeep", "094.D-0114B", "Abell 370")
    assert (done.returncode, done.stderr) == (0, "")
    assert "# Abell 370 of 094.D-0114(B): 2 pointings, 8 exposures" in done.stdout
    assert "north up, east left" in done.stdout
    png = tmp_path / "a.png"
    done = call(
        history, "phoenix_PrepareDeep", RUN, "Abell 370", "--png", png, "--json"
    )
    assert len(json.loads(done.stdout)["spots"]) == 8
    assert png.read_bytes().startswith(b"\x89PNG")


def test_a_plot_overwrites_no_text(history, tmp_path):
    text = tmp_path / "RUN_TYPE.txt"
    text.write_text("mine")
    done = call(history, "phoenix_PrepareDeep", RUN, "Abell 370", "--png", text)
    assert done.returncode == 2
    assert "expected NAME.png" in done.stderr
    assert text.read_text() == "mine"


@pytest.mark.parametrize("name", ["$x^{", "\N{SNOWMAN}", "<b>\x1b[2J"])
def test_names_of_targets_cannot_break_a_plot(history, visit, name):
    history.observe(visit(RUN, name, 1090300, "2015-04-01T01:00:00.5", 1.0, 1.0))
    shown = " ".join("".join(c if c.isprintable() else "?" for c in name).split())
    found = pointings_of(history, shown)
    assert png_plot(found).startswith(b"\x89PNG")
    assert "\x1b" not in found.text + terminal_plot(found)
