"""archive_directory: what it has, it keeps; what it cannot keep whole, it has not."""

import json
import threading

import attrs
import pytest
import sqlalchemy as sa

from phoenix_core.archive.directory import (
    archive_of,
    ingest_products_archive,
    ingest_products_archive_proof,
    rebuild,
)
from phoenix_core.config import read_config
from phoenix_core.errors import ArchiveConflictError, ConfigError, IngestionError
from phoenix_core.loader.pgis import load
from phoenix_core.model import Idp
from phoenix_core.records.database import address_of
from phoenix_core.slots import SLOTS
from phoenix_core.testing import ArchiveContract
from phoenix_core.testing.toys import toy_idp

ARCHIVE = [slot for slot in SLOTS if slot.key == "ARCHIVE"]


class TestArchiveDirectory(ArchiveContract):
    pgi = "archive_directory"


def files_of(run):
    archive = archive_of(run).path
    return {p.relative_to(archive) for p in archive.rglob("*") if p.is_file()}


def rows(run):
    engine = sa.create_engine(address_of(run.config.database))
    query = "SELECT name, category, size, dataset, run FROM archive_directory"
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(sa.text(query))]
    engine.dispose()
    return sorted(found)


def test_a_content_is_kept_once_and_nobody_may_write_it(run):
    idp = toy_idp(run)
    twin = idp.path.with_name("twin.log")
    twin.write_bytes(idp.files[0].read_bytes())
    ingest_products_archive(run, attrs.evolve(idp, files=(*idp.files, twin)))
    contents = [p for p in files_of(run) if p.parts[0] == "objects"]
    assert len(contents) == 3
    assert {archive_of(run).path.joinpath(p).stat().st_mode for p in contents} == {
        0o100444
    }


def test_the_catalogue_says_what_there_is_and_can_be_made_anew(run, database_url):
    run = attrs.evolve(run, config=attrs.evolve(run.config, database=database_url))
    idp = toy_idp(run)
    ingest_products_archive(run, idp)
    expected = rows(run)
    assert expected[0] == ("one.fits", "-", 2880, "one.fits", "094.A-0001A")
    assert len(expected) == 3
    engine = sa.create_engine(address_of(database_url))
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE archive_directory"))
    engine.dispose()
    assert rebuild(run) == 3
    assert rows(run) == expected


def test_a_missing_catalogue_is_filled_with_all_there_is(run):
    ingest_products_archive(run, toy_idp(run, "one"))
    (run.config.directories.root / "phoenix.db").unlink()
    ingest_products_archive(run, toy_idp(run, "two"))
    assert len(rows(run)) == 6


def test_a_conflict_is_found_before_anything_is_kept(run):
    ingest_products_archive(run, toy_idp(run, "one"))
    before = files_of(run)
    two = toy_idp(run, "two")
    taken = two.path.with_name("one.log")
    taken.write_text("another text")
    with pytest.raises(ArchiveConflictError, match=r"one\.log is in .*one\.fits"):
        ingest_products_archive(run, attrs.evolve(two, files=(taken,)))
    assert files_of(run) == before


def test_a_damaged_fits_file_is_not_kept(run, fits_product):
    path = fits_product()
    content = bytearray(path.read_bytes())
    content[-2880] ^= 1
    path.write_bytes(content)
    with pytest.raises(IngestionError, match=r"is damaged: .*DATASUM"):
        ingest_products_archive(run, Idp("a.ab", path))
    assert files_of(run) == set()


def test_a_content_that_was_lost_is_kept_again(run):
    idp = toy_idp(run)
    (first, *_) = ingest_products_archive(run, idp).files
    content = archive_of(run).object_path(first.checksum.removeprefix("sha256:"))
    content.unlink()
    assert ingest_products_archive_proof(run, [first]) == []
    ingest_products_archive(run, idp)
    assert ingest_products_archive_proof(run, [first]) == [first]


@pytest.mark.parametrize("change", [{"sha256": "../../etc"}, {"size": None, "x": 1}])
def test_an_entry_that_is_damaged_is_named(run, change):
    idp = toy_idp(run)
    ingest_products_archive(run, idp)
    entry = archive_of(run).entry_path("one.fits")
    entry.chmod(0o644)
    entry.write_text(json.dumps(json.loads(entry.read_text()) | change))
    with pytest.raises(IngestionError, match=r"one\.fits\.json is damaged"):
        ingest_products_archive(run, idp)


def test_many_at_once_make_one_copy(run):
    idp = toy_idp(run)
    ingest_products_archive(run, toy_idp(run, "first"))  # the database is there
    told = []

    def keep():
        told.append(ingest_products_archive(run, idp).files)

    threads = [threading.Thread(target=keep) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 8
    assert len(set(told)) == 1
    assert len(files_of(run)) == 12


@pytest.mark.parametrize("path", ["{root}/reduced", "{root}/plots/archive", "{root}"])
def test_it_does_not_lie_where_files_come_and_go(run, path):
    text = f'{run.config.path.read_text()}\n[archive_directory]\npath = "{path}"\n'
    run.config.path.write_text(text)
    with pytest.raises(ConfigError, match="where files come and go"):
        load(read_config(run.config.path), ARCHIVE)
