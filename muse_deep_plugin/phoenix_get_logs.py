"""phoenixGetLogs: print all pipeline logs of a datacube, in the order of processing."""

from pathlib import Path
from typing import Annotated

import typer

from muse_deep_plugin.get_logs import ab_path, collected_logs
from phoenix_core.ab_file import read_block
from phoenix_core.association_block import is_safe_name
from phoenix_core.config import find_config, read_config
from phoenix_core.errors import ConfigError, PhoenixError


def command() -> None:
    """Run the command ``phoenixGetLogs``."""
    typer.run(_print_logs)


def _print_logs(
    run: Annotated[str, typer.Option("-r", help="Run id, as 094.D-0114B.")],
    name: Annotated[str, typer.Option("-a", help="A pst or dpc AB.")],
    config: Annotated[Path | None, typer.Option(help="Configuration file.")] = None,
) -> None:
    """Print the pipeline logs of an AB and of all ABs that it needs."""
    try:
        typer.echo(logs_of(config, run, name), nl=False)
    except PhoenixError as error:
        typer.echo(f"phoenixGetLogs: {error}", err=True)
        raise typer.Exit(error.exit_code) from error


def logs_of(config: Path | None, run_id: str, name: str) -> str:
    """Return the logs of an AB of a run, and of all that it needs.

    Raises:
        ConfigError: no such configuration, run or AB.
    """
    from phoenix_core.ledger import open_ledger  # noqa: PLC0415, costs start-up
    from phoenix_core.session import Wishes, make_run  # noqa: PLC0415

    if not is_safe_name(name):
        raise ConfigError(f"'{name}' is no AB; expected for example MUSE.<time>_dpc.ab")
    settings = read_config(find_config(config))
    with open_ledger(settings.database) as ledger:
        run = make_run(settings, Wishes(run=run_id), ledger, register=False)
    return collected_logs(run, read_block(ab_path(run, name)))
