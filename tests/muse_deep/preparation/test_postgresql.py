"""What the preparation asks of the database, PostgreSQL answers as SQLite does."""

import sqlalchemy as sa

from muse_deep_plugin.preparation.datacubes import final_datacubes, single_datacubes
from muse_deep_plugin.preparation.observed_targets import observed_targets
from muse_deep_plugin.preparation.search_tables import search
from phoenix_core.qc1.database import open_qc1
from phoenix_core.qc1.discovery import declared_tables
from phoenix_core.qc1.schema import as_sql

PATTERNS = ("ngc300", "NGC*", "094.D-0114B", "1090003", "%", "gto", '"')


def answers(connection):
    return (
        observed_targets(connection),
        final_datacubes(connection),
        single_datacubes(connection),
        [search(connection, pattern) for pattern in PATTERNS],
    )


def test_both_databases_give_the_same_answers(history, postgresql_url):
    tables = [as_sql(table, sa.MetaData()) for table in declared_tables().values()]
    with history.connect() as source, open_qc1(postgresql_url) as engine:
        with engine.begin() as connection:
            for table in tables:
                rows = [row._asdict() for row in source.execute(sa.select(table))]
                if rows:
                    connection.execute(sa.insert(table), rows)
        with engine.connect() as connection:
            assert answers(connection) == answers(source)
