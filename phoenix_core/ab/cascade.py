"""Cascades: what the core holds an AB_PGI's answer against, and walks through."""

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import ConfigError, PgiError
from phoenix_core.model import Cascade
from phoenix_core.nearest import nearest


def check_cascade(
    cascade: Cascade, pgi: str, source: Sequence[AssociationBlock] = ()
) -> None:
    """Hold the answer of an AB_PGI against its contract.

    Args:
        cascade: the answer.
        pgi: who gave it.
        source: the ABs that it was given.

    Raises:
        ConfigError: an AB came with a need that is not there.
        PgiError: an AB is there twice, stands before what it needs, or needs one that
            is not there, and no error finding says so.
    """
    excused = {finding.block for finding in cascade.findings if finding.is_error}
    position: dict[str, int] = {}
    for place, block in enumerate(cascade.blocks):
        if block.name in position:
            raise PgiError(f"{pgi}: {block.name} is in the cascade twice")
        position[block.name] = place
    for place, block in enumerate(cascade.blocks):
        for need in block.needs:
            if need not in position and block.name in excused:
                continue
            if need not in position:
                hint = nearest(need, position)
                given = {one.name: one for one in source}.get(block.name)
                if given and need in given.needs:
                    expected = f"an AB of the cascade{hint}"
                    raise given.wrong("MCALIB", f"VIRTUAL {need}", expected)
                raise PgiError(
                    f"{pgi}: {block.name} needs {need}, which is not in the "
                    f"cascade{hint}"
                )
            if position[need] > place:
                raise PgiError(f"{pgi}: {block.name} stands before {need}, its input")


def in_order(blocks: Iterable[AssociationBlock]) -> tuple[AssociationBlock, ...]:
    """Sort ABs so that each stands after what it needs, else in the order of names.

    Raises:
        ConfigError: ABs need each other in a circle.
    """
    by_name = {block.name: block for block in sorted(blocks, key=lambda b: b.name)}
    graph = {
        name: [need for need in block.needs if need in by_name]
        for name, block in by_name.items()
    }
    try:
        return tuple(by_name[name] for name in TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise ConfigError(f"ABs need each other in a circle: {circle}") from error


def select(cascade: Cascade, names: Iterable[str]) -> Cascade:
    """Return the part of a cascade that makes these ABs."""
    by_name = {block.name: block for block in cascade.blocks}
    wanted: set[str] = set()
    open_names = list(names)
    while open_names:
        name = open_names.pop()
        if name not in wanted and name in by_name:
            wanted.add(name)
            open_names += by_name[name].needs
    blocks = tuple(block for block in cascade.blocks if block.name in wanted)
    # What is said of an AB that the cascade leaves out may concern any of them.
    findings = tuple(
        f for f in cascade.findings if f.block in wanted or f.block not in by_name
    )
    return Cascade(blocks, findings)


def finals(blocks: Sequence[AssociationBlock]) -> tuple[AssociationBlock, ...]:
    """Return the ABs that no other one needs: what the cascade is for."""
    needed = {need for block in blocks for need in block.needs}
    return tuple(block for block in blocks if block.name not in needed)


def takers(blocks: Sequence[AssociationBlock]) -> Mapping[str, tuple[str, ...]]:
    """Return for each AB the ones that take its products."""
    found: dict[str, list[str]] = {block.name: [] for block in blocks}
    for block in blocks:
        for need in block.needs:
            found.setdefault(need, []).append(block.name)
    return {name: tuple(by) for name, by in found.items()}
