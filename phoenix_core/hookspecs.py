"""The contract: what each slot's hook gets and returns, in the order of calling.

The first words of each docstring are the key of the configuration. Values are frozen;
a plug-in decides and returns, the core writes, moves and deletes. The few hooks that
act themselves say so. Hooks are called from several threads: keep no module state.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pluggy

from phoenix_core.model import (
    AssociationBlock,
    Cascade,
    DrsCall,
    Finding,
    Idp,
    Job,
    Move,
    Outcome,
    Process,
    Product,
    QcReport,
    Receipt,
    Run,
    Stored,
    Verdict,
)

hookspec = pluggy.HookspecMarker("phoenix")
hookimpl = pluggy.HookimplMarker("phoenix")


@hookspec
def ab_source_findings(run: Run) -> Sequence[Finding]:
    """AB_SOURCE: what a person should know of the run's files that are in no AB.

    Optional companion of `ab_source`, asked after it: files that are of no known kind,
    that cannot be read, or that no AB takes.
    """
    raise NotImplementedError


@hookspec
def ab_source(run: Run) -> Sequence[AssociationBlock]:
    """AB_SOURCE: where the ABs of a run or night come from.

    Return all ABs of the run, in any order. With `run.select` a source may leave out
    what that AB does not need; the core selects anyway.
    """
    raise NotImplementedError


@hookspec
def ab_pgi(run: Run, blocks: Sequence[AssociationBlock]) -> Cascade:
    """AB_PGI: make the cascade out of the ABs.

    Add, edit and order ABs; none may precede what it needs. The same ABs in any
    order give the same cascade.

    ``--drop`` asks it about the ABs as they would be, its own among them: an error
    finding that is new (too few exposures are left, say) refuses the drop.
    """
    raise NotImplementedError


@hookspec
def hdr_pgi(run: Run, cascade: Cascade) -> Sequence[Finding]:
    """HDR_PGI: check the inputs of the cascade before anything is executed.

    An error finding stops part 1.
    """
    raise NotImplementedError


@hookspec
def job_pgi(run: Run, cascade: Cascade) -> Sequence[Job]:
    """JOB_PGI: make one job of each AB, with its stream and what it will take."""
    raise NotImplementedError


@hookspec
def bqs(run: Run, jobs: Sequence[Job], process: Process) -> Iterator[Outcome]:
    """BQS: the batch queue system: run `process(job)` when the job's needs are met.

    Yield one outcome for each job, as they come; what needs a job that did not
    succeed is yielded as SKIPPED, with the cause, and not processed. `process` is
    picklable and the same as the command ``processAB -a AB``. This hook acts itself.
    """
    raise NotImplementedError


@hookspec
def process_ab_pre_plugin(run: Run, block: AssociationBlock) -> AssociationBlock | None:
    """PRE_PLUGIN (processAB): look at an AB before its recipe is called.

    The block's SOF_CONTENT holds the inputs in the order of the call; return the
    block with another order or other parameters, or None to leave it. May wait.
    """
    raise NotImplementedError


@hookspec
def process_ab_drs_call(run: Run, block: AssociationBlock) -> DrsCall:
    """DRS: say what would be called for an AB, without calling it.

    Optional companion of `process_ab_drs`: ``phoenix explain`` shows the command, and
    a new version makes finished ABs out of date.
    """
    raise NotImplementedError


@hookspec
def process_ab_drs(
    run: Run, block: AssociationBlock, workdir: Path
) -> Sequence[Product]:
    """DRS: reduce the data of an AB.

    Inputs are ``phoenix_core.ab.inputs.paths(run, block)`` in the order of SOF_CONTENT.
    Write only into `workdir`, and the log into ``workdir / block.log_name``; return
    the products made there. Raise ProcessingError with one line where it fails. This
    hook acts itself.
    """
    raise NotImplementedError


@hookspec
def process_ab_check_plugin(
    run: Run, block: AssociationBlock, products: Sequence[Product]
) -> Sequence[Finding]:
    """CHECK_PLUGIN (processAB): the instrument's rules of success.

    Asked when the recipe has ended, before anything is published; an error finding
    fails the AB. Exit status 0 of a recipe is not success.
    """
    raise NotImplementedError


@hookspec
def process_ab_post_plugin(
    run: Run, block: AssociationBlock, products: Sequence[Product]
) -> Sequence[Product] | None:
    """POST_PLUGIN (processAB): work on the products before they are published.

    They still lie in the working directory, where this hook may act: edit headers,
    add a file. Return the products to publish, or None to leave them. Mark as
    `interim` what may be deleted once every AB that takes it succeeded.
    """
    raise NotImplementedError


@hookspec
def process_ab_final_plugin(
    run: Run, block: AssociationBlock, products: Sequence[Product]
) -> Sequence[Product] | None:
    """FINAL_PLUGIN (processAB): the last look at the products, as POST_PLUGIN."""
    raise NotImplementedError


@hookspec
def process_qc_procedure(
    run: Run, block: AssociationBlock, products: Sequence[Product]
) -> QcReport | None:
    """QC_PROCEDURE: measure the published products of an AB.

    Return the report with its figures as PNG bytes, or None for an AB that this
    procedure is not for.
    """
    raise NotImplementedError


@hookspec
def process_qc_final_plugin(
    run: Run, block: AssociationBlock, report: QcReport
) -> QcReport | None:
    """FINAL_PLUGIN (processQC): complete the report of an AB, or None to leave it."""
    raise NotImplementedError


@hookspec
def process_qc_pgi_cover(run: Run, reports: Sequence[QcReport]) -> Path | None:
    """PGI_COVER: write the cover sheet of a run's reports, and return where it lies.

    Asked at the end of parts 2 and 3, with the reports on all present products of the
    run, moved ones as well; their plots are where they lie now. A page lies best where
    `phoenix_core.ab_monitor.page.cover_path` says. This hook acts itself.
    """
    raise NotImplementedError


@hookspec
def certif_pgi(run: Run, reports: Sequence[QcReport]) -> Sequence[Verdict]:
    """CERTIF_PGI: accept or reject products, seen by a person or judged by a rule.

    Return one verdict for each report that is reviewed; `phoenix_core.review.certify`
    has the review in the terminal, in a browser and by file. This hook may ask a
    person.
    """
    raise NotImplementedError


@hookspec
def move_products_special_plugin(
    run: Run, products: Sequence[Product]
) -> Sequence[Move] | None:
    """SPECIAL_PLUGIN (moveProducts): say which certified products go where.

    Each product at most once, inside the configured directories. None: all products
    of the accepted ABs go to the reduced directory of the date.
    """
    raise NotImplementedError


@hookspec
def rename_products_special_plugin(
    run: Run, moves: Sequence[Move]
) -> Sequence[Move] | None:
    """SPECIAL_PLUGIN (renameProducts): change the finished list of moves.

    The same sources; names unique; suffixes kept. None to leave it.
    """
    raise NotImplementedError


@hookspec
def ingest_products_conversion_tool(
    run: Run, products: Sequence[Product]
) -> Sequence[Idp]:
    """CONVERSION_TOOL: make datasets for the archive of certified products.

    They are made in ``reduced/<date>/conv``. The certified files stay, at least as they
    are known by `as_certified` (`share_edited`: a large file is not copied for
    other headers). What is up to date is not made again; a dataset that lacks a
    file is returned with what it lacks as `missing`. The products are those of
    accepted ABs that are not ingested yet, where moveProducts put them. This hook
    acts itself.
    """
    raise NotImplementedError


@hookspec
def ingest_products_archive_proof(
    run: Run, files: Sequence[Stored]
) -> Sequence[Stored]:
    """ARCHIVE: say which of these files the archive proves to hold now.

    Companion of `ingest_products_archive`, without which nothing is cleaned up: read
    the archive's own content again, and return of the files those whose name, size and
    checksum it still has; what cannot be proved is left out.
    """
    raise NotImplementedError


@hookspec
def ingest_products_archive(run: Run, idp: Idp) -> Receipt:
    """ARCHIVE: put all files of a dataset into the archive, and say that it has them.

    Called again, after a kill as well, it finishes what is missing, and never makes a
    second copy or overwrites: a name that has another content raises IngestionError
    of one line, as does what fails. How often to try is for the PGI to decide. This
    hook acts itself.
    """
    raise NotImplementedError


@hookspec
def ingest_products_cleanup_plugin(
    run: Run, idps: Sequence[Idp]
) -> Sequence[Path] | None:
    """CLEANUP_PLUGIN: say which FITS files become headers, after their ingestion.

    The archive has proved to hold these datasets. Each path is a file of one of them,
    or a product of its AB, below the reduced directory of the date: the core writes
    its headers as ``.hdr`` in its place. None: the FITS files of the datasets.
    """
    raise NotImplementedError
