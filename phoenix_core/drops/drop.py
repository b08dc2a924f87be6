"""To drop exposures from ABs, and to take them back: an edit that phoenix records.

An exposure goes from the AB that a person names, and from every AB that this one needs
or that needs it: what aligns exposures takes the same ones as what combines them. What
an instrument needs at least is known to its AB_PGI, which is asked about the ABs as
they would be.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from attrs import field, frozen

from phoenix_core import hookspecs
from phoenix_core.ab.cascade import in_order
from phoenix_core.ab.dropped import Dropping, taken
from phoenix_core.association_block import AssociationBlock
from phoenix_core.drops.exposures import find_exposures, related
from phoenix_core.errors import ConfigError, PhoenixError
from phoenix_core.files.run_lock import holding
from phoenix_core.jobs.due import what_is_due
from phoenix_core.loader.session import Session
from phoenix_core.model import Finding, Run
from phoenix_core.move.leaving import active_blocks
from phoenix_core.move.plan import needs_of
from phoenix_core.nearest import nearest
from phoenix_core.processing.process_ab import LOCK
from phoenix_core.records.comments import LONGEST
from phoenix_core.records.drop_record import (
    DROP,
    UNDROP,
    Edit,
    carry_out,
    finish_drops,
)
from phoenix_core.records.lines import now, user
from phoenix_core.run.move_products import finish_moves
from phoenix_core.words.plain_text import plain

Blocks = Mapping[str, AssociationBlock]


@frozen
class Change:
    """An AB that was edited: what it takes no longer or again, and how much is left."""

    block: str
    files: tuple[str, ...]
    tag: str
    left: int  # of that tag


@frozen
class Edited:
    """What was done, and what part 2 will make anew for it.

    `nothing_to_do` are exposures that were dropped, or taken back, already.
    """

    action: str
    block: str
    changes: tuple[Change, ...]
    nothing_to_do: tuple[str, ...]
    due: Mapping[str, tuple[str, ...]] = field(factory=dict)


def drop(session: Session, words: Sequence[str], why: str = "") -> Edited:
    """Drop exposures from the AB of -a and from those that go with it.

    The lock of the run is held by the caller.

    Args:
        session: the run.
        words: the exposures; see `find_exposures`.
        why: for the record; '' says nothing.

    Raises:
        ConfigError: there is no such AB or exposure; the AB was moved; too little would
            be left.
        ProcessingError: an AB is being processed; the disk does not take it.
        PgiError: the AB_PGI failed.
    """
    return _edit(session, DROP, words, why)


def undrop(session: Session, words: Sequence[str], why: str = "") -> Edited:
    """Take back what was dropped: each line where and as it was.

    Raises:
        ConfigError: there is no such AB, or no such exposure was ever dropped from it.
        ProcessingError: an AB is being processed; the disk does not take it.
    """
    return _edit(session, UNDROP, words, why)


def _edit(session: Session, action: str, words: Sequence[str], why: str) -> Edited:
    run = session.run
    finish_moves(run)
    finish_drops(run)
    blocks = active_blocks(run)
    named = _named(run, blocks)
    files = find_exposures(named, blocks, words)
    together = related(named.name, blocks)
    if len(why) > LONGEST:
        raise ConfigError(
            f"--why has {len(why)} letters; at most {LONGEST} are kept in an AB"
        )
    word = Dropping(now(), user(), plain(why))
    asked = Edit(action, named.name, tuple(words), files, together, word)
    after = {name: asked.on(blocks[name]) for name in together}
    changed = {name: new for name, new in after.items() if new != blocks[name]}
    changes = tuple(_changes(blocks, changed, action))
    idle = tuple(f for f in files if all(f not in one.files for one in changes))
    if not changed:
        return Edited(action, named.name, (), idle)
    if action == DROP:
        _check_enough(session, blocks, changed, changes)
    edit = Edit(action, named.name, tuple(words), files, tuple(changed), word)
    with _holding(run, edit.blocks):
        carry_out(run, edit)
    done = "dropped" if action == DROP else "taken back"
    session.events.tell(
        "exposures_" + done.replace(" ", "_"), files=files, abs=edit.blocks, why=why
    )
    return Edited(action, named.name, changes, idle, _due(session, named.name))


def _named(run: Run, blocks: Blocks) -> AssociationBlock:
    """The AB of -a."""
    name = run.select
    if name in blocks:
        return blocks[name]
    if not blocks and not run.moved_path(name).exists():
        raise ConfigError(
            f"{run.label} has no ABs in {run.ab_dir}: make them first, with phoenix "
            f"{run.option} -C"
        )
    if name and run.moved_path(name).exists():
        raise ConfigError(
            f"{name} is certified and moved: make it anew with phoenix {run.option} -C "
            f"--fresh -a {name}, then drop from it"
        )
    raise ConfigError(f"{run.label} has no AB {name}{nearest(name, blocks)}")


def _changes(blocks: Blocks, changed: Blocks, action: str) -> Iterator[Change]:
    for name, new in changed.items():
        fewer, more = (new, blocks[name]) if action == DROP else (blocks[name], new)
        kept = list(taken(fewer))
        gone = [one for one in taken(more) if one not in kept]
        for tag in dict.fromkeys(tag for _, tag in gone):
            files = dict.fromkeys(file for file, its in gone if its == tag)
            left = {file for file, its in taken(new) if its == tag}
            yield Change(name, tuple(files), tag, len(left))


def _check_enough(
    session: Session, blocks: Blocks, changed: Blocks, changes: Sequence[Change]
) -> None:
    """Refuse what the instrument could not make anything of."""
    for one in changes:
        if not one.left:
            raise ConfigError(
                f"nothing was dropped: {one.block} would have no {one.tag} left"
            )
    try:
        before = {finding.message for finding in _errors(session, blocks)}
    except PhoenixError:  # it knows the ABs of the source only, and cannot judge these
        return
    for finding in _errors(session, {**blocks, **changed}):
        if finding.message not in before:
            raise ConfigError(f"nothing was dropped: {finding.message}")


def _errors(session: Session, blocks: Blocks) -> list[Finding]:
    """What the AB_PGI finds wrong in these ABs."""
    given = tuple(blocks.values())
    cascade = session.pgis.call(hookspecs.ab_pgi, run=session.run, blocks=given)
    return [finding for finding in cascade.findings if finding.is_error]


@contextlib.contextmanager
def _holding(run: Run, names: Sequence[str]) -> Iterator[None]:
    """Keep others from processing these ABs meanwhile."""
    with contextlib.ExitStack() as locks:
        for name in names:
            lock = run.work_dir(name) / LOCK
            locks.enter_context(holding(lock, name))
        try:
            yield
        finally:
            for name in names:
                with contextlib.suppress(OSError):  # an earlier recipe's things stay
                    (run.work_dir(name) / LOCK).unlink()
                    run.work_dir(name).rmdir()


def _due(session: Session, name: str) -> dict[str, tuple[str, ...]]:
    """What part 2 will process for this AB, and why."""
    blocks = active_blocks(session.run)
    users = (other for other in blocks if name in needs_of(other, blocks))
    wanted = {name, *users}
    wanted |= {need for one in tuple(wanted) for need in needs_of(one, blocks)}
    ordered = in_order(blocks[one] for one in wanted)
    return what_is_due(session, ordered)
