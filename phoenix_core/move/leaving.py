"""Certified ABs leave: a plan is executed so that a killed call can be completed.

Everything gets its new place first, beside the old one. Then the ABs appear in logs,
the accepted one last, which says that all of it is there. Only then the old names go,
working products are deleted, and the active ABs vanish.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from attrs import field, frozen

from phoenix_core.ab.file import check_block, read_block
from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import (
    CertificationError,
    ConfigError,
    PhoenixError,
    ProcessingError,
)
from phoenix_core.files.on_disk import set_aside, sync, write_on_disk
from phoenix_core.files.sums import sha256
from phoenix_core.model import Move, Run
from phoenix_core.move.move_files import (
    is_certified,
    is_placed,
    place,
    taken,
)
from phoenix_core.move.plan import (
    Plan,
    all_going,
    check_whole,
    is_moved,
    kept_products,
    left_behind,
    product_path,
)


@frozen
class Done:
    """What was done to the files so far."""

    moved: list[Move] = field(factory=list)
    deleted: list[Path] = field(factory=list)


def active_blocks(run: Run) -> Mapping[str, AssociationBlock]:
    """Read the ABs of a run that were not moved yet, by name.

    Raises:
        ConfigError: one of them is damaged.
    """
    paths = sorted(run.ab_dir.glob("*.ab"))
    return {path.name: check_block(read_block(path)) for path in paths}


def leave(run: Run, plan: Plan, done: Done) -> None:
    """Move an accepted AB with all that goes along.

    Raises:
        CertificationError: a product is missing or was changed, or its place is taken;
            nothing of this AB was moved.
        OSError: the disk is full, or may not be written; nothing is lost.
    """
    _commit(run, plan)
    for one in plan.blocks:
        _clear(run, one.block, one.moved, done)


def finish(run: Run, done: Done) -> None:
    """Clear what killed calls left of ABs that are in logs already.

    One that an AB still needs which is not there yet waits for that one.

    Raises:
        ConfigError: an AB is damaged.
        ProcessingError: a file that was placed is not there any more; the disk fails.
    """
    names = sorted(path.name for path in run.ab_dir.glob("*.ab"))
    stored = {n: run.moved_path(n) for n in names if run.moved_path(n).is_file()}
    if not stored:
        return
    blocks = active_blocks(run)
    moved = {}
    for name, path in stored.items():
        with suppress(ConfigError):
            block = read_block(path)
            if is_moved(blocks[name], block):
                moved[name] = block
    held = {
        need
        for final, going in all_going(blocks).items()
        if final not in moved
        for need in going
    }
    for name, block in moved.items():
        if name not in held:
            try:
                _clear(run, blocks[name], block, done)
            except OSError as error:
                raise ProcessingError(told(error)) from error


def clear_kept(run: Run, names: Collection[str] | None, done: Done) -> None:
    """Delete the working products that -n kept of ABs that were moved.

    Those of an AB that is active again are its own.

    Args:
        run: the run or night.
        names: the ABs; None: all that were moved.
        done: what was done so far.

    Raises:
        ConfigError: a moved AB is damaged.
        ProcessingError: the disk fails; the next call completes it.
    """
    active = {path.name for path in run.ab_dir.glob("*.ab")}
    for path in sorted(run.moved_path("any").parent.glob("*.ab")):
        if path.name in active or (names is not None and path.name not in names):
            continue
        block = read_block(path)
        kept = kept_products(run, block)
        try:
            if kept.moved != block:  # first, so that no product is believed to be there
                write_on_disk(path, kept.moved.text)
            for product in kept.files:
                product.unlink()
                done.deleted.append(product)
        except OSError as error:
            raise ProcessingError(told(error)) from error


def told(error: OSError) -> str:
    """Return an error of the disk in one line."""
    where = error.filename2 or error.filename or "the disk"
    return f"{where}: {error.strerror}; nothing is lost, call again once it is mended"


def _commit(run: Run, plan: Plan) -> None:
    """Put everything in its place; the ABs come last, the accepted one last of all."""
    for one in plan.blocks:
        check_whole(run, one.block, {move.source for move in one.products})
    products = _products(run, plan)
    for move, checksum in products:
        is_placed(move, checksum)  # refuses before anything is done
    new: list[Path] = []
    try:
        new.extend(m.target for m, checksum in products if place(m, checksum))
        papers = (move for one in plan.blocks for move in one.papers)
        new.extend(move.target for move in papers if _place_paper(move))
        sync(target.parent for target in new)  # a copy is on disk already
        for one in plan.blocks:
            _write_moved(one.path, one.block, one.moved, new)
    except (OSError, PhoenixError):
        if not plan.final.path.exists():
            for path in new:
                path.unlink(missing_ok=True)
        raise


def _products(run: Run, plan: Plan) -> list[tuple[Move, str]]:
    """The moves of products, with their sums."""
    found = []
    for one in plan.blocks:
        sums = {
            product_path(run, one.block, record.file): record.checksum
            for record in one.block.products
        }
        found += [(move, sums[move.source]) for move in one.products]
    return found


def _place_paper(move: Move) -> bool:
    """Place a log, plot or report; an older one of that name gets a number."""
    checksum = sha256(move.source)
    try:
        return place(move, checksum)
    except CertificationError:
        set_aside(move.target)
        return place(move, checksum)


def _write_moved(
    path: Path, active: AssociationBlock, moved: AssociationBlock, new: list[Path]
) -> None:
    """Write an AB into logs; one that was moved earlier, of other products, stays."""
    if path.exists() and not is_moved(active, read_block(path)):
        set_aside(path)
    if not path.exists():
        new.append(path)
    write_on_disk(path, moved.text)


def _clear(
    run: Run, active: AssociationBlock, stored: AssociationBlock, done: Done
) -> None:
    """Remove the old names of what was moved, and working products; the AB last."""
    placed, obsolete = left_behind(run, active, stored)
    for move in placed:
        _check_placed(move)
        move.source.unlink()
        done.moved.append(move)
    for path in obsolete:
        path.unlink()
        done.deleted.append(path)
    move = Move(run.ab_path(active.name), run.moved_path(active.name))
    move.source.unlink()
    done.moved.append(move)


def _check_placed(move: Move) -> None:
    """Never remove the last copy of anything."""
    if not move.target.is_file():
        raise ProcessingError(
            f"{move.target} is gone; put it back from {move.source}, which is the same"
        )
    is_same = move.target.samefile(move.source)
    if not is_same and not is_certified(move.target, sha256(move.source)):
        raise taken(move.target)
