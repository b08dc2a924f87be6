"""What a table of a page is made of."""

from attrs import field, frozen, validators

STATES = ("", "good", "warn", "bad", "open")
KINDS = ("", "number", "text", "code")


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
    (aligned to the right), text (wrapped) or code (to be typed). `link` is a relative
    address, as `address` makes it; with `picture`, what that shows, it is seen in small
    too. `sort` is what the cell is sorted by, where that is not its text. `bar` is the
    length in pixels of a bar before the text; an `is_strong` one is set in bold.
    """

    text: str = ""
    state: str = field(default="", validator=validators.in_(STATES))
    kind: str = field(default="", validator=validators.in_(KINDS))
    link: str = ""
    picture: str = ""
    sort: str = ""
    bar: int = 0
    is_strong: bool = False

    @property
    def classes(self) -> str:
        """What its style depends on."""
        strong = "strong" if self.is_strong else ""
        return " ".join(word for word in (self.kind, self.state, strong) if word)


@frozen
class Link:
    """A link of a page's navigation; without an address it is the page itself."""

    text: str
    address: str = ""
