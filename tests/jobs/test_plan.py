"""The plan: what a run will take, whether that fits, and the job file."""

import shutil

import pytest
from attrs import evolve

from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import PgiError
from phoenix_core.jobs.local import Budget
from phoenix_core.jobs.plan import (
    PlanRow,
    check_jobs,
    in_gb,
    in_time,
    rows_of,
    what_cannot_fit,
    write_job_file,
)
from phoenix_core.model import Cascade, Job

GB = 1_000_000_000


def ab(name, *needs, recipe="reduce", raw_type="OBJECT", raw=0):
    return AssociationBlock.create(
        {
            "RAW_TYPE": raw_type,
            "RECIPE": recipe,
            "AB_NAME": name,
            "RAWFILE": [f"{n}.fits OBJECT" for n in range(raw)],
            "MCALIB": [f"VIRTUAL {need} TABLE" for need in needs],
        }
    )


CASCADE = Cascade(
    (ab("a.ab", raw=1), ab("b.ab", raw=1), ab("c.ab", "a.ab", "b.ab", recipe="join"))
)
JOBS = (
    Job("a.ab", seconds=60, memory=2 * GB, disk=GB),
    Job("b.ab", seconds=80, memory=3 * GB, disk=GB),
    Job("c.ab", ("a.ab", "b.ab"), "deep", 1, 2, 600, 20 * GB, 5 * GB, 4 * GB),
)
BLOCKS = {block.name: block for block in CASCADE.blocks}


def test_jobs_that_keep_the_contract_pass():
    check_jobs(CASCADE, JOBS, "pgi_x")


@pytest.mark.parametrize(
    ("jobs", "told"),
    [
        (JOBS[1:], r"a\.ab has no job"),
        ((*JOBS, JOBS[0]), r"a\.ab has two jobs"),
        ((*JOBS, Job("d.ab")), r"d\.ab has a job and is not in the cascade"),
        ((*JOBS[:2], Job("c.ab", ("a.ab",))), r"job of c\.ab does not wait for b\.ab"),
        ((evolve(JOBS[0], limit=0), *JOBS[1:]), r"job of a\.ab has a limit or cores"),
        ((evolve(JOBS[0], cores=0), *JOBS[1:]), r"job of a\.ab has a limit or cores"),
        (
            (evolve(JOBS[0], needs=("z.ab",)), *JOBS[1:]),
            r"job of a\.ab waits for z\.ab, which has none",
        ),
        (
            (evolve(JOBS[0], needs=("c.ab",)), *JOBS[1:]),
            r"jobs wait for each other: a\.ab, c\.ab",
        ),
    ],
)
def test_jobs_against_the_contract_blame_the_pgi(jobs, told):
    with pytest.raises(PgiError, match=f"^pgi_x: .*{told}"):
        check_jobs(CASCADE, jobs, "pgi_x")


def test_the_table_sums_jobs_of_one_kind_up():
    assert rows_of(CASCADE, JOBS, {"a.ab", "b.ab", "c.ab"}) == (
        PlanRow("reduce", "OBJECT", "all", 1, 2, 2, 140, 3 * GB, 2 * GB),
        PlanRow("join", "OBJECT", "deep", 1, 1, 1, 600, 20 * GB, 5 * GB),
    )


def test_the_table_counts_what_is_done_and_predicts_what_is_due():
    reduced, joined = rows_of(CASCADE, JOBS, {"c.ab"})
    assert (reduced.number, reduced.due, reduced.seconds, reduced.disk) == (2, 0, 0, 0)
    assert (joined.number, joined.due, joined.seconds) == (1, 1, 600)


def test_what_fits_has_no_finding(run):
    assert what_cannot_fit(run, JOBS, Budget(2, 20 * GB), BLOCKS) == ()


def test_a_job_that_takes_too_much_memory_is_refused_saying_what_would_fit(run):
    (finding,) = what_cannot_fit(run, JOBS, Budget(2, 17 * GB), BLOCKS)
    assert finding.is_error
    assert finding.block == "c.ab"
    assert "needs about 20.0 GB of memory, the budget is 17.0 GB" in finding.message
    assert "of its 2 inputs at most 1 would fit" in finding.message


def test_a_job_of_which_nothing_fits_says_so(run):
    (finding,) = what_cannot_fit(run, JOBS[2:], Budget(2, GB), BLOCKS)
    assert "not one of its inputs would fit" in finding.message


def test_a_job_that_takes_too_many_cores_is_refused(run):
    (finding,) = what_cannot_fit(run, JOBS, Budget(1, 20 * GB), BLOCKS)
    assert finding.is_error
    assert finding.message == "c.ab takes 2 cores, there are 1"


def test_a_run_that_takes_more_disk_than_there_is_is_refused_saying_what_would(run):
    product = run.config.directories.product
    free = shutil.disk_usage(product).free
    product.rmdir()  # it need not be there yet
    (finding,) = what_cannot_fit(
        run, [Job("a.ab", disk=2 * free)], Budget(1, GB), BLOCKS
    )
    assert finding.is_error
    assert "of disk" in finding.message
    assert "process one target at a time (-a)" in finding.message


def test_every_need_comes_first_in_the_job_file_whatever_the_order_of_the_jobs(run):
    for jobs in (JOBS, JOBS[::-1]):
        path = write_job_file(run, jobs)
        assert path == run.config.directories.jobs / "execAB_2094-01-01"
        lines = path.read_text().splitlines()
        called = [line.split()[2] for line in lines if line.startswith("processAB -a ")]
        assert sorted(called) == ["a.ab", "b.ab", "c.ab"]
        assert called[-1] == "c.ab"
        assert "10 min, 20.0 GB" in lines[-1]
        assert all(
            line.startswith(("#", "processAB -a ", "export ", "cd ")) for line in lines
        )


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        *((0, "0 s"), (59.6, "60 s"), (90, "2 min"), (3600, "60 min")),
        *((5400, "1 h 30 min"), (86_399, "24 h 00 min")),
    ],
)
def test_times_are_told_as_people_read_them(seconds, told):
    assert in_time(seconds) == told


@pytest.mark.parametrize(
    ("size", "told"),
    [
        *((0, "0 kB"), (2500, "2 kB"), (1e6, "1.0 MB"), (3.14e9, "3.1 GB")),
        (2e12, "2.0 TB"),
    ],
)
def test_sizes_are_told_as_people_read_them(size, told):
    assert in_gb(size) == told
