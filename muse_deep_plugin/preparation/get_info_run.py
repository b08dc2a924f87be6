"""phoenix_getInfoRun: overview of periods, runs and targets, for the decision."""

import atexit
import gc
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from muse_deep_plugin.preparation.info_run import InfoRun

from phoenix_core import __version__
from phoenix_core.commands import cli
from phoenix_core.errors import ConfigError

_NAME = "phoenix_getInfoRun"
_SELDOM = 200_000
"""Objects after which garbage is looked for: all rows live to the end of the call, and
looking through them again and again takes a sixth of its time."""

app = cli.new_app()


def command() -> None:
    """Run the command ``phoenix_getInfoRun``."""
    gc.set_threshold(_SELDOM)
    atexit.register(gc.freeze)  # nor at the end: all is given back then
    cli.run(app, _NAME)


@app.command()
def get_info_run(  # noqa: PLR0917, of the command line
    run_id: Annotated[
        str, typer.Option("-r", metavar="RUN", help="A run, such as '094.D-0114(B)'.")
    ] = "",
    all_runs: Annotated[  # noqa: FBT002, of the command line
        bool, typer.Option("-A", metavar=" ", help="All runs, as from a cronjob.")
    ] = False,
    config: cli.ConfigOption = None,
    as_json: cli.JsonOption = False,  # noqa: FBT002
    debug: cli.DebugOption = False,  # noqa: ARG001, FBT002, read by cli.run
    version: cli.VersionOption = False,  # noqa: FBT002
) -> None:
    """Bring the pages of runs up to date, and the target lists of those to combine.

    Below <monitor>/FINISHED/RUN: overview.html, a page a period, a page a run with all
    of its datacubes, RUN_DATA.txt, and for each run that has COMBINE = YES in
    RUN_TYPE.txt a target page and its text file. That one is made once; from then on
    it is yours, and only new datacubes are appended, commented out.

    RUN_TYPE.txt: RUN_ID PERIOD TYPE COMBINE COMMENT, COMBINE is YES, NO or TBD.
    RUN_MULTI.txt: RUN_ID M|S MASTER, a SLAVE (S) names its MASTER.

    Exit codes: 0 done; 2 a text, the command line or the configuration is wrong (what
    is not concerned is done all the same).
    """
    if version:
        typer.echo(f"{_NAME} {__version__}")
        return
    if bool(run_id) == all_runs:
        raise ConfigError("name a run with -r, or ask for all runs with -A")
    from muse_deep_plugin.preparation.info_run import info_run  # noqa: PLC0415
    from phoenix_core.config import find_config, read_config  # noqa: PLC0415

    done = info_run(read_config(find_config(config)), run_id)
    _tell(done, as_json=as_json)


def _tell(done: "InfoRun", *, as_json: bool) -> None:
    """Tell what was done, and what a person has to look at."""
    if as_json:
        from phoenix_core.words.answer import answer  # noqa: PLC0415

        answer(done.document)
    else:
        from phoenix_core.words.plain_text import plain  # noqa: PLC0415

        for warning in done.warnings:
            typer.secho(f"warning: {plain(warning)}", fg="yellow", err=True)
        for remark in done.remarks:
            typer.secho(f"note: {plain(remark)}", fg="yellow", err=True)
        for path in done.lists if done.is_one_run else ():
            typer.echo(f"target list: {plain(str(path))}")
        typer.echo(f"{done.told}: {plain(str(done.page))}")
    if done.mistakes and as_json:
        raise SystemExit(ConfigError.exit_code)  # the document names them
    if done.mistakes:
        raise ConfigError("\n".join(done.mistakes))
