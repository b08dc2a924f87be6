"""What phoenix_createDeep asks, and shows before it asks; options answer beforehand."""

import os
import shlex
import subprocess
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

from attrs import frozen
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from muse_deep_plugin.preparation.deep_targets import Candidate
from muse_deep_plugin.preparation.deep_warnings import Cubes
from muse_deep_plugin.preparation.show_targets import COLUMNS, rows_of
from muse_deep_plugin.preparation.tmp2 import Laid
from muse_deep_plugin.preparation.upload_abs import UploadPlan
from phoenix_core.ab.store import LARGEST
from phoenix_core.errors import ConfigError
from phoenix_core.files.regular_file import read_regular
from phoenix_core.words.plain_text import plain

_EDITORS: Final = ("VISUAL", "EDITOR")
_EDITOR: Final = "vi"
_MOST_ROWS: Final = 40
_SHOWN: Final = slice(1, 6)  # of the columns: names tell the start; 80 letters wide
_QUESTION: Final = "upload, edit, view, table, skip or quit? [u/e/v/t/s/q] "
_KEYS: Final = ("upload", "edit", "view", "table", "skip", "quit")
_HELP: Final = """\
u upload it, s skip it for now, q quit: what is collected stays in its folder;
e edit the dpc AB, e NAME another one, v NAME show one, t the table again"""


class Choice(StrEnum):
    """What becomes of a target that lies in its folder."""

    UPLOAD = "upload"
    SKIP = "skip"
    QUIT = "quit"
    CHANGED = "changed"  # a person had the editor open: look again


@frozen
class Inspected:
    """What a person looks at before an upload."""

    candidate: Candidate
    cubes: Cubes
    laid: Laid
    problems: tuple[str, ...]


@frozen
class Wishes:
    """What options say: answers to questions, and what to do."""

    targets: tuple[str, ...] = ()
    crowded: bool | None = None
    yes: bool = False
    replace: bool = False
    upload: bool = True
    fresh: bool = False
    asks: bool = False  # somebody can be asked: a terminal, and not --yes


def check_answered(wishes: Wishes) -> None:
    """Refuse to go on where there is somebody to be asked, and nobody is there.

    Raises:
        ConfigError: which options answer the questions.
    """
    if wishes.yes or wishes.asks:
        return
    questions = []
    if wishes.crowded is None:
        questions.append("is it CROWDED (--crowded or --not-crowded)?")
    if wishes.upload:
        questions.append("upload (--yes, or --no-upload)?")
    if questions:
        raise ConfigError(
            f"nobody can be asked (no terminal, or --json): {' '.join(questions)} "
            "--yes says yes, and takes what is suggested where nothing else is said"
        )


def show_candidate(
    console: Console, candidate: Candidate, cubes: Cubes, place: str
) -> None:
    """Show what was collected for a target, and what to know of it."""
    collected = candidate.collected
    title = f"{candidate.name} ({place})"
    console.rule(_text(title, "bold"), align="left")
    if collected.exposures:
        console.print(_exposures(candidate, cubes))
        console.print(
            _text(
                f"{len(collected.exposures)} exposures of {len(collected.obs)} OBs, "
                f"{len(collected.blocks)} ABs"
            )
        )
    for warning in candidate.warnings:
        console.print(_text(f"! {plain(warning)}", "yellow"), soft_wrap=True)
    for problem in collected.problems:
        console.print(_text(f"cannot be made: {plain(problem)}", "red"), soft_wrap=True)


def ask_go_on(console: Console, wishes: Wishes, targets: Sequence[Candidate]) -> bool:
    """Ask whether to go on where there are warnings."""
    count = sum(len(candidate.warnings) for candidate in targets)
    if not count or not wishes.asks:
        return True
    warnings = "warning" if count == 1 else "warnings"
    return _is_yes(
        console, f"{count} {warnings}, see above. Go on? [y/n] ", default=None
    )


def ask_crowded(console: Console, wishes: Wishes, candidate: Candidate) -> bool:
    """Answer whether a target is CROWDED: by option, earlier answer or person."""
    crowded = wishes.crowded
    if crowded is None:
        crowded = _proposed(console, candidate)
        if wishes.asks:
            keys = "[Y/n]" if crowded else "[y/N]"
            question = f"Is {candidate.name} in CROWDED field mode? {keys} "
            crowded = _is_yes(console, question, default=crowded)
    if crowded and candidate.collected.with_sky:
        told = "! CROWDED: the SKY that was observed will not be subtracted"
        console.print(_text(told, "yellow"))
    return crowded


def _proposed(console: Console, candidate: Candidate) -> bool:
    """Show and return what was answered before, or what is suggested."""
    proposed, why = candidate.suggestion.crowded, candidate.suggestion.why
    if candidate.before and candidate.before.crowded is not None:
        if candidate.before.crowded != proposed:
            why = f"as answered before; suggested was {_word(proposed)}: {why}"
        proposed = candidate.before.crowded
    told = f"CROWDED {_word(proposed)}: {plain(why)}"
    console.print(_text(told), soft_wrap=True)
    return proposed


def show_laid(console: Console, laid: Laid, problems: Sequence[str]) -> None:
    """Show what lies in the folder of a target."""
    if laid.moved_to:
        console.print(_text(f"the former ABs are in {laid.moved_to}"), soft_wrap=True)
    for names, told in (
        (laid.edited, "edited by hand and kept as it is; --fresh makes it anew"),
        (laid.added, "added by hand, and kept"),
        (laid.restored, "was not there any more, and is made again"),
    ):
        for name in names:
            console.print(_text(f"{plain(name)}: {told}", "cyan"), soft_wrap=True)
    console.print(_text(f"collected in {laid.folder}"), soft_wrap=True)
    _show_problems(console, problems)


def ask_upload(console: Console, wishes: Wishes, inspected: Inspected) -> Choice:
    """Let a person inspect and edit the ABs of a target; answer what becomes of it."""
    if not wishes.upload:
        return Choice.SKIP
    if not wishes.asks:
        return Choice.UPLOAD
    dpc = inspected.laid.dpc
    if dpc:
        _show_text(console, inspected.laid.folder / dpc.name)
    while True:
        words = _ask(console, _QUESTION).split()
        word = words[0].casefold() if words else "?"
        key = next((known for known in _KEYS if known.startswith(word)), "help")
        named = words[1] if len(words) > 1 else (dpc.name if dpc else "")
        if choice := _obey(console, inspected, key, named):
            return choice


def _obey(
    console: Console, inspected: Inspected, key: str, named: str
) -> Choice | None:
    """Do what a person asks for; None where the question is still open."""
    if key in {"skip", "quit"} or (key == "upload" and not inspected.problems):
        return Choice(key)
    if key == "upload":
        _show_problems(console, inspected.problems)
    elif key == "table":
        console.print(_exposures(inspected.candidate, inspected.cubes))
    elif key == "help":
        console.print(_text(_HELP, "dim"))
    elif path := _named(console, inspected.laid, named):
        if key == "edit":
            _edit(console, path)
            return Choice.CHANGED
        _show_text(console, path)
    return None


def show_plan(console: Console, plan: UploadPlan, *, replace: bool) -> None:
    """Show what an upload finds in the store."""
    if plan.is_done:
        told = f"all {len(plan.same)} ABs of {plan.target} are in the store already"
        console.print(_text(told))
    elif plan.same:
        told = f"{len(plan.same)} of its ABs are in the store already, the same"
        console.print(_text(told))
    if plan.refusal and replace:
        console.print(
            _text(f"replaced: {plain(plan.refusal)}", "yellow"), soft_wrap=True
        )


def editor_command() -> list[str]:
    """Return the person's editor as an argument list: $VISUAL, $EDITOR or vi.

    Raises:
        ConfigError: the variable cannot be understood.
    """
    for variable in _EDITORS:
        if given := os.environ.get(variable, "").strip():
            try:
                return shlex.split(given)
            except ValueError as error:
                raise ConfigError(f"${variable} is '{given}': {error}") from error
    return [_EDITOR]


def _edit(console: Console, path: Path) -> None:
    try:
        command = editor_command()
        done = subprocess.run([*command, str(path)], check=False)
    except (OSError, ConfigError) as error:
        console.print(_text(f"no editor: {error}; set $EDITOR", "red"), soft_wrap=True)
        return
    if done.returncode:
        told = f"{command[0]} ended with {done.returncode}"
        console.print(_text(told, "yellow"))


def _named(console: Console, laid: Laid, name: str) -> Path | None:
    """The file of an AB that a person names, whole or by its end."""
    names = [block.name for block in laid.blocks] or [
        path.name for path in laid.folder.glob("*.ab")
    ]
    found = [one for one in names if one == name] or [
        one for one in names if name and name in one
    ]
    if len(found) == 1:
        return laid.folder / found[0]
    told = f"{len(found)} ABs have '{plain(name)}' in their name; one of:"
    console.print(_text(told, "yellow"))
    for one in names:
        console.print(_text(f"  {plain(one)}"), soft_wrap=True)
    return None


def _show_text(console: Console, path: Path) -> None:
    try:
        text = read_regular(path, LARGEST).decode("utf-8", "replace")
    except OSError as error:
        console.print(_text(f"{path}: {error.strerror}", "red"), soft_wrap=True)
        return
    console.print(_text(str(path), "bold"), soft_wrap=True)
    for line in text.rstrip("\n").split("\n"):
        shown = "".join(c if c.isprintable() else "?" for c in line)
        console.print(_text(f"  {shown}"), soft_wrap=True)


def _show_problems(console: Console, problems: Sequence[str]) -> None:
    for problem in problems:
        console.print(_text(plain(problem), "red"), soft_wrap=True)


def _exposures(candidate: Candidate, cubes: Cubes) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    rows = rows_of(candidate.collected, cubes)
    for column in COLUMNS[_SHOWN]:
        table.add_column(_text(column), overflow="fold")
    for row in rows[:_MOST_ROWS]:
        table.add_row(*(_text(plain(value)) for value in row[_SHOWN]))
    if len(rows) > _MOST_ROWS:
        table.add_row(_text(f"and {len(rows) - _MOST_ROWS} more"))
    return table


def _is_yes(console: Console, question: str, *, default: bool | None) -> bool:
    while True:
        answer = _ask(console, question).casefold()
        if not answer and default is not None:
            return default
        if answer and ("yes".startswith(answer) or "no".startswith(answer)):
            return "yes".startswith(answer)


def _ask(console: Console, question: str) -> str:
    return console.input(_text(question, "bold")).strip()


def _word(crowded: object) -> str:
    return "Yes" if crowded else "No"


def _text(content: str, style: str = "") -> Text:
    """A text that is shown as it is: brackets in it are no markup."""
    return Text(content, style)
