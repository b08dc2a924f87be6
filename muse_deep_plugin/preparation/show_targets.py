"""What was collected for a target, as a table: for the terminal and for a text file."""

import math
from collections.abc import Sequence

from muse_deep_plugin.exposure_time import time_stamp
from muse_deep_plugin.preparation.collect_abs import Collected
from muse_deep_plugin.preparation.deep_warnings import (
    Cubes,
    exposure_time,
    instrument_mode,
)
from muse_deep_plugin.steps import CREATE_SKY, SCIBASIC
from phoenix_core.association_block import AssociationBlock
from phoenix_core.words.plain_text import plain
from phoenix_core.words.text_table import aligned, quoted

COLUMNS = ("START", "OB_ID", "TEXPTIME", "GRD", "INS_MODE", "AB", "SCIBASIC", "SKY")


def rows_of(collected: Collected, cubes: Cubes) -> list[tuple[str, ...]]:
    """Return a row an exposure: start (UT), OB, time (s), grade, mode, its ABs."""
    by_name = {block.name: block for block in collected.blocks}
    return [_row(pst, by_name, cubes) for pst in collected.exposures]


def overview(collected: Collected, cubes: Cubes, dpc: str) -> str:
    """Return the table of a target as a text."""
    rows = rows_of(collected, cubes)
    total = sum(
        seconds
        for pst in collected.exposures
        if not math.isnan(seconds := exposure_time(pst, cubes.get(pst.name)))
    )
    head = (
        f"# {plain(collected.target)}: {len(rows)} exposures of "
        f"{len(collected.obs)} OBs, {total:.0f} s, combined by {plain(dpc)}"
    )
    titles = (f"# {COLUMNS[0]}", *COLUMNS[1:])
    quotes = [tuple(quoted(value) for value in row) for row in rows]
    others = [
        f"# {plain(b.name)}  {plain(b.recipe)} {plain(b.raw_type)}"
        for b in collected.blocks
        if b.name not in {pst.name for pst in collected.exposures}
    ]
    lines = [head, *aligned([titles, *quotes]), "#", "# and what these need:", *others]
    return "\n".join(lines) + "\n"


def _row(
    pst: AssociationBlock, by_name: dict[str, AssociationBlock], cubes: Cubes
) -> tuple[str, ...]:
    cube = cubes.get(pst.name)
    seconds = exposure_time(pst, cube)
    needs = [by_name[name] for name in pst.needs if name in by_name]
    return (
        time_stamp(pst.name)[:19] or "-",
        pst.value("OBS_ID") or "-",
        "-" if math.isnan(seconds) else f"{seconds:.0f}",
        (cube.grd if cube else "") or "-",
        instrument_mode(pst, cube) or "-",
        pst.name,
        _names(needs, SCIBASIC.recipe),
        _names(needs, CREATE_SKY.recipe),
    )


def _names(blocks: Sequence[AssociationBlock], recipe: str) -> str:
    return " ".join(block.name for block in blocks if block.recipe == recipe) or "-"
