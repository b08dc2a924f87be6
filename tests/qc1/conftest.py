"""A table to try things with, in a database of each kind."""

import pytest

from phoenix_core.qc1 import database
from phoenix_core.qc1.tables import Kind, Qc1Table, integer, key, real, text

STARS = Qc1Table(
    "stars",
    "Stars that were seen.",
    (
        key("name", "of the star"),
        key("number", "of the visit", Kind.INTEGER),
        text("comment", "of the observer"),
        integer("counts", "photons"),
        real("ra", "deg", "where it is"),
    ),
    indexed=("ra",),
)


@pytest.fixture
def stars():
    return STARS


@pytest.fixture
def qc1(database_url, monkeypatch):
    """The engine of a QC1 database that has the table, too."""
    monkeypatch.setattr(database, "declared_tables", lambda: {"stars": STARS})
    with database.open_qc1(database_url) as engine:
        yield engine
