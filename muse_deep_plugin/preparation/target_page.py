"""What the target page of a run shows: the datacubes to combine, target by target."""

from collections.abc import Iterable, Mapping, Sequence

from attrs import evolve, frozen

from muse_deep_plugin.preparation import datacube_table
from muse_deep_plugin.preparation.datacubes import Datacube
from muse_deep_plugin.preparation.previews import Previews
from muse_deep_plugin.preparation.target_list import Entry, TargetList
from phoenix_core.pages.press import Press
from phoenix_core.pages.table import Cell, Heading

_USED = Heading("exposures", "that the target list takes", is_number=True)
_AT = 5  # behind PATTERN
HEADINGS = (*datacube_table.HEADINGS[:_AT], _USED, *datacube_table.HEADINGS[_AT:])


@frozen
class Selected:
    """A datacube that goes into a deep one: how many of its exposures are taken.

    `exposures` is 0 where the target list has no lines for them: then all are taken.
    """

    cube: Datacube
    used: int = 0
    exposures: int = 0

    @property
    def is_single(self) -> bool:
        """Whether it is a datacube of one exposure."""
        return self.cube.data_type == "DATACUBE_SINGLE"


def selected_by_target(
    found: TargetList, cubes: Iterable[Datacube]
) -> Mapping[str, tuple[Selected, ...]]:
    """Return what a target list selects, by target, in order of names.

    Args:
        found: the target list.
        cubes: what the database knows of its datacubes.
    """
    known = {cube.pipefile: cube for cube in cubes}
    used = [(target, entry.pipefile) for target, entry in found.uses()]
    targets = sorted({target for target, _ in used}, key=str.casefold)
    groups = found.groups()
    return {
        target: tuple(_rows(groups[target], target, set(used), known))
        for target in targets
    }


def lines(
    groups: Mapping[str, Sequence[Selected]], press: Press, previews: Previews
) -> list[str]:
    """Make the groups of the table, one a target."""
    return [_group(press, rows, previews) for rows in groups.values()]


def _group(press: Press, rows: Sequence[Selected], previews: Previews) -> str:
    return press.group(
        press.lines(
            (_cells(row, previews), "single" if row.is_single else "") for row in rows
        )
    )


def _cells(row: Selected, previews: Previews) -> tuple[Cell, ...]:
    cells = datacube_table.cells(row.cube, previews)
    return (*cells[:_AT], _used(row), *cells[_AT:])


def _used(row: Selected) -> Cell:
    if not row.exposures:
        return Cell("all", kind="number", sort="0")
    told = f"{row.used} of {row.exposures}"
    state = "warn" if row.used < row.exposures else ""
    return Cell(told, state, "number", sort=str(row.used))


def _rows(
    entries: Sequence[Entry],
    target: str,
    used: set[tuple[str, str]],
    known: Mapping[str, Datacube],
) -> Iterable[Selected]:
    """Go through the datacubes of a target of which something is taken."""
    members = [entry for entry in entries if entry.is_member]
    for entry in entries:
        if entry.is_member or not entry.is_selected:
            continue
        own = {m.pipefile for m in members if m.visit == entry.visit}
        taken = sum((target, name) in used for name in own)
        if own and not taken:
            continue
        cube = known.get(entry.pipefile, _of_entry(entry))
        shown = evolve(cube, target=target, comm=entry.comm)
        yield Selected(shown, taken, len(own))


def _of_entry(entry: Entry) -> Datacube:
    """What the line of an exposure tells of it."""
    return Datacube(
        pipefile=entry.pipefile,
        civil_date=entry.civil_date,
        run_id=entry.run_id,
        ob_id=entry.ob_id,
        ob_name=entry.ob_name,
        data_type=entry.data_type,
        pattern=entry.pattern,
        texptime=entry.texptime,
        ambi_req=entry.ambi_req,
        sky_res=entry.sky_res,
        sgs_x_med=entry.sgs_x_med,
        rms=entry.rms,
        grd=entry.grd,
    )
