"""Private working directories: emptied before a try, put aside after it.

What is left of a directory is deleted at the end of a part and not at once: ext4
takes ever longer to make files while many were just deleted. Whatever holds space
goes at once.
"""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from phoenix_core.model import Run

_SMALL = 65536  # bytes


def put_aside(run: Run, name: str) -> None:
    """Take the working directory of an AB away, with all that is in it."""
    workdir = run.work_dir(name)
    aside = _aside_dir(run)
    with suppress(OSError):
        for entry in os.scandir(workdir):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            elif _takes_room(entry):
                Path(entry.path).unlink()
        aside.mkdir(parents=True, exist_ok=True)
        workdir.rename(aside / f"{name}.{os.getpid()}-{workdir.stat().st_ino}")
        return
    shutil.rmtree(workdir, ignore_errors=True)


def remove_aside(run: Run) -> None:
    """Delete what was put aside, also by a phoenix that was killed."""
    shutil.rmtree(_aside_dir(run), ignore_errors=True)
    with suppress(OSError):
        _aside_dir(run).parent.rmdir()


def _aside_dir(run: Run) -> Path:
    return run.config.directories.product.joinpath(".done", run.date)


def _takes_room(entry: os.DirEntry[str]) -> bool:
    """Whether a file is large, or is a product that was published by a second name."""
    state = entry.stat(follow_symlinks=False)
    return state.st_nlink > 1 or state.st_size > _SMALL
