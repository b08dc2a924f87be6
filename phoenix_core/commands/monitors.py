"""The commands phoenixMonitor and dfoMonitor."""

import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from phoenix_core import __version__
from phoenix_core.commands import cli
from phoenix_core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from phoenix_core.config import Config
    from phoenix_core.monitors.update import Updated

monitor_app = cli.new_app()
waiting_app = cli.new_app()

_MONITOR = """[bold]Examples[/]

phoenixMonitor -P    all runs (mode DEEP), by period

phoenixMonitor -P --trending    and the page of depth and scores

phoenixMonitor -d 2024-03-10    one night, or the run of a pseudo-date

phoenixMonitor -m 2024-03    all nights of a month

phoenixMonitor -y 2024 --yes    all nights of a year, without being asked
"""


@monitor_app.command(epilog=_MONITOR)
def phoenix_monitor(
    deep: Annotated[
        bool, typer.Option("-P", metavar=" ", help="All runs: mode DEEP.")
    ] = False,
    date: Annotated[
        str, typer.Option("-d", metavar="DATE", help="A night, or a pseudo-date.")
    ] = "",
    month: Annotated[
        str, typer.Option("-m", metavar="YYYY-MM", help="The nights of a month.")
    ] = "",
    year: Annotated[
        str, typer.Option("-y", metavar="YYYY", help="The nights of a year; asks.")
    ] = "",
    yes: Annotated[
        bool, typer.Option("--yes", metavar=" ", help="Do not ask for confirmation.")
    ] = False,
    trending: Annotated[
        bool,
        typer.Option(
            "--trending", metavar=" ", help="The page of depth and scores, too."
        ),
    ] = False,
    config: cli.ConfigOption = None,
    as_json: cli.JsonOption = False,
    debug: cli.DebugOption = False,
    version: cli.VersionOption = False,
) -> None:
    """Bring the history up to date: <monitor>/FINISHED/histoMonitor.html.

    phoenix does it by itself after each part. Without an option all runs or nights
    are looked at; that asks for confirmation, as -y does. Only pages that changed
    are written.
    """
    del debug  # looked for where errors are told
    if version:
        typer.echo(f"phoenixMonitor {__version__}")
        return
    given = [word for word in (date, month, year) if word]
    if len(given) + deep > 1:
        raise ConfigError("give one of -P, -d, -m, -y")
    read = _read(config)
    if deep and read.mode != "DEEP":
        raise ConfigError(f"{read.path} works by night (mode IDP): give -d, -m or -y")
    if (month or year) and read.mode == "DEEP":
        raise ConfigError(f"{read.path} works by run (mode DEEP): give -P, or -d")
    if not given and not deep and not trending:
        _confirm("all runs" if read.mode == "DEEP" else "all nights", yes=yes)
    if year:
        _confirm(f"all nights of {year}", yes=yes)
    _update(read, date, month, year, trending=trending, as_json=as_json)


@waiting_app.command(
    epilog="[bold]Example[/]: dfoMonitor    each line with the command to type next"
)
def dfo_monitor(
    config: cli.ConfigOption = None,
    as_json: cli.JsonOption = False,
    debug: cli.DebugOption = False,
    version: cli.VersionOption = False,
) -> None:
    """What is waiting for whom: to process, to certify, to ingest, failures, disks.

    The same is on the page <monitor>/dfoMonitor.html.
    """
    del debug
    if version:
        typer.echo(f"dfoMonitor {__version__}")
        return
    from phoenix_core.monitors.tell import document_of, tell_waiting  # noqa: PLC0415
    from phoenix_core.monitors.update import update  # noqa: PLC0415

    done = update(_read(config))
    _warn(done.warnings)
    if as_json:
        from phoenix_core.words.answer import answer  # noqa: PLC0415

        answer({**document_of(done.waiting), "page": done.waiting_page})
        return
    tell_waiting(done.waiting)
    _echo(str(done.waiting_page))


def _read(given: "Path | None") -> "Config":
    from phoenix_core.config import find_config, read_config  # noqa: PLC0415
    from phoenix_core.loader.option_tables import check_tables  # noqa: PLC0415

    config = read_config(find_config(given))
    check_tables(config)
    return config


def _update(
    config: "Config",
    date: str,
    month: str,
    year: str,
    *,
    trending: bool,
    as_json: bool,
) -> None:
    from phoenix_core.monitors.update import trending_page, update  # noqa: PLC0415

    pages = [trending_page(config)] if trending else []
    done = update(config, asked=_asked(config, date, month, year))
    _warn(done.warnings)
    if as_json:
        from phoenix_core.monitors.tell import history_of  # noqa: PLC0415
        from phoenix_core.words.answer import answer  # noqa: PLC0415

        answer({**history_of(done), "trending": pages[0] if pages else None})
        return
    _tell(done, pages=[str(page) for page in pages])


def _asked(
    config: "Config", date: str, month: str, year: str
) -> "Collection[str] | None":
    """The dates that are asked for, None for all."""
    from phoenix_core.monitors.update import dates_of  # noqa: PLC0415
    from phoenix_core.pseudo_date import check_date_label  # noqa: PLC0415

    if not (date or month or year):
        return None
    if month and not re.fullmatch(r"\d{4}-\d{2}", month, re.ASCII):
        raise ConfigError(f"-m {month}: expected for example 2024-03")
    if year and not re.fullmatch(r"\d{4}", year, re.ASCII):
        raise ConfigError(f"-y {year}: expected for example 2024")
    start = check_date_label(date) if date else f"{month or year}-"
    found = [one for one in dates_of(config) if one.startswith(start)]
    if not found:
        raise ConfigError(f"nothing is known of {date or month or year}")
    return found


def _confirm(what: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError(f"{what} take a while: confirm it with --yes")
    typer.confirm(f"Look at {what}?", abort=True, err=True)


def _tell(done: "Updated", pages: "Collection[str]") -> None:
    from phoenix_core.words.plain_text import counted  # noqa: PLC0415

    for mistake in done.site.expected.mistakes:
        _echo(f"warning: {mistake}", style="yellow")
    runs = counted(len(done.site.facts), "run" if done.site.is_deep else "night")
    written = counted(len(done.written), "page")
    told = f"{runs}, {written} written, {len(done.kept)} up to date"
    _echo(f"{told}: {done.page}")
    for page in pages:
        _echo(page)


def _warn(warnings: "Collection[str]") -> None:
    for warning in warnings:
        _echo(f"warning: {warning}", style="yellow")


def _echo(text: str, style: str = "") -> None:
    from phoenix_core.words.plain_text import plain  # noqa: PLC0415

    typer.secho(plain(text), fg=style or None, err=bool(style))
