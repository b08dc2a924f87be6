"""pgi_phoenix_HAWKI_tags (HDR_PGI): told in part 1 what part 2 would stumble over.

A file that an AB names and that is not there, frames without DIT, calibrations that do
not fit: all are warnings, since their AB will fail and the others go on.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from phoenix_core import hookimpl
from phoenix_core.ab.inputs import find_file
from phoenix_core.errors import ProcessingError
from phoenix_core.model import AssociationBlock, Cascade, Finding, Run
from phoenix_hawki.headers import Inputs
from phoenix_hawki.input_checks import count_problems, input_problems

PGI: Final = "pgi_phoenix_HAWKI_tags"


@hookimpl
def hdr_pgi(run: Run, cascade: Cascade) -> list[Finding]:
    """Look at the headers of all raw frames and REAL calibrations."""
    findings = []
    for block in cascade.blocks:
        tags = [*(r.tag for r in block.rawfiles), *(m.tag for m in block.mcalibs)]
        problems = list(count_problems(block.recipe, tags))
        inputs, missing = _files(run, block)
        problems += [*missing, *_problems(block, inputs)]
        findings += [
            Finding(f"{block.name} will fail: {problem}", block.name)
            for problem in problems
        ]
    return findings


def _problems(block: AssociationBlock, inputs: Inputs) -> Iterator[str]:
    try:
        yield from input_problems(block.recipe, inputs)
    except ProcessingError as error:
        yield str(error)


def _files(run: Run, block: AssociationBlock) -> tuple[Inputs, list[str]]:
    """The files that are there already, and a word on each that is missing."""
    directories = run.config.directories
    wanted = [(directories.raw, raw.file, raw.tag) for raw in block.rawfiles]
    wanted += [
        (directories.calib, mcalib.file, mcalib.tag)
        for mcalib in block.mcalibs
        if not mcalib.is_virtual
    ]
    found: list[tuple[Path, str]] = []
    missing = []
    for directory, name, tag in wanted:
        try:
            found.append((find_file(directory, name), tag))
        except ProcessingError as error:
            missing.append(str(error))
    return found, missing
