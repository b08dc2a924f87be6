"""The record of what was dropped from ABs of a run, and edits that go by it.

``drops.jsonl`` in the monitor directory of the run only grows: who, when, what, from
which ABs, why. A line is written before the ABs are edited and another one after, so
that the next call completes what a killed one had begun: all of its ABs, or none.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from phoenix_core.ab import inputs
from phoenix_core.ab.dropped import Dropping, drop_lines, dropped, take_back
from phoenix_core.ab.file import read_block, write_block
from phoenix_core.association_block import AssociationBlock, is_safe_name
from phoenix_core.errors import ConfigError, ProcessingError
from phoenix_core.model import Run
from phoenix_core.records.lines import (
    DamagedRecordError,
    append_record,
    now,
    read_records,
    user,
)

DROP: Final = "DROP"
UNDROP: Final = "UNDROP"
FRESH: Final = "FRESH"
_DONE: Final = "DONE"


@frozen
class Edit:
    """Files that some ABs no longer take, or take again."""

    action: str  # DROP or UNDROP
    block: str  # the AB that a person named
    exposures: tuple[str, ...]  # as they were named
    files: tuple[str, ...]  # ABs or raw files
    blocks: tuple[str, ...]  # all ABs that are edited
    word: Dropping

    @property
    def row(self) -> dict[str, Any]:
        """The line of the record."""
        return {
            "action": self.action,
            "at": self.word.at,
            "by": self.word.by,
            "why": self.word.why,
            "ab": self.block,
            "exposures": self.exposures,
            "files": self.files,
            "blocks": self.blocks,
        }

    def on(self, block: AssociationBlock) -> AssociationBlock:
        """Return an AB edited; one that is so already is the same."""
        if self.action == DROP:
            return drop_lines(block, self.files, self.word)
        return take_back(block, self.files)


def record_path(run: Run) -> Path:
    """Where the record of a run lies."""
    return run.monitor_dir / "drops.jsonl"


def carry_out(run: Run, edit: Edit) -> None:
    """Record an edit, do it to each AB, and record that it is done.

    Raises:
        ProcessingError: the disk does not take it; the next call completes it.
    """
    try:
        _append(run, edit.row)
        _do(run, edit)
    except OSError as error:
        raise ProcessingError(
            f"{error.filename or record_path(run)}: {error.strerror}; what was begun "
            "is completed by the next call"
        ) from error


def finish_drops(run: Run) -> None:
    """Complete what a killed phoenix had begun to drop or to take back.

    Raises:
        ConfigError: the record or an AB is damaged.
        ProcessingError: the disk does not take it.
    """
    path = record_path(run)
    try:
        rows = list(_rows(path))
        if rows and rows[-1][1].get("action") in {DROP, UNDROP, None}:
            _do(run, _edit_of(path, *rows[-1]))
    except OSError as error:
        raise ProcessingError(f"{error.filename or path}: {error.strerror}") from error


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The rows of the record; what is none has no action."""
    try:
        for number, row in read_records(path):
            yield number, row if isinstance(row, dict) else {}
    except DamagedRecordError as error:
        yield error.number, {}


def record_fresh(run: Run, taken_back: Mapping[str, Sequence[str]]) -> None:
    """Record that ABs were made anew (--fresh) and take again what was dropped."""
    row = {"action": FRESH, "at": now(), "by": user(), "blocks": dict(taken_back)}
    with suppress(OSError):  # the ABs keep the truth
        _append(run, row)


def dropped_since(run: Run, block: AssociationBlock) -> tuple[str, ...]:
    """Return what was dropped from an AB since it was processed: it was made with it.

    Raises:
        ConfigError: an AB that made it cannot be read.
    """
    made_with = {entry.file for entry in block.sof}
    files = dict.fromkeys(one.file for one in dropped(block))
    return tuple(file for file in files if made_with & _products(run, file))


def _products(run: Run, file: str) -> set[str]:
    """The files behind a line: a raw file, or the products of an AB."""
    if not file.endswith(".ab"):
        return {file}
    if not (run.ab_path(file).exists() or run.moved_path(file).exists()):
        return set()
    return {record.file for record in inputs.read_maker(run, file).products}


def _append(run: Run, row: Mapping[str, Any]) -> None:
    append_record(record_path(run), row)


def _do(run: Run, edit: Edit) -> None:
    for name in edit.blocks:
        path = run.ab_path(name)
        if path.exists():
            block = read_block(path)
            edited = edit.on(block)
            if edited != block:
                write_block(path, edited)
    _append(run, {"action": _DONE, "at": now()})


def _edit_of(path: Path, number: int, row: Mapping[str, Any]) -> Edit:
    try:
        edit = Edit(
            row["action"],
            str(row["ab"]),
            exposures=tuple(map(str, row["exposures"])),
            files=tuple(map(str, row["files"])),
            blocks=tuple(map(str, row["blocks"])),
            word=Dropping(*(str(row[key]) for key in ("at", "by", "why"))),
        )
    except (KeyError, TypeError):
        edit = None
    if edit is None or not all(map(is_safe_name, edit.blocks)):
        raise ConfigError(f"{path}, line {number}: damaged; mend or remove it")
    return edit
