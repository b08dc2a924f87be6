"""The press: prints the pages of a package, those that are due, in parts."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import jinja2
from attrs import frozen

from phoenix_core.pages.files import fingerprint
from phoenix_core.pages.series import Part, write_series, written_names
from phoenix_core.pages.table import Cell, group, row
from phoenix_core.pages.templates import environment


@frozen
class Page:
    """A page to print, of any length.

    `stem` is its file without .html, `made_of` a fingerprint of all that it shows;
    the `template` gets the `values`, and the `lines` of its table part by part. Both
    are asked for only when the page is due.
    """

    stem: str
    made_of: str
    template: str
    values: Callable[[], Mapping[str, object]]
    lines: Callable[[], Sequence[str]]


@frozen
class Printed:
    """The files of a page, and whether they were written now."""

    names: tuple[str, ...]
    is_new: bool


@frozen
class Press:
    """The templates of a package, compiled, and a fingerprint of how they look."""

    templates: jinja2.Environment
    look: bytes

    def lines(self, rows: Iterable[tuple[Sequence[Cell], str]]) -> list[str]:
        """Make lines of a table, each of its cells and its kind."""
        return [row(cells, kind) for cells, kind in rows]

    def group(self, lines: Iterable[str]) -> str:
        """Make a group of lines, which a line divides from the next one."""
        return group(lines)

    def write(self, folder: Path, page: Page, present: Collection[str]) -> Printed:
        """Write a page where it is due.

        Args:
            folder: where pages lie.
            page: the page.
            present: the names of the files in the folder.

        Raises:
            OSError: it cannot be written; it is due then.
        """
        names = written_names(folder, page.stem, page.made_of, present)
        if names:
            return Printed(names, is_new=False)
        template = self.templates.get_template(page.template)
        values = page.values()

        def render(part: Part) -> str:
            of_part = {"part": part, "fingerprint": part.fingerprint}
            return template.render({**values, **of_part})

        lines = page.lines()
        names = write_series(folder, page.stem, page.made_of, lines, render)
        return Printed(names, is_new=True)


def press(package: str, *others: str) -> Press:
    """Set up the press for a package.

    Its look changes with any template, and with the code of the packages.

    Args:
        package: has the code that fills the pages, and a folder ``templates``.
        others: packages whose code makes what is filled in.
    """
    sources = [
        source
        for name in (package, "phoenix_core.pages", *others)
        for folder in (files(name), files(name).joinpath("templates"))
        if folder.is_dir()
        for source in folder.iterdir()
        if source.name.endswith((".py", ".html"))
    ]
    content = (s.read_bytes() for s in sorted(sources, key=lambda s: s.name))
    return Press(environment(package), fingerprint(content).encode())
