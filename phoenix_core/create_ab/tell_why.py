"""What `phoenix why` says, line by line, for people."""

from collections.abc import Iterator

from phoenix_core.create_ab.on_disk import EDITED, OnDisk
from phoenix_core.create_ab.question import Input, WhyAb, WhyFrame
from phoenix_core.create_ab.why import Account, Fit, Miss, told_days
from phoenix_core.words.plain_text import plain

_TAG = 28


def why_lines(told: WhyAb | WhyFrame) -> Iterator[str]:
    """Go through the lines of an answer."""
    lines = _of_ab(told) if isinstance(told, WhyAb) else _of_frame(told)
    for line in lines:
        indent = len(line) - len(line.lstrip())
        head, body = line[:indent], line[indent:]
        yield head + _printable(body)


def _printable(text: str) -> str:
    """Columns stay, what a terminal would obey goes."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _of_frame(told: WhyFrame) -> Iterator[str]:
    tag = "unclassified" if told.tag is None else told.tag or "ignored"
    yield f"{told.name}  {tag}"
    if told.problem:
        yield _row("not taken:", plain(told.problem))
        yield _row("makes INCOMPLETE:", ", ".join(told.abs))
    elif told.abs:
        yield _row("taken by:", ", ".join(told.abs))
    elif told.why:
        yield _row("in no AB:", plain(told.why))


def _of_ab(told: WhyAb) -> Iterator[str]:
    yield f"{told.name}  {told.recipe}  {told.completeness}"
    for missing in told.missing:
        yield _row("missing:", f"{missing.what}: {plain(missing.why)}")
    if told.on_disk:
        yield _row("the AB:", _on_disk(told.on_disk))
    for difference in told.differences:
        yield _row("", difference)
    yield from _column(f"{told.group}:", [_input(one) for one in told.inputs])
    for association in told.associations:
        yield from _column(f"{association.tag}:", list(_of_account(association)))


def _on_disk(there: OnDisk) -> str:
    cause = f" ({plain(there.cause)})" if there.cause else ""
    edited = f", {EDITED}" if there.origin == EDITED else ""
    return f"{there.status}{cause}{edited}, in {there.place}"


def _input(one: Input) -> str:
    mark = f"  not taken: {plain(one.problem)}" if one.problem else ""
    return f"{one.name}  {one.tag}{mark}"


def _of_account(found: Account) -> Iterator[str]:
    if not found.taken:
        wanted = "optional" if found.optional else f"{found.minimum} wanted"
        yield f"none of {found.candidates} ({wanted})"
    for fit in found.taken:
        yield f"takes {_fit(fit)}"
    if found.difference:
        yield f"but   {found.difference}"
    for fit in found.runners_up:
        yield f"next  {_fit(fit)}"
    for miss in found.misses:
        yield f"not   {_miss(miss)}"


def _fit(fit: Fit) -> str:
    return f"{fit.name}  {fit.source}, level {fit.level}, {told_days(fit.days)}"


def _miss(miss: Miss) -> str:
    failed = "; ".join(failure.told for failure in miss.failures)
    return f"{miss.name}  {miss.source}, {told_days(miss.days)}: {failed}"


def _column(heading: str, lines: list[str]) -> Iterator[str]:
    for place, line in enumerate(lines):
        yield _row(heading if not place else "", line)


def _row(heading: str, line: str) -> str:
    return f"  {heading:<{_TAG - 1}} {line}"
