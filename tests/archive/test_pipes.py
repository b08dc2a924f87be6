"""A pipe in place of a file of the ingestion is told of in one line, not waited for."""

import os

import pytest

from phoenix_core.archive.jobs_ingest import jobs_path, mark_done
from phoenix_core.errors import IngestionError
from phoenix_core.monitors.ingestion import ingestion_of
from phoenix_core.monitors.running import calls_waiting


def put_pipe(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def test_receipts_that_are_a_pipe_end_ingestion_and_clean_up(world):
    world.ingest()
    put_pipe(world.run.monitor_dir / "receipts.jsonl")
    for work in (world.ingest, world.clean_up):
        with pytest.raises(IngestionError, match=r"receipts\.jsonl: no regular file"):
            work()
    assert ingestion_of(world.run).problems


def test_datasets_that_are_a_pipe_end_the_ingestion(world):
    put_pipe(world.conv / "DATASETS")
    with pytest.raises(IngestionError, match="DATASETS: no regular file"):
        world.ingest()


def test_calls_are_not_waited_for(world):
    put_pipe(jobs_path(world.run))
    assert calls_waiting(world.run.config.directories) == frozenset()
    with pytest.raises(OSError, match="no regular file"):
        mark_done(world.run)
