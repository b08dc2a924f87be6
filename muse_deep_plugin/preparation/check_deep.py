"""What the ABs of a target have to be like before they go into the store."""

from collections.abc import Mapping, Sequence

from muse_deep_plugin.ab_deep import CROWDED, INSTRUMENT, deep_cascade
from muse_deep_plugin.steps import EXP_COMBINE, SCIPOST
from phoenix_core.ab.cascade import in_order
from phoenix_core.ab.file import check_block
from phoenix_core.association_block import PROCESSING, AbStatus, AssociationBlock
from phoenix_core.errors import ConfigError
from phoenix_core.nearest import nearest
from phoenix_core.run.create import in_order_of
from phoenix_core.run_id import RunId, parse_run_id

_FEWEST = 2


def problems_of(
    blocks: Sequence[AssociationBlock], target: str, run_id: RunId
) -> tuple[str, ...]:
    """Say all that is wrong with the ABs of a target, a line each.

    Args:
        blocks: the ABs, as they lie in the target's folder.
        target: its name.
        run_id: the run, the MASTER's where several are combined.
    """
    problems = []
    for block in blocks:
        try:
            check_block(block)
        except ConfigError as error:
            problems.append(str(error))
    if problems:
        return tuple(problems)
    by_name = {block.name: block for block in blocks}
    dpcs = [block for block in blocks if block.recipe == EXP_COMBINE.recipe]
    if len(dpcs) != 1:
        told = f"{target} has {len(dpcs)} ABs of {EXP_COMBINE.recipe}; expected one"
        problems.append(told)
    for dpc in dpcs:
        problems += _problems_of_dpc(dpc, by_name, target, run_id)
    for block in blocks:
        named = block.value("RUN_ID")
        if named and block not in dpcs and not _is_run(named, run_id):
            problems.append(str(block.wrong("RUN_ID", named, run_id.formal)))
        if (said := block.value("INSTRUMENT")) not in {"", INSTRUMENT}:
            problems.append(str(block.wrong("INSTRUMENT", said, INSTRUMENT)))
        problems += [
            str(
                block.wrong(
                    "MCALIB", need, f"an AB of the folder{_hint(need, by_name)}"
                )
            )
            for need in block.needs
            if need not in by_name
        ]
    return tuple(problems) or _refused_later(by_name, run_id)


def _refused_later(
    by_name: Mapping[str, AssociationBlock], run_id: RunId
) -> tuple[str, ...]:
    """Say what phoenix -C would refuse."""
    try:
        cascade = deep_cascade(tuple(by_name.values()), run_id)
        in_order_of(cascade, [by_name.get(b.name, b) for b in cascade.blocks])
    except ConfigError as error:
        return (str(error),)
    found = [(by_name.get(f.block), f) for f in cascade.findings if f.is_error]
    return tuple(
        f"{block.source}: {finding.message}"
        if block and block.source
        else finding.message
        for block, finding in found
    )


def to_upload(
    blocks: Sequence[AssociationBlock], added: Sequence[str]
) -> tuple[AssociationBlock, ...]:
    """Return the ABs that the dpc AB needs, each behind its needs, itself last.

    What a person added is among them, whether it is needed or not. None of them is
    processed yet, whatever a person left of PROCESS_STATUS.
    """
    by_name = {block.name: _created(block) for block in blocks}
    dpcs = [b.name for b in blocks if b.recipe == EXP_COMBINE.recipe]
    wanted = needed((*dpcs, *(name for name in added if name in by_name)), by_name)
    chosen = in_order(by_name[name] for name in wanted)
    return (
        *(block for block in chosen if block.name not in dpcs),
        *(by_name[name] for name in dpcs),
    )


def _created(block: AssociationBlock) -> AssociationBlock:
    if block.value("PROCESS_STATUS") == AbStatus.CREATED:
        return block
    return block.updated(
        {
            **dict.fromkeys(PROCESSING, ""),
            "PROCESS_STATUS": AbStatus.CREATED.value,
            "LOG_NAME": block.log_name,
        }
    )


def needed(
    names: Sequence[str], by_name: Mapping[str, AssociationBlock]
) -> frozenset[str]:
    """Return these ABs and all that they need, as far as they are there."""
    found: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name in by_name and name not in found:
            found.add(name)
            todo += by_name[name].needs
    return frozenset(found)


def _problems_of_dpc(
    dpc: AssociationBlock,
    by_name: Mapping[str, AssociationBlock],
    target: str,
    run_id: RunId,
) -> list[str]:
    problems = []
    if dpc.value("TARGET") != target:
        expected = f"{target} (the target list names targets)"
        problems.append(str(dpc.wrong("TARGET", dpc.value("TARGET"), expected)))
    if not _is_run(dpc.value("RUN_ID"), run_id):
        problems.append(str(dpc.wrong("RUN_ID", dpc.value("RUN_ID"), run_id.formal)))
    tables = [m.file for m in dpc.mcalibs if m.tag == "PIXTABLE_REDUCED"]
    if len(set(tables)) < _FEWEST:
        problems.append(f"{dpc.name} combines {len(set(tables))} exposures; expected 2")
    twice = sorted({name for name in tables if tables.count(name) > 1})
    problems += [f"{dpc.name} combines {name} twice" for name in twice]
    mode = dpc.value("PROC_MODE")
    if mode not in {"", CROWDED}:
        problems.append(
            str(dpc.wrong("PROC_MODE", mode, f"{CROWDED}, or no such line"))
        )
    for name in tables:
        pst = by_name.get(name)
        if pst and pst.recipe != SCIPOST.recipe:
            problems.append(str(pst.wrong("RECIPE", pst.recipe, SCIPOST.recipe)))
        if pst and pst.value("PROC_MODE") != mode:
            expected = f"as {dpc.name} has it ({mode or 'none'})"
            problems.append(
                str(pst.wrong("PROC_MODE", pst.value("PROC_MODE"), expected))
            )
    return problems


def _is_run(text: str, run_id: RunId) -> bool:
    try:
        return parse_run_id(text) == run_id
    except ConfigError:
        return False


def _hint(need: str, known: Mapping[str, AssociationBlock]) -> str:
    return nearest(need, known)
