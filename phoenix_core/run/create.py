"""Part 1 of a run (-C): from the AB store to ABs, jobs and a plan; nothing is executed.

ABs that a person edited since they were written are taken as they are.
"""

from collections.abc import Iterator, Sequence

from attrs import evolve, frozen

from phoenix_core import hookspecs
from phoenix_core.ab.cascade import check_cascade, finals, in_order, select
from phoenix_core.ab.dropped import (
    Dropped,
    dropped,
    is_edited_otherwise,
    left_out,
    take_back,
)
from phoenix_core.ab.file import check_block, read_block, write_block
from phoenix_core.ab.incomplete import set_aside
from phoenix_core.ab.inputs import where_made
from phoenix_core.association_block import (
    PROCESSING,
    AbStatus,
    AssociationBlock,
)
from phoenix_core.errors import ConfigError, PgiError
from phoenix_core.files.on_disk import set_aside as set_file_aside
from phoenix_core.jobs.due import what_is_due
from phoenix_core.jobs.local import budget
from phoenix_core.jobs.plan import (
    Plan,
    check_jobs,
    job_file,
    rows_of,
    what_cannot_fit,
    write_job_file,
)
from phoenix_core.loader.session import Session
from phoenix_core.model import Cascade, Finding, Run
from phoenix_core.nearest import nearest
from phoenix_core.records.drop_record import finish_drops, record_fresh
from phoenix_core.run.move_products import finish_moves
from phoenix_core.run_id import RunId, parse_run_id

_SUPERSEDED = "superseded"  # below the ABs: those that made something


@frozen
class _Taken:
    """An AB as the run takes it, and whether a person's edit is what it is."""

    block: AssociationBlock
    is_edited: bool = False
    is_former: bool = False  # what it was made from has changed in the source since
    again: tuple[Dropped, ...] = ()  # what --fresh takes back


def create(session: Session) -> Plan:
    """Make the ABs, check them and their inputs, and plan the jobs.

    Error findings are in the plan: with them there is no job file and no going on.

    Raises:
        ConfigError: an AB is wrong, or -a names none.
        PgiError: a PGI failed, or its answer breaks its slot's contract.
    """
    run, pgis = session.run, session.pgis
    finish_moves(run)
    finish_drops(run)
    source = pgis.call(hookspecs.ab_source, run=run)
    _register(session)
    stray = pgis.ask(hookspecs.ab_source_findings, run=run) or ()
    whole = pgis.call(hookspecs.ab_pgi, run=run, blocks=_checked(run, source))
    whole = evolve(whole, findings=(*stray, *whole.findings))
    check_cascade(whole, pgis.names(hookspecs.ab_pgi)[0], source)
    taken = [_as_on_disk(run, check_block(block)) for block in whole.blocks]
    ordered = in_order_of(whole, [row.block for row in taken])
    cascade, moved = _still_to_do(run, _selected(run, ordered))
    notes = [*_of_moved(cascade, moved), *_drop_strays(run, whole)]
    names = {block.name for block in cascade.blocks}
    edited = [r.block.name for r in taken if r.is_edited and r.block.name in names]
    again = _taken_back(run, [r for r in taken if r.block.name in names])
    run.ab_dir.mkdir(parents=True, exist_ok=True)
    ready, aside = set_aside(cascade)
    for block in (*ready.blocks, *aside):
        path = run.ab_path(block.name)
        if block.source != path:
            write_block(path, block)
    plan = _planned(session, ready)
    if plan.errors:
        job_file(run).unlink(missing_ok=True)  # a former one tells of another plan
    notes += [f"{name} was edited by hand and is taken as it is" for name in edited]
    notes += [
        f"{row.block.name} has changed in the source since; --fresh takes the new one"
        for row in taken
        if row.is_former and row.block.name in names
    ]
    notes += _of_dropped(ready)
    notes += again
    plan = evolve(plan, notes=tuple(notes))
    session.events.tell(
        "created",
        abs=len(cascade.blocks),
        incomplete=[block.name for block in aside],
        jobs=len(plan.jobs),
        errors=[finding.message for finding in plan.errors],
        edited=edited,
        moved=moved,
    )
    return plan


def _register(session: Session) -> None:
    """Give a run whose ABs were found its pseudo-date for good."""
    run = session.run
    if run.run_id and session.ledger.date_of(run.run_id) != run.date:
        raise ConfigError(f"another run took the pseudo-date {run.date}; call again")


def in_order_of(whole: Cascade, blocks: Sequence[AssociationBlock]) -> Cascade:
    """Return the cascade with its ABs as they are now, in an order that still holds.

    Raises:
        ConfigError: an edited AB needs one that is not there, or takes the names of
            another's products.
    """
    known = {block.name for block in blocks}
    excused = {finding.block for finding in whole.findings if finding.is_error}
    for block in blocks:
        for need in block.needs:
            if need not in known and block.name not in excused:
                expected = f"an AB of the cascade{nearest(need, known)}"
                raise block.wrong("MCALIB", f"VIRTUAL {need}", expected)
    _check_roots(blocks)
    cascade = evolve(whole, blocks=tuple(blocks))
    try:
        check_cascade(cascade, "the AB directory")
    except PgiError:  # an edit changed what comes first
        return evolve(whole, blocks=in_order(blocks))
    return cascade


def _check_roots(blocks: Sequence[AssociationBlock]) -> None:
    """Refuse ABs whose products would have the same names."""
    seen: dict[tuple[str, str], str] = {}
    for block in blocks:
        key = (block.raw_type, block.root)
        if key in seen:
            expected = f"another name than {seen[key]} has"
            raise block.wrong("PROD_ROOT_NAME", block.root, expected)
        seen[key] = block.name


def _checked(
    run: Run, source: Sequence[AssociationBlock]
) -> tuple[AssociationBlock, ...]:
    seen: set[str] = set()
    for block in source:
        check_block(block)
        if block.name in seen:
            raise block.wrong("AB_NAME", block.name, "a name no other AB of it has")
        seen.add(block.name)
        if run.run_id and (named := block.value("RUN_ID")):
            _check_run_id(block, named, run.run_id)
    return tuple(source)


def _check_run_id(block: AssociationBlock, named: str, own: RunId) -> None:
    expected = f"{own.formal}, the run's own"
    try:
        is_own = parse_run_id(named) == own
    except ConfigError as error:
        raise block.wrong("RUN_ID", named, expected) from error
    if not is_own:
        raise block.wrong("RUN_ID", named, expected)


def _as_on_disk(run: Run, block: AssociationBlock) -> _Taken:
    """Join an AB of the cascade with what lies in the AB directory."""
    path = run.ab_path(block.name)
    if not path.exists():
        return _Taken(_fresh(block))
    old = check_block(read_block(path))
    if old.definition_sum == block.definition_sum:
        return _Taken(old)
    # Without AB_SUM it was not phoenix who wrote it.
    if (old.is_edited or not old.value("AB_SUM")) and not run.fresh:
        made_of = old.value("AB_SUM")
        is_former = made_of not in {"", block.definition_sum}
        return _Taken(old, is_edited_otherwise(old), is_former)
    # What the last call was made from stays, so that the difference can be told.
    records = {name: old.values(name) for name in PROCESSING}
    joined = evolve(block, source=None).updated(records)
    joined = joined.with_value("AB_SUM", joined.definition_sum)
    return _Taken(joined, again=dropped(old))


def _fresh(block: AssociationBlock) -> AssociationBlock:
    """An AB that was never processed, whatever a stranger wrote into it."""
    bare = evolve(block, source=None).updated(dict.fromkeys(PROCESSING, ""))
    return bare.updated(
        {
            "PROCESS_STATUS": AbStatus.CREATED.value,
            "LOG_NAME": block.log_name,
            "AB_SUM": bare.definition_sum,
        }
    )


def _selected(run: Run, cascade: Cascade) -> Cascade:
    """The part of the cascade that is asked for; else all but what was dropped."""
    if not run.select:
        out = left_out(cascade.blocks)
        if not out:
            return cascade
        return select(cascade, [b.name for b in cascade.blocks if b.name not in out])
    names = [block.name for block in cascade.blocks]
    if run.select not in names:
        hint = nearest(run.select, names)
        raise ConfigError(f"{run.label} has no AB {run.select}{hint}")
    return select(cascade, [run.select])


def _still_to_do(run: Run, cascade: Cascade) -> tuple[Cascade, tuple[str, ...]]:
    """Leave out what part 3 has certified and moved, and what only that needs.

    A moved AB that others need is left out as well, as long as they find its products
    where they were moved to.
    """
    if run.fresh:
        return cascade, ()
    moved = {b.name: done for b in cascade.blocks if (done := _moved(run, b))}
    last = [block.name for block in finals(cascade.blocks)]
    open_names = [name for name in last if name not in moved]
    taken = [name for name in last if name in moved]
    by_name = {block.name: block for block in cascade.blocks}
    wanted: set[str] = set()
    while open_names:
        name = open_names.pop()
        if name in wanted:
            continue
        wanted.add(name)
        for mcalib in by_name[name].mcalibs:
            if not mcalib.is_virtual or mcalib.file not in by_name:
                continue
            done = moved.get(mcalib.file)
            is_there = done is not None and _has(run, done, mcalib.tag)
            (taken if is_there else open_names).append(mcalib.file)
    blocks = tuple(block for block in cascade.blocks if block.name in wanted)
    kept = [f for f in cascade.findings if f.block in wanted or f.block not in by_name]
    left_out = (name for name in dict.fromkeys(taken) if name not in wanted)
    return Cascade(blocks, tuple(kept)), tuple(left_out)


def _moved(run: Run, block: AssociationBlock) -> AssociationBlock | None:
    """Return an AB as it was moved, None where it is here or is another one now."""
    path = run.moved_path(block.name)
    if run.ab_path(block.name).exists() or not path.exists():
        return None
    done = read_block(path)
    # Edited or not, what was made of this AB is what a person accepted.
    whole = take_back(done, {one.file for one in dropped(done)})
    made_of = {done.definition_sum, whole.definition_sum, done.value("AB_SUM")}
    is_same = block.definition_sum in made_of
    return done if is_same and done.status is AbStatus.SUCCESSFUL else None


def _of_moved(cascade: Cascade, moved: Sequence[str]) -> Iterator[str]:
    """Say which ABs are left out since they were moved, and whether they are used."""
    needed = {need for block in cascade.blocks for need in block.needs}
    for name in moved:
        used = "; its products are taken from there" if name in needed else ""
        yield f"{name} is certified and moved already{used}"


def _of_dropped(cascade: Cascade) -> Iterator[str]:
    """Say which ABs are made without something that was dropped from them."""
    for block in cascade.blocks:
        if files := [one.file for one in dropped(block)]:
            yield f"{block.name} is made without {', '.join(dict.fromkeys(files))}"


def _taken_back(run: Run, taken: Sequence[_Taken]) -> list[str]:
    """Say and record what ABs have again, since --fresh makes them anew."""
    rows = {row.block.name: [one.file for one in row.again] for row in taken}
    rows = {name: list(dict.fromkeys(files)) for name, files in rows.items() if files}
    if rows:
        record_fresh(run, rows)
    return [
        f"{name} is made anew and takes again what was dropped: {', '.join(files)}"
        for name, files in rows.items()
    ]


def _drop_strays(run: Run, whole: Cascade) -> Iterator[str]:
    """Take ABs away that nobody makes any more, so that none is certified."""
    if any(finding.is_error for finding in whole.findings):
        return
    known = {block.name for block in whole.blocks}
    for path in sorted(run.ab_dir.glob("*.ab")):
        if path.name in known:
            continue
        block = read_block(path)
        told = f"{path.name} is not an AB of {run.label} any more"
        is_busy = run.work_dir(path.name).exists()
        if is_busy or block.is_edited or not block.value("AB_SUM"):
            yield f"{told}; remove {path} if it is not wanted"
        elif block.products:
            place = run.ab_dir / _SUPERSEDED / path.name
            place.parent.mkdir(exist_ok=True)
            if place.exists():
                set_file_aside(place)
            path.rename(place)
            yield f"{told}; {place} says where its products are"
        else:
            path.unlink()
            yield f"{told} and was removed"


def _has(run: Run, moved: AssociationBlock, category: str) -> bool:
    """Whether the products of a category that a moved AB made are where they belong."""
    records = [record for record in moved.products if record.category == category]
    return bool(records) and not any(
        record.is_deleted or not where_made(run, moved, record.file).is_file()
        for record in records
    )


def _slips(cascade: Cascade) -> Iterator[Finding]:
    """Warn of lines that say nothing since their qualifier is misspelt."""
    for block in cascade.blocks:
        for line, written, meant in block.misspelt:
            told = f"line {line}: unknown qualifier {written}; did you mean {meant}?"
            yield Finding(told, block.name)


def _planned(session: Session, cascade: Cascade) -> Plan:
    run, pgis = session.run, session.pgis
    if any(finding.is_error for finding in cascade.findings):
        return Plan(cascade, (), (), cascade.findings, {})
    checked = [*cascade.findings, *_slips(cascade)]
    for _, found in pgis.each(hookspecs.hdr_pgi, run=run, cascade=cascade):
        checked += found
    names = {block.name for block in cascade.blocks}
    moved = {need for block in cascade.blocks for need in block.needs} - names
    jobs = tuple(
        evolve(job, needs=tuple(need for need in job.needs if need not in moved))
        for job in pgis.call(hookspecs.job_pgi, run=run, cascade=cascade)
    )
    check_jobs(cascade, jobs, pgis.names(hookspecs.job_pgi)[0])
    blocks = {block.name: block for block in cascade.blocks}
    due = what_is_due(session, cascade.blocks)
    open_jobs = [job for job in jobs if job.block in due]
    findings: tuple[Finding, ...] = (
        *checked,
        *what_cannot_fit(run, open_jobs, budget(run), blocks),
    )
    plan = Plan(cascade, jobs, rows_of(cascade, jobs, due), findings, due)
    if plan.errors:
        return plan
    return evolve(plan, job_file=write_job_file(run, jobs))
