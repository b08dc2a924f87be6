"""Contracts of the slots of processQC."""

import math
from collections.abc import Sequence

import pytest

from phoenix_core import hookspecs
from phoenix_core.model import AssociationBlock, Product, QcReport, Run
from phoenix_core.testing.contract import Contract, files_below
from phoenix_core.testing.toys import toy_block, toy_reports

PNG_START, PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"


class QcProcedureContract(Contract):
    """QC_PROCEDURE. Give `block`, and its published `products`.

    They lie in ``run.product_dir(block.raw_type)``. Override `stranger` where the
    procedure takes any AB.
    """

    hook = "process_qc_procedure"

    @pytest.fixture
    def stranger(self) -> AssociationBlock:
        """An AB that the procedure is not for; it has no products."""
        return toy_block("stranger.ab", recipe="no_recipe_of_yours")

    def report_of(
        self, run: Run, block: AssociationBlock, products: Sequence[Product]
    ) -> QcReport | None:
        """Ask the PGI."""
        run, pgis = self.loaded(run)
        return pgis.ask(
            hookspecs.process_qc_procedure, run=run, block=block, products=products
        )

    def test_a_strange_block_gets_no_report(
        self, run: Run, stranger: AssociationBlock
    ) -> None:
        """The next procedure is asked then."""
        assert self.report_of(run, stranger, ()) is None

    def test_the_report_is_about_the_block(
        self, run: Run, block: AssociationBlock, products: Sequence[Product]
    ) -> None:
        """It carries its name, and something was measured."""
        report = self.report_of(run, block, products)
        assert report is not None
        assert report.block == block.name
        assert report.parameters

    def test_parameters_and_scores_are_numbers(
        self, run: Run, block: AssociationBlock, products: Sequence[Product]
    ) -> None:
        """No NaN, no infinity; a score that could not be measured is None."""
        report = self.report_of(run, block, products)
        assert report is not None
        values = [*report.parameters.values(), *(s.value for s in report.scores)]
        floats = [value for value in values if isinstance(value, float)]
        assert all(math.isfinite(value) for value in floats), floats

    def test_every_score_has_a_name_and_room_between_its_limits(
        self, run: Run, block: AssociationBlock, products: Sequence[Product]
    ) -> None:
        """No two scores share a name, none is impossible to pass."""
        report = self.report_of(run, block, products)
        assert report is not None
        names = [score.name for score in report.scores]
        assert len(set(names)) == len(names)
        for score in report.scores:
            assert score.name
            if score.low is not None and score.high is not None:
                assert score.low <= score.high

    def test_every_figure_is_a_png(
        self, run: Run, block: AssociationBlock, products: Sequence[Product]
    ) -> None:
        """A whole one, from its first bytes to its last."""
        report = self.report_of(run, block, products)
        assert report is not None
        for name, figure in report.figures.items():
            assert figure.startswith(PNG_START), name
            assert figure.endswith(PNG_END), name

    def test_rows_fit_their_tables_in_the_qc1_database(
        self, run: Run, block: AssociationBlock, products: Sequence[Product]
    ) -> None:
        """Each names a table that a package declares, its key, and its columns only."""
        report = self.report_of(run, block, products)
        assert report is not None
        if report.qc1:
            from phoenix_core.qc1.report_rows import check_report_rows  # noqa: PLC0415

            check_report_rows(report.qc1)

    def test_it_only_looks(
        self, run: Run, block: AssociationBlock, products: Sequence[Product]
    ) -> None:
        """No file is changed; the core writes report and figures."""
        before = files_below(run.config.directories.root)
        self.report_of(run, block, products)
        assert files_below(run.config.directories.root) == before


class QcFinalPluginContract(Contract):
    """FINAL_PLUGIN of processQC. Override `reports` for those of your instrument."""

    hook = "process_qc_final_plugin"

    @pytest.fixture
    def reports(self) -> Sequence[QcReport]:
        """A green report, a red one, and one that is blind on a score."""
        return toy_reports()

    @pytest.fixture
    def block(self) -> AssociationBlock:
        """The AB that the reports are about."""
        return toy_block("a.ab")

    def completed(
        self, run: Run, block: AssociationBlock, report: QcReport
    ) -> QcReport:
        """Ask the PGI."""
        run, pgis = self.loaded(run)
        answer = pgis.ask(
            hookspecs.process_qc_final_plugin, run=run, block=block, report=report
        )
        return report if answer is None else answer

    def test_it_is_still_the_report_of_that_block(
        self, run: Run, block: AssociationBlock, reports: Sequence[QcReport]
    ) -> None:
        """And of the products that were measured."""
        for report in reports:
            answer = self.completed(run, block, report)
            assert (answer.block, answer.fingerprint) == (
                report.block,
                report.fingerprint,
            )

    def test_no_parameter_no_score_and_no_row_is_lost(
        self, run: Run, block: AssociationBlock, reports: Sequence[QcReport]
    ) -> None:
        """It completes what the procedure measured."""
        for report in reports:
            answer = self.completed(run, block, report)
            assert set(report.parameters) <= set(answer.parameters)
            assert {row.table for row in report.qc1} <= {
                row.table for row in answer.qc1
            }
            names = {score.name for score in answer.scores}
            assert {score.name for score in report.scores} <= names

    def test_twice_is_the_same_as_once(
        self, run: Run, block: AssociationBlock, reports: Sequence[QcReport]
    ) -> None:
        """QC that is done again says nothing twice."""
        for report in reports:
            once = self.completed(run, block, report)
            assert self.completed(run, block, once) == once


class PgiCoverContract(Contract):
    """PGI_COVER. Override `reports` for those of your instrument."""

    hook = "process_qc_pgi_cover"

    @pytest.fixture
    def reports(self) -> Sequence[QcReport]:
        """The reports of a run."""
        return toy_reports()

    def test_the_sheet_lies_in_the_directories_of_the_run(
        self, run: Run, reports: Sequence[QcReport]
    ) -> None:
        """Where it says it wrote, there is a file with something in it."""
        run, pgis = self.loaded(run)
        sheet = pgis.ask(hookspecs.process_qc_pgi_cover, run=run, reports=reports)
        assert sheet is not None
        assert sheet.stat().st_size > 0
        assert sheet.resolve().is_relative_to(run.config.directories.root.resolve())

    def test_a_run_without_reports_is_no_error(self, run: Run) -> None:
        """There may be a sheet then, or none."""
        run, pgis = self.loaded(run)
        sheet = pgis.ask(hookspecs.process_qc_pgi_cover, run=run, reports=())
        assert sheet is None or sheet.is_file()

    def test_it_changes_no_other_file(
        self, run: Run, reports: Sequence[QcReport]
    ) -> None:
        """What was there before stays as it is."""
        run, pgis = self.loaded(run)
        (run.config.directories.product / "product.fits").write_bytes(b"a product")
        before = files_below(run.config.directories.root)
        pgis.ask(hookspecs.process_qc_pgi_cover, run=run, reports=reports)
        after = files_below(run.config.directories.root)
        assert {path: after.get(path) for path in before} == before
