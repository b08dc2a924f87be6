"""Changes of a tracked table are seen, whoever makes them, and no others."""

import pytest
import sqlalchemy as sa
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phoenix_core.qc1.changes import stamps
from phoenix_core.qc1.ingest import delete_row, ingest
from phoenix_core.qc1.migrate import make_tables
from phoenix_core.qc1.tables import Column, Kind
from phoenix_core.records.database import open_database

SIRIUS = {"name": "Sirius", "number": 1, "counts": 7, "ra": 101.3, "comment": "seen"}
VEGA = {"name": "Vega", "number": 1, "counts": 9, "ra": 279.2, "comment": "seen"}


@pytest.fixture
def tracked(database_url, stars):
    """A connection to a database with two stars, and what its stamps are."""
    table = evolve(stars, tracked="name")
    opened = open_database(database_url, lambda e: make_tables(e, [table]))
    with opened as engine, engine.connect() as connection:
        at_once = connection.execution_options(isolation_level="AUTOCOMMIT")
        ingest(at_once, table, [SIRIUS, VEGA])
        yield at_once, table


def changed(tracked, change):
    """The names whose stamps a change has changed."""
    connection, table = tracked
    before = stamps(connection, table)
    change(connection, table)
    after = stamps(connection, table)
    return {n for n in before.keys() | after.keys() if before.get(n) != after.get(n)}


def sql(text):
    return lambda connection, _: connection.exec_driver_sql(text)


CHANGES = {
    "a row is replaced": (
        lambda c, table: ingest(c, table, [{**SIRIUS, "counts": 8}]),
        {"Sirius"},
    ),
    "a row is added": (
        lambda c, table: ingest(c, table, [{**SIRIUS, "number": 2}]),
        {"Sirius"},
    ),
    "a value is new": (
        lambda c, table: ingest(c, table, [{**SIRIUS, "name": "Rigel"}]),
        {"Rigel"},
    ),
    "a row goes": (
        lambda c, table: delete_row(c, table, {"name": "Vega", "number": 1}),
        {"Vega"},
    ),
    "somebody edits a row": (
        sql("UPDATE stars SET comment = 'lost' WHERE name = 'Vega'"),
        {"Vega"},
    ),
    "somebody renames a star": (
        sql("UPDATE stars SET name = 'Wega' WHERE name = 'Vega'"),
        {"Vega", "Wega"},
    ),
    "somebody deletes all": (sql("DELETE FROM stars"), {"Sirius", "Vega"}),
    "a row comes again as it is": (
        lambda c, table: ingest(c, table, [SIRIUS]),
        set(),
    ),
    "nothing happens": (lambda *_: None, set()),
}


@pytest.mark.parametrize("what", CHANGES)
def test_the_stamps_of_the_rows_that_change_change(tracked, what):
    change, names = CHANGES[what]
    found = changed(tracked, change)
    # What is gone may keep a stamp; it has to be another one.
    assert found == names


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    counts=st.integers(0, 3),
    comment=st.sampled_from(["seen", "see", "n", "a'b"]),
    ra=st.sampled_from([101.3, 101.30000000000001, None]),
)
def test_any_value_that_differs_changes_the_stamp(tracked, counts, comment, ra):
    connection, table = tracked
    ingest(connection, table, [SIRIUS])
    row = {**SIRIUS, "counts": counts, "comment": comment, "ra": ra}
    found = changed(tracked, lambda c, table: ingest(c, table, [row]))
    assert found == (set() if row == SIRIUS else {"Sirius"})


def test_a_table_that_was_there_is_tracked_from_the_next_opening_on(
    database_url, stars
):
    with (
        open_database(database_url, lambda e: make_tables(e, [stars])) as engine,
        engine.begin() as connection,
    ):
        ingest(connection, stars, [SIRIUS, VEGA])
    table = evolve(stars, tracked="name")
    with (
        open_database(database_url, lambda e: make_tables(e, [table])) as engine,
        engine.connect() as connection,
    ):
        known = stamps(connection, table)
    assert known.keys() == {"Sirius", "Vega"}
    with (
        open_database(database_url, lambda e: make_tables(e, [table])) as engine,
        engine.connect() as connection,
    ):  # and opening changes nothing
        assert stamps(connection, table) == known


def test_what_was_not_seen_counts_as_changed(tmp_path, stars):
    url, table = f"sqlite:///{tmp_path}/x.db", evolve(stars, tracked="name")
    with (
        open_database(url, lambda e: make_tables(e, [table])) as engine,
        engine.begin() as connection,
    ):
        ingest(connection, table, [SIRIUS, VEGA])
        known = stamps(connection, table)
        connection.execute(sa.text("DROP TRIGGER qc1_stars_update"))
        connection.execute(sa.text("UPDATE stars SET counts = 0"))
    with (
        open_database(url, lambda e: make_tables(e, [table])) as engine,
        engine.connect() as connection,
    ):
        after = stamps(connection, table)
    assert after.keys() == known.keys()
    assert not set(after.values()) & set(known.values())


def test_a_column_that_came_later_is_tracked_too(database_url, stars):
    table = evolve(stars, tracked="name")
    with (
        open_database(database_url, lambda e: make_tables(e, [table])) as engine,
        engine.begin() as connection,
    ):
        ingest(connection, table, [SIRIUS, VEGA])
    site = Column("site", Kind.TEXT, "", "where", default="Paranal", since=2)
    later = evolve(table, columns=(*table.columns, site))
    with (
        open_database(database_url, lambda e: make_tables(e, [later])) as engine,
        engine.begin() as connection,
    ):
        change = sql("UPDATE stars SET site = 'La Silla' WHERE name = 'Vega'")
        assert changed((connection, later), change) == {"Vega"}


@pytest.fixture
def in_sqlite(tmp_path, stars):
    """The address of a tracked table with two stars, and its declaration."""
    url, table = f"sqlite:///{tmp_path}/x.db", evolve(stars, tracked="name")
    with (
        open_database(url, lambda e: make_tables(e, [table])) as engine,
        engine.begin() as connection,
    ):
        ingest(connection, table, [SIRIUS, VEGA])
    return url, table


def stamps_around(in_sqlite, *statements):
    """The stamps before and after what another program does."""
    url, table = in_sqlite
    found = []
    for said in ((), statements):
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            for statement in said:
                connection.exec_driver_sql(statement)
        engine.dispose()
        with (
            open_database(url, lambda e: make_tables(e, [table])) as engine,
            engine.connect() as connection,
        ):
            found.append(stamps(connection, table))
    return found


def test_both_names_change_where_another_program_replaces_a_row(tmp_path, stars):
    url = f"sqlite:///{tmp_path}/x.db"
    table = evolve(stars, tracked="comment")
    with (
        open_database(url, lambda e: make_tables(e, [table])) as engine,
        engine.begin() as connection,
    ):
        ingest(connection, table, [SIRIUS, {**VEGA, "comment": "lost"}])
    before, after = stamps_around(
        (url, table),
        "INSERT OR REPLACE INTO stars (name, number, comment) VALUES ('Vega', 1, 'x')",
    )
    assert before["lost"] != after["lost"]
    assert before["seen"] == after["seen"]
    before, after = stamps_around(
        (url, table),
        "UPDATE OR REPLACE stars SET name = 'Sirius' WHERE name = 'Vega'",
    )
    assert before["seen"] != after["seen"]


@pytest.mark.parametrize("value", ["x'ff00'", "NULL", "x'41'"])
def test_a_value_that_is_no_text_is_no_reason_to_fail(in_sqlite, value):
    before, after = stamps_around(
        in_sqlite,
        "CREATE TABLE other AS SELECT * FROM stars",  # NULL is allowed there
        "DROP TABLE stars",
        "ALTER TABLE other RENAME TO stars",
    )
    assert after.keys() == before.keys()
    _, after = stamps_around(
        in_sqlite,
        "INSERT INTO stars (name, number) VALUES (?, 2)".replace("?", value),
    )
    assert after.keys() == {"", "Sirius", "Vega"}


def test_a_table_of_changes_that_somebody_dropped_is_made_again(in_sqlite):
    before, after = stamps_around(in_sqlite, "DROP TABLE qc1_changes")
    assert after.keys() == before.keys()
    assert not set(after.values()) & set(before.values())
