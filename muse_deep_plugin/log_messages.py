"""What of a recipe's log a person should see first."""

import re
from collections.abc import Sequence
from typing import Final

from phoenix_core.recipe.pipeline_log import ERROR, LogMessage

# Where the recipes (2.8.7) go on without something, and end with status 0.
_GRAVE: Final = re.compile(
    r"will be ignored|No overlapping|not overlap|default astrometry|NOT corrected"
    r"|not (?:be )?(?:corrected|found|aligned|matched|subtracted)|[Ff]ailed|[Cc]annot"
    r"|[Cc]ould not|only .* of \d+ ",
)


def important(
    messages: Sequence[LogMessage], harmless: Sequence[str] = ()
) -> tuple[LogMessage, ...]:
    """Return messages with the most important first.

    Errors, then warnings that something was left out, then the others, as in the log.

    Args:
        messages: of a log.
        harmless: parts of messages that are left out.
    """
    kept = [one for one in messages if not any(part in one.text for part in harmless)]
    return tuple(sorted(kept, key=_rank))


def _rank(message: LogMessage) -> int:
    if message.level == ERROR:
        return 0
    return 1 if _GRAVE.search(message.text) else 2
