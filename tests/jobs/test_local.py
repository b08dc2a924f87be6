"""local (BQS): every job once, in order, and never more at a time than there is."""

import threading
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phoenix_core.config import read_config
from phoenix_core.jobs.local import Budget, _outcomes, bqs, budget
from phoenix_core.model import AbStatus, Job, Outcome, Run


@st.composite
def job_graphs(draw):
    streams = draw(
        st.lists(st.tuples(st.sampled_from("xyz"), st.integers(1, 3)), min_size=1)
    )
    limit_of = dict(streams)
    jobs = []
    for number in range(draw(st.integers(0, 14))):
        stream = draw(st.sampled_from(sorted(limit_of)))
        before = st.sampled_from(jobs).map(lambda job: job.block)
        jobs.append(
            Job(
                f"{number}.ab",
                needs=tuple(draw(st.lists(before, max_size=3)) if jobs else ()),
                stream=stream,
                limit=limit_of[stream],
                cores=draw(st.integers(1, 3)),
                seconds=draw(st.sampled_from([0.0, 1.0, 60.0])),
                memory=draw(st.integers(0, 10)),
            )
        )
    return tuple(draw(st.permutations(jobs)))


class Instrument:
    """A process that fails on demand, and records what was going on at each start."""

    def __init__(self, jobs, bad=()):
        self.jobs = {job.block: job for job in jobs}
        self.bad = bad
        self.guard = threading.Lock()
        self.running = set()
        self.started = []
        self.done = set()
        self.seen = []

    def __call__(self, job):
        with self.guard:
            self.running.add(job.block)
            self.started.append(job.block)
            now = [self.jobs[name] for name in self.running]
            self.seen.append((now, set(job.needs) <= self.done))
        time.sleep(0)
        with self.guard:
            self.running.discard(job.block)
            if job.block in self.bad:
                return Outcome(job.block, AbStatus.FAILED, "bad")
            self.done.add(job.block)
        return Outcome(job.block, AbStatus.SUCCESSFUL)


@given(job_graphs(), st.integers(3, 5), st.integers(10, 15), st.data())
@settings(deadline=None, max_examples=60)
def test_every_job_has_one_outcome_after_its_needs_and_within_all_limits(
    jobs, cores, memory, data
):
    names = [job.block for job in jobs]
    bad = data.draw(st.sets(st.sampled_from(names))) if jobs else set()
    work = Instrument(jobs, bad)
    answers = list(_outcomes(jobs, work, Budget(cores, memory)))

    assert sorted(outcome.block for outcome in answers) == sorted(names)
    assert len(set(work.started)) == len(work.started)
    for now, were_needs_done in work.seen:
        assert were_needs_done
        assert sum(job.cores for job in now) <= cores
        assert sum(job.memory for job in now) <= memory
        beside = Counter(job.stream for job in now)
        assert all(beside[job.stream] <= job.limit for job in now)

    status = {outcome.block: outcome.status for outcome in answers}
    told = set()
    for outcome in answers:  # a need's outcome comes before that of its takers
        assert all(need in told for need in work.jobs[outcome.block].needs) or (
            outcome.status is AbStatus.SKIPPED
        )
        told.add(outcome.block)
    for job in jobs:
        is_lost = any(status[need] is not AbStatus.SUCCESSFUL for need in job.needs)
        assert (status[job.block] is AbStatus.SKIPPED) == is_lost
        assert (job.block in work.started) == (not is_lost)


def test_what_is_skipped_names_the_one_that_failed():
    jobs = (Job("a.ab"), Job("b.ab", ("a.ab",)), Job("c.ab", ("b.ab",)), Job("d.ab"))
    work = Instrument(jobs, {"a.ab"})
    told = {o.block: o.cause for o in _outcomes(jobs, work, Budget(1, 1))}
    assert told == {
        "a.ab": "bad",
        "b.ab": "it needs a.ab, which is FAILED",
        "c.ab": "it needs a.ab, which is FAILED",
        "d.ab": "",
    }


def test_jobs_in_a_circle_are_refused_before_any_is_run():
    jobs = (Job("a.ab"), Job("b.ab", ("c.ab",)), Job("c.ab", ("b.ab",)))
    work = Instrument(jobs)
    with pytest.raises(ValueError, match=r"wait for each other: b\.ab, c\.ab"):
        list(_outcomes(jobs, work, Budget(1, 1)))
    assert work.started == []


def test_the_longest_way_to_the_end_goes_first():
    jobs = (
        Job("short.ab", seconds=1),
        Job("long.ab", seconds=5),
        Job("first.ab", seconds=1),
        Job("last.ab", needs=("first.ab",), seconds=10),
    )
    work = Instrument(jobs)
    list(_outcomes(jobs, work, Budget(1, 1)))
    assert work.started == ["first.ab", "last.ab", "long.ab", "short.ab"]


def test_jobs_run_beside_each_other_where_there_is_room():
    together = threading.Barrier(3, timeout=20)

    def work(job):
        together.wait()
        return Outcome(job.block, AbStatus.SUCCESSFUL)

    jobs = [Job(f"{n}.ab", limit=3, memory=1) for n in range(3)]
    assert len(list(_outcomes(jobs, work, Budget(3, 3)))) == 3


def test_a_big_job_waits_for_memory_before_all_that_would_delay_it():
    """What ends before the memory is free anyway may start in front of it."""
    jobs = (
        Job("hold.ab", seconds=5, memory=6, stream="hold"),
        Job("after.ab", needs=("hold.ab",), seconds=100),
        Job("big.ab", seconds=50, memory=10, stream="big"),
        Job("slow.ab", seconds=40, memory=1, stream="slow"),
        Job("quick.ab", seconds=1, memory=1, stream="quick"),
    )
    started = []
    quick = threading.Event()

    def work(job):
        started.append(job.block)
        if job.block == "quick.ab":
            quick.set()
        if job.block == "hold.ab":
            assert quick.wait(20)
        return Outcome(job.block, AbStatus.SUCCESSFUL)

    list(_outcomes(jobs, work, Budget(4, 10)))
    assert started[:2] == ["hold.ab", "quick.ab"]
    assert started.index("big.ab") < started.index("slow.ab")


def test_a_job_that_nothing_can_hold_is_tried_alone():
    jobs = (Job("a.ab"), Job("big.ab", memory=100, cores=9), Job("b.ab"))
    work = Instrument(jobs)
    assert len(list(_outcomes(jobs, work, Budget(2, 10)))) == 3
    beside = [[job.block for job in now] for now, _ in work.seen]
    assert [names for names in beside if "big.ab" in names] == [["big.ab"]]


def test_whoever_stops_listening_starts_no_more_jobs():
    jobs = tuple(Job(f"{n}.ab") for n in range(9))
    work = Instrument(jobs)
    answers = _outcomes(jobs, work, Budget(1, 1))
    next(answers)
    answers.close()
    assert len(work.started) == 1


@pytest.mark.parametrize(
    ("options", "cores", "memory"),
    [("cores = 3\nmemory = 1.5", 3, 1_500_000_000), ("cores = 1", 1, None)],
)
def test_the_budget_is_that_of_the_configuration_or_the_machine(
    tmp_path, options, cores, memory
):
    path = tmp_path / "phoenix.toml"
    path.write_text(f'instrument = "X"\nmode = "DEEP"\n[local]\n{options}\n')
    found = budget(Run("2094-01-01", read_config(path)))
    assert found.cores == cores
    assert found.memory == memory or (memory is None and found.memory > 100_000_000)


def test_the_hook_runs_jobs_with_the_budget_of_the_run(tmp_path):
    path = tmp_path / "phoenix.toml"
    path.write_text('instrument = "X"\nmode = "DEEP"\n[local]\ncores = 1\n')
    jobs = [Job(f"{n}.ab", limit=9) for n in range(4)]
    work = Instrument(jobs)
    answers = bqs(Run("2094-01-01", read_config(path)), jobs, work)
    assert {outcome.status for outcome in answers} == {AbStatus.SUCCESSFUL}
    assert max(len(now) for now, _ in work.seen) == 1
