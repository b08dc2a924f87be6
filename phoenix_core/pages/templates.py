"""Templates: the base of all pages, and those of a package, with everything escaped."""

import os
from pathlib import Path, PurePath, PurePosixPath
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from phoenix_core.pages.escape import printable
from phoenix_core.pages.table import row


def environment(package: str) -> jinja2.Environment:
    """Return the templates of a package; they may extend and import those of the core.

    ``base.html`` is what a page extends: it takes `title` and `fingerprint`, and has
    the blocks navigation, introduction and content. ``table.html`` has the macros
    `table` and `head`, of `Heading` and `Cell`, and the filter `row` makes a line of
    cells. What a template prints is escaped, and what no page may hold becomes a
    question mark; a name that it was not given is an error.

    Args:
        package: the package whose folder ``templates`` is looked into first.
    """
    loaders = [jinja2.PackageLoader(name) for name in (package, __package__)]
    found = jinja2.Environment(
        loader=jinja2.ChoiceLoader(loaders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["row"] = row
    return found


def address(path: str | PurePosixPath) -> str:
    """Return a relative path as an address: no sign in it means anything to a browser.

    >>> address("../plots/a#b?.png"), address("C:x.png")
    ('../plots/a%23b%3F.png', 'C%3Ax.png')
    """
    return quote(str(path), errors="replace")


def relative(path: Path, page: Path) -> str:
    """Return the address of a file as seen from the directory of a page.

    >>> relative(Path("/data/plots/a.png"), Path("/data/monitor"))
    '../plots/a.png'
    """
    return address(PurePath(os.path.relpath(path, page)).as_posix())


def _printable(value: object) -> object:
    """What is printed of a value; what is markup already stays as it is."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return printable(value)
    return value
