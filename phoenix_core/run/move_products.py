"""moveProducts: part 3 of a run, from products that wait to certified ones.

Products of accepted ABs go to the reduced directory of the date, or where the PGIs
say; logs, QC reports and the ABs themselves to logs; plots to plots. What only an
accepted AB needed goes with it; its working products are deleted. The call of
ingestProducts that is due then is appended to JOBS_INGEST. A call that was killed is
completed by the next one, and a call too many does nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from attrs import evolve, frozen

from phoenix_core import hookspecs
from phoenix_core.ab.file import read_block
from phoenix_core.ab.incomplete import why_incomplete
from phoenix_core.archive.jobs_ingest import add_call
from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import (
    CertificationError,
    ConfigError,
    PgiError,
    PhoenixError,
)
from phoenix_core.files.run_lock import is_held
from phoenix_core.loader.pgis import Pgis
from phoenix_core.model import AbStatus, Move, Product, QcReport, Run, Verdict
from phoenix_core.move.leaving import (
    Done,
    active_blocks,
    clear_kept,
    finish,
    leave,
    told,
)
from phoenix_core.move.plan import (
    all_going,
    all_needs,
    check_whole,
    needs_of,
    plan_leaving,
    products_of,
    why_out_of_date,
)
from phoenix_core.move.rename_products import check_moves, rename
from phoenix_core.nearest import nearest
from phoenix_core.processing.process_ab import LOCK
from phoenix_core.processing.process_qc import read_reports
from phoenix_core.records.drop_record import dropped_since, finish_drops
from phoenix_core.review.certify import certify, why_undecided


@frozen
class Stays:
    """An AB whose products stay where they are, and why."""

    block: str
    why: str


@frozen
class PartThree:
    """What became of the final ABs of a run.

    `failed` ones were accepted, but could not be moved; `moved` and `deleted` are the
    files.
    """

    accepted: tuple[Verdict, ...] = ()
    rejected: tuple[Verdict, ...] = ()
    undecided: tuple[Stays, ...] = ()
    failed: tuple[Stays, ...] = ()
    moved: tuple[Move, ...] = ()
    deleted: tuple[Path, ...] = ()

    @property
    def is_idle(self) -> bool:
        """Whether there was nothing to move and nothing to delete."""
        return not (self.moved or self.deleted)

    def raise_for_failed(self) -> None:
        """Tell what was accepted and could not be moved.

        Raises:
            CertificationError: one line for each.
        """
        if self.failed:
            lines = (f"{one.block} was not moved: {one.why}" for one in self.failed)
            raise CertificationError("\n".join(lines))


@frozen
class _Waiting:
    """The ABs of a run that were not moved, and all that each final one needs."""

    run: Run
    blocks: Mapping[str, AssociationBlock]
    needs: Mapping[str, frozenset[str]]
    going: Mapping[str, frozenset[str]]  # with it: its needs, and what was dropped

    def cascade(self, name: str) -> tuple[str, ...]:
        """An AB and all that it needs."""
        return (name, *sorted(needs_of(name, self.blocks)))


def move(run: Run, pgis: Pgis) -> PartThree:
    """Do part 3: have the products of a run certified, and move what is accepted.

    The run's lock is held by the caller. With `run.select` only that AB is reviewed
    and moved. With `run.keep` no working product is deleted; without it also those that
    an earlier call kept.

    Returns:
        What became of each final AB; call `raise_for_failed` once it is shown.

    Raises:
        CertificationError: verdicts are still to be given, or wrong (see `certify`).
        PgiError: a plug-in failed, or its answer cannot be taken; nothing was moved.
        ConfigError: an AB or a QC report is damaged; there is no AB as selected.
        ProcessingError: an earlier move cannot be completed.
    """
    done = Done()
    finish(run, done)
    judged = _judge(run, pgis)
    waiting, verdicts = judged.waiting, judged.verdicts
    accepted = [n for n in judged.finals if n in verdicts and verdicts[n].is_accepted]
    accepted += _alone(waiting, judged.looked_at, verdicts)
    failed = {n: why for n in accepted if (why := _why_not(waiting, n, verdicts))}
    if ready := [name for name in accepted if name not in failed]:
        moves = _ask_moves(run, pgis, ready, _products(waiting, ready, verdicts))
        add_call(run)  # first: a call that is killed later is completed
        failed |= _leave_all(waiting, ready, moves, done)
    if not run.keep:
        clear_kept(run, _kept_of(run), done)
    return evolve(
        _told(pgis, judged),
        failed=tuple(Stays(name, why) for name, why in failed.items()),
        moved=tuple(done.moved),
        deleted=tuple(done.deleted),
    )


def certify_only(run: Run, pgis: Pgis) -> PartThree:
    """Have the products of a run certified, and leave them where they are.

    A later `move` takes the verdicts. What a killed one had begun is completed first.
    The run's lock is held by the caller; arguments and errors are those of `move`.
    """
    finish(run, Done())
    return _told(pgis, _judge(run, pgis))


@frozen
class _Judged:
    """The ABs of a run, and the verdicts on those that this call is about."""

    waiting: _Waiting
    finals: tuple[str, ...]
    looked_at: frozenset[str]
    reports: Mapping[str, QcReport]
    verdicts: Mapping[str, Verdict]


def _judge(run: Run, pgis: Pgis) -> _Judged:
    """Ask for verdicts on what was selected."""
    finish_drops(run)
    blocks = active_blocks(run)
    waiting = _Waiting(run, blocks, all_needs(blocks), all_going(blocks))
    finals = _selected(waiting)
    looked_at = frozenset(n for final in finals for n in waiting.cascade(final))
    reports = {r.block: r for r in read_reports(run) if r.block in looked_at}
    given = certify(run, pgis, tuple(reports.values()), finals)
    verdicts = {verdict.block: verdict for verdict in given}
    return _Judged(waiting, finals, looked_at, reports, verdicts)


def _told(pgis: Pgis, judged: _Judged) -> PartThree:
    """What is accepted, rejected and undecided."""
    run, blocks = judged.waiting.run, judged.waiting.blocks
    verdicts, reports = judged.verdicts, judged.reports
    return PartThree(
        accepted=tuple(v for v in verdicts.values() if v.is_accepted),
        rejected=tuple(v for v in verdicts.values() if not v.is_accepted),
        undecided=tuple(
            Stays(name, _why_undecided(run, pgis, blocks[name], reports.get(name)))
            for name in judged.finals
            if name not in verdicts
        ),
    )


def _kept_of(run: Run) -> frozenset[str] | None:
    """The moved ABs that this call is about; None is all."""
    if not run.select:
        return None
    logs = run.moved_path(run.select).parent
    stored = {path.name: read_block(path) for path in logs.glob("*.ab")}
    going = all_going(stored).get(run.select, frozenset())
    return frozenset({run.select, *going})


def finish_moves(run: Run) -> tuple[Path, ...]:
    """Complete what a killed part 3 had begun; return the files that went.

    A part of a run starts with this, so that it finds no AB half gone.

    Raises:
        ConfigError: an AB is damaged.
        ProcessingError: a file that was placed is not there any more.
    """
    done = Done()
    finish(run, done)
    return (*(one.source for one in done.moved), *done.deleted)


# Who may leave --------------------------------------------------------------------


def _selected(waiting: _Waiting) -> tuple[str, ...]:
    """The final ABs that this call is about."""
    run, needs, name = waiting.run, waiting.needs, waiting.run.select
    if not name:
        return tuple(needs)
    if name in needs:
        return (name,)
    if name in waiting.blocks:
        users = ", ".join(n for n, going in waiting.going.items() if name in going)
        raise ConfigError(f"{name} goes with what needs it: select {users}")
    if run.moved_path(name).exists():
        return ()
    raise ConfigError(f"{run.label} has no AB {name}{nearest(name, needs)}")


def _alone(
    waiting: _Waiting, looked_at: Iterable[str], verdicts: Mapping[str, Verdict]
) -> list[str]:
    """The accepted ABs that are not final and leave by themselves.

    Some of what needs them has failed or was rejected, and the rest leaves, too. What
    is processed again finds them where they were moved to.
    """
    blocks, needs = waiting.blocks, waiting.needs
    accepted = {name for name, verdict in verdicts.items() if verdict.is_accepted}
    bad = {AbStatus.FAILED, AbStatus.SKIPPED}
    stuck = {n for n in needs if blocks[n].status in bad or n in verdicts} - accepted
    found = []
    for name in sorted((accepted & set(looked_at)) - needs.keys()):
        users = {final for final in needs if name in needs[final]}
        if users & stuck and users <= stuck | accepted:
            found.append(name)
    return found


def _why_undecided(
    run: Run, pgis: Pgis, block: AssociationBlock, report: QcReport | None
) -> str:
    if block.status is not AbStatus.SUCCESSFUL:
        cause = f": {block.cause}" if block.cause else ""
        once = " once it is complete" if why_incomplete(block) else ""
        return f"it is {block.status}{cause}; phoenix -P processes it{once}"
    if report is None:
        return f"its products have no QC report; processQC -a {block.name} makes one"
    return why_undecided(run, pgis, report)


def _why_not(waiting: _Waiting, name: str, verdicts: Mapping[str, Verdict]) -> str:
    """Why an accepted AB cannot leave, '' if it can."""
    run, cascade = waiting.run, waiting.cascade(name)
    judged = [n for n in cascade if n in verdicts]
    if rejected := [n for n in judged if not verdicts[n].is_accepted]:
        return f"it needs {rejected[0]}, which was rejected"
    leaving = {*cascade, *waiting.going.get(name, ())}
    if busy := [n for n in sorted(leaving) if is_held(run.work_dir(n) / LOCK)]:
        return f"{busy[0]} is being processed"
    for one in cascade:
        if files := dropped_since(run, waiting.blocks[one]):
            why = f"{files[0]} was dropped from {one} since it was made"
            return f"{why}; run phoenix -P, then review it again"
    if why := why_out_of_date(cascade, waiting.blocks):
        return f"{why}; run phoenix -P, then review it again"
    try:
        for one in judged:
            check_whole(run, waiting.blocks[one])
    except CertificationError as error:
        return str(error)
    return ""


# What goes where ------------------------------------------------------------------


def _products(
    waiting: _Waiting, ready: Iterable[str], verdicts: Mapping[str, Verdict]
) -> tuple[Product, ...]:
    """The certified products: of the final ABs, and of others that were accepted."""
    names = (n for final in ready for n in waiting.cascade(final) if n in verdicts)
    return tuple(
        product
        for name in dict.fromkeys(names)
        for product in products_of(waiting.run, waiting.blocks[name])
    )


def _ask_moves(
    run: Run, pgis: Pgis, ready: Sequence[str], products: Sequence[Product]
) -> dict[str, list[Move]]:
    """Ask the PGIs which products go where; return the moves by AB."""
    spec = hookspecs.move_products_special_plugin
    block_of = {product.path: product.block for product in products}
    certified = [product for product in products if not product.interim]
    answer = pgis.ask(spec, run=run, products=tuple(products))
    if answer is None:
        who = "moveProducts"
        reduced = run.config.directories.reduced / run.date
        answer = [Move(one.path, reduced / one.path.name) for one in certified]
    else:
        who = f"{pgis.names(spec)[0]}: wrong answer to {spec.__name__}"
    check_moves(run, who, answer, set(block_of))
    found: dict[str, list[Move]] = {}
    for one in rename(run, pgis, answer):
        found.setdefault(block_of[one.source], []).append(one)
    for name in ready:
        if name not in found and name in {product.block for product in certified}:
            # All of its products would be deleted as working products.
            raise PgiError(f"{who}: {name} was accepted, but none of its products move")
    return found


def _leave_all(
    waiting: _Waiting,
    ready: Sequence[str],
    moves: Mapping[str, Sequence[Move]],
    done: Done,
) -> dict[str, str]:
    """Move what is ready, one final AB after the other; return why some could not."""
    run, blocks, going = waiting.run, waiting.blocks, waiting.going
    users = Counter(one for needed in going.values() for one in needed)
    failed = {}
    for name in ready:
        needed = going.get(name, frozenset())  # one that is not final leaves alone
        along = [blocks[need] for need in sorted(needed) if users[need] == 1]
        try:
            leave(run, plan_leaving(run, blocks[name], along, moves), done)
        except PhoenixError as error:
            failed[name] = str(error)
        except OSError as error:
            failed[name] = told(error)
        else:
            users.subtract(needed)
    return failed
