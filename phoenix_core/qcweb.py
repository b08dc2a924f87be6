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

_LARGEST = 10_000_000  # bytes; an AB of 1,000 inputs has a hundredth


@hookimpl
def ab_source(run: Run) -> list[AssociationBlock]:
    """Read every AB of the run's directory of the store."""
    config = run.config
    parts = (config.ab_store.rstrip("/"), config.ab_branch, run.date)
    url = "/".join(part for part in parts if part)
    try:
        store, root = fsspec.core.url_to_fs(url)
        found = store.ls(root, detail=False)
    except FileNotFoundError:
        found = []
    except (OSError, ValueError, ImportError) as error:
        raise _unreadable(run, url, error) from error
    names = sorted(name for name in found if name.endswith(".ab"))
    if not names:
        raise ConfigError(f"there are no ABs of {run.label} in {_shown(url)}")
    blocks = []
    for name in names:
        try:
            told = store.info(name)
            if told["type"] != "file" or (told.get("size") or 0) > _LARGEST:
                raise ConfigError(f"{name} is no AB: a {told['type']}, or too large")
            # One by one: asked for many, a store takes [ and * in names for patterns.
            content = store.cat_file(name)
        except (OSError, ValueError) as error:
            raise _unreadable(run, name, error) from error
        blocks.append(parse_block(content, Path(name)))
    return blocks


def _unreadable(run: Run, url: str, error: Exception) -> ConfigError:
    told = f"ab_store: {_shown(url)} cannot be read: {error}"
    return ConfigError(f"{run.config.path}: {told}")


def _shown(url: str) -> str:
    """The address without a password."""
    return url.rsplit("@", maxsplit=1)[-1] if "://" in url else url
