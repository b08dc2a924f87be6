"""Contracts of the slots that plan a run and hand out its jobs."""

import os
import random
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from attrs import frozen

from phoenix_core import hookspecs
from phoenix_core.ab.cascade import check_cascade
from phoenix_core.ab.file import check_block
from phoenix_core.model import (
    AbStatus,
    AssociationBlock,
    Cascade,
    Finding,
    Job,
    Outcome,
    Run,
)
from phoenix_core.testing.contract import Contract, files_below
from phoenix_core.testing.fixtures import FitsProduct
from phoenix_core.testing.toys import toy_block, toy_cascade, toy_jobs


class AbSourceContract(Contract):
    """AB_SOURCE. Give a `run` that the source has ABs of."""

    hook = "ab_source"

    def blocks_of(self, run: Run) -> Sequence[AssociationBlock]:
        """Ask the PGI."""
        run, pgis = self.loaded(run)
        return pgis.call(hookspecs.ab_source, run=run)

    def test_every_block_has_a_name_of_its_own(self, run: Run) -> None:
        """No two ABs share a name, and there are some."""
        names = [block.name for block in self.blocks_of(run)]
        assert names
        assert sorted(set(names)) == sorted(names)

    def test_every_block_can_be_trusted(self, run: Run) -> None:
        """What phoenix reads of an AB is well formed."""
        for block in self.blocks_of(run):
            assert check_block(block) is block

    def test_asked_again_it_has_the_same_blocks(self, run: Run) -> None:
        """A source gives and keeps nothing."""
        first = {block.name: block.text for block in self.blocks_of(run)}
        assert {b.name: b.text for b in self.blocks_of(run)} == first


class AbPgiContract(Contract):
    """AB_PGI. Give `blocks`: ABs of several targets, some sharing an input."""

    hook = "ab_pgi"

    def cascade_of(self, run: Run, blocks: Sequence[AssociationBlock]) -> Cascade:
        """Ask the PGI."""
        run, pgis = self.loaded(run)
        return pgis.call(hookspecs.ab_pgi, run=run, blocks=blocks)

    def test_no_block_is_lost(
        self, run: Run, blocks: Sequence[AssociationBlock]
    ) -> None:
        """Each AB is in the cascade, or a finding says why not."""
        cascade = self.cascade_of(run, blocks)
        told = {finding.block for finding in cascade.findings}
        kept = {block.name for block in cascade.blocks}
        assert {block.name for block in blocks} - kept - told == set()

    def test_none_precedes_its_inputs(
        self, run: Run, blocks: Sequence[AssociationBlock]
    ) -> None:
        """Each AB is there once, behind all that it needs."""
        cascade = self.cascade_of(run, blocks)
        assert cascade.blocks
        check_cascade(cascade, self.pgi)

    def test_the_same_blocks_in_any_order_make_the_same_cascade(
        self, run: Run, blocks: Sequence[AssociationBlock]
    ) -> None:
        """How the AB source sorts makes no difference."""
        expected = self.cascade_of(run, blocks)
        shuffled = list(blocks)
        for seed in range(5):
            random.Random(seed).shuffle(shuffled)  # noqa: S311
            assert self.cascade_of(run, tuple(shuffled)) == expected

    def test_none_in_none_out(self, run: Run) -> None:
        """Without ABs the cascade is empty."""
        assert self.cascade_of(run, ()).blocks == ()


class HdrPgiContract(Contract):
    """HDR_PGI. Override `cascade` and `needed` for files of your instrument."""

    hook = "hdr_pgi"

    @pytest.fixture
    def cascade(self, run: Run, fits_product: FitsProduct) -> Cascade:
        """A cascade all of whose files are there."""
        fits_product({"ESO DPR CATG": "SCIENCE"}, run.config.directories.raw / "a.fits")
        fits_product(
            {"ESO PRO CATG": "MASTER"}, run.config.directories.calib / "m.fits"
        )
        block = toy_block("a.ab").with_value("MCALIB", "REAL m.fits MASTER")
        return Cascade((block,))

    @pytest.fixture
    def needed(self, run: Run) -> Path:
        """One of these files, without which there must be a finding."""
        return run.config.directories.calib / "m.fits"

    def findings_of(self, run: Run, cascade: Cascade) -> Sequence[Finding]:
        """Ask the PGI."""
        run, pgis = self.loaded(run)
        return pgis.call(hookspecs.hdr_pgi, run=run, cascade=cascade)

    def test_a_complete_run_has_no_error(self, run: Run, cascade: Cascade) -> None:
        """Nothing stops a run whose files are all there and whole."""
        errors = [f for f in self.findings_of(run, cascade) if f.is_error]
        assert errors == []

    def test_a_missing_file_is_named(
        self, run: Run, cascade: Cascade, needed: Path
    ) -> None:
        """A finding names the file that is not there.

        An error stops the run; a warning leaves it to the AB to fail in part 2.
        """
        needed.unlink()
        told = [f.message for f in self.findings_of(run, cascade)]
        assert any(needed.name in message for message in told), told

    def test_it_only_looks(self, run: Run, cascade: Cascade) -> None:
        """No file is changed."""
        before = files_below(run.config.directories.root)
        self.findings_of(run, cascade)
        assert files_below(run.config.directories.root) == before


class JobPgiContract(Contract):
    """JOB_PGI. Override `cascade` if yours knows only ABs of its instrument."""

    hook = "job_pgi"

    @pytest.fixture
    def cascade(self) -> Cascade:
        """A cascade of several targets."""
        return toy_cascade()

    def jobs_of(self, run: Run, cascade: Cascade) -> Sequence[Job]:
        """Ask the PGI."""
        run, pgis = self.loaded(run)
        return pgis.call(hookspecs.job_pgi, run=run, cascade=cascade)

    def test_every_block_gets_exactly_one_job(self, run: Run, cascade: Cascade) -> None:
        """No AB is forgotten, none is done twice, and no other is made up."""
        jobs = [job.block for job in self.jobs_of(run, cascade)]
        assert sorted(jobs) == sorted(block.name for block in cascade.blocks)

    def test_a_job_waits_for_all_that_its_block_needs(
        self, run: Run, cascade: Cascade
    ) -> None:
        """And it waits for nothing that stands behind it in the cascade."""
        place = {block.name: n for n, block in enumerate(cascade.blocks)}
        needs = {job.block: set(job.needs) for job in self.jobs_of(run, cascade)}
        for block in cascade.blocks:
            assert set(block.needs) <= needs[block.name]
            assert all(place[need] < place[block.name] for need in needs[block.name])

    def test_jobs_of_a_stream_agree_on_its_limit(
        self, run: Run, cascade: Cascade
    ) -> None:
        """A stream has one limit, and room for at least one job."""
        limits: dict[str, set[int]] = {}
        for job in self.jobs_of(run, cascade):
            limits.setdefault(job.stream, set()).add(job.limit)
        assert {stream: n for stream, n in limits.items() if len(n) > 1} == {}
        assert min(min(n) for n in limits.values()) >= 1

    def test_no_prediction_is_negative(self, run: Run, cascade: Cascade) -> None:
        """A job takes at least one core, and no less than nothing of the rest."""
        for job in self.jobs_of(run, cascade):
            assert job.cores >= 1
            assert min(job.seconds, job.memory, job.disk, job.memory_per_input) >= 0


@frozen
class JobDiary:
    """A process that writes down when each job starts and ends; some fail."""

    file: Path
    failing: frozenset[str] = frozenset()

    def __call__(self, job: Job) -> Outcome:
        """Pretend to process a job."""
        self._write(f"start {job.block}")
        time.sleep(0.02)  # so that jobs overlap where they may
        self._write(f"end {job.block}")
        if job.block in self.failing:
            return Outcome(job.block, AbStatus.FAILED, "it always fails")
        return Outcome(job.block, AbStatus.SUCCESSFUL)

    def _write(self, line: str) -> None:
        # One write of a file opened to append is whole, from any process.
        handle = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(handle, f"{line}\n".encode())
        finally:
            os.close(handle)

    @property
    def lines(self) -> list[str]:
        """What was written so far."""
        return self.file.read_text("utf-8").splitlines() if self.file.exists() else []


class BqsContract(Contract):
    """BQS. Nothing to override, unless your queue wants a `run` of its own."""

    hook = "bqs"

    @pytest.fixture
    def jobs(self) -> Sequence[Job]:
        """Jobs that wait for each other; the one of bad.ab fails."""
        return toy_jobs()

    @pytest.fixture
    def diary(self, tmp_path: Path) -> JobDiary:
        """What the queue is given to call."""
        return JobDiary(tmp_path / "diary.txt", frozenset({"bad.ab"}))

    def outcomes_of(
        self, run: Run, jobs: Sequence[Job], diary: JobDiary
    ) -> Sequence[Outcome]:
        """Ask the PGI, and let it run."""
        run, pgis = self.loaded(run)
        return tuple(pgis.call(hookspecs.bqs, run=run, jobs=jobs, process=diary))

    def test_every_job_has_exactly_one_outcome(
        self, run: Run, jobs: Sequence[Job], diary: JobDiary
    ) -> None:
        """Those that failed and were skipped included."""
        outcomes = self.outcomes_of(run, jobs, diary)
        assert sorted(o.block for o in outcomes) == sorted(job.block for job in jobs)

    def test_no_job_starts_before_its_needs_ended(
        self, run: Run, jobs: Sequence[Job], diary: JobDiary
    ) -> None:
        """A job finds the products of all that it needs."""
        self.outcomes_of(run, jobs, diary)
        place = {line: n for n, line in enumerate(diary.lines)}
        for job in jobs:
            for need in job.needs:
                if f"start {job.block}" in place:
                    assert place[f"end {need}"] < place[f"start {job.block}"]

    def test_what_needs_a_failed_job_is_skipped_with_the_cause(
        self, run: Run, jobs: Sequence[Job], diary: JobDiary
    ) -> None:
        """It is not even started, and all the rest is done."""
        outcomes = {o.block: o for o in self.outcomes_of(run, jobs, diary)}
        lost = {"behind.ab", "far_behind.ab"}
        for name in lost:
            assert outcomes[name].status is AbStatus.SKIPPED
            assert outcomes[name].cause
            assert f"start {name}" not in diary.lines
        assert outcomes["bad.ab"].status is AbStatus.FAILED
        done = {n for n, o in outcomes.items() if o.status is AbStatus.SUCCESSFUL}
        assert done == set(outcomes) - lost - {"bad.ab"}

    def test_no_stream_runs_more_than_its_limit(
        self, run: Run, jobs: Sequence[Job], diary: JobDiary
    ) -> None:
        """At no moment, however much room there is elsewhere."""
        self.outcomes_of(run, jobs, diary)
        by_name = {job.block: job for job in jobs}
        running: list[str] = []
        for line in diary.lines:
            word, name = line.split()
            if word == "end":
                running.remove(name)
                continue
            running.append(name)
            job = by_name[name]
            beside = [n for n in running if by_name[n].stream == job.stream]
            assert len(beside) <= job.limit, beside
