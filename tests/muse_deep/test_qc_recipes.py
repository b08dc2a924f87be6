"""The QC of what the real recipes make out of simulated exposures."""

import pytest

from muse_deep_plugin.qc_origin import origin


def test_a_good_run_is_green_and_its_deep_cube_as_deep_as_it_should_be(measured):
    singles, deep = measured.singles, measured.deep
    for report in (*singles, deep):
        assert report.is_green, (report.block, report.scores)
        assert report.plots[0].stat().st_size > 30_000
        assert report.target == "NGC300"
    count = len(singles)
    assert deep.parameters["PATTERN"] == f"DEEP_{count}"
    assert deep.parameters["NOISE_GAIN"] == pytest.approx(1, abs=0.15)
    spent = sum(report.parameters["TEXPTIME"] for report in singles)
    assert deep.parameters["TEXPTIME"] == spent
    each = [report.parameters["SKY_RES"] for report in singles]
    assert deep.parameters["SKY_RES"] == pytest.approx(sum(each) / count)
    for report in (*singles, deep):
        assert 22 < report.parameters["ABMAGLIM"] < 24  # as the recipe has it
        assert 0 < report.parameters["PIXNOISE"] < 5e-20
    for report in singles:
        assert report.parameters["FWHM_WHITE"] == pytest.approx(
            report.parameters["SEEING"], rel=0.1
        )
        seeing = report.parameters["SEEING"]
        assert report.parameters["FWHM"] == pytest.approx(seeing, rel=0.35)
        assert report.parameters["NUM_SAT"] >= 0


def test_it_is_known_how_exposures_were_calibrated(measured, measured_crowded):
    for report in measured.singles:
        found = report.parameters
        assert found["SKY_METHOD"] == "subtract-model"
        assert found["HAS_SKY"] is True
        assert found["HAS_SKY_FLAT"] is False
        assert 0 < found["ARC_DAYS"] <= 1.5
        assert found["SKY_FIT_ERRORS"] == 0
        assert found["LSHIFT_MAX"] < 0.05
        assert 0 < found["SKY_RESIDUAL"] < 200
    for report in measured_crowded.singles:
        found = report.parameters
        assert (found["SKY_METHOD"], found["HAS_SKY"]) == ("none", False)
        assert "SKY_RESIDUAL" not in found
        assert found["SKY_5577"] > 1000, "the line is there"
        assert found["LSHIFT_MAX"] < 0.1


def test_failed_fits_of_the_sky_are_read_from_the_logs(bench):
    name = bench.names("muse_scipost")[0]
    block = bench.block(name)
    log = bench.run.product_dir(block.raw_type) / block.log_name
    told = "[ERROR] muse_sky: Sky line fit failed with error code 5: Access\n"
    log.write_text(log.read_text() + told)
    assert origin(bench.run, block, {})["SKY_FIT_ERRORS"] == 1
    log.unlink()
    assert "SKY_FIT_ERRORS" not in origin(bench.run, block, {})
