"""The nouns: frozen values that plug-ins get and return."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from attrs import field, frozen

from phoenix_core.association_block import (
    AbStatus,
    AssociationBlock,
    Mcalib,
    ProductRecord,
    RawFile,
    SofEntry,
)
from phoenix_core.config import Config, build_options
from phoenix_core.run_id import RunId

__all__ = [
    "AbStatus",
    "AssociationBlock",
    "Cascade",
    "DrsCall",
    "Finding",
    "Idp",
    "Job",
    "Mcalib",
    "Move",
    "Outcome",
    "Process",
    "Product",
    "ProductRecord",
    "Qc1Row",
    "QcReport",
    "RawFile",
    "Receipt",
    "Run",
    "Score",
    "SofEntry",
    "Stored",
    "Verdict",
]

OptionsT = TypeVar("OptionsT")


@frozen
class Run:
    """What a call of phoenix works on: a run (by -r) or a night (by -d).

    `date` labels its directories: the run's pseudo-date, or the night.
    """

    date: str
    config: Config
    run_id: RunId | None = None
    select: str = ""  # -a: this AB and what it needs
    verdicts: Path | None = None  # --verdicts
    fresh: bool = False  # --fresh
    keep: bool = False  # -n
    web: int | None = None  # --web: the port of the review in a browser, 0 for any
    reviewer: str = ""  # the stand-alone command that reviews; '' is phoenix -M

    @property
    def label(self) -> str:
        """How people call it: the run id, or the night."""
        return self.run_id.plain if self.run_id else self.date

    @property
    def option(self) -> str:
        """How the command line names it: ``-r RUN``, or ``-d NIGHT``."""
        return f"-r {self.run_id.plain}" if self.run_id else f"-d {self.date}"

    @property
    def ab_dir(self) -> Path:
        """Where its active ABs lie."""
        return self.config.directories.ab / self.date

    @property
    def monitor_dir(self) -> Path:
        """Where its event log, verdicts and summaries lie."""
        return self.config.directories.monitor / self.date

    def ab_path(self, name: str) -> Path:
        """Where the active AB of that name lies."""
        return self.config.directories.ab.joinpath(self.date, name)

    def moved_path(self, name: str) -> Path:
        """Where an AB lies once its products were certified and moved."""
        return self.config.directories.logs.joinpath(self.date, name)

    def product_dir(self, raw_type: str) -> Path:
        """Where products wait for certification."""
        return self.config.directories.product.joinpath(raw_type, self.date)

    def work_dir(self, ab_name: str) -> Path:
        """The private directory in which an AB is processed."""
        return self.config.directories.product.joinpath(".work", self.date, ab_name)

    def options(self, pgi: str, kind: type[OptionsT]) -> OptionsT:
        """Return a PGI's table of the configuration as an instance of its class."""
        return build_options(self.config, pgi, kind)


@frozen
class Finding:
    """Something a person should know before a run is executed.

    An error stops part 1; a warning is shown with the plan.
    """

    message: str
    block: str = ""
    is_error: bool = False


@frozen
class Cascade:
    """The ABs of a run in dependency order, and what was found on the way."""

    blocks: tuple[AssociationBlock, ...] = ()
    findings: tuple[Finding, ...] = ()


@frozen
class Job:
    """One AB to run: what it waits for, beside how many of its kind, what it takes.

    At most `limit` jobs of one `stream` run at a time. Times in seconds, memory and
    disk in bytes, all predictions.
    """

    block: str
    needs: tuple[str, ...] = ()
    stream: str = "all"
    limit: int = 1
    cores: int = 1
    seconds: float = 0.0
    memory: int = 0
    disk: int = 0
    memory_per_input: int = 0  # where memory grows with the inputs: by so much each


@frozen
class Outcome:
    """What became of a job."""

    block: str
    status: AbStatus
    cause: str = ""
    seconds: float = 0.0
    memory: int = 0  # peak resident memory, bytes
    is_new: bool = True  # False: it was finished before, and still up to date


Process = Callable[[Job], Outcome]


@frozen
class Product:
    """A file that an AB made.

    An `interim` one is deleted by the core once every AB that takes it succeeded.
    """

    path: Path
    category: str
    block: str = ""
    interim: bool = False


@frozen
class DrsCall:
    """What the data reduction would do with an AB: command line and version.

    A new version makes finished ABs out of date.
    """

    command: tuple[str, ...]
    version: str


@frozen
class Score:
    """A QC parameter held against its limits; no limit on a side is None.

    One that is not scored, since it has no limits or its parameter does not apply, is
    grey: nothing speaks against the product, and nothing for it.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    comment: str = ""
    is_scored: bool = field()

    @is_scored.default
    def _has_limits(self) -> bool:
        return self.low is not None or self.high is not None

    @property
    def is_passed(self) -> bool:
        """Whether the value is there and within its limits, or nothing is scored."""
        if not self.is_scored:
            return True
        if self.value is None or math.isnan(self.value):
            return False
        above = self.low is None or self.value >= self.low
        return above and (self.high is None or self.value <= self.high)

    @property
    def colour(self) -> str:
        """Its symbol's colour: green, red, or grey where it is not scored."""
        if not self.is_scored:
            return "grey"
        return "green" if self.is_passed else "red"


@frozen
class Qc1Row:
    """A row for a table of the QC1 database: what the QC of an AB adds to history."""

    table: str
    values: Mapping[str, str | int | float | None]


@frozen
class QcReport:
    """The QC of one AB.

    A procedure returns its plots as `figures`: PNG bytes by name ('' for the one
    that is named as the AB). The core writes them; a report read back has `plots`.
    """

    block: str
    recipe: str = ""
    target: str = ""
    parameters: Mapping[str, str | int | float | bool] = field(factory=dict)
    scores: tuple[Score, ...] = ()
    comments: tuple[str, ...] = ()
    figures: Mapping[str, bytes] = field(factory=dict, eq=False, repr=False)
    plots: tuple[Path, ...] = ()
    fingerprint: str = ""  # of the AB that was looked at
    qc1: tuple[Qc1Row, ...] = ()
    units: Mapping[str, str] = field(factory=dict)  # of parameters, by name

    @property
    def is_green(self) -> bool:
        """Whether no score is red."""
        return all(score.is_passed for score in self.scores)

    @property
    def is_scored(self) -> bool:
        """Whether any score applies: without one, nothing is known to be good."""
        return any(score.is_scored for score in self.scores)

    @property
    def total_score(self) -> int:
        """How many scores are red: 0 for a good product."""
        return sum(not score.is_passed for score in self.scores)


@frozen
class Verdict:
    """A person's or rule's word on an AB's products, for just what was seen."""

    block: str
    is_accepted: bool
    by: str
    at: str  # ISO time, UTC
    comment: str = ""
    fingerprint: str = ""  # of the AB that was reviewed


@frozen
class Move:
    """A file and where it goes."""

    source: Path
    target: Path


@frozen
class Idp:
    """A dataset for the archive: a science file, and the files associated with it.

    `missing` tells what of it is not there; a dataset is ingested whole, or not yet.
    """

    block: str
    path: Path
    files: tuple[Path, ...] = ()
    target: str = ""
    missing: tuple[str, ...] = ()


@frozen
class Stored:
    """A file as an archive has it: what the archive itself says of it.

    The checksum is ``md5:`` or ``sha256:`` and hexadecimal digits, or ``crc32:`` and
    an unsigned decimal number.
    """

    name: str
    where: str
    size: int
    checksum: str


@frozen
class Receipt:
    """An archive's word that it holds each file of a dataset.

    `remarks` are what a person should know of it all the same, a line each.
    """

    block: str
    files: tuple[Stored, ...]
    at: str  # ISO time, UTC
    remarks: tuple[str, ...] = ()
