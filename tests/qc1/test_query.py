"""Queries read, whatever they say."""

import contextlib
import os
import shutil
import signal
import stat
import tempfile
from pathlib import Path

import pytest
import sqlalchemy as sa

from phoenix_core.errors import ConfigError
from phoenix_core.qc1.ingest import ingest
from phoenix_core.qc1.query import ask

ROW = {"name": "50% off: a", "number": 1, "ra": 1.5}


@pytest.fixture
def filled(qc1, stars):
    with qc1.begin() as connection:
        ingest(connection, stars, [ROW])
    return qc1


def contents(engine):
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT * FROM stars"))
        return [tuple(row) for row in rows]


def test_a_query_tells_names_and_rows(filled, database_url):
    found = ask(
        database_url, "SELECT name, ra AS x FROM stars WHERE name LIKE '50%: a'"
    )
    assert found.names == ("name", "x")
    assert found.rows == (("50% off: a", 1.5),)
    assert ask(database_url, "SELECT name FROM stars WHERE ra > 2").rows == ()


def test_a_query_may_count_join_and_recurse(filled, database_url):
    counted = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE "
    counted += "i < 4) SELECT count(*), max(i) FROM n JOIN stars ON number = 1"
    assert ask(database_url, counted).rows == ((4, 4),)


CHANGES = [
    "DELETE FROM stars",
    "UPDATE stars SET ra = 0",
    "INSERT INTO stars (name, number) VALUES ('x', 1)",
    "DROP TABLE stars",
    "CREATE TABLE beans (pod TEXT)",
    "CREATE TEMP TABLE beans (pod TEXT)",
    "ALTER TABLE stars ADD COLUMN pod TEXT",
    "DELETE FROM stars RETURNING name",
    "SELECT 1; DELETE FROM stars",
    "COMMIT; DELETE FROM stars",
    "ROLLBACK; BEGIN; DELETE FROM stars; COMMIT",
    "VACUUM",
    "",
    "COMMIT",
    "no SQL at all",
]
OF_SQLITE = [
    "PRAGMA query_only=OFF",
    "PRAGMA user_version=7",
    "ATTACH 'FILE' AS other",
    "VACUUM INTO 'FILE'",
    "REPLACE INTO stars (name, number) VALUES ('x', 1)",
]
OF_POSTGRESQL = [
    "SET TRANSACTION READ WRITE",
    "SET TRANSACTION READ WRITE; DELETE FROM stars",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "WITH gone AS (DELETE FROM stars RETURNING 1) SELECT * FROM gone",
    "SELECT nextval('counter')",
    "COPY stars TO 'FILE'",
    "COPY (SELECT 1) TO PROGRAM 'touch FILE'",
    "DO $$ BEGIN DELETE FROM stars; END $$",
    "SELECT 1; COMMIT; DELETE FROM stars",
    "SELECT * FROM stars FOR UPDATE",
    "VACUUM stars",
]


def refuses(url, engine, file, statement):
    before = contents(engine)
    assert before
    with pytest.raises(ConfigError) as refused:
        ask(url, statement.replace("FILE", str(file)))
    assert "\n" not in str(refused.value)
    assert contents(engine) == before
    assert not sa.inspect(engine).has_table("beans")
    assert not file.exists()


@pytest.mark.parametrize("statement", CHANGES)
def test_nothing_is_changed(filled, database_url, tmp_path, statement):
    refuses(database_url, filled, tmp_path / "other.db", statement)


@pytest.mark.parametrize("statement", OF_SQLITE)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_changes_nothing_and_opens_no_other_file(
    filled, database_url, tmp_path, statement
):
    refuses(database_url, filled, tmp_path / "other.db", statement)


@pytest.mark.parametrize("statement", OF_POSTGRESQL)
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_postgresql_changes_nothing_and_runs_nothing(
    filled, database_url, postgresql_socket, statement
):
    with filled.begin() as connection:
        connection.execute(sa.text("CREATE SEQUENCE counter"))
    refuses(database_url, filled, postgresql_socket / "other.db", statement)


def test_a_database_that_is_not_there_is_not_made(tmp_path):
    path = tmp_path / "none" / "phoenix.db"
    with pytest.raises(ConfigError, match=f"there is no database {path}"):
        ask(f"sqlite:///{path}", "SELECT 1")
    assert not path.parent.exists()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_file_that_must_not_be_written_is_read(filled, database_url, tmp_path):
    filled.dispose()
    path = tmp_path / "deep" / "phoenix.db"
    path.chmod(stat.S_IRUSR)
    assert len(ask(database_url, "SELECT * FROM stars").rows) == 1


READABLE = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH
OPEN = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH  # a folder


@contextlib.contextmanager
def as_nobody():
    """As somebody who may write nothing, also where the tests are root's."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_file_in_a_folder_that_must_not_be_written_is_read(filled, tmp_path):
    filled.dispose()
    with tempfile.TemporaryDirectory() as folder:
        path = shutil.copy(tmp_path / "deep" / "phoenix.db", folder)
        Path(path).chmod(READABLE)
        Path(folder).chmod(READABLE | OPEN)
        with as_nobody():
            assert len(ask(f"sqlite:///{path}", "SELECT * FROM stars").rows) == 1
        Path(folder).chmod(stat.S_IRWXU)
        Path(f"{path}-wal").write_bytes(b"of a writer")
        Path(folder).chmod(READABLE | OPEN)
        with as_nobody(), pytest.raises(ConfigError, match="does not answer that"):
            ask(f"sqlite:///{path}", "SELECT * FROM stars")
        Path(folder).chmod(stat.S_IRWXU)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "end", ["SELECT count(*) FROM n", "SELECT i FROM n WHERE i < 0"]
)
def test_a_query_without_end_is_ended_by_a_signal(filled, database_url, end):
    def interrupt(*_):
        raise KeyboardInterrupt

    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
    before = signal.signal(signal.SIGVTALRM, interrupt)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.2)  # s of its own
    try:
        with pytest.raises(KeyboardInterrupt):
            ask(database_url, f"{endless} {end}")
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_strange_path_is_a_path(filled, tmp_path):
    filled.dispose()
    strange = tmp_path / "100% of? #1.db"
    os.rename(tmp_path / "deep" / "phoenix.db", strange)  # noqa: PTH104
    url = sa.URL.create("sqlite", database=str(strange))
    assert len(ask(url.render_as_string(), "SELECT * FROM stars").rows) == 1
