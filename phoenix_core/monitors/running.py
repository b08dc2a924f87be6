"""What goes on at this moment, as locks tell; and the room on the disks."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import fields, frozen

from phoenix_core.config import Directories
from phoenix_core.files.regular_file import read_regular
from phoenix_core.files.run_lock import holder_of, is_held
from phoenix_core.loader.session import LOCK
from phoenix_core.model import Run
from phoenix_core.monitors.site import Site
from phoenix_core.processing.process_ab import LOCK as AB_LOCK
from phoenix_core.recipe.recipe_call import is_running

_FULL, _TIGHT = 0.03, 0.10  # of a file system that is free: too little, little (ours)


@frozen
class Busy:
    """A run that somebody works on: who, and which ABs are being processed.

    `since` is when the lock was taken; ISO, UTC.
    """

    run: Run
    holder: str
    abs: tuple[str, ...]
    since: str = ""


@frozen
class Disk:
    """A file system: the directories on it, and its room in bytes."""

    names: tuple[str, ...]
    path: str
    free: int
    total: int

    @property
    def state(self) -> str:
        """Whether there is room: good, warn or bad."""
        part = self.free / self.total if self.total else 1.0
        return "bad" if part < _FULL else "warn" if part < _TIGHT else "good"


def busy_runs(site: Site) -> Mapping[str, Busy]:
    """Return the runs or nights that are being worked on, by date."""
    found = {}
    for date, facts in site.facts.items():
        run = site.run(facts)
        lock = run.ab_dir / LOCK
        told = holder_of(lock) if is_held(lock) else ""
        abs_ = tuple(sorted(_running(run)))
        if told or abs_:
            holder, _, since = told.partition(" since ")
            found[date] = Busy(run, holder, abs_, since)
    return found


def calls_waiting(directories: Directories) -> frozenset[str]:
    """Return the words of JOBS_INGEST that are no comments: dates among them."""
    try:
        text = read_regular(directories.jobs / "JOBS_INGEST").decode("utf-8", "replace")
    except OSError:
        return frozenset()
    lines = (line.partition("#")[0] for line in text.splitlines())
    return frozenset(word for line in lines for word in line.split())


def disks_of(directories: Directories) -> tuple[Disk, ...]:
    """Return the file systems of a site; a directory to come counts where it will be.

    One that cannot be asked is left out.
    """
    found: dict[int, tuple[list[str], Path]] = {}
    for name in (a.name for a in fields(Directories)):
        path: Path = getattr(directories, name)
        while not path.exists() and path != path.parent:
            path = path.parent
        try:
            device = path.stat().st_dev
        except OSError:
            continue
        found.setdefault(device, ([], path))[0].append(name)
    return tuple(_disks(found))


def _disks(found: Mapping[int, tuple[list[str], Path]]) -> Iterator[Disk]:
    for names, path in found.values():
        try:
            told = os.statvfs(path)
        except OSError:
            continue
        size = told.f_frsize
        free, total = told.f_bavail * size, told.f_blocks * size
        yield Disk(tuple(names), str(path), free, total)


def _running(run: Run) -> Iterator[str]:
    directory = run.work_dir("")
    try:
        entries = list(os.scandir(directory))
    except OSError:
        return
    for entry in entries:
        workdir = Path(entry.path)
        if is_held(workdir / AB_LOCK) or is_running(workdir):
            yield entry.name
