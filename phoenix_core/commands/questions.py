"""The commands that only ask: status, explain, pseudo-date, plugins."""

from pathlib import Path

import attrs
import typer
from rich.table import Table

from phoenix_core.config import find_config, read_config
from phoenix_core.loader.pgis import installed, load
from phoenix_core.loader.session import LOCK, Wishes, make_run, open_session
from phoenix_core.records.database import check_database
from phoenix_core.records.ledger import open_ledger
from phoenix_core.words.answer import answer
from phoenix_core.words.plain_text import plain
from phoenix_core.words.terminal import Terminal, safe

_WIDEST = 1000  # letters, where no terminal ends a line: a PGI is one, for grep


def status(given: Path | None, run_id: str, date: str, *, as_json: bool) -> None:
    """Tell the state of each AB of a run."""
    from phoenix_core.files.run_lock import holder_of, is_held  # noqa: PLC0415
    from phoenix_core.questions.status import state_of  # noqa: PLC0415
    from phoenix_core.questions.tell_status import status_lines  # noqa: PLC0415

    config = read_config(find_config(given))
    with open_ledger(config.database) as ledger:
        run = make_run(config, Wishes(run_id, date), ledger, register=False)
    state = state_of(run)
    lock = run.ab_dir / LOCK
    holder = holder_of(lock) if is_held(lock) else ""
    if as_json:
        answer({**attrs.asdict(state), "held_by": holder})
        return
    console = Terminal(soft_wrap=True, highlight=False)
    for line in status_lines(state, console.width if console.is_terminal else None):
        console.print(line)
    if holder:
        console.print(f"held by {safe(holder)}")


def explain(
    given: Path | None, run_id: str, date: str, name: str, *, as_json: bool
) -> None:
    """Explain one AB."""
    from phoenix_core.questions.explain import explain as explained  # noqa: PLC0415
    from phoenix_core.questions.tell_explain import explain_lines  # noqa: PLC0415

    config = read_config(find_config(given))
    with open_ledger(config.database) as ledger:
        make_run(config, Wishes(run_id, date), ledger, register=False)
    with open_session(config, Wishes(run_id, date, name)) as session:
        told = explained(session, name)
    if as_json:
        answer(attrs.asdict(told))
        return
    console = Terminal(soft_wrap=True, highlight=False)
    for line in explain_lines(told):
        console.print(line)


def why(
    given: Path | None, run_id: str, date: str, name: str, *, as_json: bool
) -> None:
    """Tell why an AB takes what it takes, or where a raw frame went."""
    from phoenix_core.create_ab.question import why as asked  # noqa: PLC0415
    from phoenix_core.create_ab.source import read_config_rules  # noqa: PLC0415
    from phoenix_core.create_ab.tell_why import why_lines  # noqa: PLC0415

    config = read_config(find_config(given))
    rules, parameters = read_config_rules(config)
    with open_ledger(config.database) as ledger:
        run = make_run(config, Wishes(run_id, date), ledger, register=False)
    told = asked(run, rules, name, parameters)
    if as_json:
        answer(attrs.asdict(told))
        return
    for line in why_lines(told):
        typer.echo(line)


def pseudo_date(given: Path | None, word: str, *, as_json: bool) -> None:
    """Tell a run's pseudo-date or a pseudo-date's run."""
    from phoenix_core.errors import ConfigError  # noqa: PLC0415
    from phoenix_core.pseudo_date import is_date_label  # noqa: PLC0415
    from phoenix_core.run_id import parse_run_id  # noqa: PLC0415

    config = read_config(find_config(given))
    with open_ledger(config.database) as ledger:
        if is_date_label(word):
            found = ledger.run_of(word)
            if found is None:
                raise ConfigError(f"no run has the pseudo-date {word}")
            run_id, date, is_known = found, word, True
        else:
            run_id = parse_run_id(word)
            known = ledger.known_date_of(run_id)
            date, is_known = known or ledger.next_date_of(run_id), known is not None
    if as_json:
        answer({"run": run_id.plain, "date": date, "registered": is_known})
        return
    told = "" if is_known else "  (not registered yet: the first phoenix -r does it)"
    typer.echo(f"{run_id.plain}  {date}{told}")


def plugins_list(given: Path | None, *, as_json: bool) -> None:
    """List the installed PGIs; mark those that a configuration names."""
    used: dict[str, list[str]] = {}
    if given:
        for slot, names in read_config(find_config(given)).slots.items():
            for name in names:
                used.setdefault(name, []).append(slot)
    rows = installed()
    if as_json:
        answer({"pgis": [{**attrs.asdict(r), "used": used.get(r.name)} for r in rows]})
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("PGI", no_wrap=True)
    for heading in ("fills", "from", *(["used as"] if given else [])):
        table.add_column(heading, overflow="fold")
    for row in rows:
        fills = safe(", ".join(row.fills))
        if row.problem:
            fills = f"[red]{safe(row.problem)}[/]"
        cells = [safe(row.name), fills, safe(row.distribution)]
        if given:
            cells.append(safe(", ".join(used.get(row.name, ()))))
        table.add_row(*cells)
    console = Terminal()
    if not console.is_terminal:
        console.width = _WIDEST
    console.print(table)


def plugins_check(path: Path, *, as_json: bool) -> None:
    """Load a configuration as a run would; open and make nothing."""
    from phoenix_core.errors import ConfigError  # noqa: PLC0415

    config = read_config(find_config(path))
    pgis = load(config)
    try:
        check_database(config.database)
    except ConfigError as error:
        raise config.wrong("", "database", str(error)) from error
    number = len({name for names in config.slots.values() for name in names})
    unused = pgis.unused_options()
    if as_json:
        told = {"ok": True, "slots": dict(config.slots), "unused_options": unused}
        answer({**told, "doubts": pgis.doubts})
        return
    typer.echo(f"{path}: {number} PGIs load and fill their slots")
    for name in unused:
        typer.echo(f"  [{name}] is not used: no slot names this PGI")
    for doubt in pgis.doubts:
        typer.echo(f"  warning: {plain(doubt)}")
