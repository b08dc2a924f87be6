"""CONVERTED in ``conv``: what each IDP was made from."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from attrs import frozen

from muse_deep_plugin.conversion.dataset import Dataset
from muse_deep_plugin.conversion.idp_cards import Grade
from muse_deep_plugin.conversion.names import Names
from phoenix_core import __version__
from phoenix_core.files.atomic import write_text

CONVERTED: Final = "CONVERTED"
UNDER_WAY: Final = "-"
"""In place of what an IDP was made from, while it is made."""

_WORDS: Final = (2, 3)  # of a line; older ones have no suffix


@frozen
class Known:
    """What an IDP was made from, and the suffix of its plots."""

    made_from: str
    suffix: str = ""


def fingerprint(
    dataset: Dataset,
    names: Names,
    sums: Mapping[Path, str],
    grades: Mapping[int, Grade],
) -> str:
    """Return what an IDP is made from: anything else would make another one."""

    def facts() -> Iterator[object]:
        yield __version__
        yield from (record.line for record in dataset.block.products)
        yield from (repr(one) for one in dataset.exposures)
        yield sorted(names.plots.values())
        yield [sums[path] for path in (dataset.log, *names.plots)]
        yield repr(sorted(dataset.report.parameters.items(), key=str))
        yield repr(sorted(grades.items()))

    return hashlib.sha256(json.dumps(list(facts())).encode()).hexdigest()[:32]


def read_converted(conv: Path) -> dict[str, Known]:
    """Read what was made, by the names of cubes; what is no line of it is passed by."""
    path = conv / CONVERTED
    lines = path.read_text("utf-8", "replace").splitlines() if path.is_file() else []
    words = [line.split() for line in lines]
    return {word[0]: Known(*word[1:]) for word in words if len(word) in _WORDS}


def write_converted(conv: Path, known: Mapping[str, Known]) -> None:
    """Write down what was made, in one step."""
    lines = (
        f"{name} {one.made_from} {one.suffix}\n" for name, one in sorted(known.items())
    )
    write_text(conv / CONVERTED, "".join(lines))
