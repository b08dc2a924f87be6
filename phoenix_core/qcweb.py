"""qcweb (AB_SOURCE): ABs from the AB store, any place that fsspec can read.

ABs lie as ``<ab_store>/<ab_branch>/<date>/<AB name>``.
"""

from pathlib import Path

import fsspec

from phoenix_core.ab_file import parse_block
from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import ConfigError
from phoenix_core.hookspecs import hookimpl
from phoenix_core.model import Run


@hookimpl
def ab_source(run: Run) -> list[AssociationBlock]:
    """Read every AB of the run's directory of the store."""
    config = run.config
    parts = (config.ab_store.rstrip("/"), config.ab_branch, run.date)
    url = "/".join(part for part in parts if part)
    try:
        store, root = fsspec.core.url_to_fs(url)
        names = sorted(
            path for path in store.ls(root, detail=False) if path.endswith(".ab")
        )
        contents = store.cat(names) if names else {}
    except FileNotFoundError:
        names = []
    except (OSError, ValueError, ImportError) as error:
        raise ConfigError(
            f"{config.path}: ab_store: {url} cannot be read: {error}"
        ) from error
    if not names:
        raise ConfigError(f"there are no ABs of {run.label} in {url}")
    return [parse_block(contents[name], Path(name)) for name in names]
