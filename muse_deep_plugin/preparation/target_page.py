"""What the target page of a run shows: the datacubes to combine, target by target."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from attrs import asdict, evolve, fields, frozen

from muse_deep_plugin.preparation import datacube_table
from muse_deep_plugin.preparation.datacubes import Datacube
from muse_deep_plugin.preparation.list_advice import Taken
from muse_deep_plugin.preparation.previews import Previews
from muse_deep_plugin.preparation.target_list import Entry
from phoenix_core.pages.press import Press
from phoenix_core.pages.table import Cell, Heading

_USED = Heading("exposures", "that the target list takes", is_number=True)
_AT = 5  # behind PATTERN
HEADINGS = (*datacube_table.HEADINGS[:_AT], _USED, *datacube_table.HEADINGS[_AT:])


@frozen
class Selected:
    """A datacube that goes into a deep one, and what the target list takes of it."""

    cube: Datacube
    taken: Taken

    @property
    def is_single(self) -> bool:
        """Whether it is a datacube of one exposure."""
        return self.cube.data_type == "DATACUBE_SINGLE"


def selected_by_target(
    taken: Iterable[Taken], cubes: Iterable[Datacube]
) -> Mapping[str, tuple[Selected, ...]]:
    """Return what a target list selects, by target, in its order.

    Args:
        taken: what it selects.
        cubes: what the database knows of datacubes.
    """
    known = {cube.pipefile: cube for cube in cubes}
    found: dict[str, list[Selected]] = defaultdict(list)
    for one in taken:
        cube = known.get(one.entry.pipefile, _of_entry(one.entry))
        shown = evolve(cube, target=one.target, comm=one.entry.comm)
        found[one.target].append(Selected(shown, one))
    return {target: tuple(rows) for target, rows in found.items()}


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
    used, exposures = row.taken.used, row.taken.exposures
    if not exposures:
        told = "1" if row.is_single else "all"
        return Cell(told, kind="number", sort="1" if row.is_single else "0")
    state = "warn" if used < exposures else ""
    return Cell(f"{used} of {exposures}", state, "number", sort=str(used))


def _of_entry(entry: Entry) -> Datacube:
    """What the line of an exposure tells of it."""
    columns = {field.name for field in fields(Datacube)}
    told = asdict(entry)
    return Datacube(**{name: told[name] for name in columns & told.keys()})
