"""pgi_phoenix_GEN_single_stream: everything, one after the other."""

from phoenix_core import hookimpl
from phoenix_core.model import Cascade, Job


@hookimpl
def job_pgi(cascade: Cascade) -> list[Job]:
    """Put every AB into one stream that holds one job at a time."""
    return [Job(block.name, needs=block.needs) for block in cascade.blocks]
