"""What became of the datasets of a run in the archive, as its receipts tell."""

import json
from pathlib import Path

from attrs import frozen

from phoenix_core.model import Run

RECEIPTS = "receipts.jsonl"


@frozen
class Ingestion:
    """The ABs whose datasets the archive has, when last (ISO), and what is damaged."""

    blocks: frozenset[str] = frozenset()
    at: str = ""
    problems: tuple[str, ...] = ()


def receipts_path(run: Run) -> Path:
    """Return where the receipts of a run lie."""
    return run.monitor_dir / RECEIPTS


def ingestion_of(run: Run) -> Ingestion:
    """Read the receipts of a run; a line that is cut short was never given."""
    path = receipts_path(run)
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return Ingestion()
    except OSError as error:
        return Ingestion(problems=(f"{path}: {error.strerror}",))
    blocks, times, problems = set(), [""], []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            block, at = str(row["block"]), str(row["at"])
        except (ValueError, KeyError, TypeError, RecursionError):
            if number < len(lines):
                problems.append(f"{path}, line {number}: no receipt")
            continue
        blocks.add(block)
        times.append(at)
    return Ingestion(frozenset(blocks), max(times), tuple(problems))
