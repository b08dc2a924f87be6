"""The nearest right word, for error messages."""

from collections.abc import Iterable
from difflib import get_close_matches

_NEAR = 0.6  # likeness of a word that somebody may have meant
_SLIP = 0.85  # of two words that differ by one letter or two


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the known word nearest to this one, or ''.

    >>> nearest("streems", ["streams", "memory"])
    "; did you mean 'streams'?"
    """
    return _like(word, known, _NEAR)


def slip(word: str, known: Iterable[str]) -> str:
    """Return the same where the word is surely a slip, '' where it is known itself.

    >>> slip("MASTER_DRAK", ["MASTER_DARK"]), slip("FLAT", ["FLAT", "FLATS"])
    ("; did you mean 'MASTER_DARK'?", '')
    """
    words = set(known)
    return "" if word in words else _like(word, words, _SLIP)


def _like(word: str, known: Iterable[str], cutoff: float) -> str:
    folded = {name.casefold(): name for name in sorted(known)}
    close = get_close_matches(word.casefold(), folded, n=1, cutoff=cutoff)
    return f"; did you mean '{folded[close[0]]}'?" if close else ""
