"""Tables are made, older ones get their new columns, newer ones are refused."""

import subprocess
import sys

import pytest
import sqlalchemy as sa
from attrs import evolve

from phoenix_core.errors import ConfigError
from phoenix_core.qc1.database import open_qc1
from phoenix_core.qc1.discovery import declared_tables
from phoenix_core.qc1.ingest import ingest
from phoenix_core.qc1.migrate import make_tables, versions
from phoenix_core.qc1.tables import Column, Kind
from phoenix_core.records.database import open_database


def opened(url, *tables):
    return open_database(url, lambda engine: make_tables(engine, tables))


def newer(table):
    """The table as a later version of its package has it."""
    later = (
        Column("site", Kind.TEXT, "", "where", default="Paranal", since=2),
        Column("airmass", Kind.REAL, "", "of the start", since=3),
    )
    columns = (*table.columns, *later)
    return evolve(table, columns=columns, indexed=(*table.indexed, "site"))


def rows_of(engine):
    with engine.connect() as connection:
        query = sa.text("SELECT * FROM stars ORDER BY name, number")
        return [dict(row._mapping) for row in connection.execute(query)]


def test_every_declared_table_is_made_with_its_columns(database_url):
    with open_qc1(database_url) as engine:
        inspector = sa.inspect(engine)
        for name, table in declared_tables().items():
            made = [column["name"] for column in inspector.get_columns(name)]
            assert made == [column.name for column in table.columns]
            keys = inspector.get_pk_constraint(name)["constrained_columns"]
            assert sorted(keys) == sorted(table.keys)


def test_units_and_meanings_are_in_the_comments_of_the_columns(postgresql_url):
    with open_qc1(postgresql_url) as engine:
        columns = sa.inspect(engine).get_columns("data_products")
    comments = {column["name"]: column["comment"] for column in columns}
    assert comments["exptime"] == "[s] of the exposure"
    assert comments["dp_id"] == "the file, without .fits"


def test_an_older_table_gets_its_new_columns_and_keeps_its_rows(database_url, stars):
    old = {"name": "HD 1", "number": 1, "comment": "red", "counts": 7, "ra": 1.5}
    with opened(database_url, stars) as engine, engine.begin() as connection:
        ingest(connection, stars, [old])
    later = newer(stars)
    with opened(database_url, later) as engine:
        assert rows_of(engine) == [{**old, "site": "Paranal", "airmass": None}]
        with engine.begin() as connection:
            ingest(connection, later, [{**old, "site": "La Silla", "airmass": 1.1}])
        assert rows_of(engine)[0]["site"] == "La Silla"
        indices = {index["name"] for index in sa.inspect(engine).get_indexes("stars")}
        assert indices == {"ix_stars_ra", "ix_stars_site"}
    with opened(database_url, later) as engine:  # and once is enough
        assert len(rows_of(engine)) == 1


def test_a_newer_table_is_refused_and_left_alone(database_url, stars):
    with opened(database_url, newer(stars)):
        pass
    with (
        pytest.raises(ConfigError) as refused,
        opened(database_url, stars),
    ):
        pass
    assert str(refused.value).startswith("the table stars of ")
    assert str(refused.value).endswith(
        "has version 3, and the installed package knows 1: install the newer one"
    )


def test_a_table_that_phoenix_did_not_make_is_not_touched(database_url, stars):
    with open_database(database_url, lambda _: None) as engine:
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE stars (hollywood TEXT)"))
        with pytest.raises(ConfigError, match="a table stars that phoenix did not"):
            make_tables(engine, [stars])
        inspector = sa.inspect(engine)
        assert [c["name"] for c in inspector.get_columns("stars")] == ["hollywood"]
        assert not inspector.has_table(versions.name)  # all or nothing


def test_a_migration_that_fails_leaves_everything_as_it_was(database_url, stars):
    with opened(database_url, stars):
        pass
    broken = newer(stars)
    with open_database(database_url, lambda _: None) as engine:
        with engine.begin() as connection:  # somebody was there before
            connection.execute(sa.text("ALTER TABLE stars ADD COLUMN airmass TEXT"))
        with pytest.raises(sa.exc.DBAPIError, match="airmass"):
            make_tables(engine, [broken])
        names = [column["name"] for column in sa.inspect(engine).get_columns("stars")]
        assert "site" not in names


OPEN = """
import sys
from phoenix_core.qc1.database import open_qc1
print("ready", flush=True)
sys.stdin.readline()
with open_qc1(sys.argv[1]) as engine:
    pass
"""


def test_processes_that_make_the_tables_at_once_do_not_meet(database_url):
    started = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate()[1] for process in started] == [""] * 4
    with open_qc1(database_url) as engine, engine.connect() as connection:
        known = dict(tuple(row) for row in connection.execute(sa.select(versions)))
    assert known == {name: t.version for name, t in declared_tables().items()}


def test_another_kind_of_database_is_refused(monkeypatch, tmp_path, stars):
    with open_database(f"sqlite:///{tmp_path}/x.db", lambda _: None) as engine:
        monkeypatch.setattr(engine.dialect, "name", "oracle")
        with pytest.raises(ConfigError, match="want sqlite or postgresql, and not sql"):
            make_tables(engine, [stars])
