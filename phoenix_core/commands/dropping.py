"""The command that drops exposures from ABs, and the one that takes them back."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from attrs import asdict, frozen
from rich.text import Text

from phoenix_core.config import find_config, read_config
from phoenix_core.drops.drop import Edited, drop, undrop
from phoenix_core.errors import ConfigError
from phoenix_core.files.run_lock import holding
from phoenix_core.loader.session import Wishes, open_session
from phoenix_core.model import Run
from phoenix_core.records.drop_record import DROP, UNDROP, record_path
from phoenix_core.words.answer import answer
from phoenix_core.words.plain_text import counted, plain
from phoenix_core.words.terminal import Terminal

_SHOWN = 6  # ABs to be made anew


@frozen
class AskedEdit:
    """What the command line wants dropped, or taken back."""

    action: str
    words: tuple[str, ...]
    why: str = ""


def asked_edit(
    dropped: Sequence[str], taken_back: Sequence[str], why: str, *, alone: bool
) -> AskedEdit:
    """Make sense of --drop, --undrop and --why.

    Raises:
        ConfigError: they do not go together, or stand beside a part of a run.
    """
    if not (dropped or taken_back):
        raise ConfigError("--why goes with --drop")
    if dropped and taken_back:
        raise ConfigError("--drop and --undrop: one at a time")
    if not alone:
        raise ConfigError("--drop and --undrop go alone; call -P afterwards")
    if dropped:
        return AskedEdit(DROP, tuple(dropped), why)
    return AskedEdit(UNDROP, tuple(taken_back), why)


def edit_abs(
    given: Path | None, wishes: Wishes, asked: AskedEdit, *, as_json: bool
) -> None:
    """Drop exposures, or take them back, and tell what follows from it."""
    if not wishes.select:
        raise ConfigError("name the AB with -a: the one that combines the exposures")
    config = read_config(find_config(given))
    with (
        open_session(config, wishes) as session,
        holding(session.lock, f"run {session.run.label}"),
    ):
        do = drop if asked.action == DROP else undrop
        done = do(session, asked.words, asked.why)
    run = session.run
    if as_json:
        answer(_document(run, done))
        return
    console = Terminal(soft_wrap=True, highlight=False)
    for line in _lines(run, done):
        console.print(line)


def _document(run: Run, done: Edited) -> dict[str, Any]:
    told = {"part": done.action.lower(), "run": run.label, "date": run.date}
    return {
        **told,
        "ok": True,
        "exit_code": 0,
        **asdict(done),
        "record": record_path(run),
    }


def _lines(run: Run, done: Edited) -> Iterator[Text]:
    """What was done, and what follows, in lines for people."""
    for line in _told(run, done):
        indent = len(line) - len(line.lstrip())
        yield Text(" " * indent + plain(line))


def _told(run: Run, done: Edited) -> Iterator[str]:
    is_drop = done.action == DROP
    verb = "dropped from" if is_drop else "taken back into"
    for one in done.changes:
        files = ", ".join(one.files)
        left = f"{one.left} {one.tag} {'left' if is_drop else 'now'}"
        yield f"{files} {verb} {one.block} ({left})"
    for file in done.nothing_to_do:
        state = "was dropped already" if is_drop else "is not dropped"
        yield f"{file} {state}"
    if not done.changes:
        return
    if done.due:
        command = shlex.join(["phoenix", *run.option.split(), "-P", "-a", done.block])
        yield f"{command} processes {counted(len(done.due), 'AB')}:"
        for name, why in list(done.due.items())[:_SHOWN]:
            yield f"  {name}: {why[0]}"
        if len(done.due) > _SHOWN:
            yield f"  and {len(done.due) - _SHOWN} more"
    else:
        yield "nothing has to be processed for it"
    if is_drop:
        words = [w for one in done.changes[:1] for w in one.files]
        undo = [part for word in words for part in ("--undrop", word)]
        again = ["phoenix", *run.option.split(), *undo, "-a", done.block]
        yield f"to take it back: {shlex.join(again)}"
