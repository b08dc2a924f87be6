"""What a recipe's log warns of, so that a person sees it before certifying.

The format is that of ESO's recipes (CPL, esorex)::

    18:51:10 [WARNING] load_profiles: [tid=000] No profile of chip  2!

A recipe that says the same of every chip or file says it once here, with a count.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from attrs import evolve, frozen

from phoenix_core.words.plain_text import plain

ERROR, WARNING = "ERROR", "WARNING"

_LINE = re.compile(
    rb"(?:\d\d:\d\d:\d\d )?\[ ?(ERROR|WARNING) ?\] ([^:\s]*): ?(?:\[tid=\d+\] )?(.*)"
)
# What stands around every error, and what esorex says of its own installation.
_EMPTY = re.compile(
    r"\[\d+/\d+\]|Dumping the \d+ error|Found \d+ error|Execution of recipe"
    r"|Unable to open directory|$"
)
_PATH = re.compile(r"(?:/[^\s/\"]+)+/")
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")
_LONGEST = 300  # letters of a message that is told (ours)
_MOST = 2000  # that are kept


@frozen
class LogMessage:
    """A warning or an error of a log: its first wording, and how often it is there.

    Messages that differ in numbers alone are one. `where` is the function that gave
    it, '' where the log does not say.
    """

    level: str  # ERROR or WARNING
    text: str
    where: str = ""
    count: int = 1

    def told(self, longest: int = _LONGEST) -> str:
        """Tell level, text and count in one line, the text cut where it is longer."""
        text = self.text
        if len(text) > longest:
            text = f"{text[:longest]}..."
        times = f" ({self.count} times)" if self.count > 1 else ""
        return f"{self.level} {text}{times}"


def read_messages(path: Path) -> tuple[LogMessage, ...]:
    """Read the warnings and errors of a log; none where there is no log.

    Returns:
        Each once: errors first, then in the order of the log.

    Raises:
        OSError: the log is there and cannot be read.
    """
    try:
        with path.open("rb") as file:
            return messages_of(file)
    except FileNotFoundError:
        return ()


def messages_of(lines: Iterable[bytes]) -> tuple[LogMessage, ...]:
    """Return the messages among the lines of a log, as `read_messages`."""
    found: dict[tuple[str, str, str], LogMessage] = {}
    for line in lines:
        if b"[WARNING]" not in line and b"ERROR" not in line:
            continue
        match = _LINE.match(line)
        if not match:
            continue
        level, where, text = (
            plain(part.decode("utf-8", "replace")) for part in match.groups()
        )
        text = _PATH.sub("", text)[:_MOST]
        if _EMPTY.match(text):
            continue
        key = (level, where, _NUMBER.sub("#", text))
        before = found.get(key)
        found[key] = (
            evolve(before, count=before.count + 1)
            if before
            else LogMessage(level, text, where)
        )
    return tuple(sorted(found.values(), key=lambda one: one.level != ERROR))


def count_of(messages: Sequence[LogMessage], level: str) -> int:
    """How many lines of a log were of a level."""
    return sum(one.count for one in messages if one.level == level)
