"""The QC of pst and dpc ABs, loaded and asked as a run does."""

import math

import attrs
import numpy as np
import pytest
from astropy.io import fits

from muse_deep_plugin.qc_procedure import PGI
from phoenix_core.ab_file import write_block
from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import ProcessingError
from phoenix_core.pgis import load
from phoenix_core.process_qc import process_qc, read_reports
from phoenix_core.slots import SLOTS
from phoenix_core.testing import QcProcedureContract

SIGMA = 8.0
TIMES = [f"MUSE.2014-10-23T0{n}:10:54.193" for n in range(1, 5)]
DPC = f"{TIMES[0]}_dpc.ab"
GOOD = dict.fromkeys(("COMBINED", "FILLED", "NOISE_GAIN", "FWHM", "BACKGROUND"), True)


def cube_file(path, sigma=SIGMA, level=3.0, seed=1, offsets=0, **cards):
    """A cube of noise around a background, with a star in it."""
    rng = np.random.default_rng(seed)
    data = rng.normal(level, sigma, (40, 48, 50)).astype(np.float32)
    data[:, 20:23, 30:33] += 500
    primary = fits.PrimaryHDU()
    primary.header.update({"EXPTIME": 600.0, "OBJECT": "NGC300"})
    for name, value in cards.items():
        primary.header[f"HIERARCH ESO {name.replace('_', ' ')}"] = value
    for n in range(1, offsets + 1):
        stem = f"HIERARCH ESO DRS MUSE OFFSET{n}"
        primary.header[f"{stem} DATE-OBS"] = TIMES[n - 1]
        primary.header[f"{stem} DRA"] = 1e-5 * n
        primary.header[f"{stem} DDEC"] = -1e-5 * n
    stat = np.full_like(data, sigma**2)
    hdus = [fits.ImageHDU(data, name="DATA"), fits.ImageHDU(stat, name="STAT")]
    for hdu in hdus:
        hdu.header.update({"CRVAL3": 5500.0, "CRPIX3": 1.0, "CD3_3": 1.25})
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.HDUList([primary, *hdus]).writeto(path, overwrite=True)
    return path


def ab(name, recipe, raw_type, category="DATACUBE_FINAL", **more):
    root = f"r.{name.removesuffix('.ab')}"
    record = f"{root}_{category}.fits {category} abc 1 KEPT"
    return AssociationBlock.create(
        {
            "AB_NAME": name,
            "RECIPE": recipe,
            "RAW_TYPE": raw_type,
            "TARGET": "NGC300_P1",
            "PROCESS_STATUS": "SUCCESSFUL",
            "FINGERPRINT": "f1",
            "PRODUCTS": [record],
            **more,
        }
    )


def finished(run, block):
    """Write the AB where its run has it, and return where its product lies."""
    run.ab_dir.mkdir(parents=True, exist_ok=True)
    write_block(run.ab_path(block.name), block)
    return run.product_dir(block.raw_type) / block.products[0].file


def pst(run, n, **changes):
    block = ab(f"{TIMES[n]}_pst.ab", "muse_scipost", "PIXTABLE_OBJECT")
    fwhm = {"QC_SCIPOST_FWHM_MEDIAN": 0.8, "OBS_ID": 100 + n // 2}
    cube_file(finished(run, block), seed=n, **(fwhm | changes))
    return block


def dpc(run, count=4, **changes):
    names = [time.removesuffix(".ab") for time in TIMES[:count]]
    block = ab(
        DPC,
        "muse_exp_combine",
        "MUSE_DEEP",
        "DATACUBE_DEEP",
        MCALIB=[f"VIRTUAL {n}_pst.ab PIXTABLE_REDUCED" for n in names],
        SOF_CONTENT=[f"r.{n}_pst.fits PIXTABLE_REDUCED x" for n in names],
    )
    good = {"sigma": SIGMA / math.sqrt(count), "offsets": count}
    good["QC_EXPCOMB_FWHM_MEDIAN"] = 0.8
    cube_file(finished(run, block), **(good | changes))
    return block


@pytest.fixture
def ask(run):
    """Do the QC of ABs with the PGI installed and these options of it."""

    def do(*blocks, **options):
        config = attrs.evolve(
            run.config,
            slots={"processQC.QC_PROCEDURE": (PGI,)},
            options={PGI: options} if options else {},
        )
        loaded = load(config, [slot for slot in SLOTS if slot.table == "processQC"])
        asked = attrs.evolve(run, config=config)
        return [process_qc(asked, loaded, block.name) for block in blocks][-1]

    return do


def scores(report):
    return {score.name: score.is_passed for score in report.scores}


class TestContract(QcProcedureContract):
    pgi = PGI

    @pytest.fixture
    def block(self, run):
        return pst(run, 0)

    @pytest.fixture
    def products(self, run, block):
        from phoenix_core.model import Product  # noqa: PLC0415

        path = run.product_dir(block.raw_type) / block.products[0].file
        return (Product(path, "DATACUBE_FINAL", block.name),)


def test_a_single_exposure_is_measured_and_scored(run, ask):
    report = ask(pst(run, 0))
    assert scores(report) == {"FWHM": True, "BACKGROUND": True}
    found = report.parameters
    assert found["SCIPOST FWHM MEDIAN"] == found["FWHM"] == 0.8
    assert found["BKG_MEDIAN"] == pytest.approx(3, abs=0.2)
    assert found["NOISE_PROPAGATED"] == SIGMA
    assert found["NOISE"] == pytest.approx(SIGMA, rel=0.03)
    assert "SKY_5577" not in found, "the line is not in the cube"
    assert (found["NX"], found["NY"], found["NLAMBDA"]) == (50, 48, 40)
    assert (found["N_EXPOSURES"], found["TEXPTIME"]) == (1, 600)
    assert (found["LAMBDA_MIN"], found["LAMBDA_MAX"]) == (5500, 5548.75)
    assert report.target == "NGC300_P1"
    assert len(report.plots) == 1


def test_a_deep_cube_of_four_has_half_the_noise(run, ask):
    blocks = [*(pst(run, n) for n in range(4)), dpc(run)]
    report = ask(*blocks)
    assert scores(report) == GOOD
    found = report.parameters
    assert found["PATTERN"] == "DEEP_4"
    assert found["TEXPTIME"] == 2400
    assert found["OB_IDS"] == "100 101"
    assert found["NOISE_GAIN"] == pytest.approx(1, rel=0.05)
    assert len(read_reports(run)) == 5


def test_a_deep_cube_that_gained_nothing_fails(run, ask):
    report = ask(*(pst(run, n) for n in range(4)), dpc(run, sigma=SIGMA))
    assert scores(report) == GOOD | {"NOISE_GAIN": False}
    assert report.parameters["NOISE_GAIN"] == pytest.approx(0.5, rel=0.05)


def test_an_exposure_that_was_dropped_silently_fails(run, ask):
    report = ask(*(pst(run, n) for n in range(4)), dpc(run, offsets=3))
    assert scores(report)["COMBINED"] is False
    assert report.parameters["PATTERN"] == "DEEP_3"


def test_a_deep_cube_blurred_by_its_alignment_fails(run, ask):
    singles = [pst(run, n) for n in range(4)]
    report = ask(*singles, dpc(run, QC_EXPCOMB_FWHM_MEDIAN=1.1))
    assert scores(report) == GOOD | {"FWHM": False}
    assert report.parameters["FWHM_SINGLES"] == 0.8


def test_a_deep_cube_that_is_far_too_bright_fails(run, ask):
    singles = [pst(run, n) for n in range(4)]
    report = ask(*singles, dpc(run, level=1.37e17, sigma=1e10))
    assert scores(report)["BACKGROUND"] is False
    assert report.comments == ("High_background",)


def test_a_high_background_of_a_single_exposure_is_told_on_the_deep_cube(run, ask):
    singles = [pst(run, n, level=900.0 if n == 1 else 3.0) for n in range(4)]
    report = ask(*singles, dpc(run))
    assert scores(report) == GOOD
    assert report.comments == ("High_background",)


def test_what_the_header_of_a_deep_cube_says_is_taken_without_single_reports(run, ask):
    block = dpc(run)
    path = run.product_dir(block.raw_type) / block.products[0].file
    fits.setval(path, "TEXPTIME", value=2400.0)
    assert ask(block).parameters["TEXPTIME"] == 2400


def test_without_the_single_reports_the_gain_is_unknown_until_they_are_there(run, ask):
    singles = [pst(run, n) for n in range(4)]
    deep = dpc(run)
    first = ask(deep)
    assert scores(first) == GOOD | {"NOISE_GAIN": False}
    assert "TEXPTIME" not in first.parameters
    assert scores(ask(*singles, deep))["NOISE_GAIN"] is True


def test_the_limits_are_those_of_the_configuration(run, ask):
    block = pst(run, 0, QC_SCIPOST_FWHM_MEDIAN=1.2)
    assert scores(ask(block)) == {"FWHM": True, "BACKGROUND": True}
    strict = ask(block, fwhm_max=1.0, background_max=2)
    assert scores(strict) == {"FWHM": False, "BACKGROUND": False}
    assert strict.comments == ("High_background",)


def test_what_the_pipeline_did_not_measure_is_not_passed(run, ask):
    report = ask(pst(run, 0, QC_SCIPOST_FWHM_MEDIAN=0.0))
    assert scores(report) == {"FWHM": False, "BACKGROUND": True}
    assert report.scores[0].value is None


def test_a_cube_of_nothing_has_a_report_and_a_plot(run, ask):
    report = ask(pst(run, 0, sigma=np.nan, level=np.nan))
    assert scores(report) == {"FWHM": True, "BACKGROUND": False}
    assert report.parameters["NAN_FRACTION"] == 1
    assert report.plots[0].is_file()


@pytest.mark.parametrize("recipe", ["muse_scibasic", "muse_exp_align", "hawki_x"])
def test_other_abs_have_no_report(run, ask, recipe):
    block = ab(f"{TIMES[0]}.ab", recipe, "OBJECT")
    cube_file(finished(run, block))
    assert ask(block) is None


def test_an_ab_whose_cube_is_deleted_has_no_report(run, ask):
    block = pst(run, 0)
    gone = block.with_values("PRODUCTS", ["x.fits DATACUBE_FINAL abc 1 DELETED"])
    write_block(run.ab_path(block.name), gone)
    assert ask(gone) is None


@pytest.mark.filterwarnings("ignore:File may have been truncated")
def test_a_cut_cube_is_told_by_its_name(run, ask):
    block = pst(run, 0)
    path = run.product_dir(block.raw_type) / block.products[0].file
    path.write_bytes(path.read_bytes()[:300_000])
    with pytest.raises(ProcessingError, match=path.name):
        ask(block)
