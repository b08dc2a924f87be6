"""phoenix_PrepareDeep: where the exposures of a target point."""

from pathlib import Path
from typing import Annotated

import typer

from phoenix_core import __version__
from phoenix_core.commands import cli
from phoenix_core.errors import ConfigError

_NAME = "phoenix_PrepareDeep"

app = cli.new_app()


def command() -> None:
    """Run the command ``phoenix_PrepareDeep``."""
    cli.run(app, _NAME)


@app.command(epilog="[bold]Example[/]: phoenix_PrepareDeep '094.D-0114(B)' NGC300")
def prepare_deep(  # noqa: PLR0917, of the command line
    run_id: Annotated[
        str, typer.Argument(metavar="RUN", help="The run, or the MASTER of several.")
    ] = "",
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET", help="Its name in the target list, or in the database."
        ),
    ] = "",
    png: Annotated[
        Path | None,
        typer.Option("--png", metavar="FILE", help="Draw into a PNG file instead."),
    ] = None,
    config: cli.ConfigOption = None,
    as_json: cli.JsonOption = False,  # noqa: FBT002, of the command line
    debug: cli.DebugOption = False,  # noqa: ARG001, FBT002, read by cli.run
    version: cli.VersionOption = False,  # noqa: FBT002
) -> None:
    """Show where the exposures of a target point, as numbers and as a plot.

    Real centres of fields are what counts; the coordinates of the target in headers,
    shown beside them, are not always good enough across OBs.
    """
    if version:
        typer.echo(f"{_NAME} {__version__}")
        return
    if not (run_id and target):
        raise ConfigError("name the run and the target")
    if png and png.suffix.lower() != ".png":
        raise ConfigError(f"--png: '{png}' is no name of a PNG file; expected NAME.png")
    from muse_deep_plugin.preparation.pointing_plot import (  # noqa: PLC0415
        png_plot,
        terminal_plot,
    )
    from muse_deep_plugin.preparation.target_pointings import (  # noqa: PLC0415
        target_pointings,
    )
    from phoenix_core.config import find_config, read_config  # noqa: PLC0415
    from phoenix_core.files.atomic import write_bytes  # noqa: PLC0415
    from phoenix_core.run_id import parse_run_id  # noqa: PLC0415
    from phoenix_core.words.answer import answer  # noqa: PLC0415

    run = parse_run_id(run_id)
    found = target_pointings(read_config(find_config(config)), run.formal, target)
    if png:
        write_bytes(png, png_plot(found))
    if as_json:
        answer(found.document)
        return
    typer.echo(found.text)
    typer.echo(f"drawn in {png}" if png else terminal_plot(found), nl=png is not None)
