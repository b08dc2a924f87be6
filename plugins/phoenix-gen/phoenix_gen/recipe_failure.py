"""Why a recipe failed, in one line: what a person would look for in its log."""

import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

from phoenix_core.recipe.recipe_call import OUTPUT, RecipeExit

_ERROR = re.compile(r"\[ ?ERROR ?\] *[^:\s]*: *(?:\[tid=\d+\])? *(.*)")
# Lines that come with every error, and traces of where it was in the source.
_EMPTY = re.compile(
    r"\[\d+/\d+\]|Dumping the|Execution of recipe|Found \d+ error"
    r"|Problem occurred loading frameset|Unable to continue parsing|$"
)
_NO_MEMORY = re.compile(
    r"failed to allocate \d+ bytes|cannot allocate memory|out of memory"
    r"|failed to map segment",
    re.IGNORECASE,
)
_NO_ROOM = re.compile(r"No space left on device|Disk quota exceeded", re.IGNORECASE)
_LAST_WORDS = 1 << 16  # bytes at the end of a log that are looked at
_NAMED = 2
_LONGEST = 300  # characters
_FULL = 8 << 20  # bytes; with less left a product does not get whole
_MEGABYTE = 1e6


def failure(ended: RecipeExit, problem: str, log: Path, workdir: Path) -> str:
    """Say why a recipe failed.

    Args:
        ended: how it ended.
        problem: what was found wrong with what it left.
        log: its log.
        workdir: where it ran; its disk may be full.
    """
    said = _end(log) + "\n" + _end(workdir / OUTPUT)
    return f"{_cause(ended, problem, said, workdir)}{_errors(said)}"


def _cause(ended: RecipeExit, problem: str, said: str, workdir: Path) -> str:
    if ended.is_stopped:
        return "was stopped; process it again"
    if ended.is_timeout:
        return f"was stopped at its time limit, after {ended.seconds:.0f} s"
    if match := _NO_MEMORY.search(said):
        used = f"{ended.memory / _MEGABYTE:.0f} MB"
        return f"ran out of memory at {used} ({match[0]})"
    left = shutil.disk_usage(workdir).free
    if _NO_ROOM.search(said) or left < _FULL or ended.status == -signal.SIGXFSZ:
        room = f"{left / _MEGABYTE:.0f} MB left on the disk of {workdir}"
        return f"had no room to write, {room}: make room ({problem})"
    return problem if ended.status >= 0 else _killed(-ended.status)


def _killed(number: int) -> str:
    if number == signal.SIGKILL:
        return "was killed, perhaps by the system for want of memory (SIGKILL)"
    if number == signal.SIGTERM:
        return "was stopped by somebody (SIGTERM); process it again"
    return f"crashed ({signal.strsignal(number)})"


def _errors(said: str) -> str:
    """The last errors of a log that say something, in their order."""
    lines = list(dict.fromkeys(_messages(said)))
    text = " | ".join(lines[-_NAMED:])
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}..."
    return f": {text}" if text else ""


def _messages(said: str) -> Iterator[str]:
    for line in said.splitlines():
        match = _ERROR.search(line)
        if match and not _EMPTY.match(match[1]):
            yield match[1].strip()


def _end(path: Path) -> str:
    """The end of a text file, as much as is worth looking at."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LAST_WORDS))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
