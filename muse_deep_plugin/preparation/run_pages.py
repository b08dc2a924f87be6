"""The pages of a run: its datacubes, those of objects alone, those to be combined."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial

from attrs import frozen

from muse_deep_plugin.preparation import datacube_table, target_page
from muse_deep_plugin.preparation.datacubes import Datacube
from muse_deep_plugin.preparation.lists_of_runs import Listed
from muse_deep_plugin.preparation.overview_pages import OVERVIEW
from muse_deep_plugin.preparation.proposals import outlook
from muse_deep_plugin.preparation.run_history import RunRow
from muse_deep_plugin.preparation.run_table import INDEX, period_page, run_page
from muse_deep_plugin.preparation.subject import Subject
from muse_deep_plugin.preparation.target_list import list_path
from phoenix_core.pages.files import fingerprint
from phoenix_core.pages.press import Page, Press
from phoenix_core.pages.table import Cell, Link
from phoenix_core.pages.templates import address
from phoenix_core.words.plain_text import counted

OBJECTS = "_objects"
TARGETS = "_targets"

_LONGEST = 10_000  # letters of an abstract; ours
_MOST_ADVICE = 100  # lines above a table; ours


@frozen
class About:
    """What stands above the datacubes of a run."""

    title: str
    facts: tuple[tuple[str, str], ...]
    linked: tuple[Cell, ...]
    abstract: str
    advice: tuple[str, ...]
    mistakes: tuple[str, ...]
    notes: tuple[str, ...]


@frozen
class _Datacubes:
    """The datacubes that pages of a run show; read when one of these is due."""

    subject: Subject
    run: str
    press: Press

    @cached_property
    def all(self) -> Sequence[Datacube]:
        """Those of the run, and of the runs that it is linked to."""
        return self.subject.all_datacubes(self.run)

    def lines(self, kind: str) -> Sequence[str]:
        """Make the lines of a page."""
        if kind == TARGETS:
            taken = self.subject.lists[self.run].taken
            groups = target_page.selected_by_target(taken, self.all)
            return target_page.lines(groups, self.press, self.subject.previews)
        return [line for is_sky, line in self._own if kind != OBJECTS or not is_sky]

    @cached_property
    def _own(self) -> Sequence[tuple[bool, str]]:
        own = [cube for cube in self.all if cube.run_id == self.run]
        previews = self.subject.previews
        made = self.press.lines(
            (datacube_table.cells(cube, previews), datacube_table.kind_of(cube))
            for cube in own
        )
        return [(cube.is_sky, line) for cube, line in zip(own, made, strict=True)]


def run_pages(subject: Subject, run: str, press: Press) -> Iterator[Page]:
    """Make the pages of a run, its own page last: that one leads to the others."""
    row = subject.rows[run]
    made_of = _fingerprint(subject, run, press)
    has_list = _has_targets(subject, run)
    has_sky = subject.history.briefs[run].has_sky
    kinds = [TARGETS] * has_list + [OBJECTS] * has_sky + [""]
    cubes = _Datacubes(subject, run, press)
    for kind in kinds:
        yield Page(
            stem=f"{row.run.plain}{kind}",
            made_of=made_of,
            template="run.html",
            values=partial(_values, subject, row, kind, kinds, cubes),
            lines=partial(cubes.lines, kind),
        )


def _values(
    subject: Subject,
    row: RunRow,
    kind: str,
    kinds: Sequence[str],
    cubes: _Datacubes,
) -> Mapping[str, object]:
    """What the template of a page of a run needs."""
    is_grouped = kind == TARGETS
    return {
        "title": f"{row.run.formal}{_TITLES[kind]}",
        "caption": _CAPTIONS[kind],
        "headings": target_page.HEADINGS if is_grouped else datacube_table.HEADINGS,
        "links": _links(subject, row, kind, kinds),
        "about": _about(subject, row, kind, cubes),
        "is_grouped": is_grouped,
    }


_TITLES: Mapping[str, str] = {"": "", OBJECTS: ": objects", TARGETS: ": targets"}
_CAPTIONS: Mapping[str, str] = {
    "": "Datacubes of MUSE_R, one an OB; SKY has a bar at its left",
    OBJECTS: "Datacubes of objects; SKY is left out",
    TARGETS: (
        "Datacubes that the target list selects, by target; those of one exposure are "
        "shaded"
    ),
}


def _fingerprint(subject: Subject, run: str, press: Press) -> str:
    """What changes with anything that the pages of a run show."""
    history = subject.history
    linked = subject.linked.get(run, (run,))
    listed = subject.lists.get(run)
    parts = [
        repr((history.schedules.get(run), subject.notes.get(run))),
        repr([(one, one in subject.known) for one in linked]),
        repr(listed and (listed.made_of, listed.offered, listed.advice)),
        repr(listed and (listed.remarks, listed.mistakes)),
        "\n".join(_pictures(subject, linked)),
    ]
    content = [history.content(one) for one in linked]
    encoded = [part.encode("utf-8", "replace") for part in parts]
    return fingerprint([press.look, subject.rows[run].content, *encoded, *content])


def _pictures(subject: Subject, runs: Sequence[str]) -> list[str]:
    """Where the pictures of datacubes are, of those that are there."""
    links, briefs = subject.previews.links, subject.history.briefs
    return [
        links[name]
        for run in runs
        if run in briefs
        for name in briefs[run].pictures
        if name in links
    ]


def _about(subject: Subject, row: RunRow, kind: str, cubes: _Datacubes) -> About:
    run = row.run.formal
    schedules = subject.history.schedules.get(run, ())
    newest = schedules[-1] if schedules else None
    status = row.run_status or "no entry in sched_rep"
    facts = [
        ("PI", newest.pi_coi if newest else ""),
        ("run", f"{status}; {row.sm_vm}" if row.sm_vm else status),
        ("exposures", f"{row.processed} processed of {row.existing}"),
        ("COMBINE", f"{row.combine.value if row.combine else 'not decided yet'}"),
        ("TYPE", row.type),
        ("comment", row.comment),
    ]
    linked = [one for one in subject.linked.get(run, ()) if one != run]
    listed = subject.lists.get(run) or Listed("", "")
    is_list = kind == TARGETS
    advice = listed.advice if is_list else outlook(cubes.all)
    if len(advice) > _MOST_ADVICE:
        more = f"{counted(len(advice) - _MOST_ADVICE, 'line')} more"
        advice = (*advice[:_MOST_ADVICE], more)
    mistakes = listed.mistakes
    if mistakes and is_list:
        before = "the target list has mistakes; what it said before is shown"
        mistakes = (before, *mistakes)
    offer = (listed.told_offer,) if listed.offered else ()
    return About(
        title=newest.title if newest else "",
        facts=tuple((name, told) for name, told in facts if told),
        linked=tuple(_linked(subject, one) for one in linked),
        abstract=newest.abstract[:_LONGEST] if newest else "",
        advice=advice,
        mistakes=mistakes,
        notes=(*offer, *listed.remarks, *subject.notes.get(run, ())),
    )


def _linked(subject: Subject, run: str) -> Cell:
    row = subject.rows.get(run)
    if row is None:
        return Cell(f"{run} (no datacubes)")
    count = f"{row.n_dcubes} datacube{'' if row.n_dcubes == 1 else 's'}"
    told = f"{run} ({row.m_s}, {count})"
    return Cell(told, link=address(run_page(row.run.plain)))


def _links(
    subject: Subject, row: RunRow, kind: str, kinds: Sequence[str]
) -> tuple[Link, ...]:
    """Where one can go from a page of a run."""
    period = row.run.period
    stem = row.run.plain
    found = [
        Link("all runs", f"{OVERVIEW}.html"),
        Link(f"P{period}", period_page(period)),
    ]
    names = {
        "": "sortable" if kind == TARGETS else row.run.formal,
        OBJECTS: "objects only",
        TARGETS: "target",
    }
    found += [
        Link(name, "" if one == kind else address(f"{stem}{one}.html"))
        for one, name in names.items()
        if one in kinds
    ]
    path = list_path(subject.folder, row.run.formal)
    if TARGETS in kinds or path.exists():
        found.append(Link("txt", address(path.name)))
    found += _master(subject, row)
    return (*found, Link("target search", INDEX))


def _has_targets(subject: Subject, run: str) -> bool:
    """Whether a run has a target list that can be read, or could be before."""
    listed = subject.lists.get(run)
    return listed is not None and bool(listed.taken or not listed.mistakes)


def _master(subject: Subject, row: RunRow) -> list[Link]:
    """The target page of a SLAVE is that of its MASTER."""
    master = subject.rows.get(row.master)
    if row.m_s != "S" or master is None or not _has_targets(subject, row.master):
        return []
    name = f"{master.run.plain}{TARGETS}.html"
    return [Link("target (of the MASTER)", address(name))]
