"""INCOMPLETE ABs: what lacks an input is no job, nor is what needs its products.

An AB says what it lacks in MISSING lines (ours): ``MISSING <what> <why>``, written by
who made it. A person who mends the AB removes them. COMPLETENESS alone stops nothing:
an AB store may say so of an aborted exposure that was processed all the same.
"""

from collections.abc import Sequence

from attrs import evolve

from phoenix_core.association_block import AbStatus, AssociationBlock
from phoenix_core.model import Cascade, Finding

MISSING = "MISSING"
_INCOMPLETE = "INCOMPLETE"
_NAMED = 3


def why_incomplete(block: AssociationBlock) -> str:
    """Return what an AB lacks as the cause of its status, '' if nothing.

    The first in full, of the others a few by name: the AB has all.
    """
    lacks = [" ".join(text.split()) for text in block.values(MISSING)]
    if not lacks:
        return ""
    first, *others = lacks
    names = list(dict.fromkeys(text.partition(" ")[0] for text in others))
    more = len(names) - _NAMED
    also = f"; also {', '.join(names[:_NAMED])}" if names else ""
    return f"{_INCOMPLETE}: {first}{also}" + (f" and {more} more" if more > 0 else "")


def set_aside(
    cascade: Cascade,
) -> tuple[Cascade, tuple[AssociationBlock, ...]]:
    """Split off the ABs that cannot be processed, as SKIPPED with the cause.

    The cascade that is left has a warning for each of them.
    """
    aside: dict[str, AssociationBlock] = {}
    findings: list[Finding] = []
    ready = []
    for block in cascade.blocks:
        cause = why_incomplete(block) or _of_need(block.needs, aside)
        if not cause:
            ready.append(_reopened(block))
            continue
        aside[block.name] = _put_aside(block, cause)
        findings.append(Finding(f"{block.name} is left out, {cause}", block.name))
    left = Cascade(tuple(ready), (*cascade.findings, *findings))
    return left, tuple(aside.values())


def _of_need(needs: Sequence[str], aside: dict[str, AssociationBlock]) -> str:
    for need in needs:
        if need in aside:
            return f"it needs {need}, which is {_INCOMPLETE}"
    return ""


def _put_aside(block: AssociationBlock, cause: str) -> AssociationBlock:
    """An AB that lacks something; what it says of its products stays if it is true."""
    if block.status is not AbStatus.SUCCESSFUL and not _is_aside(block):
        block = block.updated({"FINGERPRINT": ""})
    return _with_status(block, AbStatus.SKIPPED, cause)


def _reopened(block: AssociationBlock) -> AssociationBlock:
    """An AB that lacked something when it was last looked at.

    With its products still there it is finished, unless something else has changed.
    """
    if not _is_aside(block):
        return block
    is_done = block.fingerprint and block.products
    status = AbStatus.SUCCESSFUL if is_done else AbStatus.CREATED
    return _with_status(block, status, "")


def _is_aside(block: AssociationBlock) -> bool:
    return block.status is AbStatus.SKIPPED and _INCOMPLETE in block.cause


def _with_status(
    block: AssociationBlock, status: AbStatus, cause: str
) -> AssociationBlock:
    changed = block.updated({"PROCESS_STATUS": status.value, "PROCESS_CAUSE": cause})
    return block if changed == block else evolve(changed, source=None)
