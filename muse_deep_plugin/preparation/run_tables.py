"""The text tables of runs: what a person decided, and what the tools found.

RUN_TYPE.txt, RUN_MULTI.txt and phoenix_checkMulti.txt are a person's, and never
rewritten; RUN_DATA.txt and DEEP_MODE.txt are the tools' own. Run ids are understood in
both spellings and handed on in the formal one.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Generic, TypeVar

from attrs import frozen

from phoenix_core.config import Directories
from phoenix_core.errors import ConfigError
from phoenix_core.files.atomic import write_new_text, write_text
from phoenix_core.nearest import nearest
from phoenix_core.run_id import parse_run_id
from phoenix_core.words.plain_text import plain
from phoenix_core.words.text_table import (
    Layout,
    Row,
    Wrong,
    aligned,
    parse_lines,
    parse_table,
    quoted,
    read_text,
    refuse,
)

RUN_TYPE = "RUN_TYPE.txt"
RUN_MULTI = "RUN_MULTI.txt"
RUN_DATA = "RUN_DATA.txt"
DEEP_MODE = "DEEP_MODE.txt"
CHECK_MULTI = "phoenix_checkMulti.txt"

_TYPE = Layout(("RUN_ID", "PERIOD", "TYPE", "COMBINE", "COMMENT"), 4, is_free=True)
_MULTI = Layout(("RUN_ID", "M_S", "MASTER"), 2)
_DATA = Layout(("RUN_ID", "SM_VM", "N_DCUBES", "COMPLETE", "STATUS"), 5)
_MODE = Layout(("RUN_ID", "STATUS", "N_DEEP", "UPDATED"), 3)
_KNOWN = Layout(("TARGET", "COMMENT"), 1, is_free=True)

_HEADS = {
    RUN_TYPE: """\
# What is decided on runs: yours to edit, never rewritten. One line a run:
# COMBINE is YES (make a target list), NO (never combine) or TBD (not yet decided);
# TYPE is one word, such as deep, crowded, other or multi; "" where there is none.
# RUN_ID          PERIOD  TYPE     COMBINE  COMMENT
""",
    RUN_MULTI: """\
# Runs that belong together: yours to edit, never rewritten. The datacubes of each
# SLAVE (S) are collected in the target list of its MASTER (M).
# RUN_ID          M|S  MASTER
""",
    CHECK_MULTI: """\
# Names of targets that several runs may well have in common (several pointings, say):
# yours to edit, never rewritten. phoenix_checkMulti does not tell of them again.
# TARGET  COMMENT
""",
}

RowT = TypeVar("RowT", bound="_OfRun")


class Combine(StrEnum):
    """Whether the datacubes of a run are combined, as a person decided."""

    YES = "YES"
    NO = "NO"
    TBD = "TBD"


class DeepStatus(StrEnum):
    """What became of the deep datacubes of a run."""

    NONE = "none"  # there is nothing to be made
    OPEN = "open"
    DONE = "done"


@frozen
class _OfRun:
    """What all tables of runs have: the run, formal, and its line."""

    run_id: str
    line: int


@frozen
class RunType(_OfRun):
    """A line of RUN_TYPE.txt."""

    period: int
    type: str
    combine: Combine
    comment: str


@frozen
class RunMulti(_OfRun):
    """A line of RUN_MULTI.txt; the master of a MASTER is itself."""

    master: str

    @property
    def is_master(self) -> bool:
        """Whether it collects the datacubes of the others."""
        return self.run_id == self.master


@frozen
class Table(Generic[RowT]):
    """A table of runs as far as it is clear, and the lines that are not."""

    rows: Mapping[str, RowT]
    wrong: tuple[Wrong, ...] = ()

    @property
    def unclear(self) -> Mapping[str, Wrong]:
        """The runs whose lines are wrong, in formal spelling."""
        found = {}
        for one in reversed(self.wrong):
            with suppress(ConfigError):
                found[parse_run_id(one.word).formal] = one
        return found


@frozen
class RunData:
    """A line of RUN_DATA.txt.

    `n_dcubes` counts final datacubes, SKY included; `is_complete` says whether all
    raw files of the run are processed.
    """

    run_id: str
    sm_vm: str
    n_dcubes: int
    is_complete: bool
    status: DeepStatus


@frozen
class DeepMode:
    """A line of DEEP_MODE.txt: what the processing site made of a run.

    `n_deep` counts deep datacubes, `updated` is the date of that count. The layout is
    ours.
    """

    run_id: str
    status: DeepStatus
    n_deep: int
    updated: str = ""


@frozen
class KnownTarget:
    """A line of phoenix_checkMulti.txt: a name that several runs may have."""

    target: str
    comment: str
    line: int


def folder_of_runs(directories: Directories) -> Path:
    """Return where the pages, lists and tables of runs lie."""
    return directories.monitor / "FINISHED" / "RUN"


def write_missing_tables(folder: Path) -> None:
    """Lay out the tables that a person fills in, where they are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, head in _HEADS.items():
        with suppress(FileExistsError):
            write_new_text(folder / name, head)


def read_run_types(folder: Path) -> Mapping[str, RunType]:
    """Read RUN_TYPE.txt, by run; none where the file is not there.

    Raises:
        ConfigError: all mistakes, a line each.
    """
    return _all_of(take_run_types(folder))


def read_multi_runs(folder: Path) -> Mapping[str, RunMulti]:
    """Read RUN_MULTI.txt, by run; none where the file is not there.

    Raises:
        ConfigError: all mistakes, a line each: a SLAVE without MASTER among them.
    """
    return _all_of(take_multi_runs(folder))


def take_run_types(folder: Path) -> Table[RunType]:
    """Read RUN_TYPE.txt as far as it is clear.

    Raises:
        ConfigError: the file cannot be read.
    """
    return _by_run(folder / RUN_TYPE, _TYPE, _run_type)


def take_multi_runs(folder: Path) -> Table[RunMulti]:
    """Read RUN_MULTI.txt as far as it is clear.

    A run without a MASTER that has a line is not clear.

    Raises:
        ConfigError: the file cannot be read.
    """
    path = folder / RUN_MULTI
    table = _by_run(path, _MULTI, _run_multi)
    odd = [
        Wrong(run.line, run.run_id, f"{path}, line {run.line}: {problem}")
        for run in table.rows.values()
        if (problem := _problem_of_master(run, table.rows))
    ]
    wrong = sorted((*table.wrong, *odd), key=lambda one: one.line)
    names = {one.word for one in odd}
    rows = {name: run for name, run in table.rows.items() if name not in names}
    return Table(rows, tuple(wrong))


def read_run_data(folder: Path) -> Mapping[str, RunData]:
    """Read RUN_DATA.txt, by run; none where the file is not there.

    Raises:
        ConfigError: all mistakes, a line each.
    """
    path = folder / RUN_DATA
    if not os.path.lexists(path):  # a link may lead nowhere: that is told
        return {}
    rows = parse_table(read_text(path), path, _DATA, _run_data)
    return {row.run_id: row for row in rows}


def write_run_data(folder: Path, runs: Iterable[RunData]) -> None:
    """Write RUN_DATA.txt anew, in one step."""
    rows = [
        (
            quoted(run.run_id),
            quoted(run.sm_vm),
            str(run.n_dcubes),
            "YES" if run.is_complete else "NO",
            run.status.value,
        )
        for run in runs
    ]
    head = "Runs as the database has them; written anew by phoenix_getInfoRun."
    _write(folder / RUN_DATA, head, _DATA, rows)


def read_deep_modes(folder: Path) -> tuple[Mapping[str, DeepMode], tuple[str, ...]]:
    """Read DEEP_MODE.txt, by run; none where the file is not there.

    Returns:
        The lines that are clear, and what is said of the others.

    Raises:
        ConfigError: the file cannot be read.
    """
    path = folder / DEEP_MODE
    if not os.path.lexists(path):  # a link may lead nowhere: that is told
        return {}, ()
    rows, wrong = parse_lines(read_text(path), path, _MODE, _deep_mode)
    return {row.run_id: row for row in rows}, tuple(one.said for one in wrong)


def write_deep_modes(folder: Path, runs: Iterable[DeepMode]) -> None:
    """Write DEEP_MODE.txt anew, in one step: for the processing site."""
    rows = [
        (quoted(run.run_id), run.status.value, str(run.n_deep), quoted(run.updated))
        for run in runs
    ]
    head = "Deep datacubes as the processing site has them; written anew by it."
    _write(folder / DEEP_MODE, head, _MODE, rows)


def check_deep_modes(content: bytes) -> None:
    """Refuse what is no DEEP_MODE.txt, also a file with nothing in it.

    Raises:
        ConfigError: all mistakes, a line each.
    """
    if not content.strip() or b"\0" in content:
        raise ConfigError(f"{DEEP_MODE}: empty, or no text")
    text = content.decode("utf-8", "surrogateescape")
    parse_table(text, Path(DEEP_MODE), _MODE, _deep_mode)


def read_known_targets(folder: Path) -> tuple[KnownTarget, ...]:
    """Read phoenix_checkMulti.txt; nothing where the file is not there.

    Raises:
        ConfigError: all mistakes, a line each.
    """
    path = folder / CHECK_MULTI
    if not os.path.lexists(path):  # a link may lead nowhere: that is told
        return ()
    return parse_table(read_text(path), path, _KNOWN, _known_target)


def linked_runs(multi: Mapping[str, RunMulti], run_id: str) -> tuple[str, ...]:
    """Return the runs that a run belongs to: the MASTER, then its SLAVES in order.

    A run that is alone is returned alone.

    >>> multi = {n: RunMulti(n, 1, "B") for n in "CAB"}
    >>> linked_runs(multi, "C"), linked_runs(multi, "D")
    (('B', 'A', 'C'), ('D',))
    """
    if run_id not in multi:
        return (run_id,)
    master = multi[run_id].master
    slaves = sorted(n for n, run in multi.items() if run.master == master)
    return (master, *(name for name in slaves if name != master))


def unknown_runs(
    path: Path, rows: Mapping[str, RunType] | Mapping[str, RunMulti], known: set[str]
) -> tuple[str, ...]:
    """Say which runs of a table the database does not know, a line each."""
    return tuple(
        f"{path}, line {row.line}: there is no run {name} in the database"
        f"{nearest(name, known)}"
        for name, row in rows.items()
        if name not in known
    )


def _all_of(table: Table[RowT]) -> Mapping[str, RowT]:
    refuse([one.said for one in table.wrong])
    return table.rows


def _by_run(path: Path, layout: Layout, make: Callable[[Row], RowT]) -> Table[RowT]:
    """Read a person's table, where a run stands once; of two lines neither counts."""
    if not os.path.lexists(path):  # a link may lead nowhere: that is told
        return Table({})
    first: dict[str, int] = {}

    def once(row: Row) -> RowT:
        made = make(row)
        if made.run_id in first:
            line = first[made.run_id]
            raise ValueError(f"{made.run_id} stands on line {line} already")
        first[made.run_id] = row.line
        return made

    rows, wrong = parse_lines(read_text(path), path, layout, once)
    table = Table({row.run_id: row for row in rows}, wrong)
    clear = {n: row for n, row in table.rows.items() if n not in table.unclear}
    return Table(clear, wrong)


def _run_type(row: Row) -> RunType:
    run_id, period, kind, combine, comment = row.values
    formal = _run(run_id)
    expected = parse_run_id(formal).period
    if not period.isascii() or not period.isdigit():
        raise ValueError(
            f"PERIOD is '{plain(period)}'; expected a number ({expected}, say)"
        )
    return RunType(
        formal, row.line, int(period), kind, _word(combine, "COMBINE", Combine), comment
    )


def _run_multi(row: Row) -> RunMulti:
    run_id, word, master = row.values
    formal = _run(run_id)
    words = {"M": "M", "MASTER": "M", "S": "S", "SLAVE": "S"}
    if word.upper() not in words:
        hint = nearest(word, words)
        raise ValueError(f"M_S is '{plain(word)}'; expected M or S{hint}")
    is_master = words[word.upper()] == "M"
    if master in {"", "-"}:
        if not is_master:
            raise ValueError(f"{formal} is a SLAVE; its MASTER is missing")
        return RunMulti(formal, row.line, formal)
    named = _run(master, "MASTER")
    if is_master and named != formal:
        raise ValueError(f"{formal} is M and names {named} as its MASTER; one or other")
    if not is_master and named == formal:
        raise ValueError(f"{formal} is S and names itself as its MASTER")
    return RunMulti(formal, row.line, named)


def _problem_of_master(run: RunMulti, runs: Mapping[str, RunMulti]) -> str:
    """What is wrong with the MASTER of a run, '' where nothing is."""
    if run.is_master:
        return ""
    masters = [name for name, other in runs.items() if other.is_master]
    if run.master not in runs:
        hint = nearest(run.master, masters)
        return f"the MASTER {run.master} has no line of its own (M){hint}"
    if not runs[run.master].is_master:
        line = runs[run.master].line
        return f"the MASTER {run.master} is a SLAVE itself (line {line})"
    return ""


def _run_data(row: Row) -> RunData:
    run_id, sm_vm, count, complete, status = row.values
    if complete not in {"YES", "NO"}:
        raise ValueError(f"COMPLETE is '{plain(complete)}'; expected YES or NO")
    return RunData(
        _run(run_id),
        sm_vm,
        _count(count, "N_DCUBES"),
        complete == "YES",
        _word(status, "STATUS", DeepStatus),
    )


def _deep_mode(row: Row) -> DeepMode:
    run_id, status, count, updated = row.values
    return DeepMode(
        _run(run_id),
        _word(status, "STATUS", DeepStatus),
        _count(count, "N_DEEP"),
        updated,
    )


def _known_target(row: Row) -> KnownTarget:
    target, comment = row.values
    return KnownTarget(target, comment, row.line)


def _run(text: str, column: str = "RUN_ID") -> str:
    try:
        return parse_run_id(text).formal
    except ConfigError as error:
        raise ValueError(f"{column}: {error}") from error


WordT = TypeVar("WordT", bound=StrEnum)


def _word(text: str, column: str, words: type[WordT]) -> WordT:
    """Understand a word of a column, whatever its case."""
    for word in words:
        if word.value.casefold() == text.casefold():
            return word
    known = [word.value for word in words]
    expected = f"expected {', '.join(known)}{nearest(text, known)}"
    raise ValueError(f"{column} is '{plain(text)}'; {expected}")


def _count(text: str, column: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"{column} is '{plain(text)}'; expected a number")
    return int(text)


def _write(
    path: Path, head: str, layout: Layout, rows: Sequence[tuple[str, ...]]
) -> None:
    """Write a table that is the tool's own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    titles = (f"# {layout.columns[0]}", *layout.columns[1:])
    lines = [f"# {head}", *aligned([titles, *rows])]
    write_text(path, "\n".join(lines) + "\n")
