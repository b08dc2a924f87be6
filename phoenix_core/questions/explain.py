"""What an AB is about: what it needs, why it is due, what was or would be called."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import frozen

from phoenix_core.ab import inputs
from phoenix_core.ab.cascade import in_order
from phoenix_core.ab.dropped import dropped, left_out
from phoenix_core.ab.file import read_blocks
from phoenix_core.association_block import AbStatus, AssociationBlock, ProductRecord
from phoenix_core.errors import ConfigError, PhoenixError, ProcessingError
from phoenix_core.jobs.due import what_is_due
from phoenix_core.loader.session import Session
from phoenix_core.model import Run, Score
from phoenix_core.nearest import nearest
from phoenix_core.processing.process_ab import drs_call
from phoenix_core.processing.staleness import reasons
from phoenix_core.questions.status import (
    Found,
    blocks_of,
    find_report,
    status_of,
    told_dropped,
)
from phoenix_core.records.ledger import Attempt
from phoenix_core.records.verdicts import Word, read_verdicts, word_on

MISSING = "MISSING"


@frozen
class Need:
    """An AB that another one takes products from."""

    name: str
    status: str
    categories: tuple[str, ...]


@frozen
class File:
    """An input or a product where it is today: its SOF tag or category, and its state.

    The state is that of the AB's record of it, or MISSING; '' for other files.
    """

    path: str
    tag: str
    state: str = ""

    @property
    def is_deleted(self) -> bool:
        """Whether it was made, and is not there any more."""
        return self.state == "DELETED"


@frozen
class Explanation:
    """All there is to say of an AB.

    `due` is empty where part 2 has nothing to do. A `command` that was called is that
    of the AB's record; `is_called` tells it from one that would be called.
    """

    name: str
    recipe: str
    status: str
    cause: str
    file: str
    needs: tuple[Need, ...]
    taken_by: tuple[str, ...]
    inputs: tuple[File, ...]
    due: tuple[str, ...]
    problem: str  # why inputs and command cannot be told
    command: tuple[str, ...]
    is_called: bool
    version: str
    log: str
    products: tuple[File, ...]
    report: str
    scores: tuple[Score, ...]
    verdict: Word | None
    attempts: tuple[Attempt, ...]
    dropped: tuple[str, ...] = ()  # from it: what, by whom, when, why
    dropped_from: tuple[str, ...] = ()  # ABs that need it no longer
    comments: tuple[str, ...] = ()  # of the QC report: what it warns of


@frozen
class _Told:
    """What can be told of inputs and call, or why it cannot."""

    inputs: tuple[File, ...] = ()
    command: tuple[str, ...] = ()
    version: str = ""
    problem: str = ""


def explain(session: Session, name: str) -> Explanation:
    """Explain one AB of a run, also one that was moved.

    Raises:
        ConfigError: the run has no such AB, or one of its ABs is damaged.
        CertificationError: the file of verdicts is damaged.
    """
    run = session.run
    blocks = blocks_of(run)
    found = _find(run, blocks, name)
    block = found.block
    due = () if found.is_moved else _due(session, block)
    is_done = block.status is AbStatus.SUCCESSFUL
    told = _told(session, blocks, found)
    report = find_report(run, found) if is_done else None
    return Explanation(
        name=name,
        recipe=block.recipe,
        status=status_of(found),
        cause=block.cause,
        file=str(block.source),
        needs=tuple(_needs(blocks, block)),
        taken_by=tuple(n for n, one in blocks.items() if name in one.block.needs),
        inputs=told.inputs,
        due=due,
        problem=told.problem,
        command=told.command,
        is_called=is_done and not due,
        version=told.version,
        log=_log(run, block),
        products=tuple(_made(run, found, record) for record in block.products),
        report=str(report[0]) if report else "",
        scores=report[1].scores if report else (),
        verdict=word_on(read_verdicts(run), block) if is_done else None,
        attempts=session.ledger.attempts(run.date, name),
        dropped=told_dropped(run, found),
        dropped_from=tuple(
            f"{n} {one.word.told}"
            for n, by in blocks.items()
            for one in dropped(by.block)
            if one.file == name
        ),
        comments=report[1].comments if report else (),
    )


def _find(run: Run, blocks: Mapping[str, Found], name: str) -> Found:
    if name not in blocks:
        raise ConfigError(
            f"{run.label} has no AB {name} in {run.ab_dir}{nearest(name, blocks)}"
        )
    return blocks[name]


def _told(session: Session, blocks: Mapping[str, Found], found: Found) -> _Told:
    """Inputs and call: as they are now, or of a moved AB as they were."""
    run, block = session.run, found.block
    files: tuple[File, ...] = ()
    try:
        files = tuple(_inputs(run, blocks, block))
        if found.is_moved:
            command = (block.recipe, *block.values("CALL_PARAM"))
            return _Told(files, command, block.value("RECIPE_VERSION"))
        made_by = inputs.makers(run, block)
        now = inputs.resolve(run, block, made_by, session.sums)
        call = drs_call(run, session.pgis, now)
    except PhoenixError as error:
        return _Told(files, problem=str(error))
    return _Told(files, call.command, call.version)


def _inputs(
    run: Run, blocks: Mapping[str, Found], block: AssociationBlock
) -> Iterator[File]:
    """What an AB takes, in the order of its lines, each file where it is today."""
    directories = run.config.directories
    for raw in block.rawfiles:
        yield _on_disk(directories.raw, raw.file, raw.tag)
    for mcalib in block.mcalibs:
        if not mcalib.is_virtual:
            yield _on_disk(directories.calib, mcalib.file, mcalib.tag)
        elif mcalib.file in blocks:
            maker = blocks[mcalib.file]
            for record in maker.block.products:
                if record.category == mcalib.tag:
                    yield _made(run, maker, record)


def _on_disk(directory: Path, name: str, tag: str) -> File:
    try:
        return File(str(inputs.find_file(directory, name)), tag)
    except ProcessingError:  # there is none, or two
        return File(name, tag, MISSING)


def _made(run: Run, found: Found, record: ProductRecord) -> File:
    """A product where it is today; one that was deleted where it was."""
    waiting = run.product_dir(found.block.raw_type)
    places = [waiting]
    if found.is_moved:
        told = map(Path, found.block.values("PROD_PATH"))
        places = [*told, run.config.directories.reduced / run.date, waiting]
    paths = [place / record.file for place in places]
    path = next((path for path in paths if path.is_file()), None)
    is_lost = path is None and not record.is_deleted
    state = MISSING if is_lost else record.state
    return File(str(path or paths[0]), record.category, state)


def _due(session: Session, block: AssociationBlock) -> tuple[str, ...]:
    """Why part 2 would process it, in the words of part 2."""
    run = session.run
    blocks: dict[str, AssociationBlock] = {}
    there = in_order(read_blocks(run.ab_dir))
    out = left_out(there)
    if block.name in out:
        return ()
    for other in there:
        if other.name not in out and all(
            n in blocks or run.moved_path(n).exists() for n in other.needs
        ):
            blocks[other.name] = other
    if block.name in blocks:
        return what_is_due(session, tuple(blocks.values())).get(block.name, ())
    if block.status is not AbStatus.SUCCESSFUL:
        return reasons(block, block, "", Path())
    absent = next(need for need in block.needs if need not in blocks)
    return (f"{absent}, which it needs, is not in {run.ab_dir}",)


def _needs(blocks: Mapping[str, Found], block: AssociationBlock) -> Iterator[Need]:
    for name in block.needs:
        tags = [m.tag for m in block.mcalibs if m.is_virtual and m.file == name]
        status = status_of(blocks[name]) if name in blocks else MISSING
        yield Need(name, status, tuple(tags))


def _log(run: Run, block: AssociationBlock) -> str:
    places = (
        run.product_dir(block.raw_type) / block.log_name,
        run.moved_path(block.log_name),
    )
    return next((str(path) for path in places if path.exists()), "")
