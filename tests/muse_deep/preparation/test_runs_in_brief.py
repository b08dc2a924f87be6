"""What is remembered of runs is what the database has, whatever happened to it."""

import json

import pytest
import sqlalchemy as sa

from muse_deep_plugin.preparation.history import read_history
from muse_deep_plugin.preparation.info_run import info_run
from muse_deep_plugin.qc1_tables import COMBINED
from phoenix_core.qc1.database import open_qc1
from phoenix_core.qc1.schema import as_sql

RUN = "094.D-0114(B)"
LOOK = b"look"
CHANGES = {
    "a target": "UPDATE {} SET target = 'M 1' WHERE run_id = '094.D-0114(B)'",
    "frames": "UPDATE {} SET n_frames = NULL WHERE run_id = '094.D-0114(B)'",
    "a picture": "UPDATE {} SET qc_plot = 'x.png' WHERE run_id = '094.D-0114(B)'",
    "another run": "UPDATE {} SET run_id = '094.A-0116(B)' WHERE target = 'NGC300'",
    "a new run": "UPDATE {} SET run_id = '093.A-0001(A)' WHERE target = 'NGC300'",
    "no run": "UPDATE {} SET run_id = '' WHERE target = 'NGC300'",
    "a datacube is gone": "DELETE FROM {} WHERE target = 'NGC300'",
    "a run is gone": "DELETE FROM {} WHERE run_id = '094.D-0114(B)'",
    "all is gone": "DELETE FROM {}",
}
OF_SQLITE = {
    "bytes for a run": "UPDATE {} SET run_id = x'00ff' WHERE target = 'NGC300'",
    "bytes for a key": "UPDATE {} SET pipefile = x'00ff' WHERE ob_id = 1090003",
}


@pytest.fixture
def sites(history, postgresql_url):
    """A function that returns the address of the history in either database."""

    def site(kind):
        if kind == "sqlite":
            return history.config.database
        table = as_sql(COMBINED, sa.MetaData())
        with history.connect() as source, open_qc1(postgresql_url) as engine:
            rows = [row._asdict() for row in source.execute(sa.select(table))]
            with engine.begin() as connection:
                connection.execute(sa.insert(table), rows)
        return postgresql_url

    return site


def seen(engine, *memory):
    """What a call sees of the datacubes."""
    with engine.connect() as connection:
        return read_history(connection, *memory).briefs


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_any_change_of_datacubes_is_seen_though_all_is_remembered(
    sites, kind, tmp_path
):
    changes = CHANGES | (OF_SQLITE if kind == "sqlite" else {})
    with open_qc1(sites(kind)) as engine:
        assert seen(engine, tmp_path, LOOK)
        for order in (changes, reversed(changes)):
            for told in order:
                with engine.connect() as connection:
                    sql = changes[told].format(COMBINED.name)
                    connection.execute(sa.text(sql))
                    now = read_history(connection, tmp_path, LOOK).briefs
                    assert now == read_history(connection).briefs, told
                    connection.rollback()
            assert seen(engine, tmp_path, LOOK) == seen(engine)


def remembered(folder):
    return json.loads((folder / ".runs_in_brief.json").read_text("utf-8"))


def test_only_the_datacubes_of_runs_that_changed_are_looked_at_again(history, tmp_path):
    with open_qc1(history.config.database) as engine:
        first = seen(engine, tmp_path, LOOK)
        look, runs = remembered(tmp_path)
        for told in runs.values():
            told[1] = 77  # datacubes
        (tmp_path / ".runs_in_brief.json").write_text(json.dumps([look, runs]))
        with engine.begin() as connection:
            sql = f"UPDATE {COMBINED.name} SET comm = 'x' WHERE run_id = '{RUN}'"  # noqa: S608
            connection.execute(sa.text(sql))
        again = seen(engine, tmp_path, LOOK)
        assert again[RUN].n_dcubes == first[RUN].n_dcubes
        assert {again[run].n_dcubes for run in again if run != RUN} == {77}
        assert seen(engine, tmp_path, b"newer code") == seen(engine)


@pytest.mark.parametrize(
    "damage",
    ["", "{", "[]", '["", {}]', '{"x": 1}', '["L", {"R": ["s", 1]}]', "\udcff"],
)
def test_what_is_remembered_of_runs_may_be_lost_or_damaged(history, damage):
    info_run(history.config, "")
    look, _ = remembered(history.folder)
    text = damage.replace('"L"', json.dumps(look))
    (history.folder / ".runs_in_brief.json").write_text(
        text, "utf-8", errors="surrogateescape"
    )
    assert info_run(history.config, "").pages.written == []
