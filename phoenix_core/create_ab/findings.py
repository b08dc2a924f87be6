"""What a person should know of files that are in no AB, or perhaps in a wrong one."""

from collections.abc import Iterable, Iterator

from phoenix_core.create_ab.create import Organised
from phoenix_core.model import Finding
from phoenix_core.nearest import slip
from phoenix_core.words.plain_text import plain

_NAMED = 5


def findings_of(organised: Organised) -> tuple[Finding, ...]:
    """Warn of what nothing takes, and of what may be slips in the rules."""
    spare = [(one.why, one.name) for one in organised.spare]
    loose = [(one.why, one.frame.name) for one in organised.loose if not one.is_known]
    broken = [(frame.problem, frame.name) for frame in organised.broken]
    why = "taken all the same, by the directory"
    outside = [(why, frame.name) for frame in organised.outside]
    return (
        *map(Finding, organised.rules.doubts),
        *_slips(organised),
        *_told("raw frame", "in no AB", loose),
        *_told("raw frame", "of another night", outside),
        *_told("AB", "not taken", spare),
        *_told("calibration file", "not taken", broken),
    )


def _slips(organised: Organised) -> Iterator[Finding]:
    """Tell of categories that nothing has, and that are nearly those of some files."""
    candidates = organised.candidates
    there = {tag for _, tag in candidates.by_tag}
    for tag in sorted(organised.rules.asked - there):
        if meant := slip(tag, candidates.unasked):
            yield Finding(f"the rules ask for {tag}, and nothing is one{meant}")


def _told(noun: str, fate: str, rows: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    by_reason: dict[str, list[str]] = {}
    for why, name in rows:
        by_reason.setdefault(why, []).append(name)
    for why, names in by_reason.items():
        shown = ", ".join(names[:_NAMED]) + (" ..." if names[_NAMED:] else "")
        count = f"1 {noun} is" if len(names) == 1 else f"{len(names)} {noun}s are"
        yield Finding(plain(f"{count} {fate} ({why}): {shown}"))
