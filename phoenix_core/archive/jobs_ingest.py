"""JOBS_INGEST: the calls of ingestProducts that wait, a line each, for a person.

moveProducts appends the call of a run once. The file is a person's, too: their lines
stay, and so do their words. A call that is done stays as a comment that says when.
"""

import shlex
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Final

from phoenix_core.files.atomic import (
    append_text,
    edit_text,
    remove_leftovers,
    write_new_text,
)
from phoenix_core.files.regular_file import read_regular
from phoenix_core.model import Run
from phoenix_core.records.lines import now

JOBS_INGEST: Final = "JOBS_INGEST"
_TITLE: Final = (
    "#!/bin/sh\n# Calls of ingestProducts that wait; done ones are comments.\n"
)
_SLOTS: Final = "ingestProducts."


def jobs_path(run: Run) -> Path:
    """Return where the file lies."""
    return run.config.directories.jobs / JOBS_INGEST


def call_of(run: Run) -> str:
    """Return the call that ingests a run, as it can be executed."""
    config = ["--config", str(run.config.path)]
    return shlex.join(["ingestProducts", "-d", run.date, *config])


def add_call(run: Run) -> bool:
    """Append the call of a run, unless it waits already; whether it was appended.

    Where the configuration says nothing of ingestProducts, there is nothing to call.

    Raises:
        OSError: the file cannot be written.
    """
    if not any(slot.startswith(_SLOTS) for slot in run.config.slots):
        return False
    path, call = jobs_path(run), call_of(run)
    remove_leftovers(path.parent)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):  # somebody else was quicker
            write_new_text(path, _TITLE)
    added = append_text(path, lambda text: "" if _waits(text, run) else f"{call}\n")
    return bool(added)


def mark_done(run: Run) -> bool:
    """Make the call of a run a comment; whether there was one.

    Raises:
        OSError: the file cannot be written.
    """
    path = jobs_path(run)
    remove_leftovers(path.parent)
    try:
        text = read_regular(path).decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return False
    if not _waits(text, run):
        return False
    when = now()

    def done(text: str) -> str:
        lines = text.splitlines(keepends=True)
        return "".join(
            f"# done {when}: {line}" if _is_call(line, run) else line for line in lines
        )

    edit_text(path, done)
    return True


def _waits(text: str, run: Run) -> bool:
    return any(_is_call(line, run) for line in text.splitlines())


def _is_call(line: str, run: Run) -> bool:
    """Whether a line calls ingestProducts for this run, however a person wrote it."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return False
    if not words or Path(words[0]).name != "ingestProducts":
        return False
    given = dict(pairwise(words))
    named = given.get("-d") == run.date
    if run.run_id:
        named = named or given.get("-r") in {run.run_id.plain, run.run_id.formal}
    config = Path(given.get("--config", run.config.path)).resolve()
    return named and config == run.config.path
