"""What an AB is about: what it needs, why it is due, what was or would be called."""

from pathlib import Path

from attrs import frozen

from phoenix_core import inputs
from phoenix_core.ab_file import read_block, read_blocks
from phoenix_core.association_block import AbStatus, AssociationBlock
from phoenix_core.cascade import in_order
from phoenix_core.errors import ConfigError, PhoenixError
from phoenix_core.ledger import Attempt
from phoenix_core.model import Run
from phoenix_core.nearest import nearest
from phoenix_core.process import what_is_due
from phoenix_core.process_ab import drs_call
from phoenix_core.session import Session
from phoenix_core.staleness import reasons


@frozen
class Need:
    """An AB that another one takes products from."""

    name: str
    status: str
    categories: tuple[str, ...]


@frozen
class Explanation:
    """All there is to say of an AB."""

    name: str
    recipe: str
    status: str
    cause: str
    file: str
    needs: tuple[Need, ...]
    taken_by: tuple[str, ...]
    inputs: tuple[tuple[str, str], ...]  # path, SOF tag
    due: tuple[str, ...]
    problem: str  # why inputs and command cannot be told
    command: tuple[str, ...]
    version: str
    log: str
    products: tuple[str, ...]
    attempts: tuple[Attempt, ...]


def explain(session: Session, name: str) -> Explanation:
    """Explain one AB of a run.

    Raises:
        ConfigError: the run has no such AB.
    """
    run = session.run
    block = _find(run, name)
    directory = run.product_dir(block.raw_type)
    needs, found, problem = [], [], ""
    command: tuple[str, ...] = ()
    version = ""
    try:
        made_by = inputs.makers(run, block)
        needs = [_need(block, maker) for maker in made_by.values()]
        now = inputs.resolve(run, block, made_by, session.sums)
        found = [(str(path), tag) for path, tag in inputs.paths(run, now)]
        call = drs_call(run, session.pgis, now)
        command, version = call.command, call.version
    except PhoenixError as error:
        problem = str(error)
    return Explanation(
        name=name,
        recipe=block.recipe,
        status=block.status.value,
        cause=block.cause,
        file=str(block.source),
        needs=tuple(needs),
        taken_by=_takers(run, name),
        inputs=tuple(found),
        due=_due(session, block),
        problem=problem,
        command=command,
        version=version,
        log=_log(run, block),
        products=tuple(
            f"{directory / product.file} ({product.category}, {product.state})"
            for product in block.products
        ),
        attempts=session.ledger.attempts(run.date, name),
    )


def _find(run: Run, name: str) -> AssociationBlock:
    moved = run.config.directories.logs / run.date / name
    path = run.ab_path(name)
    known = {p.name: p for d in (moved.parent, run.ab_dir) for p in d.glob("*.ab")}
    if name not in known:
        hint = nearest(name, known)
        raise ConfigError(f"{run.label} has no AB {name} in {path.parent}{hint}")
    return read_block(known[name])


def _due(session: Session, block: AssociationBlock) -> tuple[str, ...]:
    """Why part 2 would process it, in the words of part 2."""
    blocks: dict[str, AssociationBlock] = {}
    for other in in_order(read_blocks(session.run.ab_dir)):
        if all(need in blocks for need in other.needs):
            blocks[other.name] = other
    if block.name in blocks:
        return what_is_due(session, tuple(blocks.values())).get(block.name, ())
    if block.status is AbStatus.SUCCESSFUL:  # it was moved
        return ()
    return reasons(block, block, "", Path())


def _need(block: AssociationBlock, maker: AssociationBlock) -> Need:
    tags = [m.tag for m in block.mcalibs if m.is_virtual and m.file == maker.name]
    return Need(maker.name, maker.status.value, tuple(tags))


def _takers(run: Run, name: str) -> tuple[str, ...]:
    blocks = (read_block(path) for path in sorted(run.ab_dir.glob("*.ab")))
    return tuple(block.name for block in blocks if name in block.needs)


def _log(run: Run, block: AssociationBlock) -> str:
    places = (
        run.product_dir(block.raw_type) / block.log_name,
        run.config.directories.logs / run.date / block.log_name,
    )
    return next((str(path) for path in places if path.exists()), "")
