"""Pages of target searches: one a pattern, and one that leads to all of them."""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

from attrs import frozen

from muse_deep_plugin.preparation.run_table import INDEX
from muse_deep_plugin.preparation.run_tables import folder_of_runs
from muse_deep_plugin.preparation.search_tables import Found, search
from phoenix_core.config import Config
from phoenix_core.errors import ConfigError
from phoenix_core.pages.files import fingerprint, write_assets, write_page
from phoenix_core.pages.table import Cell, Heading
from phoenix_core.pages.templates import address, environment
from phoenix_core.qc1.database import open_qc1
from phoenix_core.qc1.tables import Column, Kind, Value
from phoenix_core.run_id import parse_run_id
from phoenix_core.words.plain_text import counted, number, plain

"""What the link 'target search' of the pages of runs leads to."""
_FOLDER: Final = "search"
_LONGEST: Final = 200  # bytes of a file's name
_GRADES: Final = {"A": "good", "B": "good", "C": "bad", "D": "bad"}


@frozen
class Link:
    """Where one can go from a page."""

    text: str
    address: str


@frozen
class Section:
    """A table of a page."""

    caption: str
    headings: tuple[Heading, ...]
    rows: tuple[tuple[Cell, ...], ...]


@frozen
class SearchReport:
    """The pages of a search, and what was found, by kind."""

    pattern: str
    path: Path
    index: Path
    told: str
    totals: Mapping[str, int]

    @property
    def document(self) -> Mapping[str, Any]:
        """The answer for programs."""
        return {
            "pattern": self.pattern,
            "path": str(self.path),
            "index": str(self.index),
            "found": dict(self.totals),
        }

    @property
    def text(self) -> str:
        """The answer for people."""
        return f"{plain(self.pattern)}: {self.told}\n{self.path}\n"


def search_report(config: Config, pattern: str, now: dt.datetime) -> SearchReport:
    """Search for a pattern, and write the page of it.

    Args:
        config: where the database and the pages are.
        pattern: any text; * stands for any text, ? for a letter.
        now: the time of the search, in UTC.

    Raises:
        ConfigError: the pattern can be none, or there is no database.
        OSError: a page cannot be written.
    """
    pattern = pattern.strip()
    path = _path(folder_of_runs(config.directories) / _FOLDER, pattern)
    with open_qc1(config.database) as engine, engine.connect() as connection:
        found = search(connection, pattern)
    folder = path.parent.parent
    write_assets(path.parent)
    write_assets(folder)
    at = f"{now:%Y-%m-%d %H:%M} UTC"
    links = [Link("overview", "../overview.html"), Link("all searches", f"../{INDEX}")]
    lines = [f"Searched on {at}: {_told(found)}."]
    sections = [_section(one, folder) for one in found if one.rows]
    _write(path, f"Search: {pattern}", links, lines, sections)
    write_index(folder)
    totals = {one.kind: one.total for one in found}
    return SearchReport(pattern, path, folder / INDEX, _told(found), totals)


def _told(found: Sequence[Found]) -> str:
    counts = [counted(one.total, one.kind) for one in found if one.total]
    return ", ".join(counts) or "nothing found"


def _path(folder: Path, pattern: str) -> Path:
    """Where the page of a pattern lies; its name tells the pattern."""
    name = quote(pattern, safe="", errors="replace")
    if not pattern or not pattern.isprintable() or len(name) > _LONGEST:
        raise ConfigError(
            f"'{plain(pattern)}' cannot be searched for; expected a short text, as in "
            "-Q 'NGC*300'"
        )
    return folder / f"{name}.html"


def _write(
    path: Path,
    title: str,
    links: Sequence[Link],
    introduction: Sequence[str],
    sections: Sequence[Section],
) -> None:
    page = environment(__package__).get_template("search.html")
    write_page(
        path,
        page.render(
            title=title,
            fingerprint=fingerprint([title.encode("utf-8", "replace")]),
            links=links,
            introduction=introduction,
            sections=sections,
        ),
    )


def write_index(folder: Path) -> None:
    """List all searches, the newest first."""
    pages = sorted(
        ((path.stat().st_mtime, path) for path in (folder / _FOLDER).glob("*.html")),
        reverse=True,
    )
    rows = tuple(
        (
            Cell(unquote(path.stem), link=address(f"{_FOLDER}/{path.name}")),
            Cell(f"{dt.datetime.fromtimestamp(at, dt.UTC):%Y-%m-%d %H:%M}"),
        )
        for at, path in pages
    )
    lines = ["Made by createReport -Q PATTERN, on the command line, case by case."]
    section = Section("searches", (Heading("pattern"), Heading("made", "UTC")), rows)
    links = [Link("overview", "overview.html")]
    _write(folder / INDEX, "Target searches", links, lines, [section])


def _section(found: Found, folder: Path) -> Section:
    shown = len(found.rows)
    of_all = f"; the first {shown} of {found.total}" if shown < found.total else ""
    return Section(
        f"{found.kind}s{of_all}",
        tuple(_heading(column) for column in found.columns),
        tuple(
            tuple(
                _cell(column, value, folder)
                for column, value in zip(found.columns, row, strict=True)
            )
            for row in found.rows
        ),
    )


def _heading(column: Column) -> Heading:
    unit = f"[{column.unit}] " if column.unit else ""
    is_number = column.kind is not Kind.TEXT
    return Heading(column.name, f"{unit}{column.meaning}".strip(), is_number=is_number)


def _cell(column: Column, value: Value, folder: Path) -> Cell:
    if value is None:
        return Cell()
    if column.kind is Kind.INTEGER:
        return Cell(str(value), kind="number")
    if column.kind is Kind.REAL:
        return Cell(number(value), kind="number", sort=repr(value))
    words = str(value)
    if column.name == "run_id":
        return Cell(words, link=_page_of(words, folder))
    if column.name in {"grd", "grade"}:
        return Cell(words, _GRADES.get(words.strip().upper(), ""))
    is_long = column.name in {"comm", "comment", "title", "pi_coi", "remarks"}
    return Cell(words, kind="text" if is_long else "")


def _page_of(run_id: str, folder: Path) -> str:
    """The page of a run, where there is one."""
    try:
        name = f"{parse_run_id(run_id).plain}.html"
    except ConfigError:
        return ""
    return address(f"../{name}") if (folder / name).is_file() else ""
