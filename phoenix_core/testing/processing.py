"""Contracts of the slots that process an AB."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from phoenix_core import hookspecs
from phoenix_core.association_block import is_safe_name
from phoenix_core.model import AssociationBlock, DrsCall, Finding, Product, Run
from phoenix_core.testing.contract import Contract, files_below
from phoenix_core.testing.toys import in_workdir, toy_block


class PrePluginContract(Contract):
    """PRE_PLUGIN of processAB. Override `block`: one with its SOF_CONTENT."""

    hook = "process_ab_pre_plugin"

    @pytest.fixture
    def block(self) -> AssociationBlock:
        """An AB whose inputs are known, in an order that may not be the best."""
        entries = [f"{name}.fits RAW {name}" for name in ("c", "a", "b")]
        return toy_block("a.ab").with_values("SOF_CONTENT", entries)

    def prepared(self, run: Run, block: AssociationBlock) -> AssociationBlock:
        """Ask the PGI."""
        run, pgis = self.loaded(run)
        answer = pgis.ask(hookspecs.process_ab_pre_plugin, run=run, block=block)
        return answer or block

    def test_it_keeps_name_and_recipe(self, run: Run, block: AssociationBlock) -> None:
        """It prepares the AB that it was given."""
        answer = self.prepared(run, block)
        assert (answer.name, answer.recipe) == (block.name, block.recipe)

    def test_it_loses_no_input(self, run: Run, block: AssociationBlock) -> None:
        """The same files with the same tags, in any order."""
        entries = self.prepared(run, block).sof
        assert sorted(entries, key=repr) == sorted(block.sof, key=repr)

    def test_twice_is_the_same_as_once(self, run: Run, block: AssociationBlock) -> None:
        """A call that is repeated finds the AB prepared before."""
        once = self.prepared(run, block)
        assert self.prepared(run, once) == once


class DrsContract(Contract):
    """DRS. Give `block`: an AB with its SOF_CONTENT, and its inputs on disk.

    `with_inputs` makes one of an AB that needs no other.
    """

    hook = "process_ab_drs"

    @pytest.fixture
    def workdir(self, run: Run, block: AssociationBlock) -> Path:
        """The empty directory in which it is processed."""
        return in_workdir(run, block)

    def products_of(
        self, run: Run, block: AssociationBlock, workdir: Path
    ) -> Sequence[Product]:
        """Ask the PGI."""
        run, pgis = self.loaded(run)
        return pgis.call(
            hookspecs.process_ab_drs, run=run, block=block, workdir=workdir
        )

    def call_of(self, run: Run, block: AssociationBlock) -> DrsCall | None:
        """Ask the companion of the PGI, where it has one."""
        run, pgis = self.loaded(run)
        return pgis.ask(hookspecs.process_ab_drs_call, run=run, block=block)

    def test_products_are_files_in_the_working_directory(
        self, run: Run, block: AssociationBlock, workdir: Path
    ) -> None:
        """All that it says it made is there, once."""
        paths = [p.path for p in self.products_of(run, block, workdir)]
        assert paths
        assert len(set(paths)) == len(paths)
        for path in paths:
            assert path.is_file()
            assert path.resolve().is_relative_to(workdir.resolve())

    def test_products_belong_to_the_block(
        self, run: Run, block: AssociationBlock, workdir: Path
    ) -> None:
        """Each has a category, which names files, and no other AB's name."""
        for product in self.products_of(run, block, workdir):
            assert product.block in {"", block.name}
            assert is_safe_name(product.category)

    def test_it_leaves_a_log(
        self, run: Run, block: AssociationBlock, workdir: Path
    ) -> None:
        """There is something to read when it went wrong."""
        self.products_of(run, block, workdir)
        assert (workdir / block.log_name).stat().st_size > 0

    def test_it_writes_nowhere_else(
        self, run: Run, block: AssociationBlock, workdir: Path
    ) -> None:
        """Inputs and everything beside the working directory stay as they are."""
        before = files_below(run.config.directories.root)
        self.products_of(run, block, workdir)
        after = files_below(run.config.directories.root)
        assert {p: c for p, c in after.items() if workdir not in p.parents} == before

    def test_asked_what_it_would_call_it_calls_nothing(
        self, run: Run, block: AssociationBlock
    ) -> None:
        """The companion hook, if there is one, tells the same each time."""
        before = files_below(run.config.directories.root)
        call = self.call_of(run, block)
        assert self.call_of(run, block) == call
        assert files_below(run.config.directories.root) == before
        if call is not None:
            assert call.version


class CheckPluginContract(Contract):
    """CHECK_PLUGIN. Give `block`, its `products`, and `spoiled`.

    Both are files in ``run.work_dir(block.name)``; spoiled ones are those of a recipe
    that failed in silence.
    """

    hook = "process_ab_check_plugin"

    def findings_of(
        self, run: Run, block: AssociationBlock, products: Sequence[Product]
    ) -> Sequence[Finding]:
        """Ask the PGI."""
        run, pgis = self.loaded(run)
        return pgis.call(
            hookspecs.process_ab_check_plugin, run=run, block=block, products=products
        )

    def test_good_products_pass(
        self, run: Run, block: AssociationBlock, products: Sequence[Product]
    ) -> None:
        """There is no error where there is none."""
        findings = self.findings_of(run, block, products)
        assert [f for f in findings if f.is_error] == []

    def test_spoiled_products_do_not(
        self, run: Run, block: AssociationBlock, spoiled: Sequence[Product]
    ) -> None:
        """An error says in words what is wrong."""
        findings = self.findings_of(run, block, spoiled)
        errors = [f.message for f in findings if f.is_error]
        assert errors
        assert all(message.strip() for message in errors)

    def test_it_only_looks(
        self, run: Run, block: AssociationBlock, products: Sequence[Product]
    ) -> None:
        """No file is changed."""
        before = files_below(run.config.directories.root)
        self.findings_of(run, block, products)
        assert files_below(run.config.directories.root) == before


class PostPluginContract(Contract):
    """POST_PLUGIN of processAB. Give `block`, and `products` in its working directory.

    That is ``run.work_dir(block.name)``.
    """

    hook = "process_ab_post_plugin"

    def products_after(
        self, run: Run, block: AssociationBlock, products: Sequence[Product]
    ) -> Sequence[Product]:
        """Ask the PGI."""
        run, pgis = self.loaded(run)
        spec = getattr(hookspecs, self.hook)
        answer: Sequence[Product] | None = pgis.ask(
            spec, run=run, block=block, products=products
        )
        return products if answer is None else answer

    def test_it_invents_no_product(
        self, run: Run, block: AssociationBlock, products: Sequence[Product]
    ) -> None:
        """Each product that is published is a file in the working directory."""
        workdir = run.work_dir(block.name).resolve()
        for product in self.products_after(run, block, products):
            assert product.path.is_file()
            assert product.path.resolve().is_relative_to(workdir)

    def test_no_product_is_there_twice(
        self, run: Run, block: AssociationBlock, products: Sequence[Product]
    ) -> None:
        """One product, one file."""
        paths = [p.path for p in self.products_after(run, block, products)]
        assert len(set(paths)) == len(paths)

    def test_products_still_belong_to_the_block(
        self, run: Run, block: AssociationBlock, products: Sequence[Product]
    ) -> None:
        """Each has a category, which names files, and no other AB's name."""
        for product in self.products_after(run, block, products):
            assert product.block in {"", block.name}
            assert is_safe_name(product.category)

    def test_it_writes_nowhere_else(
        self, run: Run, block: AssociationBlock, products: Sequence[Product]
    ) -> None:
        """Everything beside the working directory stays as it is."""
        root, workdir = run.config.directories.root, run.work_dir(block.name)
        before = {
            p: c for p, c in files_below(root).items() if workdir not in p.parents
        }
        self.products_after(run, block, products)
        after = {p: c for p, c in files_below(root).items() if workdir not in p.parents}
        assert after == before


class FinalPluginContract(PostPluginContract):
    """FINAL_PLUGIN of processAB. Give `block` and `products` as for POST_PLUGIN."""

    hook = "process_ab_final_plugin"
