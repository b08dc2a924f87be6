"""Receipts of the archive: appended to a file of the run, never changed.

One JSON line a dataset: which products of which AB, what the archive says of each file,
and the sha256 that the file had here. The list for people, and the rows of the
database, are made of them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs
from attrs import frozen

from phoenix_core.association_block import is_safe_name
from phoenix_core.errors import IngestionError
from phoenix_core.files.atomic import remove_leftovers, write_text
from phoenix_core.model import Run, Stored
from phoenix_core.records.lines import DamagedRecordError, append_record, read_records
from phoenix_core.words.plain_text import counted, plain
from phoenix_core.words.text_table import aligned, quoted

_NAME: Final = "receipts.jsonl"
_COLUMNS: Final = (
    "# NAME",
    "CATEGORY",
    "SIZE",
    "CHECKSUM",
    "INGESTED_AT",
    "TARGET",
    "WHERE",
)


@frozen
class Held:
    """A file that an archive has: what it says of it, and what it was here."""

    stored: Stored
    sha256: str
    category: str


@frozen
class KeptReceipt:
    """A receipt as it is kept; `id` tells the products of the AB."""

    block: str
    id: str
    target: str
    archive: str  # the PGI
    at: str  # ISO time, UTC
    files: tuple[Held, ...]
    remarks: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.stored.size for file in self.files)


def keep_receipt(run: Run, receipt: KeptReceipt) -> None:
    """Append a receipt, on disk when this returns.

    Raises:
        IngestionError: it could not be written; the archive has the files, and says so
            again when it is asked.
    """
    path = receipts_path(run)
    try:
        append_record(path, attrs.asdict(receipt))
    except OSError as error:
        raise IngestionError(
            f"{path}: the receipt of {receipt.block} could not be kept: "
            f"{error.strerror}; call again"
        ) from error


def receipts_path(run: Run) -> Path:
    """Return where the receipts of a run lie."""
    return run.monitor_dir / _NAME


def read_receipts(run: Run) -> tuple[KeptReceipt, ...]:
    """Return the receipts of a run, the first one first.

    Raises:
        IngestionError: file and line of what is no receipt.
    """
    path = receipts_path(run)
    found = []
    try:
        for number, row in read_records(path):
            try:
                found.append(_read(row))
            except (KeyError, TypeError, ValueError):
                raise DamagedRecordError(number) from None
    except DamagedRecordError as error:
        raise IngestionError(
            f"{path}, line {error.number}: no receipt; remove this line and call "
            "ingestProducts, which asks the archive again"
        ) from None
    except OSError as error:
        raise IngestionError(f"{path}: {error.strerror}") from error
    return tuple(found)


def latest(receipts: tuple[KeptReceipt, ...]) -> dict[str, KeptReceipt]:
    """Return the last receipt of each AB."""
    return {receipt.block: receipt for receipt in receipts}


def list_path(run: Run) -> Path:
    """Return where the list of what was ingested lies."""
    return run.config.directories.lists / f"list_ingest_SCIENCE_{run.date}.txt"


def write_list(run: Run, receipts: tuple[KeptReceipt, ...]) -> Path:
    """Write the list of what was ingested of a run, a line each file.

    Raises:
        IngestionError: it cannot be written; the receipts are kept.
    """
    path = list_path(run)
    rows = [_COLUMNS, *(_row(r, file) for r in receipts for file in r.files)]
    title = (
        f"# {plain(run.label)} ({run.date}): {counted(len(receipts), 'dataset')}, "
        f"{counted(len(rows) - 1, 'file')}; written anew by each ingestProducts"
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path.parent)
        write_text(path, "\n".join([title, *aligned(rows)]) + "\n")
    except OSError as error:
        raise IngestionError(f"{path}: {error.strerror}") from error
    return path


def _row(receipt: KeptReceipt, file: Held) -> tuple[str, ...]:
    stored = file.stored
    values = (
        stored.name,
        file.category,
        str(stored.size),
        stored.checksum,
        receipt.at,
        receipt.target,
        stored.where,
    )
    return tuple(quoted(value) for value in values)


def _read(row: Mapping[str, Any]) -> KeptReceipt:
    texts = ("block", "id", "target", "archive", "at")
    block, id_, target, archive, at = (str(row[text]) for text in texts)
    files = tuple(
        Held(_stored(file["stored"]), str(file["sha256"]), str(file["category"]))
        for file in row["files"]
    )
    if not files:
        raise ValueError
    remarks = tuple(str(remark) for remark in row.get("remarks", ()))
    return KeptReceipt(block, id_, target, archive, at, files, remarks)


def _stored(row: Mapping[str, Any]) -> Stored:
    stored = Stored(**row)
    texts = (stored.name, stored.where, stored.checksum)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError
    if not isinstance(stored.size, int) or not is_safe_name(stored.name):
        raise ValueError
    return stored
