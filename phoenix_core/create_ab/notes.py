"""What createAB notes behind MCALIB lines: the level and how far away in time."""

import re
from collections.abc import Iterator

from phoenix_core.association_block import AssociationBlock
from phoenix_core.create_ab.why import told_days

_COLUMN = 84
_NOTED = re.compile(r"MCALIB\s+\S+\s+\S+\s+(\S+)\s+# level (\d+)")


def with_note(line: str, level: int, days: float | None) -> str:
    """An MCALIB line with its note."""
    return f"{line:<{_COLUMN}}  # level {level}, {told_days(days)}"


def levels_of(block: AssociationBlock) -> Iterator[tuple[str, int]]:
    """Go through the tags of an AB's calibrations whose level is noted."""
    for line in block.lines:
        if match := _NOTED.match(line):
            yield match[1], int(match[2])
