"""The commands after certification: ingestProducts and cleanupProducts."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phoenix_core.commands import cli
from phoenix_core.errors import ConfigError, IngestionError

if TYPE_CHECKING:
    from phoenix_core.archive.cleanup_products import CleanUp
    from phoenix_core.archive.ingest_products import Ingestion
    from phoenix_core.loader.session import Session
    from phoenix_core.model import Run
    from phoenix_core.words.terminal import Terminal

ingest_products_app = cli.new_app()
cleanup_products_app = cli.new_app()

PoolOption = Annotated[
    str,
    typer.Option("-d", metavar="DATE", help="The pseudo-date of a run, or the night."),
]
DryOption = Annotated[
    bool,
    typer.Option("-n", "--dry-run", metavar=" ", help="Tell what would be done."),
]

_INGEST = """[bold]Examples[/]

ingestProducts -d 2094-04-14    convert, validate, archive; call again to go on

ingestProducts -d 2094-04-14 -n    what would be archived

[bold]Exit codes[/]

0 all datasets are in the archive, 6 some are not, others as those of phoenix
"""
_CLEANUP = """[bold]Examples[/]

cleanupProducts -d 2094-04-14 -n    what would become headers and links

cleanupProducts -d 2094-04-14    ask the archive for its proof, then clean up

cleanupProducts -d 2094-04-14 -O    also while other datasets are not ingested yet
"""


@ingest_products_app.command(epilog=_INGEST)
def ingest_products(
    date: PoolOption = "",
    run_id: cli.RunOption = "",
    is_dry: DryOption = False,
    config: cli.ConfigOption = None,
    as_json: cli.JsonOption = False,
    debug: cli.DebugOption = False,
    version: cli.VersionOption = False,
) -> None:
    """Convert certified products into datasets, and bring them into the archive.

    Each dataset is held to the standard (phoenix validate) and goes whole, or later.
    What is in the archive is not archived again, and never overwritten.
    """
    del debug, version
    from phoenix_core.archive.ingest_products import ingest  # noqa: PLC0415
    from phoenix_core.records.receipts import read_receipts  # noqa: PLC0415

    with _session(config, run_id, date) as session, _told(as_json) as (console, tell):
        run = session.run
        done = ingest(run, session.pgis, session.sums, is_dry=is_dry, tell=tell)
        if not is_dry:
            session.ledger.keep_receipts(run.date, read_receipts(run))
            session.events.tell("ingested", datasets=[_row(d) for d in done.datasets])
            _update_monitors(run, console)
    code = 0 if done.is_complete or is_dry else IngestionError.exit_code
    if as_json:
        _answer(run, code, is_dry, done)
    else:
        _show_ingestion(run, done, console, is_dry=is_dry)
    raise SystemExit(code)


@cleanup_products_app.command(epilog=_CLEANUP)
def cleanup_products(
    date: PoolOption = "",
    run_id: cli.RunOption = "",
    override: Annotated[
        bool,
        typer.Option(
            "-O",
            metavar=" ",
            help="Though not all datasets are ingested; the archive's proof is "
            "needed all the same.",
        ),
    ] = False,
    is_dry: DryOption = False,
    config: cli.ConfigOption = None,
    as_json: cli.JsonOption = False,
    debug: cli.DebugOption = False,
    version: cli.VersionOption = False,
) -> None:
    """Keep headers, and links to plots, of what the archive proves to hold.

    The archive reads its content again. FITS files become .hdr files, plots become
    links to the plots directory, texts stay.
    """
    del debug, version
    from phoenix_core.archive.cleanup_products import clean_up  # noqa: PLC0415

    with _session(config, run_id, date) as session, _told(as_json) as (console, tell):
        run = session.run
        done = clean_up(run, session.pgis, is_forced=override, is_dry=is_dry, tell=tell)
        if not is_dry:
            headers, links = len(done.headers), len(done.links)
            session.events.tell("cleaned up", headers=headers, links=links)
            _update_monitors(run, console)
    code = IngestionError.exit_code if done.kept else 0
    if as_json:
        _answer(run, code, is_dry, done)
    else:
        _show_clean_up(run, done, console, is_dry=is_dry)
    raise SystemExit(code)


def _update_monitors(run: "Run", console: "Terminal") -> None:
    """Let the history show what was done; it is done in any case."""
    from phoenix_core.monitors.update import after_part  # noqa: PLC0415
    from phoenix_core.words.terminal import safe  # noqa: PLC0415

    if problem := after_part(run.config, run.date):
        console.print(f"[yellow]warning[/]: {safe(problem)}")


@contextlib.contextmanager
def _session(config: Path | None, run_id: str, date: str) -> "Iterator[Session]":
    """Open the session of a run that phoenix has seen."""
    if not (run_id or date):
        raise ConfigError("say which run: -d DATE (2094-04-14, say), or -r RUN")
    from phoenix_core.config import find_config, read_config  # noqa: PLC0415
    from phoenix_core.loader.session import Wishes, make_run, open_session  # noqa: PLC0415
    from phoenix_core.records.ledger import open_ledger  # noqa: PLC0415

    settings, wishes = read_config(find_config(config)), Wishes(run_id, date)
    with open_ledger(settings.database) as ledger:
        make_run(settings, wishes, ledger, register=False)
    with open_session(settings, wishes) as session:
        yield session


@contextlib.contextmanager
def _told(
    as_json: bool,
) -> "Iterator[tuple[Terminal, Callable[[str, int, int], None]]]":
    """Show on a terminal what is being done, and how much of it."""
    from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415

    from phoenix_core.words.terminal import Terminal, safe  # noqa: PLC0415

    console = Terminal(stderr=as_json, soft_wrap=True, highlight=False)
    if as_json or not console.is_terminal:
        yield console, lambda _what, _done, _size: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[amount]}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None, amount="")

        def tell(what: str, done: int, size: int) -> None:
            progress.update(
                task,
                description=safe(what),
                completed=done,
                total=size or None,
                amount=f"{_bytes(done)} of {_bytes(size)}" if size else "",
            )

        yield console, tell


def _row(value: Any) -> dict[str, Any]:
    import attrs  # noqa: PLC0415

    return attrs.asdict(value)


def _answer(run: "Run", code: int, is_dry: bool, done: object) -> None:
    from phoenix_core.words.answer import answer  # noqa: PLC0415

    head = {"run": run.label, "date": run.date, "ok": not code, "exit_code": code}
    answer({**head, "dry_run": is_dry, **_row(done)})


def _show_ingestion(
    run: "Run", done: "Ingestion", console: "Terminal", *, is_dry: bool
) -> None:
    from phoenix_core.archive.ingest_products import IS_HELD, State  # noqa: PLC0415
    from phoenix_core.words.plain_text import counted  # noqa: PLC0415
    from phoenix_core.words.terminal import safe  # noqa: PLC0415

    for one in done.datasets:
        style = "green" if one.state in IS_HELD else "red"
        style = "yellow" if one.state is State.WAITS else style
        about = f"{one.name}, {counted(one.files, 'file')}, {_bytes(one.size)}"
        told = f": {safe(about)}" if one.name else ""
        label = safe(one.target or one.block)
        console.print(f"  {label} [{style}]{one.state}[/]{told}")
        for why in one.why:
            shade = "yellow" if why.startswith("WARNING ") else style
            console.print(f"    [{shade}]{safe(why)}[/]")
        if one.where and one.state is State.INGESTED:
            console.print(f"    in {safe(one.where)}")
    for target in done.to_convert:
        console.print(f"  {safe(target)} [yellow]waits[/]: not converted yet")
    held = done.count(*IS_HELD)
    number = len(done.datasets) + len(done.to_convert)
    told = f"{held} of {counted(number, 'dataset')} in the archive"
    console.print(f"{safe(run.label)} ({run.date}): {told}")
    if is_dry:
        console.print("nothing was done (-n)")
    elif done.list_file:
        console.print(f"list: {safe(str(done.list_file))}")
    if not done.is_complete and not is_dry:
        console.print(f"mend the cause, then call again: ingestProducts -d {run.date}")


def _show_clean_up(
    run: "Run", done: "CleanUp", console: "Terminal", *, is_dry: bool
) -> None:
    from phoenix_core.words.plain_text import counted  # noqa: PLC0415
    from phoenix_core.words.terminal import safe  # noqa: PLC0415

    for path in done.headers:
        console.print(f"  {safe(str(path))} [green]header[/]")
    for path in done.links if is_dry else ():
        console.print(f"  {safe(str(path))} [green]link[/]")
    for one in done.kept:
        label = one.target or one.block
        console.print(f"  [red]{safe(label)} stays: {safe(one.why)}[/]")
    files = counted(len(done.headers), "FITS file")
    plots = counted(len(done.links), "plot")
    would = "would become" if is_dry else "became"
    freed = f"{_bytes(done.freed)} {'to be freed' if is_dry else 'freed'}"
    console.print(
        f"{safe(run.label)} ({run.date}): {files} {would} headers and {plots} links; "
        f"{freed}"
    )


def _bytes(size: int) -> str:
    """A size as people read it."""
    amount, unit = float(size), "bytes"
    for larger in ("kB", "MB", "GB"):
        if amount >= 999.5:  # noqa: PLR2004, three digits
            amount, unit = amount / 1000, larger
    return f"{amount:.3g} {unit}"
