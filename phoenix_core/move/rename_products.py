"""renameProducts: the last word on the names of certified products, and its limits."""

from collections.abc import Callable, Sequence
from pathlib import Path

from phoenix_core import hookspecs
from phoenix_core.association_block import is_safe_name
from phoenix_core.errors import PgiError
from phoenix_core.loader.pgis import Pgis
from phoenix_core.model import Move, Run

_PACKED = (".fz", ".gz")


def rename(run: Run, pgis: Pgis, moves: Sequence[Move]) -> tuple[Move, ...]:
    """Ask SPECIAL_PLUGIN of renameProducts about the finished list of moves.

    Raises:
        PgiError: its answer has other files, or places that `check_moves` refuses.
    """
    spec = hookspecs.rename_products_special_plugin
    answer = pgis.ask(spec, run=run, moves=tuple(moves))
    if answer is None:
        return tuple(moves)
    pgi = pgis.names(spec)[0]
    sources = {move.source for move in moves}
    check_moves(run, f"{pgi}: wrong answer to {spec.__name__}", answer, sources)
    if missing := sources - {move.source for move in answer}:
        raise PgiError(
            f"{pgi}: wrong answer to {spec.__name__}: {min(missing)} is left out"
        )
    return tuple(answer)


def check_moves(run: Run, told: str, moves: Sequence[Move], sources: set[Path]) -> None:
    """Let through only moves of these files, to where certified files may lie.

    Args:
        run: the run or night.
        told: how a message begins: who answered what.
        moves: the answer.
        sources: the files that may be moved.

    Raises:
        PgiError: a file that is not ours, or moved twice; a target that is taken, is
            outside the directories for certified files, or changes the suffix.
    """

    def wrong(problem: str) -> PgiError:
        return PgiError(f"{told}: {problem}")

    left = set(sources)
    targets: set[Path] = set()
    for move in moves:
        if move.source not in left:
            twice = move.source in sources
            problem = "is moved twice" if twice else "is no product of an accepted AB"
            raise wrong(f"{move.source} {problem}")
        left.remove(move.source)
        if move.target in targets:
            raise wrong(f"two files would become {move.target}")
        targets.add(move.target)
        _check_target(run, move, wrong)


def _check_target(run: Run, move: Move, wrong: Callable[[str], PgiError]) -> None:
    target, directories = move.target, run.config.directories
    if not is_safe_name(target.name):
        raise wrong(f"'{target.name}' is no file name")
    if _suffix(target) != _suffix(move.source):
        raise wrong(f"{target} changes the suffix of {move.source.name}")
    allowed = (
        *(directories.reduced, directories.calib),
        *(directories.plots, directories.logs),
    )
    inside = [d for d in allowed if d in target.parents and ".." not in target.parts]
    # A link below the directory could lead anywhere; the directory itself may be one.
    real = target.parent.resolve()
    if not any(real.is_relative_to(directory.resolve()) for directory in inside):
        places = ", ".join(map(str, allowed))
        raise wrong(f"{target} is not inside one of {places}")


def _suffix(path: Path) -> str:
    """``.fits``, and ``.fits.fz`` as one."""
    count = 2 if path.suffix in _PACKED else 1
    return "".join(path.suffixes[-count:])
