"""What pgi_phoenix_GEN_MCAL promises: no run starts without its files."""

import numpy as np
from astropy.io import fits

from phoenix_core.model import Cascade
from phoenix_core.testing import HdrPgiContract, toy_block


class TestMcal(HdrPgiContract):
    pgi = "pgi_phoenix_GEN_MCAL"

    def errors_of(self, run, cascade):
        findings = self.findings_of(run, cascade)
        return [finding for finding in findings if finding.is_error]

    def test_a_missing_file_says_where_to_put_it_and_who_takes_it(
        self, run, cascade, needed
    ):
        needed.unlink()
        (error,) = self.errors_of(run, cascade)
        assert (
            error.message == f"m.fits is not below {needed.parent}; put it there (a.ab)"
        )
        assert error.block == "a.ab"

    def test_a_calibration_among_the_raw_files_is_not_there(self, run, cascade, needed):
        needed.rename(run.config.directories.raw / needed.name)
        (error,) = self.errors_of(run, cascade)
        assert "m.fits is not below" in error.message

    def test_files_are_found_in_any_depth(self, run, cascade, needed):
        deep = needed.parent / "2014" / "10" / needed.name
        deep.parent.mkdir(parents=True)
        needed.rename(deep)
        assert self.errors_of(run, cascade) == []

    def test_two_files_of_one_name_are_both_named(
        self, run, cascade, needed, fits_product
    ):
        other = fits_product({}, needed.parent / "old" / needed.name)
        (error,) = self.errors_of(run, cascade)
        assert str(needed) in error.message
        assert str(other) in error.message

    def test_a_truncated_file_is_to_be_fetched_again(self, run, cascade, needed):
        needed.write_bytes(needed.read_bytes()[:-1])
        (error,) = self.errors_of(run, cascade)
        assert str(needed) in error.message
        assert "truncated" in error.message
        assert "fetch it again" in error.message

    def test_a_flipped_byte_is_found_and_its_hdu_named(self, run, cascade, needed):
        content = bytearray(needed.read_bytes())
        content[2880] ^= 1
        needed.write_bytes(content)
        (error,) = self.errors_of(run, cascade)
        assert "DATASUM of HDU 0 is wrong" in error.message

    def test_a_link_to_nowhere_is_told(self, run, cascade, needed):
        needed.unlink()
        needed.symlink_to("nowhere")
        (error,) = self.errors_of(run, cascade)
        assert "cannot be read (No such file or directory)" in error.message

    def test_a_file_of_many_blocks_is_told_once(self, run, needed, fits_product):
        raw = run.config.directories.raw
        blocks = []
        for n in range(8):
            fits_product({}, raw / f"a{n}.fits")
            block = toy_block(f"a{n}.ab")
            blocks.append(block.with_value("MCALIB", "REAL m.fits MASTER"))
        (error,) = self.errors_of(run, Cascade(tuple(blocks)))
        assert "a0.ab, a1.ab, a2.ab, a3.ab, a4.ab and 3 more" in error.message

    def test_what_other_blocks_make_need_not_be_there(self, run, fits_product):
        for name in "ab":
            fits_product({}, run.config.directories.raw / f"{name}.fits")
        blocks = (toy_block("a.ab"), toy_block("b.ab", ["a.ab"]))
        assert self.findings_of(run, Cascade(blocks)) == []

    def test_files_without_any_checksum_are_a_warning(self, run, cascade, needed):
        fits.PrimaryHDU(np.ones(4)).writeto(needed, overwrite=True)
        (warning,) = self.findings_of(run, cascade)
        assert not warning.is_error
        assert "without any CHECKSUM" in warning.message
        assert "m.fits" in warning.message

    def test_files_that_are_no_fits_only_have_to_be_there(self, run, cascade):
        text = run.config.directories.calib / "list.txt"
        text.write_text("no FITS file")
        block = cascade.blocks[0].with_value("MCALIB", "REAL list.txt LIST")
        assert self.findings_of(run, Cascade((block,))) == []

    def test_an_empty_cascade_needs_nothing(self, run):
        assert self.findings_of(run, Cascade(())) == []
