"""What is collected on the way: logs, NUM_SAT, WDEL_MAX; and what may go again."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from muse_deep_plugin.post_sci import exposure_cards
from phoenix_core.errors import ConfigError
from phoenix_core.fits.file import check_fits
from phoenix_core.records.ledger import open_ledger
from phoenix_core.testing.calling import call_program

SCIBASIC, SCIPOST = "muse_scibasic", "muse_scipost"
ALIGN, COMBINE = "muse_exp_align", "muse_exp_combine"


def pixel_table(path, saturated, shift):
    header = fits.Header()
    header["HIERARCH ESO QC SCIBASIC NSATURATED"] = saturated
    header["HIERARCH ESO QC SCIBASIC LAMBDA SHIFT"] = shift
    fits.PrimaryHDU(header=header).writeto(path)
    return path


def test_an_exposure_sums_its_saturated_pixels_and_has_its_largest_shift(tmp_path):
    tables = [
        pixel_table(tmp_path / f"{n}.fits", saturated, shift)
        for n, (saturated, shift) in enumerate([(10, 0.02), (0, -0.3), (5, 0.1)])
    ]
    assert exposure_cards(tables) == {"NUM_SAT": 15, "WDEL_MAX": 0.3}


def test_without_the_qc_keywords_there_is_nothing_to_carry(tmp_path):
    fits.PrimaryHDU().writeto(tmp_path / "a.fits")
    assert exposure_cards([tmp_path / "a.fits"]) == {}


def test_each_cube_of_an_exposure_has_what_its_pixel_tables_say(reduced):
    for name in reduced.names(SCIPOST):
        header = fits.getheader(reduced.product(name, "DATACUBE_FINAL"))
        table = fits.getheader(reduced.input(name, "PIXTABLE_OBJECT"))
        assert header["NUM_SAT"] == table["ESO QC SCIBASIC NSATURATED"]
        shift = abs(table["ESO QC SCIBASIC LAMBDA SHIFT"])
        assert header["WDEL_MAX"] == pytest.approx(shift)


def test_the_deep_cube_has_those_of_its_worst_exposure(bench):
    name = bench.name(COMBINE)
    cubes = [bench.product(n, "DATACUBE_FINAL") for n in bench.names(SCIPOST)]
    fits.setval(cubes[1], "NUM_SAT", value=417)
    fits.setval(cubes[2], "WDEL_MAX", value=0.75)
    assert bench.process(name).status == "SUCCESSFUL"
    header = fits.getheader(bench.product(name, "DATACUBE_DEEP"))
    assert header["NUM_SAT"] == 417
    assert header["WDEL_MAX"] == 0.75


def test_a_cube_that_is_gone_does_not_cost_the_combination(bench):
    name = bench.name(COMBINE)
    for one in bench.names(SCIPOST):
        bench.product(one, "DATACUBE_FINAL").unlink()
    assert bench.process(name).status == "SUCCESSFUL"
    header = fits.getheader(bench.product(name, "DATACUBE_DEEP"))
    assert "NUM_SAT" not in header


def test_cubes_that_were_moved_are_found(bench):
    name = bench.name(COMBINE)
    moved = bench.run.config.directories.reduced / bench.run.date
    moved.mkdir(parents=True)
    for one in bench.names(SCIPOST):
        shutil.move(bench.product(one, "DATACUBE_FINAL"), moved)
    assert bench.process(name).status == "SUCCESSFUL"
    assert "NUM_SAT" in fits.getheader(bench.product(name, "DATACUBE_DEEP"))


@pytest.mark.parametrize(
    ("recipe", "category"), [(SCIPOST, "DATACUBE_FINAL"), (COMBINE, "DATACUBE_DEEP")]
)
def test_pixels_and_sums_are_as_the_recipe_made_them(
    reduced, call_recipe, recipe, category
):
    name = reduced.name(recipe)
    by_hand = call_recipe(reduced.block(name), reduced.inputs(name))
    (made,) = by_hand.call.made("DATACUBE_FINAL")
    cube = reduced.product(name, category)
    assert check_fits(cube).is_whole
    with fits.open(made) as expected, fits.open(cube) as published:
        for extension in ("DATA", "STAT"):
            np.testing.assert_array_equal(
                published[extension].data.view(np.uint32),
                expected[extension].data.view(np.uint32),
            )


# Categories -----------------------------------------------------------------------


def test_deep_products_have_categories_of_their_own_in_record_and_header(reduced):
    name = reduced.name(COMBINE)
    for category in ("DATACUBE_DEEP", "IMAGE_FOV_DEEP"):
        path = reduced.product(name, category)
        assert fits.getval(path, "ESO PRO CATG") == category
        assert check_fits(path).is_whole
    assert not [p for p in reduced.block(name).products if p.category == "IMAGE_FOV"]


def test_products_of_an_exposure_keep_theirs(reduced):
    path = reduced.product(reduced.name(SCIPOST), "DATACUBE_FINAL")
    assert fits.getval(path, "ESO PRO CATG") == "DATACUBE_FINAL"


def test_a_combination_of_one_ob_is_no_deep_cube(bench):
    name = bench.name(COMBINE)
    bench.edit(name, RAW_TYPE="MUSE_TPL")
    assert bench.process(name).status == "SUCCESSFUL"
    categories = {p.category for p in bench.block(name).products}
    assert "DATACUBE_FINAL" in categories
    assert "DATACUBE_DEEP" not in categories


# What may go ----------------------------------------------------------------------


def test_pixel_tables_of_ifus_and_scibasic_products_are_interim_and_nothing_else(
    reduced,
):
    fates = {}
    for recipe in (SCIBASIC, "muse_create_sky", SCIPOST, ALIGN, COMBINE):
        for name in reduced.names(recipe):
            for product in reduced.block(name).products:
                fates.setdefault(product.state, set()).add(product.category)
    assert fates["INTERIM"] == {"PIXTABLE_OBJECT", "PIXTABLE_SKY"}
    # What another combination takes stays until the deep cube is certified.
    again = {"PIXTABLE_REDUCED", "IMAGE_FOV"}
    assert {"DATACUBE_FINAL", "OFFSET_LIST", *again} <= fates["KEPT"]
    assert not fates["KEPT"] & fates["INTERIM"]


def test_reduced_pixel_tables_go_once_combined_where_the_disk_is_small(bench):
    small = bench.configured("[pgi_postSCI]\nkeep_reduced = false")
    name = small.name(SCIPOST)
    assert small.process(name).status == "SUCCESSFUL"
    states = {p.category: p.state for p in small.block(name).products}
    assert states["PIXTABLE_REDUCED"] == "INTERIM"
    assert states["DATACUBE_FINAL"] == states["IMAGE_FOV"] == "KEPT"


# Logs -----------------------------------------------------------------------------


def headings(text):
    lines = text.splitlines()
    return [
        lines[at + 1].split()[0]
        for at in range(len(lines) - 2)
        if lines[at].startswith("=====") and lines[at + 2].startswith("=====")
    ]


def test_the_logs_of_a_deep_cube_are_those_of_all_it_needs_in_order(reduced):
    name = reduced.name(COMBINE)
    text = reduced.product(name, "PIPELINE_LOG").read_text()
    told = headings(text)
    everything = {p.name for p in reduced.run.ab_dir.glob("*.ab")}
    assert set(told) == everything
    assert len(told) == len(everything)
    for ab in told:
        before = told[: told.index(ab)]
        assert set(reduced.block(ab).needs) <= set(before)
    assert "4 tables to be combined" in text
    assert "is not there" not in text


def test_the_logs_of_an_exposure_are_those_of_its_own_way(reduced):
    name = reduced.name(SCIPOST)
    told = headings(reduced.product(name, "PIPELINE_LOG").read_text())
    assert told[-1] == name
    assert len(told) == 4, "scibasic of OBJECT and SKY, create_sky, scipost"


def test_a_log_that_is_gone_is_said_so_in_its_place(bench):
    first = bench.block(bench.name(SCIBASIC))
    (bench.run.product_dir(first.raw_type) / first.log_name).unlink()
    assert bench.process(bench.name(COMBINE)).status == "SUCCESSFUL"
    text = bench.product(bench.name(COMBINE), "PIPELINE_LOG").read_text()
    assert f"({first.log_name} is not there)" in text


def known(bench):
    """Let the ledger know the run, as part 1 does."""
    with open_ledger(bench.run.config.database) as ledger:
        assert ledger.date_of(bench.run.run_id) == bench.run.date
    return bench.run.config.path


def get_logs(config, name, *more):
    """Type phoenixGetLogs for an AB."""
    words = ["-r", "094.D-0114B", "--config", str(config), "-a", name, *more]
    return call_program(["phoenixGetLogs", *words], cwd=Path.cwd(), env=os.environ)


@pytest.mark.parametrize("recipe", [SCIPOST, COMBINE])
def test_phoenixgetlogs_prints_what_lies_beside_the_cube(bench, recipe):
    name = bench.name(recipe)
    done = get_logs(known(bench), name)
    assert done.returncode == 0, done.stderr
    assert done.stdout == bench.product(name, "PIPELINE_LOG").read_text()


def test_phoenixgetlogs_answers_programs_in_json(bench):
    first = bench.block(bench.name(SCIBASIC))
    (bench.run.product_dir(first.raw_type) / first.log_name).unlink()
    name = bench.name(COMBINE)
    logs = json.loads(get_logs(known(bench), name, "--json").stdout)["logs"]
    assert len(logs) == len(list(bench.run.ab_dir.glob("*.ab")))
    assert [log["block"] for log in logs if not log["is_there"]] == [first.name]
    assert logs[-1]["block"] == name
    assert "4 tables to be combined" in logs[-1]["text"]


def test_phoenixgetlogs_finds_what_was_moved(bench):
    name, config = bench.name(COMBINE), known(bench)
    expected = get_logs(config, name).stdout
    logs = bench.run.config.directories.logs / bench.run.date
    logs.mkdir(parents=True)
    for path in bench.run.ab_dir.glob("*.ab"):
        block = bench.block(path.name)
        waiting = bench.run.product_dir(block.raw_type) / block.log_name
        shutil.move(waiting, logs)
        shutil.move(path, logs)
    assert get_logs(config, name).stdout == expected
    assert "did you mean" in get_logs(config, name.replace("2014", "2015")).stderr


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("../../etc/passwd", "is no AB"),
        ("A.ab", "no AB A.ab in "),
        ("{}x", "did you mean '{}'?"),
    ],
)
def test_phoenixgetlogs_tells_in_one_line_what_is_no_ab_of_the_run(bench, wrong, told):
    name = bench.name(SCIPOST)
    done = get_logs(known(bench), wrong.format(name), "--json")
    assert done.returncode == ConfigError.exit_code
    assert done.stderr.startswith("phoenixGetLogs: ")
    assert told.format(name) in done.stderr
    assert done.stderr.count("\n") == 1
    assert json.loads(done.stdout)["exit_code"] == ConfigError.exit_code
