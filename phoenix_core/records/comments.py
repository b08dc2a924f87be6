"""Comments on ABs: what a person noticed, for whoever certifies and looks later.

One JSON line each in the run's monitor directory: who, when, on which AB. Nothing is
ever changed there: the last comment on an AB counts, an empty one takes it back, and
those before it stay readable.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from attrs import frozen

from phoenix_core.association_block import is_safe_name
from phoenix_core.errors import CertificationError, ConfigError
from phoenix_core.model import Run
from phoenix_core.nearest import nearest
from phoenix_core.records.lines import (
    DamagedRecordError,
    append_record,
    now,
    read_records,
    user,
)
from phoenix_core.words.plain_text import plain, short

_NAME = "comments.jsonl"
LONGEST: Final = 4000
"""Letters of a comment (ours): it is no log."""


@frozen
class AbComment:
    """A person's comment on an AB, of one line or of several."""

    block: str
    text: str
    by: str
    at: str  # ISO time, UTC


def read_comments(run: Run) -> Mapping[str, AbComment]:
    """Return the comment on each AB that has one now, by the AB's name.

    Raises:
        CertificationError: file and line of what is no comment.
    """
    last = {comment.block: comment for comment in read_history(run)}
    return {name: comment for name, comment in last.items() if comment.text}


def read_history(run: Run) -> tuple[AbComment, ...]:
    """Return every comment of a run, the first one first; errors as `read_comments`."""
    path = run.monitor_dir / _NAME
    try:
        return tuple(_comment(path, *found) for found in read_records(path))
    except DamagedRecordError as error:
        raise CertificationError(
            f"{path}, line {error.number}: damaged; what it said may matter: mend this "
            "line, or remove it and comment on its AB again"
        ) from None
    except OSError as error:
        raise CertificationError(f"{path}: {error.strerror}") from error


def keep_comment(run: Run, block: str, text: str) -> AbComment:
    """Append this person's comment on an AB, on disk when this returns.

    Args:
        run: the run or night.
        block: the name of an AB of it, active or moved.
        text: the comment, of one line or several; '' takes back what there is.

    Raises:
        ConfigError: there is no such AB, or the text is too long.
        CertificationError: it could not be written.
    """
    _check_there(run, block)
    comment = AbComment(block, _cleaned(text), user(), now())
    if len(comment.text) > LONGEST:
        raise ConfigError(
            f"the comment on {block} has {len(comment.text)} letters; at most "
            f"{LONGEST} are kept"
        )
    path = run.monitor_dir / _NAME
    record = {
        "block": comment.block,
        "by": comment.by,
        "at": comment.at,
        "text": comment.text,
    }
    try:
        append_record(path, record)
    except OSError as error:
        raise CertificationError(
            f"{path}: the comment on {block} could not be kept: {error.strerror}"
        ) from error
    return comment


def _comment(path: Path, number: int, record: object) -> AbComment:
    match record:
        case {"block": str(block), "text": str(text), "by": str(by), "at": str(at)}:
            # Whoever wrote the line: nothing in it moves a terminal or breaks a page.
            return AbComment(block, _cleaned(text), plain(by), plain(at))
    raise CertificationError(f"{path}, line {number}: no comment; remove this line")


def _cleaned(text: str) -> str:
    return "\n".join(plain(line) for line in text.strip().splitlines())


def _check_there(run: Run, name: str) -> None:
    is_name = is_safe_name(name) and name.endswith(".ab")
    if is_name and (run.ab_path(name).is_file() or run.moved_path(name).is_file()):
        return
    directories = (run.ab_dir, run.moved_path("any").parent)
    known = {path.name for folder in directories for path in folder.glob("*.ab")}
    raise ConfigError(f"{run.label} has no AB {short(name)}{nearest(name, known)}")
