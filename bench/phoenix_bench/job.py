"""pgi_phoenix_BENCH_JOB: two at a time."""

from phoenix_core import hookimpl
from phoenix_core.model import Cascade, Job


@hookimpl
def job_pgi(cascade: Cascade) -> list[Job]:
    """Make one job of each AB."""
    return [Job(b.name, needs=b.needs, limit=2) for b in cascade.blocks]
