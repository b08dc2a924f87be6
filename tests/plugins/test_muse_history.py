"""The simulated history fits the AB store, and phoenix's tables."""

import csv
from collections import Counter, defaultdict

import matplotlib.image
import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.table import Table
from phoenix_muse_sim import SimulationError, default_scenario, select, simulate
from phoenix_muse_sim.history_tables import TABLES
from phoenix_muse_sim.long_history import long_history

from phoenix_core.ab.file import read_block
from phoenix_core.qc1.discovery import declared_tables
from phoenix_core.qc1.tables import Kind
from phoenix_core.run_id import parse_run_id

KINDS = {"string": Kind.TEXT, "int64": Kind.INTEGER, "float64": Kind.REAL}
ASTROPY = {Kind.TEXT: "U", Kind.INTEGER: "i", Kind.REAL: "f"}


@pytest.fixture(scope="module")
def observatory(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("history") / "data")


@pytest.fixture(scope="module")
def blocks(observatory):
    """The ABs of the history by the root of their products."""
    found = map(read_block, observatory.history)
    return {block.value("PROD_ROOT_NAME"): block for block in found}


def rows_of(observatory, table):
    """The rows of a file, as text."""
    path = observatory.outdir / "history" / f"{table}.ecsv"
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(line for line in lines if line[0] != "#"))


def test_the_tables_are_those_of_phoenix():
    declared = declared_tables()
    assert declared.keys() == TABLES.keys()
    for name, columns in TABLES.items():
        ours = {(c.name, KINDS[c.datatype], c.unit) for c in columns}
        assert ours == {(c.name, c.kind, c.unit) for c in declared[name].columns}


def test_astropy_reads_the_files_with_their_units(observatory):
    assert {path.stem for path in observatory.tables} == set(TABLES)
    for path in observatory.tables:
        table = Table.read(path, format="ascii.ecsv")
        assert (len(table) > 0) == (path.stem != "muse_sci_deep")  # not made yet
        for column in TABLES[path.stem]:
            assert table[column.name].dtype.kind == ASTROPY[KINDS[column.datatype]]
            if column.unit:
                assert table[column.name].unit == units.Unit(column.unit)


def test_every_exposure_has_a_datacube_that_an_ab_of_the_store_made(
    observatory, blocks
):
    made = {row["pipefile"]: row for row in rows_of(observatory, "muse_sci_single")}
    wanted = {f"{root}.fits" for root in blocks if root.endswith(("_pst", "_sky"))}
    assert set(made) == wanted
    for name, row in made.items():
        block = blocks[name.removesuffix(".fits")]
        assert row["run_id"] == block.value("OBS_PROG_ID")
        assert row["ob_id"] == block.value("OBS_ID")
        assert row["civil_date"] == block.value("DATE")
        assert float(row["mjd_obs"]) == float(block.value("MJD-OBS"))
        assert name == f"r.{row['raw_file']}_{name[-8:-5]}.fits"


def test_the_final_datacube_of_an_ob_is_that_of_all_its_exposures(observatory, blocks):
    singles = rows_of(observatory, "muse_sci_single")
    finals = {row["pipefile"]: row for row in rows_of(observatory, "muse_sci_combined")}
    members = defaultdict(list)
    for row in singles:
        if row["data_type"] == "DATACUBE_SINGLE":
            members[row["combined"] or row["pipefile"]].append(row)
    skies = {row["pipefile"] for row in singles if row["data_type"] == "DATACUBE_SKY"}
    assert finals.keys() == members.keys() | skies
    for name, its in members.items():
        final, block = finals[name], blocks[name.removesuffix(".fits")]
        assert int(final["n_frames"]) == len(its)
        assert float(final["texptime"]) == sum(float(row["exptime"]) for row in its)
        if len(its) == 1:
            assert (final["data_type"], block.value("RECIPE")) == (
                "DATACUBE_SINGLE",
                "muse_scipost",
            )
            continue
        assert final["data_type"] == "DATACUBE_COMBINED"
        needed = {one.file for one in block.mcalibs if one.tag == "PIXTABLE_REDUCED"}
        assert {f"r.{file.removesuffix('.ab')}.fits" for file in needed} == {
            row["pipefile"] for row in its
        }


def test_sources_are_those_of_final_datacubes_and_counted(observatory):
    sources = Counter(
        row["pipefile"] for row in rows_of(observatory, "muse_sci_sources")
    )
    finals = rows_of(observatory, "muse_sci_combined")
    assert sources == {
        row["pipefile"]: int(row["num_src"]) for row in finals if row["num_src"] != "0"
    }


def test_the_archive_has_the_raw_files(observatory):
    archived = {row["dp_id"] for row in rows_of(observatory, "data_products")}
    assert archived == {path.stem for path in observatory.raw}


def test_pictures_that_are_named_are_there(observatory):
    named = {
        row["fov_plot"]
        for table in ("muse_sci_single", "muse_sci_combined")
        for row in rows_of(observatory, table)
    } - {""}
    plots = observatory.outdir / "plots"
    assert named == {str(path.relative_to(plots)) for path in plots.rglob("*.png")}
    assert named
    for name in named:
        assert matplotlib.image.imread(plots / name).shape == (240, 120)


def test_the_runs_are_of_every_kind(observatory):
    schedule = rows_of(observatory, "sched_rep")
    assert {row["obs_mode"] for row in schedule} == {"SM", "VM"}
    assert {row["prog_type"] for row in schedule} >= {"Normal", "GTO"}
    statuses = defaultdict(dict)
    for row in schedule:
        statuses[row["run_id"]][row["period"]] = row["status"]
    assert statuses["098.A-0317(A)"] == {"98": "CARRY-OVER", "99": "COMPLETE"}
    grades = {row["grade"] for row in rows_of(observatory, "ob_grades")}
    assert grades == {"A", "B", "C", "D"}


def centres(observatory, *targets):
    rows = rows_of(observatory, "muse_sci_combined")
    found = [row for row in rows if row["target"] in targets and row["sky_res"]]
    degrees = [(float(row["ra"]), float(row["dec"])) for row in found]
    return found, SkyCoord(degrees, unit="deg")


def test_two_runs_have_one_ob_each_of_the_same_target(observatory):
    rows, _ = centres(observatory, "NGC3201")
    assert [row["run_id"] for row in rows] == ["096.D-0175(A)", "097.D-0107(A)"]


def test_one_field_has_two_names_and_one_name_two_fields(observatory):
    rows, (first, second) = centres(observatory, "UDF-10", "HUDF10")
    assert [row["target"] for row in rows] == ["UDF-10", "HUDF10"]
    assert first.separation(second).arcsec < 2
    _, pointings = centres(observatory, "NGC1068")
    apart = sorted(pointings[0].separation(pointings).arcsec)
    assert len(apart) == 4
    assert apart[1] < 2
    assert 38 < apart[2] <= apart[3] < 42


def test_only_prepared_runs_have_deep_abs(tmp_path):
    runs = ["095.B-0934A", "096.D-0175A"]
    made = simulate(tmp_path / "sim", select(default_scenario(), runs), deep=True)
    assert {read_block(path).value("OBS_PROG_ID") for path in made.deep} == {
        "095.B-0934(A)"
    }


def test_a_long_history_is_the_same_for_the_same_seed():
    first, again, other = (long_history(500, seed) for seed in (3, 3, 4))
    assert first == again
    assert first["muse_sci_combined"] != other["muse_sci_combined"]


@pytest.mark.parametrize("cubes", [1, 7, 2000])
def test_a_long_history_has_as_many_datacubes_as_were_asked_for(cubes):
    rows = long_history(cubes, 1)
    finals, singles = rows["muse_sci_combined"], rows["muse_sci_single"]
    assert len(set(finals["pipefile"])) == len(finals["pipefile"]) == cubes
    assert len(set(singles["pipefile"])) == len(singles["pipefile"])
    assert len(set(finals["run_id"])) == max(1, cubes // 50)
    assert set(singles["combined"]) - {""} <= set(finals["pipefile"])
    assert sum(finals["n_frames"]) == len(singles["pipefile"])
    assert np.sum(finals["texptime"]) == pytest.approx(np.sum(singles["exptime"]))
    deep = rows["muse_sci_deep"]
    assert set(deep["run_id"]) <= set(finals["run_id"])
    assert all(
        1 < n <= frames
        for n, frames in zip(deep["n_obs"], deep["n_frames"], strict=False)
    )
    assert bool(deep["n_obs"]) == (cubes == 2000)
    runs = rows["sched_rep"]
    assert set(finals["run_id"]) == set(runs["run_id"])
    assert all(parse_run_id(run).formal == run for run in set(runs["run_id"]))
    waiting = set(rows["data_products"]["dp_id"]) - set(singles["raw_file"])
    assert len(waiting) == len(range(7, max(1, cubes // 50), 31))
    for table, columns in rows.items():
        assert {len(values) for values in columns.values()} == {
            len(columns[TABLES[table][0].name])
        }
        assert columns.keys() >= {column.name for column in TABLES[table]}
        keys = declared_tables()[table].keys
        every = list(zip(*(columns[key] for key in keys), strict=True))
        assert len(set(every)) == len(every)


def test_the_past_comes_before_what_is_observed(tmp_path):
    one_target = select(default_scenario(), targets=["HDFS"])
    alone = simulate(tmp_path / "alone", one_target)
    made = simulate(tmp_path / "with", one_target, past=60)
    for table in TABLES:
        rows = rows_of(made, table)
        observed = rows_of(alone, table)
        assert rows[len(rows) - len(observed) :] == observed
    assert len(rows_of(made, "muse_sci_combined")) == 62
    with pytest.raises(SimulationError, match="exists and differs"):
        simulate(tmp_path / "alone", one_target, past=60)
