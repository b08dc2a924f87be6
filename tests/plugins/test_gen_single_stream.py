"""What pgi_phoenix_GEN_single_stream promises."""

from phoenix_core.testing import JobPgiContract


class TestSingleStream(JobPgiContract):
    pgi = "pgi_phoenix_GEN_single_stream"

    def test_no_job_runs_beside_another(self, run, cascade):
        jobs = self.jobs_of(run, cascade)
        assert {(job.stream, job.limit) for job in jobs} == {("all", 1)}

    def test_jobs_keep_the_order_of_the_cascade(self, run, cascade):
        jobs = self.jobs_of(run, cascade)
        assert [job.block for job in jobs] == [block.name for block in cascade.blocks]
