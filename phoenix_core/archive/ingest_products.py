"""ingestProducts: certified products become datasets, and datasets go to the archive.

What is certified and not ingested is converted by the CONVERSION_TOOL, or taken from
conv where none is configured; each dataset is held to the standard, and given to the
ARCHIVE, one by one. A dataset goes whole, or is told as incomplete and finished by a
later call. What has a receipt is not ingested again, and nothing is overwritten.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

from attrs import evolve, frozen

from phoenix_core import hookspecs
from phoenix_core.archive.certified import Certified, certified, why_changed
from phoenix_core.archive.datasets import (
    DATASETS,
    conv_dir,
    keep_datasets,
    read_datasets,
)
from phoenix_core.archive.idp_category import category_of, is_fits_name
from phoenix_core.archive.ingest_state import ingesting
from phoenix_core.archive.jobs_ingest import mark_done
from phoenix_core.association_block import is_safe_name
from phoenix_core.errors import (
    ArchiveAwayError,
    ArchiveConflictError,
    ConfigError,
    IngestionError,
    PgiError,
)
from phoenix_core.files.atomic import remove_leftovers
from phoenix_core.files.checksums import has_checksum
from phoenix_core.files.sums import FileSums
from phoenix_core.fits.header_file import header_path
from phoenix_core.loader.pgis import Pgis
from phoenix_core.model import Idp, Receipt, Run, Stored
from phoenix_core.records.receipts import (
    Held,
    KeptReceipt,
    keep_receipt,
    latest,
    read_receipts,
    write_list,
)
from phoenix_core.sdp.product import read_product
from phoenix_core.sdp.rule import Finding, Severity
from phoenix_core.sdp.validate import validate

_TOLD: Final = 3  # findings of a dataset


class State(StrEnum):
    """What became of a dataset."""

    INGESTED = "ingested"
    BEFORE = "ingested before"
    CLEANED = "ingested and cleaned up"
    WAITS = "waits"  # of a dry run
    INCOMPLETE = "incomplete"
    INVALID = "not valid"
    REFUSED = "not archived"
    AWAY = "not archived, the archive is away"


IS_HELD: Final = frozenset({State.INGESTED, State.BEFORE, State.CLEANED})


@frozen
class DatasetOutcome:
    """A dataset, what became of it, and why; size in bytes.

    `where` is the place of its science file in the archive; `why` also has what the
    archive remarks on one that it took.
    """

    block: str
    target: str
    state: State
    name: str = ""  # of the science file
    files: int = 0
    size: int = 0
    where: str = ""
    why: tuple[str, ...] = ()


@frozen
class Ingestion:
    """What became of the datasets of a run, and the list of all that was ingested.

    `to_convert` are the targets that a dry run would have converted first.
    """

    datasets: tuple[DatasetOutcome, ...] = ()
    list_file: Path | None = None
    to_convert: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether the archive has every dataset."""
        return all(one.state in IS_HELD for one in self.datasets)

    def count(self, *states: State) -> int:
        """How many datasets are in one of these states."""
        return sum(one.state in states for one in self.datasets)


Tell = Callable[[str, int, int], None]  # what is done, bytes done, bytes in all


def silent(_what: str, _done: int, _size: int) -> None:
    """Tell nobody."""


def ingest(
    run: Run,
    pgis: Pgis,
    sums: FileSums,
    *,
    is_dry: bool = False,
    tell: Tell = silent,
) -> Ingestion:
    """Bring the certified products of a run into the archive.

    Args:
        run: the run or night.
        pgis: the loaded plug-ins.
        sums: sums of files that are known.
        is_dry: only say what would be done; nothing is converted or archived.
        tell: called with what is being done.

    Raises:
        ConfigError: nothing is certified; there is neither a CONVERSION_TOOL nor
            anything in conv; an AB is damaged.
        IngestionError: what is remembered of the run is damaged, or cannot be kept.
        PgiError: a plug-in failed, or its answer cannot be taken.
        ProcessingError: another call ingests this run.
    """
    if is_dry:
        return _ingest(run, pgis, sums, tell, is_dry=True)
    with ingesting(run):
        return _ingest(run, pgis, sums, tell, is_dry=False)


def has_receipt(one: Certified, receipts: Mapping[str, KeptReceipt]) -> bool:
    """Whether just these products of an AB are in the archive."""
    return one.name in receipts and receipts[one.name].id == one.id


def _ingest(
    run: Run, pgis: Pgis, sums: FileSums, tell: Tell, *, is_dry: bool
) -> Ingestion:
    ones = certified(run)
    if not ones:
        raise ConfigError(
            f"{run.label} has no certified products in "
            f"{run.config.directories.reduced / run.date}; phoenix {run.option} -M "
            "moves what is accepted"
        )
    receipts = latest(read_receipts(run))
    before = [one for one in ones if has_receipt(one, receipts)]
    waiting = [one for one in ones if not has_receipt(one, receipts)]
    changed = {one.name: why for one in waiting if (why := why_changed(one, sums))}
    ready = {one.name: one for one in waiting if one.name not in changed}
    outcomes = [_known(run, receipts[one.name], sums) for one in before]
    outcomes += [
        DatasetOutcome(one.name, one.target, State.INCOMPLETE, why=changed[one.name])
        for one in waiting
        if one.name in changed
    ]
    idps = _datasets(run, pgis, ready, {one.name: one.id for one in ones}, tell, is_dry)
    size, done = sum(_size(idp) for idp in idps), 0
    work = _Work(run, pgis, sums, receipts)
    for idp in idps:
        tell(idp.path.name, done, size)
        if outcomes and outcomes[-1].state is State.AWAY:
            outcomes.append(_not_tried(idp, ready[idp.block]))
        else:
            outcomes.append(work.one(idp, ready[idp.block], is_dry=is_dry))
        done += _size(idp)
    tell("", size, size)
    if is_dry:
        there = {idp.block for idp in idps}
        new = [one.target for name, one in ready.items() if name not in there]
        return Ingestion(tuple(outcomes), to_convert=tuple(new))
    result = Ingestion(tuple(outcomes), write_list(run, read_receipts(run)))
    if result.is_complete:
        mark_done(run)
    return result


def _known(run: Run, receipt: KeptReceipt, sums: FileSums) -> DatasetOutcome:
    """What the archive has; what lies in conv under the same names has to be that."""
    conv = conv_dir(run)
    first = receipt.files[0].stored
    outcome = DatasetOutcome(
        receipt.block,
        receipt.target,
        State.BEFORE,
        first.name,
        len(receipt.files),
        receipt.size,
        first.where,
    )
    for file in receipt.files:
        path = conv / file.stored.name
        if path.is_file() and sums.sha256(path) != file.sha256:
            why = (
                f"{path} has another content than {receipt.archive} has under this "
                f"name since {receipt.at}; nothing archived is overwritten, and "
                "updates are not made here: convert it as it was, or remove it"
            )
            return evolve(outcome, state=State.REFUSED, why=(why,))
    path = conv / first.name
    if not path.exists() and header_path(path).is_file():
        return evolve(outcome, state=State.CLEANED)
    return outcome


# Conversion -----------------------------------------------------------------------


def _datasets(  # noqa: PLR0917, one step of many
    run: Run,
    pgis: Pgis,
    ready: Mapping[str, Certified],
    seen: Mapping[str, str],
    tell: Tell,
    is_dry: bool,  # noqa: FBT001
) -> tuple[Idp, ...]:
    """The datasets of ABs that are ready: converted now, or found in conv."""
    spec = hookspecs.ingest_products_conversion_tool
    tool = next(iter(pgis.names(spec)), "")
    if not is_dry:
        remove_leftovers(conv_dir(run))
    if ready and tool and not is_dry:
        products = tuple(p for one in ready.values() for p in one.products)
        tell(f"{tool} converts", 0, 0)
        idps = pgis.call(spec, run=run, products=products)
        _check_idps(tool, idps, ready, conv_dir(run))
        keep_datasets(run, idps, seen)
        return tuple(idps)
    known = read_datasets(run)
    if ready and not tool and not known.idps:
        raise ConfigError(
            f"{run.config.path}: [ingestProducts] CONVERSION_TOOL names no PGI, and "
            f"there is no {conv_dir(run) / DATASETS}: name one, or convert by hand"
        )
    if not is_dry:
        keep_datasets(run, (), seen)
    return tuple(idp for idp in known.idps if idp.block in ready)


def _check_idps(
    tool: str, idps: Sequence[Idp], ready: Mapping[str, Certified], conv: Path
) -> None:
    """Let through only datasets of what was given, in conv, under names of their own.

    Raises:
        PgiError: the plug-in answered something else.
    """
    wrong = f"{tool}: wrong answer to ingest_products_conversion_tool"
    paths = [p for i in idps if not i.missing for p in (i.path, *i.files)]
    names = Counter(path.name for path in paths)
    if strange := [idp.block for idp in idps if idp.block not in ready]:
        raise PgiError(f"{wrong}: {strange[0]} is no AB that it was given")
    if elsewhere := [path for path in paths if path.parent != conv]:
        raise PgiError(f"{wrong}: {elsewhere[0]} is not in {conv}")
    if double := [name for name, times in names.items() if times > 1]:
        raise PgiError(f"{wrong}: two files of one name, {double[0]}")
    if unsafe := [name for name in names if not is_safe_name(name)]:
        raise PgiError(f"{wrong}: '{unsafe[0]}' is no name of a file")


# A dataset ------------------------------------------------------------------------


@frozen
class _Work:
    """What each dataset is brought into the archive with."""

    run: Run
    pgis: Pgis
    sums: FileSums
    receipts: Mapping[str, KeptReceipt]  # those from before

    def one(self, idp: Idp, one: Certified, *, is_dry: bool) -> DatasetOutcome:
        """Bring a dataset into the archive, or say why not."""
        outcome = _outcome(idp, one)
        if missing := idp.missing or tuple(_not_there(idp)):
            return DatasetOutcome(
                outcome.block, outcome.target, State.INCOMPLETE, why=missing
            )
        if invalid := _findings(idp):
            return evolve(outcome, state=State.INVALID, why=invalid)
        if is_dry:
            return outcome
        try:
            receipt = self._archived(idp, one)
        except ArchiveAwayError as error:
            return evolve(outcome, state=State.AWAY, why=(str(error),))
        except IngestionError as error:
            return evolve(outcome, state=State.REFUSED, why=(self._hinted(error, idp),))
        where = receipt.files[0].stored.where
        why = tuple(f"WARNING {remark}" for remark in receipt.remarks)
        return evolve(outcome, state=State.INGESTED, where=where, why=why)

    def _archived(self, idp: Idp, one: Certified) -> KeptReceipt:
        spec = hookspecs.ingest_products_archive
        (pgi,) = self.pgis.names(spec)
        told = self.pgis.call(spec, run=self.run, idp=idp)
        self._check(pgi, told, idp)
        receipt = KeptReceipt(
            block=idp.block,
            id=one.id,
            target=idp.target or one.target,
            archive=pgi,
            at=told.at,
            files=tuple(
                Held(stored, self.sums.sha256(path), category_of(idp, path))
                for stored, path in zip(told.files, _paths(idp), strict=True)
            ),
            remarks=told.remarks,
        )
        keep_receipt(self.run, receipt)
        return receipt

    def _check(self, pgi: str, told: Receipt, idp: Idp) -> None:
        """Hold a receipt against the files.

        Raises:
            PgiError: the archive says something else than what was given to it.
        """
        wrong = f"{pgi}: wrong answer to ingest_products_archive"
        paths = _paths(idp)
        if told.block != idp.block:
            raise PgiError(f"{wrong}: a receipt of {told.block} for {idp.block}")
        if [file.name for file in told.files] != [path.name for path in paths]:
            raise PgiError(
                f"{wrong}: its receipt does not name the files of {idp.block}"
            )
        for file, path in zip(told.files, paths, strict=True):
            if file.size != path.stat().st_size or not self._is(path, file):
                problem = f"{file.size} bytes, {file.checksum}"
                raise PgiError(f"{wrong}: {path} is not what it has ({problem})")

    def _is(self, path: Path, file: Stored) -> bool:
        if file.checksum.startswith("sha256:"):
            return file.checksum == f"sha256:{self.sums.sha256(path)}"
        return has_checksum(path, file.checksum)

    def _hinted(self, error: IngestionError, idp: Idp) -> str:
        """The error, and what a person can do about a name that is taken."""
        if not isinstance(error, ArchiveConflictError):
            return str(error)
        if earlier := self.receipts.get(idp.block):
            return (
                f"{error}; {idp.block} was made anew since it was ingested "
                f"({earlier.at}), and updates are not made here"
            )
        tools = self.pgis.names(hookspecs.ingest_products_conversion_tool)
        how = f": {tools[0]} -h tells how" if tools else ""
        return f"{error}; convert again under another name{how}"


def _outcome(idp: Idp, one: Certified) -> DatasetOutcome:
    """A dataset that waits."""
    return DatasetOutcome(
        idp.block,
        idp.target or one.target,
        State.WAITS,
        idp.path.name,
        1 + len(idp.files),
        _size(idp),
    )


def _not_tried(idp: Idp, one: Certified) -> DatasetOutcome:
    """A dataset for the next call: the archive did not take the one before."""
    why = "not tried, since the archive is away; call again"
    return evolve(_outcome(idp, one), state=State.AWAY, why=(why,))


def _paths(idp: Idp) -> tuple[Path, ...]:
    return (idp.path, *idp.files)


def _size(idp: Idp) -> int:
    return sum(path.stat().st_size for path in _paths(idp) if path.is_file())


def _not_there(idp: Idp) -> Iterator[str]:
    for path in _paths(idp):
        if not path.is_file() or path.is_symlink():
            yield f"{path} is missing; convert again"


def _findings(idp: Idp) -> tuple[str, ...]:
    """What the standard has against a dataset, a line each, as far as it stops it."""
    fits = [path for path in _paths(idp) if is_fits_name(path.name)]
    if not fits:
        return ()
    lines = [
        _line(file.path, finding)
        for file in validate(fits).files
        for finding in file.findings
        if finding.severity is Severity.ERROR
    ]
    lines += _left_out(idp)
    if len(lines) > _TOLD:
        lines[_TOLD:] = [f"and {len(lines) - _TOLD} more"]
    if lines:
        lines[-1] += f"; phoenix validate {idp.path.parent} tells all"
    return tuple(lines)


def _left_out(idp: Idp) -> Iterator[str]:
    """What the science file names as associated, and is not in the dataset."""
    if not is_fits_name(idp.path.name):
        return
    given = {path.name for path in idp.files}
    named = read_product(idp.path, with_data=False).primary.indexed("ASSON")
    for index, card in named.items():
        if card.value not in given:
            what = "is not among the files of this dataset; convert again"
            yield f"{idp.path.name}: ASSON{index} = {card.value} {what}"


def _line(path: Path, finding: Finding) -> str:
    place = f"HDU {finding.hdu}: " if finding.hdu else ""
    key = f"{finding.key} " if finding.key else ""
    value = f"= {finding.value} " if finding.key and finding.value else ""
    return f"{path.name}: {place}{key}{value}{finding.what} [{finding.rule}]"
