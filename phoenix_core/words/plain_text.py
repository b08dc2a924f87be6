"""Text from elsewhere made fit for a terminal and for one line of a table."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phoenix_core.model import Score

RESULTS = {"green": "ok", "red": "FAILED", "grey": "not scored"}
"""What is said of a score, by its colour."""

_DIGITS = 6
_SHORT = 60  # letters: longer than a name, shorter than a line


def plain(text: str) -> str:
    r"""Return a text as one line without anything that a terminal would obey.

    >>> plain("NGC 300\x1b[2J\n\tP1")
    'NGC 300?[2J P1'
    """
    line = " ".join(text.split())
    if line.isprintable():
        return line
    return "".join(char if char.isprintable() else "?" for char in line)


def short(text: str) -> str:
    """Return a name from elsewhere for a message, cut where it would hide the rest.

    >>> short("NGC 300"), len(short("x" * 10_000))
    ('NGC 300', 63)
    """
    line = plain(text[: 2 * _SHORT])
    is_cut = len(line) > _SHORT or len(text) > 2 * _SHORT
    return f"{line[:_SHORT]}..." if is_cut else line


def number(value: object) -> str:
    """Return a parameter's value as people read it.

    >>> number(0.1 + 0.2), number(12), number("DEEP_4"), number(None)
    ('0.3', '12', 'DEEP_4', 'none')
    """
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:.{_DIGITS}g}"
    return plain(str(value))


def counted(count: int, noun: str) -> str:
    """Return how many there are of something, for nouns with an s.

    >>> counted(1, "run"), counted(0, "other run")
    ('1 run', '0 other runs')
    """
    return f"{count} {noun}{'' if count == 1 else 's'}"


def limits(score: "Score") -> str:
    """Return the limits of a score in words, '' where it has none.

    >>> from phoenix_core.model import Score
    >>> limits(Score("COMBINED", 0.75, 1.0, 1.0))
    'exactly 1'
    >>> limits(Score("RMS", 3.0, high=2.5)), limits(Score("N", 3, 1, 4))
    ('at most 2.5', '1 to 4')
    """
    if score.low is not None and score.low == score.high:
        return f"exactly {number(score.low)}"
    if score.low is not None and score.high is not None:
        return f"{number(score.low)} to {number(score.high)}"
    if score.low is not None:
        return f"at least {number(score.low)}"
    return "" if score.high is None else f"at most {number(score.high)}"


def told_score(score: "Score") -> str:
    """Return a score in one line.

    >>> from phoenix_core.model import Score
    >>> told_score(Score("RMS", 3.0, high=2.5))
    'RMS = 3 FAILED (at most 2.5)'
    >>> told_score(Score("SKY", None, high=2.5, is_scored=False))
    'SKY = none not scored (at most 2.5)'
    """
    allowed = f" ({limits(score)})" if limits(score) else ""
    result = RESULTS[score.colour]
    return f"{plain(score.name)} = {number(score.value)} {result}{allowed}"
