"""What became of the datasets of a run in the archive, as its records tell."""

from pathlib import Path

from attrs import frozen

from phoenix_core.model import Run


@frozen
class Ingestion:
    """How many datasets there are, how many of them are ingested, when last."""

    datasets: int = 0
    ingested: int = 0
    newest: float = 0.0


def archive_files(run: Run) -> tuple[Path, ...]:
    """Return the files that tell of the ingestion of a run."""
    return (run.config.directories.lists / f"list_ingest_SCIENCE_{run.date}.txt",)


def ingestion_of(run: Run) -> Ingestion:
    """Read how it stands with the ingestion of a run."""
    del run
    return Ingestion()
