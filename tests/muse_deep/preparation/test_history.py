"""The history is read whatever the database has in it, or told in one line why not."""

import datetime as dt
import json

import pytest
import sqlalchemy as sa

from muse_deep_plugin.preparation.history import read_history
from muse_deep_plugin.preparation.info_run import info_run
from muse_deep_plugin.preparation.info_target import info_target
from muse_deep_plugin.preparation.multi_targets import multi_targets
from muse_deep_plugin.preparation.search_pages import search_report
from muse_deep_plugin.preparation.target_pointings import target_pointings
from phoenix_core.errors import ConfigError
from phoenix_core.qc1.database import open_qc1
from phoenix_core.records.database import address_of
from phoenix_core.run_id import parse_run_id

RUN, OTHER = "094.D-0114(B)", "094.A-0116(B)"

BROKEN = {
    "ALTER TABLE muse_sci_combined RENAME COLUMN target TO named": "target",
    "UPDATE muse_sci_combined SET target = CAST(x'41ff' AS TEXT)": "UTF-8",
    "ALTER TABLE muse_sci_combined RENAME COLUMN comm TO remark": "comm",
    "UPDATE muse_sci_combined SET comm = CAST(x'41ff' AS TEXT)": "UTF-8",
}


def read_after(url, change):
    """Read the history of a database that something happens to meanwhile."""
    with open_qc1(url) as engine, engine.connect() as connection:
        change(connection)
        read_history(connection).datacubes(RUN)


@pytest.mark.parametrize("broken", BROKEN)
def test_a_database_that_fails_is_told_in_one_line(history, broken):
    told = f"failed: .*{BROKEN[broken]}"
    with pytest.raises(ConfigError, match=told) as error:
        read_after(history.config.database, lambda c: c.execute(sa.text(broken)))
    assert "\n" not in str(error.value)


def test_a_connection_that_is_lost_is_told_in_one_line_and_no_trace(
    postgresql_url, capfd
):
    other = sa.create_engine(address_of(postgresql_url))

    def end(connection):
        mine = sa.text("SELECT pg_backend_pid()")
        number = connection.execute(mine).scalar_one()
        with other.connect() as stranger:
            sql = sa.text("SELECT pg_terminate_backend(:number)")
            stranger.execute(sql, {"number": number})

    with pytest.raises(ConfigError, match="failed: terminating connection"):
        read_after(postgresql_url, end)
    other.dispose()
    assert capfd.readouterr().err == ""


STRANGE = {
    "muse_sci_combined": {
        "texptime": "1e308",
        "ra": "'east'",
        "dec": "9e999",
        "sky_res": "x'00ff'",
        "ob_id": "'none'",
        "n_frames": "2.5",
        "mjd_obs": "-9e999",
        "comm": "x'00ff'",
        "target": "x'41'",
    },
    "muse_sci_single": {
        "texptime": "1e308",
        "ra": "x'00'",
        "target": "x'41'",
        "combined": "x'41'",
    },
    "sched_rep": {"status": "x'41'", "prog_type": "x'41'", "title": "x'41'"},
    "data_products": {"exptime": "9e999", "object": "x'41'", "ob_id": "'none'"},
}


def test_values_of_any_kind_in_one_run_stop_no_other(history):
    history.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n{OTHER} 94 deep YES\n")
    with history.connect() as connection:
        for table, values in STRANGE.items():
            assigned = ", ".join(f"{name} = {told}" for name, told in values.items())
            sql = f"UPDATE {table} SET {assigned} WHERE run_id = '{RUN}'"  # noqa: S608
            connection.execute(sa.text(sql))
    done = info_run(history.config, "")
    assert not done.mistakes
    assert {"094.D-0114B.html", "094.A-0116B.html"} <= set(done.pages.written)
    assert not done.pages.removed
    assert not done.warnings
    assert multi_targets(history.config, "", is_all=True).text
    assert info_target(history.config, parse_run_id(OTHER)).text
    assert target_pointings(history.config, OTHER, "UDF-10").spots
    report = search_report(history.config, "09", dt.datetime.now(dt.UTC))
    assert "Infinity" not in json.dumps(report.document, default=str)
