"""cleanupProducts: what the archive proves to hold is kept here as headers only.

The archive is asked for its proof: it reads its own content again, and what it finds is
compared with the files here, which are read again as well. Only then FITS files become
``.hdr``, plots that lie in the plots directory too become links to there, and texts
stay. A kill at any moment loses nothing; the next call goes on.
"""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from attrs import field, frozen

from phoenix_core import hookspecs
from phoenix_core.archive.certified import Certified, certified, certified_sum
from phoenix_core.archive.datasets import Datasets, conv_dir, read_datasets
from phoenix_core.archive.idp_category import is_fits_name
from phoenix_core.archive.ingest_products import Tell, has_receipt, silent
from phoenix_core.archive.ingest_state import ingesting
from phoenix_core.errors import (
    ConfigError,
    IngestionError,
    PgiError,
    ProcessingError,
)
from phoenix_core.files.atomic import remove_leftovers, temporary_of
from phoenix_core.files.sums import FileSums, sha256
from phoenix_core.fits.as_certified import certified_sha256, kept_headers_path
from phoenix_core.fits.header_file import header_path, replace_by_header
from phoenix_core.loader.pgis import Pgis
from phoenix_core.model import Idp, Run, Stored
from phoenix_core.records.receipts import (
    KeptReceipt,
    latest,
    read_receipts,
    receipts_path,
)
from phoenix_core.words.plain_text import plain

_SHOWN: Final = 3


@frozen
class Kept:
    """A dataset that is not cleaned up, and why."""

    block: str
    target: str
    why: str


@frozen
class CleanUp:
    """What became of files: FITS files that are headers now, plots that are links.

    `kept` are the datasets that stay as they are. `freed` is in bytes. After a dry run
    it is what would become of them.
    """

    headers: tuple[Path, ...] = ()  # the FITS files
    links: tuple[Path, ...] = ()
    kept: tuple[Kept, ...] = ()
    freed: int = 0


@frozen
class _Proven:
    """A dataset that the archive has proved to hold."""

    receipt: KeptReceipt
    idp: Idp
    certified: Certified | None


@frozen
class _Task:
    """What is going to be done, and the sha256 that a file has if it may go."""

    headers: list[Path] = field(factory=list)
    links: dict[Path, Path] = field(factory=dict)
    sums: dict[Path, str] = field(factory=dict)
    read: FileSums = field(factory=FileSums)


def clean_up(
    run: Run,
    pgis: Pgis,
    *,
    is_forced: bool = False,
    is_dry: bool = False,
    tell: Tell = silent,
) -> CleanUp:
    """Clean up a run whose datasets are in the archive.

    Args:
        run: the run or night.
        pgis: the loaded plug-ins.
        is_forced: clean up what is in the archive, though other datasets are not.
        is_dry: only say what would be done.
        tell: called with what is being done.

    Raises:
        ConfigError: nothing of the run was ingested.
        IngestionError: datasets are not ingested yet; the archive gives no proof; what
            is remembered of the run is damaged.
        PgiError: a plug-in failed, or its answer cannot be taken.
        ProcessingError: another call ingests or cleans up this run.
        OSError: the disk fails; call again.
    """
    with ingesting(run):
        ones = {one.name: one for one in certified(run)}
        receipts = latest(read_receipts(run))
        if not receipts:
            raise ConfigError(
                f"{run.label} has nothing in the archive; ingestProducts -d {run.date} "
                "ingests what is certified"
            )
        if not is_forced:
            _check_complete(run, ones, receipts, read_datasets(run))
        task = _Task()
        proven, kept = _proven(run, pgis, ones, receipts, task.read, tell=tell)
        for one in proven:
            for path, file in zip(_paths(one.idp), one.receipt.files, strict=True):
                task.sums[path] = file.sha256
        _plan_headers(run, pgis, proven, task, kept)
        _plan_links(run, proven, task)
        freed = _freed(task.headers)
        if not is_dry:
            _remove_kept_headers(proven)
            freed -= _do(run, task, tell)
    return CleanUp(tuple(task.headers), tuple(task.links), tuple(kept), freed)


def _check_complete(
    run: Run,
    ones: Mapping[str, Certified],
    receipts: Mapping[str, KeptReceipt],
    known: Datasets,
) -> None:
    """Refuse a run of which something certified is not in the archive.

    Raises:
        IngestionError: which, and what to do.
    """
    of_datasets = {idp.block for idp in known.idps} & ones.keys()
    new = {name for name, one in ones.items() if known.seen.get(name) != one.id}
    waiting = [
        one.target
        for name, one in ones.items()
        if name in of_datasets | new and not has_receipt(one, receipts)
    ]
    if waiting:
        shown = ", ".join(waiting[:_SHOWN]) + (", ..." if waiting[_SHOWN:] else "")
        raise IngestionError(
            f"{run.label} is not ingested completely ({shown}): ingestProducts -d "
            f"{run.date} tells why; -O cleans up what is in the archive all the same"
        )


# What the archive proves ----------------------------------------------------------


def _proven(
    run: Run,
    pgis: Pgis,
    ones: Mapping[str, Certified],
    receipts: Mapping[str, KeptReceipt],
    read: FileSums,
    *,
    tell: Tell,
) -> tuple[list[_Proven], list[Kept]]:
    """The datasets of which archive and files here say the same, and the others."""
    asked, kept = [], []
    for receipt in receipts.values():
        if why := _why_changed(conv_dir(run), receipt, read):
            kept.append(Kept(receipt.block, receipt.target, why))
        else:
            asked.append(receipt)
    held = _ask(run, pgis, asked, tell)
    proven = []
    for receipt in asked:
        lost = [f.stored.name for f in receipt.files if f.stored not in held]
        if lost:
            why = (
                f"{plain(receipt.archive)} does not prove to hold "
                f"{', '.join(lost[:_SHOWN])}; to have it archived again from here, "
                f"remove its line in {receipts_path(run)} and call ingestProducts"
            )
            kept.append(Kept(receipt.block, receipt.target, why))
            continue
        one = ones.get(receipt.block)
        is_same = one is not None and one.id == receipt.id
        idp = _idp(conv_dir(run), receipt)
        proven.append(_Proven(receipt, idp, one if is_same else None))
    return proven, kept


def _ask(
    run: Run, pgis: Pgis, receipts: Sequence[KeptReceipt], tell: Tell
) -> frozenset[Stored]:
    """Ask the archive for its proof.

    Raises:
        IngestionError: it brings none; it is not the one that the receipts are of.
        PgiError: it proves what it was not asked for.
    """
    spec = hookspecs.ingest_products_archive_proof
    (archive,) = pgis.names(hookspecs.ingest_products_archive)
    if not pgis.names(spec):
        raise IngestionError(
            f"{archive} has no {spec.__name__}: it cannot prove what it holds, and "
            "nothing is cleaned up"
        )
    if others := sorted({r.archive for r in receipts} - {archive}):
        raise IngestionError(
            f"{run.label} was ingested into {plain(others[0])}, and "
            f"{run.config.path} names {archive}: clean up with the ARCHIVE that has it"
        )
    files = tuple(file.stored for receipt in receipts for file in receipt.files)
    if not files:
        return frozenset()
    tell(f"{archive} reads what it has", 0, 0)
    answer = pgis.call(spec, run=run, files=files)
    if strange := [file.name for file in answer if file not in files]:
        raise PgiError(
            f"{archive}: wrong answer to {spec.__name__}: it was not asked for "
            f"{strange[0]}"
        )
    return frozenset(answer)


def _why_changed(conv: Path, receipt: KeptReceipt, read: FileSums) -> str:
    """Why files here are not those that were archived, '' where they are, or went."""
    for file in receipt.files:
        path = conv / file.stored.name
        if path.is_file() and read.sha256(path) != file.sha256:
            return f"{path} was changed since it was archived"
    return ""


def _paths(idp: Idp) -> tuple[Path, ...]:
    return (idp.path, *idp.files)


def _idp(conv: Path, receipt: KeptReceipt) -> Idp:
    path, *files = (conv / file.stored.name for file in receipt.files)
    return Idp(receipt.block, path, tuple(files), receipt.target)


# What becomes of it ---------------------------------------------------------------


def _plan_headers(
    run: Run,
    pgis: Pgis,
    proven: Sequence[_Proven],
    task: _Task,
    kept: list[Kept],
) -> None:
    """Find the FITS files that become headers."""
    idps = tuple(one.idp for one in proven)
    spec = hookspecs.ingest_products_cleanup_plugin
    own = [p for idp in idps for p in _paths(idp) if is_fits_name(p.name)]
    answer = pgis.ask(spec, run=run, idps=idps) if idps else None
    if answer is None:
        task.headers.extend(path for path in own if _is_file(path))
        return
    owner = {
        product.path: one
        for one in proven
        if one.certified
        for product in one.certified.products
    }
    wrong = f"{pgis.names(spec)[0]}: wrong answer to {spec.__name__}"
    for path in dict.fromkeys(answer):
        if path not in own and path not in owner:
            raise PgiError(f"{wrong}: {path} is no file of a dataset that is archived")
        if not is_fits_name(path.name):
            raise PgiError(f"{wrong}: {path} is no FITS file")
        if not _is_file(path):
            continue  # it went already
        made = owner.get(path)
        if made and made.certified:
            if why := _why_another(made.certified, path, task.read):
                kept.append(Kept(made.idp.block, made.idp.target, why))
                continue
            task.sums[path] = task.read.sha256(path)
        task.headers.append(path)
    targets = [header_path(path) for path in task.headers]
    if double := [path for path in targets if targets.count(path) > 1]:
        raise PgiError(f"{wrong}: two files would become {double[0]}")


def _why_another(one: Certified, path: Path, read: FileSums) -> str:
    """Say why a file is not the certified one, whatever its headers are by now."""
    try:
        is_same = certified_sha256(path, read) == certified_sum(one, path)
    except ProcessingError as error:
        return f"{path} cannot be proved to be what was certified: {error}"
    if is_same:
        return ""
    return f"{path} is not what was certified, and this the archive has not"


def _plan_links(run: Run, proven: Iterable[_Proven], task: _Task) -> None:
    """Find plots that lie in the plots directory as well."""
    plots = run.config.directories.plots / run.date
    by_size: dict[int, list[Path]] = {}
    for path in sorted(plots.glob("*")):
        if _is_file(path):
            by_size.setdefault(path.stat().st_size, []).append(path)
    for one in proven:
        for file, path in zip(one.receipt.files, _paths(one.idp), strict=True):
            if is_fits_name(path.name) or not _is_file(path):
                continue
            same = by_size.get(path.stat().st_size, ())
            found = [plot for plot in same if sha256(plot) == file.sha256]
            if found:
                task.links[path] = found[0]


def _do(run: Run, task: _Task, tell: Tell) -> int:
    """Do it; return the bytes that the headers take.

    Raises:
        IngestionError: a file was changed while the archive was asked.
        OSError: the disk fails.
    """
    for directory in {conv_dir(run), *(path.parent for path in task.headers)}:
        remove_leftovers(directory)
    size = sum(path.stat().st_size for path in task.headers)
    done = taken = 0
    for path in task.headers:
        _check_unchanged(path, task)
        tell(path.name, done, size)
        done += path.stat().st_size
        taken += replace_by_header(path).stat().st_size
    for path, target in task.links.items():
        _check_unchanged(path, task)
        temporary = temporary_of(path)
        temporary.symlink_to(os.path.relpath(target.resolve(), path.parent.resolve()))
        temporary.replace(path)
    tell("", size, size)
    return taken


def _freed(paths: Iterable[Path]) -> int:
    """What the disk has more without these names: a file goes with its last one."""
    states = [path.stat() for path in paths]
    names = Counter((one.st_dev, one.st_ino) for one in states)
    going = {(one.st_dev, one.st_ino): one for one in states}
    return sum(one.st_size for key, one in going.items() if names[key] >= one.st_nlink)


def _remove_kept_headers(proven: Iterable[_Proven]) -> None:
    """Remove what a killed call has left of files that it replaced by headers."""
    for one in proven:
        for product in one.certified.products if one.certified else ():
            is_replaced = header_path(product.path).is_file()
            if is_replaced and not product.path.exists():
                kept_headers_path(product.path).unlink(missing_ok=True)


def _check_unchanged(path: Path, task: _Task) -> None:
    # The archive may have read for hours; what is unchanged since is not read again.
    if not _is_file(path) or task.read.sha256(path) != task.sums[path]:
        raise IngestionError(
            f"{path} was changed while the archive was asked, and stays; call again"
        )


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
