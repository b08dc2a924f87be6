"""The target list of a run: which exposures make which deep datacube.

The tools write it once and then only append to it; from then on it is a person's, who
comments, uncomments, moves, copies and renames. A line is a datacube of MUSE_R; those
of several exposures have the lines of these with them, whose TARGET is - ("that of its
datacube"), so that one exposure can be dropped, or put elsewhere.

An exposure belongs to the datacube of its run, OB and night that began last before it:
a datacube is named after its first exposure. So lines may stand in any order.
"""

import datetime as dt
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

from muse_deep_plugin.exposure_time import in_time, time_stamp
from phoenix_core.association_block import is_safe_name
from phoenix_core.errors import ConfigError
from phoenix_core.nearest import nearest
from phoenix_core.run_id import parse_run_id
from phoenix_core.words.plain_text import plain
from phoenix_core.words.text_table import Layout, Row, parse_table, read_text, refuse

SINGLE: Final = "DATACUBE_SINGLE"
COMBINED: Final = "DATACUBE_COMBINED"
OF_ITS_DATACUBE: Final = "-"
UNKNOWN: Final = "-"
FEWEST: Final = 2
"""Datacubes that a deep datacube is worth making of."""

LAYOUT: Final = Layout(
    (
        "CIVIL_DATE",
        "RUN_ID",
        "PIPEFILE",
        "TARGET",
        "OB_ID",
        "OB_NAME",
        "DATA_TYPE",
        "PATTERN",
        "TEXPTIME",
        "AMBI_REQ",
        "SKY_RES",
        "SGS_X_MED",
        "RMS",
        "GRD",
        "COMM",
    ),
    required=14,
    is_free=True,
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_ROW = re.compile(r"\"?\d{4}-\d\d-\d\d\"?\s", re.ASCII)
_PATTERN = re.compile(r"[OS]+")
_GRADE = re.compile(r"[A-Za-z]?|-", re.ASCII)


@frozen
class Entry:
    """A line of a target list; its columns have the units of `qc1_tables`.

    Numbers that are not known are None. `target` is - where an exposure has that of
    its datacube.
    """

    line: int
    is_selected: bool
    civil_date: str
    run_id: str
    pipefile: str
    target: str
    ob_id: int | None
    ob_name: str
    data_type: str
    pattern: str
    texptime: float | None
    ambi_req: float | None
    sky_res: float | None
    sgs_x_med: float | None
    rms: float | None
    grd: str
    comm: str

    @property
    def is_member(self) -> bool:
        """Whether it is an exposure that goes with its datacube."""
        return self.target == OF_ITS_DATACUBE

    @property
    def visit(self) -> tuple[str, int | None, str]:
        """What an exposure and its datacube have in common: run, OB, night."""
        return self.run_id, self.ob_id, self.civil_date


@frozen
class TargetList:
    """A target list as it stands; the entries in the order of their lines."""

    path: Path
    entries: tuple[Entry, ...]

    def selected(self) -> Mapping[str, tuple[str, ...]]:
        """Return the pipefiles to combine, in order of time, by target.

        They are exposures, and datacubes without lines for their exposures.
        """
        found: dict[str, set[str]] = defaultdict(set)
        for target, entry in self.uses():
            found[target].add(entry.pipefile)
        return {t: tuple(sorted(names, key=in_time)) for t, names in found.items()}

    def uses(self) -> Iterator[tuple[str, Entry]]:
        """Go through the entries that go into a deep datacube, with its target."""
        return ((target, entry) for target, entry, _ in self.taken())

    def taken(self) -> Iterator[tuple[str, Entry, Entry]]:
        """Go through the same, each with the line of its datacube (or with itself)."""
        cubes = self._datacubes()
        with_lines = {id(c) for e in self.entries for c in _cubes_of(e, cubes)}
        for entry in self.entries:
            if not entry.is_selected:
                continue
            if entry.is_member:
                for cube in _cubes_of(entry, cubes):
                    if cube.is_selected:
                        yield cube.target, entry, cube
            elif id(entry) not in with_lines:
                yield entry.target, entry, entry

    def targets_of(self, entry: Entry) -> tuple[str, ...]:
        """Return the targets that an entry belongs to, selected or not."""
        if not entry.is_member:
            return (entry.target,)
        cubes = _cubes_of(entry, self._datacubes())
        return tuple(dict.fromkeys(cube.target for cube in cubes))

    def members(self) -> Mapping[Entry, tuple[Entry, ...]]:
        """Return the exposures (TARGET -) of each datacube that has lines for them."""
        found: dict[Entry, list[Entry]] = defaultdict(list)
        cubes = self._datacubes()
        for entry in self.entries:
            for cube in _cubes_of(entry, cubes) if entry.is_member else ():
                found[cube].append(entry)
        return {cube: tuple(entries) for cube, entries in found.items()}

    def contradictions(self, cube_of: Mapping[str, str]) -> frozenset[str]:
        """Return entries whose OB and night the list cannot tell as they are.

        Args:
            cube_of: the datacube that each exposure really is part of.
        """
        cubes = self._datacubes()
        lines = {line for line, _ in _mistakes(self)}
        odd = {
            entry.visit
            for entry in self.entries
            if entry.line in lines
            or (entry.is_member and _names(entry, cubes) != {cube_of[entry.pipefile]})
        }
        return frozenset(e.pipefile for e in self.entries if e.visit in odd)

    def groups(self) -> Mapping[str, tuple[Entry, ...]]:
        """Return the entries of each target, selected or not, in order of lines."""
        found: dict[str, list[Entry]] = defaultdict(list)
        cubes = self._datacubes()
        for entry in self.entries:
            owners = _cubes_of(entry, cubes) if entry.is_member else (entry,)
            for target in dict.fromkeys(owner.target for owner in owners):
                found[target].append(entry)
        return {target: tuple(entries) for target, entries in found.items()}

    def _datacubes(self) -> "_Datacubes":
        found: _Datacubes = defaultdict(list)
        for entry in self.entries:
            if entry.data_type == COMBINED:
                found[entry.visit].append(entry)
        return found


_Datacubes = dict[tuple[str, int | None, str], list[Entry]]


Mistake = tuple[int, str]
"""A line, and what is wrong with it."""


_UNUSUAL = re.compile(r"[^A-Za-z0-9_.:+=-]+")
_FORBIDDEN = re.compile(r"[/\\]|\.\.|^[.-]")


def name_in_abs(target: str) -> str:
    """Return the name that ABs and headers have for a target of a list.

    >>> name_in_abs("NGC 300 (P1)")
    'NGC_300_P1_'
    """
    return _UNUSUAL.sub("_", target)


def can_be_in_abs(target: str) -> bool:
    """Whether a target of a list can have a name in ABs: it is no path, nor nothing.

    >>> can_be_in_abs("NGC 300 (P1)"), can_be_in_abs("../HDFS"), can_be_in_abs("( )")
    (True, False, False)
    """
    name = name_in_abs(target)
    is_path = _FORBIDDEN.search(target) is not None
    return not is_path and is_safe_name(name) and bool(name.strip("_"))


def nothing_more(_found: TargetList) -> Sequence[Mistake]:
    """Find no mistakes beyond those that a list shows by itself."""
    return ()


def list_path(folder: Path, run_id: str) -> Path:
    """Return the place of a run's target list in the folder of runs."""
    return folder / f"{parse_run_id(run_id).plain}.txt"


def read_target_list(
    path: Path, more: Callable[[TargetList], Sequence[Mistake]] = nothing_more
) -> TargetList:
    """Read a target list.

    Args:
        path: the list.
        more: finds mistakes that the list alone does not show.

    Raises:
        ConfigError: all mistakes, with their lines.
    """
    found = TargetList(path, parse_entries(read_text(path), path))
    mistakes = sorted({*_mistakes(found), *more(found)})
    refuse([f"{path}, line {line}: {said}" for line, said in mistakes])
    return found


def parse_entries(text: str, path: Path) -> tuple[Entry, ...]:
    """Read the lines of a target list, each for itself.

    Raises:
        ConfigError: all mistakes, with their lines.
    """
    return parse_table(text, path, LAYOUT, _entry, is_row)


def is_row(comment: str) -> bool:
    """Whether a comment may be a row that is not selected: it begins with a date."""
    return _ROW.match(comment) is not None


def problem_of(values: Sequence[str]) -> str:
    """Say what is wrong with values for a line, '' where nothing is."""
    try:
        _entry(Row(0, is_selected=True, values=tuple(values)))
    except ValueError as error:
        return str(error)
    return ""


def combined(master: TargetList, slaves: Sequence[TargetList]) -> TargetList:
    """Return the entries of a MASTER and its SLAVES as one list.

    What the MASTER's list knows is taken from there.
    """
    entries = list(master.entries)
    known = {entry.pipefile for entry in entries}
    for slave in slaves:
        entries += [entry for entry in slave.entries if entry.pipefile not in known]
        known |= {entry.pipefile for entry in slave.entries}
    return TargetList(master.path, tuple(entries))


def _cubes_of(entry: Entry, cubes: _Datacubes) -> tuple[Entry, ...]:
    """Return the lines of the datacube that an exposure is part of; none for others."""
    if entry.data_type != SINGLE:
        return ()
    begun = time_stamp(entry.pipefile)
    known = cubes.get(entry.visit, [])
    before = [cube for cube in known if time_stamp(cube.pipefile) <= begun]
    last = max((time_stamp(cube.pipefile) for cube in before), default="")
    return tuple(cube for cube in before if time_stamp(cube.pipefile) == last)


def _names(entry: Entry, cubes: _Datacubes) -> set[str]:
    return {cube.pipefile for cube in _cubes_of(entry, cubes)}


def _mistakes(found: TargetList) -> list[tuple[int, str]]:
    """What is wrong with lines taken together."""
    mistakes = []
    cubes = found._datacubes()  # noqa: SLF001, of the same module
    for entry in found.entries:
        if entry.is_selected and entry.is_member and not _cubes_of(entry, cubes):
            told = f"the datacube of {entry.pipefile} is not in the list"
            told = f"{told}{_meant(entry, found.entries)}"
            mistakes.append((entry.line, f"{told}; write a name in place of TARGET -"))
    mistakes += _empty_datacubes(found.entries, cubes)
    mistakes += _too_many(found.entries, cubes)
    named = ((e.target, e) for e in found.entries if e.is_selected and not e.is_member)
    seen: dict[tuple[str, str], int] = {}
    for target, entry in (*named, *found.uses()):
        first = seen.setdefault((target, entry.pipefile), entry.line)
        if first != entry.line:
            told = f"{entry.pipefile} stands in {plain(target)} on line {first} already"
            mistakes.append((entry.line, told))
    return sorted(set(mistakes))


def _meant(entry: Entry, entries: Sequence[Entry]) -> str:
    """Say which line may be that of the datacube of an exposure, mistyped; '' if none.

    A datacube has the name of its first exposure, and its run, OB and night.
    """
    for cube in entries:
        if cube.data_type != COMBINED:
            continue
        if cube.visit == entry.visit:
            return f"; is PIPEFILE of line {cube.line} mistyped? It begins later"
        if time_stamp(cube.pipefile) == time_stamp(entry.pipefile):
            odd = "RUN_ID, OB_ID or CIVIL_DATE"
            return f"; is {odd} of line {cube.line} mistyped? They differ"
    return ""


def _too_many(entries: Sequence[Entry], cubes: _Datacubes) -> list[tuple[int, str]]:
    """Exposures beyond those of a datacube: the line of their own was deleted."""
    found: dict[str, list[Entry]] = defaultdict(list)
    patterns: dict[str, str] = {}
    for entry in sorted(entries, key=lambda one: in_time(one.pipefile)):
        for cube in _cubes_of(entry, cubes)[:1]:
            found[cube.pipefile].append(entry)
            patterns[cube.pipefile] = cube.pattern
    mistakes = []
    for name, members in found.items():
        pattern, most = patterns[name], exposures_in(patterns[name])
        told = f"is more than the {pattern} of {name}; its own datacube is missing"
        kept = list(dict.fromkeys(one.pipefile for one in members))[:most]
        mistakes += [
            (one.line, f"{one.pipefile} {told}; write a name in place of TARGET -")
            for one in members
            if one.is_selected and one.is_member and one.pipefile not in kept
        ]
    return mistakes


def exposures_in(pattern: str) -> int | None:
    """Return how many OBJECT exposures a pattern has, None where it does not say.

    >>> exposures_in("OSOO"), exposures_in("")
    (3, None)
    """
    return pattern.count("O") if _PATTERN.fullmatch(pattern) else None


def _empty_datacubes(
    entries: Sequence[Entry], cubes: _Datacubes
) -> list[tuple[int, str]]:
    """Datacubes that are selected while none of their exposures is: what was meant?"""
    known: set[int] = set()
    kept: set[int] = set()
    for entry in entries:
        lines = {cube.line for cube in _cubes_of(entry, cubes)}
        known |= lines
        kept |= lines if entry.is_selected and entry.is_member else set()
    told = (
        "is selected, but no exposure with it (TARGET -); comment it too, or not them"
    )
    return [
        (entry.line, f"{entry.pipefile} {told}")
        for entry in entries
        if entry.is_selected and entry.line in known - kept
    ]


def _entry(row: Row) -> Entry:
    """Understand a line.

    Raises:
        ValueError: the first column that cannot be understood.
    """
    value = dict(zip(LAYOUT.columns, row.values, strict=True))
    return Entry(
        line=row.line,
        is_selected=row.is_selected,
        civil_date=_date(value["CIVIL_DATE"]),
        run_id=_run(value["RUN_ID"]),
        pipefile=_pipefile(value["PIPEFILE"]),
        target=_target(value["TARGET"], value["DATA_TYPE"]),
        ob_id=_ob_id(value["OB_ID"]),
        ob_name=value["OB_NAME"],
        data_type=_data_type(value["DATA_TYPE"]),
        pattern=value["PATTERN"],
        texptime=_number(value["TEXPTIME"], "TEXPTIME"),
        ambi_req=_number(value["AMBI_REQ"], "AMBI_REQ"),
        sky_res=_number(value["SKY_RES"], "SKY_RES"),
        sgs_x_med=_number(value["SGS_X_MED"], "SGS_X_MED"),
        rms=_number(value["RMS"], "RMS"),
        grd=_grade(value["GRD"]),
        comm=value["COMM"],
    )


def _date(text: str) -> str:
    try:
        is_date = bool(_DATE.fullmatch(text) and dt.date.fromisoformat(text))
    except ValueError:
        is_date = False
    if not is_date:
        raise ValueError(f"CIVIL_DATE is '{plain(text)}'; expected a date, 2014-10-22")
    return text


def _run(text: str) -> str:
    try:
        return parse_run_id(text).formal
    except ConfigError as error:
        raise ValueError(f"RUN_ID: {error}") from error


def _pipefile(text: str) -> str:
    is_name = is_safe_name(text) and text.startswith("r.") and text.endswith(".fits")
    if not is_name or not time_stamp(text):
        expected = "expected r.MUSE.<time>_pst.fits or r.MUSE.<time>_tpl.fits"
        raise ValueError(f"PIPEFILE is '{plain(text)}'; {expected}")
    return text


def _target(text: str, data_type: str) -> str:
    if not text:
        raise ValueError("TARGET is empty; expected a name")
    if text == OF_ITS_DATACUBE and data_type == COMBINED:
        raise ValueError("TARGET is -, which only an exposure can have; write a name")
    return text


def _ob_id(text: str) -> int | None:
    if text in {UNKNOWN, ""}:
        return None
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        raise ValueError(f"OB_ID is '{plain(text)}'; expected a number or -")
    return int(text)


def _data_type(text: str) -> str:
    known = (SINGLE, COMBINED)
    if text not in known:
        expected = f"expected {' or '.join(known)}"
        if text.startswith("DATACUBE_SKY"):
            expected = "SKY comes along by itself"
        raise ValueError(
            f"DATA_TYPE is '{plain(text)}'; {expected}{nearest(text, known)}; are "
            "values with blanks in double quotes?"
        )
    return text


def _number(text: str, column: str) -> float | None:
    if text in {UNKNOWN, ""}:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{column} is '{plain(text)}'; expected a number or -")
    return number


def _grade(text: str) -> str:
    if not _GRADE.fullmatch(text):
        raise ValueError(f"GRD is '{plain(text)}'; expected a letter or \"\"")
    return "" if text == UNKNOWN else text.upper()
