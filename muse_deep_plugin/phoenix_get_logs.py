"""phoenixGetLogs: print all pipeline logs of a datacube, in the order of processing."""

from pathlib import Path
from typing import Annotated, Any

import typer

from muse_deep_plugin.get_logs import ab_path, collected_logs, pipeline_logs
from phoenix_core.ab.file import read_block
from phoenix_core.association_block import AssociationBlock, is_safe_name
from phoenix_core.commands import cli
from phoenix_core.config import find_config, read_config
from phoenix_core.errors import ConfigError
from phoenix_core.model import Run
from phoenix_core.nearest import nearest
from phoenix_core.words.answer import answer

_NAME = "phoenixGetLogs"

app = cli.new_app()


def command() -> None:
    """Run the command ``phoenixGetLogs``."""
    cli.run(app, _NAME)


@app.command()
def print_logs(
    run_id: cli.RunOption,
    name: Annotated[str, typer.Option("-a", metavar="AB", help="A pst or dpc AB.")],
    config: cli.ConfigOption = None,
    as_json: cli.JsonOption = False,  # noqa: FBT002, of the command line
    debug: cli.DebugOption = False,  # noqa: ARG001, FBT002, read by cli.run
) -> None:
    """Print what the recipes said on the way to a datacube.

    The pipeline logs of an AB and of all ABs that it needs, one after the other in the
    order of processing, each below a heading; before and after phoenix -M. The same
    text is made beside each cube (..._PIPELINE_LOG.log), and moves with a deep one.
    """
    run, block = _find(config, run_id, name)
    if as_json:
        answer(_document(run, block))
    else:
        typer.echo(collected_logs(run, block), nl=False)


def _find(config: Path | None, run_id: str, name: str) -> tuple[Run, AssociationBlock]:
    """Find an AB of a run, active or moved.

    Raises:
        ConfigError: no such configuration, run or AB.
    """
    from phoenix_core.loader.session import Wishes, make_run  # noqa: PLC0415
    from phoenix_core.records.ledger import open_ledger  # noqa: PLC0415, costs start-up

    if not is_safe_name(name):
        raise ConfigError(f"'{name}' is no AB; expected for example MUSE.<time>_dpc.ab")
    settings = read_config(find_config(config))
    with open_ledger(settings.database) as ledger:
        run = make_run(settings, Wishes(run=run_id), ledger, register=False)
    path = ab_path(run, name)
    if not path.is_file():
        moved = run.config.directories.logs / run.date
        known = {p.name for folder in (run.ab_dir, moved) for p in folder.glob("*.ab")}
        where = f"{run.ab_dir} or {moved}"
        raise ConfigError(f"no AB {name} in {where}{nearest(name, sorted(known))}")
    return run, read_block(path)


def _document(run: Run, block: AssociationBlock) -> dict[str, Any]:
    logs = [
        {
            "block": log.block,
            "recipe": log.recipe,
            "path": log.path,
            "is_there": log.text is not None,
            "text": log.text or "",
        }
        for log in pipeline_logs(run, block)
    ]
    return {"run": run.label, "block": block.name, "logs": logs}
