"""phoenix_createDeep as it is typed: from a target list to what phoenix -C finds."""

import json
import os
import pty
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import fsspec
import pytest

from muse_deep_plugin.preparation.create_deep_questions import Wishes, editor_command
from muse_deep_plugin.preparation.create_deep_run import create_deep
from muse_deep_plugin.preparation.upload_abs import is_same
from phoenix_core.ab.file import read_block
from phoenix_core.config import read_config
from phoenix_core.errors import ConfigError
from phoenix_core.files.run_lock import holding
from phoenix_core.records.ledger import open_ledger
from phoenix_core.words.terminal import Terminal

RUN = "094.D-0114(B)"
DATE = "2094-04-14"
MASTER, SLAVE = "096.A-0120(A)", "097.A-0121(A)"
MASTER_DATE = "2096-01-20"
COMMAND = Path(sys.executable).parent / "phoenix_createDeep"


def pst(pipefile):
    return pipefile.removeprefix("r.").removesuffix(".fits") + ".ab"


def fits_of(ab_name):
    return f"r.{ab_name.removesuffix('.ab')}.fits"


def aborted(site):
    """The exposure of HDFS that was aborted: its pst AB."""
    return site.exposures("HDFS")[-1]


def exposures_in(cascade):
    """The exposures that each target of a cascade combines."""
    return {
        block.value("TARGET"): [
            m.file for m in block.mcalibs if m.tag == "PIXTABLE_REDUCED"
        ]
        for block in cascade.values()
        if block.recipe == "muse_exp_combine"
    }


# From end to end ------------------------------------------------------------------


def test_the_default_selection_gives_the_cascade_of_the_simulators_own_branch(site):
    """Less the aborted exposure, which the simulator leaves out."""
    simulated = site.cascade()
    shutil.rmtree(site.root / "ab")
    site.forget_deep()
    site.comment(fits_of(aborted(site)))
    done = site.made("--yes")
    assert done["ok"]
    assert [t["state"] for t in done["targets"]] == ["uploaded"] * 3
    made = site.cascade()
    assert list(made) == list(simulated)
    differing = [n for n in made if not is_same(made[n], simulated[n])]
    assert differing == []


def test_what_the_simulator_put_there_is_seen_to_be_the_same(site):
    done = site.made("--yes", "--target", "NGC300")
    (target,) = done["targets"]
    assert target["state"] == "there"
    assert target["uploaded"] == []
    told = site.call("-r", RUN, "--yes", "--target", "NGC300").stdout
    assert "all 13 ABs of NGC300 are in the store already" in told


def test_an_exposure_that_is_commented_is_in_no_cascade(empty_site):
    site = empty_site
    first, *rest = site.exposures("NGC300")
    site.comment(fits_of(first))
    assert site.made("--yes", "--target", "NGC300")["ok"]
    cascade = site.cascade()
    assert exposures_in(cascade) == {"NGC300": rest}
    assert not [name for name in cascade if name.startswith(first[:-7])]


def test_a_target_split_in_two_gives_two_deep_datacubes(empty_site):
    site = empty_site
    exposures = site.exposures("NGC300")
    for number, cube in enumerate(site.cubes("NGC300"), start=1):
        site.rename(cube, f"NGC300_P{number}")
    done = site.made("--yes", "--target", "NGC300_P1", "--target", "NGC300_P2")
    assert [t["warnings"] for t in done["targets"]] == [
        ["all exposures are of OB 1090001: its combined datacube exists already"],
        ["all exposures are of OB 1090002: its combined datacube exists already"],
    ]
    expected = {"NGC300_P1": exposures[:2], "NGC300_P2": exposures[2:]}
    assert exposures_in(site.cascade()) == expected


def test_a_target_split_across_obs_shares_the_sky_of_both(empty_site):
    """Each half has an exposure of each OB: the SKY of an OB goes to both."""
    site = empty_site
    exposures = site.exposures("NGC300")
    for number, name in enumerate(exposures):
        site.rename(fits_of(name), f"HALF_{number % 2}")
    for cube in site.cubes("NGC300"):
        site.comment(cube)
    done = site.made("--yes", "--target", "HALF_0", "--target", "HALF_1")
    assert done["ok"], done
    first, second = (t["same"] for t in done["targets"])
    assert first == []
    assert len([name for name in second if name.endswith("_sky.ab")]) == 2
    cascade = site.cascade()
    halves = {"HALF_0": exposures[::2], "HALF_1": exposures[1::2]}
    assert exposures_in(cascade) == halves


def test_a_datacube_may_be_in_two_targets(empty_site):
    site = empty_site
    site.copy_line(site.cubes("NGC300")[1], "NGC300", "LATE")
    site.copy_line(site.cubes("HDFS")[0], "HDFS", "LATE")
    site.comment(fits_of(site.exposures("HDFS")[0]))
    done = site.made("--yes", "--target", "NGC300", "--target", "LATE")
    assert done["ok"], done
    late = [site.exposures("HDFS")[1], *site.exposures("NGC300")[2:]]
    assert site.targets() == {"LATE": late, "NGC300": site.exposures("NGC300")}
    told = {t["target"]: t["warnings"] for t in done["targets"]}
    assert f"{late[1]} is an exposure of NGC300, too" in told["LATE"]
    assert f"{late[1]} is an exposure of LATE, too" in told["NGC300"]


def test_two_targets_that_begin_with_one_exposure_are_refused(empty_site):
    """A dpc AB is named after its first exposure: theirs would have one name."""
    site = empty_site
    site.copy_line(site.cubes("NGC300")[0], "NGC300", "BOTH")
    done = site.made("--yes")
    failed = {t["target"]: t["error"] for t in done["targets"] if t["error"]}
    first = site.exposures("NGC300")[0]
    assert failed == {
        "BOTH": f"BOTH: its first exposure, {first}, is that of NGC300, too: their dpc "
        "ABs would have one name; drop it from all but one",
        "NGC300": f"NGC300: its first exposure, {first}, is that of BOTH, too: their "
        "dpc ABs would have one name; drop it from all but one",
    }
    # Where only one of them is asked for, the store tells.
    assert site.made("--yes", "--target", "NGC300")["ok"]
    done = site.made("--yes", "--target", "BOTH")
    assert "_dpc.ab (of NGC300)" in done["targets"][0]["error"]


def test_master_and_slave_make_one_target_of_an_ob_in_each(empty_site):
    site = empty_site
    done = site.made("--yes", run=MASTER)
    assert done["date"] == MASTER_DATE
    (target,) = done["targets"]
    assert target["warnings"] == []
    cascade = site.cascade(MASTER)
    both = [*site.exposures("UDF-10", MASTER), *site.exposures("UDF-10", SLAVE)]
    assert exposures_in(cascade) == {"UDF-10": both}
    dpc = cascade[target["dpc"]]
    assert dpc.value("RUN_ID") == MASTER
    assert {cascade[name].value("OBS_PROG_ID") for name in both} == {MASTER, SLAVE}
    assert {block.value("DATE") for block in cascade.values()} == {MASTER_DATE}
    refused = site.call("-r", SLAVE, "--yes")
    assert refused.returncode == 2
    assert f"is a SLAVE of {MASTER}" in refused.stderr


def test_a_combined_datacube_without_lines_of_exposures_stands_for_all(empty_site):
    site = empty_site
    lines = site.list_of().read_text().split("\n")
    kept = [line for line in lines if "DATACUBE_SINGLE" not in line]
    site.list_of().write_text("\n".join(kept))
    site.made("--yes")
    assert site.targets() == {
        name: site.exposures(name) for name in ("NGC300", "HDFS", "NGC288")
    }


# What is made ---------------------------------------------------------------------


def test_abs_say_the_pseudo_date_and_that_nothing_was_done(empty_site):
    site = empty_site
    done = site.made("--yes")
    for name, block in site.stored().items():
        assert block.value("DATE") == DATE, name
        assert block.status == "CREATED"
        assert block.values("PRODUCTS") == ()
    with open_ledger(site.config.database) as ledger:
        assert ledger.run_of(DATE).formal == RUN
    crowded = {t["target"]: t["crowded"] for t in done["targets"]}
    assert crowded == {"NGC300": False, "HDFS": False, "NGC288": True}
    modes = {
        b.value("TARGET"): b.value("PROC_MODE")
        for b in site.stored().values()
        if b.recipe == "muse_exp_combine"
    }
    assert modes == {"NGC300": "", "HDFS": "", "NGC288": "CROWDED"}


def test_warnings_come_before_anything_is_made(empty_site):
    done = empty_site.call("-r", RUN, "--yes")
    assert done.returncode == 0
    told = done.stdout
    assert told.index("is short: 60 s of 600 s") < told.index("collected in")
    assert told.index("grade C: ") < told.index("collected in")


def test_pointings_that_do_not_overlap_are_told_before_anything_is_made(empty_site):
    site = empty_site
    first, *_, last = site.exposures("NGC300")
    night = last[:15]
    assert night != first[:15]
    database = sqlite3.connect(site.root / "phoenix.db")
    database.execute(
        "UPDATE muse_sci_single SET dec = dec + ? WHERE pipefile LIKE ?",
        (240 / 3600, f"r.{night}%"),
    )
    database.commit()
    database.close()
    told = site.call("-r", RUN, "--yes", "--target", "NGC300").stdout
    apart = told.index("2 pointings, 240 arcsec apart, do not overlap: P1 ")
    assert apart < told.index("collected in")
    (line,) = [one for one in told.splitlines() if "2 pointings" in one]
    one, other = line.split("; P2 ")
    assert first in one
    assert last in other


def test_an_option_answers_for_all_targets(empty_site):
    done = empty_site.made("--crowded", "--yes")
    assert {t["crowded"] for t in done["targets"]} == {True}
    assert "SKY observations" in done["targets"][2]["suggested"]["why"]
    assert all(
        block.value("PROC_MODE") == "CROWDED"
        for block in empty_site.stored().values()
        if block.recipe == "muse_scipost"
    )


def test_names_that_an_ab_cannot_have_are_made_fit_and_said(empty_site):
    site = empty_site
    for cube in site.cubes("NGC300"):
        site.rename(cube, '"NGC 300 (P1)"')
    done = site.made("--yes", "--target", "NGC 300 (P1)")
    (target,) = done["targets"]
    assert target["target"] == "NGC_300_P1_"
    assert "'NGC 300 (P1)' is NGC_300_P1_ in the ABs" in target["warnings"]


@pytest.mark.parametrize("name", ["../x", "a/b", "..", '".hidden"', "x\\\\y", '"()"'])
def test_names_that_lead_elsewhere_are_refused_with_their_line(empty_site, name):
    site = empty_site
    site.rename(site.cubes("NGC300")[0], name.replace("\\", "\\\\"))
    with pytest.raises(ConfigError) as told:
        site.made("--yes")
    assert "094.D-0114B.txt, line " in str(told.value)
    assert "is no name; expected letters" in str(told.value)
    assert not list(site.tmp2().glob("*/"))
    assert site.stored() == {}


def test_a_long_name_does_not_hide_what_is_wrong_with_it(empty_site):
    empty_site.rename(empty_site.cubes("HDFS")[0], "x" * 5000)
    with pytest.raises(ConfigError, match=r"xxx\.\.\.' is no name; expected") as told:
        empty_site.made("--yes")
    assert len(str(told.value)) < 500


def test_two_names_that_would_become_one_are_refused(empty_site):
    site = empty_site
    first, second = site.cubes("NGC300")
    site.rename(first, '"A B"')
    site.rename(second, "A_B")
    with pytest.raises(ConfigError, match="would be A_B in the ABs"):
        site.made("--yes")


def test_a_missing_ab_is_named_and_the_other_targets_are_made(empty_site):
    site = empty_site
    lost = site.exposures("HDFS")[1].replace("_pst", "")
    (path,) = (site.root / "qcweb" / "MUSE_R").glob(f"*/{lost}")
    path.unlink()
    done = site.call("-r", RUN, "--yes")
    assert done.returncode == 2
    assert f"HDFS: {lost}, which {site.exposures('HDFS')[1]} needs" in done.stderr
    assert set(site.targets()) == {"NGC300", "NGC288"}
    document = site.made("--yes")
    assert (document["ok"], document["exit_code"]) == (False, 2)
    states = {t["target"]: t["state"] for t in document["targets"]}
    assert states == {"HDFS": "failed", "NGC288": "there", "NGC300": "there"}


# What is refused ------------------------------------------------------------------


def test_without_a_terminal_it_says_which_options_answer(site):
    done = site.call("-r", RUN)
    assert done.returncode == 2
    assert "--crowded or --not-crowded" in done.stderr
    assert "--yes, or --no-upload" in done.stderr
    done = site.call("-r", RUN, "--crowded")
    assert "is it CROWDED" not in done.stderr
    assert "upload (--yes" in done.stderr
    document = json.loads(site.call("-r", RUN, "--json").stdout)
    assert document["exit_code"] == 2
    assert not site.tmp2().exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-r", "094.D-0114"), "unknown run 094.D-0114: no datacubes, no list; did"),
        (("-r", RUN, "--crowded", "--not-crowded"), "--crowded or --not-crowded: one"),
        (("-r", "nonsense"), "'nonsense' is no run id"),
        (
            ("-r", RUN, "--target", "NGC30"),
            "'NGC30' is selected; did you mean 'NGC300'",
        ),
        (("-r", RUN, "-v"), "-v goes alone"),
        ((), "Missing option"),
    ],
)
def test_a_wrong_command_line_is_one_line(site, words, told):
    done = site.call(*words, "--yes")
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_list_of_nothing_is_told(site):
    text = site.list_of().read_text()
    site.list_of().write_text("\n".join(f"#{line}" for line in text.split("\n")))
    done = site.call("-r", RUN, "--yes")
    assert "no target is selected" in done.stderr


def test_mistakes_of_a_list_are_told_by_line(site):
    site.edit(site.list_of(), "DATACUBE_SINGLE", "DATACUBE_SINGEL", count=2)
    done = site.call("-r", RUN, "--yes")
    assert done.returncode == 2
    assert done.stderr.count("DATA_TYPE is 'DATACUBE_SINGEL'") == 2


def test_abs_of_another_run_in_the_folder_are_an_error(site):
    (name, block), *_ = [
        (n, b) for n, b in site.stored().items() if b.recipe == "muse_exp_combine"
    ]
    path = site.root / "qcweb" / "MUSE_deep" / DATE / name
    path.write_text(block.with_value("RUN_ID", "094.D-0214(A)").text)
    done = site.call("-r", RUN, "--yes")
    assert done.returncode == 2
    assert f"{name} of run 094.D-0214(A)" in done.stderr
    assert "two runs have one pseudo-date" in done.stderr
    assert not site.tmp2("NGC300").exists()


def test_it_never_uploads_into_the_history(site):
    site.edit(site.config_path, '"MUSE_deep"', '"MUSE_R"')
    done = site.call("-r", RUN, "--yes")
    assert done.returncode == 2
    assert "ab_branch: is 'MUSE_R'" in done.stderr


def test_two_calls_at_a_time_do_not_mix(site):
    with holding(site.tmp2(".createDeep.lock"), "a test"):
        done = site.call("-r", RUN, "--yes")
    assert done.returncode == 4
    assert "is held by process" in done.stderr


def test_without_qc_tables_it_works_and_says_so(empty_site):
    site = empty_site
    database = sqlite3.connect(site.root / "phoenix.db")
    for table in ("muse_sci_single", "muse_sci_combined"):
        database.execute(f"DROP TABLE {table}")
    database.commit()
    database.close()
    done = site.made("--yes")
    assert done["ok"]
    assert "the QC1 database has no table muse_sci_single" in done["notes"]
    # The list itself tells grades and times.
    hdfs = next(t for t in done["targets"] if t["target"] == "HDFS")
    assert len(hdfs["warnings"]) == 2


def test_a_run_without_a_list_is_told_how_to_get_one(site):
    site.list_of().unlink()
    done = site.call("-r", RUN, "--yes")
    assert done.returncode == 2
    assert f"there is no target list; write {RUN} with COMBINE YES" in done.stderr


def test_a_run_that_is_never_to_be_combined_is_refused_with_its_line(empty_site):
    site = empty_site
    path = site.runs_folder / "RUN_TYPE.txt"
    path.write_text(f"# mine\n{RUN} 94 deep NO bad seeing\n")
    done = site.call("-r", RUN, "--yes")
    assert done.returncode == 2
    assert done.stderr == (
        f"phoenix_createDeep: {path}, line 2: COMBINE of {RUN} is 'NO'; expected YES, "
        "change it there to make deep datacubes\n"
    )
    assert not site.stored()
    assert not site.tmp2().exists()
    site.edit(path, "NO", "YES")
    assert site.made("--yes")["notes"] == []
    assert site.targets()


def test_a_run_that_nobody_decided_is_told_and_made(empty_site):
    done = empty_site.made("--yes")
    assert done["notes"] == [f"RUN_TYPE.txt has no {RUN}: nobody decided COMBINE yet"]
    assert empty_site.targets()


def test_a_run_that_is_not_decided_is_told(site):
    (site.runs_folder / "RUN_TYPE.txt").write_text(f"{RUN} 94 crowded TBD waiting\n")
    done = site.made("--no-upload", "--yes")
    assert done["notes"] == [f"RUN_TYPE.txt says COMBINE TBD for {RUN}"]
    assert {t["target"]: t["crowded"] for t in done["targets"]}["HDFS"] is True


@pytest.mark.parametrize("what", ["huge", "directory", "liar", "binary", "circle"])
def test_a_hostile_history_makes_one_target_fail_and_no_more(empty_site, what):
    site = empty_site
    name = site.exposures("HDFS")[0]
    (path,) = (site.root / "qcweb" / "MUSE_R").glob(f"*/{name}")
    text = path.read_text()
    path.unlink()
    if what == "huge":
        with path.open("wb") as file:
            file.truncate(20_000_000)
    elif what == "directory":
        path.mkdir()
    elif what == "liar":
        path.write_text(text.replace(f"AB_NAME           {name}", "AB_NAME other.ab"))
    elif what == "binary":
        path.write_bytes(bytes(range(256)) * 10)
    else:
        path.write_text(text.replace("MCALIB ", f"MCALIB VIRTUAL {name} X\nMCALIB ", 1))
    done = site.made("--yes")
    assert done["exit_code"] == 2
    failed = [t["target"] for t in done["targets"] if t["error"]]
    assert failed == ["HDFS"]
    assert set(site.targets()) == {"NGC300", "NGC288"}


# Again ----------------------------------------------------------------------------


def test_what_is_collected_waits_and_is_uploaded_by_the_next_call(empty_site):
    site = empty_site
    done = site.made("--no-upload", "--not-crowded")
    assert {t["state"] for t in done["targets"]} == {"collected"}
    assert site.stored() == {}
    (overview,) = site.tmp2("NGC300").glob("overview.txt")
    assert "4 exposures of 2 OBs, 2400 s" in overview.read_text()
    done = site.made("--yes")
    assert {t["state"] for t in done["targets"]} == {"uploaded"}
    # What was answered is remembered: NGC288 was said not to be CROWDED.
    assert {t["crowded"] for t in done["targets"]} == {False}


def test_an_edited_ab_is_kept_said_and_uploaded(empty_site):
    site = empty_site
    site.made("--no-upload", "--yes")
    dpc = next(site.tmp2("NGC300").glob("*_dpc.ab"))
    dpc.write_text(dpc.read_text() + "RECIPE_PARAM  --weight=fwhm\n")
    done = site.call("-r", RUN, "--yes")
    assert f"{dpc.name}: edited by hand and kept as it is; --fresh" in done.stdout
    assert "--weight=fwhm" in site.stored()[dpc.name].params
    again = site.made("--yes", "--fresh", "--replace")
    target = next(t for t in again["targets"] if t["target"] == "NGC300")
    assert "--weight=fwhm" not in site.stored()[dpc.name].params
    assert "--weight=fwhm" in (Path(target["moved_to"]) / dpc.name).read_text()
    assert "--weight=fwhm" in (Path(target["copies"]) / dpc.name).read_text()


def test_a_wrong_edit_is_told_and_not_uploaded(empty_site):
    site = empty_site
    site.made("--no-upload", "--yes")
    dpc = next(site.tmp2("NGC300").glob("*_dpc.ab"))
    site.edit(dpc, "_pst.ab", "_pts.ab")
    done = site.call("-r", RUN, "--yes")
    assert done.returncode == 2
    assert "did you mean" in done.stderr
    assert "NGC300" not in site.targets()
    assert "HDFS" in site.targets()


def test_an_emptied_status_is_created_again_in_the_store_and_not_in_the_folder(
    empty_site,
):
    site = empty_site
    site.made("--no-upload", "--yes", "--target", "NGC300")
    dpc = next(site.tmp2("NGC300").glob("*_dpc.ab"))
    status = next(
        line for line in dpc.read_text().splitlines() if "PROCESS_STATUS" in line
    )
    site.edit(dpc, status, "PROCESS_STATUS")
    edited = dpc.read_bytes()
    assert site.made("--yes", "--target", "NGC300")["ok"]
    assert site.stored()[dpc.name].value("PROCESS_STATUS") == "CREATED"
    assert dpc.read_bytes() == edited


def test_an_edit_made_for_other_exposures_stops_its_target_alone(empty_site):
    site = empty_site
    site.made("--no-upload", "--yes")
    dpc = next(site.tmp2("NGC300").glob("*_dpc.ab"))
    dpc.write_text(dpc.read_text() + "# mine\n")
    site.comment(fits_of(site.exposures("NGC300")[-1]))
    done = site.call("-r", RUN, "--yes")
    assert done.returncode == 2
    assert f"{dpc.name} edited by hand" in done.stderr
    assert "# mine" in dpc.read_text()
    assert set(site.targets()) == {"HDFS", "NGC288"}


def in_place_of(path):
    shutil.rmtree(path.parent)
    path.parent.write_text("x")


def sparse(path):
    with path.open("wb") as file:
        file.truncate(300_000_000)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("zz.ab", Path.mkdir),
        ("zz.ab", lambda path: path.symlink_to("nowhere")),
        ("zz.ab", os.mkfifo),
        ("zz.ab", sparse),
        (".collected.json", lambda path: (path.unlink(), path.mkdir())),
        ("zz.ab", in_place_of),
    ],
)
def test_an_odd_file_stops_its_target_alone(empty_site, name, damage):
    empty_site.made("--yes", "--no-upload")
    damage(empty_site.tmp2("HDFS") / name)
    done = empty_site.made("--yes")
    states = {t["target"]: t["state"] for t in done["targets"]}
    assert states == {"HDFS": "failed", "NGC288": "uploaded", "NGC300": "uploaded"}
    (told,) = [t["error"] for t in done["targets"] if t["error"]]
    assert str(empty_site.tmp2("HDFS")) in told
    assert "\n" not in told


def test_a_record_that_is_nested_too_deep_stops_nothing(empty_site):
    empty_site.made("--yes", "--no-upload")
    (empty_site.tmp2("HDFS") / ".collected.json").write_text("[" * 100_000)
    done = empty_site.made("--yes")
    assert {t["state"] for t in done["targets"]} == {"uploaded"}


def test_another_selection_has_to_replace_and_then_is_all_there_is(empty_site):
    site = empty_site
    site.made("--yes")
    first, *rest = site.exposures("NGC300")
    site.comment(fits_of(first))
    refused = site.call("-r", RUN, "--yes")
    assert refused.returncode == 2
    assert "the store has it as" in refused.stderr
    assert "--replace" in refused.stderr
    assert site.targets()["NGC300"] == [first, *rest]
    assert site.made("--yes", "--replace")["ok"]
    assert site.targets()["NGC300"] == rest
    assert first not in site.stored()
    assert exposures_in(site.cascade())["NGC300"] == rest


def test_a_target_that_is_not_selected_any_more_is_told_and_withdrawn(empty_site):
    site = empty_site
    site.made("--yes")
    for cube in site.cubes("HDFS"):
        site.comment(cube)
    done = site.made("--yes")
    assert done["ok"]
    assert done["left"][0].endswith("_dpc.ab (HDFS)")
    assert "HDFS" in site.targets()
    only = site.made("--yes", "--replace", "--target", "NGC300")
    assert only["withdrawn"] == []
    done = site.made("--yes", "--replace")
    assert len(done["withdrawn"]) == 11
    assert len(list(Path(done["copies"]).iterdir())) == 11
    assert set(site.targets()) == {"NGC300", "NGC288"}


def test_after_a_split_the_former_target_is_replaced(site):
    """The simulator's NGC300 stands in the store when it is split in two."""
    for number, cube in enumerate(site.cubes("NGC300"), start=1):
        site.rename(cube, f"NGC300_P{number}")
    site.comment(fits_of(aborted(site)))
    refused = site.call("-r", RUN, "--yes")
    assert refused.returncode == 2
    assert site.made("--yes", "--replace")["ok"]
    assert set(site.targets()) == {"NGC300_P1", "NGC300_P2", "HDFS", "NGC288"}
    assert set(exposures_in(site.cascade())) == set(site.targets())


# Killed ---------------------------------------------------------------------------


def complete_targets(site):
    """Targets that phoenix would see; each has all that it needs."""
    stored = site.stored()
    for block in stored.values():
        if block.recipe == "muse_exp_combine":
            todo = [block.name]
            for name in todo:
                todo += stored[name].needs  # KeyError: one is missing
    return set(site.targets())


def test_killed_at_any_change_of_a_disk_it_goes_on_when_called_again(
    empty_site, killed_at_each_change
):
    site = empty_site
    config = read_config(site.config_path)
    wishes = Wishes(yes=True, targets=("NGC288", "NGC300"))

    def work():
        with open_ledger(config.database) as ledger:
            create_deep(config, RUN, wishes, ledger, Terminal(quiet=True))

    seen = []
    for _ in killed_at_each_change(work, start=2, step=9):
        seen.append(complete_targets(site))
        work()
        assert complete_targets(site) == {"NGC288", "NGC300"}
        for made in ("qcweb/MUSE_deep", "ab"):
            shutil.rmtree(site.root / made)
    assert len(seen) > 10
    assert set() in seen
    assert {"NGC288"} in seen


def test_a_real_command_that_was_killed_is_called_again(empty_site):
    site = empty_site
    for moment in (0.4, 0.8, 1.0, 1.2):
        process = subprocess.Popen(
            [COMMAND, "-r", RUN, "--yes"],
            env=site.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        complete_targets(site)
    done = site.made("--yes")
    assert done["ok"]
    assert not any(t["edited"] or t["added"] for t in done["targets"])
    assert complete_targets(site) == {"NGC300", "HDFS", "NGC288"}


# Another store --------------------------------------------------------------------


def test_a_store_elsewhere_takes_the_abs(empty_site, tmp_path):
    """One that knows no renaming: the dpc AB comes last."""
    site = empty_site
    memory = fsspec.filesystem("memory")
    place = f"/{tmp_path.name}/qcweb"
    memory.put(f"{site.root}/qcweb", place, recursive=True)
    text = site.config_path.read_text()
    old = 'ab_store   = "{root}/qcweb" '
    assert old in text
    site.config_path.write_text(text.replace(old, f'ab_store = "memory:/{place}"'))
    config = read_config(site.config_path)
    with open_ledger(config.database) as ledger:
        for state in ("uploaded", "there"):
            report = create_deep(
                config, RUN, Wishes(yes=True), ledger, Terminal(quiet=True)
            )
            assert {made.state for made in report.made} == {state}
    names = [name.rsplit("/", 1)[-1] for name in memory.find(f"{place}/MUSE_deep")]
    assert len([name for name in names if name.endswith("_dpc.ab")]) == 3
    assert not [name for name in names if not name.endswith(".ab")]
    memory.rm(f"/{tmp_path.name}", recursive=True)


# In a terminal --------------------------------------------------------------------


def in_terminal(site, answers, *words, **env):
    """Call the command in a real terminal; type each answer after its question."""
    pid, terminal = pty.fork()
    if pid == 0:
        more = {"TERM": "xterm", "COLUMNS": "120", **env}
        try:
            os.execve(  # noqa: S606, no shell is the point
                COMMAND, [str(COMMAND), "-r", RUN, *words], site.env | more
            )
        finally:
            os._exit(99)
    text, waiting, seen, key = b"", list(answers), 0, b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        # What came before somebody listened is typed again, not what is being obeyed.
        patience = 3.0 if key in CONTROL else 0.2
        if select.select([terminal], [], [], patience)[0]:
            try:
                text += os.read(terminal, 4096)
            except OSError:
                break  # its end
        elif key in CONTROL:
            os.write(terminal, key)
        if waiting and waiting[0][0].encode() in text[seen:]:
            seen, key = len(text), waiting.pop(0)[1].encode()
            os.write(terminal, key)
    else:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    told = text.decode().replace("\r\n", "\n")
    assert not waiting, told
    return told, os.waitstatus_to_exitcode(status)


CONTROL = (b"\x03", b"\x04")
GO_ON, CROWDED, UPLOAD = "Go on? [y/n]", "CROWDED field mode?", "[u/e/v/t/s/q]"


def test_each_target_is_shown_asked_for_and_uploaded(empty_site):
    site = empty_site
    told, code = in_terminal(
        site,
        [
            (GO_ON, "y\n"),
            (f"Is HDFS in {CROWDED} [y/N]", "\n"),
            (UPLOAD, "u\n"),
            (f"Is NGC288 in {CROWDED} [Y/n]", "n\n"),
            (UPLOAD, "s\n"),
            (f"Is NGC300 in {CROWDED} [y/N]", "\n"),
            (UPLOAD, "v 01:10:54.193_pst\n"),
            (UPLOAD, "t\n"),
            (UPLOAD, "what?\n"),
            (UPLOAD, "u\n"),
        ],
    )
    assert code == 0, told
    assert "2 warnings, see above" in told
    assert told.index("is short") < told.index("Go on?")
    assert "all 4 exposures have SKY observations" in told
    assert "MUSE.2014-10-23T01:10:54.193_dpc.ab" in told
    assert "TARGET            NGC300" in told
    assert "muse_scipost" in told
    assert "e edit the dpc AB" in told
    assert set(site.targets()) == {"HDFS", "NGC300"}
    assert site.tmp2("NGC288").is_dir()


def test_nothing_is_made_where_a_person_does_not_go_on(empty_site):
    for answer in ("n\n", "\x04"):
        told, code = in_terminal(empty_site, [(GO_ON, answer)])
        assert code == 0, told
        assert not list(empty_site.tmp2().glob("*/"))


EDITOR = """\
import sys
from pathlib import Path
path = Path(sys.argv[-1])
assert sys.argv[1:-1] == ["--opt", "two words"], sys.argv
text = path.read_text()
wrong = "_pst.ab", "_pts.ab"
new = text.replace(*wrong) if "_pts" not in text else text.replace(*wrong[::-1])
path.write_text(new + "# edited\\n")
"""


def test_an_ab_is_edited_and_only_uploaded_once_it_is_right(empty_site, tmp_path):
    site = empty_site
    editor = tmp_path / "my editor.py"
    editor.write_text(EDITOR)
    told, code = in_terminal(
        site,
        [(UPLOAD, "e\n"), (UPLOAD, "u\n"), (UPLOAD, "e\n"), (UPLOAD, "u\n")],
        *("--target", "NGC300", "--not-crowded"),
        EDITOR=f"{sys.executable} '{editor}' --opt 'two words'",
    )
    assert code == 0, told
    assert "did you mean" in told
    dpc = next(b for b in site.stored().values() if b.recipe == "muse_exp_combine")
    assert dpc.text.count("# edited\n") == 2
    assert dpc.name in told.split("edited by hand and kept")[0]


def test_an_editor_that_is_none_is_told_and_one_is_asked_again(empty_site):
    told, code = in_terminal(
        empty_site,
        [(UPLOAD, "e\n"), (UPLOAD, "q\n")],
        *("--target", "NGC300", "--not-crowded"),
        EDITOR=f"/no/such/editor; touch {empty_site.root}/never",
        VISUAL="",
    )
    assert code == 0, told
    assert "no editor:" in told
    assert not (empty_site.root / "never").exists()
    assert empty_site.stored() == {}


def test_an_editor_that_leaves_a_directory_stops_its_target_alone(empty_site, tmp_path):
    editor = tmp_path / "editor.py"
    editor.write_text("import os, sys; os.unlink(sys.argv[1]); os.mkdir(sys.argv[1])")
    told, code = in_terminal(
        empty_site,
        [(GO_ON, "y\n"), (UPLOAD, "e\n"), (UPLOAD, "u\n")],
        *("--target", "NGC300", "--target", "HDFS", "--not-crowded"),
        EDITOR=f"{sys.executable} {editor}",
    )
    assert code == 2, told
    assert "_dpc.ab: Is a directory" in told
    assert set(empty_site.targets()) == {"NGC300"}


def test_an_interrupted_call_says_how_to_go_on(empty_site):
    told, code = in_terminal(
        empty_site, [(UPLOAD, "\x03")], "--target", "NGC300", "--not-crowded"
    )
    assert code == 130
    assert "interrupted; call again to go on" in told
    assert empty_site.tmp2("NGC300").is_dir()
    told, code = in_terminal(
        empty_site, [(UPLOAD, "u\n")], "--target", "NGC300", "--not-crowded"
    )
    assert code == 0, told
    assert set(empty_site.targets()) == {"NGC300"}


def test_what_was_answered_before_is_proposed(empty_site):
    site = empty_site
    site.made("--no-upload", "--crowded", "--target", "NGC300")
    told, code = in_terminal(
        site, [(f"{CROWDED} [Y/n]", "\n"), (UPLOAD, "q\n")], "--target", "NGC300"
    )
    assert code == 0, told
    assert "as answered before; suggested was No" in told
    assert "the SKY that was observed will not be subtracted" in told


def test_what_the_store_says_gives_the_terminal_no_orders(empty_site):
    site = empty_site
    name = site.exposures("NGC300")[0]
    (path,) = (site.root / "qcweb" / "MUSE_R").glob(f"*/{name}")
    path.write_text(path.read_text() + "OBS_ID  x\n# \x1b[2J\x1b]0;title\x07\n")
    site.edit(path, "1090001", "\x1b[31m7 [bold]")
    told, code = in_terminal(
        site,
        [(UPLOAD, f"v {name}\n"), (UPLOAD, "q\n")],
        *("--not-crowded", "--target", "NGC300"),
    )
    assert code == 0, told
    assert "?[31m7" in told
    assert "[bold]" in told
    for order in ("\x1b[31m7", "\x1b[2J", "\x1b]0"):
        assert order not in told


@pytest.mark.parametrize(
    ("variables", "command"),
    [
        ({"EDITOR": "nano -w"}, ["nano", "-w"]),
        ({"EDITOR": "nano", "VISUAL": "gvim -f"}, ["gvim", "-f"]),
        ({"EDITOR": " "}, ["vi"]),
        ({"EDITOR": "ed; rm -rf /"}, ["ed;", "rm", "-rf", "/"]),
    ],
)
def test_the_editor_is_a_list_of_words_and_never_a_shell(
    monkeypatch, variables, command
):
    monkeypatch.delenv("VISUAL", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert editor_command() == command
    monkeypatch.setenv("VISUAL", "un'closed")
    with pytest.raises(ConfigError, match=r"\$VISUAL"):
        editor_command()


# The command ----------------------------------------------------------------------


def test_help_and_version_are_quick_and_plain(site):
    assert site.call("-v").stdout.startswith("phoenix_createDeep 0")
    told = site.call("-h").stdout
    for option in (
        *("--target", "--crowded", "--not-crowded", "--yes", "--replace"),
        *("--no-upload", "--fresh", "--json", "--config"),
    ):
        assert option in told
    code = (
        "import sys\n"
        "sys.argv = ['phoenix_createDeep', '-h']\n"
        "from muse_deep_plugin.preparation.phoenix_create_deep import command\n"
        "try:\n    command()\nexcept SystemExit:\n    pass\n"
        "heavy = {'sqlalchemy', 'astropy', 'numpy', 'fsspec'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_both_spellings_of_a_run_are_taken(empty_site):
    one = empty_site.made("--yes", "--target", "NGC300", run="094.D-0114B")
    assert one["run"] == RUN
    assert read_block(Path(one["targets"][0]["folder"]) / one["targets"][0]["dpc"])
