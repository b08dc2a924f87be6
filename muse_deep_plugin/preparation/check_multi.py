"""phoenix_checkMulti: names of targets that several runs have in common."""

from typing import Annotated

import typer

from phoenix_core import __version__
from phoenix_core.commands import cli

_NAME = "phoenix_checkMulti"

app = cli.new_app()


def command() -> None:
    """Run the command ``phoenix_checkMulti``."""
    cli.run(app, _NAME)


@app.command()
def check_multi(  # noqa: PLR0917, of the command line
    run_id: Annotated[
        str, typer.Option("-r", metavar="RUN", help="Only what this run takes part in.")
    ] = "",
    is_all: Annotated[  # noqa: FBT002, of the command line
        bool,
        typer.Option("--all", metavar=" ", help="Known cases and linked runs too."),
    ] = False,
    config: cli.ConfigOption = None,
    as_json: cli.JsonOption = False,  # noqa: FBT002
    debug: cli.DebugOption = False,  # noqa: ARG001, FBT002, read by cli.run
    version: cli.VersionOption = False,  # noqa: FBT002
) -> None:
    """Find names of targets that runs have in common and that nobody looked at.

    Runs that RUN_MULTI.txt links, and targets in phoenix_checkMulti.txt, are known
    cases. That file is yours: a line a target, TARGET and a COMMENT; both lie in
    <monitor>/FINISHED/RUN.
    """
    if version:
        typer.echo(f"{_NAME} {__version__}")
        return
    from muse_deep_plugin.preparation.multi_targets import (  # noqa: PLC0415
        multi_targets,
    )
    from phoenix_core.config import find_config, read_config  # noqa: PLC0415
    from phoenix_core.run_id import parse_run_id  # noqa: PLC0415
    from phoenix_core.words.answer import answer  # noqa: PLC0415

    run = parse_run_id(run_id).formal if run_id else ""
    told = multi_targets(read_config(find_config(config)), run, is_all=is_all)
    if as_json:
        answer(told.document)
    else:
        typer.echo(told.text, nl=False)
