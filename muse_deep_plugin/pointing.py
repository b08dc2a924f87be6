"""Where exposures point, as their headers say: a foreign field is told before it costs.

muse_exp_align runs for many minutes on a field half a degree away and ends with exit
status 0; muse_exp_combine then asks for a cube that fits no memory.
"""

from collections.abc import Mapping
from typing import Final

from muse_deep_plugin.exposure_time import in_time
from muse_deep_plugin.headers import ReadHeader, position, primary_header
from muse_deep_plugin.sky import Position, separation
from muse_deep_plugin.steps import EXP_COMBINE, SCIBASIC, SCIPOST
from phoenix_core.ab.inputs import find_file
from phoenix_core.errors import ProcessingError
from phoenix_core.model import AssociationBlock, Cascade, Finding, Run

FIELD: Final = 1.0 / 60.0
"""Degrees: the field of view of MUSE in wide-field mode is one arcminute."""


def pointing_findings(
    run: Run,
    cascade: Cascade,
    max_separation: float,
    read: ReadHeader = primary_header,
) -> list[Finding]:
    """Say which exposures of a target lie apart from the others.

    An exposure more than `max_separation` (degrees) from the target's first is an
    error, one that overlaps no other exposure a warning. Raw files that are not there
    are another PGI's business.
    """
    by_name = {block.name: block for block in cascade.blocks}
    findings = []
    for dpc in cascade.blocks:
        if dpc.recipe == EXP_COMBINE.recipe:
            positions = _positions(run, dpc, by_name, read)
            findings += _apart(dpc, positions, max_separation)
    return findings


def _positions(
    run: Run,
    dpc: AssociationBlock,
    by_name: Mapping[str, AssociationBlock],
    read: ReadHeader,
) -> dict[str, Position]:
    """Where each OBJECT exposure of a dpc AB points, by raw file, in time."""
    raw = []
    for pst in _makers(dpc, by_name, SCIPOST.recipe):
        for scibasic in _makers(pst, by_name, SCIBASIC.recipe):
            raw += [r.file for r in scibasic.rawfiles if r.tag == "OBJECT"]
    positions = {}
    for name in sorted(set(raw), key=in_time):
        try:
            path = find_file(run.config.directories.raw, name)
            found = position(read(path))
        except ProcessingError:
            continue
        if found:
            positions[name] = found
    return positions


def _makers(
    block: AssociationBlock, by_name: Mapping[str, AssociationBlock], recipe: str
) -> list[AssociationBlock]:
    makers = (by_name[name] for name in block.needs if name in by_name)
    return [maker for maker in makers if maker.recipe == recipe]


def _apart(
    dpc: AssociationBlock, positions: Mapping[str, Position], limit: float
) -> list[Finding]:
    findings = []
    target = dpc.value("TARGET") or dpc.name
    first = next(iter(positions), "")
    for name, here in positions.items():
        others = [p for other, p in positions.items() if other != name]
        away = separation(here, positions[first])
        if away > limit:
            message = (
                f"{name} points {away:.3f} degrees away from {first}, the first "
                f"exposure of {target}; take it out of {dpc.name}"
            )
            findings.append(Finding(message, dpc.name, is_error=True))
        elif others and min(separation(here, p) for p in others) > FIELD:
            message = (
                f"{name} overlaps no other exposure of {target} ({dpc.name}), by its "
                "header; it cannot be aligned"
            )
            findings.append(Finding(message, dpc.name))
    return findings
