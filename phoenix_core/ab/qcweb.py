"""qcweb (AB_SOURCE): ABs from the AB store, any place that fsspec can read.

ABs lie as ``<ab_store>/<ab_branch>/<date>/<AB name>``.
"""

from phoenix_core.ab.store import ab_folder
from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import ConfigError
from phoenix_core.hookspecs import hookimpl
from phoenix_core.model import Run


@hookimpl
def ab_source(run: Run) -> list[AssociationBlock]:
    """Read every AB of the run's directory of the store."""
    config = run.config
    folder = ab_folder(config.ab_store, config.ab_branch, run.date, str(config.path))
    names = folder.names()
    if not names:
        raise ConfigError(f"there are no ABs of {run.label} in {folder.shown}")
    found = ((name, folder.read(name)) for name in names)
    return [_there(block, folder.path(name)) for name, block in found]


def _there(block: AssociationBlock | None, path: str) -> AssociationBlock:
    if block is None:
        raise ConfigError(f"{path} was taken away while the ABs were read; call again")
    return block
