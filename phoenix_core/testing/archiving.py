"""Contracts of the slots that bring a run into the archive."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest

from phoenix_core import hookspecs
from phoenix_core.association_block import is_safe_name
from phoenix_core.errors import IngestionError
from phoenix_core.files.checksums import has_checksum, kind_of
from phoenix_core.files.sums import FileSums, sha256
from phoenix_core.fits.as_certified import certified_sha256
from phoenix_core.model import Idp, Product, Receipt, Run, Stored
from phoenix_core.testing.contract import Contract, files_below
from phoenix_core.testing.toys import toy_idp


class ConversionToolContract(Contract):
    """CONVERSION_TOOL. Give `products`: certified ones, where moveProducts put them.

    Override `needed`, too, where a dataset needs another of them than the first.
    """

    hook = "ingest_products_conversion_tool"

    @pytest.fixture
    def needed(self, products: Sequence[Product]) -> Path:
        """A file without which a dataset is not complete."""
        return products[0].path

    def converted(self, run: Run, products: Sequence[Product]) -> Sequence[Idp]:
        """Ask the PGI."""
        run, pgis = self.loaded(run)
        spec = hookspecs.ingest_products_conversion_tool
        return pgis.call(spec, run=run, products=products)

    def test_the_files_of_a_dataset_are_in_conv(
        self, run: Run, products: Sequence[Product]
    ) -> None:
        """A complete dataset is made, and each of its files is there."""
        complete = [i for i in self.converted(run, products) if not i.missing]
        assert complete
        conv = run.config.directories.reduced / run.date / "conv"
        for path in (path for idp in complete for path in (idp.path, *idp.files)):
            assert path.parent == conv
            assert path.is_file()
            assert not path.is_symlink()

    def test_a_dataset_is_of_an_ab_that_was_given(
        self, run: Run, products: Sequence[Product]
    ) -> None:
        """Only what is certified is converted."""
        idps = self.converted(run, products)
        assert {idp.block for idp in idps} <= {product.block for product in products}

    def test_the_names_of_files_can_be_told_apart(
        self, run: Run, products: Sequence[Product]
    ) -> None:
        """A name is one file's in the archive, and leads nowhere else."""
        idps = self.converted(run, products)
        names = Counter(p.name for idp in idps for p in (idp.path, *idp.files))
        assert max(names.values()) == 1
        assert all(is_safe_name(name) for name in names)

    def test_certified_files_stay_known_as_they_were(
        self, run: Run, products: Sequence[Product]
    ) -> None:
        """It makes copies, or what the files were is kept to the byte."""
        before = {product.path: sha256(product.path) for product in products}
        self.converted(run, products)
        assert {path: certified_sha256(path, FileSums()) for path in before} == before

    def test_twice_is_the_same_as_once(
        self, run: Run, products: Sequence[Product]
    ) -> None:
        """What is up to date is not made otherwise."""
        once = self.converted(run, products)
        files = {p: p.read_bytes() for i in once for p in (i.path, *i.files)}
        assert list(self.converted(run, products)) == list(once)
        assert {path: path.read_bytes() for path in files} == files

    def test_what_is_missing_is_told(
        self, run: Run, products: Sequence[Product], needed: Path
    ) -> None:
        """A dataset that lacks a file says so, or is not there."""
        whole = {i.block for i in self.converted(run, products) if not i.missing}
        needed.unlink()
        idps = self.converted(run, products)
        assert {idp.block for idp in idps if not idp.missing} < whole
        assert all(line.strip() for idp in idps for line in idp.missing)

    def test_of_nothing_nothing_is_made(self, run: Run) -> None:
        """Without certified products there are no datasets."""
        assert list(self.converted(run, ())) == []


class ArchiveContract(Contract):
    """ARCHIVE, with its proof. Override `idp` where it takes only files of its kind."""

    hook = "ingest_products_archive"

    @pytest.fixture
    def idp(self, run: Run) -> Idp:
        """A dataset: a science file and two that go with it."""
        return toy_idp(run)

    def archived(self, run: Run, idp: Idp) -> Receipt:
        """Ask the PGI."""
        run, pgis = self.loaded(run)
        return pgis.call(hookspecs.ingest_products_archive, run=run, idp=idp)

    def proved(self, run: Run, files: Sequence[Stored]) -> Sequence[Stored]:
        """Ask for the proof."""
        run, pgis = self.loaded(run)
        return pgis.call(hookspecs.ingest_products_archive_proof, run=run, files=files)

    def test_the_receipt_names_each_file_with_its_content(
        self, run: Run, idp: Idp
    ) -> None:
        """In their order, and with sums that the files have."""
        receipt = self.archived(run, idp)
        assert receipt.block == idp.block
        assert dt.datetime.fromisoformat(receipt.at).utcoffset() == dt.timedelta()
        paths = (idp.path, *idp.files)
        assert [file.name for file in receipt.files] == [path.name for path in paths]
        for file, path in zip(receipt.files, paths, strict=True):
            assert file.size == path.stat().st_size
            assert has_checksum(path, file.checksum)

    def test_files_are_left_where_they_are(self, run: Run, idp: Idp) -> None:
        """An archive takes copies."""
        before = {path: path.read_bytes() for path in (idp.path, *idp.files)}
        self.archived(run, idp)
        assert {path: path.read_bytes() for path in before} == before

    def test_asked_again_it_has_what_it_has(self, run: Run, idp: Idp) -> None:
        """There is no second copy, and no second place."""
        once = self.archived(run, idp)
        assert self.archived(run, idp).files == once.files

    def test_another_content_of_a_name_is_refused(self, run: Run, idp: Idp) -> None:
        """In a line that names the file; what is there stays."""
        once = self.archived(run, idp)
        idp.path.write_bytes(idp.path.read_bytes() + bytes(2880))
        with pytest.raises(IngestionError) as refused:
            self.archived(run, idp)
        assert idp.path.name in str(refused.value)
        assert "\n" not in str(refused.value)
        assert list(self.proved(run, once.files)) == list(once.files)

    def test_a_file_that_is_not_there_is_refused(self, run: Run, idp: Idp) -> None:
        """A dataset goes whole."""
        (idp.files or (idp.path,))[-1].unlink()
        with pytest.raises(IngestionError):
            self.archived(run, idp)

    def test_it_proves_what_it_holds(self, run: Run, idp: Idp) -> None:
        """All that a receipt names."""
        files = self.archived(run, idp).files
        assert list(self.proved(run, files)) == list(files)

    def test_what_it_does_not_hold_is_not_proved(self, run: Run, idp: Idp) -> None:
        """Neither a name it never had, nor another content of one that it has."""
        file = self.archived(run, idp).files[0]
        kind = kind_of(file.checksum)
        other = attrs.evolve(file, checksum=f"{kind}:{'1' * 8}")
        longer = attrs.evolve(file, size=file.size + 1)
        unknown = attrs.evolve(file, name="never_seen.fits", where="never_seen.fits")
        assert list(self.proved(run, (other, longer, unknown))) == []


class CleanupPluginContract(Contract):
    """CLEANUP_PLUGIN of ingestProducts. Override `idps` for datasets of yours."""

    hook = "ingest_products_cleanup_plugin"

    @pytest.fixture
    def idps(self, run: Run) -> Sequence[Idp]:
        """Datasets that the archive has proved to hold."""
        return [toy_idp(run)]

    def cleaned(self, run: Run, idps: Sequence[Idp]) -> Sequence[Path]:
        """Ask the PGI."""
        run, pgis = self.loaded(run)
        spec = hookspecs.ingest_products_cleanup_plugin
        answer = pgis.ask(spec, run=run, idps=idps)
        return () if answer is None else answer

    def test_only_fits_files_below_the_date_become_headers(
        self, run: Run, idps: Sequence[Idp]
    ) -> None:
        """Each is there, and named once."""
        paths = self.cleaned(run, idps)
        assert len(set(paths)) == len(paths)
        reduced = (run.config.directories.reduced / run.date).resolve()
        for path in paths:
            assert path.is_file()
            assert path.suffix == ".fits"
            assert path.resolve().is_relative_to(reduced)

    def test_it_only_looks(self, run: Run, idps: Sequence[Idp]) -> None:
        """The core writes headers, once it has the archive's proof."""
        before = files_below(run.config.directories.root)
        self.cleaned(run, idps)
        assert files_below(run.config.directories.root) == before

    def test_without_datasets_nothing_goes(self, run: Run) -> None:
        """What is not in the archive stays."""
        assert list(self.cleaned(run, ())) == []
