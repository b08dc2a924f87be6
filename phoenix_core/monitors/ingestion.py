"""What became of the datasets of a run in the archive, as its receipts tell."""

import json
from collections.abc import Mapping
from pathlib import Path

from attrs import field, frozen

from phoenix_core.files.regular_file import read_regular
from phoenix_core.model import Run

RECEIPTS = "receipts.jsonl"


@frozen
class Ingestion:
    """The ABs whose datasets the archive has, with the science file of each.

    `at` is when the last one came (ISO), `problems` tell what is damaged.
    """

    datasets: Mapping[str, str] = field(factory=dict)
    at: str = ""
    problems: tuple[str, ...] = ()


def receipts_path(run: Run) -> Path:
    """Return where the receipts of a run lie."""
    return run.monitor_dir / RECEIPTS


def ingestion_of(run: Run) -> Ingestion:
    """Read the receipts of a run; a line that is cut short was never given."""
    path = receipts_path(run)
    try:
        lines = read_regular(path).split(b"\n")
    except FileNotFoundError:
        return Ingestion()
    except OSError as error:
        return Ingestion(problems=(f"{path}: {error.strerror}",))
    datasets, times, problems = {}, [""], []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            block, at = str(row["block"]), str(row["at"])
            science = str(row["files"][0]["stored"]["name"])
        except (ValueError, KeyError, TypeError, IndexError, RecursionError):
            if number < len(lines):
                problems.append(f"{path}, line {number}: no receipt")
            continue
        datasets[block] = science
        times.append(at)
    return Ingestion(datasets, max(times), tuple(problems))
