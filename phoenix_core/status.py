"""What became of each AB of a run: from the files, also while a run goes on."""

from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from phoenix_core.ab_file import read_block
from phoenix_core.association_block import AbStatus, AssociationBlock
from phoenix_core.cascade import in_order
from phoenix_core.errors import ConfigError
from phoenix_core.model import Run
from phoenix_core.process_ab import LOCK
from phoenix_core.recipe_call import is_running
from phoenix_core.run_lock import is_held


@frozen
class AbState:
    """One AB: its state, seconds, peak memory in bytes, and why it did not succeed.

    `state` is PROCESS_STATUS, or RUNNING while a process works on it; `is_moved` tells
    that part 3 has moved it.
    """

    name: str
    recipe: str
    target: str
    state: str
    seconds: float
    memory: int
    cause: str
    is_moved: bool = False


@frozen
class RunState:
    """A run: its ABs in the order of the cascade, and who works on it."""

    run: str
    date: str
    abs: tuple[AbState, ...]

    def count(self, state: str) -> int:
        """How many ABs are in a state."""
        return sum(ab.state == state for ab in self.abs)


def state_of(run: Run) -> RunState:
    """Read the state of a run from its AB files and locks."""
    # In this order, an AB that part 3 moves meanwhile is found in one place or both.
    active = {block.name: (block, False) for block in _blocks(run.ab_dir)}
    moved_dir = run.config.directories.logs / run.date
    moved = {block.name: (block, True) for block in _blocks(moved_dir)}
    blocks = {**moved, **active}
    busy = frozenset(_busy(run))
    ordered = in_order(block for block, _ in blocks.values())
    return RunState(
        run.label,
        run.date,
        tuple(_state(b, is_moved=blocks[b.name][1], busy=busy) for b in ordered),
    )


def _blocks(directory: Path) -> Iterator[AssociationBlock]:
    for path in directory.glob("*.ab"):
        try:
            yield read_block(path)
        except ConfigError:
            if path.exists():
                raise


def _state(block: AssociationBlock, *, is_moved: bool, busy: frozenset[str]) -> AbState:
    is_busy = block.name in busy and not is_moved
    is_bad = block.status in {AbStatus.FAILED, AbStatus.SKIPPED}
    return AbState(
        name=block.name,
        recipe=block.value("RECIPE"),
        target=block.value("TARGET"),
        state="RUNNING" if is_busy else block.status.value,
        seconds=_number(block.value("PROCESS_SECONDS")),
        memory=int(_number(block.value("PROCESS_MEMORY"))),
        cause=block.cause if is_bad and not is_busy else "",
        is_moved=is_moved,
    )


def _busy(run: Run) -> Iterator[str]:
    directory: Path = run.work_dir("")
    if directory.is_dir():
        for workdir in directory.iterdir():
            if is_held(workdir / LOCK) or is_running(workdir):
                yield workdir.name


def _number(text: str) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
