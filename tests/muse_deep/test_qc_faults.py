"""A fault turns the score red that is meant for it, and the exposure is named."""

import re

import pytest
from astropy.io import fits
from attrs import evolve, frozen

from phoenix_core.files.sums import sha256
from phoenix_core.processing.process_qc import process_qc

pytestmark = pytest.mark.usefixtures("no_pictures")
MADE_OF = ("PIXTABLE_REDUCED", "DATACUBE_FINAL", "IMAGE_FOV")
DEEP = ("COMPLETENESS", "SIZE", "CONSISTENCY")


@frozen
class Site:
    """A run with the QC of its exposures done, to break."""

    bench: object

    @property
    def exposures(self):
        return self.bench.names("muse_scipost")

    @property
    def dpc(self):
        return self.bench.name("muse_exp_combine")

    def of(self, name, category):
        return self.bench.product(name, category)

    def judge(self, name):
        """The report of an AB, measured anew where its products are others."""
        return process_qc(self.bench.run, self.bench.pgis, name)

    def edit(self, name, category, change):
        """Change a product, and let its AB say that it made it so."""
        path = self.of(name, category)
        with fits.open(path, memmap=False) as hdus:
            change(hdus)
            hdus.writeto(path, overwrite=True, checksum=True)
        size, total = path.stat().st_size, sha256(path)
        lines = [
            evolve(record, size=size, checksum=total).line
            if record.file == path.name
            else record.line
            for record in self.bench.block(name).products
        ]
        self.bench.edit(name, PRODUCTS=lines)

    def combine(self):
        """Combine anew with the real recipe, and judge the deep cube."""
        outcome = self.bench.process(self.dpc)
        assert outcome.status == "SUCCESSFUL", outcome
        return self.judge(self.dpc)

    def change(self, name, factor=1.0, more=0.0):
        """Change the fluxes in what was made of an exposure."""

        def changed(hdus):
            for hdu in hdus:
                if hdu.name == "DATA":
                    hdu.data = (hdu.data * factor + more).astype(hdu.data.dtype)
                elif hdu.name == "STAT":
                    hdu.data = (hdu.data * factor**2).astype(hdu.data.dtype)

        for category in MADE_OF:
            self.edit(name, category, changed)


@pytest.fixture
def site(measured, tmp_path):
    return Site(measured.copied(tmp_path / "data"))


def red(report):
    return [score.name for score in report.scores if score.colour == "red"]


def blamed(comment):
    """The exposures that a comment names, and what it says to drop."""
    return re.findall(r"MUSE\.\S+_pst\.ab", comment), re.findall(
        r"--drop (\S+)", comment
    )


def exposure(name):
    return name.removesuffix("_pst.ab")


def test_good_targets_are_green_and_flagged_for_what_they_lack(
    measured, measured_crowded
):
    # No twilight flat; in the crowded field no SKY, and arcs of another month.
    for good, flags in ((measured, "0000100000"), (measured_crowded, "0011100000")):
        assert [s.name for s in good.deep.scores] == list(DEEP)
        assert good.deep.parameters["QCFLAG"] == flags
        for report in (*good.singles, good.deep):
            assert (red(report), report.comments) == ([], ())
            assert report.total_score == 0
        for report in good.singles:
            assert len(report.scores) == 7


def test_a_misaligned_exposure_is_found(site):
    bad = site.exposures[2]
    (dal,) = site.bench.names("muse_exp_align")

    def moved(hdus):
        hdus[1].data["DEC_OFFSET"][2] += 0.8 / 3600

    site.edit(dal, "OFFSET_LIST", moved)
    report = site.combine()
    assert red(report) == ["CONSISTENCY"]
    (comment,) = [c for c in report.comments if "Misaligned" in c]
    assert blamed(comment) == ([bad], [exposure(bad)])
    assert f"-a {site.dpc}" in comment
    assert report.parameters["SHIFT_MAX"] == pytest.approx(0.8, abs=0.1)
    assert report.parameters["QCFLAG"][9] == "1"


def test_an_exposure_of_three_times_the_flux_is_found(site):
    bad = site.exposures[1]
    site.change(bad, factor=3.0)
    assert red(site.judge(bad)) == []
    report = site.combine()
    assert red(report) == ["CONSISTENCY"]
    (comment,) = report.comments
    assert comment.startswith("WARNING Different_flux: ")
    assert blamed(comment) == ([bad], [exposure(bad)])
    assert report.parameters["FLUX_RATIO_MAX"] == pytest.approx(3, rel=0.1)


def test_a_high_background_at_dawn_in_a_crowded_field_is_found(
    measured_crowded, tmp_path
):
    site = Site(measured_crowded.copied(tmp_path / "data"))
    bad = site.exposures[3]
    site.change(bad, more=600.0)
    single = site.judge(bad)
    assert red(single) == ["HISTO_BKG"]
    assert single.comments[0].startswith("WARNING High_background: ")
    report = site.combine()
    assert red(report) == ["CONSISTENCY"]
    (comment,) = report.comments
    assert comment.startswith("WARNING High_background: ")
    assert blamed(comment) == ([bad], [exposure(bad)])


def test_a_short_exposure_is_found(site):
    bad = site.exposures[0]

    def cut_short(hdus):
        hdus[0].header["EXPTIME"] = 60.0

    for category in MADE_OF:
        site.edit(bad, category, cut_short)
    site.judge(bad)
    report = site.combine()
    assert red(report) == ["COMPLETENESS"]
    (comment,) = report.comments
    assert comment.startswith("WARNING Short_exposure: ")
    assert blamed(comment) == ([bad], [exposure(bad)])
    assert report.parameters["COMPLETENESS"] == 0.75


def test_a_member_that_is_not_in_the_cube_is_found(site):
    bad = site.exposures[1]
    whole = site.bench.block(site.dpc).values("MCALIB")
    kept = [line for line in whole if bad not in line]
    site.bench.edit(site.dpc, MCALIB=kept)
    (dal,) = site.bench.names("muse_exp_align")
    assert site.bench.process(dal).status == "SUCCESSFUL"
    assert site.bench.process(site.dpc).status == "SUCCESSFUL"
    site.bench.edit(site.dpc, MCALIB=whole)
    report = site.judge(site.dpc)
    assert red(report) == ["COMPLETENESS"]
    (comment,) = report.comments
    assert comment.startswith("ERROR Not_combined: ")
    assert blamed(comment)[0] == [bad]
    assert report.parameters["PATTERN"] == "DEEP_3"


def test_a_wrong_sky_is_found(site):
    bad = site.exposures[0]
    sky = site.bench.names("muse_create_sky")[0]

    def too_bright(hdus):
        hdus[1].data["flux"] *= 4

    site.edit(sky, "SKY_CONTINUUM", too_bright)
    assert site.bench.process(bad).status == "SUCCESSFUL"
    single = site.judge(bad)
    assert red(single) == ["HISTO_BKG"]
    assert single.comments[0].startswith("WARNING Negative_background: ")
    assert single.parameters["QCFLAG"][7] == "1"
    report = site.combine()
    assert red(report) == ["CONSISTENCY"]
    (comment,) = report.comments
    assert comment.startswith("WARNING Negative_background: ")
    assert blamed(comment) == ([bad], [exposure(bad)])
    assert report.parameters["QCFLAG"][7] == "1"
