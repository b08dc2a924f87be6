"""The QC of what the real recipes make out of simulated exposures."""

import pytest

from phoenix_core.process_qc import process_qc, read_reports

QC = '[processQC]\nQC_PROCEDURE = ["pgi_phoenix_MUSE_QC"]\n'


@pytest.fixture
def reports(bench):
    """The reports of all ABs of the run that have one, by recipe."""
    measured = bench.configured(QC)
    for recipe in ("muse_scibasic", "muse_scipost", "muse_exp_align"):
        for name in measured.names(recipe):
            process_qc(measured.run, measured.pgis, name)
    process_qc(measured.run, measured.pgis, measured.name("muse_exp_combine"))
    found = {}
    for report in read_reports(measured.run):
        found.setdefault(report.recipe, []).append(report)
    return found


def test_a_good_run_is_green_and_its_deep_cube_as_deep_as_it_should_be(reports):
    assert set(reports) == {"muse_scipost", "muse_exp_combine"}
    singles, (deep,) = reports["muse_scipost"], reports["muse_exp_combine"]
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
        seeing = report.parameters["SEEING"]
        assert report.parameters["FWHM"] == pytest.approx(seeing, rel=0.35)
        assert report.parameters["NUM_SAT"] >= 0
