"""What a table of a page is made of."""

from attrs import field, frozen, validators

STATES = ("", "good", "warn", "bad", "open")
KINDS = ("", "number", "text")


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
    `sort` is what the cell is sorted by, where that is not its text.
    """

    text: str = ""
    state: str = field(default="", validator=validators.in_(STATES))
    kind: str = field(default="", validator=validators.in_(KINDS))
    link: str = ""
    picture: str = ""
    sort: str = ""

    @property
    def classes(self) -> str:
        """What its style depends on."""
        return f"{self.kind} {self.state}".strip()


@frozen
class Link:
    """A link of a page's navigation; without an address it is the page itself."""

    text: str
    address: str = ""
