"""The pages of runs are written: those that are due, and no others.

A page is due where something that it shows has changed since: rows of the database,
decisions, the target list, pictures, or the look of pages. It tells itself what it was
made of, so nothing is kept beside it.
"""

import os
import re
from collections.abc import Collection
from itertools import chain

from attrs import field, frozen

from muse_deep_plugin.preparation.overview_pages import OVERVIEW, overview_pages
from muse_deep_plugin.preparation.run_pages import OBJECTS, TARGETS, run_pages
from muse_deep_plugin.preparation.subject import Subject
from phoenix_core.errors import ConfigError
from phoenix_core.pages.files import fingerprint_in, write_assets
from phoenix_core.pages.press import Press
from phoenix_core.run_id import RunId, parse_run_id

_PART = r"(?:_(?:[2-9]|[1-9]\d+))?"  # of a long page; the first has no number
_NAME = re.compile(
    rf"({OVERVIEW}|period_\d{{3}}|[\dA-Z.-]+(?:{OBJECTS}|{TARGETS})?){_PART}\.html",
    re.ASCII,
)


@frozen
class Written:
    """What became of the pages: names of files."""

    written: list[str] = field(factory=list)
    kept: list[str] = field(factory=list)
    removed: list[str] = field(factory=list)


def write_pages(
    subject: Subject, runs: Collection[str] | None, printer: Press
) -> Written:
    """Write the pages that are due.

    Args:
        subject: what they are about.
        runs: the runs whose pages are wanted; None: all. The overview and the pages of
            periods are looked at in any case.
        printer: what prints them.

    Raises:
        OSError: a page cannot be written; those before it are.
    """
    write_assets(subject.folder)
    present = frozenset(os.listdir(subject.folder))  # noqa: PTH208, of thousands
    done = Written()
    wanted = [
        run
        for run, row in subject.rows.items()
        if (runs is None or run in runs)
        # What is not clear keeps the pages that it has.
        and (run not in subject.unclear or f"{row.run.plain}.html" not in present)
    ]
    pages = chain.from_iterable(run_pages(subject, run, printer) for run in wanted)
    for page in chain(pages, overview_pages(subject, printer)):
        printed = printer.write(subject.folder, page, present)
        (done.written if printed.is_new else done.kept).extend(printed.names)
    _remove_stale(subject, runs, present, done)
    return done


def _remove_stale(
    subject: Subject,
    runs: Collection[str] | None,
    present: Collection[str],
    done: Written,
) -> None:
    """Remove pages of ours that are not made any more.

    Where the tables of runs are wrong, nothing is known of runs that miss in them.
    """
    if subject.mistakes:
        return
    for name in sorted(set(present) - {*done.written, *done.kept}):
        match = _NAME.fullmatch(name)
        if match is None or not fingerprint_in(subject.folder / name):
            continue
        run = _run(match[1])
        is_wanted = run is not None and (runs is None or run.formal in runs)
        if run and run.formal in subject.lists and subject.lists[run.formal].mistakes:
            continue
        if is_wanted or match[1].startswith((OVERVIEW, "period_")):
            (subject.folder / name).unlink(missing_ok=True)
            done.removed.append(name)


def _run(stem: str) -> RunId | None:
    """Return the run whose pages have this name."""
    text = stem.removesuffix(OBJECTS).removesuffix(TARGETS)
    try:
        run = parse_run_id(text)
    except ConfigError:
        return None
    return run if run.plain == text else None
