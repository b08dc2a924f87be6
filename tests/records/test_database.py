"""Databases are opened alike, and tell what is wrong without telling secrets."""

import sys
import threading
import time

import pytest
import sqlalchemy as sa

from phoenix_core.errors import ConfigError
from phoenix_core.records.database import alone, check_database, open_database


def opened(url):
    return open_database(url, lambda _: None)


def told(url):
    """What is said of a database that cannot be used."""
    with (
        pytest.raises(ConfigError) as refused,
        open_database(url, lambda engine: engine.connect().close()),
    ):
        pass
    return str(refused.value)


def test_a_password_is_never_told():
    url = "postgresql://somebody:sesame@/phoenix?host=/nowhere"
    assert "sesame" not in told(url)
    assert told(url).startswith("the database postgresql://somebody:***@/phoenix?")
    assert "sesame" not in told("nosuch://somebody:sesame@there/phoenix")


def test_a_missing_driver_is_told_with_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for problem in (told, check_database):
        if problem is check_database:
            with pytest.raises(ConfigError, match="its driver is missing: pip install"):
                problem("postgresql://x@y/z")
        else:
            assert "pip install 'phoenix-core[postgresql]'" in told(
                "postgresql://x@y/z"
            )


def test_what_is_done_alone_is_done_whole_or_not_at_all(database_url):
    def interrupted(engine):
        with alone(engine) as connection:
            connection.execute(sa.text("CREATE TABLE beans (pod INTEGER)"))
            connection.execute(sa.text("INSERT INTO beans VALUES (1)"))
            raise KeyboardInterrupt

    with opened(database_url) as engine:
        with pytest.raises(KeyboardInterrupt):
            interrupted(engine)
        assert not sa.inspect(engine).has_table("beans")
        with alone(engine) as connection:
            connection.execute(sa.text("CREATE TABLE beans (pod INTEGER)"))
        assert sa.inspect(engine).has_table("beans")


def test_who_comes_second_waits(database_url):
    """Each reads a number, takes its time, and writes the next one."""

    def count(engine):
        with alone(engine) as connection:
            (number,) = connection.execute(sa.text("SELECT pod FROM beans")).one()
            time.sleep(0.05)
            new = sa.text("UPDATE beans SET pod = :new")
            connection.execute(new, {"new": number + 1})

    with opened(database_url) as engine:
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE beans (pod INTEGER)"))
            connection.execute(sa.text("INSERT INTO beans VALUES (0)"))
        threads = [threading.Thread(target=count, args=(engine,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with engine.connect() as connection:
            assert connection.execute(sa.text("SELECT pod FROM beans")).scalar() == 4
