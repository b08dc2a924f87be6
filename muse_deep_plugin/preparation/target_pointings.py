"""Where the exposures of a target point: real centres, beside what headers say."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from attrs import field, frozen

from muse_deep_plugin.exposure_time import in_time
from muse_deep_plugin.preparation.datacubes import (
    Datacube,
    final_datacubes,
    single_datacubes,
)
from muse_deep_plugin.preparation.offer_targets import target_name
from muse_deep_plugin.preparation.proposals import (
    Pointing,
    members_of,
    place_of,
    pointings,
)
from muse_deep_plugin.preparation.run_tables import (
    folder_of_runs,
    linked_runs,
    read_multi_runs,
)
from muse_deep_plugin.preparation.target_list import list_path, read_target_list
from phoenix_core.config import Config
from phoenix_core.errors import ConfigError
from phoenix_core.nearest import nearest
from phoenix_core.qc1.database import open_qc1
from phoenix_core.words.plain_text import counted, plain, short
from phoenix_core.words.text_table import aligned, quoted

COLUMNS = (
    "PIPEFILE",
    "RUN_ID",
    "OB_ID",
    "POINTING",
    "RA",
    "DEC",
    "EAST",
    "NORTH",
    "HDR_EAST",
    "HDR_NORTH",
)
_ARCSEC = 3600.0

Offset = tuple[float, float]
"""Arcsec east and north."""


@frozen
class Spot:
    """Where an exposure points: degrees, and offsets from the target's first pointing.

    `pointing` counts from 1. `header` is the offset of the target's coordinates in the
    header (TEL.TARG.ALPHA, DELTA), None where they are not known.
    """

    pipefile: str
    run_id: str
    ob_id: int | None
    pointing: int
    ra: float
    dec: float
    offset: Offset
    header: Offset | None


@frozen
class TargetPointings:
    """The pointings of a target, and its exposures in order of run and time.

    `unplaced` are those whose centre the database does not know.
    """

    run_id: str
    target: str
    pointings: tuple[Pointing, ...]
    spots: tuple[Spot, ...]
    unplaced: tuple[str, ...] = field(factory=tuple)

    @property
    def document(self) -> Mapping[str, Any]:
        """The answer for programs: degrees; offsets in arcsec east and north."""
        return attrs.asdict(self)

    @property
    def text(self) -> str:
        """The numbers for people."""
        rows: list[Sequence[str]] = [("#", *COLUMNS)]
        rows += [("", *_cells(spot)) for spot in self.spots]
        first = self.pointings[0] if self.pointings else Pointing(0.0, 0.0, ())
        counts = (
            f"{counted(len(self.pointings), 'pointing')}, "
            f"{counted(len(self.spots), 'exposure')}"
        )
        origin = f"{first.ra:.5f} {first.dec:+.5f}"
        lines = [
            f"# {plain(self.target)} of {plain(self.run_id)}: {counts}",
            f"# arcsec east and north of pointing 1, {origin}; HDR: by the header",
            *aligned(rows),
            *(f"# {plain(name)}: its centre is not known" for name in self.unplaced),
        ]
        return "\n".join(lines) + "\n"


def target_pointings(config: Config, run_id: str, target: str) -> TargetPointings:
    """Find where the exposures of a target point.

    Args:
        config: where the database and the target list are.
        run_id: the run, in its formal spelling; the runs of a MASTER are one.
        target: its name in the run's target list, or in the database.

    Raises:
        ConfigError: there is no such target, or a table of a person has mistakes.
    """
    folder = folder_of_runs(config.directories)
    runs = linked_runs(read_multi_runs(folder), run_id)
    with open_qc1(config.database) as engine, engine.connect() as connection:
        cubes = [c for c in final_datacubes(connection, runs) if not c.is_sky]
        exposures = [e for e in single_datacubes(connection, runs) if not e.is_sky]
    if not cubes:
        raise ConfigError(f"no datacube of a run {run_id} is in the database")
    named = _named(cubes) | _listed(list_path(folder, runs[0]))
    if target not in named:
        hint = nearest(target, named) or f"; it has {', '.join(sorted(named))}"
        raise ConfigError(f"{run_id} has no target {short(target)}{plain(hint)}")
    return _placed(run_id, target, _exposures(named[target], cubes, exposures))


def _named(cubes: Sequence[Datacube]) -> dict[str, set[str]]:
    """Pipefiles by the database's name of their target."""
    found: dict[str, set[str]] = defaultdict(set)
    for cube in cubes:
        found[target_name(cube)].add(cube.pipefile)
    return found


def _listed(path: Path) -> dict[str, set[str]]:
    """Pipefiles by the name that a person gave their target, selected or not."""
    if not path.exists():
        return {}
    groups = read_target_list(path).groups()
    return {name: {e.pipefile for e in entries} for name, entries in groups.items()}


def _exposures(
    files: set[str], cubes: Sequence[Datacube], exposures: Sequence[Datacube]
) -> list[Datacube]:
    """Datacubes of single exposures where there are any, else those of OBs."""
    found = {e.pipefile: e for e in exposures if e.pipefile in files}
    members = members_of([c for c in cubes if c.pipefile in files], exposures)
    for cube in cubes:
        of_cube = members.get(cube.pipefile, ())
        if cube.pipefile in files and not any(e.pipefile in found for e in of_cube):
            found |= {e.pipefile: e for e in of_cube or (cube,)}
    return sorted(found.values(), key=lambda one: in_time(one.pipefile))


def _placed(run_id: str, target: str, shown: Sequence[Datacube]) -> TargetPointings:
    found = pointings(shown)
    number = {
        name: count
        for count, pointing in enumerate(found, start=1)
        for name in pointing.pipefiles
    }
    spots = [
        Spot(
            pipefile=one.pipefile,
            run_id=one.run_id,
            ob_id=one.ob_id,
            pointing=number[one.pipefile],
            ra=one.ra,
            dec=one.dec,
            offset=_offset((one.ra, one.dec), found[0]),
            header=_header(one, found[0]),
        )
        for one in shown
        if one.pipefile in number and one.ra is not None and one.dec is not None
    ]
    unplaced = tuple(one.pipefile for one in shown if one.pipefile not in number)
    return TargetPointings(run_id, target, found, tuple(spots), unplaced)


def _header(one: Datacube, origin: Pointing) -> Offset | None:
    place = place_of(one.tel_targ_alpha, one.tel_targ_delta)
    return _offset(place, origin) if place else None


def _offset(place: tuple[float, float], origin: Pointing) -> Offset:
    """Arcsec east and north of a pointing, on a sphere that is flat nearby."""
    east = (place[0] - origin.ra + 180.0) % 360.0 - 180.0
    scale = math.cos(math.radians(origin.dec)) * _ARCSEC
    return east * scale, (place[1] - origin.dec) * _ARCSEC


def _cells(spot: Spot) -> tuple[str, ...]:
    header = spot.header or (None, None)
    return (
        quoted(spot.pipefile),
        quoted(spot.run_id),
        "-" if spot.ob_id is None else str(spot.ob_id),
        str(spot.pointing),
        f"{spot.ra:.5f}",
        f"{spot.dec:+.5f}",
        *("-" if v is None else f"{v:+.1f}" for v in (*spot.offset, *header)),
    )
