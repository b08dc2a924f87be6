"""The working folder of phoenix_createDeep: ``ab/TMP2/<pseudo-date>/<target>``.

What a person edits there is kept, whatever else changes. Beside the ABs lies a record
of what the tool wrote, by which an edit is told from its own writing; it is written
before the ABs are, so that a call that is killed leaves nothing that looks edited.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs
from attrs import field, frozen

from muse_deep_plugin.steps import EXP_COMBINE
from phoenix_core.ab.file import parse_block
from phoenix_core.ab.store import LARGEST
from phoenix_core.association_block import AssociationBlock, is_safe_name
from phoenix_core.config import Directories
from phoenix_core.errors import ConfigError
from phoenix_core.files.atomic import remove_leftovers, write_bytes, write_text
from phoenix_core.files.regular_file import read_regular
from phoenix_core.records.lines import now

RECORD: Final = ".collected.json"
OVERVIEW: Final = "overview.txt"
REPLACED: Final = "replaced"
_NAMED: Final = 5


@frozen
class Record:
    """What the tool knows of a folder.

    `sums` has for each file the sums of all that the tool ever wrote under its name.
    """

    exposures: tuple[str, ...] = ()
    crowded: bool | None = None
    sums: Mapping[str, tuple[str, ...]] = field(factory=dict)
    uploaded: str = ""  # ISO time, UTC


@frozen
class Laid:
    """The ABs of a target as they lie in its folder."""

    folder: Path
    blocks: tuple[AssociationBlock, ...]
    edited: tuple[str, ...] = ()  # by a person, and kept
    added: tuple[str, ...] = ()  # by a person
    restored: tuple[str, ...] = ()  # deleted by a person
    moved_to: Path | None = None  # where the former ones are now

    @property
    def dpc(self) -> AssociationBlock | None:
        """The AB that combines the exposures."""
        combining = [b for b in self.blocks if b.value("RECIPE") == EXP_COMBINE.recipe]
        return combining[0] if len(combining) == 1 else None


def run_folder(directories: Directories, date: str) -> Path:
    """Return where the targets of a run are collected."""
    return directories.ab / "TMP2" / date


def target_folder(directories: Directories, date: str, target: str) -> Path:
    """Return where the ABs of a target are collected.

    Raises:
        ConfigError: its name can name no folder.
    """
    if not is_safe_name(target):
        raise ConfigError(
            f"'{target}' names no folder; expected letters, digits, _ - +"
        )
    return run_folder(directories, date) / target


def read_record(folder: Path) -> Record | None:
    """Return what is known of a folder; None where nothing is, or it is damaged."""
    try:
        told = json.loads(read_regular(folder / RECORD, LARGEST))
        sums = {str(k): tuple(map(str, v)) for k, v in told["sums"].items()}
        crowded = None if told["crowded"] is None else bool(told["crowded"])
        exposures = tuple(map(str, told["exposures"]))
        return Record(exposures, crowded, sums, str(told["uploaded"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    except RecursionError:  # of what nobody wrote here
        return None


def lay_down(
    folder: Path,
    blocks: Sequence[AssociationBlock],
    exposures: Sequence[str],
    *,
    crowded: bool,
    overview: str = "",
    fresh: bool = False,
) -> Laid:
    """Write the ABs of a target into its folder, less those that a person edited.

    Args:
        folder: of the target.
        blocks: all its ABs.
        exposures: the names of its pst ABs.
        crowded: what was answered.
        overview: the table of what was collected.
        fresh: put the folder aside, and write everything anew.

    Raises:
        ConfigError: other exposures are selected than before, and ABs that do not fit
            them any more were edited.
        OSError: a file cannot be read or written, or is none.
    """
    moved_to = _put_aside(folder) if fresh else None
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    wanted = {block.name: _bytes(block) for block in blocks}
    if overview:
        wanted[OVERVIEW] = overview.encode("utf-8", "surrogateescape")
    known = read_record(folder)
    before = known or Record()
    there = _contents(folder)
    edited = {
        name
        for name, content in there.items()
        if content != wanted.get(name)
        and _sum(content) not in before.sums.get(name, ())
    }
    added = {n for n in edited if n not in wanted and n not in before.sums}
    edited -= added
    if known and known.exposures != tuple(exposures):
        _refuse_edits(folder, blocks, edited, wanted)
    sums = {name: (*before.sums.get(name, ()),) for name in (*before.sums, *wanted)}
    for name, content in wanted.items():
        sums[name] = tuple(dict.fromkeys((*sums[name], _sum(content))))
    record = Record(tuple(exposures), crowded, sums, before.uploaded)
    _write_record(folder, record)
    old = {name: there.get(name) for name in (*wanted, *there)}
    late = {
        name
        for name, content in old.items()
        if name not in edited
        and name not in added
        and content != wanted.get(name)
        and not _put(folder / name, content, wanted.get(name))
    }
    if late and known and known.exposures != record.exposures:
        _write_record(folder, attrs.evolve(record, exposures=known.exposures))
        _refuse_edits(folder, blocks, late, wanted)
        _write_record(folder, record)
    edited |= late
    restored = [n for n in wanted if n in before.sums and n not in there and known]
    return Laid(
        folder,
        read_folder(folder),
        tuple(sorted(edited)),
        tuple(sorted(added)),
        tuple(sorted(restored)),
        moved_to,
    )


def look(folder: Path) -> Laid:
    """Return what lies in a folder now, and what of it a person edited."""
    sums = (read_record(folder) or Record()).sums
    touched = {
        name
        for name, content in _contents(folder).items()
        if _sum(content) not in sums.get(name, ())
    }
    edited, added = touched & set(sums), touched - set(sums)
    return Laid(
        folder, read_folder(folder), tuple(sorted(edited)), tuple(sorted(added))
    )


def read_folder(folder: Path) -> tuple[AssociationBlock, ...]:
    """Read the ABs of a folder as they are now, in the order of their names."""
    return tuple(
        parse_block(read_regular(path, LARGEST), path)
        for path in sorted(folder.glob("*.ab"))
    )


def mark_uploaded(folder: Path) -> None:
    """Note that the ABs of a folder are in the store; they stay where they are."""
    if record := read_record(folder):
        _write_record(folder, attrs.evolve(record, uploaded=now()))


def keep_copies(run_directory: Path, blocks: Iterable[AssociationBlock]) -> Path | None:
    """Keep ABs that are about to be replaced in the store; return where."""
    kept = list(blocks)
    if not kept:
        return None
    folder = _free(run_directory / f"{REPLACED}-{_stamp()}")
    folder.mkdir(parents=True)
    for block in kept:
        write_bytes(folder / block.name, _bytes(block))
    return folder


def _refuse_edits(
    folder: Path,
    blocks: Sequence[AssociationBlock],
    edited: Iterable[str],
    wanted: Mapping[str, bytes],
) -> None:
    combining = {b.name for b in blocks if b.value("RECIPE") == EXP_COMBINE.recipe}
    lost = sorted(n for n in edited if n not in wanted or n in combining)
    if lost:
        more = len(lost) - _NAMED
        names = ", ".join(lost[:_NAMED]) + (f" and {more} more" if more > 0 else "")
        raise ConfigError(
            f"{folder}: {names} edited by hand, for other exposures than the target "
            "list selects now; --fresh makes the ABs anew and keeps these beside"
        )


def _put_aside(folder: Path) -> Path | None:
    if not folder.exists():
        return None
    aside = _free(folder.with_name(f"{folder.name}.old-{_stamp()}"))
    folder.rename(aside)
    return aside


def _free(path: Path) -> Path:
    """The path, or where it is taken the next one that is not."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free


def _contents(folder: Path) -> dict[str, bytes]:
    names = sorted(path.name for path in folder.glob("*.ab"))
    if (folder / OVERVIEW).is_file():
        names.append(OVERVIEW)
    return {name: read_regular(folder / name, LARGEST) for name in names}


def _put(path: Path, old: bytes | None, new: bytes | None) -> bool:
    """Replace or remove a file, unless it is not any more what it was when read."""
    try:
        now = read_regular(path, LARGEST)
    except FileNotFoundError:
        now = None
    if now is not None and now != old:
        return False
    if new is None:
        path.unlink(missing_ok=True)
    else:
        write_bytes(path, new)
    return True


def _write_record(folder: Path, record: Record) -> None:
    write_text(folder / RECORD, json.dumps(attrs.asdict(record), indent=1) + "\n")


def _bytes(block: AssociationBlock) -> bytes:
    return block.text.encode("utf-8", "surrogateescape")


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _stamp() -> str:
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H-%M-%S")
