"""What leaves with an accepted AB, and to where: computed first, executed then.

An AB takes its log, its QC report with its page, and its plots along. The AB as it will
lie in the logs directory says where its products are; its being there is what says that
all of them are.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from attrs import evolve, frozen

from phoenix_core.ab.dropped import dropped, left_out
from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import CertificationError
from phoenix_core.files.sums import sha256
from phoenix_core.model import AbStatus, Move, Product, Run
from phoenix_core.processing.qc_report import page_path, read_report, report_path

_TOLD_BY = {"PROD_PATH": "", "PRODUCTS": ""}  # what a moved AB says differently


@frozen
class BlockPlan:
    """One AB that leaves."""

    block: AssociationBlock  # as it is
    moved: AssociationBlock  # as it will lie in the logs directory
    path: Path  # there
    products: tuple[Move, ...] = ()
    papers: tuple[Move, ...] = ()  # plots, log, QC report
    deleted: tuple[Path, ...] = ()  # working products


@frozen
class Plan:
    """An accepted AB, and the ABs that only it needed, which leave before it."""

    final: BlockPlan
    along: tuple[BlockPlan, ...] = ()

    @property
    def blocks(self) -> tuple[BlockPlan, ...]:
        """All that leave, the accepted one last."""
        return (*self.along, self.final)


def product_path(run: Run, block: AssociationBlock, file: str) -> Path:
    """Where a product of an active AB lies."""
    return run.product_dir(block.raw_type) / file


def products_of(run: Run, block: AssociationBlock) -> tuple[Product, ...]:
    """Return the products of an AB that are on disk, or ought to be."""
    return tuple(
        Product(
            product_path(run, block, record.file),
            record.category,
            block.name,
            interim=record.state == "INTERIM",
        )
        for record in block.products
        if not record.is_deleted
    )


def all_needs(
    blocks: Mapping[str, AssociationBlock],
) -> dict[str, frozenset[str]]:
    """Return the final ABs, those that no other one needs, and all that each needs.

    In the order of their names; what is not among the blocks any more counts for none.
    """
    needed = {need for block in blocks.values() for need in block.needs}
    needed |= left_out(blocks.values())
    return {
        name: needs_of(name, blocks) for name in sorted(blocks) if name not in needed
    }


def all_going(
    blocks: Mapping[str, AssociationBlock],
) -> dict[str, frozenset[str]]:
    """Return the final ABs, and all that goes once they do.

    It is what each needs, and what was dropped from it with all that only needs it.
    """
    found = {}
    for name, needs in all_needs(blocks).items():
        aside = {one.file for n in (name, *needs) for one in dropped(blocks[n])}
        there = aside & blocks.keys()
        found[name] = needs.union(there, *(needs_of(one, blocks) for one in there))
    return found


def needs_of(name: str, blocks: Mapping[str, AssociationBlock]) -> frozenset[str]:
    """Return all that an AB needs among these, at first hand or later."""
    found: set[str] = set()
    open_names = [name]
    while open_names:
        new = set(blocks[open_names.pop()].needs) & blocks.keys()
        open_names += new - found
        found |= new
    return frozenset(found)


def why_out_of_date(
    names: Iterable[str], blocks: Mapping[str, AssociationBlock]
) -> str:
    """Say why products of these ABs are not made from what is there now, '' if so."""
    for name in names:
        block = blocks[name]
        makers = [blocks[need] for need in block.needs if need in blocks]
        for maker in makers:
            if maker.status is not AbStatus.SUCCESSFUL:
                return f"{name} needs {maker.name}, which is {maker.status}"
        made = {
            record.file: (maker.name, maker.fingerprint)
            for maker in makers
            for record in maker.products
        }
        for entry in block.sof:
            maker_name, now = made.get(entry.file, ("", ""))
            if maker_name and entry.content != now:
                return f"{maker_name} was made anew since {name} took it"
        is_known = len(makers) == len(block.needs)  # none of them was moved before
        if why := _why_redefined(block, made if is_known else None):
            return why
    return ""


def _why_redefined(block: AssociationBlock, made: Collection[str] | None) -> str:
    """Say how an AB differs from what its products were made from, '' where not.

    Args:
        block: the AB.
        made: the inputs that other ABs make, if they are known.
    """
    name = block.name
    if block.params != block.values("CALL_PARAM"):
        return f"the parameters of {name} were changed since it was processed"
    named = {raw.file for raw in block.rawfiles}
    named |= {mcalib.file for mcalib in block.mcalibs if not mcalib.is_virtual}
    taken = {entry.file for entry in block.sof}
    if new := sorted(named - taken):
        return f"{name} asks for {new[0]}, which it was not made with"
    if made is not None and (gone := sorted(taken - named - set(made))):
        return f"{name} was made with {gone[0]}, which it does not ask for any more"
    return ""


def plan_leaving(
    run: Run,
    final: AssociationBlock,
    along: Sequence[AssociationBlock],
    moves: Mapping[str, Sequence[Move]],
) -> Plan:
    """Plan what leaves with an accepted AB.

    Args:
        run: the run or night; with `run.keep` no working product is deleted.
        final: the accepted AB.
        along: the ABs that no other one needs any more.
        moves: the moves of products, by the AB they belong to.

    Raises:
        CertificationError: two files would get the same place.
        ConfigError: a QC report is damaged.
    """
    plan = Plan(
        _plan_block(run, final, moves.get(final.name, ())),
        tuple(_plan_block(run, block, moves.get(block.name, ())) for block in along),
    )
    targets: set[Path] = set()
    for one in plan.blocks:
        files = [move.target for move in (*one.products, *one.papers)]
        for target in (*files, one.path):
            if target in targets:
                raise CertificationError(f"two files would become {target}")
            targets.add(target)
    return plan


def is_moved(active: AssociationBlock, stored: AssociationBlock) -> bool:
    """Whether an AB in the logs directory is this active one, moved.

    They differ in where the products are and how they are called, and in nothing else.
    """
    return active.updated(_TOLD_BY).lines == stored.updated(_TOLD_BY).lines and [
        record.checksum for record in active.products
    ] == [record.checksum for record in stored.products]


def left_behind(
    run: Run, active: AssociationBlock, stored: AssociationBlock
) -> tuple[tuple[Move, ...], tuple[Path, ...]]:
    """Return what a moved AB has left: files that were placed, and working products.

    Of the first, source and target are the same content; all sources may go.
    """
    waiting = run.product_dir(active.raw_type)
    placed, obsolete = [], []
    directories = [Path(text) for text in stored.values("PROD_PATH")]
    for was, record in zip(active.products, stored.products, strict=True):
        source = waiting / was.file
        if was.is_deleted or not _is_there(source):
            continue
        if record.is_deleted:
            obsolete.append(source)
        else:
            targets = [d / record.file for d in directories if d != waiting]
            placed += [Move(source, t) for t in targets if t.is_file()]
    return (*placed, *papers_of(run, active)), tuple(obsolete)


@frozen
class Kept:
    """What -n kept of a moved AB: the files, and the AB as it is without them."""

    moved: AssociationBlock
    files: tuple[Path, ...] = ()


def kept_products(run: Run, stored: AssociationBlock) -> Kept:
    """Return the working products of a moved AB that still lie where they were made.

    Those whose record says DELETED already are among them: a call was killed then.
    """
    waiting = run.product_dir(stored.raw_type)
    records, files = [], []
    elsewhere = [Path(t) for t in stored.values("PROD_PATH") if Path(t) != waiting]
    for record in stored.products:
        path = waiting / record.file
        if not _is_there(path) or any((d / record.file).exists() for d in elsewhere):
            records.append(record)
        else:
            records.append(evolve(record, state="DELETED"))
            files.append(path)
    if not files:
        return Kept(stored)
    changed = {
        "PROD_PATH": tuple(map(str, elsewhere)) or (str(waiting),),
        "PRODUCTS": [record.line for record in records],
    }
    return Kept(stored.updated(changed), tuple(files))


def papers_of(run: Run, block: AssociationBlock) -> tuple[Move, ...]:
    """Return the moves of plots, page, log and QC report, as far as they are there.

    The page goes where the plots go that it shows. The QC report is last: it is what
    names the plots.
    """
    directories = run.config.directories
    waiting = run.product_dir(block.raw_type)
    report = report_path(run, block)
    plots = read_report(report).plots if _is_there(report) else ()
    shown = (*plots, page_path(report))
    to_plots = [Move(path, directories.plots / run.date / path.name) for path in shown]
    to_logs = [
        Move(path, directories.logs / run.date / path.name)
        for path in (waiting / block.log_name, report)
    ]
    return tuple(move for move in (*to_plots, *to_logs) if _is_there(move.source))


def check_whole(
    run: Run, block: AssociationBlock, files: Collection[Path] | None = None
) -> None:
    """Hold products against the AB's record of them.

    Args:
        run: the run or night.
        block: the AB.
        files: the products to read to the end; None: look at all, by size alone.

    Raises:
        CertificationError: the first one that is missing or was changed.
    """
    for record in block.products:
        path = product_path(run, block, record.file)
        if record.is_deleted or (files is not None and path not in files):
            continue
        again = f"remove it and process {block.name} again (phoenix -P does)"
        if not path.is_file():
            raise CertificationError(
                f"{path} is missing; process {block.name} again (phoenix -P does)"
            )
        if path.is_symlink():
            raise CertificationError(f"{path} is a link, not what was made; {again}")
        is_same_size = path.stat().st_size == record.size
        if not is_same_size or (files is not None and sha256(path) != record.checksum):
            raise CertificationError(
                f"{path} is not what {block.name} made (its size or sha256 changed); "
                f"{again}"
            )


def _plan_block(run: Run, block: AssociationBlock, moves: Sequence[Move]) -> BlockPlan:
    targets = {move.source: move.target for move in moves}
    records = []
    deleted = []
    stay = False
    for record in block.products:
        source = product_path(run, block, record.file)
        if record.is_deleted:
            records.append(record)
        elif target := targets.get(source):
            records.append(evolve(record, file=target.name, state="KEPT"))
        elif run.keep:
            records.append(record)
            stay = True
        else:
            records.append(evolve(record, state="DELETED"))
            deleted.append(source)
    where = [str(move.target.parent) for move in moves]
    where += [str(run.product_dir(block.raw_type))] if stay or not where else []
    moved = evolve(block, source=None).updated(
        {
            "PROD_PATH": tuple(dict.fromkeys(where)),
            "PRODUCTS": [record.line for record in records],
        }
    )
    return BlockPlan(
        block=block,
        moved=moved,
        path=run.moved_path(block.name),
        products=tuple(moves),
        papers=papers_of(run, block),
        deleted=tuple(deleted),
    )


def _is_there(path: Path) -> bool:
    """Whether a file is there; a link is nothing that phoenix made."""
    return path.is_file() and not path.is_symlink()
