"""How a keyword is written in rules: as in headers, without HIERARCH, with blanks."""

import re

from phoenix_core.create_ab.rules import PSEUDO
from phoenix_core.nearest import nearest

_KEYWORD = re.compile(r"[A-Z0-9_-]+( [A-Z0-9_-]+)*")
_HIERARCH = "HIERARCH "


def misspelt(text: str) -> str:
    """Say how a keyword has to be written, '' where it is written so.

    >>> misspelt("ESO DET DIT"), misspelt("CHIP1:ESO DET WIN NX"), misspelt("file")
    ('', '', '')
    >>> misspelt("HIERARCH ESO DET TEMP")
    "'HIERARCH ESO DET TEMP' is written 'ESO DET TEMP'"
    >>> misspelt("DET.TEMP")
    "'DET.TEMP' is written 'ESO DET TEMP'"
    """
    extension, colon, keyword = text.rpartition(":")
    if text in PSEUDO:
        return ""
    if _KEYWORD.fullmatch(keyword) and not keyword.startswith(_HIERARCH):
        return ""
    if hint := nearest(text, PSEUDO):
        return f"'{text}' is no keyword{hint}"
    words = keyword.upper().replace(".", " ").split()
    words = words[1:] if words[:1] == [_HIERARCH.strip()] else words
    if "." in keyword and words[:1] != ["ESO"]:
        words = ["ESO", *words]
    meant = " ".join(words)
    if not _KEYWORD.fullmatch(meant):
        return f"'{text}' is no keyword; expected one as 'ESO DET DIT'"
    return f"'{text}' is written '{extension}{colon}{meant}'"
