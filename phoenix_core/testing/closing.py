"""Contracts of the slots that close a run: certification, names, places."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest

from phoenix_core import hookspecs
from phoenix_core.errors import CertificationError
from phoenix_core.model import Move, Product, QcReport, Run, Verdict
from phoenix_core.testing.contract import Contract
from phoenix_core.testing.toys import toy_cascade, toy_moves, toy_products, toy_reports


class CertifPgiContract(Contract):
    """CERTIF_PGI, with nobody there to be asked. Override `reports`."""

    hook = "certif_pgi"

    @pytest.fixture
    def reports(self) -> Sequence[QcReport]:
        """Reports, of which some have failed scores."""
        return toy_reports()

    def verdicts_on(self, run: Run, reports: Sequence[QcReport]) -> Sequence[Verdict]:
        """Ask the PGI; one that has to ask a person may refuse."""
        run, pgis = self.loaded(run)
        try:
            return pgis.call(hookspecs.certif_pgi, run=run, reports=reports)
        except CertificationError:
            return ()

    def test_every_verdict_is_on_a_report_and_none_has_two(
        self, run: Run, reports: Sequence[QcReport]
    ) -> None:
        """Nothing is judged that was not reviewed."""
        judged = [verdict.block for verdict in self.verdicts_on(run, reports)]
        assert set(judged) <= {report.block for report in reports}
        assert len(set(judged)) == len(judged)

    def test_failed_scores_are_never_accepted_unseen(
        self, run: Run, reports: Sequence[QcReport]
    ) -> None:
        """Only a person accepts what a score rejects."""
        red = {report.block for report in reports if not report.is_green}
        assert red, "the contract needs a report with a failed score"
        verdicts = self.verdicts_on(run, reports)
        assert red & {v.block for v in verdicts if v.is_accepted} == set()

    def test_a_verdict_says_who_when_and_on_what(
        self, run: Run, reports: Sequence[QcReport]
    ) -> None:
        """The products that were reviewed, and no later ones."""
        seen = {report.block: report.fingerprint for report in reports}
        for verdict in self.verdicts_on(run, reports):
            assert verdict.by
            assert dt.datetime.fromisoformat(verdict.at).utcoffset() == dt.timedelta()
            assert verdict.fingerprint == seen[verdict.block]

    def test_without_reports_there_is_no_verdict(self, run: Run) -> None:
        """Nothing to see, nothing to say."""
        assert list(self.verdicts_on(run, ())) == []


class RenameProductsContract(Contract):
    """SPECIAL_PLUGIN of renameProducts. Override `moves` for your names."""

    hook = "rename_products_special_plugin"

    @pytest.fixture
    def moves(self, run: Run) -> Sequence[Move]:
        """The finished list."""
        return toy_moves(run)

    def moves_after(self, run: Run, moves: Sequence[Move]) -> Sequence[Move]:
        """Ask the PGI."""
        run, pgis = self.loaded(run)
        answer = pgis.ask(
            hookspecs.rename_products_special_plugin, run=run, moves=moves
        )
        return moves if answer is None else answer

    def test_the_same_products_are_moved(self, run: Run, moves: Sequence[Move]) -> None:
        """None is lost, none is added."""
        sources = [move.source for move in self.moves_after(run, moves)]
        assert sorted(sources) == sorted(move.source for move in moves)

    def test_names_are_unique(self, run: Run, moves: Sequence[Move]) -> None:
        """No product overwrites another one."""
        targets = [move.target for move in self.moves_after(run, moves)]
        assert len(set(targets)) == len(targets)

    def test_suffixes_are_kept(self, run: Run, moves: Sequence[Move]) -> None:
        """A file stays what it is."""
        for move in self.moves_after(run, moves):
            assert move.target.suffix == move.source.suffix

    def test_targets_lie_in_the_directories_of_the_run(
        self, run: Run, moves: Sequence[Move]
    ) -> None:
        """A name leads nowhere else."""
        for move in self.moves_after(run, moves):
            assert _is_inside(run, move.target)


class MoveProductsContract(Contract):
    """SPECIAL_PLUGIN of moveProducts. Override `products` for your categories."""

    hook = "move_products_special_plugin"

    @pytest.fixture
    def products(self, run: Run) -> Sequence[Product]:
        """Certified products, where they wait."""
        blocks = toy_cascade().blocks[:2]
        return [product for block in blocks for product in toy_products(run, block)]

    def moves_of(self, run: Run, products: Sequence[Product]) -> Sequence[Move]:
        """Ask the PGI."""
        run, pgis = self.loaded(run)
        answer = pgis.ask(
            hookspecs.move_products_special_plugin, run=run, products=products
        )
        return () if answer is None else answer

    def test_each_product_is_moved_at_most_once(
        self, run: Run, products: Sequence[Product]
    ) -> None:
        """And nothing but products."""
        sources = [move.source for move in self.moves_of(run, products)]
        assert len(set(sources)) == len(sources)
        assert set(sources) <= {product.path for product in products}

    def test_they_go_into_the_directories_of_the_run(
        self, run: Run, products: Sequence[Product]
    ) -> None:
        """Never elsewhere."""
        for move in self.moves_of(run, products):
            assert _is_inside(run, move.target)

    def test_none_overwrites_another(
        self, run: Run, products: Sequence[Product]
    ) -> None:
        """Each goes to a place of its own, and stays what it is."""
        moves = self.moves_of(run, products)
        assert len({move.target for move in moves}) == len(moves)
        for move in moves:
            assert move.target.suffix == move.source.suffix


def _is_inside(run: Run, path: Path) -> bool:
    directories = attrs.astuple(run.config.directories)
    return any(path.resolve().is_relative_to(d.resolve()) for d in directories)
