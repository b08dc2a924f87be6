"""Rows for the QC1 database: they fit its tables, and keep what history knows."""

import pytest

from muse_deep_plugin.qc1_tables import DEEP, SINGLE, SOURCES
from muse_deep_plugin.qc_history import history
from muse_deep_plugin.qc_rows import civil_date, degrees
from phoenix_core.qc1.check_rows import by_column, check_columns

TABLES = {table.name: table for table in (SINGLE, DEEP, SOURCES)}
FREE = {"fov_plot", "comm", "grd", "proc_mode"}  # where nobody has said anything


def rows_of(report, table):
    return [row.values for row in report.qc1 if row.table == table.name]


def test_every_row_is_one_that_the_database_takes(measured, measured_crowded):
    for run in (measured, measured_crowded):
        for report in run.reports.values():
            assert report.qc1
            for row in report.qc1:
                table = TABLES[row.table]
                _, mistakes = check_columns(table, by_column(table, [row.values]))
                assert mistakes == []


def test_each_cube_has_its_row_and_one_for_each_source_of_the_pipeline(measured):
    for report in measured.reports.values():
        is_deep = report is measured.deep
        (own,) = rows_of(report, DEEP if is_deep else SINGLE)
        sources = rows_of(report, SOURCES)
        assert len(report.qc1) == 1 + len(sources)
        recipe = "EXPCOMB" if is_deep else "SCIPOST"
        assert len(sources) == report.parameters.get(f"{recipe} NDET", 0)
        assert {row["pipefile"] for row in sources} <= {own["pipefile"]}
        root = report.block.removesuffix(".ab")
        assert own["pipefile"] == f"r.{root}.fits"


def test_every_column_is_filled_that_can_be_known(measured):
    for report, table in ((measured.singles[0], SINGLE), (measured.deep, DEEP)):
        (row,) = rows_of(report, table)
        names = {column.name for column in table.columns}
        assert set(row) == names
        unknown = {name for name in names if row[name] in {None, ""}}
        assert unknown <= FREE


def test_the_row_of_an_exposure_keeps_what_history_knows(measured):
    (row,) = rows_of(measured.singles[0], SINGLE)
    assert row["combined"] == "r.MUSE.2014-10-23T01:10:54.193_tpl.fits"
    assert row["fov_plot"] == "2014-10-22/fov.png"
    assert (row["grd"], row["comm"]) == ("A", "grade A"), "of the last execution"
    assert row["num_sat"] == 0, "measured anew"
    assert row["raw_file"] == "MUSE.2014-10-23T01:10:54.193"
    assert row["civil_date"] == "2014-10-22"
    assert row["run_id"] == "094.D-0114(B)"
    assert row["tel_targ_alpha"] == pytest.approx(13.7229, abs=1e-5)
    assert row["tel_targ_delta"] == pytest.approx(-37.6844, abs=1e-6)
    assert row["ra"] == pytest.approx(13.7229, abs=1e-3)
    assert row["score_bit"] == measured.singles[0].parameters["QCFLAG"]


def test_the_row_of_a_deep_cube_tells_of_its_exposures(measured):
    (row,) = rows_of(measured.deep, DEEP)
    assert (row["pattern"], row["n_frames"], row["n_obs"]) == ("DEEP_4", 4, 2)
    assert (row["exptime"], row["texptime"]) == (600, 2400)
    assert row["target"] == "NGC300"
    assert row["n_match"] >= 1
    assert row["rms"] < 0.1
    assert row["mjd_obs"] < row["mjd_end"]
    assert row["qc_plot"] == f"2094-04-14/{row['pipefile'].replace('.fits', '.png')}"


def test_sources_lie_in_the_field(measured):
    for row in rows_of(measured.deep, SOURCES):
        assert row["ra"] == pytest.approx(13.7229, abs=5e-3)
        assert row["dec"] == pytest.approx(-37.6844, abs=5e-3)
        assert 0.3 < row["fwhm_x"] < 2


def test_without_a_database_nothing_is_known_and_nothing_is_made(run):
    found = history(run, SINGLE, "r.MUSE_pst.fits", 1)
    assert (found.row, found.grade) == ({}, "")
    assert not list(run.config.directories.root.glob("*.db"))


@pytest.mark.parametrize("name", ["r.it's.fits", "' OR 1=1 --", 'a"b'])
def test_a_name_is_a_name_and_no_query(measured, name):
    found = history(measured.bench.run, SINGLE, name, "1 OR 1=1")
    assert (found.row, found.grade) == ({}, "")


def test_a_database_that_is_none_stops_nothing(run):
    path = run.config.directories.root / "phoenix.db"
    path.write_text("no database")
    assert history(run, SINGLE, "r.MUSE_pst.fits", 1).row == {}


def test_nights_go_from_noon_to_noon():
    assert civil_date("2014-10-23T01:10:54.193") == "2014-10-22"
    assert civil_date("2014-10-22T23:57:40") == "2014-10-22"
    assert civil_date("soon") == ""


@pytest.mark.parametrize("value", [None, "12", True, float("nan")])
def test_an_angle_that_is_none_is_not_known(value):
    assert degrees(value) is None
