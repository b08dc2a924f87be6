"""The commands phoenix comment and getStatusAB: what a person says of ABs, and sees."""

import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import typer

from phoenix_core.ab_monitor.page import AbMonitor, document
from phoenix_core.config import Config, find_config, read_config
from phoenix_core.errors import ConfigError, PhoenixError
from phoenix_core.loader.pgis import load
from phoenix_core.loader.session import Wishes, make_run
from phoenix_core.model import Run
from phoenix_core.nearest import nearest
from phoenix_core.questions.status import see
from phoenix_core.records.comments import (
    AbComment,
    keep_comment,
    read_comments,
    read_history,
)
from phoenix_core.records.events import open_events
from phoenix_core.records.ledger import open_ledger
from phoenix_core.run.pages import write_run_pages
from phoenix_core.words.answer import answer
from phoenix_core.words.plain_text import plain, told_score


def comment(
    given: Path | None,
    run_id: str,
    date: str,
    name: str,
    text: str,
    *,
    remove: bool,
    as_json: bool,
) -> None:
    """Keep a comment on an AB; without an AB, show those that there are.

    Raises:
        ConfigError: no such run or AB; no text and no terminal to ask in.
        CertificationError: comments cannot be read or written.
    """
    config = read_config(find_config(given))
    run = _run_of(config, run_id, date)
    if not name:
        _show(run, as_json=as_json)
        return
    if text and remove:
        raise ConfigError("a text, or --remove: one of them")
    said = text if text or remove else _ask(run, name)
    if not (said.strip() or remove):
        raise ConfigError(f"{name}: the text is empty; --remove takes a comment back")
    before = read_comments(run).get(name)
    if before and before.text == said:
        kept = before
    else:
        kept = keep_comment(run, name, said)
        _renew_pages(run)
    if as_json:
        answer(attrs.asdict(kept))
    else:
        done = "commented on" if kept.text else "comment removed"
        typer.echo(f"{kept.block}: {done} by {kept.by}, {kept.at}")


def status_page(
    given: Path | None, run_id: str, date: str, *, history: bool, as_json: bool
) -> None:
    """Write the AB monitor of a run, and say where it is."""
    run = _run_of(read_config(find_config(given)), run_id, date)
    monitor = AbMonitor(run)
    path = monitor.write(history=history)
    if as_json:
        found = monitor.read(history=history)
        answer({"page": path, **document(run, found)})
    else:
        typer.echo(str(path))


def _run_of(config: Config, run_id: str, date: str) -> Run:
    with open_ledger(config.database) as ledger:
        return make_run(config, Wishes(run_id, date), ledger, register=False)


def _show(run: Run, *, as_json: bool) -> None:
    if as_json:
        history = [attrs.asdict(one) for one in read_history(run)]
        now = {n: attrs.asdict(one) for n, one in read_comments(run).items()}
        answer({"run": run.label, "comments": now, "history": history})
        return
    comments = read_comments(run)
    for one in comments.values():
        for line in _told(one):
            typer.echo(line)
    if not comments:
        typer.echo(f"{plain(run.label)}: no comments")


def _told(one: AbComment) -> Iterator[str]:
    yield f"{plain(one.block)}  ({one.by}, {one.at})"
    for line in one.text.split("\n"):
        yield f"  {line}"


def _ask(run: Run, name: str) -> str:
    """Show what is known of an AB, and let a person write or edit its comment."""
    found = {one.state.name: one for one in see(run)}
    if name not in found:
        raise ConfigError(f"{run.label} has no AB {plain(name)}{nearest(name, found)}")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError(
            f"no text and no terminal to ask in: phoenix comment {run.option} {name} "
            '"text"'
        )
    one, before = found[name], read_comments(run).get(name)
    typer.echo(f"{plain(name)}  {one.state.status}  {plain(one.state.recipe)}")
    for score in one.report.scores if one.report else ():
        typer.echo(f"  {told_score(score)}")
    for line in _told(before) if before else ():
        typer.echo(line)
    return _typed("comment: ", before.text if before else "")


def _typed(prompt: str, before: str) -> str:
    """Ask for a line, with what was there to be edited."""
    import readline  # noqa: PLC0415, only where somebody types

    readline.set_startup_hook(lambda: readline.insert_text(" ".join(before.split())))
    try:
        return input(prompt)
    except EOFError:
        raise KeyboardInterrupt from None
    finally:
        readline.set_startup_hook()


def _renew_pages(run: Run) -> None:
    """Show the comment on the pages of the run; it is kept whatever hinders that."""
    try:
        with open_events(run.monitor_dir) as events:
            write_run_pages(run, load(run.config), events)
    except (PhoenixError, OSError) as error:
        typer.echo(f"the comment is kept, but not on the pages yet: {error}", err=True)
