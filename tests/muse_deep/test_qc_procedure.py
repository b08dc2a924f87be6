"""The QC of pst and dpc ABs, loaded and asked as a run does."""

import math
import shutil

import attrs
import numpy as np
import pytest
from astropy.io import fits

from muse_deep_plugin.qc_parameters import OF_PIPELINE, PARAMETERS
from muse_deep_plugin.qc_procedure import PGI
from phoenix_core.ab.file import write_block
from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import ProcessingError
from phoenix_core.loader.pgis import load
from phoenix_core.processing.process_qc import process_qc, read_reports
from phoenix_core.processing.qc_report import report_path
from phoenix_core.slots import SLOTS
from phoenix_core.testing import QcProcedureContract

SIGMA = 8.0
FWHM = 4.0  # pixels
SCALE = 0.2  # arcsec
TIMES = [f"MUSE.2014-10-23T0{n}:10:54.193" for n in range(1, 5)]
DPC = f"{TIMES[0]}_dpc.ab"
STARS = ((12, 10), (12, 38), (36, 14), (34, 36), (24, 25))
GREEN = dict.fromkeys(("COMPLETENESS", "SIZE", "CONSISTENCY"), "green")
WCS = {
    "CTYPE1": "RA---TAN",
    "CTYPE2": "DEC--TAN",
    "CRVAL1": 13.7,
    "CRVAL2": -37.7,
    "CRPIX1": 25.0,
    "CRPIX2": 24.0,
    "CD1_1": -SCALE / 3600,
    "CD1_2": 0.0,
    "CD2_1": 0.0,
    "CD2_2": SCALE / 3600,
}
SPECTRUM = {
    "CRVAL3": 5500.0,
    "CRPIX3": 1.0,
    "CD3_3": 1.25,
    "BUNIT": "10**(-20)*erg/s/cm**2/Angstrom",
}


def stars(fwhm, flux=500.0):
    y, x = np.mgrid[0:48, 0:50]
    width = 2 * (fwhm / 2.3548) ** 2
    each = [np.exp(-((x - a) ** 2 + (y - b) ** 2) / width) for b, a in STARS]
    return flux * sum(each)


def cube_file(path, *, sigma=SIGMA, level=3.0, seed=1, offsets=0, fwhm=FWHM, **cards):
    """A cube of noise around a background, with stars in it, and its image."""
    rng = np.random.default_rng(seed)
    data = rng.normal(level, sigma, (40, 48, 50)) + stars(fwhm)
    data = data.astype(np.float32)
    primary = fits.PrimaryHDU()
    start = path.name.removeprefix("r.MUSE.").split("_")[0]
    primary.header.update({"EXPTIME": 600.0, "OBJECT": "NGC300", "NUM_SAT": 0})
    primary.header.update({"WDEL_MAX": 0.01, "DATE-OBS": start, "MJD-OBS": 56953.05})
    for name, value in cards.items():
        primary.header[f"HIERARCH ESO {name.replace('_', ' ')}"] = value
    for n in range(1, offsets + 1):
        stem = f"HIERARCH ESO DRS MUSE OFFSET{n}"
        primary.header[f"{stem} DATE-OBS"] = TIMES[n - 1].removeprefix("MUSE.")
        primary.header[f"{stem} DRA"] = 0.0
        primary.header[f"{stem} DDEC"] = 0.0
    stat = np.full_like(data, sigma**2)
    hdus = [fits.ImageHDU(data, name="DATA"), fits.ImageHDU(stat, name="STAT")]
    for hdu in hdus:
        hdu.header.update(WCS | SPECTRUM)
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.HDUList([primary, *hdus]).writeto(path, overwrite=True)
    image = fits.ImageHDU(data.mean(axis=0), name="DATA")
    image.header.update(WCS)
    named = path.with_name(path.name.replace("DATACUBE_FINAL", "IMAGE_FOV"))
    if named != path:
        fits.HDUList([fits.PrimaryHDU(), image]).writeto(named, overwrite=True)
    return path


def ab(name, recipe, raw_type, categories=("DATACUBE_FINAL",), **more):
    root = f"r.{name.removesuffix('.ab')}"
    return AssociationBlock.create(
        {
            "AB_NAME": name,
            "RECIPE": recipe,
            "RAW_TYPE": raw_type,
            "TARGET": "NGC300_P1",
            "PROCESS_STATUS": "SUCCESSFUL",
            "FINGERPRINT": "f1",
            "PRODUCTS": [f"{root}_{one}.fits {one} abc 1 KEPT" for one in categories],
            **more,
        }
    )


def finished(run, block):
    """Write the AB where its run has it, and return where its product lies."""
    run.ab_dir.mkdir(parents=True, exist_ok=True)
    write_block(run.ab_path(block.name), block)
    return run.product_dir(block.raw_type) / block.products[0].file


def pst(run, n, **changes):
    made = ("DATACUBE_FINAL", "IMAGE_FOV")
    block = ab(f"{TIMES[n]}_pst.ab", "muse_scipost", "PIXTABLE_OBJECT", made)
    usual = {"QC_SCIPOST_FWHM_MEDIAN": 0.8, "OBS_ID": 100 + n // 2}
    cube_file(finished(run, block), seed=n, **(usual | changes))
    return block


def dpc(run, count=4, **changes):
    names = [time.removesuffix(".ab") for time in TIMES[:count]]
    block = ab(
        DPC,
        "muse_exp_combine",
        "MUSE_DEEP",
        ("DATACUBE_DEEP",),
        MCALIB=[f"VIRTUAL {n}_pst.ab PIXTABLE_REDUCED" for n in names],
        SOF_CONTENT=[f"r.{n}_pst.fits PIXTABLE_REDUCED x" for n in names],
    )
    good = {"sigma": SIGMA / math.sqrt(count), "offsets": count}
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


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Where the reports of four good exposures are kept, once they are made."""
    return tmp_path_factory.mktemp("stored") / "PIXTABLE_OBJECT"


@pytest.fixture
def singles(no_pictures, run, ask, stored):
    """Four good exposures with their reports."""
    blocks = [pst(run, n) for n in range(4)]
    folder = run.product_dir(blocks[0].raw_type)
    if stored.exists():
        shutil.copytree(stored, folder, dirs_exist_ok=True)
    ask(*blocks)  # finds them finished
    shutil.copytree(folder, stored, dirs_exist_ok=True)
    return blocks


def colours(report):
    return {score.name: score.colour for score in report.scores}


def red(report):
    return [name for name, colour in colours(report).items() if colour == "red"]


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
    report = ask(pst(run, 0, OBS_AMBI_FWHM=1.0))
    assert red(report) == []
    assert report.comments == ()
    found = report.parameters
    assert found["SCIPOST FWHM MEDIAN"] == found["FWHM"] == 0.8
    assert found["FWHM_WHITE"] == pytest.approx(FWHM * SCALE, rel=0.05)
    assert found["FWHM_RATIO"] == found["FWHM_WHITE"]
    assert found["ELONGATION"] == pytest.approx(1, abs=0.1)
    assert found["N_SOURCES"] == found["NUM_SRC"] == len(STARS)
    assert found["BKG_MEDIAN"] == pytest.approx(3, abs=0.5)
    assert found["HISTO_BKG"] == pytest.approx(3, abs=1)
    assert found["NOISE_PROPAGATED"] == SIGMA
    assert found["NOISE"] == pytest.approx(SIGMA, rel=0.03)
    assert "SKY_5577" not in found, "the line is not in the cube"
    assert (found["NX"], found["NY"], found["NLAMBDA"]) == (50, 48, 40)
    assert [found[f"EDGE_{side}"] for side in ("LEFT", "RIGHT")] == [1, 50]
    assert (found["N_EXPOSURES"], found["TEXPTIME"]) == (1, 600)
    assert (found["LAMBDA_MIN"], found["LAMBDA_MAX"]) == (5500, 5548.75)
    assert report.target == "NGC300_P1"
    assert len(report.plots) == 1
    assert len(found["QCFLAG"]) == 9


def test_a_deep_cube_of_four_has_half_the_noise(run, ask, singles):
    report = ask(dpc(run))
    assert colours(report) == GREEN
    assert report.comments == ()
    found = report.parameters
    assert found["PATTERN"] == "DEEP_4"
    assert found["TEXPTIME"] == 2400
    assert found["OB_IDS"] == "100 101"
    assert found["NOISE_GAIN"] == pytest.approx(1, rel=0.05)
    assert found["DEPTH_GAIN_EXPECTED"] == pytest.approx(1.25 * math.log10(4))
    assert found["SHIFT_MAX"] < 0.05
    assert found["FLUX_RATIO_MIN"] == pytest.approx(1, abs=0.05)
    assert found["SIZE_RATIO"] == 1
    assert found["EXP3 NAME"] == TIMES[2]
    assert len(found["QCFLAG"]) == 10
    assert len(read_reports(run)) == 5


def test_every_parameter_is_one_that_the_page_knows(run, ask, singles):
    for report in (ask(singles[0]), ask(dpc(run))):
        for name in report.parameters:
            is_known = name in PARAMETERS or name.startswith((*OF_PIPELINE, "EXP"))
            assert is_known, name


def test_a_deep_cube_that_gained_nothing_is_told(run, ask, singles):
    report = ask(dpc(run, sigma=SIGMA))
    assert red(report) == ["CONSISTENCY"]
    (comment,) = report.comments
    assert comment.startswith("WARNING Shallow: the noise gained 0.5")


def test_a_deep_cube_blurred_by_its_alignment_is_told(run, ask, singles):
    report = ask(dpc(run, fwhm=1.4 * FWHM))
    assert red(report) == ["CONSISTENCY"]
    (comment,) = report.comments
    assert comment.startswith("WARNING Blurred: sources of 1.1")
    assert report.parameters["FWHM_SINGLES"] == pytest.approx(0.8, rel=0.05)


def broken(run, change):
    """A deep cube in which something was changed: its AB."""
    block = dpc(run)
    path = run.product_dir(block.raw_type) / block.products[0].file
    with fits.open(path, memmap=False) as hdus:
        change(hdus)
        hdus.writeto(path, overwrite=True)
    return block


def zeros(hdus):
    hdus["DATA"].data[:] = 0


def without_stat(hdus):
    del hdus["STAT"]


def empty_stat(hdus):
    hdus["STAT"].data[:] = np.nan


def half_empty(hdus):
    hdus["DATA"].data[::2] = np.nan


def no_step(hdus):
    hdus["DATA"].header["CD3_3"] = "1.25 A"


def no_place(hdus):
    hdus["DATA"].header["CRPIX1"] = None


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (zeros, "No_noise"),
        (without_stat, "No_stat"),
        (empty_stat, "No_stat"),
        (half_empty, "Cube_size"),
    ],
)
def test_a_deep_cube_of_nothing_to_measure_is_never_green(
    run, ask, singles, change, name
):
    report = ask(broken(run, change))
    assert ("SIZE" if name == "Cube_size" else "CONSISTENCY") in red(report)
    assert any(comment.startswith(f"WARNING {name}: ") for comment in report.comments)


@pytest.mark.parametrize(
    ("change", "told"),
    [(no_step, "CD3_3 is '1.25 A', expected a num"), (no_place, "CRPIX1 is ")],
)
def test_coordinates_that_are_no_numbers_are_told(run, ask, singles, change, told):
    with pytest.raises(ProcessingError, match=f"DATACUBE_DEEP.fits: {told}"):
        ask(broken(run, change))


def test_an_exposure_that_was_dropped_silently_is_named(run, ask, singles):
    report = ask(dpc(run, offsets=3))
    assert red(report) == ["COMPLETENESS"]
    (comment,) = report.comments
    assert comment.startswith("ERROR Not_combined: 1 of 4 exposures are not")
    assert f"{TIMES[3]}_pst.ab" in comment
    assert report.parameters["PATTERN"] == "DEEP_3"


def test_a_deep_cube_without_offsets_is_told(run, ask, singles):
    report = ask(dpc(run, offsets=0))
    assert any(c.startswith("WARNING Not_aligned: ") for c in report.comments)
    assert report.parameters["QCFLAG"][9] == "1"


def test_of_two_exposures_that_differ_both_are_named_and_none_is_dropped(run, ask):
    faint, bright = pst(run, 0), pst(run, 1)
    path = run.product_dir(bright.raw_type) / bright.products[1].file
    with fits.open(path, mode="update") as hdus:
        hdus["DATA"].data *= 3
    report = ask(faint, bright, dpc(run, count=2))
    assert red(report) == ["CONSISTENCY"]
    (comment,) = report.comments
    assert "one of the two, which cannot be told" in comment
    assert f"{faint.name} (0.3" in comment
    assert f"{bright.name} (3.0" in comment
    assert "--drop" not in comment


def test_an_odd_exposure_is_dropped_by_a_command_that_can_be_typed(run, ask, singles):
    odd = pst(run, 1, level=900.0)
    report_path(run, odd).unlink()
    report = ask(odd, dpc(run))
    assert red(report) == ["CONSISTENCY"]
    (comment,) = report.comments
    assert comment.startswith("WARNING High_background: above 300 in 1 of 4 exposures;")
    command = f"phoenix {run.option} --drop {TIMES[1]} -a {DPC}"
    assert comment.endswith(f"to combine without: {command}")


def test_without_the_single_reports_nothing_is_known_until_they_are_there(
    run, ask, singles
):
    for block in singles:
        report_path(run, block).rename(run.ab_dir / block.root)
    deep = dpc(run)
    first = ask(deep)
    assert red(first) == ["SIZE", "CONSISTENCY"]
    assert first.comments[0].startswith("WARNING No_QC: ")
    for block in singles:
        (run.ab_dir / block.root).rename(report_path(run, block))
    assert red(ask(deep)) == []


def test_an_image_without_true_coordinates_stops_nothing(run, ask, singles):
    path = run.product_dir(singles[2].raw_type) / singles[2].products[1].file
    fits.setval(path, "CD1_1", value=0.0, extname="DATA")
    found = ask(dpc(run)).parameters
    assert "EXP3 SHIFT" not in found
    assert found["EXP4 SHIFT"] < 0.05


def test_the_limits_are_those_of_the_configuration(run, ask):
    block = pst(run, 0)
    strict = {"name": "SHARP", "parameter": "FWHM_WHITE", "high": 0.5}
    report = ask(block, single=[strict])
    assert colours(report) == {"SHARP": "red"}
    assert report.comments[0].startswith("WARNING SHARP: SHARP is 0.")


def test_without_a_request_of_the_ob_the_sharpness_is_grey(run, ask):
    assert colours(ask(pst(run, 0)))["FWHM"] == "grey"


def test_a_cube_of_nothing_has_a_report_and_a_plot(run, ask):
    report = ask(pst(run, 0, sigma=np.nan, level=np.nan))
    assert red(report) == ["NUM_SRC", "HISTO_BKG"]
    assert report.parameters["NAN_FRACTION"] == 1
    assert report.comments[1].startswith("WARNING Background: HISTO_BKG is not known")
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
