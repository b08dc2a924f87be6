"""What a table of a page is made of, and how that looks as HTML.

So many lines are printed at a time that a template would take long.
"""

from collections.abc import Iterable
from functools import cached_property, lru_cache

from attrs import field, frozen, validators
from markupsafe import Markup

from phoenix_core.pages.escape import attribute, html

STATES = ("", "good", "warn", "bad", "open")
KINDS = ("", "number", "text")
_REPEATED = 10_000  # cells; most of a table repeat from line to line


@frozen
class Heading:
    """The head of a column: its name, what it means, whether it holds numbers."""

    name: str
    meaning: str = ""
    is_number: bool = False


@frozen
class Cell:
    """A cell of a table.

    `state` colours it and gives it a sign: good, warn, bad or open. `kind` is number
    (aligned to the right) or text (wrapped). `link` is a relative address, as
    `address` makes it; with `picture`, what that shows, it is seen in small too.
    `sort` is what the cell is sorted by, where that is not its text. `meaning` is
    told where one points at it. With `parts`, which are cells that have no parts, it
    shows those beside each other and nothing else; they need no kind.
    """

    text: str = ""
    state: str = field(default="", validator=validators.in_(STATES))
    kind: str = field(default="", validator=validators.in_(KINDS))
    link: str = ""
    picture: str = ""
    sort: str = ""
    meaning: str = ""
    parts: tuple["Cell", ...] = ()

    @property
    def classes(self) -> str:
        """What its style depends on."""
        return f"{self.kind} {self.state}".strip()

    @cached_property
    def html(self) -> str:
        """The cell, with all that it holds escaped."""
        classes = f' class="{self.classes}"' if self.kind or self.state else ""
        if not (self.link or self.parts or self.sort or self.meaning):
            return f"<td{classes}>{html(self.text)}</td>"
        sort, title = attribute("data-sort", self.sort), self._title
        return f"<td{classes}{sort}{title}>{self._content}</td>"

    @property
    def mark(self) -> Markup:
        """The cell as a part of another."""
        state = f" {self.state}" if self.state else ""
        mark = f'<span class="mark{state}"{self._title}>{self._linked_text}</span>'
        return Markup(mark)  # noqa: S704, escaped

    @property
    def _content(self) -> str:
        if self.picture:
            link, told = html(self.link), attribute("alt", self.picture)
            size = 'width="72" height="72" loading="lazy"'
            return f'<a href="{link}"><img src="{link}"{told} {size}></a>'
        if self.parts and not self.link:
            return "".join(part.mark for part in self.parts)
        return self._linked_text

    @property
    def _linked_text(self) -> str:
        text = html(self.text)
        return f'<a href="{html(self.link)}">{text}</a>' if self.link else text

    @property
    def _title(self) -> str:
        return attribute("title", self.meaning)


@frozen
class Link:
    """A link of a page's navigation; without an address it is the page itself."""

    text: str
    address: str = ""


@lru_cache(_REPEATED)
def cell(text: str, state: str = "", kind: str = "") -> Cell:
    """Return a cell of text alone: those that are alike are made once."""
    return Cell(text, state, kind)


def row(cells: Iterable[Cell], kind: str = "") -> Markup:
    r"""Return a line of a table, of its cells and its kind.

    >>> row([Cell("a<b"), Cell("7", "good", "number")], "sky")
    Markup('<tr class="sky"><td>a&lt;b</td><td class="number good">7</td></tr>\n')
    """
    shown = "".join([cell.html for cell in cells])
    return Markup(f"<tr{attribute('class', kind)}>{shown}</tr>\n")  # noqa: S704


def group(rows: Iterable[str]) -> Markup:
    """Return lines of a table that another line divides from the next ones."""
    return Markup("<tbody>\n{}</tbody>\n").format(Markup().join(rows))
