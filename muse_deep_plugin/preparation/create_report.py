"""createReport: a page with all that the database knows of a target, run or pattern."""

from typing import Annotated

import typer

from phoenix_core import __version__
from phoenix_core.commands import cli
from phoenix_core.errors import ConfigError

_NAME = "createReport"

app = cli.new_app()


def command() -> None:
    """Run the command ``createReport``."""
    cli.run(app, _NAME)


@app.command()
def create_report(
    pattern: Annotated[
        str,
        typer.Option(
            "-Q",
            metavar="PATTERN",
            help="A target, a run, any text; * stands for any text, ? for a letter.",
        ),
    ] = "",
    config: cli.ConfigOption = None,
    as_json: cli.JsonOption = False,  # noqa: FBT002, of the command line
    debug: cli.DebugOption = False,  # noqa: ARG001, FBT002, read by cli.run
    version: cli.VersionOption = False,  # noqa: FBT002
) -> None:
    """Search all tables for a pattern: runs, targets, datacubes, raw files, OBs.

    The page is written below <monitor>/FINISHED/RUN/search, and found behind the link
    'target search' of the pages of runs. Call again to have it up to date.
    """
    if version:
        typer.echo(f"{_NAME} {__version__}")
        return
    if not pattern:
        raise ConfigError("say with -Q what to search for")
    import datetime as dt  # noqa: PLC0415

    from muse_deep_plugin.preparation.search_pages import (  # noqa: PLC0415
        search_report,
    )
    from phoenix_core.config import find_config, read_config  # noqa: PLC0415
    from phoenix_core.words.answer import answer  # noqa: PLC0415

    settings = read_config(find_config(config))
    report = search_report(settings, pattern, dt.datetime.now(dt.UTC))
    if as_json:
        answer(report.document)
    else:
        typer.echo(report.text, nl=False)
