"""pgi_phoenix_EXAMPLE_JOB: a stream for each recipe, all of them side by side."""

from attrs import field, frozen, validators

from phoenix_core import hookimpl
from phoenix_core.model import Cascade, Job, Run


@frozen
class Options:
    """How many ABs of one recipe may run at a time."""

    parallel: int = field(default=2, validator=validators.ge(1))


@hookimpl
def job_pgi(run: Run, cascade: Cascade) -> list[Job]:
    """Make a job of each AB; it starts when the ABs it needs are done."""
    options = run.options("pgi_phoenix_EXAMPLE_JOB", Options)
    return [
        Job(
            block=block.name,
            needs=block.needs,
            stream=block.recipe,
            limit=options.parallel,
            seconds=0.1,
            memory=50_000_000,  # Python and numpy; the frames are nothing
        )
        for block in cascade.blocks
    ]
