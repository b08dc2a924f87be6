"""What is due: the ABs of a run that have to be processed, and why."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from phoenix_core.ab import inputs
from phoenix_core.association_block import AbStatus, AssociationBlock
from phoenix_core.errors import PhoenixError
from phoenix_core.loader.session import Session
from phoenix_core.processing.process_ab import drs_call
from phoenix_core.processing.staleness import reasons


def what_is_due(
    session: Session, blocks: Sequence[AssociationBlock]
) -> dict[str, tuple[str, ...]]:
    """Return the ABs that have to be processed, and why.

    An AB that is finished is due all the same where its products were deleted and
    something that is due takes them.
    """
    due: dict[str, tuple[str, ...]] = {}
    changed: set[str] = set()  # due, and with other products afterwards
    by_name = {block.name: block for block in blocks}
    makers = _moved_makers(session, by_name) | by_name
    for block in blocks:
        because = [need for need in block.needs if need in changed]
        if because and block.status is AbStatus.SUCCESSFUL:
            due[block.name] = (f"{because[0]}, which it needs, is processed again",)
            changed.add(block.name)
            continue
        found, same = _reasons(session, block, makers)
        if found:
            due[block.name] = found
            if not same:
                changed.add(block.name)
    for block in reversed(blocks):
        if block.name not in due:
            continue
        for mcalib in block.mcalibs:
            if mcalib.file in by_name and mcalib.file not in due:
                maker = by_name[mcalib.file]
                made = [p for p in maker.products if p.category == mcalib.tag]
                if not made or any(product.is_deleted for product in made):
                    told = f"{block.name} needs its {mcalib.tag}, deleted meanwhile"
                    due[mcalib.file] = (told,)
    return due


def _moved_makers(
    session: Session, blocks: Mapping[str, AssociationBlock]
) -> dict[str, AssociationBlock]:
    """Read the ABs that some of these need and that were moved before."""
    needs = {need for block in blocks.values() for need in block.needs}
    return {
        name: inputs.read_maker(session.run, name) for name in needs - blocks.keys()
    }


def _reasons(
    session: Session,
    block: AssociationBlock,
    makers: Mapping[str, AssociationBlock],
) -> tuple[tuple[str, ...], bool]:
    """Why an AB is due, and whether its products will be the same as before."""
    if block.status is not AbStatus.SUCCESSFUL:
        return reasons(block, block, "", Path()), False
    directory = session.run.product_dir(block.raw_type)
    try:
        now = inputs.resolve(session.run, block, makers, session.sums)
        version = drs_call(session.run, session.pgis, now).version
        found = reasons(block, now, version, directory)
    except PhoenixError as error:
        return (str(error),), False
    is_same = all("missing or not whole" in reason for reason in found)
    return found, is_same
