"""Jobs: the documented streams, and predictions that are near what was measured."""

import numpy as np
import pytest
from astropy.io import fits

from muse_deep_plugin.ab_deep import deep_cascade
from muse_deep_plugin.stream import job_pgi, raw_size
from phoenix_core.ab.file import read_blocks
from phoenix_core.files.sums import FileSums
from phoenix_core.model import AssociationBlock, Cascade, Job
from phoenix_core.processing.process_ab import process_ab
from phoenix_core.testing import JobPgiContract

STREAMS = {
    "scibasic_SKY": 1,
    "create_sky": 1,
    "scibasic_OBJECT": 3,
    "scipost": 3,
    "exp_align": 1,
    "exp_combine": 1,
}


def jobs_of(bench):
    cascade = deep_cascade(read_blocks(bench.run.ab_dir))
    return cascade, job_pgi(bench.run, cascade)


def test_every_kind_of_ab_has_its_documented_stream(reduced):
    _, jobs = jobs_of(reduced)
    assert {job.stream: job.limit for job in jobs} == STREAMS


def test_the_number_of_streams_is_an_option(bench):
    many = bench.configured("[pgi_phoenix_MUSE_stream]\nstreams = 7\ncores = 2\n")
    _, jobs = jobs_of(many)
    limits = {job.stream: job.limit for job in jobs}
    assert limits["scipost"] == limits["scibasic_OBJECT"] == 7
    assert limits["exp_combine"] == 1
    assert {job.cores for job in jobs} == {2}


def test_a_job_waits_for_what_its_ab_needs_and_for_nothing_else(reduced):
    cascade, jobs = jobs_of(reduced)
    assert [job.block for job in jobs] == [block.name for block in cascade.blocks]
    assert [job.needs for job in jobs] == [block.needs for block in cascade.blocks]


def test_memory_is_predicted_near_what_the_recipes_take(bench):
    cascade, jobs = jobs_of(bench)
    one_of_each = {job.stream: job for job in jobs}
    assert len(one_of_each) == len(STREAMS)
    for job in one_of_each.values():
        bench.edit(job.block, PROCESS_STATUS="CREATED")
        outcome = process_ab(bench.run, bench.pgis, job.block, FileSums())
        assert outcome.memory * 0.9 < job.memory < outcome.memory * 1.5, job
    assert cascade.findings == ()


def full_exposure(path, detectors):
    """The headers of a real exposure's size, without its 36 MB a detector."""
    with path.open("wb") as file:
        primary = fits.Header([("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0)])
        file.write(primary.tostring().encode())
        for _ in range(detectors):
            header = fits.ImageHDU(np.zeros((2, 2), np.int16)).header
            header["NAXIS1"], header["NAXIS2"] = 4224, 4240
            header["HIERARCH ESO DET OUT1 NX"] = 2048
            header["HIERARCH ESO DET OUT1 NY"] = 2056
            file.write(header.tostring().encode())
            size = 4224 * 4240 * 2
            file.truncate(file.tell() + -(-size // 2880) * 2880)
            file.seek(0, 2)


def deep_jobs(run, count, detectors=24):
    """The jobs of a deep cube of real exposures."""
    full_exposure(run.config.directories.raw / "E.fits", detectors)
    blocks = []
    for number in range(count):
        blocks += [
            AssociationBlock.create(
                {
                    "AB_NAME": f"E{number}.ab",
                    "RECIPE": "muse_scibasic",
                    "RAW_TYPE": "OBJECT",
                    "RAWFILE": "E.fits OBJECT",
                }
            ),
            AssociationBlock.create(
                {
                    "AB_NAME": f"E{number}_pst.ab",
                    "RECIPE": "muse_scipost",
                    "RAW_TYPE": "PIXTABLE_OBJECT",
                    "RECIPE_PARAM": "--save=cube,individual",
                    "MCALIB": f"VIRTUAL E{number}.ab PIXTABLE_OBJECT",
                }
            ),
        ]
    dpc = AssociationBlock.create(
        {
            "AB_NAME": "E0_dpc.ab",
            "RECIPE": "muse_exp_combine",
            "RAW_TYPE": "MUSE_DEEP",
            "MCALIB": [f"VIRTUAL E{n}_pst.ab PIXTABLE_REDUCED" for n in range(count)],
        }
    )
    return job_pgi(run, Cascade((*blocks, dpc)))


def test_a_full_size_ifu_is_predicted_as_it_was_measured(run):
    scibasic, scipost, *_, dpc = deep_jobs(run, 2, detectors=1)
    assert scibasic.seconds == pytest.approx(7.7, rel=0.2)
    assert scibasic.memory == pytest.approx(1345e6, rel=0.2)
    assert scipost.seconds == pytest.approx(60, rel=0.2)
    assert scipost.memory == pytest.approx(1036e6, rel=0.2)
    assert dpc.seconds == pytest.approx(78, rel=0.2)
    assert dpc.memory == pytest.approx(1716e6, rel=0.2)


def test_detectors_are_reduced_one_by_one_unless_all_at_once_are_asked_for(run):
    scibasic = deep_jobs(run, 2)[0]
    assert scibasic.memory == pytest.approx(1345e6, rel=0.2)
    path = run.config.directories.raw / "E.fits"
    assert raw_size(path).detectors == 24
    block = AssociationBlock.create(
        {
            "AB_NAME": "A.ab",
            "RECIPE": "muse_scibasic",
            "RAW_TYPE": "OBJECT",
            "RAWFILE": "E.fits OBJECT",
            "RECIPE_PARAM": "--nifu=-1",
        }
    )
    (parallel,) = job_pgi(run, Cascade((block,)))
    assert parallel.memory > 20 * scibasic.memory


def test_a_hundred_exposures_take_about_what_the_page_says(run):
    dpc = deep_jobs(run, 100)[-1]
    assert dpc.memory == pytest.approx(1.6e12, rel=0.2)
    assert 10 * 3600 < dpc.seconds < 30 * 3600
    assert dpc.memory_per_input * 100 < dpc.memory
    assert dpc.memory_per_input == pytest.approx(13.5e9, rel=0.1)


def test_memory_and_disk_grow_with_the_exposures(run):
    few, many = deep_jobs(run, 2)[-1], deep_jobs(run, 20)[-1]
    assert many.memory - few.memory == pytest.approx(18 * few.memory_per_input)
    assert many.seconds > 9 * few.seconds
    assert many.disk == few.disk, "one cube, however many exposures"


def test_pixel_tables_dominate_the_disk(run):
    scibasic, scipost, *_ = deep_jobs(run, 2)
    assert scipost.disk > scibasic.disk > 9e9


def test_what_is_not_there_is_not_predicted(run, tmp_path):
    (tmp_path / "text.fits").write_text("no FITS")
    assert raw_size(tmp_path / "none.fits").rows == 0
    assert raw_size(tmp_path / "text.fits").rows == 0
    block = AssociationBlock.create(
        {
            "AB_NAME": "A.ab",
            "RECIPE": "muse_scibasic",
            "RAW_TYPE": "OBJECT",
            "RAWFILE": "none.fits OBJECT",
        }
    )
    (job,) = job_pgi(run, Cascade((block,)))
    expected = Job("A.ab", stream="scibasic_OBJECT", limit=3)
    assert job == expected


class TestStream(JobPgiContract):
    pgi = "pgi_phoenix_MUSE_stream"
