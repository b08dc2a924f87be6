"""phoenixCertify_MUSE: the review of deep datacubes, stand-alone."""

from pathlib import Path
from typing import Annotated

import typer

from muse_deep_plugin import __version__
from phoenix_core.commands import cli

_NAME = "phoenixCertify_MUSE"
_EPILOG = f"""[bold]Examples[/]

{_NAME} -r 094.D-0114B    in the terminal

{_NAME} -r 094.D-0114B --web    in a browser on this machine

{_NAME} -r 094.D-0114B --verdicts review.txt    by a table to fill in

phoenix -r 094.D-0114B -M    then: move what was accepted
"""

app = cli.new_app()


def command() -> None:
    """Run the command ``phoenixCertify_MUSE``."""
    cli.run(app, _NAME)


@app.command(epilog=_EPILOG)
def certify(  # noqa: PLR0917, of the command line
    run_id: cli.RunOption = "",
    date: cli.DateOption = "",
    select: Annotated[
        str, typer.Option("-a", metavar="AB", help="This dpc AB only.")
    ] = "",
    web: Annotated[  # noqa: FBT002
        bool,
        typer.Option("--web", metavar=" ", help="Review in a browser on this machine."),
    ] = False,
    port: cli.PortOption = None,
    verdicts: Annotated[
        Path | None,
        typer.Option(
            "--verdicts",
            metavar="FILE",
            help="Take the verdicts from a text file; it is made if missing.",
        ),
    ] = None,
    config: cli.ConfigOption = None,
    as_json: cli.JsonOption = False,  # noqa: FBT002
    debug: cli.DebugOption = False,  # noqa: ARG001, FBT002, read by cli.run
    version: cli.VersionOption = False,  # noqa: FBT002
) -> None:
    """Review the deep datacubes of a run, and move nothing.

    Accept, reject or comment, in the terminal, in a browser or by a table; each verdict
    is kept as it is given. A later phoenix -M takes the verdicts, and moves.
    """
    if version:
        typer.echo(f"{_NAME} {__version__}")
        return
    from phoenix_core.commands import of_run, review  # noqa: PLC0415, costs start-up

    asked = of_run.wishes(
        *(run_id, date, select, verdicts),
        fresh=False,
        keep=False,
        web=of_run.web_port(verdicts, port, web=web),
    )
    review.review_only(_NAME, config, asked, as_json=as_json)
