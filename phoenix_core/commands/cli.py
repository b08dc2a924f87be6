"""The command line: what people type, and what they are told.

Everything heavy is imported inside the command that needs it, so that help is quick.
"""

import contextlib
import io
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from phoenix_core import __version__
from phoenix_core.errors import ConfigError, PhoenixError
from phoenix_core.words.answer import answer, give_up

_INTERRUPTED = 130  # as shells count: 128 and the number of SIGINT
_HELP = {"help_option_names": ["-h", "--help"]}


def new_app() -> typer.Typer:
    """Return what a command is made of that `run` runs."""
    return typer.Typer(
        context_settings=_HELP,
        rich_markup_mode="rich",
        add_completion=False,
        pretty_exceptions_enable=False,
    )


app = new_app()
plugins_app = typer.Typer(
    context_settings=_HELP, no_args_is_help=True, help="The installed plug-ins (PGIs)."
)
app.add_typer(plugins_app, name="plugins")
qc1_app = typer.Typer(
    context_settings=_HELP, no_args_is_help=True, help="The QC1 database."
)
app.add_typer(qc1_app, name="qc1")
process_ab_app = new_app()
process_qc_app = new_app()
qc1_ingest_app = new_app()
get_status_ab_app = new_app()
get_stat_app = new_app()  # phoenix comment by the name of its button

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The configuration; else $PHOENIX_CONFIG, else ./phoenix.toml.",
    ),
]
RunOption = Annotated[
    str, typer.Option("-r", metavar="RUN", help="The run, for example 094.D-0114B.")
]
DateOption = Annotated[
    str, typer.Option("-d", metavar="DATE", help="The night, for example 2024-03-10.")
]
JsonOption = Annotated[
    bool,
    typer.Option(
        "--json", metavar=" ", help="Answer with one JSON document on stdout."
    ),
]
DebugOption = Annotated[
    bool, typer.Option("--debug", metavar=" ", help="Show the trace behind an error.")
]
VersionOption = Annotated[
    bool,
    typer.Option("-v", "--version", metavar=" ", help="Tell the version and exit."),
]

PortOption = Annotated[
    int | None,
    typer.Option(
        "--port",
        metavar="N",
        min=1,
        max=65535,
        help="With --web: listen on this port; else on a free one.",
    ),
]

_EPILOG = """[bold]Examples[/]

phoenix -r 094.D-0114B -C    make the ABs and the plan, execute nothing

phoenix -r 094.D-0114B -P    process and make the QC reports; call again to go on

phoenix -r 094.D-0114B -P -a NAME.ab    one target only

phoenix -r 094.D-0114B -M    certify in the terminal, and move what is accepted

phoenix -r 094.D-0114B -M --web    certify in a browser

phoenix -r 094.D-0114B -M --verdicts review.txt    certify by file

phoenix status -r 094.D-0114B    what is done, runs, failed and why

phoenix -r 094.D-0114B --drop EXPOSURE -a NAME.ab --why "clouds"    without it

phoenix -r 094.D-0114B --undrop EXPOSURE -a NAME.ab    with it again

[bold]Exit codes[/]

0 done, 2 configuration or command line, 3 plug-in, 4 processing, 5 certification,
6 ingestion or validation, 130 interrupted
"""

_STATUS_EPILOG = """[bold]Examples[/]

phoenix status -r 094.D-0114B    each AB: status, QC scores passed, time, memory

phoenix status -r 094.D-0114B --json    the same for programs
"""

_EXPLAIN_EPILOG = """[bold]Examples[/]

phoenix explain -r 094.D-0114B NAME.ab    inputs, command, products, scores, warnings
"""

_VALIDATE_EPILOG = """[bold]Examples[/]

phoenix validate phoenix-data/reduced/2094-04-14/conv    all datasets of a run

phoenix validate CUBE.fits IMAGE.fits --no-data    headers only

phoenix validate --rules    what is asked for

[bold]Exit codes[/]

0 no errors (there may be warnings), 6 errors, 2 wrong use
"""

_COMMENT_EPILOG = """[bold]Examples[/]

phoenix comment -r 094.D-0114B NAME.ab "clouds at the end of the OB"

phoenix comment -r 094.D-0114B NAME.ab    asks; what there is can be edited

phoenix comment -r 094.D-0114B    all comments; with --json also the former ones
"""


def run(
    application: typer.Typer, name: str, words: Sequence[str] | None = None
) -> NoReturn:
    """Run a command; turn what goes wrong into one line and an exit code.

    Args:
        application: the command.
        name: what people call it.
        words: what it is to read instead of the command line.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    _show_any_letter()
    try:
        code = application(words, prog_name=name, standalone_mode=False)
    except PhoenixError as error:
        _fail(name, str(error), error.exit_code)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            _leave(0)
        told = f"{error.filename or 'input or output'}: {error.strerror or error}"
        _fail(name, told, PhoenixError.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    except Exception as error:  # noqa: BLE001, whatever it is ends in one line
        # Typer's own, of a wrong command line: it has no public base class.
        if not hasattr(error, "format_message"):
            told = f"{type(error).__name__}: {error}; this is a defect of {name}, "
            told += "please report it with what --debug shows"
            _fail(name, told, PhoenixError.exit_code)
        told = error.format_message().rstrip(".")
        if not told:  # the help has been shown instead
            _leave(ConfigError.exit_code)
        _fail(name, f"{told}; {name} -h tells what there is", ConfigError.exit_code)
    if code == _INTERRUPTED:  # typer turns the interruption into this number
        # Whoever asks again while threads end does not want to wait for them.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: os._exit(_INTERRUPTED))
        _fail(name, "interrupted; call again to go on", _INTERRUPTED)
    raise SystemExit(code or 0)


def inherited(context: typer.Context, name: str, given: Any) -> Any:
    """Return an option of a subcommand, or what stood before the subcommand."""
    return given or context.find_root().params.get(name)


def _show_any_letter() -> None:
    """A name that the terminal has no letters for is no reason to end."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _fail(name: str, message: str, code: int) -> NoReturn:
    if "--debug" in sys.argv:
        traceback.print_exc()
    from phoenix_core.words.plain_text import plain  # noqa: PLC0415

    # A table that a person filled in may have several mistakes, a line each.
    lines = [plain(line) for line in message.split("\n") if line.strip()]
    with contextlib.suppress(OSError):  # the code tells it where nobody can read
        if "--json" in sys.argv:
            answer({"error": "; ".join(lines), "exit_code": code})
        for line in lines:
            typer.secho(f"{name}: {line}", fg="red", err=True)
    _leave(code)


def _leave(code: int) -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream:
                stream.flush()
        except OSError:
            # What stays in the buffer would make Python end with a code of its own.
            give_up(stream)
    raise SystemExit(code)


@app.callback(invoke_without_command=True, epilog=_EPILOG)
def phoenix(
    context: typer.Context,
    run_id: RunOption = "",
    date: DateOption = "",
    select: Annotated[
        str, typer.Option("-a", metavar="AB", help="This AB and what it needs only.")
    ] = "",
    part_c: Annotated[
        bool,
        typer.Option("-C", metavar=" ", help="Part 1: make ABs, jobs and the plan."),
    ] = False,
    part_p: Annotated[
        bool,
        typer.Option("-P", metavar=" ", help="Part 1, then part 2: process, with QC."),
    ] = False,
    part_m: Annotated[
        bool,
        typer.Option("-M", metavar=" ", help="Part 3: certify and move the products."),
    ] = False,
    keep: Annotated[
        bool,
        typer.Option(
            "-n",
            metavar=" ",
            help="With -M: keep the working products, until a -M without -n.",
        ),
    ] = False,
    verdicts: Annotated[
        Path | None,
        typer.Option(
            "--verdicts",
            metavar="FILE",
            help="With -M: take the verdicts from a text file; it is made if missing.",
        ),
    ] = None,
    web: Annotated[
        bool,
        typer.Option(
            "--web", metavar=" ", help="With -M: review in a browser on this machine."
        ),
    ] = False,
    port: PortOption = None,
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh", metavar=" ", help="Make ABs anew that were edited or moved."
        ),
    ] = False,
    drop: Annotated[
        list[str] | None,
        typer.Option(
            "--drop",
            metavar="EXPOSURE",
            help="Drop this raw file, AB or OB:<id> from the AB of -a; several go.",
        ),
    ] = None,
    undrop: Annotated[
        list[str] | None,
        typer.Option(
            "--undrop", metavar="EXPOSURE", help="Take back what was dropped."
        ),
    ] = None,
    because: Annotated[
        str,
        typer.Option("--why", metavar="TEXT", help="With --drop: why, for the record."),
    ] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> None:
    """Automatic science data production: ABs, recipes, QC, certification."""
    if context.invoked_subcommand:
        return
    from phoenix_core.commands import of_run  # noqa: PLC0415

    if version:
        raise ConfigError("-v goes alone")
    if not (run_id or date):
        if len(sys.argv) > 1:
            raise ConfigError("name the run with -r, or the night with -d")
        typer.echo(context.get_help())
        return
    parts = [p for p, on in (("C", part_c), ("P", part_p), ("M", part_m)) if on]
    if len(parts) > 1:
        given = " and ".join(f"-{part}" for part in parts)
        raise ConfigError(f"{given}: one part at a time (-P does -C as well)")
    if parts and parts != ["M"] and (keep or verdicts or web):
        raise ConfigError("-n, --verdicts and --web go with -M")
    asked = of_run.wishes(
        *(run_id, date, select, verdicts),
        fresh=fresh,
        keep=keep,
        web=of_run.web_port(verdicts, port, web=web),
    )
    if drop or undrop or because:
        from phoenix_core.commands import dropping  # noqa: PLC0415

        alone = not (parts or fresh or keep or verdicts or web)
        edit = dropping.asked_edit(drop or (), undrop or (), because, alone=alone)
        dropping.edit_abs(config, asked, edit, as_json=as_json)
        return
    of_run.run_part(parts[0] if parts else "", config, asked, as_json=as_json)
    del debug  # looked for where errors are told


@app.command(epilog=_STATUS_EPILOG)
def status(
    context: typer.Context,
    run_id: RunOption = "",
    date: DateOption = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """What became of each AB of a run; also while it is being processed."""
    from phoenix_core.commands import questions  # noqa: PLC0415

    questions.status(
        inherited(context, "config", config),
        inherited(context, "run_id", run_id),
        inherited(context, "date", date),
        as_json=inherited(context, "as_json", as_json),
    )
    del debug


@get_stat_app.command(epilog=_COMMENT_EPILOG)
@app.command(epilog=_COMMENT_EPILOG)
def comment(
    context: typer.Context,
    ab_name: Annotated[str, typer.Argument(metavar="AB")] = "",
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="Without it you are asked.")
    ] = "",
    remove: Annotated[
        bool, typer.Option("--remove", metavar=" ", help="Take the comment back.")
    ] = False,
    run_id: RunOption = "",
    date: DateOption = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Comment on an AB, for whoever certifies; without an AB show the comments."""
    from phoenix_core.commands import comments  # noqa: PLC0415

    comments.comment(
        inherited(context, "config", config),
        inherited(context, "run_id", run_id),
        inherited(context, "date", date),
        ab_name,
        text,
        remove=remove,
        as_json=inherited(context, "as_json", as_json),
    )
    del debug


@app.command(epilog=_EXPLAIN_EPILOG)
def explain(
    context: typer.Context,
    ab_name: Annotated[str, typer.Argument(metavar="AB")],
    run_id: RunOption = "",
    date: DateOption = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """What an AB needs, why it is out of date, what was or would be called."""
    from phoenix_core.commands import questions  # noqa: PLC0415

    questions.explain(
        inherited(context, "config", config),
        inherited(context, "run_id", run_id),
        inherited(context, "date", date),
        ab_name,
        as_json=inherited(context, "as_json", as_json),
    )
    del debug


@app.command()
def why(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="AB|FRAME")],
    run_id: RunOption = "",
    date: DateOption = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Why createAB gave an AB these files and not others, or where a frame went."""
    from phoenix_core.commands import questions  # noqa: PLC0415

    questions.why(
        inherited(context, "config", config),
        inherited(context, "run_id", run_id),
        inherited(context, "date", date),
        name,
        as_json=inherited(context, "as_json", as_json),
    )
    del debug


@app.command(epilog=_VALIDATE_EPILOG)
def validate(
    context: typer.Context,
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE...")] = None,
    rules: Annotated[
        bool, typer.Option("--rules", metavar=" ", help="List the rules, check none.")
    ] = False,
    no_data: Annotated[
        bool, typer.Option("--no-data", metavar=" ", help="Read the headers only.")
    ] = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Whether files, or the datasets in directories, meet ESO's SDP standard."""
    from phoenix_core.commands import validation  # noqa: PLC0415

    as_json = inherited(context, "as_json", as_json)
    if rules:
        validation.list_rules(files or (), as_json=as_json)
        return
    validation.validate(files or (), with_data=not no_data, as_json=as_json)
    del debug


@app.command("pseudo-date")
def pseudo_date(
    context: typer.Context,
    run_or_date: Annotated[str, typer.Argument(metavar="RUN|DATE")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Which pseudo-date a run has, or which run a pseudo-date."""
    from phoenix_core.commands import questions  # noqa: PLC0415

    questions.pseudo_date(
        inherited(context, "config", config),
        run_or_date,
        as_json=inherited(context, "as_json", as_json),
    )
    del debug


@plugins_app.command("list")
def plugins_list(
    context: typer.Context,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """List the installed PGIs and the slots that they fill."""
    from phoenix_core.commands import questions  # noqa: PLC0415

    questions.plugins_list(
        inherited(context, "config", config),
        as_json=inherited(context, "as_json", as_json),
    )
    del debug


@plugins_app.command("check")
def plugins_check(
    context: typer.Context,
    config: Annotated[Path, typer.Argument(metavar="CONFIG")],
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Load a configuration and its PGIs as a run would."""
    from phoenix_core.commands import questions  # noqa: PLC0415

    questions.plugins_check(config, as_json=inherited(context, "as_json", as_json))
    del debug


@qc1_app.callback(invoke_without_command=True)
def qc1(version: VersionOption = False) -> None:
    """The QC1 database."""
    if version:
        typer.echo(f"phoenix {__version__}")
        raise typer.Exit


@qc1_app.command("import")
def qc1_import(
    context: typer.Context,
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="CSV, ECSV or VOTable (.xml, .vot)."),
    ],
    table: Annotated[
        str,
        typer.Option(
            "--table", metavar="TABLE", help="The table; else as the file is called."
        ),
    ] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Put the rows of files into their tables: all of them, or nothing."""
    from phoenix_core.commands import qc1 as commands  # noqa: PLC0415

    commands.import_files(
        inherited(context, "config", config),
        files,
        table,
        as_json=inherited(context, "as_json", as_json),
    )
    del debug


@qc1_app.command("ingest")
def qc1_ingest_reports(
    context: typer.Context,
    run_id: RunOption = "",
    date: DateOption = "",
    select: Annotated[
        str, typer.Option("-a", metavar="AB", help="The report of this AB only.")
    ] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Put the rows of a run's QC reports into the database again, moved ones too."""
    from phoenix_core.commands import qc1 as commands  # noqa: PLC0415

    commands.ingest_reports(
        inherited(context, "config", config),
        inherited(context, "run_id", run_id),
        inherited(context, "date", date),
        inherited(context, "select", select),
        as_json=inherited(context, "as_json", as_json),
    )
    del debug


@qc1_app.command("query")
def qc1_query(
    context: typer.Context,
    sql: Annotated[str, typer.Argument(metavar="SQL")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", metavar=" ", help="Answer as CSV on stdout.")
    ] = False,
    debug: DebugOption = False,
) -> None:
    """Ask the database with one statement; whatever it says, nothing is changed."""
    from phoenix_core.commands import qc1 as commands  # noqa: PLC0415

    commands.query(
        inherited(context, "config", config),
        sql,
        as_json=inherited(context, "as_json", as_json),
        as_csv=as_csv,
    )
    del debug


@qc1_app.command("tables")
def qc1_tables(
    context: typer.Context,
    table: Annotated[str, typer.Argument(metavar="[TABLE]")] = "",
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """List the tables, or the columns of one with their units and meaning."""
    from phoenix_core.commands import qc1 as commands  # noqa: PLC0415

    commands.tables(table, as_json=inherited(context, "as_json", as_json))
    del debug


_INGEST = """[bold]Keys[/]

Any columns of the table, in any order and case; what is left out gets its default. The
row replaces the one that has the same primary key.

-table TABLE -h    the columns of a table; -v, --config FILE, --json as everywhere

-delete    take the row out that has these keys: its primary key, as it stands there

[bold]Examples[/]

qc1Ingest -table ob_grades -ob_id 1090001 -exec_time 2014-10-23T01:10:54 -grade A

qc1Ingest -delete -table ob_grades -ob_id 1090001 -exec_time 2014-10-23T01:10:54
"""


@qc1_ingest_app.command(epilog=_INGEST)
def qc1_ingest(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="-table TABLE -key VALUE ...", help="The table, keys and values."
        ),
    ],
) -> None:
    """Put a row into a table of the QC1 database, or take it out."""
    from phoenix_core.commands import qc1 as commands  # noqa: PLC0415

    commands.qc1_ingest(words)


AbOption = Annotated[
    str, typer.Option("-a", metavar="AB", help="The AB, as in the job file.")
]


@process_ab_app.command(
    epilog="[bold]Example[/]: processAB -a NAME.2014-10-22T23:57:32.123.ab"
)
def process_ab(
    ab_name: AbOption,
    run_id: RunOption = "",
    date: DateOption = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> None:
    """Process one AB of a run that phoenix -C has made, unless it is up to date."""
    from phoenix_core.commands import of_run  # noqa: PLC0415

    of_run.one_ab(config, run_id, date, ab_name, as_json=as_json)
    del debug, version


@process_qc_app.command(
    epilog="[bold]Example[/]: processQC -a NAME.2014-10-22T23:57:32.123.ab"
)
def process_qc(
    ab_name: AbOption,
    run_id: RunOption = "",
    date: DateOption = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> None:
    """Make the QC report and plots of one AB, unless they are up to date."""
    from phoenix_core.commands import of_run  # noqa: PLC0415

    of_run.one_qc(config, run_id, date, ab_name, as_json=as_json)
    del debug, version


@get_status_ab_app.command(
    epilog="[bold]Examples[/]: getStatusAB -r 094.D-0114B; getStatusAB -d 2024-03-10 -H"
)
def get_status_ab(
    run_id: RunOption = "",
    date: DateOption = "",
    history: Annotated[
        bool,
        typer.Option(
            "-H", metavar=" ", help="The ABs that were moved to the logs only."
        ),
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> None:
    """Write the AB monitor, a page with every AB of a run, and tell where it is.

    phoenix itself writes it after each part, and while it processes.
    """
    from phoenix_core.commands import comments  # noqa: PLC0415

    comments.status_page(config, run_id, date, history=history, as_json=as_json)
    del debug, version
