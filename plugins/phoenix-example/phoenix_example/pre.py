"""pgi_phoenix_EXAMPLE_pre: the inputs of a call, tag by tag and in order of time."""

from phoenix_core import hookimpl
from phoenix_core.model import AssociationBlock


@hookimpl
def process_ab_pre_plugin(block: AssociationBlock) -> AssociationBlock:
    """Sort the inputs by tag and name; names of frames hold the time."""
    entries = sorted(block.sof, key=lambda entry: (entry.tag, entry.file))
    lines = [f"{entry.file} {entry.tag} {entry.content}" for entry in entries]
    return block.with_values("SOF_CONTENT", lines)
