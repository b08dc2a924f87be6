"""pgi_phoenix_HAWKI_rename (SPECIAL_PLUGIN of renameProducts): headers tell the truth.

Names stay: the headers of an OB's products name each other. What would lead nowhere,
because a file that ASSONn or PROVn of another one names does not go along, stops here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from phoenix_core import hookimpl
from phoenix_core.errors import PgiError
from phoenix_core.model import Move
from phoenix_hawki.headers import primary_header
from phoenix_hawki.move import MASTERS, SCIENCE_PRODUCTS

PGI: Final = "pgi_phoenix_HAWKI_rename"

_KEY: Final = "ESO PRO CATG"
_NAMED: Final = re.compile(r"ASSON\d+|PROV\d+")
_RAW: Final = re.compile(r"HAWKI\.\d{4}-")


@hookimpl
def rename_products_special_plugin(moves: Sequence[Move]) -> None:
    """Read the category of each file, and the files that it names.

    Raises:
        PgiError: an unknown PRO.CATG, or a named file that does not move along.
        ProcessingError: a file cannot be read.
    """
    going = {(move.target.parent, move.target.name) for move in moves}
    known = SCIENCE_PRODUCTS | MASTERS
    for move in moves:
        header = primary_header(move.source)
        category = str(header.get(_KEY, "")).strip()
        if category not in known:
            said = f"unknown PRO.CATG '{category}'" if category else "no PRO.CATG"
            raise PgiError(f"{PGI}: {move.source} has {said}")
        if category in MASTERS:
            continue
        for keyword, name in _names(header):
            if (move.target.parent, name) not in going:
                raise PgiError(
                    f"{PGI}: {Path(move.source).name} names {name} in {keyword}, which "
                    "does not move along; process its AB again"
                )


def _names(header: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """The files of the AB that a header names, by keyword; raw frames left out."""
    for keyword, value in header.items():
        if _NAMED.fullmatch(keyword) and not _RAW.match(str(value)):
            yield keyword, str(value)
