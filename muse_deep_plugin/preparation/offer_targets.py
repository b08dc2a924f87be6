"""What the tools write into a target list: all of it once, then only additions."""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from attrs import evolve, frozen

from muse_deep_plugin.exposure_time import in_time
from muse_deep_plugin.preparation.datacubes import Datacube
from muse_deep_plugin.preparation.list_advice import Selection, selections
from muse_deep_plugin.preparation.proposals import (
    Advice,
    advise,
    members_of,
    pointing_names,
    told,
    twins,
)
from muse_deep_plugin.preparation.target_list import (
    FEWEST,
    LAYOUT,
    OF_ITS_DATACUBE,
    UNKNOWN,
    Mistake,
    TargetList,
    nothing_more,
    parse_entries,
    problem_of,
    read_target_list,
)
from phoenix_core.files.atomic import append_text, write_new_text
from phoenix_core.words.plain_text import number, plain
from phoenix_core.words.text_table import aligned, in_quotes, quoted, read_text

_PIPEFILE = re.compile(r"r\.[^\s\"#]+\.fits")
_UNNAMED = "unnamed"
_HEAD = """\
# Targets of {run}, made on {date}: yours to edit, never rewritten.
# A line is a datacube; below one of several exposures stand those, with TARGET -.
# A line that begins with # is not selected: with a datacube, all of its exposures.
# TARGET is free: one name, one deep datacube; also that of a single exposure.
# Lines may be moved or copied. What is new is offered at the end, commented out.
# Proposals stand in COMM, and decide nothing.
"""


@frozen
class Candidate:
    """A target that a list is about: its datacubes, their exposures, what to say.

    What is in `hidden` is commented out.
    """

    name: str
    cubes: tuple[Datacube, ...]
    members: Mapping[str, tuple[Datacube, ...]]
    advice: Advice
    hidden: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


def candidates(
    cubes: Sequence[Datacube], exposures: Sequence[Datacube]
) -> tuple[Candidate, ...]:
    """Group datacubes by the database's name of their target, SKY left out."""
    by_name: dict[str, list[Datacube]] = defaultdict(list)
    for cube in sorted(cubes, key=lambda cube: in_time(cube.pipefile)):
        if not cube.is_sky:
            by_name[target_name(cube)].append(cube)
    return tuple(
        Candidate(
            name,
            tuple(found),
            members_of(found, exposures),
            advise(name, found, exposures),
        )
        for name, found in sorted(by_name.items())
    )


def target_name(cube: Datacube) -> str:
    """Return the name of a datacube's target as a list can have it."""
    name = plain(cube.target)
    return _UNNAMED if name in {"", OF_ITS_DATACUBE} else name


def new_list_text(
    run_id: str, cubes: Sequence[Datacube], exposures: Sequence[Datacube], date: str
) -> str:
    """Return a target list for datacubes of a run, or of a MASTER and its SLAVES.

    Targets of a single datacube are there, commented out.
    """
    cube_of = {plain(e.pipefile): plain(e.combined) for e in exposures}
    head = _HEAD.format(run=plain(run_id), date=date)
    found = [
        one if len(one.cubes) >= FEWEST else _hide(one, _pipefiles(one))
        for one in candidates(cubes, exposures)
    ]
    text = head + _lines(found)
    # Where the database contradicts itself, a list says less, and is still a list.
    for mend in (_leave_out_members, _hide):
        listed = TargetList(Path(), parse_entries(text, Path()))
        if odd := listed.contradictions(cube_of):
            found = [mend(one, odd) for one in found]
            text = head + _lines(found)
    return text


def _pipefiles(one: Candidate) -> frozenset[str]:
    return frozenset(plain(cube.pipefile) for cube, _ in _in_order(one))


def _hide(one: Candidate, names: frozenset[str]) -> Candidate:
    return evolve(one, hidden=one.hidden | names)


def _leave_out_members(one: Candidate, names: frozenset[str]) -> Candidate:
    kept = {
        name: () if plain(name) in names else of_cube
        for name, of_cube in one.members.items()
    }
    left = [name for name, of_cube in one.members.items() if of_cube and not kept[name]]
    notes = [
        f"{plain(name)}: its exposures are not listed, the database contradicts itself"
        for name in left
    ]
    return evolve(one, members=kept, notes=(*one.notes, *notes))


def update_target_list(  # noqa: PLR0917, what a list is made of
    path: Path,
    run_id: str,
    cubes: Sequence[Datacube],
    exposures: Sequence[Datacube],
    date: str,
    more: Callable[[TargetList], Sequence[Mistake]] = nothing_more,
) -> TargetList:
    """Make a target list, or offer what is new at the end of the one that is there.

    What is there stays as it is, and so does what it selects. Two calls at a time, and
    an editor that saves meanwhile, are no matter.

    Args:
        path: the list.
        run_id: the run, or the MASTER.
        cubes: final datacubes of the run, and of its SLAVES.
        exposures: datacubes of single exposures of these.
        date: of today.
        more: finds mistakes that the list alone does not show.

    Raises:
        ConfigError: the list has mistakes; then nothing is added.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            write_new_text(path, new_list_text(run_id, cubes, exposures, date))
            return read_target_list(path)
    found = read_target_list(path, more)
    if not additions(path, read_text(path), cubes, exposures, date):
        return found  # a list that may only be read will do
    append_text(path, lambda text: additions(path, text, cubes, exposures, date))
    return read_target_list(path)


def additions(
    path: Path,
    text: str,
    cubes: Sequence[Datacube],
    exposures: Sequence[Datacube],
    date: str,
) -> str:
    """Return the lines that offer what a list does not name, '' where it names all.

    What is appended never changes what is selected.

    Raises:
        ConfigError: the list has mistakes.
    """
    known = set(_PIPEFILE.findall(text))
    if known.issuperset(one.pipefile for one in (*cubes, *exposures) if not one.is_sky):
        return ""
    new = _unknown(candidates(cubes, exposures), known)
    if not new:
        return ""
    listed = TargetList(path, parse_entries(text, path))
    selected = selections(listed, cubes, exposures)
    of_list = [of.advice(name) for name, of in selected.items()]
    found = [_with_selected(one, selected.get(one.name)) for one in new]
    title = f"\n# new on {date}"
    hidden = [_hide(one, _pipefiles(one)) for one in found]
    added = f"{title}\n{_lines(hidden, of_list)}"
    after = TargetList(path, parse_entries(f"{text}\n{added}", path))
    if after.selected() == listed.selected():
        return added
    names = (c.pipefile for one in found for c, _ in _in_order(one))
    lines = [f"#   {plain(name)}" for name in names]
    why = "left out, since it would change what is selected"
    return "\n".join([f"{title}, {why}:", *lines]) + "\n"


def _unknown(found: Sequence[Candidate], known: set[str]) -> list[Candidate]:
    """Return candidates with only those datacubes and exposures that are not known."""
    kept = []
    for one in found:
        cubes = tuple(cube for cube in one.cubes if cube.pipefile not in known)
        new = {cube.pipefile for cube in cubes}
        members = {
            name: tuple(e for e in of_cube if e.pipefile not in known)
            for name, of_cube in one.members.items()
            # A datacube without lines for its exposures: a person may mean that.
            if name in new or any(e.pipefile in known for e in of_cube)
        }
        if cubes or any(members.values()):
            kept.append(Candidate(one.name, cubes, members, one.advice))
    return kept


def _with_selected(one: Candidate, selected: Selection | None) -> Candidate:
    """Have what is offered judged together with what its name has selected already."""
    there = selected or Selection((), ())
    exposures = [e for of_cube in one.members.values() for e in of_cube]
    both = (*there.cubes, *one.cubes), (*there.exposures, *exposures)
    return evolve(one, advice=advise(one.name, *both))


def _lines(
    found: Sequence[Candidate],
    others: Sequence[Advice] = (),
) -> str:
    """The lines of candidates, aligned over all of them, a blank line in between."""
    rows: list[tuple[str, ...]] = [("#", *LAYOUT.columns)]
    blocks: list[list[int | str]] = []
    all_twins = twins([*others, *(one.advice for one in found)])
    for one in found:
        lines = (*told(one.advice, all_twins), *one.notes)
        block: list[int | str] = [f"# {line}" for line in lines]
        places = pointing_names(one.advice)
        for cube, is_member in _in_order(one):
            name = OF_ITS_DATACUBE if is_member else one.name
            whole = cube.combined if is_member else cube.pipefile
            comment = _comment(cube, one.advice, places.get(whole, ""), is_member)
            values = _values(cube, name, comment)
            if problem := problem_of(values):
                block.append(f"# left out, {plain(cube.pipefile)}: {problem}")
                continue
            block.append(len(rows))
            cells = [*map(quoted, values[:-1]), in_quotes(values[-1])]
            mark = "#" if plain(cube.pipefile) in one.hidden else ""
            rows.append((mark, *cells))
        blocks.append(block)
    table = aligned(rows)
    parts = [
        "\n".join(table[item] if isinstance(item, int) else item for item in block)
        for block in blocks
    ]
    return "\n\n".join([table[0], *parts]) + "\n"


def _in_order(one: Candidate) -> Iterator[tuple[Datacube, bool]]:
    """Go through datacubes, each before its exposures; tell which are exposures."""
    for cube in one.cubes:
        yield cube, False
        yield from ((e, True) for e in one.members.get(cube.pipefile, ()))
    named = {cube.pipefile for cube in one.cubes}
    for name, members in one.members.items():
        if name not in named:
            yield from ((e, True) for e in members)


def _comment(
    cube: Datacube,
    advice: Advice,
    place: str,
    is_member: bool,  # noqa: FBT001
) -> str:
    """What stands in COMM: the pointing where there are several, a proposal, COMM."""
    proposal = advice.proposals.get(cube.pipefile)
    # The comment is on the OB: it stands once, with the datacube.
    comment = "" if is_member else plain(cube.comm)
    parts = (place, proposal.text if proposal else "", comment)
    return "; ".join(part for part in parts if part)


def _values(cube: Datacube, target: str, comment: str) -> tuple[str, ...]:
    """The values of a line, in the order of the columns."""
    return (
        plain(cube.civil_date),
        plain(cube.run_id),
        plain(cube.pipefile),
        target,
        UNKNOWN if cube.ob_id is None else str(cube.ob_id),
        plain(cube.ob_name),
        plain(cube.data_type),
        plain(cube.pattern),
        *map(
            _number,
            (cube.texptime, cube.ambi_req, cube.sky_res, cube.sgs_x_med, cube.rms),
        ),
        plain(cube.grd),
        comment,
    )


def _number(value: float | None) -> str:
    return UNKNOWN if value is None or not math.isfinite(value) else number(value)
