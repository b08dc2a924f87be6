"""processQC: the quality control of one AB, and the reports of a run.

QC_PROCEDURE measures the products, FINAL_PLUGIN has the last word, and the core writes
the figures, a page, then the report, then its rows into the QC1 database. The report
says what it is about and what made it: QC is done again for new products, other
options, or when the report of an AB that this one takes products of is new (a procedure
may look at it); else never. Rows that the database does not have are put there at any
call.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import attrs
from typeguard import CollectionCheckStrategy, TypeCheckError, check_type

from phoenix_core import hookspecs
from phoenix_core.ab.file import read_block, read_blocks
from phoenix_core.association_block import AssociationBlock, is_safe_name
from phoenix_core.errors import ConfigError, PgiError, ProcessingError
from phoenix_core.files.atomic import write_bytes
from phoenix_core.files.regular_file import read_regular
from phoenix_core.loader.pgis import Pgis
from phoenix_core.model import AbStatus, Product, Qc1Row, QcReport, Run, Score
from phoenix_core.processing.qc_page import write_qc_page
from phoenix_core.processing.qc_report import (
    SUFFIX,
    StoredReport,
    page_path,
    read_report,
    read_stored,
    report_path,
    write_report,
)

_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"IEND\xaeB`\x82"


def process_qc(run: Run, pgis: Pgis, name: str) -> QcReport | None:
    """Do the QC of one AB.

    Args:
        run: the run or night.
        pgis: the loaded plug-ins.
        name: the AB, SUCCESSFUL and not moved yet.

    Returns:
        The report, or the one that was there where nothing has changed since; None
        where no QC procedure is for this AB.

    Raises:
        ConfigError: there is no such AB.
        ProcessingError: it did not succeed, a product is gone, the disk is full; or
            the report is there, and the QC1 database does not take its rows.
        PgiError: a plug-in failed or its report cannot be taken.
    """
    block = read_block(run.ab_path(name))
    if block.status is not AbStatus.SUCCESSFUL:
        raise ProcessingError(
            f"{name} is {block.status}, only a SUCCESSFUL AB has products to look at; "
            f"run phoenix -P or processAB -a {name} first"
        )
    path, setup, inputs = report_path(run, block), _setup(pgis), _inputs(run, block)
    stored = _stored(path)
    is_finished = stored and _is_finished(stored, block, setup, inputs)
    report = stored.report if stored and is_finished else _measure(run, pgis, block)
    if report is None:
        return None
    try:
        if is_finished:
            write_qc_page(page_path(path), report)
        else:
            report = _publish(path, StoredReport(report, setup, inputs), stored)
    except OSError as error:
        raise ProcessingError(
            f"{name}: the QC report cannot be written: {error}"
        ) from error
    put_rows(run, block, report)
    return report


def put_rows(run: Run, block: AssociationBlock, report: QcReport) -> bool:
    """Put the rows of a report into the QC1 database, unless it has them.

    Returns:
        Whether something was put there.

    Raises:
        ProcessingError: the database does not take them.
    """
    if not report.qc1:  # most instruments have none: nothing is imported
        return False
    from phoenix_core.qc1.report_rows import keep_rows  # noqa: PLC0415

    try:
        return keep_rows(run, block, report)
    except (ConfigError, OSError) as error:
        raise ProcessingError(
            f"{report.block}: its QC report is kept, but its rows are not in the QC1 "
            f"database yet: {error}; call again to put them there"
        ) from error


def read_reports(run: Run) -> tuple[QcReport, ...]:
    """Read the reports of all active ABs of a run, in the order of their names.

    A report about earlier products of an AB is left out: nobody shall judge by it.

    Raises:
        ConfigError: an AB or a report is damaged.
    """
    successful = (
        block
        for block in read_blocks(run.ab_dir)
        if block.status is AbStatus.SUCCESSFUL and report_path(run, block).is_file()
    )
    reports = ((block, read_report(report_path(run, block))) for block in successful)
    return tuple(
        report
        for block, report in reports
        if (report.block, report.fingerprint) == (block.name, block.fingerprint)
    )


def _stored(path: Path) -> StoredReport | None:
    """What is there; a damaged report counts as none, since it is made again."""
    with suppress(ConfigError):
        return read_stored(path)
    return None


def _is_finished(
    stored: StoredReport,
    block: AssociationBlock,
    setup: str,
    inputs: Mapping[str, str],
) -> bool:
    report = stored.report
    return (
        bool(block.fingerprint)
        and report.fingerprint == block.fingerprint
        and report.block == block.name
        and stored.setup == setup
        # Reports that were moved since say nothing new.
        and all(stored.inputs.get(name) == text for name, text in inputs.items())
        and all(plot.is_file() for plot in report.plots)
    )


def _inputs(run: Run, block: AssociationBlock) -> dict[str, str]:
    """Sums of what a report looks at: the products, and the reports of the inputs.

    Products made again from the same inputs may differ: a fingerprint is not enough.
    """
    found = {
        product.file: product.checksum
        for product in block.products
        if not product.is_deleted
    }
    for name in block.needs:
        with suppress(ConfigError, OSError):
            path = report_path(run, read_block(run.ab_path(name)))
            found[name] = _sum(read_regular(path))
    return found


def _setup(pgis: Pgis) -> str:
    """What tells one QC configuration from another: its PGIs and their options."""
    names = [
        pgi
        for spec in (hookspecs.process_qc_procedure, hookspecs.process_qc_final_plugin)
        for pgi in pgis.names(spec)
    ]
    options = [(pgi, dict(pgis.config.options.get(pgi, {}))) for pgi in names]
    text = json.dumps(options, sort_keys=True, default=str)
    return _sum(text.encode())


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _products(run: Run, block: AssociationBlock) -> tuple[Product, ...]:
    """The products of an AB that are there, each checked to be so."""
    directory = run.product_dir(block.raw_type)
    products = []
    for record in block.products:
        if record.is_deleted:
            continue
        path = directory / record.file
        if not path.is_file():
            raise ProcessingError(
                f"{block.name}: its product {path} is gone; process the AB again"
            )
        is_interim = record.state == "INTERIM"
        products.append(Product(path, record.category, block.name, is_interim))
    return tuple(products)


def _measure(run: Run, pgis: Pgis, block: AssociationBlock) -> QcReport | None:
    """Ask the QC procedures until one has a report, then FINAL_PLUGIN."""
    products = _products(run, block)
    answers = pgis.each(
        hookspecs.process_qc_procedure, run=run, block=block, products=products
    )
    report = _first(answers, block)
    if report is None:
        return None
    finals = pgis.each(
        hookspecs.process_qc_final_plugin, run=run, block=block, report=report
    )
    return _first(finals, block) or report


def _first(
    answers: Iterator[tuple[str, QcReport | None]], block: AssociationBlock
) -> QcReport | None:
    for pgi, answer in answers:
        if answer is not None:
            _check(pgi, answer, block)
            return attrs.evolve(
                answer,
                recipe=answer.recipe or block.recipe,
                target=answer.target or block.value("TARGET"),
                fingerprint=block.fingerprint,
            )
    return None


def _check(pgi: str, report: QcReport, block: AssociationBlock) -> None:
    """Hold a report against the contract, down to the values in it.

    Raises:
        PgiError: the PGI, and what of its report cannot be taken.
    """

    def wrong(problem: str) -> PgiError:
        return PgiError(f"{pgi}: wrong QC report of {block.name}: {problem}")

    if report.block != block.name:
        raise wrong(f"it is of {report.block!r}")
    _check_fields(report, QcReport, wrong)
    for score in report.scores:
        _check_fields(score, Score, wrong)
    names = [score.name for score in report.scores]
    if len(set(names)) < len(names) or not all(names):
        raise wrong(f"its scores need names, each another one: {names}")
    for name, figure in report.figures.items():
        if name and not is_safe_name(name):
            raise wrong(f"the figure {name!r} needs a name without directories")
        if not (figure.startswith(_PNG_START) and figure.endswith(_PNG_END)):
            raise wrong(f"the figure {name!r} is no whole PNG")
    _check_rows(report, wrong)


def _check_rows(report: QcReport, wrong: Callable[[str], PgiError]) -> None:
    """Hold the rows for the QC1 database against their tables."""
    if not report.qc1:
        return
    from phoenix_core.qc1.report_rows import check_report_rows  # noqa: PLC0415

    for row in report.qc1:
        _check_fields(row, Qc1Row, wrong)
    try:
        check_report_rows(report.qc1)
    except ConfigError as error:
        raise wrong(str(error).split("\n", 1)[0]) from None


def _check_fields(
    value: QcReport | Score | Qc1Row,
    kind: type[QcReport | Score | Qc1Row],
    wrong: Callable[[str], PgiError],
) -> None:
    """Hold the fields against their annotations; the loader does not look inside."""
    for field in attrs.fields(attrs.resolve_types(kind)):
        try:
            check_type(
                getattr(value, field.name),
                field.type,
                collection_check_strategy=CollectionCheckStrategy.ALL_ITEMS,
            )
        except TypeCheckError as error:
            raise wrong(" ".join(f"{field.name}: {error}".split())) from None


def _publish(path: Path, made: StoredReport, previous: StoredReport | None) -> QcReport:
    """Write the figures, then the report that names them; old figures go."""
    root = path.name.removesuffix(SUFFIX)
    plots = {
        path.with_name(f"{root}_{name}.png" if name else f"{root}.png"): png
        for name, png in made.report.figures.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    for plot, png in plots.items():
        write_bytes(plot, png)
    report = attrs.evolve(made.report, figures={}, plots=tuple(plots))
    write_qc_page(page_path(path), report)
    write_report(path, attrs.evolve(made, report=report))
    for plot in previous.report.plots if previous else ():
        if plot not in plots:
            plot.unlink(missing_ok=True)
    return report
