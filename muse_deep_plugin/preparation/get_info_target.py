"""phoenix_getInfoTarget: the runs that a run shares targets with, and their targets."""

from typing import Annotated

import typer

from phoenix_core import __version__
from phoenix_core.commands import cli
from phoenix_core.errors import ConfigError

_NAME = "phoenix_getInfoTarget"

app = cli.new_app()


def command() -> None:
    """Run the command ``phoenix_getInfoTarget``."""
    cli.run(app, _NAME)


@app.command()
def get_info_target(
    run_id: Annotated[
        str, typer.Option("-r", metavar="RUN", help="A run, such as '094.D-0114(B)'.")
    ] = "",
    config: cli.ConfigOption = None,
    as_json: cli.JsonOption = False,  # noqa: FBT002, of the command line
    debug: cli.DebugOption = False,  # noqa: ARG001, FBT002, read by cli.run
    version: cli.VersionOption = False,  # noqa: FBT002
) -> None:
    """Find the runs that observed an overlapping set of targets.

    From the run to its targets, from these to other runs, and so on until nothing is
    new: for deciding which run becomes the MASTER. The list goes to the terminal and to
    <monitor>/FINISHED/RUN/getInfoTarget_<run>.txt. Check it: names are the PI's
    where no datacube has a modified one.
    """
    if version:
        typer.echo(f"{_NAME} {__version__}")
        return
    if not run_id:
        raise ConfigError("name a run with -r")
    from muse_deep_plugin.preparation.info_target import info_target  # noqa: PLC0415
    from phoenix_core.config import find_config, read_config  # noqa: PLC0415
    from phoenix_core.run_id import parse_run_id  # noqa: PLC0415
    from phoenix_core.words.answer import answer  # noqa: PLC0415

    run = parse_run_id(run_id)
    told = info_target(read_config(find_config(config)), run)
    if as_json:
        answer(told.document)
    else:
        typer.echo(f"{told.text}written to {told.path}")
