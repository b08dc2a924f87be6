"""The command of a review, as one has to type it."""

import shlex

from phoenix_core.model import Run


def command_of(run: Run, table: str = "FILE") -> str:
    """Return the command that reviews by a table."""
    return _command(run, "--verdicts", table)


def web_command_of(run: Run) -> str:
    """Return the command that reviews in a browser."""
    return _command(run, "--web")


def _command(run: Run, *words: str) -> str:
    pool = run.option.split()
    part = () if run.reviewer else ("-M",)
    select = ("-a", run.select) if run.select else ()
    keep = ("-n",) if run.keep else ()
    program = run.reviewer or "phoenix"
    return shlex.join([program, *pool, *part, *select, *keep, *words])
