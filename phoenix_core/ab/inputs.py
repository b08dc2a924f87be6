"""Inputs of an AB: from the names it carries to files on disk and their content.

Names come from elsewhere and were checked to be plain file names; the files are found
below the raw and calib directories in any depth. What another AB makes is found by
that AB's own record of its products.
"""

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from phoenix_core.ab.file import read_block
from phoenix_core.association_block import AssociationBlock, SofEntry
from phoenix_core.errors import ProcessingError
from phoenix_core.files.sums import FileSums
from phoenix_core.model import Run


def find_file(directory: Path, name: str) -> Path:
    """Find a file of that name below a directory.

    Raises:
        ProcessingError: there is none, or there are several, or it is no regular file.
    """
    found = _index(directory).get(name, ())
    if not found or not all(path.is_file() for path in found):
        _index.cache_clear()  # files arrive and move while phoenix runs
        found = _index(directory).get(name, ())
    if not found:
        raise ProcessingError(f"{name} is not below {directory}; put it there")
    if len(found) > 1:
        where = " and ".join(map(str, found))
        raise ProcessingError(f"{name} is there twice: {where}; remove one")
    if not found[0].is_file():
        raise ProcessingError(f"{found[0]} is no regular file; put another one there")
    return found[0]


@lru_cache(maxsize=16)
def _index(directory: Path) -> dict[str, tuple[Path, ...]]:
    return files_below(directory)


def files_below(directory: Path) -> dict[str, tuple[Path, ...]]:
    """Return the files below a directory in any depth, by name."""
    found: dict[str, tuple[Path, ...]] = {}
    seen: set[tuple[int, int]] = set()
    # Nights are often links to another disk; a link may also lead in a circle.
    for folder, folders, files in os.walk(directory, followlinks=True):
        try:
            place = Path(folder).stat()
        except OSError:  # removed meanwhile
            continue
        if (place.st_dev, place.st_ino) in seen:
            folders.clear()
            continue
        seen.add((place.st_dev, place.st_ino))
        for name in files:
            found[name] = (*found.get(name, ()), Path(folder, name))
    return found


def makers(run: Run, block: AssociationBlock) -> dict[str, AssociationBlock]:
    """Read the ABs whose products a block takes, by name."""
    return {name: read_maker(run, name) for name in block.needs}


def read_maker(run: Run, name: str) -> AssociationBlock:
    """Read an AB: the active one, or where there is none the one that was moved.

    Raises:
        ConfigError: there is neither, or it cannot be read.
    """
    active, moved = run.ab_path(name), run.moved_path(name)
    is_moved = not active.exists() and moved.exists()
    return read_block(moved if is_moved else active)


def where_made(run: Run, maker: AssociationBlock, file: str) -> Path:
    """Where a product of an AB lies; one that is nowhere belongs where it was made."""
    waiting = run.product_dir(maker.raw_type) / file
    if maker.source != run.moved_path(maker.name):
        return waiting
    places = [Path(text, file) for text in maker.values("PROD_PATH")]
    return next((place for place in places if place.is_file()), waiting)


def resolve(
    run: Run,
    block: AssociationBlock,
    made_by: Mapping[str, AssociationBlock],
    sums: FileSums,
) -> AssociationBlock:
    """Return the block with its SOF_CONTENT: each input with what its content is.

    Raises:
        ProcessingError: an input is missing or cannot be read, or the AB that makes it
            made none.
    """
    directories = run.config.directories
    entries = []
    for raw in block.rawfiles:
        path = find_file(directories.raw, raw.file)
        entries.append(SofEntry(raw.file, raw.tag, _content(path, sums)))
    for mcalib in block.mcalibs:
        if not mcalib.is_virtual:
            path = find_file(directories.calib, mcalib.file)
            entries.append(SofEntry(mcalib.file, mcalib.tag, _content(path, sums)))
            continue
        maker = made_by[mcalib.file]
        made = [p for p in maker.products if p.category == mcalib.tag]
        if not made:
            raise ProcessingError(
                f"{block.name} needs {mcalib.tag} of {maker.name}, which made none"
            )
        entries += [SofEntry(p.file, mcalib.tag, maker.fingerprint) for p in made]
    lines = [f"{e.file} {e.tag} {e.content}" for e in entries]
    return block.with_values("SOF_CONTENT", lines)


def _content(path: Path, sums: FileSums) -> str:
    try:
        return sums.sha256(path)
    except OSError as error:
        raise ProcessingError(f"{path} cannot be read: {error.strerror}") from error


def paths(
    run: Run,
    block: AssociationBlock,
    made_by: Mapping[str, AssociationBlock] | None = None,
) -> tuple[tuple[Path, str], ...]:
    """Return path and SOF tag of each input, in the order of SOF_CONTENT.

    Args:
        run: the run.
        block: the AB, its SOF_CONTENT resolved.
        made_by: the ABs that make its virtual inputs, where they are read already.

    Raises:
        ProcessingError: an input is not where it has to be.
    """
    directories = run.config.directories
    raw = {r.file for r in block.rawfiles}
    real = {m.file for m in block.mcalibs if not m.is_virtual}
    made = {
        product.file: maker
        for maker in (makers(run, block) if made_by is None else made_by).values()
        for product in maker.products
    }
    found = []
    for entry in block.sof:
        if entry.file in raw:
            path = find_file(directories.raw, entry.file)
        elif entry.file in real:
            path = find_file(directories.calib, entry.file)
        elif entry.file in made:
            path = where_made(run, made[entry.file], entry.file)
        else:
            raise block.wrong("SOF_CONTENT", entry.file, "an input of this AB")
        found.append((path, entry.tag))
    return tuple(found)
