"""idpConvert_mu_deep: make IDPs of certified deep datacubes."""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from phoenix_core import __version__
from phoenix_core.commands import cli
from phoenix_core.errors import ConfigError, IngestionError

if TYPE_CHECKING:
    from phoenix_core.model import Run

_NAME = "idpConvert_mu_deep"
_EPILOG = """[bold]Examples[/]

idpConvert_mu_deep -d 2094-04-14    convert; what is up to date is left alone

idpConvert_mu_deep -d 2094-04-14 -C    are all files there? tell, and exit

idpConvert_mu_deep -d 2094-04-14 -p pst2    other names for the exposures' QC plots

idpConvert_mu_deep -d 2094-04-14 --restore    the cubes as they were certified

[bold]Exit codes[/]

0 all datasets are whole, 6 some lack files, others as those of phoenix
"""

app = cli.new_app()


def command() -> None:
    """Run the command ``idpConvert_mu_deep``."""
    cli.run(app, _NAME)


@app.command(epilog=_EPILOG)
def idp_convert(  # noqa: PLR0917, of the command line
    date: Annotated[
        str, typer.Option("-d", metavar="DATE", help="The pseudo-date of the run.")
    ] = "",
    run_id: cli.RunOption = "",
    check: Annotated[  # noqa: FBT002, of the command line
        bool,
        typer.Option(
            "-C", metavar=" ", help="Tell whether all files are there, and exit."
        ),
    ] = False,
    suffix: Annotated[
        str,
        typer.Option(
            "-p",
            metavar="SUFFIX",
            help="Of the exposures' QC plots: pst2 where the archive has pst1 already.",
        ),
    ] = "",
    is_restored: Annotated[  # noqa: FBT002, of the command line
        bool,
        typer.Option(
            "--restore",
            metavar=" ",
            help="Give the cubes the headers they were certified with; IDPs stay.",
        ),
    ] = False,
    config: cli.ConfigOption = None,
    as_json: cli.JsonOption = False,  # noqa: FBT002
    debug: cli.DebugOption = False,  # noqa: ARG001, FBT002, read by cli.run
    version: cli.VersionOption = False,  # noqa: FBT002
) -> None:
    """Convert certified deep datacubes into products for the archive (IDPs).

    They are made in reduced/<pseudo-date>/conv: cube, white-light image, exposure map,
    pipeline log and QC plots. A certified cube and its IDP are one file with two names,
    unless the file system can share blocks; its certified headers are kept beside it,
    as X.fits.certified. What is incomplete is told and left out. phoenix validate holds
    the result to ESO's standard.
    """
    if version:
        typer.echo(f"{_NAME} {__version__}")
        return
    if not (date or run_id):
        raise ConfigError("say with -d which pseudo-date, for example 2094-04-14")
    if is_restored and (check or suffix):
        raise ConfigError("--restore goes with neither -C nor -p")
    import attrs  # noqa: PLC0415

    from muse_deep_plugin.conversion.convert import (  # noqa: PLC0415
        content_check,
        convert,
    )
    from phoenix_core.archive.datasets import conv_dir  # noqa: PLC0415
    from phoenix_core.archive.ingest_state import ingesting  # noqa: PLC0415
    from phoenix_core.config import find_config, read_config  # noqa: PLC0415
    from phoenix_core.loader.session import Wishes, make_run  # noqa: PLC0415
    from phoenix_core.records.ledger import open_ledger  # noqa: PLC0415
    from phoenix_core.words.answer import answer  # noqa: PLC0415
    from phoenix_core.words.plain_text import plain  # noqa: PLC0415

    settings = read_config(find_config(config))
    with open_ledger(settings.database) as ledger:
        run = make_run(settings, Wishes(run=run_id, date=date), ledger, register=False)
    with nullcontext() if check else ingesting(run):  # which reads what is made here
        if is_restored:
            _tell_restored(run, as_json=as_json)
            return
        found = content_check(run) if check else convert(run, suffix)
    incomplete = [one for one in found if one.missing]
    if as_json:
        documents = [attrs.asdict(one) for one in found]
        exit_code = IngestionError.exit_code if incomplete else 0
        answer({"ok": not incomplete, "exit_code": exit_code, "datasets": documents})
    else:
        for one in found:
            for problem in one.missing:
                typer.echo(f"  {plain(f'{one.target}: {problem}')}")
            if one.idp:
                state = "" if one.is_new else " (up to date)"
                state = f" ({one.archive})" if one.archive else state
                typer.echo(f"  {plain(f'{one.target}: {one.idp.name}{state}')}")
        complete = len(found) - len(incomplete)
        what = "complete" if check else f"converted, in {conv_dir(run)}"
        typer.echo(plain(f"{run.label}: {complete} of {len(found)} datasets {what}"))
    raise SystemExit(IngestionError.exit_code if incomplete else 0)


def _tell_restored(run: "Run", *, as_json: bool) -> None:
    from muse_deep_plugin.conversion.convert import restore  # noqa: PLC0415
    from phoenix_core.words.answer import answer  # noqa: PLC0415
    from phoenix_core.words.plain_text import counted, plain  # noqa: PLC0415

    cubes = restore(run)
    if as_json:
        answer({"ok": True, "exit_code": 0, "restored": list(map(str, cubes))})
        return
    for path in cubes:
        typer.echo(f"  {plain(str(path))}")
    what = counted(len(cubes), "cube")
    typer.echo(plain(f"{run.label}: {what} restored as certified"))
