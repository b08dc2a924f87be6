"""How far the datasets of a run are: in the archive, cleaned up, or still to go."""

from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager

from phoenix_core.archive.datasets import conv_dir
from phoenix_core.files.run_lock import holding
from phoenix_core.fits.header_file import header_path
from phoenix_core.model import Run
from phoenix_core.records.receipts import latest, read_receipts

LOCK = ".ingest.lock"
INGESTED = "ingested"
CLEANED = "ingested and cleaned up"


def ingest_state(run: Run) -> Mapping[str, str]:
    """Return which datasets are in the archive, and how, by the name of their AB.

    Raises:
        IngestionError: the file of receipts is damaged.
    """
    conv = conv_dir(run)
    return {
        block: CLEANED
        if header_path(conv / receipt.files[0].stored.name).is_file()
        and not (conv / receipt.files[0].stored.name).exists()
        else INGESTED
        for block, receipt in latest(read_receipts(run)).items()
    }


def ingesting(run: Run) -> AbstractContextManager[None]:
    """Hold the ingestion of a run: nobody else converts, ingests or cleans up then.

    Raises:
        ProcessingError: somebody else holds it.
    """
    return holding(run.monitor_dir / LOCK, f"the ingestion of {run.label}")


def told_ingested(states: Mapping[str, str]) -> str:
    """Say how many datasets are in the archive, '' where none is.

    >>> told_ingested({"a.ab": INGESTED, "b.ab": CLEANED, "c.ab": INGESTED})
    '2 ingested, 1 ingested and cleaned up'
    """
    counts = Counter(states.values())
    told = (f"{counts[state]} {state}" for state in (INGESTED, CLEANED))
    return ", ".join(line for line in told if not line.startswith("0 "))
