"""The facts of a run or night, read from its files; what is damaged costs only itself.

Nothing large is opened: of products the names and sizes are taken.
"""

import contextlib
import datetime as dt
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from attrs import evolve, field, frozen

from phoenix_core.ab.dropped import left_out
from phoenix_core.ab.file import check_block, read_block
from phoenix_core.ab.store import ab_folder
from phoenix_core.association_block import AbStatus, AssociationBlock
from phoenix_core.errors import CertificationError, ConfigError
from phoenix_core.model import Run, Verdict
from phoenix_core.monitors.facts import Facts, Failure
from phoenix_core.monitors.ingestion import ingestion_of, receipts_path
from phoenix_core.monitors.options import Options
from phoenix_core.processing.qc_report import SUFFIX
from phoenix_core.questions.status import Found, find_report
from phoenix_core.records.verdicts import Reviewed, read_verdicts, word_on
from phoenix_core.slots import slot_of

CONV = "conv"
CONVERTED = "CONVERTED"
STORE = "qcweb"
VERDICTS = "verdicts.jsonl"
_FORMAT = "2"  # of facts: another one is read anew
_MOST = 20  # problems told of a run; ours


@frozen
class _Read:
    """The ABs of a run by name, when their files were written, and what is damaged."""

    found: dict[str, Found] = field(factory=dict)
    times: dict[str, float] = field(factory=dict)
    problems: list[str] = field(factory=list)

    @property
    def active(self) -> list[AssociationBlock]:
        """The ABs that are not moved yet."""
        return [one.block for one in self.found.values() if not one.is_moved]

    @property
    def moved(self) -> list[AssociationBlock]:
        """The ABs that part 3 has moved."""
        return [one.block for one in self.found.values() if one.is_moved]

    @property
    def finals(self) -> list[Found]:
        """The ABs that no other one needs, or needed before it was dropped."""
        found = self.found.values()
        needed = {need for one in found for need in one.block.needs} | self.dropped
        return [one for one in found if one.block.name not in needed]

    @property
    def dropped(self) -> frozenset[str]:
        """The ABs that nothing needs since exposures were dropped."""
        return left_out(one.block for one in self.found.values())


def mark_of(run: Run, options: Options) -> str:
    """Return what changes with any file that facts are read from.

    Of ABs, QC reports and products the names, times and sizes are looked at.
    """
    total = hashlib.blake2b(digest_size=16)
    told = [_FORMAT, repr(options), run.label, *_marks(run)]
    total.update("\n".join(told).encode("utf-8", "replace"))
    return total.hexdigest()


def facts_of(run: Run, options: Options) -> Facts:
    """Read the facts of a run or night."""
    read = _read(run)
    facts = Facts(run.date, run.run_id.formal if run.run_id else "")
    facts = _with_abs(facts, read)
    facts = _with_review(facts, run, read)
    facts = _with_products(facts, run, read, options)
    return evolve(facts, problems=tuple(read.problems[:_MOST]))


def _with_abs(facts: Facts, read: _Read) -> Facts:
    """Count the ABs by what became of them."""
    dropped = read.dropped
    active = [block for block in read.active if block.name not in dropped]
    moved = read.moved
    count = {s: sum(block.status is s for block in active) for s in AbStatus}
    created = (b for b in active if b.status is AbStatus.CREATED)
    return evolve(
        facts,
        created=count[AbStatus.CREATED],
        successful=count[AbStatus.SUCCESSFUL],
        failed=count[AbStatus.FAILED],
        skipped=count[AbStatus.SKIPPED],
        dropped=len(read.active) - len(active),
        moved=len(moved),
        virtual=_virtual(active, read.found),
        failures=tuple(_failures(active, read)),
        created_at=_oldest(read, created),
        moved_at=_iso(max((read.times[block.name] for block in moved), default=0.0)),
        waiting_bytes=sum(
            p.size for block in read.active for p in block.products if not p.is_deleted
        ),
    )


def _with_review(facts: Facts, run: Run, read: _Read) -> Facts:
    """Tell of the final ABs which were certified, and which wait for it."""
    finals = read.finals
    given = _verdicts(run, read)
    words = {one.block.name: word_on(given, one.block) for one in finals}
    reports = {n: r for one in finals for n, r in [_report(run, one)] if r is not None}
    stay = [
        one.block.name
        for one in finals
        if one.block.status is AbStatus.SUCCESSFUL and not one.is_moved
    ]
    rejected = [n for n in stay if (word := words[n]) is not None and word.is_no]
    waiting = [name for name in stay if name not in rejected]
    return evolve(
        facts,
        finals=len(finals),
        finals_moved=sum(one.is_moved for one in finals),
        green=sum(reports.values()),
        red=len(reports) - sum(reports.values()),
        accepted=sum(word is not None and not word.is_no for word in words.values()),
        rejected=tuple(sorted(rejected)),
        waiting=tuple(sorted(waiting)),
        waiting_red=sum(not reports.get(name, True) for name in waiting),
        waiting_since=_oldest(read, (b for b in read.active if b.name in waiting)),
    )


def _with_products(facts: Facts, run: Run, read: _Read, options: Options) -> Facts:
    """Tell what lies in the reduced directory, and what the archive has of it."""
    files, archive = _files(run, options), ingestion_of(run)
    read.problems.extend(archive.problems)
    moved = [one.block for one in read.finals if one.is_moved]
    ingested = [block.name for block in moved if block.name in archive.datasets]
    written = _iso(max((*read.times.values(), files.newest)))
    return evolve(
        facts,
        of_class=sum(
            options.SCI_CLASS in {"", block.value("RAW_TYPE")} for block in moved
        ),
        products=files.products,
        fits=len(files.names),
        reduced_bytes=files.size,
        is_converted=files.converted > 0,
        converted_at=_iso(files.converted),
        ingested=len(ingested),
        cleaned=sum(archive.datasets[name] not in files.names for name in ingested),
        ingested_at=archive.at,
        active_at=max(written, archive.at),
    )


def asked_of_store(run: Run) -> tuple[int, int]:
    """Return how many ABs the AB store has of a run, and how many are not here.

    Raises:
        ConfigError: the store does not answer.
    """
    config = run.config
    is_store = config.pgis(slot_of("ab_source")) == (STORE,)
    if not config.ab_branch or not is_store:
        return -1, -1
    folder = ab_folder(config.ab_store, config.ab_branch, run.date, str(config.path))
    names = folder.names()
    return len(names), sum(
        not run.ab_path(name).exists() and not run.moved_path(name).exists()
        for name in names
    )


def _marks(run: Run) -> Iterator[str]:
    places = run.config.directories
    reduced = places.reduced / run.date
    everything = (run.ab_dir, places.logs / run.date, reduced, reduced / CONV)
    for folder in everything:
        yield str(folder)  # a file that moves is another one
        for entry in _entries(folder):
            if not entry.name.startswith("."):
                yield _mark(entry)
    for kind in _entries(places.product):
        for entry in _entries(Path(kind.path, run.date)) if _is_plain(kind) else ():
            if entry.name.endswith(SUFFIX):
                yield _mark(entry)
    for path in (run.monitor_dir / VERDICTS, receipts_path(run)):
        with contextlib.suppress(OSError):
            state = path.stat()
            yield f"{path.name} {state.st_mtime_ns} {state.st_size}"


def _mark(entry: os.DirEntry[str]) -> str:
    try:
        state = entry.stat(follow_symlinks=False)
    except OSError:  # it is gone meanwhile
        return ""
    return f"{entry.name} {state.st_mtime_ns} {state.st_size}"


def _is_plain(entry: os.DirEntry[str]) -> bool:
    return not entry.name.startswith(".")


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        return sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return []


def _read(run: Run) -> _Read:
    """Read all ABs; an active one counts before a moved one of its name."""
    read = _Read()
    logs = run.moved_path("any").parent
    for folder, is_moved in ((run.ab_dir, False), (logs, True)):
        for path in sorted(folder.glob("*.ab")):
            if path.name in read.found:
                continue
            try:
                written = path.stat().st_mtime
                block = check_block(read_block(path))
            except (ConfigError, OSError) as error:
                if os.path.lexists(path):  # part 3 may have moved it meanwhile
                    read.problems.append(str(error))
                continue
            read.found[path.name] = Found(block, is_moved=is_moved)
            read.times[path.name] = written
    return read


def _verdicts(run: Run, read: _Read) -> Mapping[Reviewed, Verdict]:
    try:
        return read_verdicts(run)
    except CertificationError as error:
        read.problems.append(str(error))
        return {}


def _report(run: Run, found: Found) -> tuple[str, bool | None]:
    """Whether the present QC report of a final AB is green; None: nothing is known."""
    told = None
    if found.block.status is AbStatus.SUCCESSFUL:
        told = find_report(run, found)
    is_known = told is not None and told[1].is_scored
    return found.block.name, told[1].is_green if told and is_known else None


def _virtual(active: list[AssociationBlock], found: Mapping[str, Found]) -> int:
    """How many ABs take what another one has not made."""
    made = {n for n, o in found.items() if o.block.status is AbStatus.SUCCESSFUL}
    return sum(not made.issuperset(block.needs) for block in active)


def _failures(active: list[AssociationBlock], read: _Read) -> Iterator[Failure]:
    targets = _targets(active)
    for block in active:
        if block.status is AbStatus.FAILED:
            cause = block.cause or "no cause is told"
            at = _iso(read.times[block.name])
            target = ", ".join(sorted(targets[block.name]))
            yield Failure(block.name, block.recipe, target, cause, at)


def _targets(blocks: list[AssociationBlock]) -> dict[str, set[str]]:
    """The targets that each AB works for: its own, or those of what takes from it."""
    takers: dict[str, list[AssociationBlock]] = {}
    for block in blocks:
        for need in block.needs:
            takers.setdefault(need, []).append(block)
    found = {}
    for block in blocks:
        seen: set[str] = set()
        targets: set[str] = set()
        waiting = [block]
        while waiting:
            one = waiting.pop()
            if one.name in seen:
                continue
            seen.add(one.name)
            if target := one.value("TARGET"):
                targets.add(target)
            else:
                waiting += takers.get(one.name, [])
        found[block.name] = targets
    return found


@frozen
class _Files:
    """What lies in the reduced directory of a run, by name and size."""

    products: int = 0
    names: frozenset[str] = frozenset()
    size: int = 0
    newest: float = 0.0
    converted: float = 0.0  # when CONVERTED was written; 0: it is not there


def _files(run: Run, options: Options) -> _Files:
    marker = re.compile(options.PRODUCT_MARKER)
    reduced = run.config.directories.reduced / run.date
    products, names, size = set(), set(), 0
    seen: set[tuple[int, int]] = set()  # a cube and its IDP may be one file
    newest = converted = 0.0
    for folder in (reduced, reduced / CONV):
        for entry in _entries(folder):
            if entry.name.startswith(".") or not entry.is_file(follow_symlinks=False):
                continue
            state = entry.stat(follow_symlinks=False)
            if (inode := (state.st_dev, state.st_ino)) not in seen:
                size += state.st_size
                seen.add(inode)
            newest = max(newest, state.st_mtime)
            if folder.name == CONV and entry.name == CONVERTED:
                converted = state.st_mtime
            stem, _, suffix = entry.name.rpartition(".")
            if suffix not in {"fits", "hdr"}:
                continue
            names.add(entry.name)
            if marker.search(entry.name):
                products.add(stem)
    if options.CHECK_CONV == "NO":
        converted = 0.0
    return _Files(len(products), frozenset(names), size, newest, converted)


def _oldest(read: _Read, blocks: Iterable[AssociationBlock]) -> str:
    return _iso(min((read.times[block.name] for block in blocks), default=0.0))


def _iso(seconds: float) -> str:
    if not seconds:
        return ""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")
