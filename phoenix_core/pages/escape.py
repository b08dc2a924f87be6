"""Texts from elsewhere as a page has them: shown, and never obeyed."""

from functools import lru_cache

from markupsafe import Markup, escape

_REPEATED = 10_000  # texts; most of a table repeat from line to line


def html(text: str) -> str:
    """Return a text for a page; what is markup already stays as it is."""
    return text if isinstance(text, Markup) else _escaped(text)


def attribute(name: str, value: str) -> str:
    """Return an attribute of a tag, nothing where it has no value.

    >>> attribute("title", 'a "b"'), attribute("title", "")
    (' title="a &#34;b&#34;"', '')
    """
    return f' {name}="{html(value)}"' if value else ""


def printable(text: str) -> str:
    r"""Return a text without what would turn or hide other text.

    >>> printable("a\tb\x1b\n")
    'a b?\n'
    """
    return text if text.isprintable() else "".join(map(_shown, text))


@lru_cache(_REPEATED)
def _escaped(text: str) -> str:
    return str(escape(printable(text)))


def _shown(letter: str) -> str:
    if letter.isprintable() or letter == "\n":
        return letter
    return " " if letter.isspace() else "?"
