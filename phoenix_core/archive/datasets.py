"""The datasets of a run in ``reduced/<date>/conv``, remembered with their ABs.

The file DATASETS says of each what it is made of and what belongs to it. It is written
by ingestProducts and by conversion tools that are called by hand, so that datasets can
be ingested also while no CONVERSION_TOOL is configured.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from phoenix_core.association_block import is_safe_name
from phoenix_core.errors import IngestionError
from phoenix_core.files.atomic import write_text
from phoenix_core.files.regular_file import read_regular
from phoenix_core.loader.entry_point import one_line
from phoenix_core.model import Idp, Run

DATASETS: Final = "DATASETS"
_WRONG: Final = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


@frozen
class Datasets:
    """What is in conv; `seen` are the certified ABs by the id of their products.

    They were there when ingestProducts looked last: an AB that is not among them may
    make another dataset.
    """

    idps: tuple[Idp, ...] = ()
    seen: Mapping[str, str] = {}


def conv_dir(run: Run) -> Path:
    """Return where the datasets of a run are made."""
    return run.config.directories.reduced / run.date / "conv"


def read_datasets(run: Run) -> Datasets:
    """Read what is remembered of conv; nothing, where nothing is.

    Raises:
        IngestionError: the file is damaged.
    """
    path = conv_dir(run) / DATASETS
    try:
        document = json.loads(read_regular(path))
        seen = {str(name): str(id_) for name, id_ in document["certified"].items()}
        idps = tuple(_read_idp(path.parent, row) for row in document["datasets"])
    except FileNotFoundError:
        return Datasets()
    except OSError as error:
        raise IngestionError(f"{path}: {error.strerror}") from error
    except _WRONG as error:
        raise IngestionError(
            f"{path} is damaged ({one_line(error)}); remove it and convert again"
        ) from error
    return Datasets(idps, seen)


def keep_datasets(
    run: Run, idps: Sequence[Idp], seen: Mapping[str, str] | None = None
) -> Datasets:
    """Remember datasets in place of earlier ones of the same ABs.

    Args:
        run: the run.
        idps: what was converted.
        seen: all certified ABs, if all of them were looked at.

    Raises:
        IngestionError: what was remembered is damaged, or cannot be written.
    """
    known = read_datasets(run)
    by_block = {idp.block: idp for idp in (*known.idps, *idps)}
    made = Datasets(tuple(by_block.values()), known.seen if seen is None else seen)
    document = {
        "certified": dict(made.seen),
        "datasets": [_row(idp) for idp in made.idps],
    }
    path = conv_dir(run) / DATASETS
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(document, indent=1) + "\n")
    except OSError as error:
        raise IngestionError(f"{path}: {error.strerror}") from error
    return made


def _row(idp: Idp) -> dict[str, Any]:
    return {
        "block": idp.block,
        "target": idp.target,
        "path": idp.path.name,
        "files": [path.name for path in idp.files],
        "missing": list(idp.missing),
    }


def _read_idp(conv: Path, row: Mapping[str, Any]) -> Idp:
    names = [str(row["path"]), *map(str, row["files"])]
    if wrong := [name for name in names if not is_safe_name(name)]:
        raise ValueError(f"'{wrong[0]}' is no name of a file")
    path, *files = (conv / name for name in names)
    return Idp(
        block=str(row["block"]),
        path=path,
        files=tuple(files),
        target=str(row["target"]),
        missing=tuple(map(str, row["missing"])),
    )
