"""phoenix_createDeep: from the target list of a run to its ABs in branch MUSE_deep."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from muse_deep_plugin import __version__
from phoenix_core.commands import cli

if TYPE_CHECKING:
    from muse_deep_plugin.preparation.create_deep_run import Made, Report

_NAME = "phoenix_createDeep"
_EPILOG = """[bold]Examples[/]

phoenix_createDeep -r "094.D-0114(B)"    ask for each target

phoenix_createDeep -r 094.D-0114B --target NGC300 --not-crowded    ask only whether
to upload

phoenix_createDeep -r 094.D-0114B --yes    ask nothing: CROWDED as suggested

phoenix_createDeep -r 094.D-0114B --no-upload    collect in ab/TMP2; call again to go on

[bold]Exit codes[/]

0 done, 2 configuration, command line, or a target that could not be made,
4 another call works on the run, 130 interrupted: call again to go on
"""

_CrowdedOption = Annotated[
    bool,
    typer.Option(
        "--crowded", metavar=" ", help="The fields are CROWDED: no sky is subtracted."
    ),
]
_NotCrowdedOption = Annotated[
    bool, typer.Option("--not-crowded", metavar=" ", help="They are not.")
]
_YesOption = Annotated[
    bool, typer.Option("--yes", metavar=" ", help="Ask nothing, and upload.")
]
_ReplaceOption = Annotated[
    bool,
    typer.Option(
        "--replace",
        metavar=" ",
        help="Replace what the store has of a target; copies are kept.",
    ),
]
_NoUploadOption = Annotated[
    bool,
    typer.Option(
        "--no-upload", metavar=" ", help="Collect only; call again to upload."
    ),
]
_FreshOption = Annotated[
    bool,
    typer.Option(
        "--fresh",
        metavar=" ",
        help="Make ABs anew that were edited in ab/TMP2; the old ones stay beside.",
    ),
]

app = cli.new_app()


def command() -> None:
    """Run the command ``phoenix_createDeep``."""
    if sys.argv[1:] in (["-v"], ["--version"]):
        sys.stdout.write(f"{_NAME} {__version__}\n")
        raise SystemExit(0)
    cli.run(app, _NAME)


@app.command(epilog=_EPILOG)
def create_deep(  # noqa: PLR0917, options of the command line
    run_id: cli.RunOption,
    target: Annotated[
        list[str] | None,
        typer.Option(metavar="TARGET", help="Only this target; repeatable."),
    ] = None,
    crowded: _CrowdedOption = False,  # noqa: FBT002, of the command line
    not_crowded: _NotCrowdedOption = False,  # noqa: FBT002
    yes: _YesOption = False,  # noqa: FBT002
    replace: _ReplaceOption = False,  # noqa: FBT002
    no_upload: _NoUploadOption = False,  # noqa: FBT002
    fresh: _FreshOption = False,  # noqa: FBT002
    config: cli.ConfigOption = None,
    as_json: cli.JsonOption = False,  # noqa: FBT002
    debug: cli.DebugOption = False,  # noqa: ARG001, FBT002, read by cli.run
    version: cli.VersionOption = False,  # noqa: FBT002
) -> None:
    """Make the ABs of a run's deep datacubes, and put them into the AB store.

    For each target that the target list selects, the ABs of its exposures are
    collected from branch MUSE_R, and a dpc AB is made that combines them. After
    inspection they go to branch MUSE_deep, where phoenix -C finds them.
    """
    from muse_deep_plugin.preparation import (  # noqa: PLC0415, costs start-up
        create_deep_run,
    )
    from muse_deep_plugin.preparation.create_deep_questions import (  # noqa: PLC0415
        Wishes,
    )
    from phoenix_core.config import find_config, read_config  # noqa: PLC0415
    from phoenix_core.errors import ConfigError  # noqa: PLC0415
    from phoenix_core.records.ledger import open_ledger  # noqa: PLC0415
    from phoenix_core.words.answer import answer  # noqa: PLC0415
    from phoenix_core.words.terminal import Terminal  # noqa: PLC0415

    if version:
        raise ConfigError("-v goes alone")
    if crowded and not_crowded:
        raise ConfigError("--crowded or --not-crowded: one of them")
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    wishes = Wishes(
        targets=tuple(target or ()),
        crowded=crowded if crowded or not_crowded else None,
        yes=yes,
        replace=replace,
        upload=not no_upload,
        fresh=fresh,
        asks=is_terminal and not (yes or as_json),
    )
    settings = read_config(find_config(config))
    console = Terminal(highlight=False, quiet=as_json)
    with open_ledger(settings.database) as ledger:
        report = create_deep_run.create_deep(settings, run_id, wishes, ledger, console)
    code = ConfigError.exit_code if report.failed else 0
    if as_json:
        answer({**_document(report), "ok": not code, "exit_code": code})
    for made in report.failed:
        for line in made.error.split("\n"):
            typer.secho(f"{_NAME}: {_plain(line)}", fg="red", err=True)
    if code:
        raise SystemExit(code)


def _plain(text: str) -> str:
    from phoenix_core.words.plain_text import plain  # noqa: PLC0415, costs start-up

    return plain(text)


def _document(report: "Report") -> dict[str, Any]:
    site = report.site
    return {
        "run": site.run_id.formal,
        "date": site.date,
        "list": site.targets.path,
        "store": site.folder.shown,
        "notes": site.notes,
        "targets": [_target(made) for made in report.made],
        "left": report.left,
        "withdrawn": report.withdrawn,
        "copies": report.copies,
    }


def _target(made: "Made") -> dict[str, Any]:
    one, laid, plan = made.candidate, made.laid, made.plan
    return {
        "target": one.name,
        "state": made.state,
        "error": made.error,
        "exposures": one.exposures,
        "obs": one.collected.obs,
        "warnings": one.warnings,
        "crowded": made.crowded,
        "suggested": {"crowded": one.suggestion.crowded, "why": one.suggestion.why},
        "folder": laid.folder if laid else None,
        "dpc": laid.dpc.name if laid and laid.dpc else None,
        "abs": [block.name for block in laid.blocks] if laid else [],
        "edited": laid.edited if laid else [],
        "added": laid.added if laid else [],
        "restored": laid.restored if laid else [],
        "moved_to": laid.moved_to if laid else None,
        "uploaded": [b.name for b in plan.written] if plan and _is_up(made) else [],
        "same": plan.same if plan else [],
        "replaced": [b.name for b in plan.replaced] if plan and _is_up(made) else [],
        "copies": made.copies,
    }


def _is_up(made: "Made") -> bool:
    return made.state == "uploaded"
